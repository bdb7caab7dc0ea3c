import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from kit.errors import Unavailable
from user_service.service.passwords import HashingCost, Passwords, open_passwords

CHEAP = HashingCost(time_cost=1, memory_kib=8, parallelism=1, threads=1, queue=1)


async def test_a_password_matches_its_own_hash_alone() -> None:
    async with open_passwords(CHEAP) as passwords:
        kept = await passwords.hash("correct horse")
        assert kept.startswith("$argon2id$")
        assert await passwords.matches("correct horse", kept)
        assert not await passwords.matches("wrong horse", kept)


async def test_nobodys_password_is_never_right() -> None:
    async with open_passwords(CHEAP) as passwords:
        assert not await passwords.matches("nobody's password", None)


async def test_past_the_queue_the_next_is_turned_away_and_the_others_are_served() -> None:
    with ThreadPoolExecutor(1) as executor:
        passwords, gate = Passwords(CHEAP, executor), threading.Event()
        executor.submit(gate.wait)
        waiting = [asyncio.create_task(passwords.hash("correct horse")) for _ in range(2)]
        await asyncio.sleep(0)
        with pytest.raises(Unavailable):
            await passwords.hash("correct horse")
        gate.set()
        assert len(set(await asyncio.gather(*waiting))) == 2
        assert await passwords.hash("correct horse")
