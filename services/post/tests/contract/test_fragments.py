"""FragmentService over gRPC, on real stores: the same bytes as the whole post gives, and what it demands of viewers."""

import time
from collections.abc import Sequence

import msgspec
import pytest
from heliograph.post.v1 import fragments_pb2 as pb
from heliograph.post.v1 import post_pb2
from heliograph.post.v1.fragments_pb2_grpc import FragmentServiceStub
from kit import errors
from post_service.model.visibility import AccountState
from rendering import fragments
from rendering.media_urls import MediaUrls
from rendering.render import Renderer

from services.post.tests.contract.conftest import MEDIA_KEY, MEDIA_URL, MakeAnother, Service

BEN, ADA, EVE = 11, 12, 13
NOTHING = pb.Demand()


@pytest.fixture(autouse=True)
def three_people(service: Service) -> None:
    for user_id, name in ((BEN, "ben"), (ADA, "ada"), (EVE, "eve")):
        service.people.add(user_id, name)


async def ask(stub: FragmentServiceStub, *ids: int, features: bool = False) -> pb.GetFragmentsResponse:
    return await stub.GetFragments(pb.GetFragmentsRequest(ids=ids, features=features))


async def one(stub: FragmentServiceStub, post_id: int) -> pb.Fragment:
    (found,) = (await ask(stub, post_id)).fragments
    return found


def composed(answer: pb.GetFragmentsResponse, liked: Sequence[int] = ()) -> dict[int, bytes]:
    """As a feed joins them."""
    authors = {author.id: author.json for author in answer.authors}
    return {
        each.post_id: fragments.assemble(
            each.post_id,
            author=authors[each.author_id],
            body=each.body,
            mentions=fragments.mentions(each.mentions),
            counts=fragments.counts(each.counts.likes, each.counts.comments),
            viewer=fragments.viewer(liked=each.post_id in liked, saved=False),
        )
        for each in answer.fragments
    }


def rendered(post: post_pb2.Post) -> bytes:
    """As the gateway answers."""
    return msgspec.json.encode(Renderer(MediaUrls(MEDIA_URL, MEDIA_KEY.encode(), time.time)).post(post))


async def test_joined_fragments_are_the_bytes_of_the_whole_posts(service: Service, another: MakeAnother) -> None:
    place = post_pb2.Location(name="Pier \u2603", latitude=1.5, longitude=-0.25)
    everybodys = await service.published(BEN, caption='"#Dusk" with @ada', title="Evening", location=place)
    followers = await service.published(BEN, audience=post_pb2.AUDIENCE_FOLLOWERS)
    close = await service.published(ADA, audience=post_pb2.AUDIENCE_CLOSE_FRIENDS, comments_off=True)
    waiting = await service.post(EVE, [await service.ready_medium(EVE)], audience=post_pb2.AUDIENCE_FOLLOWERS)
    assert not waiting.published
    edit = post_pb2.UpdatePostRequest(viewer_id=ADA, post=post_pb2.Post(id=close.id, title="later"))
    edit.update_mask.paths.append("title")
    await service.stub.UpdatePost(edit)
    await service.stub.LikePost(post_pb2.LikePostRequest(viewer_id=BEN, post_id=everybodys.id))
    whole = {post_id: rendered(await service.get(viewer, post_id)) for viewer, post_id in (
        (BEN, everybodys.id), (BEN, followers.id), (ADA, close.id), (EVE, waiting.id)
    )}  # fmt: skip
    assert b"/media/s/" in whole[followers.id]
    assert b'"likes":1' in whole[everybodys.id]
    _, (_, elsewhere) = await another()
    _, (_, without_redis) = await another(redis_url="redis://127.0.0.1:1/0")
    for stub in (service.fragments, service.fragments, elsewhere):  # the second reads what the first kept
        answer = await ask(stub, *whole, 77)
        assert composed(answer, liked=[everybodys.id]) == whole
        assert sorted(author.id for author in answer.authors) == [BEN, ADA, EVE]
    uncounted = {post_id: json.replace(b'"likes":1', b'"likes":0') for post_id, json in whole.items()}
    assert composed(await ask(without_redis, *whole), liked=[everybodys.id]) in (whole, uncounted)


