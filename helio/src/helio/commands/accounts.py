"""Accounts: look, suspend, restore, roles, lost factors."""

import sys
import uuid
from collections.abc import Mapping
from typing import Annotated, Any

import typer
from heliograph.user.v1 import admin_pb2 as admin
from heliograph.user.v1 import user_pb2
from kit.errors import FailedPrecondition, NotFound
from kit.proto import datetime_of

from helio.calls import Operator
from helio.output import Json, Output, Reason
from helio.running import run

users = typer.Typer(no_args_is_help=True, help="Accounts: look, suspend, restore, give back to who lost a factor.")
admins = typer.Typer(no_args_is_help=True, help="Administrators and moderators.")

Who = Annotated[str, typer.Argument(help="An id, a username or an e-mail address.")]
ROLES: Mapping[str, user_pb2.Role.ValueType] = {
    "member": user_pb2.ROLE_MEMBER,
    "moderator": user_pb2.ROLE_MODERATOR,
    "admin": user_pb2.ROLE_ADMIN,
}
_STATES = {1: "active", 2: "suspended", 3: "deleted"}
_NO_FACTOR = (
    "{name} has no second factor: unless HELIOGRAPH_ADMIN_REQUIRES_FACTOR is off, the role is of no use before one is "
    "added (/v1/me/totp or /v1/me/passkeys)"
)


@users.command("show")
def show(who: Who, as_json: Json = False) -> None:
    """One account."""

    async def body(operator: Operator) -> None:
        Output(as_json=as_json).one(row_of(await operator.find(who)))

    run(body)


@users.command("find")
def find(
    query: Annotated[str, typer.Argument(help="Start of a username or of an e-mail address.")], as_json: Json = False
) -> None:
    """Accounts, newest first; at most 100."""

    async def body(operator: Operator) -> None:
        request = admin.ListUsersRequest(actor=operator.actor, query=query, page_size=100)
        found = await (await operator.admin()).ListUsers(request)
        Output(as_json=as_json).many([row_of(user) for user in found.users])

    run(body)


@users.command("suspend")
def suspend(who: Who, reason: Reason, as_json: Json = False) -> None:
    """Ends every session and hides the account with all that it made."""

    async def body(operator: Operator) -> None:
        user_id = (await operator.find(who)).account.profile.id
        request = admin.SuspendUserRequest(actor=operator.actor, user_id=user_id, reason=reason)
        Output(as_json=as_json).one(row_of((await (await operator.admin()).SuspendUser(request)).user))

    run(body)


@users.command("restore")
def restore(who: Who, reason: Reason, as_json: Json = False) -> None:
    """Takes a suspension back."""

    async def body(operator: Operator) -> None:
        user_id = (await operator.find(who)).account.profile.id
        request = admin.RestoreUserRequest(actor=operator.actor, user_id=user_id, reason=reason)
        Output(as_json=as_json).one(row_of((await (await operator.admin()).RestoreUser(request)).user))

    run(body)


@users.command("reset-factor")
def reset_factor(who: Who, reason: Reason, as_json: Json = False) -> None:
    """Takes away every second factor of who lost theirs, and ends the sessions."""

    async def body(operator: Operator) -> None:
        user_id = (await operator.find(who)).account.profile.id
        request = admin.ResetFactorRequest(actor=operator.actor, user_id=user_id, reason=reason)
        Output(as_json=as_json).one(row_of((await (await operator.admin()).ResetFactor(request)).user))

    run(body)


@admins.command("list")
def list_(as_json: Json = False) -> None:
    """Everybody with a role."""

    async def body(operator: Operator) -> None:
        stub, found = await operator.admin(), list[admin.AdminUser]()
        for role in (user_pb2.ROLE_ADMIN, user_pb2.ROLE_MODERATOR):
            request = admin.ListUsersRequest(actor=operator.actor, role=role, page_size=100)
            found += (await stub.ListUsers(request)).users
        output = Output(as_json=as_json)
        output.many([row_of(user) for user in found])
        for user in found:
            _warn_without_factor(output, user)

    run(body)


@admins.command("create")
def create(
    username: str,
    email: Annotated[str, typer.Option(help="Where letters go, and another name to log in with.")],
    name: str = "",
    password_stdin: Annotated[bool, typer.Option("--password-stdin", help="Read it from stdin, one line.")] = False,
    reason: str = "created by an operator",
    as_json: Json = False,
) -> None:
    """A new account that is an administrator."""
    password = _password(from_stdin=password_stdin)

    async def body(operator: Operator) -> None:
        await (await operator.users()).RegisterAccount(
            user_pb2.RegisterAccountRequest(
                username=username, email=email, password=password, name=name, request_id=str(uuid.uuid4())
            )
        )
        await _give(operator, await _made(operator, username, email), "admin", reason, Output(as_json=as_json))

    run(body)


@admins.command("promote")
def promote(
    who: Who,
    role: Annotated[str, typer.Option(help="admin or moderator")] = "admin",
    reason: Reason = "",
    as_json: Json = False,
) -> None:
    """Gives an account that exists a role. Its sessions end."""
    if role not in ROLES:
        raise typer.BadParameter(f"one of {', '.join(ROLES)}", param_hint="--role")

    async def body(operator: Operator) -> None:
        await _give(operator, await operator.find(who), role, reason, Output(as_json=as_json))

    run(body)


@admins.command("demote")
def demote(who: Who, reason: Reason, as_json: Json = False) -> None:
    """Makes somebody a member again. Their sessions end."""

    async def body(operator: Operator) -> None:
        await _give(operator, await operator.find(who), "member", reason, Output(as_json=as_json))

    run(body)


async def _made(operator: Operator, username: str, email: str) -> admin.AdminUser:
    """The account just registered. The service does not tell that an address is somebody's: it makes nothing then."""
    try:
        found = await operator.find(username)
    except NotFound:
        found = None
    if found is None or found.account.email.lower() != email.lower():
        message = f"{email} belongs to another account: promote that one, or give another address"
        raise FailedPrecondition("EMAIL_TAKEN", message)
    return found


async def _give(operator: Operator, user: admin.AdminUser, role: str, reason: str, output: Output) -> None:
    request = admin.SetRoleRequest(
        actor=operator.actor, user_id=user.account.profile.id, role=ROLES[role], reason=reason
    )
    changed = (await (await operator.admin()).SetRole(request)).user
    output.one(row_of(changed))
    _warn_without_factor(output, changed)


def _warn_without_factor(output: Output, user: admin.AdminUser) -> None:
    if user.account.role != user_pb2.ROLE_MEMBER and not user.has_second_factor:
        output.warn(_NO_FACTOR.format(name=user.account.profile.username))


def _password(*, from_stdin: bool) -> str:
    """Never from the command line, which every user of the machine can read."""
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    return typer.prompt("Password", hide_input=True, confirmation_prompt=True)


def row_of(user: admin.AdminUser) -> dict[str, Any]:
    account, profile = user.account, user.account.profile
    return {
        "id": str(profile.id),
        "username": profile.username,
        "email": account.email,
        "role": next(name for name, role in ROLES.items() if role == account.role),
        "state": _STATES[profile.state],
        "second_factor": user.has_second_factor,
        "sessions": user.sessions,
        "created_at": datetime_of(profile.created_at).isoformat(timespec="seconds"),
    }
