"""Writers of the same rows to the same Cassandra, each in processes of its own: stream-framework, and the plain ways of
the driver."""

import subprocess
import sys
import uuid
from collections.abc import Generator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import IO, cast

from kit.cql import blocking_session
from kit.settings import CassandraSettings

_FOLDER = Path(__file__).parent / "stream_framework_peer"
_VENV = _FOLDER / ".venv"


@dataclass(frozen=True)
class Writer:
    """Workers that each write their part of the followers' rows for every post they are told of."""

    workers: Sequence["subprocess.Popen[str]"]
    followers: int

    def push(self, post: int) -> None:
        """Returns when all rows are acknowledged."""
        for worker in self.workers:
            _pipe(worker.stdin).write(f"{post}\n")
            _pipe(worker.stdin).flush()
        for worker in self.workers:
            _expect(worker, "done")


@contextmanager
def keyspace(settings: CassandraSettings) -> Generator[CassandraSettings]:
    """One with feed's table in it, for as long as the block runs."""
    name = f"bench_{uuid.uuid4().hex[:12]}"
    ours = settings.cassandra_keyspace
    with blocking_session(settings) as session:
        session.execute(f"create keyspace {name} with replication = {settings.cassandra_replication}")
        table = session.cluster.metadata.keyspaces[ours].tables["home_timeline"].as_cql_query()
        session.execute(table.replace(f"{ours}.", f"{name}.", 1))
        try:
            yield settings.model_copy(update={"cassandra_keyspace": name})
        finally:
            session.execute(f"drop keyspace {name}")


@contextmanager
def driver(settings: CassandraSettings, way: str, followers: int) -> Generator[Writer]:
    """`way` is one of bench.fanout.writers."""
    command = [sys.executable, "-m", "bench.fanout.writers", way, *_place(settings), "0", str(followers)]
    with _workers([command]) as workers:
        yield Writer(workers, followers)


@contextmanager
def stream_framework(settings: CassandraSettings, followers: int, workers: int = 1) -> Generator[Writer]:
    cuts = [followers * part // workers for part in range(workers + 1)]
    program = [str(_python()), str(_FOLDER / "worker.py"), *_place(settings)]
    commands = [[*program, str(first), str(last)] for first, last in pairwise(cuts)]
    with _workers(commands) as started:
        yield Writer(started, followers)


@contextmanager
def _workers(commands: Sequence[Sequence[str]]) -> Generator[Sequence["subprocess.Popen[str]"]]:
    with ExitStack() as stack:
        started: list[subprocess.Popen[str]] = []
        for command in commands:
            worker = stack.enter_context(
                subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)  # noqa: S603 ours
            )
            stack.callback(worker.kill)
            _expect(worker, "ready")
            started.append(worker)
        yield started


def _python() -> Path:
    """Of an environment that has stream-framework and nothing of ours."""
    python = _VENV / "bin" / "python"
    if not python.exists():
        uv = str(Path(sys.executable).parent / "uv")
        subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, str(_VENV)], check=True)  # noqa: S603 our own arguments
        told = ["--quiet", "--python", str(python), "--requirements", str(_FOLDER / "requirements.txt")]
        subprocess.run([uv, "pip", "install", *told], check=True)  # noqa: S603 our own arguments
    return python


def _place(settings: CassandraSettings) -> tuple[str, str, str]:
    host, _, port = settings.cassandra_contact_points[0].rpartition(":")
    return host, port, settings.cassandra_keyspace


def _expect(worker: "subprocess.Popen[str]", word: str) -> None:
    for line in _pipe(worker.stdout):
        if line.strip() == word:
            return
    raise SystemExit(f"a writer ended: {worker.args}")


def _pipe(pipe: IO[str] | None) -> IO[str]:
    return cast("IO[str]", pipe)
