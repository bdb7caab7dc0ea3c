"""Likes, comments and their counts over gRPC, on real stores."""

import asyncio

import pytest
from heliograph.events.v1.engagement_events_pb2 import EngagementEvent
from heliograph.post.v1 import post_pb2 as pb
from kit import errors
from post_service.model.visibility import AccountState

from services.post.tests.contract.conftest import Service

BEN, ADA, EVE = 11, 12, 13


@pytest.fixture(autouse=True)
def three_people(service: Service) -> None:
    for user_id, name in ((BEN, "ben"), (ADA, "ada"), (EVE, "eve")):
        service.people.add(user_id, name)


async def like(service: Service, viewer: int, post_id: int) -> pb.LikePostResponse:
    return await service.stub.LikePost(pb.LikePostRequest(viewer_id=viewer, post_id=post_id))


async def say(service: Service, viewer: int, post_id: int, text: str = "nice", reply_to: int = 0) -> pb.Comment:
    request = pb.CreateCommentRequest(viewer_id=viewer, post_id=post_id, text=text, reply_to=reply_to)
    return (await service.stub.CreateComment(request)).comment


async def events(service: Service) -> list[EngagementEvent]:
    query = "select payload from outbox where topic = 'engagement.v1' order by id"
    rows = await service.studio.postgres.primary.fetch(query)
    return [EngagementEvent.FromString(row["payload"]) for row in rows]


async def test_a_like_counts_once_and_shows_in_the_answer(service: Service) -> None:
    post = await service.published(BEN)
    answers = await asyncio.gather(*(like(service, ADA, post.id) for _ in range(4)))
    assert max(answer.counts.likes for answer in answers) == 1
    again = await like(service, ADA, post.id)
    assert (again.counts.likes, again.viewer.liked) == (1, True)
    assert (await like(service, EVE, post.id)).counts.likes == 2
    assert [event.WhichOneof("event") for event in await events(service)] == ["post_liked", "post_liked"]
    seen = await service.get(ADA, post.id)
    assert (seen.counts.likes, seen.viewer.liked) == (2, True)
    assert not (await service.get(0, post.id)).viewer.liked
    for _ in range(2):
        gone = await service.stub.UnlikePost(pb.UnlikePostRequest(viewer_id=ADA, post_id=post.id))
        assert (gone.counts.likes, gone.viewer.liked) == (1, False)
    assert len(await events(service)) == 3


async def test_a_crowd_at_one_post_is_counted_exactly(service: Service) -> None:
    post = await service.published(BEN)
    crowd = [service.people.add(1000 + number) for number in range(200)]
    calls = [like(service, viewer, post.id) for viewer in [*crowd, *crowd[::10]]]
    calls += [like(service, viewer, post.id + 1) for viewer in crowd[:3]]  # no such post: only they hear of it
    answers = await asyncio.gather(*calls, return_exceptions=True)
    assert [type(error) for error in answers if isinstance(error, Exception)] == [errors.NotFound] * 3
    made = [answer.change_id for answer in answers if isinstance(answer, pb.LikePostResponse) and answer.change_id]
    away = [service.stub.UnlikePost(pb.UnlikePostRequest(viewer_id=viewer, post_id=post.id)) for viewer in crowd[::4]]
    made += [answer.change_id for answer in await asyncio.gather(*away)]
    assert (await service.get(0, post.id)).counts.likes == 150
    await service.hear_engagement()
    assert (await service.get(0, post.id)).counts.likes == 150
    told = [getattr(event, str(event.WhichOneof("event"))).change_id for event in await events(service)]
    assert sorted(told) == sorted(made)
    assert len(set(made)) == 250
    rows = await service.studio.postgres.primary.fetch("select user_id from likes where post_id = $1", post.id)
    assert {row["user_id"] for row in rows} == set(crowd) - set(crowd[::4])


async def test_events_of_one_pair_have_rising_change_ids(service: Service) -> None:
    post = await service.published(BEN)
    for _ in range(3):
        await like(service, ADA, post.id)
        await service.stub.UnlikePost(pb.UnlikePostRequest(viewer_id=ADA, post_id=post.id))
    found = await events(service)
    ids = [getattr(event, str(event.WhichOneof("event"))).change_id for event in found]
    assert ids == sorted(ids)
    assert len(set(ids)) == 6
    keys = await service.studio.postgres.primary.fetch("select distinct key, shard from outbox where topic like 'eng%'")
    assert [(row["key"], row["shard"]) for row in keys] == [(f"{post.id}:{ADA}", post.id)]


