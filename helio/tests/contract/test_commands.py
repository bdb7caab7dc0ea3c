"""The command line as a process, before services that a test scripts."""

import asyncio
import json
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest
import pytest_asyncio
from heliograph.upkeep.v1 import upkeep_pb2
from heliograph.upkeep.v1.upkeep_pb2_grpc import UpkeepServiceServicer, add_UpkeepServiceServicer_to_server
from heliograph.user.v1 import admin_pb2 as pb
from heliograph.user.v1 import user_pb2
from heliograph.user.v1.admin_pb2_grpc import AdminServiceServicer, add_AdminServiceServicer_to_server
from heliograph.user.v1.user_pb2_grpc import UserServiceServicer, add_UserServiceServicer_to_server
from kit.deadletters import DeadLetters
from kit.delivery import Delivery
from kit.errors import FailedPrecondition, Unavailable
from kit.kafka import create_topics, open_producer
from kit.server import Context, running
from kit.settings import KafkaSettings, ProcessSettings
from kit.testing import MakeSettings

ADA, BEN = 11, 12


def account(user_id: int, username: str, role: user_pb2.Role.ValueType = user_pb2.ROLE_MEMBER) -> pb.AdminUser:
    profile = user_pb2.Profile(id=user_id, username=username, state=user_pb2.ACCOUNT_STATE_ACTIVE)
    return pb.AdminUser(account=user_pb2.Account(profile=profile, email=f"{username}@example.org", role=role))


@dataclass
class Peer:
    """Stands for every service, as far as it is asked here."""

    users: dict[int, pb.AdminUser] = field(default_factory=dict[int, pb.AdminUser])
    asked: list[Any] = field(default_factory=list[Any])
    registered: list[user_pb2.RegisterAccountRequest] = field(default_factory=list[user_pb2.RegisterAccountRequest])
    outage: int = 0

    async def ListUsers(self, request: pb.ListUsersRequest, context: Context) -> pb.ListUsersResponse:
        found = [u for u in self.users.values() if not request.role or u.account.role == request.role]
        return pb.ListUsersResponse(users=found)

    async def SuspendUser(self, request: pb.SuspendUserRequest, context: Context) -> pb.SuspendUserResponse:
        self.asked.append(request)
        if request.user_id == ADA:
            raise FailedPrecondition("LAST_ADMIN", "there would be no administrator left")
        self.users[request.user_id].account.profile.state = user_pb2.ACCOUNT_STATE_SUSPENDED
        return pb.SuspendUserResponse(user=self.users[request.user_id])

    async def SetRole(self, request: pb.SetRoleRequest, context: Context) -> pb.SetRoleResponse:
        self.asked.append(request)
        self.users[request.user_id].account.role = request.role
        return pb.SetRoleResponse(user=self.users[request.user_id])

    async def RecordAct(self, request: pb.RecordActRequest, context: Context) -> pb.RecordActResponse:
        self.asked.append(request)
        return pb.RecordActResponse()

    async def ListAudit(self, request: pb.ListAuditRequest, context: Context) -> pb.ListAuditResponse:
        number = int(request.page_token or 0)
        entries = [pb.AuditEntry(id=n, actor="operator:root", action="x") for n in range(number, number + 100)]
        return pb.ListAuditResponse(entries=entries[: request.page_size], next_page_token=str(number + 100))

    async def ScanProfiles(self, request: pb.ScanProfilesRequest, context: Context) -> pb.ScanProfilesResponse:
        if request.after_id:
            return pb.ScanProfilesResponse(profiles=[user_pb2.Profile(id=BEN)])
        return pb.ScanProfilesResponse(profiles=[user_pb2.Profile(id=ADA)], next_after_id=ADA)

    async def RegisterAccount(
        self, request: user_pb2.RegisterAccountRequest, context: Context
    ) -> user_pb2.RegisterAccountResponse:
        self.registered.append(request)
        if request.email != "taken@example.org":
            self.users[99] = account(99, request.username)
        return user_pb2.RegisterAccountResponse()

    async def Rebuild(self, request: upkeep_pb2.RebuildRequest, context: Context) -> upkeep_pb2.RebuildResponse:
        self.asked.append(request)
        if self.outage:
            self.outage -= 1
            raise Unavailable("REDIS_UNAVAILABLE", "away")
        more = request.view in {"users", "posts"} and not request.token
        return upkeep_pb2.RebuildResponse(done=3, next_token="more" if more else "", phase="rows")


@dataclass
class Ended:
    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Helio = Callable[..., Awaitable[Ended]]


def _whole(servicer: type, peer: Peer) -> Any:
    """The servicer, with those methods that the peer has."""
    return type(
        "Whole", (servicer,), {n: getattr(peer, n) for n in vars(servicer) if hasattr(peer, n) and n[0] != "_"}
    )()


@pytest.fixture
def peer() -> Peer:
    return Peer({ADA: account(ADA, "ada", user_pb2.ROLE_ADMIN), BEN: account(BEN, "ben")})


@pytest_asyncio.fixture
async def helio(peer: Peer) -> AsyncGenerator[Helio]:
    register = [
        partial(add, _whole(servicer, peer))
        for servicer, add in (
            (AdminServiceServicer, add_AdminServiceServicer_to_server),
            (UserServiceServicer, add_UserServiceServicer_to_server),
            (UpkeepServiceServicer, add_UpkeepServiceServicer_to_server),
        )
    ]
    settings = ProcessSettings(listen="127.0.0.1:0", shutdown_grace_seconds=1)
    async with running(settings, "fakes", register=register, names=[]) as server:
        target = f"127.0.0.1:{server.port}"
        services = ("USER", "GRAPH", "POST", "FEED", "SEARCH")
        environment = {f"HELIOGRAPH_{name}_TARGET": target for name in services} | {"HELIOGRAPH_OPERATOR": "grace"}

        async def run(*arguments: str, given: str = "", **variables: str) -> Ended:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "helio",
                *arguments,
                env=environment | variables,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
            )
            out, err = await process.communicate(given.encode())
            return Ended(process.returncode or 0, out.decode(), err.decode())

        yield run


