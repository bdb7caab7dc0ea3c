"""The edge: nginx from the distribution, by deploy/edge/nginx.conf.template. Optional."""

import shutil
from pathlib import Path

from devstack import machine
from devstack.processes import EDGE
from devstack.site import Site
from devstack.unit import Unit

TEMPLATE = Path(__file__).parents[3] / "deploy/edge/nginx.conf.template"


def program() -> str | None:
    """None without nginx: the gateways then serve media themselves."""
    return shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/sbin")


def prepare(site: Site) -> None:
    """As root nginx opens the log itself, gives its workers another user and the folders below `tmp` and `cache`."""
    folder = site.server(EDGE)
    for part in ("cache", "tmp"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    (folder / "nginx.conf").write_text(render(site))


def render(site: Site) -> str:
    values = {
        "EDGE_LISTEN": f"127.0.0.1:{site.ports[EDGE]}",
        "EDGE_API": f"127.0.0.1:{site.ports['gateway']}",
        "EDGE_UPLOADS": f"127.0.0.1:{site.ports['gateway-upload']}",
        "EDGE_DIR": str(site.server(EDGE)),
    }
    text = TEMPLATE.read_text()
    for name, value in values.items():
        text = text.replace(f"${{{name}}}", value)
    return text


def unit(site: Site) -> Unit:
    folder = site.server(EDGE)
    nginx = program() or "nginx"
    command = [*machine.drop(None), nginx, "-p", f"{folder}/", "-e", "stderr", "-c", f"{folder}/nginx.conf"]
    return Unit(EDGE, command, folder, stop_signal="TERM")
