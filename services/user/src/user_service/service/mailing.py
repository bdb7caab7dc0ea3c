"""Sends the letters that wait."""

import asyncio
import random
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime, timedelta
from typing import Protocol

from kit import log
from kit.outage import outlast
from kit.tasks import together
from prometheus_client import Counter, Gauge

from user_service.model.mail import Letter, Refused, Send, Undelivered
from user_service.service import letters
from user_service.store.mail import Due, Outbound, has_expired

MAILS = Counter("heliograph_user_mails_total", "Letters, by template and what became of them", ["template", "outcome"])
DEPTH = Gauge("heliograph_user_mail_queue_depth", "Letters that wait to be sent (counted to 10,001)")
AGE = Gauge("heliograph_user_mail_queue_age_seconds", "For how long the oldest letter has waited")

_BATCH = 20
_POLL_SECONDS = 0.25
_GAUGE_SECONDS = 5.0
_LEASE = timedelta(minutes=5)
"""Longer than a batch takes to send, or to time out."""
_FIRST_PAUSE, _LONGEST_PAUSE, _GROWTH = timedelta(seconds=10), timedelta(hours=1), 3

logger = log.get(__name__)


class Relay(Protocol):
    """What takes letters to their recipients."""

    def connected(self) -> AbstractAsyncContextManager[Send]:
        """Raises Undelivered when it does not answer or does not let us in."""
        ...


class Mailing:
    """`web_url` is the public address that links begin with."""

    def __init__(self, outbound: Outbound, relay: Relay, web_url: str, clock: Callable[[], datetime]) -> None:
        self._outbound, self._relay, self._web_url, self._clock = outbound, relay, web_url, clock

    async def run(self) -> None:
        """A task."""
        await together(self._send_all(), self._measure())

    async def send_some(self) -> int:
        """Those that are due, up to a batch; answers how many that were."""
        taken = await self._outbound.take(_BATCH, _LEASE)
        ready = [(due, letter) for due in taken if (letter := await self._written(due))]
        if ready:
            await self._send(ready)
        return len(taken)

    async def _send(self, ready: Sequence[tuple[Due, Letter]]) -> None:
        left = list(ready)
        try:
            async with self._relay.connected() as send:
                while left:
                    await self._send_one(send, *left[0])
                    left.pop(0)
        except Undelivered as error:
            # Whatever stopped this one stops the others of the connection.
            logger.warning("mail waits", count=len(left), fault=str(error))
            for due, _ in left:
                await self._outbound.retry(due, pause_after(due.attempts))
                MAILS.labels(due.mail.template, "deferred").inc()

    async def _send_one(self, send: Send, due: Due, letter: Letter) -> None:
        try:
            await send(letter)
        except Refused as error:
            await self._give_up(due, "refused", str(error))
            return
        await self._outbound.done(due)
        MAILS.labels(due.mail.template, "sent").inc()

    async def _written(self, due: Due) -> Letter | None:
        """None when there is nothing to send: the letter is then given up."""
        mail = due.mail
        if has_expired(due, self._clock()):
            return await self._give_up(due, "expired", "it could not be sent in time")
        template = letters.TEMPLATES.get(mail.template)
        if template is None:
            return await self._give_up(due, "unknown", "there is no such template")
        try:
            content = letters.write(template, mail.variables, self._web_url)
        except KeyError as error:
            return await self._give_up(due, "unknown", f"variable {error} is missing")
        return Letter(due.id, mail.recipient, content.subject, content.text, content.html)

    async def _give_up(self, due: Due, outcome: str, fault: str) -> None:
        logger.error("mail given up", template=due.mail.template, user_id=due.mail.user_id, fault=fault)
        MAILS.labels(due.mail.template, outcome).inc()
        await self._outbound.done(due)

    async def _send_all(self) -> None:
        while True:
            if not await outlast(self.send_some, what="mail"):
                await asyncio.sleep(_POLL_SECONDS)

    async def _measure(self) -> None:
        while True:
            depth, age = await outlast(self._outbound.state, what="mail gauge")
            DEPTH.set(depth)
            AGE.set(age)
            await asyncio.sleep(_GAUGE_SECONDS)


def pause_after(attempts: int) -> timedelta:
    """Longer from attempt to attempt, and not the same for all letters of an outage."""
    pause = min(_FIRST_PAUSE * _GROWTH ** min(attempts - 1, 16), _LONGEST_PAUSE)
    return pause * random.uniform(0.8, 1.2)  # noqa: S311 no secret
