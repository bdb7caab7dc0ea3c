"""`devstack provision cluster-secrets`: the same secrets as for compose, as Secrets of the namespace that it runs in.

They are made once. What a later run lacks is made from the passwords of the first, which are in the Secret
`heliograph-servers`.
"""

import base64
import json
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPSConnection
from pathlib import Path
from typing import Any, Protocol, cast

from devstack.faults import StackError
from devstack.processes import MAIL, TABLE
from devstack.site import write_private

SERVERS = "heliograph-servers"
TOKEN_KEYS = "heliograph-token-keys"  # noqa: S105 - a Secret's name
ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
_LABELS = {"app.kubernetes.io/part-of": "heliograph-evaluation", "app.kubernetes.io/managed-by": "devstack"}
_SECONDS = 30

Files = dict[str, bytes]


class Cluster(Protocol):
    """The Secrets of one namespace, by name; StackError when the cluster refuses."""

    def secret(self, name: str) -> Files | None: ...

    def create(self, name: str, files: Files) -> bool:
        """False when there is one of that name: it stays as it is."""
        ...


def recall(cluster: Cluster, folder: Path) -> None:
    """The passwords of the first run, as files that a run on one machine would find."""
    for name, content in (cluster.secret(SERVERS) or {}).items():
        write_private(folder / name, content.decode())


def publish(cluster: Cluster, root: Path) -> list[str]:
    """Makes those Secrets that are not there: the servers' own, one a service, and the signing keys. Answers which."""
    wanted = {f"heliograph-{service}": _files(root / "secrets" / service) for service in _services()}
    wanted[SERVERS] = _files(root / "secrets")
    if (keys := root / "token-keys").is_dir():
        wanted[TOKEN_KEYS] = _files(keys)
    return [name for name, files in wanted.items() if cluster.create(name, files)]


def _services() -> list[str]:
    return list(dict.fromkeys(process.service for process in TABLE if process.service != MAIL))


def _files(folder: Path) -> Files:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir()) if path.is_file()}


@dataclass(frozen=True)
class ApiServer:
    """The cluster that this pod runs in, as the pod's service account may use it."""

    host: str
    port: int
    namespace: str
    account: Path = ACCOUNT

    def secret(self, name: str) -> Files | None:
        status, told = self._ask("GET", f"/{name}")
        if status == HTTPStatus.NOT_FOUND:
            return None
        if status != HTTPStatus.OK:
            raise StackError(f"reading the Secret {name}: the cluster answered {status}")
        return {key: base64.b64decode(value) for key, value in cast("dict[str, str]", told.get("data") or {}).items()}

    def create(self, name: str, files: Files) -> bool:
        data = {key: base64.b64encode(content).decode() for key, content in files.items()}
        body = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "labels": _LABELS}, "data": data}
        status, _ = self._ask("POST", "", body)
        if status not in (HTTPStatus.CREATED, HTTPStatus.CONFLICT):
            raise StackError(f"making the Secret {name}: the cluster answered {status}")
        return status == HTTPStatus.CREATED

    def _ask(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> tuple[int, dict[str, Any]]:
        context = ssl.create_default_context(cafile=str(self.account / "ca.crt"))
        headers = {
            "Authorization": f"Bearer {(self.account / 'token').read_text()}",
            "Content-Type": "application/json",
        }
        connection = HTTPSConnection(self.host, self.port, context=context, timeout=_SECONDS)
        try:
            url = f"/api/v1/namespaces/{self.namespace}/secrets{path}"
            connection.request(method, url, json.dumps(body) if body else None, headers)
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read() or b"{}")
        except (OSError, ValueError) as error:
            raise StackError(f"the cluster at {self.host}:{self.port} does not answer: {error}") from error
        finally:
            connection.close()


def here(variables: Mapping[str, str], account: Path = ACCOUNT) -> ApiServer:
    """Raises StackError outside of a pod with a token."""
    try:
        namespace = (account / "namespace").read_text()
        return ApiServer(
            variables["KUBERNETES_SERVICE_HOST"], int(variables["KUBERNETES_SERVICE_PORT"]), namespace, account
        )
    except (OSError, KeyError) as error:
        raise StackError(f"this is no pod with a service account's token: {error}") from error