async def test_hearing_the_events_again_changes_no_count(service: Service) -> None:
    post = await service.published(BEN)
    await like(service, ADA, post.id)
    parent = await say(service, ADA, post.id)
    await say(service, EVE, post.id, reply_to=parent.id)
    for _ in range(2):
        await service.hear_engagement()
    counts = (await service.get(ADA, post.id)).counts
    assert (counts.likes, counts.comments) == (1, 2)


async def test_counts_that_the_call_could_not_make_are_made_by_the_event(service: Service) -> None:
    post = await service.published(BEN)
    await service.like_behind_its_back(ADA, post.id)
    assert (await service.get(ADA, post.id)).counts.likes == 0
    await service.hear_engagement()
    assert (await service.get(ADA, post.id)).counts.likes == 1


async def test_likers_come_newest_first_without_those_the_viewer_may_not_meet(service: Service) -> None:
    post = await service.published(BEN)
    for viewer in (BEN, ADA, EVE):
        await like(service, viewer, post.id)

    async def likers(viewer: int, size: int = 20, token: str = "") -> pb.ListLikesResponse:
        request = pb.ListLikesRequest(viewer_id=viewer, post_id=post.id, page_size=size, page_token=token)
        return await service.stub.ListLikes(request)

    first = await likers(0, 2)
    assert [profile.id for profile in first.profiles] == [EVE, ADA]
    assert [profile.id for profile in (await likers(0, 2, first.next_page_token)).profiles] == [BEN]
    service.people.block(ADA, EVE)
    assert [profile.id for profile in (await likers(ADA)).profiles] == [ADA, BEN]
    service.people.change(EVE, state=AccountState.DELETED)
    assert [profile.id for profile in (await likers(0)).profiles] == [ADA, BEN]
    assert (await service.get(0, post.id)).counts.likes == 3
    with pytest.raises(errors.InvalidArgument):
        await likers(ADA, 2, "nonsense")


async def test_comments_have_one_level_of_answers(service: Service) -> None:
    post = await service.published(BEN)
    first = await say(service, ADA, post.id, "first @eve")
    answer = await say(service, EVE, post.id, "answer", reply_to=first.id)
    deeper = await say(service, BEN, post.id, "deeper", reply_to=answer.id)
    assert (first.reply_to, answer.reply_to, deeper.reply_to) == (0, first.id, first.id)
    assert [mention.user_id for mention in first.mentions] == [EVE]
    listed = await service.stub.ListComments(pb.ListCommentsRequest(viewer_id=0, post_id=post.id))
    assert [(comment.text, comment.counts.replies) for comment in listed.comments] == [("first @eve", 2)]
    replies = await service.stub.ListReplies(pb.ListRepliesRequest(viewer_id=0, comment_id=first.id))
    assert [comment.text for comment in replies.comments] == ["answer", "deeper"]
    assert (await service.get(0, post.id)).counts.comments == 3
    created = [event.comment_created for event in await events(service)]
    assert [event.reply_to_author_id for event in created] == [0, ADA, EVE]


async def test_a_repeated_comment_is_one_comment(service: Service) -> None:
    post = await service.published(BEN)
    asked = pb.CreateCommentRequest(viewer_id=ADA, post_id=post.id, text="once", request_id="c1")
    answers = await asyncio.gather(*(service.stub.CreateComment(asked) for _ in range(4)))
    assert len({answer.comment.id for answer in answers}) == 1
    assert (await service.get(0, post.id)).counts.comments == 1
    asked.text = "other"
    with pytest.raises(errors.InvalidArgument) as raised:
        await service.stub.CreateComment(asked)
    assert raised.value.reason == "REQUEST_ID_REUSED"


async def test_comments_can_be_off(service: Service) -> None:
    post = await service.published(BEN, comments_off=True)
    with pytest.raises(errors.FailedPrecondition) as raised:
        await say(service, ADA, post.id)
    assert raised.value.reason == "COMMENTS_OFF"


async def test_an_answer_needs_a_comment_of_the_same_post_that_lives(service: Service) -> None:
    post, other = await service.published(BEN), await service.published(BEN)
    there = await say(service, ADA, other.id)
    gone = await say(service, ADA, post.id)
    await service.stub.DeleteComment(pb.DeleteCommentRequest(viewer_id=ADA, comment_id=gone.id))
    for target in (there.id, gone.id, 77):
        with pytest.raises(errors.InvalidArgument) as raised:
            await say(service, EVE, post.id, reply_to=target)
        assert (raised.value.reason, raised.value.fields[0].field) == ("COMMENT_NOT_FOUND", "/reply_to")


