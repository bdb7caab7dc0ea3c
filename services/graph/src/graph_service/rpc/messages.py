"""Between the messages of graph.proto and the model."""

from collections.abc import Sequence

from heliograph.graph.v1 import graph_pb2 as pb
from kit.proto import datetime_of, timestamp

from graph_service.model.lists import Edge
from graph_service.model.mutes import End
from graph_service.model.packed import PackedRelations
from graph_service.model.relations import Relation
from graph_service.model.suggestions import Candidate


def relationship_of(relation: Relation) -> pb.Relationship:
    return pb.Relationship(
        id=relation.id,
        following=relation.following,
        requested=relation.requested,
        followed_by=relation.followed_by,
        blocking=relation.blocking,
        blocked_by=relation.blocked_by,
        muting=relation.muting,
        close_friend_of=relation.close_friend_of,
        muted_until=timestamp(relation.muted_until) if relation.muted_until else None,
        close_friend=relation.close_friend,
    )


def edges_of(edges: Sequence[Edge]) -> list[pb.Edge]:
    return [pb.Edge(user_id=edge.user_id, created_at=timestamp(edge.created_at)) for edge in edges]


def end_of(request: pb.MuteRequest) -> End:
    match request.WhichOneof("end"):
        case "seconds":
            return End(seconds=request.seconds)
        case "until":
            return End(moment=datetime_of(request.until))
        case None:
            return End()


def packed_of(found: PackedRelations) -> pb.PackRelationsResponse:
    return pb.PackRelationsResponse(
        following=found.following,
        blocked=found.blocked,
        close_friend_of=found.close_friend_of,
        muted=found.muted,
        timed_mutes=[pb.TimedMute(user_id=user_id, until=timestamp(until)) for user_id, until in found.timed_mutes],
        tags=found.tags,
        next_after_id=found.last,
    )


def suggestion_of(candidate: Candidate) -> pb.Suggestion:
    return pb.Suggestion(user_id=candidate.user_id, mutual=candidate.mutual, mutual_ids=candidate.mutual_ids)
