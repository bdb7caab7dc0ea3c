"""A system of ours with a social graph in it, as it is deployed: with metrics, and with tracing to a sink at the
default ratio. Only the limits of an address are raised, because one machine plays all people, and the threshold of the
fan-out is put where the graph's celebrities are above it."""

import os
from collections.abc import Generator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from devstack.servers_cli import FOUND_BY
from devstack.supervision import Supervision
from devstack.testing import Stack
from user_service.model.keys import TokenRules
from user_service.service.tokens import AccessTokens
from user_service.store.keys import KeyFolder

from bench.home.children import child, free_port
from bench.home.shape import Social, account_id

OURS = ("gateway", "feed", "post", "user", "graph")  # who takes part in a read
PROCESSES = (*OURS, "fanout", "media")
SERVERS = ("redis", "cassandra", "postgres", "kafka")
_PULLED_FROM = 0.7  # of all accounts follow a celebrity
_SILENCE = Path(__file__).parents[1] / "silence"
_LIMITS = ",".join(f"{bucket}.address=100000000/60" for bucket in ("read", "write"))


@dataclass(frozen=True)
class System:
    stack: Stack
    social: Social
    tokens: AccessTokens
    settings: Mapping[str, Mapping[str, str]]

    def restart(self, name: str, environment: Mapping[str, str] | None = None) -> None:
        """A process, with these settings beside those that it had at first."""
        self.stack.stop(name)
        self.stack.start(name, {**self.settings[name], **(environment or {})})

    def token(self, number: int) -> str:
        """An access token of an account, good for as long as a benchmark takes."""
        account = account_id(number)
        return self.tokens.issue(user_id=account, session_id=account + 1, now=datetime.now(UTC))

    @property
    def port(self) -> int:
        return int(self.stack.address("gateway").rpartition(":")[2])

    def watched(self) -> Mapping[str, Sequence[int]]:
        """Process ids by name: ours, and the servers'."""
        servers = Supervision(Path(os.environ[FOUND_BY]).parent)
        found = {name: [self.stack.pid(name)] for name in PROCESSES}
        return found | {name: [servers.state(name).pid] for name in SERVERS}


def _sink(open_: ExitStack) -> str:
    """Takes spans; answers where."""
    port = free_port()
    open_.enter_context(child(port, "bench.home.sink", str(port)))
    return f"http://127.0.0.1:{port}"


@contextmanager
def system(social: Social, *, silent: bool = False) -> Generator[System]:
    """With an empty home timeline for everybody. `silent` is without metrics and without tracing."""
    with ExitStack() as open_:
        told = {"PYTHONPATH": str(_SILENCE)} if silent else {"HELIOGRAPH_OTLP_ENDPOINT": _sink(open_)}
        settings = {name: dict(told) for name in PROCESSES}
        settings["gateway"]["HELIOGRAPH_RATE_LIMITS"] = _LIMITS
        settings["fanout"]["HELIOGRAPH_FANOUT_THRESHOLD"] = str(int(social.shape.users * _PULLED_FROM))
        stack = open_.enter_context(Stack(only=PROCESSES, environment=settings))
        rules = TokenRules(timedelta(hours=6), timedelta(0))
        yield System(stack, social, AccessTokens(KeyFolder(stack.root / "secrets" / "token-keys"), rules), settings)