async def test_deleting_a_comment_takes_its_answers_with_it_once(service: Service) -> None:
    post = await service.published(BEN)
    first = await say(service, ADA, post.id)
    for _ in range(2):
        await say(service, EVE, post.id, reply_to=first.id)
    stranger = pb.DeleteCommentRequest(viewer_id=EVE, comment_id=first.id)
    with pytest.raises(errors.PermissionDenied):
        await service.stub.DeleteComment(stranger)
    for viewer in (ADA, BEN):  # its author, and the post's author again
        await service.stub.DeleteComment(pb.DeleteCommentRequest(viewer_id=viewer, comment_id=first.id))
    assert (await service.get(0, post.id)).counts.comments == 0
    deleted = [event.comment_deleted for event in await events(service) if event.HasField("comment_deleted")]
    assert [event.removed for event in deleted] == [3]
    with pytest.raises(errors.NotFound):
        await service.stub.DeleteComment(stranger)
    with pytest.raises(errors.NotFound):
        await service.stub.ListReplies(pb.ListRepliesRequest(viewer_id=ADA, comment_id=first.id))


async def test_people_who_block_each_other_do_not_see_each_others_comments(service: Service) -> None:
    post = await service.published(BEN)
    mine, theirs = await say(service, ADA, post.id, "mine"), await say(service, EVE, post.id, "theirs")
    service.people.block(ADA, EVE)
    listed = await service.stub.ListComments(pb.ListCommentsRequest(viewer_id=ADA, post_id=post.id))
    assert [comment.id for comment in listed.comments] == [mine.id]
    asked = pb.BatchGetCommentsRequest(viewer_id=ADA, ids=[theirs.id, mine.id, 5])
    assert [comment.id for comment in (await service.stub.BatchGetComments(asked)).comments] == [mine.id]
    assert (await service.get(ADA, post.id)).counts.comments == 2
    with pytest.raises(errors.InvalidArgument):
        await say(service, ADA, post.id, reply_to=theirs.id)


async def test_comments_of_a_post_that_may_not_be_seen_are_hidden(service: Service) -> None:
    post = await service.published(BEN)
    comment = await say(service, ADA, post.id)
    service.people.change(BEN, private_account=True)
    batch = await service.stub.BatchGetComments(pb.BatchGetCommentsRequest(viewer_id=EVE, ids=[comment.id]))
    assert not batch.comments
    with pytest.raises(errors.NotFound):
        await service.stub.ListComments(pb.ListCommentsRequest(viewer_id=EVE, post_id=post.id))
    with pytest.raises(errors.NotFound):
        await say(service, EVE, post.id)
    with pytest.raises(errors.NotFound):
        await like(service, EVE, post.id)


@pytest.mark.parametrize("text", ["", " ", "x" * 2201, " ".join(f"@user{number}" for number in range(31))])
async def test_bad_comments_are_refused(service: Service, text: str) -> None:
    post = await service.published(BEN)
    with pytest.raises(errors.InvalidArgument) as raised:
        await say(service, ADA, post.id, text)
    assert raised.value.fields[0].field == "/text"


async def test_comment_pages_are_full_and_in_order(service: Service) -> None:
    post = await service.published(BEN)
    said = [(await say(service, (ADA, EVE)[number % 2], post.id, str(number))).id for number in range(8)]
    service.people.block(BEN, EVE)
    request = pb.ListCommentsRequest(viewer_id=BEN, post_id=post.id, page_size=3)
    first = await service.stub.ListComments(request)
    request.page_token = first.next_page_token
    second = await service.stub.ListComments(request)
    assert [comment.id for comment in first.comments] == said[0:6:2]
    assert [comment.id for comment in second.comments] == said[6:7]
    assert not second.next_page_token


async def test_a_mention_tells_nobody_of_an_account_that_is_hidden_from_them(service: Service) -> None:
    media_id = await service.ready_medium(BEN)
    post = await service.post(BEN, [media_id], caption="with @ada and @eve")
    comment = await say(service, BEN, post.id, "and @ada")
    service.people.block(ADA, EVE)
    assert [mention.user_id for mention in (await service.get(EVE, post.id)).mentions] == [EVE]
    listed = await service.stub.ListComments(pb.ListCommentsRequest(viewer_id=EVE, post_id=post.id))
    assert [(shown.id, list(shown.mentions)) for shown in listed.comments] == [(comment.id, [])]
    assert len((await service.get(BEN, post.id)).mentions) == 2


async def test_whom_one_may_not_know_of_cannot_be_mentioned(service: Service) -> None:
    service.people.block(ADA, BEN)
    post = await service.post(BEN, [await service.ready_medium(BEN)], caption="with @ada and @eve")
    assert [mention.user_id for mention in post.mentions] == [EVE]
    assert [mention.user_id for mention in (await say(service, BEN, post.id, "@ada @eve")).mentions] == [EVE]
