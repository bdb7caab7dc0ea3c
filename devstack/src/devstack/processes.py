"""The processes of Heliograph: the one table of what runs, what it listens on and what it is told."""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from devstack.names import Names
from devstack.site import write_private
from devstack.unit import Unit

PREFIX = "HELIOGRAPH_"
# The caller's other HELIOGRAPH_* variables (LOG_LEVEL, OTLP_ENDPOINT, ...) reach every process; these do not.
NOT_PASSED_ON = ("ROOT", "CACHE", "PORT", "TEST_SERVERS", "SECRETS_DIR", "MTLS", "TLS_DIR")
MAIL = "mail"  # takes letters and sends none on
SMTP = "mail-smtp"  # its other port
SERVICES = ("user", "graph", "post", "feed", "notify", "search")


@dataclass(frozen=True)
class Process:
    """`service` names the settings it gets; `stores` are the servers it needs besides Redis and Kafka.

    `listens`: grpc, http, or nothing for a worker. Every process has an operations port.
    """

    name: str
    service: str
    arguments: tuple[str, ...]
    listens: str = ""
    stores: tuple[str, ...] = ()

    @property
    def module(self) -> str:
        return {"gateway": "gateway", MAIL: "devstack.mailsink"}.get(self.service, f"{self.service}_service")

    @property
    def ops(self) -> str:
        """The name of its operations port."""
        return f"{self.name}-ops"

    @property
    def probe(self) -> str:
        """The name of its probe port, which gRPC has."""
        return f"{self.name}-probe"


TABLE = (
    Process("user", "user", ("serve",), "grpc", ("postgres", "s3")),
    Process("user-worker", "user", ("work",), "", ("postgres", "s3")),
    Process("graph", "graph", ("serve",), "grpc", ("postgres",)),
    Process("post", "post", ("serve",), "grpc", ("postgres", "s3")),
    Process("media", "post", ("media",), "", ("postgres", "s3")),
    Process("feed", "feed", ("serve",), "grpc", ("cassandra",)),
    Process("fanout", "feed", ("fanout",), "", ("cassandra",)),
    Process("notify", "notify", ("serve",), "grpc", ("postgres", "cassandra")),
    Process("push", "notify", ("push",), "", ("postgres", "cassandra")),
    Process("search", "search", ("serve",), "grpc", ("elasticsearch",)),
    Process("index", "search", ("index",), "", ("elasticsearch",)),
    Process("gateway", "gateway", (), "http", ("s3",)),
    Process("gateway-upload", "gateway", (), "http", ("s3",)),
    Process(MAIL, MAIL, (), "http"),
)

# On one's own machine; the caller's variables go before it.
_PLAYGROUND = {f"{PREFIX}ADMIN_REQUIRES_FACTOR": "false"}

DATABASES = ("user", "graph", "post", "notify")
KEYSPACES = ("feed", "notify")
EDGE = "edge"


def default_ports() -> dict[str, int]:
    """gateway 8080, gateway-upload 8081, edge 8082, mail 8083; SMTP 18025; from 18001 gRPC, from 18101 operations, from
    18201 probes."""
    ports = {"gateway": 8080, "gateway-upload": 8081, EDGE: 8082, MAIL: 8083, SMTP: 18025}
    for number, process in enumerate(TABLE):
        if process.listens == "grpc":
            ports |= {process.name: 18001 + number, process.probe: 18201 + number}
    return ports | {process.ops: 18101 + number for number, process in enumerate(TABLE)}


@dataclass(frozen=True)
class Setting:
    """What processes are told beside their own ports: the servers' addresses, names, ports of all, and secrets.

    `tls` holds a folder of certificates for each service; None where they trust whoever calls.
    """

    root: Path
    servers: Mapping[str, str]
    names: Names
    ports: Mapping[str, int]
    secrets: Mapping[str, str]
    edge: bool = False
    tls: Path | None = None

    def url(self, process: str) -> str:
        return f"http://127.0.0.1:{self.ports[process]}"


def unit(process: Process, setting: Setting, extra: Mapping[str, str] | None = None) -> Unit:
    """`extra` goes over what the table says."""
    write_secrets(process, setting)
    return Unit(
        name=process.name,
        command=["setpriv", "--pdeathsig", "TERM", "--", sys.executable, "-m", process.module, *process.arguments],
        folder=setting.root,
        environment=environment(process, setting) | dict(extra or {}),
        stop_seconds=30,
    )


