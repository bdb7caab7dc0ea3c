"""What the fan-out hears, and the tasks that it sends to itself."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from heliograph.events.v1.graph_events_pb2 import Blocked, Followed, Unfollowed
from heliograph.events.v1.post_events_pb2 import PostDeleted, PostPublished
from heliograph.events.v1.user_events_pb2 import AccountErased
from heliograph.feed.v1.feed_pb2 import FanoutBackfill, FanoutChunk, FanoutPlan, FanoutTask
from kit import telemetry
from kit.consumer import Delivery
from kit.kafka import Message, Producer

from feed_service.model import ID_BYTES, Chunk, Entry, Lane, Plan, micros
from feed_service.model.crossing import Backfill
from feed_service.service import Erasure, FanOut, Follows, Push, Return

Handlers = Mapping[str, Callable[[Any, Delivery], Awaitable[None]]]


def post_handlers(fan_out: FanOut) -> Handlers:
    async def published(event: PostPublished, delivery: Delivery) -> None:
        await fan_out.publish(Entry(event.post.post_id, event.post.author_id), micros(delivery.time))

    async def deleted(event: PostDeleted, delivery: Delivery) -> None:
        await fan_out.retract(Entry(event.post_id, event.author_id), micros(delivery.time))

    return {"post_published": published, "post_deleted": deleted}


def graph_handlers(follows: Follows) -> Handlers:
    async def followed(event: Followed, _: Delivery) -> None:
        await follows.followed(event.follower_id, event.followee_id, event.change_id)

    async def unfollowed(event: Unfollowed, _: Delivery) -> None:
        await follows.unfollowed(event.follower_id, event.followee_id, event.change_id)

    async def blocked(event: Blocked, _: Delivery) -> None:
        await follows.blocked(event.blocker_id, event.blocked_id, event.change_id)

    return {"followed": followed, "unfollowed": unfollowed, "blocked": blocked}


def user_handlers(erasure: Erasure) -> Handlers:
    async def erased(event: AccountErased, _: Delivery) -> None:
        await erasure.erase(event.user_id)

    return {"account_erased": erased}


def lane_handlers(fan_out: FanOut, push: Push, returns: Return) -> Handlers:
    async def plan(task: FanoutPlan, _: Delivery) -> None:
        await fan_out.go_on(Plan(Entry(task.post_id, task.author_id), task.after_follower_id, task.written_at_us))

    async def chunk(task: FanoutChunk, _: Delivery) -> None:
        await push.write(_chunk(task))

    async def backfill(task: FanoutBackfill, _: Delivery) -> None:
        await returns.step(Backfill(task.author_id, task.returning_us, task.after_follower_id))

    return {"plan": plan, "chunk": chunk, "backfill": backfill}


def late_handlers(push: Push) -> Handlers:
    async def chunk(task: FanoutChunk, _: Delivery) -> None:
        await push.warm_up(_chunk(task))

    return {"chunk": chunk}


class LaneTasks:
    """Tasks as messages on the lanes' topics."""

    def __init__(self, producer: Producer) -> None:
        self._producer = producer

    async def emit(self, lane: Lane, tasks: Sequence[Plan | Chunk | Backfill]) -> None:
        await self._producer.publish([_message(lane, task) for task in tasks])


def _message(lane: Lane, task: Plan | Chunk | Backfill) -> Message:
    """Keyed so that the chunks of one post spread over the partitions: their order does not matter. A plan has the key
    of the chunk that it waits behind."""
    match task:
        case Plan():
            value = FanoutTask(plan=FanoutPlan(after_follower_id=task.after, **_post(task)))
            key = f"{task.entry.post_id}:{task.behind}"
        case Chunk():
            value = FanoutTask(chunk=FanoutChunk(follower_ids=task.followers, **_post(task)))
            key = f"{task.entry.post_id}:{int.from_bytes(task.followers[:ID_BYTES], 'big')}"
        case Backfill():
            ids = {"author_id": task.author_id, "returning_us": task.returning_us, "after_follower_id": task.after}
            value = FanoutTask(backfill=FanoutBackfill(**ids))
            key = str(task.author_id)
    return Message(
        topic=lane.value,
        key=key,
        type=f"heliograph.feed.v1.Fanout{type(task).__name__}",
        value=value.SerializeToString(),
        source="feed",
        extra=((telemetry.TRACEPARENT, trace.encode()),) if (trace := telemetry.traceparent()) else (),
    )


def _post(task: Plan | Chunk) -> Mapping[str, int]:
    return {"post_id": task.entry.post_id, "author_id": task.entry.author_id, "written_at_us": task.at_us}


def _chunk(task: FanoutChunk) -> Chunk:
    return Chunk(Entry(task.post_id, task.author_id), task.follower_ids, task.written_at_us)
