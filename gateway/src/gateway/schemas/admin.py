"""What administrators send and see."""

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct
from pydantic import ConfigDict, Field

from gateway.schemas.answers import Id, Time, Url
from gateway.schemas.lists import Next
from gateway.schemas.requests import Body, Text

RoleName = Literal["member", "moderator", "admin"]
StateName = Literal["active", "suspended", "deleted"]


class AdminUser(Struct, frozen=True):
    """An account as administrators see it. `email` is null to moderators; `deleted` is an account whose erasure its
    owner asked for; `sessions` counts log-ins that live, those of apps too."""

    id: Id
    username: str
    name: str
    avatar_url: Url | None
    private_account: bool
    email: str | None
    email_verified: bool
    role: RoleName
    state: StateName
    second_factor: bool
    sessions: int
    created_at: Time | None
    delete_after: Time | None


class AdminUsers(Struct, frozen=True):
    items: list[AdminUser]
    next: Next


class AuditEntry(Struct, frozen=True):
    """`actor` is `account:<id>` or `operator:<name>`; `user_id` is null when the act was about nobody."""

    id: Id
    actor: str
    action: Annotated[str, Meta(examples=["user.suspend"])]
    user_id: Id | None
    reason: str
    address: str
    details: dict[str, str]
    created_at: Time | None


class AuditEntries(Struct, frozen=True):
    items: list[AuditEntry]
    next: Next


Reason = Annotated[Text, Field(min_length=1, max_length=500, description="Kept in the audit trail")]


def _example(**fields: Any) -> ConfigDict:
    return ConfigDict(json_schema_extra={"examples": [fields]})


class AdminReason(Body):
    model_config = _example(reason="Sells followers, ticket 4711")

    reason: Reason


class RoleChange(Body):
    model_config = _example(role="moderator", reason="Joins the team")

    role: RoleName
    reason: Reason