def environment(process: Process, setting: Setting) -> dict[str, str]:
    """Everything a process reads that is no secret."""
    own = {"OPS_LISTEN": f"127.0.0.1:{setting.ports[process.ops]}", "SECRETS_DIR": str(_folder(process, setting))}
    if process.listens:
        own["LISTEN"] = f"127.0.0.1:{setting.ports[process.name]}"
    if process.listens == "grpc":
        own["PROBE_LISTEN"] = f"127.0.0.1:{setting.ports[process.probe]}"
    if setting.tls and process.service != MAIL:
        own["TLS_DIR"] = str(setting.tls / process.service)
    own |= {f"{name.upper()}_TARGET": f"127.0.0.1:{setting.ports[name]}" for name in SERVICES}
    own |= {"TOPIC_PREFIX": setting.names.topics, "SEARCH_INDEX_PREFIX": setting.names.index}
    own["S3_BUCKET"] = setting.names.bucket
    own |= _of_service(process.service, setting)
    told = (
        _PLAYGROUND
        | passed_on(os.environ)
        | {name: value for name, value in setting.servers.items() if not _secret(name)}
    )
    told |= {PREFIX + name: value for name, value in own.items()}
    # gRPC's core reads its variable when it is imported, and writes what is no JSON.
    told |= {"PATH": os.environ.get("PATH", os.defpath), "LANG": "C.UTF-8", "PYTHONUNBUFFERED": "1"}
    return told | {"GRPC_VERBOSITY": os.environ.get("GRPC_VERBOSITY", "ERROR")}


def passed_on(variables: Mapping[str, str]) -> dict[str, str]:
    ours = tuple(PREFIX + name for name in NOT_PASSED_ON)
    return {name: value for name, value in variables.items() if name.startswith(PREFIX) and not name.startswith(ours)}


def _of_service(service: str, setting: Setting) -> dict[str, str]:
    if service in KEYSPACES:
        return {"CASSANDRA_KEYSPACE": setting.names.keyspaces + service}
    if service == "search":
        return {"SEARCH_REPLICAS": "0"}  # one node has no place for a replica
    if service == "user":
        # Browsers have passkeys belong to names alone, of which this machine has one.
        pages = f"http://localhost:{setting.ports['gateway']}"
        keys = str(setting.root / "secrets" / "token-keys")
        told = {"TOKEN_KEYS_DIR": keys, "PASSKEY_RP_ID": "localhost", "PASSKEY_ORIGINS": pages}
        told["AVATAR_FOLDER"] = str(setting.root / "avatars")
        return told | {
            "SMTP_ADDRESS": f"127.0.0.1:{setting.ports[SMTP]}",
            "SMTP_SECURITY": "none",
            "MAIL_FROM": "Heliograph <noreply@heliograph.example>",
            "WEB_URL": setting.url("gateway") + "/account",
        }
    if service == MAIL:
        return {
            "MAIL_LISTEN": f"127.0.0.1:{setting.ports[SMTP]}",
            "MAIL_FOLDER": str(setting.root / "mail"),
        }
    if service == "gateway":
        told = {"PUBLIC_URL": setting.url("gateway"), "MEDIA_BASE_URL": _media_url(setting)}
        return told | ({"TRUSTED_PROXIES": "127.0.0.1/32"} if setting.edge else {})
    if service == "post":
        return {"MEDIA_FOLDER": str(setting.root / "media"), "MEDIA_BASE_URL": _media_url(setting)}
    return {}


def _media_url(setting: Setting) -> str:
    return setting.url(EDGE if setting.edge else "gateway-upload")


def _secret(name: str) -> bool:
    return name.endswith(("_DSN", "_REDIS_URL", "_KEY"))


def write_secrets(process: Process, setting: Setting) -> None:
    """Secrets as files, for each service only its own."""
    folder = _folder(process, setting)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if process.service == MAIL:
        return
    database = setting.secrets["redis_url"].rpartition("/")[0]
    told = {"redis_url": f"{database}/{setting.names.redis_database}"}
    if process.service in DATABASES:
        told["postgres_dsn"] = setting.secrets[f"postgres_dsn_{process.service}"]
    if "s3" in process.stores:
        told |= {name: setting.secrets[name] for name in ("s3_access_key", "s3_secret_key")}
    if process.service == "user":
        told["factor_keys"] = setting.secrets["factor_keys"]
    if process.service == "gateway":
        told["cursor_key"] = setting.secrets["cursor_key"]
    if process.service in {"gateway", "post"}:
        told["media_url_key"] = setting.secrets["media_url_key"]
    for name, value in told.items():
        write_private(folder / f"heliograph_{name}", value)


def _folder(process: Process, setting: Setting) -> Path:
    return setting.root / "secrets" / process.service
