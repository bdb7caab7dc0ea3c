"""Administration: what the user service is asked, in whose name, and what is made of its answers."""

from typing import Any

import pytest
from gateway_world import Client, Refused, World
from google.protobuf.timestamp_pb2 import Timestamp
from heliograph.user.v1 import admin_pb2, user_pb2
from kit.errors import FailedPrecondition, PermissionDenied
from starlette.types import ASGIApp

SHOWN = {
    "id": "9",
    "username": "ben",
    "name": "Ben",
    "avatar_url": None,
    "private_account": False,
    "email": "ben@example.org",
    "email_verified": False,
    "role": "member",
    "state": "suspended",
    "second_factor": True,
    "sessions": 2,
    "created_at": None,
    "delete_after": None,
}


@pytest.fixture
def ben(world: World) -> admin_pb2.AdminUser:
    profile = world.profile(9, "ben", state=user_pb2.ACCOUNT_STATE_SUSPENDED)
    account = user_pb2.Account(profile=profile, email="ben@example.org", role=user_pb2.ROLE_MEMBER)
    return admin_pb2.AdminUser(account=account, has_second_factor=True, sessions=2)


@pytest.fixture
async def boss(world: World, app: ASGIApp) -> Client:
    return await world.client(app, world.token(scope="read write admin moderate"))


@pytest.mark.parametrize(
    ("method", "path", "body", "rpc"),
    [
        ("POST", "suspend", {"reason": "spam"}, "SuspendUser"),
        ("POST", "restore", {"reason": "spam"}, "RestoreUser"),
        ("POST", "reset-factor", {"reason": "spam"}, "ResetFactor"),
        ("PUT", "role", {"role": "moderator", "reason": "spam"}, "SetRole"),
    ],
)
async def test_acts_are_done_in_the_name_of_the_token_s_account(
    boss: Client, world: World, ben: admin_pb2.AdminUser, ada_id: int, method: str, path: str, body: Any, rpc: str
):
    world.admin.answer(rpc, getattr(admin_pb2, f"{rpc}Response")(user=ben))
    answer = await boss.request(method, f"/v1/admin/users/9/{path}", json=body)
    assert (answer.status_code, answer.json()) == (200, SHOWN)
    asked: Any = world.admin.requests[-1]
    assert (asked.actor.account_id, asked.actor.operator, asked.user_id, asked.reason) == (ada_id, "", 9, "spam")
    assert asked.actor.address
    if rpc == "SetRole":
        assert asked.role == user_pb2.ROLE_MODERATOR


async def test_accounts_are_searched_with_filters(boss: Client, world: World, ben: admin_pb2.AdminUser):
    world.admin.answer("ListUsers", admin_pb2.ListUsersResponse(users=[ben], next_page_token="9"))
    found = (await boss.get("/v1/admin/users?q=ben&role=member&state=suspended")).json()
    assert found["items"] == [SHOWN]
    assert found["next"]
    asked = world.admin.asked(admin_pb2.ListUsersRequest)[-1]
    assert (asked.query, asked.role, asked.state) == (
        "ben",
        user_pb2.ROLE_MEMBER,
        user_pb2.ACCOUNT_STATE_SUSPENDED,
    )
    assert (await boss.get("/v1/admin/users?role=king")).status_code == 422


async def test_an_account_is_read(boss: Client, world: World, ben: admin_pb2.AdminUser):
    ben.account.email = ""
    world.admin.answer("GetUser", admin_pb2.GetUserResponse(user=ben))
    assert (await boss.get("/v1/admin/users/9")).json() == {**SHOWN, "email": None}


async def test_the_trail(boss: Client, world: World):
    entry = admin_pb2.AuditEntry(
        id=3,
        actor="operator:root",
        action="keys.rotate",
        reason="yearly",
        address="192.0.2.1",
        details={"kid": "k2"},
        created_at=Timestamp(seconds=1782070200),
    )
    world.admin.answer("ListAudit", admin_pb2.ListAuditResponse(entries=[entry]))
    found = (await boss.get("/v1/admin/audit?user_id=9")).json()
    assert found == {
        "items": [
            {
                "id": "3",
                "actor": "operator:root",
                "action": "keys.rotate",
                "user_id": None,
                "reason": "yearly",
                "address": "192.0.2.1",
                "details": {"kid": "k2"},
                "created_at": "2026-06-21T19:30:00.000Z",
            }
        ],
        "next": None,
    }
    assert world.admin.asked(admin_pb2.ListAuditRequest)[-1].user_id == 9


@pytest.mark.parametrize(
    ("scope", "allowed"), [("read write", 0), ("read write moderate", 2), ("read write admin moderate", 7)]
)
async def test_a_token_s_scopes_bound_what_is_asked_at_all(
    world: World, app: ASGIApp, ben: admin_pb2.AdminUser, scope: str, allowed: int
):
    client = await world.client(app, world.token(scope=scope))
    for rpc in ("GetUser", "SuspendUser", "RestoreUser", "ResetFactor", "SetRole"):
        world.admin.answer(rpc, getattr(admin_pb2, f"{rpc}Response")(user=ben))
    reason = {"reason": "spam"}
    answers = [
        await client.get("/v1/admin/users"),
        await client.get("/v1/admin/users/9"),
        await client.get("/v1/admin/audit"),
        await client.post("/v1/admin/users/9/suspend", json=reason),
        await client.post("/v1/admin/users/9/restore", json=reason),
        await client.post("/v1/admin/users/9/reset-factor", json=reason),
        await client.put("/v1/admin/users/9/role", json={**reason, "role": "admin"}),
    ]
    assert sorted(answer.status_code for answer in answers) == [200] * allowed + [403] * (7 - allowed)
    assert len(world.admin.requests) == allowed


async def test_refusals_of_the_service_are_told(boss: Client, world: World, refused: Refused):
    path, body = "/v1/admin/users/9/suspend", {"reason": "spam"}
    world.admin.answer("SuspendUser", PermissionDenied("NOT_ALLOWED", "no"))
    refused(await boss.post(path, json=body), 403, "NOT_ALLOWED")
    world.admin.answer("SuspendUser", FailedPrecondition("LAST_ADMIN", "no"))
    refused(await boss.post(path, json=body), 409, "LAST_ADMIN")
    refused(await boss.post(path, json={"reason": ""}), 422, "INVALID_FIELD")
    refused(await boss.post(path, json={"reason": "x", "operator": "root"}), 422, "INVALID_FIELD")