async def test_a_fragment_says_what_it_demands(service: Service) -> None:
    posts = {audience: await service.published(BEN, audience=audience) for audience in (1, 2, 3)}
    waiting = await service.post(BEN, [await service.ready_medium(BEN)], audience=post_pb2.AUDIENCE_FOLLOWERS)
    assert (await one(service.fragments, posts[1].id)).demand == NOTHING
    assert (await one(service.fragments, posts[2].id)).demand == pb.Demand(follower=True)
    assert (await one(service.fragments, posts[3].id)).demand == pb.Demand(close_friend=True)
    assert (await one(service.fragments, waiting.id)).demand == pb.Demand(author=True, follower=True)
    service.people.change(BEN, private_account=True)
    assert (await one(service.fragments, posts[1].id)).demand == pb.Demand(follower=True)
    assert (await one(service.fragments, posts[3].id)).demand == pb.Demand(follower=True, close_friend=True)
    for state in (AccountState.SUSPENDED, AccountState.DELETED):
        service.people.change(BEN, state=state, private_account=False)
        assert (await one(service.fragments, posts[1].id)).demand == pb.Demand(author=True)


async def test_what_changes_shows_in_the_next_answer_of_every_process(service: Service, another: MakeAnother) -> None:
    _, (_, elsewhere) = await another()
    stubs = (service.fragments, elsewhere)
    post = await service.published(BEN)

    async def demands() -> list[pb.Demand]:
        return [(await one(stub, post.id)).demand for stub in stubs]

    assert await demands() == [NOTHING] * 2
    change = post_pb2.UpdatePostRequest(viewer_id=BEN, post=post_pb2.Post(id=post.id, caption="new words"))
    change.post.audience = post_pb2.AUDIENCE_FOLLOWERS
    change.update_mask.paths.extend(["audience", "caption"])
    await service.stub.UpdatePost(change)
    assert await demands() == [pb.Demand(follower=True)] * 2
    for stub in stubs:
        body = (await one(stub, post.id)).body
        assert b"new words" in body
        assert b"/media/p/" not in body  # its files are still where they were for all
    change.post.audience = post_pb2.AUDIENCE_PUBLIC
    await service.stub.UpdatePost(change)
    assert await demands() == [NOTHING] * 2
    described = post_pb2.UpdateMediaRequest(viewer_id=BEN, media=post_pb2.Media(id=post.media[0].id, alt_text="a cat"))
    described.update_mask.paths.append("alt_text")
    await service.stub.UpdateMedia(described)
    for stub in stubs:
        assert b"a cat" in (await one(stub, post.id)).body
    await service.stub.DeletePost(post_pb2.DeletePostRequest(viewer_id=BEN, post_id=post.id))
    for stub in stubs:
        assert not (await ask(stub, post.id)).fragments


async def test_no_public_address_is_told_of_an_account_that_is_hidden(service: Service) -> None:
    post = await service.published(BEN)
    assert b"/media/p/" in (await one(service.fragments, post.id)).body
    hidden: list[dict[str, object]] = [{"private_account": True}, {"state": AccountState.SUSPENDED}]
    for values in hidden:
        service.people.change(BEN, **values)
        answer = await ask(service.fragments, post.id)
        assert b"/media/p/" not in answer.fragments[0].body
        assert composed(answer)[post.id] == rendered(await service.get(BEN, post.id))
    service.people.change(BEN, state=AccountState.ACTIVE, private_account=False)
    assert b"/media/p/" in (await one(service.fragments, post.id)).body


async def test_files_that_have_moved_show_at_once(service: Service) -> None:
    post = await service.published(BEN)
    service.people.change(BEN, private_account=True)
    assert b'"resizing"' in (await one(service.fragments, post.id)).body
    await service.studio.worker.advance(BEN, post.media[0].id)
    assert b"/media/s/" in (await one(service.fragments, post.id)).body


