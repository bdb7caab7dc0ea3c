"""The fan-out worker's consumers: what happened to posts and follows, and the lanes' own tasks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from heliograph.events.v1.graph_events_pb2 import GraphEvent
from heliograph.events.v1.post_events_pb2 import PostEvent
from heliograph.events.v1.user_events_pb2 import UserEvent
from heliograph.feed.v1.feed_pb2 import FanoutTask
from kit.consumer import Consumer, Handle, dispatch
from kit.server import Task

from feed_service.events import graph_handlers, lane_handlers, late_handlers, post_handlers, user_handlers
from feed_service.model import Lane
from feed_service.service import Erasure, FanOut, Follows, Push, Return
from feed_service.settings import FanoutSettings

_CHUNKS_AT_ONCE = 4


@dataclass(frozen=True)
class Heard:
    """Those whom the consumers tell."""

    fan_out: FanOut
    follows: Follows
    erasure: Erasure
    returns: Return
    pushes: Mapping[Lane, Push]


class Lanes:
    """A group for each topic, so that none of them waits for another's rebalance or outage; each has places of its own
    for what runs at once."""

    def __init__(self, settings: FanoutSettings) -> None:
        self._settings = settings
        self._consumers: dict[Lane, Consumer] = {}

    def lag(self, lane: Lane) -> int:
        """Tasks that wait in this process' part of the lane, at most half a second ago."""
        return self._consumers[lane].lag

    def tasks(self, heard: Heard) -> Sequence[Task]:
        late = dispatch(FanoutTask, late_handlers(heard.pushes[Lane.SMALL]), oneof="task")
        self._consumers = {lane: self._lane(lane, heard) for lane in (Lane.SMALL, Lane.LARGE)}
        made = [
            self._consumer("feed.fanout", "post.v1", dispatch(PostEvent, post_handlers(heard.fan_out))),
            self._consumer("feed.follows", "graph.v1", dispatch(GraphEvent, graph_handlers(heard.follows))),
            self._consumer("feed.erasures", "user.v1", dispatch(UserEvent, user_handlers(heard.erasure))),
            *self._consumers.values(),
            self._consumer("feed.late", Lane.LATE.value, late, _CHUNKS_AT_ONCE),
        ]
        return [one.run for one in made]

    def _lane(self, lane: Lane, heard: Heard) -> Consumer:
        handlers = lane_handlers(heard.fan_out, heard.pushes[lane], heard.returns)
        handle = dispatch(FanoutTask, handlers, oneof="task")
        return self._consumer(f"feed.{lane.name.lower()}", lane.value, handle, _CHUNKS_AT_ONCE)

    def _consumer(self, group: str, topic: str, handle: Handle, at_once: int = 16) -> Consumer:
        return Consumer(self._settings, group=group, topics=[topic], handle=handle, concurrency=at_once)