async def test_an_act_names_the_operator_and_the_reason(helio: Helio, peer: Peer) -> None:
    done = await helio("user", "suspend", "ben", "--reason", "spam", "--json")
    assert (done.status, done.json["state"], done.json["id"]) == (0, "suspended", str(BEN))
    (asked,) = peer.asked
    assert (asked.actor.operator, asked.actor.account_id, asked.reason) == ("grace", 0, "spam")
    assert asked.actor.address


@pytest.mark.parametrize("who", ["ben", "@ben", "BEN@example.org", "12"])
async def test_an_account_is_named_in_any_way_but_in_full(helio: Helio, who: str) -> None:
    done = await helio("user", "show", who, "--json")
    assert done.json["username"] == "ben"
    assert (await helio("user", "show", who[:-1])).status == 3


async def test_refusals_are_a_line_and_an_exit_code(helio: Helio) -> None:
    done = await helio("user", "suspend", "ada", "--reason", "x")
    assert (done.status, done.out) == (1, "")
    assert done.err == "helio: there would be no administrator left (LAST_ADMIN)\n"
    away = await helio("user", "show", "ada", HELIOGRAPH_USER_TARGET="127.0.0.1:1")
    assert (away.status, away.err.count("\n")) == (4, 1)
    nowhere = await helio("rebuild", "feed", "--user", "ada", HELIOGRAPH_FEED_TARGET="")
    assert nowhere.status == 78
    assert (await helio("user", "suspend")).status == 2


async def test_a_first_admin_has_a_password_that_nobody_saw_on_the_command_line(helio: Helio, peer: Peer) -> None:
    arguments = ("admin", "create", "root", "--email", "root@example.org", "--password-stdin", "--json")
    done = await helio(*arguments, given="correct horse\n")
    assert (done.status, done.json["role"]) == (0, "admin")
    (registered,) = peer.registered
    assert (registered.username, registered.password) == ("root", "correct horse")
    assert "no second factor" in done.err
    assert peer.asked[-1].reason


async def test_an_address_that_is_somebodys_makes_no_admin(helio: Helio, peer: Peer) -> None:
    arguments = ("admin", "create", "root", "--email", "taken@example.org", "--password-stdin")
    done = await helio(*arguments, given="correct horse\n")
    assert done.status == 1
    assert "belongs to another account" in done.err
    assert peer.asked == []


async def test_everybody_s_timelines_are_built_anew_and_that_is_recorded_first(helio: Helio, peer: Peer) -> None:
    done = await helio("rebuild", "feed", "--all", "--json", "--reason", "lost a disk")
    assert (done.json["timelines"], done.json["steps"]) == (6, 2)
    recorded, *steps = peer.asked
    assert (recorded.action, recorded.reason, recorded.actor.operator) == ("feed.rebuild", "lost a disk", "grace")
    assert [step.user_id for step in steps] == [ADA, BEN]
    assert (await helio("rebuild", "feed")).status == 1


async def test_a_step_that_is_lost_is_asked_for_again(helio: Helio, peer: Peer) -> None:
    peer.outage = 4
    done = await helio("rebuild", "search", "--json")
    assert done.json == {"search users": 6, "search posts": 6, "steps": 4, "seconds": done.json["seconds"]}
    tokens = [(step.view, step.token) for step in peer.asked[1:]]
    assert tokens[-4:] == [("users", ""), ("users", "more"), ("posts", ""), ("posts", "more")]


async def test_the_trail_is_read_page_by_page(helio: Helio) -> None:
    assert len((await helio("audit", "--most", "150", "--json")).json) == 150


async def test_people_get_words(helio: Helio) -> None:
    done = await helio("admin", "list")
    assert "ada@example.org" in done.out
    assert "no second factor" in done.err


async def test_dead_letters_are_listed_and_replayed_and_the_replay_is_recorded(
    helio: Helio, peer: Peer, servers: dict[str, str], make_settings: MakeSettings, topic_prefix: str
) -> None:
    settings = make_settings(KafkaSettings, topic_prefix=topic_prefix)
    async with open_producer(settings) as producer:
        letter = Delivery("post.v1", 0, 7, "9", "PostPublished", "id-1", datetime.now(UTC), b"x")
        await create_topics(settings.kafka_bootstrap, {f"{topic_prefix}post.v1": 1})
        await DeadLetters(settings, producer, "search.index").bury(letter, ValueError("unreadable"))
    kafka = {"HELIOGRAPH_KAFKA_BOOTSTRAP": settings.kafka_bootstrap, "HELIOGRAPH_TOPIC_PREFIX": topic_prefix}
    asked = ("--topic", "post.v1", "--group", "search.index", "--json")
    (listed,) = (await helio("letters", "list", *asked, **kafka)).json
    assert (listed["id"], listed["reason"]) == ("id-1", "ValueError: unreadable")
    assert (await helio("letters", "replay", *asked, "--reason", "mended", **kafka)).json == {"replayed": 1}
    assert (peer.asked[-1].action, peer.asked[-1].reason) == ("letters.replay", "mended")
    assert (await helio("letters", "list", *asked)).status == 1
