from collections.abc import AsyncGenerator, Sequence

import pytest_asyncio
from google.protobuf.field_mask_pb2 import FieldMask
from heliograph.events.v1.user_events_pb2 import UserEvent
from heliograph.user.v1 import user_pb2 as pb
from heliograph.user.v1.user_pb2_grpc import UserServiceStub
from kit.consumer import Consumer, Delivery
from kit.tasks import background
from kit.testing import MakeTopics, eventually
from redis.asyncio import Redis
from user_service.settings import UserSettings
from user_service.wiring.serving import Serving

from .conftest import Register


@pytest_asyncio.fixture
async def heard(serving: Serving, settings: UserSettings, make_topics: MakeTopics) -> AsyncGenerator[list[Delivery]]:
    """What reaches Kafka while the service's own tasks run."""
    await make_topics("user.v1")
    deliveries: list[Delivery] = []

    async def hear(delivery: Delivery) -> None:
        deliveries.append(delivery)

    listener = Consumer(settings, group="test.listener", topics=["user.v1"], handle=hear)
    async with background([*serving.tasks, listener.run], grace=10):
        yield deliveries


async def update(users: UserServiceStub, user_id: int, **fields: str | bool) -> pb.Profile:
    request = pb.UpdateAccountRequest(
        viewer_id=user_id,
        profile=pb.Profile(**fields),  # type: ignore[arg-type]
        update_mask=FieldMask(paths=list(fields)),
    )
    return (await users.UpdateAccount(request)).account.profile


async def test_changes_of_an_account_reach_kafka_once_in_order_under_its_id(
    users: UserServiceStub, register: Register, heard: list[Delivery]
) -> None:
    made = (await register(request_id="once")).profile
    await register(request_id="once")
    renamed = await update(users, made.id, name="Anne")
    await update(users, made.id, name="Anne")
    hidden = await update(users, made.id, private_account=True)
    both = await update(users, made.id, private_account=False, bio="open")

    async def all_there() -> Sequence[Delivery] | None:
        return heard if len(heard) >= 5 else None

    await eventually(all_there, timeout=30)
    told = [UserEvent.FromString(delivery.value) for delivery in heard]
    kinds = [event.WhichOneof("event") for event in told]
    assert kinds == ["account_registered", "profile_changed", "privacy_changed", "privacy_changed", "profile_changed"]
    assert told[0].account_registered.profile == made
    assert told[1].profile_changed.profile == renamed
    assert told[2].privacy_changed.profile == hidden
    assert told[3].privacy_changed.profile == told[4].profile_changed.profile == both
    assert {(delivery.key, delivery.type.rpartition(".")[2]) for delivery in heard} == {
        (str(made.id), "AccountRegistered"),
        (str(made.id), "ProfileChanged"),
        (str(made.id), "PrivacyChanged"),
    }


async def test_a_cache_that_missed_a_change_gets_it_from_the_event(
    serving: Serving, users: UserServiceStub, register: Register, redis: Redis, make_topics: MakeTopics
) -> None:
    made = (await register()).profile
    key = f"user:profile:{{{made.id}}}"
    old = await redis.get(key)
    hidden = await update(users, made.id, private_account=True)
    assert old
    await redis.set(key, old)  # as if Redis had been away during the update
    await make_topics("user.v1")
    asked = pb.BatchGetProfilesRequest(ids=[made.id])

    async def seen() -> bool:
        return list((await users.BatchGetProfiles(asked)).profiles) == [hidden]

    assert not await seen()
    async with background(serving.tasks, grace=10):
        await eventually(seen, timeout=30)
