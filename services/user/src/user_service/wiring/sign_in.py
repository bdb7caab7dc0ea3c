"""Log-ins, and what their accounts' owners see of them."""

import asyncio
from datetime import timedelta

from kit.server import Task

from user_service.rpc.sign_in import SignInRpc
from user_service.service.log_in import LogIns
from user_service.service.security_events import SecurityEvents
from user_service.store.challenges import ChallengeStore
from user_service.wiring.base import Base

_SWEEP_SECONDS = 600.0


def security_events_of(base: Base) -> SecurityEvents:
    return SecurityEvents(base.entrance.history, timedelta(days=base.settings.security_event_days), base.clock)


def sign_in_rpc_of(base: Base) -> SignInRpc:
    log_ins = LogIns(base.sign_in, base.grants, base.entrance.devices)
    return SignInRpc(log_ins, base.grants, security_events_of(base))


def entrance_care_of(base: Base) -> Task:
    """A task: forgets what is over, or old."""
    challenges, events = ChallengeStore(base.postgres), security_events_of(base)

    async def care_for_entrance() -> None:
        while True:
            await challenges.sweep(base.clock())
            await base.entrance.devices.sweep()
            await events.sweep()
            await asyncio.sleep(_SWEEP_SECONDS)

    return care_for_entrance