async def test_an_author_is_shown_as_they_are_now(service: Service) -> None:
    post = await service.published(BEN)
    assert b'"ben"' in (await ask(service.fragments, post.id)).authors[0].json
    service.people.change(BEN, username="benny", avatar_key="public/abcd")
    author = (await ask(service.fragments, post.id)).authors[0]
    assert (author.id, b'"benny"' in author.json, b"/media/p/abcd/" in author.json) == (BEN, True, True)
    service.people.known.pop(BEN)
    assert not (await ask(service.fragments, post.id)).fragments


async def test_only_active_accounts_are_mentioned(service: Service) -> None:
    post = await service.published(BEN, caption="with @ada and @eve")
    assert [mention.username for mention in (await one(service.fragments, post.id)).mentions] == ["ada", "eve"]
    service.people.change(ADA, state=AccountState.SUSPENDED)
    assert [mention.user_id for mention in (await one(service.fragments, post.id)).mentions] == [EVE]


async def test_features_come_when_asked_for(service: Service) -> None:
    place = post_pb2.Location(name="Pier", latitude=1, longitude=2)
    post, plain = await service.published(BEN, caption="#dusk #sea", location=place), await service.published(BEN)
    assert not (await one(service.fragments, post.id)).HasField("features")
    found = {each.post_id: each for each in (await ask(service.fragments, post.id, plain.id, features=True)).fragments}
    assert (list(found[post.id].features.tags), found[post.id].features.location) == (["dusk", "sea"], place)
    assert found[plain.id].HasField("features")
    assert not found[plain.id].features.HasField("location")


async def test_no_more_than_200_are_asked_for_at_once(service: Service) -> None:
    ids = list(range(1, 202))
    for call in (
        service.fragments.GetFragments(pb.GetFragmentsRequest(ids=ids)),
        service.fragments.GetLiked(pb.GetLikedRequest(user_id=ADA, ids=ids)),
        service.fragments.ListCommenters(pb.ListCommentersRequest(post_ids=ids)),
    ):
        with pytest.raises(errors.InvalidArgument) as raised:
            await call
        assert raised.value.reason == "TOO_MANY_IDS"


async def test_what_an_account_likes_comes_the_newest_post_first(service: Service) -> None:
    posts = [(await service.published(BEN)).id for _ in range(3)]
    made: dict[int, int] = {}
    for post_id in (posts[2], posts[0], posts[1]):
        liked = await service.stub.LikePost(post_pb2.LikePostRequest(viewer_id=ADA, post_id=post_id))
        made[post_id] = liked.change_id
    await service.stub.UnlikePost(post_pb2.UnlikePostRequest(viewer_id=ADA, post_id=posts[1]))
    known = await service.fragments.GetLiked(pb.GetLikedRequest(user_id=ADA, ids=[*posts, 77]))
    assert sorted(known.ids) == [posts[0], posts[2]]
    listed = await service.fragments.ListLikedIds(pb.ListLikedIdsRequest(user_id=ADA))
    assert [(each.post_id, each.change_id) for each in listed.likes] == [
        (posts[2], made[posts[2]]),
        (posts[0], made[posts[0]]),
    ]
    older = await service.fragments.ListLikedIds(pb.ListLikedIdsRequest(user_id=ADA, before_id=posts[2], page_size=5))
    assert [each.post_id for each in older.likes] == [posts[0]]


async def test_a_tags_posts_are_those_that_are_for_all(service: Service) -> None:
    """However many others lie between them: whoever follows a tag must not pay for what somebody hides."""
    first = await service.published(BEN, caption="#dusk")
    for _ in range(3):
        await service.published(ADA, caption="#dusk", audience=2)
        await service.published(EVE, caption="#dusk")
    service.people.change(EVE, private_account=True, version=2)
    posts = [first, await service.published(BEN, caption="#dusk")]
    await service.post(BEN, [await service.ready_medium(BEN)], caption="#dusk", audience=2)  # waits
    gone = await service.published(ADA, caption="#dusk")
    await service.stub.DeletePost(post_pb2.DeletePostRequest(viewer_id=ADA, post_id=gone.id))
    await service.published(ADA, caption="#dawn")

    async def listed(**asked: int) -> list[tuple[int, int]]:
        answer = await service.fragments.ListTagPostIds(pb.ListTagPostIdsRequest(tag="#Dusk", **asked))
        return [(ref.post_id, ref.author_id) for ref in answer.posts]

    assert await listed() == [(posts[1].id, BEN), (posts[0].id, BEN)]
    assert await listed(page_size=1) == [(posts[1].id, BEN)]
    assert await listed(before_id=posts[1].id) == [(posts[0].id, BEN)]


