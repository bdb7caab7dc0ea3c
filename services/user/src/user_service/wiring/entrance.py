"""What stands before every way in: limits, known devices, notes of failures."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from kit.limits import Limiter
from kit.postgres import Connection, Postgres
from prometheus_client import Counter
from redis.asyncio import Redis

from user_service.model import errors
from user_service.model.accounts import Account, AccountState
from user_service.model.limits import parse_quotas
from user_service.model.security import Device, Kind
from user_service.service.failures import Failures
from user_service.service.guesses import Guesses
from user_service.service.known_devices import KnownDevices
from user_service.service.limits import Limits
from user_service.service.sign_in import Undelete
from user_service.service.states import States
from user_service.settings import UserSettings
from user_service.store.known_devices import KnownDeviceStore
from user_service.store.lifecycle import ErasureStore
from user_service.store.security_history import SecurityHistory

FALLBACKS = Counter("heliograph_user_limit_fallbacks_total", "Attempts limited in this process alone: no Redis")


@dataclass(frozen=True)
class Entrance:
    limits: Limits
    devices: KnownDevices
    history: SecurityHistory
    failures: Failures
    guesses: Guesses


def entrance_of(settings: UserSettings, postgres: Postgres, redis: Redis, clock: Callable[[], datetime]) -> Entrance:
    limits = Limits(Limiter(redis, FALLBACKS.inc), parse_quotas(settings.attempt_limits))
    devices, history = KnownDevices(KnownDeviceStore(postgres), clock), SecurityHistory(postgres)
    failures = Failures(history, clock)
    return Entrance(limits, devices, history, failures, Guesses(limits, devices, failures))


def calling_off(states: States, erasures: ErasureStore, clock: Callable[[], datetime]) -> Undelete:
    """Of an account's deletion, until its time has come."""

    async def insist_on_pending(conn: Connection, account: Account) -> None:
        if not account.deletion_pending(clock()) or not await erasures.call_off(conn, account.profile.id):
            raise errors.bad_credentials()

    async def call_off(user_id: int, device: Device) -> Account:
        return await states.change(
            user_id,
            AccountState.ACTIVE,
            allowed_from=[AccountState.DELETED],
            kind=Kind.DELETION_CANCELLED,
            device=device,
            also=insist_on_pending,
        )

    return call_off
