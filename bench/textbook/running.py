"""The textbook stack as a whole: four processes beside a system of ours, on the same servers."""

import json
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from bench.home.children import child, free_port
from bench.home.fill import settings_of
from bench.home.system import System
from bench.textbook.fill import fill

_SERVICES = ("timelines", "posts", "users")
_KEYSPACE = "textbook"


@dataclass(frozen=True)
class Textbook:
    port: int
    pids: list[int]


@contextmanager
def textbook(system: System) -> Generator[Textbook]:
    stack = system.stack
    stores = stack.stores
    cassandra = settings_of(stores, "feed")
    keyspace = f"{stack.names.keyspaces}{_KEYSPACE}"  # which goes with the stack's own
    media = f"http://{stack.address('gateway')}"
    fill(cassandra.model_copy(update={"cassandra_keyspace": keyspace}), stores.redis_url, system.social, media)
    told = {
        "TEXTBOOK_REDIS": stores.redis_url,
        "TEXTBOOK_CASSANDRA": stores.cassandra,
        "TEXTBOOK_KEYSPACE": keyspace,
        "TEXTBOOK_JWKS": json.dumps(json.loads(system.tokens.jwks())),
    }
    with ExitStack() as open_:
        pids: list[int] = []
        for name in _SERVICES:
            port = free_port()
            told[f"TEXTBOOK_{name.upper()}"] = f"127.0.0.1:{port}"
            started = child(port, "bench.textbook.services", name, str(port), environment=told)
            pids.append(open_.enter_context(started))
        port = free_port()
        pids.append(open_.enter_context(child(port, "bench.textbook.gateway", str(port), environment=told)))
        yield Textbook(port, pids)
