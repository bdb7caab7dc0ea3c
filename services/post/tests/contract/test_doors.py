"""Whom an account lets comment on its posts, and mention it, over gRPC on real stores."""

import pytest
from heliograph.events.v1.engagement_events_pb2 import EngagementEvent
from heliograph.events.v1.post_events_pb2 import PostEvent
from heliograph.post.v1 import post_pb2 as pb
from kit import errors
from post_service.model.visibility import AllowedBy, Relation

from services.post.tests.contract.conftest import Service

BEN, ADA, EVE = 11, 12, 13
FOLLOWER, FOLLOWED = Relation(following=True), Relation(followed_by=True)


@pytest.fixture(autouse=True)
def three_people(service: Service) -> None:
    """Ada follows Ben; Ben follows Eve."""
    for user_id, name in ((BEN, "ben"), (ADA, "ada"), (EVE, "eve")):
        service.people.add(user_id, name)
    service.people.tie(ADA, BEN, FOLLOWER)
    service.people.tie(BEN, ADA, FOLLOWED)
    service.people.tie(BEN, EVE, FOLLOWER)
    service.people.tie(EVE, BEN, FOLLOWED)


async def say(service: Service, viewer: int, post_id: int, text: str = "nice", **fields: int | str) -> pb.Comment:
    request = pb.CreateCommentRequest(viewer_id=viewer, post_id=post_id, text=text, **fields)  # type: ignore[arg-type]
    return (await service.stub.CreateComment(request)).comment


async def may_comment(service: Service, viewer: int, post_id: int) -> bool:
    try:
        await say(service, viewer, post_id)
    except errors.PermissionDenied as refused:
        return refused.reason != "COMMENTS_NOT_ALLOWED"
    return True


@pytest.mark.parametrize(
    ("door", "let_in"),
    [
        (AllowedBy.EVERYONE, {BEN, ADA, EVE}),
        (AllowedBy.FOLLOWERS, {BEN, ADA}),
        (AllowedBy.FOLLOWING, {BEN, EVE}),
        (AllowedBy.NOBODY, {BEN}),
    ],
)
async def test_whom_the_author_lets_comment(service: Service, door: AllowedBy, let_in: set[int]) -> None:
    post = await service.published(BEN)
    service.people.change(BEN, comments_from=door)
    assert {viewer for viewer in (BEN, ADA, EVE) if await may_comment(service, viewer, post.id)} == let_in
    assert (await service.get(BEN, post.id)).counts.comments == len(let_in)


async def test_answers_are_comments_and_what_is_hidden_stays_hidden(service: Service) -> None:
    post = await service.published(BEN)
    first = await say(service, BEN, post.id)
    service.people.change(BEN, comments_from=AllowedBy.FOLLOWERS)
    with pytest.raises(errors.PermissionDenied, match="COMMENTS_NOT_ALLOWED"):
        await say(service, EVE, post.id, reply_to=first.id)
    service.people.change(BEN, private_account=True)
    with pytest.raises(errors.NotFound, match="POST_NOT_FOUND"):
        await say(service, EVE, post.id)


async def test_a_comment_made_before_the_door_was_shut_is_answered_again(service: Service) -> None:
    post = await service.published(BEN)
    made = await say(service, EVE, post.id, request_id="once")
    service.people.change(BEN, comments_from=AllowedBy.NOBODY)
    assert (await say(service, EVE, post.id, request_id="once")).id == made.id


@pytest.mark.parametrize(
    ("door", "let_in"),
    [
        (AllowedBy.EVERYONE, {BEN, ADA, EVE}),
        (AllowedBy.FOLLOWERS, {BEN, ADA}),
        (AllowedBy.FOLLOWING, {BEN, EVE}),
        (AllowedBy.NOBODY, {BEN}),
    ],
)
async def test_whose_mentions_of_an_account_count(service: Service, door: AllowedBy, let_in: set[int]) -> None:
    service.people.change(BEN, mentions_from=door)
    counted: set[int] = set()
    for author in (BEN, ADA, EVE):
        post = await service.published(author, caption="look, @ben")
        comment = await say(service, author, post.id, "hey @ben")
        assert bool(post.mentions) is bool(comment.mentions)
        counted |= {author} if post.mentions else set()
    assert counted == let_in


async def test_a_mention_that_is_not_allowed_is_told_to_nobody(service: Service) -> None:
    service.people.change(BEN, mentions_from=AllowedBy.NOBODY)
    post = await service.published(EVE, caption="@ben and @ada")
    await say(service, EVE, post.id, "@ben and @ada")
    rows = await service.studio.postgres.primary.fetch("select topic, payload from outbox order by id")
    published = [PostEvent.FromString(row["payload"]) for row in rows if row["topic"] == "post.v1"]
    (shown,) = [event.post_published.post for event in published if event.HasField("post_published")]
    assert list(shown.mentioned_ids) == [ADA]
    said = [EngagementEvent.FromString(row["payload"]) for row in rows if row["topic"] == "engagement.v1"]
    assert list(said[-1].comment_created.mentioned_ids) == [ADA]


async def test_a_caption_that_is_edited_is_read_by_the_doors_of_that_moment(service: Service) -> None:
    post = await service.published(EVE, caption="@ben")
    service.people.change(BEN, mentions_from=AllowedBy.NOBODY)
    asked = pb.UpdatePostRequest(viewer_id=EVE, post=pb.Post(id=post.id, caption="@ben again"))
    asked.update_mask.paths.append("caption")
    edited = (await service.stub.UpdatePost(asked)).post
    assert not edited.mentions
