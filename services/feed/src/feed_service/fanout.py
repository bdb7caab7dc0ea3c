"""The fan-out worker's consumers: what happened to posts and follows, and the lanes' own tasks."""

from collections.abc import Mapping, Sequence

from heliograph.events.v1.graph_events_pb2 import GraphEvent
from heliograph.events.v1.post_events_pb2 import PostEvent
from heliograph.events.v1.user_events_pb2 import UserEvent
from heliograph.feed.v1.feed_pb2 import FanoutTask
from kit.consumer import Consumer, Handle, dispatch
from kit.server import Task

from feed_service.events import graph_handlers, lane_handlers, late_handlers, post_handlers, user_handlers
from feed_service.model import Lane
from feed_service.service import Erasure, FanOut, Follows, Push
from feed_service.settings import FanoutSettings

_CHUNKS_AT_ONCE = 4


def consumers(
    settings: FanoutSettings, fan_out: FanOut, follows: Follows, erasure: Erasure, pushes: Mapping[Lane, Push]
) -> Sequence[Task]:
    """A group for each topic, so that none of them waits for another's rebalance or outage."""

    def lane(lane: Lane) -> Consumer:
        handle = dispatch(FanoutTask, lane_handlers(fan_out, pushes[lane]), oneof="task")
        return consumer(f"feed.{lane.name.lower()}", lane.value, handle, _CHUNKS_AT_ONCE)

    def consumer(group: str, topic: str, handle: Handle, at_once: int = 16) -> Consumer:
        return Consumer(settings, group=group, topics=[topic], handle=handle, concurrency=at_once)

    late = dispatch(FanoutTask, late_handlers(pushes[Lane.SMALL]), oneof="task")
    made = [
        consumer("feed.fanout", "post.v1", dispatch(PostEvent, post_handlers(fan_out))),
        consumer("feed.follows", "graph.v1", dispatch(GraphEvent, graph_handlers(follows))),
        consumer("feed.erasures", "user.v1", dispatch(UserEvent, user_handlers(erasure))),
        lane(Lane.SMALL),
        lane(Lane.LARGE),
        consumer("feed.late", Lane.LATE.value, late, _CHUNKS_AT_ONCE),
    ]
    return [one.run for one in made]
