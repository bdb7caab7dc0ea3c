"""The tasks of `work`: what takes long, or waits for others, and would hold up calls."""

from collections.abc import Sequence
from contextlib import AsyncExitStack

from kit.server import Task

from user_service.settings import WorkerSettings
from user_service.wiring.avatars import following_states
from user_service.wiring.base import Base
from user_service.wiring.factors import factor_care_of
from user_service.wiring.lifecycle import lifecycle_tasks_of
from user_service.wiring.mail import mail_tasks_of
from user_service.wiring.sign_in import entrance_care_of


async def working_of(stack: AsyncExitStack, base: Base, settings: WorkerSettings) -> Sequence[Task]:
    following = following_states(base.settings, base.avatars)
    return [
        base.outbox.run,
        base.avatars.sweep,
        following.run,
        factor_care_of(base),
        entrance_care_of(base),
        *mail_tasks_of(base, settings),
        *await lifecycle_tasks_of(stack, base, settings),
    ]