async def test_commenters_come_newest_first_and_once(service: Service) -> None:
    post, quiet = await service.published(BEN), await service.published(BEN)
    said: list[int] = []
    for viewer in (ADA, EVE, ADA, BEN):
        request = post_pb2.CreateCommentRequest(viewer_id=viewer, post_id=post.id, text="nice")
        said.append((await service.stub.CreateComment(request)).comment.id)

    async def commenters() -> dict[int, list[int]]:
        answer = await service.fragments.ListCommenters(pb.ListCommentersRequest(post_ids=[post.id, quiet.id]))
        return {each.post_id: list(each.user_ids) for each in answer.posts}

    assert await commenters() == {post.id: [BEN, ADA, EVE]}
    await service.stub.DeleteComment(post_pb2.DeleteCommentRequest(viewer_id=BEN, comment_id=said[3]))
    assert await commenters() == {post.id: [ADA, EVE]}


async def test_counts_alone_are_those_of_the_fragments_in_the_order_of_the_question(service: Service) -> None:
    first, second = await service.published(BEN), await service.published(BEN)
    await service.stub.LikePost(post_pb2.LikePostRequest(viewer_id=ADA, post_id=first.id))
    await service.stub.CreateComment(post_pb2.CreateCommentRequest(viewer_id=ADA, post_id=second.id, text="so blue"))

    answer = await service.fragments.GetCounts(pb.GetCountsRequest(ids=[second.id, 77, first.id]))

    assert (list(answer.likes), list(answer.comments)) == ([0, 0, 1], [1, 0, 0])
    with pytest.raises(errors.InvalidArgument, match="TOO_MANY_IDS"):
        await service.fragments.GetCounts(pb.GetCountsRequest(ids=range(1, 202)))


async def test_whoever_asks_whether_events_are_published_has_an_answer_in_time(service: Service) -> None:
    await service.published(BEN)
    with pytest.raises(errors.Unavailable, match="NOT_PUBLISHED"):
        await service.fragments.AwaitPublished(pb.AwaitPublishedRequest(), timeout=2)

    await service.studio.postgres.primary.execute("delete from outbox")  # as a relay does in the end
    await service.fragments.AwaitPublished(pb.AwaitPublishedRequest(), timeout=2)


async def test_a_mention_that_is_hidden_is_named_for_who_has_to_hear_of_its_account(service: Service) -> None:
    post = await service.published(BEN, caption="with @ada and @eve")
    service.people.change(ADA, state=AccountState.SUSPENDED)

    found = await one(service.fragments, post.id)

    assert [mention.user_id for mention in found.mentions] == [EVE]
    assert list(found.hidden_mention_ids) == [ADA]


async def test_a_description_that_is_edited_and_a_file_that_moves_are_told(service: Service) -> None:
    post = await service.published(BEN)
    medium = post.media[0].id
    described = post_pb2.UpdateMediaRequest(viewer_id=BEN, media=post_pb2.Media(id=medium, alt_text="a cat"))
    described.update_mask.paths.append("alt_text")
    await service.stub.UpdateMedia(described)
    assert (await service.studio.event_names())[-1] == "post_edited"
    told = len(await service.studio.event_names())
    await service.stub.UpdateMedia(described)  # as it is already
    assert len(await service.studio.event_names()) == told

    service.people.change(BEN, private_account=True)
    await service.studio.worker.advance(BEN, medium)
    assert (await service.studio.event_names())[-2:] == ["post_edited"] * 2
    assert (await service.get(BEN, post.id)).media[0].variants[0].object_key.startswith("private/")
