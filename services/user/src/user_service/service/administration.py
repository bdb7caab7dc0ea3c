"""What moderators, administrators and operators do: each act with its entry of the audit trail, in one transaction."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Protocol

from kit.errors import FailedPrecondition
from kit.postgres import Connection, Postgres

from user_service.model import administration as rules
from user_service.model import errors, names
from user_service.model.accounts import Account, AccountState, Profile, Role
from user_service.model.administration import Action, Actor, AdminView, AuditEntry, Entry, Power
from user_service.model.security import Kind, SecurityEvent
from user_service.service.states import Also, States
from user_service.store.accounts import AccountStore
from user_service.store.administration import AdminStore, Wanted
from user_service.store.security_log import SecurityLog

_TOP = (1 << 63) - 1
_INT64_DIGITS = 19


class Factors(Protocol):
    async def reset(self, conn: Connection, user_id: int) -> None:
        """Takes every second factor away. The account's row is locked."""
        ...


class Administration:
    """`requires_factor`: administrators and moderators without a second factor may do nothing here."""

    def __init__(
        self,
        postgres: Postgres,
        store: AdminStore,
        accounts: AccountStore,
        states: States,
        factors: Factors,
        log: SecurityLog,
        *,
        requires_factor: bool,
        clock: Callable[[], datetime],
    ) -> None:
        self._postgres, self._store, self._accounts, self._states = postgres, store, accounts, states
        self._factors, self._log, self._requires_factor, self._clock = factors, log, requires_factor, clock

    async def users(
        self, actor: Actor, query: str, state: AccountState | None, role: Role | None, *, size: int, page_token: str
    ) -> tuple[Sequence[AdminView], str]:
        """Newest first, and the token of the next page. Raises PermissionDenied."""
        (await self._power(actor)).check_admin()
        start = names.plain(query).strip().lower()
        wanted = Wanted(start, _number(start) or 0, state, role)
        before = _before(page_token)
        found = await self._store.search(wanted, before=before, now=self._clock(), limit=size + 1)
        more = len(found) > size
        return found[:size], str(found[size - 1].account.profile.id) if more else ""

    async def user(self, actor: Actor, user_id: int) -> AdminView:
        """Raises PermissionDenied, NotFound USER_NOT_FOUND."""
        (await self._power(actor)).check_admin()
        return await self._view(user_id)

    async def suspend(self, actor: Actor, user_id: int, reason: str) -> AdminView:
        """Raises PermissionDenied, NotFound USER_NOT_FOUND, FailedPrecondition OWN_ACCOUNT, LAST_ADMIN,
        WRONG_ACCOUNT_STATE when its deletion is asked for."""

        async def check(conn: Connection, target: Account) -> None:
            rules.check_leaves_an_admin(target, await self._store.other_admins(conn, target.profile.id))

        entry = Entry(actor, Action.SUSPEND, user_id, reason)
        return await self._move(entry, AccountState.SUSPENDED, [AccountState.ACTIVE], Kind.SUSPENDED, check)

    async def restore(self, actor: Actor, user_id: int, reason: str) -> AdminView:
        """Raises as suspend."""
        entry = Entry(actor, Action.RESTORE, user_id, reason)
        return await self._move(entry, AccountState.ACTIVE, [AccountState.SUSPENDED], Kind.RESTORED)

    async def set_role(self, actor: Actor, user_id: int, role: Role, reason: str) -> AdminView:
        """Of an active account. Raises PermissionDenied, NotFound USER_NOT_FOUND, FailedPrecondition LAST_ADMIN,
        WRONG_ACCOUNT_STATE."""
        entry = Entry(actor, Action.SET_ROLE, user_id, reason, {"role": role.name.lower()})
        rules.check_entry(entry)
        async with self._postgres.primary.transaction() as conn:
            target, power = await self._begin(conn, actor, user_id)
            power.check_admin()
            if target.profile.state is not AccountState.ACTIVE:
                raise errors.wrong_state(target.profile.state.name)
            if target.role is not role:
                rules.check_leaves_an_admin(target, await self._store.other_admins(conn, user_id))
                told = {"from": target.role.name.lower(), "to": role.name.lower()}
                await self._store.set_role(conn, user_id, role)
                await self._store.append(conn, replace(entry, details=told))
                await self._log.record(conn, SecurityEvent(user_id, Kind.ROLE_CHANGED, details=told))
                await self._states.end_sessions(conn, user_id)
        return await self._view(user_id)

    async def reset_factor(self, actor: Actor, user_id: int, reason: str) -> AdminView:
        """Raises PermissionDenied, NotFound USER_NOT_FOUND, FailedPrecondition OWN_ACCOUNT."""
        entry = Entry(actor, Action.RESET_FACTOR, user_id, reason)
        rules.check_entry(entry)
        async with self._postgres.primary.transaction() as conn:
            target, power = await self._begin(conn, actor, user_id)
            power.check_admin()
            power.check_is_other(target)
            await self._factors.reset(conn, user_id)
            await self._store.append(conn, entry)
            await self._log.record(conn, SecurityEvent(user_id, Kind.SECOND_FACTOR_RESET))
            await self._states.end_sessions(conn, user_id)
        return await self._view(user_id)

    async def audit(
        self, actor: Actor, user_id: int | None, *, size: int, page_token: str
    ) -> tuple[Sequence[AuditEntry], str]:
        """Newest first, and the token of the next page. Raises PermissionDenied."""
        (await self._power(actor)).check_admin()
        found = await self._store.audit(user_id, before=_before(page_token), limit=size + 1)
        return found[:size], str(found[size - 1].id) if len(found) > size else ""

    async def record(
        self, actor: Actor, action: str, user_id: int, reason: str, details: Mapping[str, str]
    ) -> AuditEntry:
        """An act that happens elsewhere. Raises PermissionDenied, InvalidArgument INVALID_FIELD."""
        entry = Entry(actor, action, user_id, reason, details)
        (await self._power(actor)).check_operator()
        rules.check_entry(entry)
        async with self._postgres.primary.transaction() as conn:
            return await self._store.append(conn, entry)

    async def scan(self, after: int, size: int) -> tuple[Sequence[Profile], int]:
        """Profiles in any state by rising id, and the last id, 0 at the end."""
        found = await self._store.scan(after, size)
        return found, found[-1].id if len(found) == size else 0

    async def _move(
        self,
        entry: Entry,
        to: AccountState,
        allowed_from: Collection[AccountState],
        kind: Kind,
        check: Also | None = None,
    ) -> AdminView:
        rules.check_entry(entry)
        await self._power(entry.actor)

        async def also(conn: Connection, target: Account) -> None:
            await self._store.in_turn(conn)
            (await self._power_within(conn, entry.actor)).check_moderates(target)
            if check is not None:
                await check(conn, target)
            await self._store.append(conn, entry)

        try:
            # The owner reads the log: who acted is told by the audit trail alone.
            await self._states.change(
                entry.user_id, to, allowed_from=allowed_from, kind=kind, device=rules.NOWHERE, also=also
            )
        except FailedPrecondition as error:
            if error.reason != "WRONG_ACCOUNT_STATE" or error.metadata.get("state") != to.name.lower():
                raise
        return _for(await self._power(entry.actor), await self._view(entry.user_id))

    async def _begin(self, conn: Connection, actor: Actor, user_id: int) -> tuple[Account, Power]:
        """Locks the target and waits for its turn; what the actor may do is looked up after that."""
        await self._power(actor)
        target = await self._accounts.lock(conn, user_id)
        if target is None:
            raise errors.user_not_found()
        await self._store.in_turn(conn)
        return target, await self._power_within(conn, actor)

    async def _power(self, actor: Actor) -> Power:
        async with self._postgres.primary.acquire() as conn:
            return await self._power_within(conn, actor)

    async def _power_within(self, conn: Connection, actor: Actor) -> Power:
        """Raises PermissionDenied NOT_ALLOWED, SECOND_FACTOR_REQUIRED."""
        rules.check_actor(actor)
        standing = None if actor.operator else await self._store.standing(conn, actor.account_id)
        power = rules.power_of(actor, standing)
        if standing and self._requires_factor and not standing.has_second_factor:
            raise rules.factor_required()
        return power

    async def _view(self, user_id: int) -> AdminView:
        found = await self._store.view(user_id, self._clock())
        if found is None:
            raise errors.user_not_found()
        return found


def _for(power: Power, view: AdminView) -> AdminView:
    """Moderators see no addresses."""
    return view if power.admin else replace(view, account=replace(view.account, email=""))


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < _INT64_DIGITS else None


def _before(page_token: str) -> int:
    if not page_token:
        return _TOP
    number = _number(page_token)
    if number is None:
        raise errors.bad_page_token()
    return number
