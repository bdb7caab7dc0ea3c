"""What the system needs from elsewhere: its servers, which run on this machine beside the cluster, and its Secrets."""

import asyncio
import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from devstack.faults import StackError
from devstack.names import Names
from devstack.processes import MAIL, TABLE, Setting
from rich.console import Console

from deploy.k8s.test.cluster import Cluster
from deploy.k8s.test.place import DOMAIN, ClusterError, Place
from devstack import authority, backing, data, processes, stack, system

A_NAME = "heliograph_s3_access_key"
# A certificate for each that serves or calls; the second names are those of its other processes' Services.
SERVED: Mapping[str, tuple[str, ...]] = {"gateway": ("gateway", "gateway-upload")}


def up(place: Place) -> Setting:
    """The servers on the host's end of the cluster's only way out, with databases, topics and the bucket on them."""
    try:
        site = stack.make_site(place.root / "servers", {}, whole=False, free=True, host=place.host_ip)
        stack.up_servers(site, Console(stderr=True))
        names, servers = Names(), backing.settings(site)
        told = Setting(site.root, servers, names, {}, system.make_secrets(servers, names.databases, site.secret))
        asyncio.run(_furnish(told))
    except StackError as error:
        raise ClusterError(str(error)) from error
    return told


def down(place: Place) -> None:
    if (place.root / "servers").exists():
        stack.down(place.root / "servers")


async def _furnish(told: Setting) -> None:
    await system.make_databases(told)
    await system.make_topics(told)
    await data.make_bucket(told.servers, told.names.bucket)


def make_secrets(cluster: Cluster, namespace: str, told: Setting) -> dict[str, str]:
    """All that the charts expect to be there. Answers every secret text by where it is."""
    for process in TABLE:
        processes.write_secrets(process, told)
    kept: dict[str, str] = {}
    for service in dict.fromkeys(process.service for process in TABLE if process.service != MAIL):
        files = {path.name: path.read_bytes() for path in (told.root / "secrets" / service).iterdir()}
        _apply(cluster, namespace, f"heliograph-{service}", files)
        kept |= {f"{service}/{name}": content.decode() for name, content in files.items() if name != A_NAME}
    keys = _token_keys()
    _apply(cluster, namespace, "heliograph-token-keys", keys)
    private = {f"token-keys/{name}": str(json.loads(content).get("d", "")) for name, content in keys.items()}
    return kept | {where: text for where, text in private.items() if text}


def _token_keys() -> dict[str, bytes]:
    with tempfile.TemporaryDirectory() as name:
        command = [sys.executable, "-m", "user_service", "keys", "--dir", name]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise ClusterError(f"no token keys: {done.stderr.strip()[-200:]}")
        return {path.name: path.read_bytes() for path in Path(name).iterdir() if path.is_file()}


def make_certificates(cluster: Cluster, namespace: str, place: Place) -> Path:
    """What cert-manager would make. Answers a folder with the same for whoever calls from this machine."""
    signer, folder = authority.Authority.make(), place.folder("tls")
    for service in authority.CALLERS:
        names = [name for served in SERVED.get(service, (service,)) for name in _names(served, namespace)]
        files = signer.issue(service, names=names)
        _apply(cluster, namespace, f"{service}-tls", files)
        authority.place(folder / service, files)
    authority.place(folder / "stranger", {**authority.Authority.make().issue("gateway"), "ca.crt": signer.pem})
    return folder


def _names(service: str, namespace: str) -> list[str]:
    return [f"{service}{rest}" for rest in ("", f".{namespace}", f".{namespace}.svc", f".{namespace}.svc.{DOMAIN}")]


def _apply(cluster: Cluster, namespace: str, name: str, files: Mapping[str, bytes]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for file, content in files.items():
            (Path(folder) / file).write_bytes(content)
        made = cluster.kubectl(
            *("create", "secret", "generic", name, "--namespace", namespace, f"--from-file={folder}"),
            *("--dry-run=client", "--output=yaml"),
        )
    cluster.kubectl("apply", "--namespace", namespace, "-f", "-", given=made)
