"""What moderators and administrators do. The user service looks up what the caller may do, whatever the token says."""

from collections.abc import Mapping
from typing import Annotated

from fastapi import Query, Response
from heliograph.user.v1 import admin_pb2, user_pb2

from gateway.here import Here, HereDep, answer
from gateway.pages import PageDep
from gateway.render import time_of
from gateway.routing import Policy, Routes
from gateway.schemas import admin
from gateway.schemas.requests import Id, Text

routes = Routes("Administration")

_SEE = Policy(scope="admin")
_CHANGE = Policy(scope="admin", once=True, json=True)
_MODERATE = Policy(scope="moderate", once=True, json=True)
_ROLES: Mapping[admin.RoleName, user_pb2.Role.ValueType] = {
    "member": user_pb2.ROLE_MEMBER,
    "moderator": user_pb2.ROLE_MODERATOR,
    "admin": user_pb2.ROLE_ADMIN,
}
_ROLE_NAMES: Mapping[int, admin.RoleName] = {value: name for name, value in _ROLES.items()}
_STATES: Mapping[admin.StateName, user_pb2.AccountState.ValueType] = {
    "active": user_pb2.ACCOUNT_STATE_ACTIVE,
    "suspended": user_pb2.ACCOUNT_STATE_SUSPENDED,
    "deleted": user_pb2.ACCOUNT_STATE_DELETED,
}
_STATE_NAMES: Mapping[int, admin.StateName] = {value: name for name, value in _STATES.items()}


@routes.add("GET /v1/admin/users", "findUsers", "Accounts, newest first", admin.AdminUsers, policy=_SEE)
async def find(
    page: PageDep,
    q: Annotated[Text, Query(max_length=320, description="Start of a username or e-mail address, or an id")] = "",
    role: Annotated[admin.RoleName | None, Query()] = None,
    state: Annotated[admin.StateName | None, Query()] = None,
) -> Response:
    asked = admin_pb2.ListUsersRequest(actor=_actor(page.here), query=q, page_size=page.limit, page_token=page.token)
    if role:
        asked.role = _ROLES[role]
    if state:
        asked.state = _STATES[state]
    found = await page.here.services.admin.ListUsers(asked)
    cursor, headers = page.next(found.next_page_token)
    return answer(admin.AdminUsers([_user(page.here, user) for user in found.users], cursor), headers=headers)


@routes.add(
    "GET /v1/admin/users/{user_id}", "getUserAsAdmin", "Read an account", admin.AdminUser, problems=(404,), policy=_SEE
)
async def get(here: HereDep, user_id: Id) -> Response:
    found = await here.services.admin.GetUser(admin_pb2.GetUserRequest(actor=_actor(here), user_id=user_id))
    return answer(_user(here, found.user))


@routes.add(
    "POST /v1/admin/users/{user_id}/suspend",
    "suspendUser",
    "Suspend: ends every session, hides the account and all it made",
    admin.AdminUser,
    problems=(404, 409),
    policy=_MODERATE,
)
async def suspend(here: HereDep, user_id: Id, body: admin.AdminReason) -> Response:
    asked = admin_pb2.SuspendUserRequest(actor=_actor(here), user_id=user_id, reason=body.reason)
    return answer(_user(here, (await here.services.admin.SuspendUser(asked)).user))


@routes.add(
    "POST /v1/admin/users/{user_id}/restore",
    "restoreUser",
    "Take a suspension back",
    admin.AdminUser,
    problems=(404, 409),
    policy=_MODERATE,
)
async def restore(here: HereDep, user_id: Id, body: admin.AdminReason) -> Response:
    asked = admin_pb2.RestoreUserRequest(actor=_actor(here), user_id=user_id, reason=body.reason)
    return answer(_user(here, (await here.services.admin.RestoreUser(asked)).user))


@routes.add(
    "PUT /v1/admin/users/{user_id}/role",
    "setUserRole",
    "Give an account a role; ends its sessions",
    admin.AdminUser,
    problems=(404, 409),
    policy=Policy(scope="admin", json=True),
)
async def set_role(here: HereDep, user_id: Id, body: admin.RoleChange) -> Response:
    asked = admin_pb2.SetRoleRequest(actor=_actor(here), user_id=user_id, role=_ROLES[body.role], reason=body.reason)
    return answer(_user(here, (await here.services.admin.SetRole(asked)).user))


@routes.add(
    "POST /v1/admin/users/{user_id}/reset-factor",
    "resetUserFactor",
    "Take the second factors of who lost theirs away; ends the sessions",
    admin.AdminUser,
    problems=(404, 409),
    policy=_CHANGE,
)
async def reset_factor(here: HereDep, user_id: Id, body: admin.AdminReason) -> Response:
    asked = admin_pb2.ResetFactorRequest(actor=_actor(here), user_id=user_id, reason=body.reason)
    return answer(_user(here, (await here.services.admin.ResetFactor(asked)).user))


@routes.add("GET /v1/admin/audit", "listAudit", "The audit trail, newest first", admin.AuditEntries, policy=_SEE)
async def audit(
    page: PageDep, user_id: Annotated[Id | None, Query(description="About this account")] = None
) -> Response:
    found = await page.here.services.admin.ListAudit(
        admin_pb2.ListAuditRequest(
            actor=_actor(page.here), user_id=user_id or 0, page_size=page.limit, page_token=page.token
        )
    )
    cursor, headers = page.next(found.next_page_token)
    return answer(admin.AuditEntries([_entry(entry) for entry in found.entries], cursor), headers=headers)


def _actor(here: Here) -> admin_pb2.Actor:
    return admin_pb2.Actor(account_id=here.viewer.id, address=here.address)


def _user(here: Here, found: admin_pb2.AdminUser) -> admin.AdminUser:
    account, shown = found.account, here.render.user(found.account.profile)
    return admin.AdminUser(
        id=shown.id,
        username=shown.username,
        name=shown.name,
        avatar_url=shown.avatar_url,
        private_account=shown.private_account,
        email=account.email or None,
        email_verified=account.email_verified,
        role=_ROLE_NAMES[account.role],
        state=_STATE_NAMES[account.profile.state],
        second_factor=found.has_second_factor,
        sessions=found.sessions,
        created_at=time_of(account.profile.created_at),
        delete_after=time_of(account.delete_after),
    )


def _entry(entry: admin_pb2.AuditEntry) -> admin.AuditEntry:
    return admin.AuditEntry(
        id=str(entry.id),
        actor=entry.actor,
        action=entry.action,
        user_id=str(entry.user_id) if entry.user_id else None,
        reason=entry.reason,
        address=entry.address,
        details=dict(entry.details),
        created_at=time_of(entry.created_at),
    )
