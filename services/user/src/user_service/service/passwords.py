"""Password hashes: argon2id in threads of their own, no more at once than the machine can bear."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError

from user_service.model import errors

T = TypeVar("T")


@dataclass(frozen=True)
class HashingCost:
    """Each of `threads` takes `memory_kib` while it works; past `queue` waiting ones the next is turned away."""

    time_cost: int
    memory_kib: int
    parallelism: int
    threads: int
    queue: int


class Passwords:
    """Raises Unavailable OVERLOADED when too many wait."""

    def __init__(self, cost: HashingCost, executor: ThreadPoolExecutor) -> None:
        self._hasher = PasswordHasher(cost.time_cost, cost.memory_kib, cost.parallelism)
        self._executor, self._limit = executor, cost.threads + cost.queue
        self._busy = 0
        self._nobodys = self._hasher.hash("nobody's password")

    async def hash(self, password: str) -> str:
        return await self._run(lambda: self._hasher.hash(password))

    async def matches(self, password: str, password_hash: str | None) -> bool:
        """Takes the same time when there is no hash, that is: no account."""
        verified = await self._run(lambda: self._verify(password_hash or self._nobodys, password))
        return verified and password_hash is not None

    def is_outdated(self, password_hash: str) -> bool:
        """Made under another cost than new ones are."""
        return self._hasher.check_needs_rehash(password_hash)

    def _verify(self, password_hash: str, password: str) -> bool:
        try:
            return self._hasher.verify(password_hash, password)
        except VerifyMismatchError:
            return False

    async def _run(self, work: Callable[[], T]) -> T:
        if self._busy >= self._limit:
            raise errors.hashing_busy()
        self._busy += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._executor, work)
        finally:
            self._busy -= 1


@asynccontextmanager
async def open_passwords(cost: HashingCost) -> AsyncGenerator[Passwords]:
    with ThreadPoolExecutor(cost.threads, thread_name_prefix="argon2") as executor:
        yield Passwords(cost, executor)
