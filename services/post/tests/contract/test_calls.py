"""PostService over gRPC, on real stores; accounts and relations are made up."""

import asyncio
import hashlib
from dataclasses import replace

import httpx
import pytest
from heliograph.post.v1 import post_pb2 as pb
from kit import errors
from kit.testing import eventually
from post_service.model.visibility import AccountState, Relation
from redis.asyncio import Redis

from services.post.tests.contract.conftest import MakeAnother, Service, photo

BEN, ADA, EVE = 11, 12, 13


@pytest.fixture(autouse=True)
def three_people(service: Service) -> None:
    for user_id, name in ((BEN, "ben"), (ADA, "ada"), (EVE, "eve")):
        service.people.add(user_id, name)


async def test_a_photo_goes_from_announcement_to_a_visible_post(service: Service) -> None:
    data = photo()
    sha256 = hashlib.sha256(data).hexdigest()
    asked = pb.CreateMediaRequest(
        viewer_id=BEN, kind=pb.MEDIA_KIND_IMAGE, content_type="image/jpeg", bytes=len(data), sha256=sha256,
        alt_text="a gradient", request_id="m1",
    )  # fmt: skip
    made = await service.stub.CreateMedia(asked)
    assert made.media.state == pb.MEDIA_STATE_WAITING
    await service.put(made.upload, data)
    done = await service.stub.CompleteMedia(pb.CompleteMediaRequest(viewer_id=BEN, media_id=made.media.id))
    assert done.media.state == pb.MEDIA_STATE_CHECKING

    created = await service.post(BEN, [made.media.id], caption="#Dusk with @ada and @nobody", title="Evening")
    assert not created.published
    assert await service.seen_by(BEN, created.id)
    assert not await service.seen_by(ADA, created.id)

    await service.studio.worker.advance(BEN, made.media.id)
    post = (await service.stub.GetPost(pb.GetPostRequest(viewer_id=ADA, post_id=created.id))).post
    assert post.published
    assert post.author.username == "ben"
    assert (post.title, list(post.tags)) == ("Evening", ["dusk"])
    assert [(mention.user_id, mention.username) for mention in post.mentions] == [(ADA, "ada")]
    (medium,) = post.media
    assert medium.alt_text == "a gradient"
    assert {variant.object_key.split("/")[0] for variant in medium.variants} == {"public"}
    ready = (await service.stub.GetMedia(pb.GetMediaRequest(viewer_id=BEN, media_id=medium.id))).media
    assert ready == medium


async def test_a_create_is_made_once_however_often_it_is_asked(service: Service) -> None:
    media_id = await service.ready_medium(BEN)
    asked = pb.CreatePostRequest(viewer_id=BEN, media_ids=[media_id], caption="once", request_id="p1")
    answers = await asyncio.gather(*(service.stub.CreatePost(asked) for _ in range(5)))
    assert len({answer.post.id for answer in answers}) == 1
    assert (await service.studio.event_names()).count("post_published") == 1
    asked.caption = "other"
    with pytest.raises(errors.InvalidArgument) as raised:
        await service.stub.CreatePost(asked)
    assert raised.value.reason == "REQUEST_ID_REUSED"


async def test_many_people_post_at_once(service: Service) -> None:
    authors = [service.people.add(100 + number) for number in range(30)]
    media = [await service.ready_medium(authors[0]) for _ in range(3)]
    await asyncio.gather(*(service.post(authors[0], [media_id]) for media_id in media))
    asked = [service.post(author, [media[0]]) for author in authors[1:]]
    refused = await asyncio.gather(*asked, return_exceptions=True)
    reasons = {str(getattr(error, "reason", error)) for error in refused}
    assert reasons == {"MEDIA_NOT_FOUND"}


async def test_a_repeated_announcement_gives_the_same_medium_and_a_way_to_upload(service: Service) -> None:
    asked = pb.CreateMediaRequest(
        viewer_id=BEN, kind=pb.MEDIA_KIND_IMAGE, content_type="image/png", bytes=5, sha256="ab" * 32, request_id="m1"
    )
    one, two = await service.stub.CreateMedia(asked), await service.stub.CreateMedia(asked)
    assert one.media.id == two.media.id
    assert two.upload.url
    asked.bytes = 6
    with pytest.raises(errors.InvalidArgument):
        await service.stub.CreateMedia(asked)


async def test_storage_refuses_another_size_or_type_than_was_announced(service: Service) -> None:
    made = await service.announce(BEN, photo())
    for data, content_type in ((photo() + b"x", "image/jpeg"), (photo(), "text/html")):
        headers = {**made.upload.headers, "Content-Type": content_type, "Content-Length": str(len(data))}
        async with httpx.AsyncClient() as client:
            answer = await client.put(made.upload.url, content=data, headers=headers)
        assert answer.status_code in {400, 403}


async def test_wrong_bytes_are_refused_and_may_be_uploaded_again(service: Service) -> None:
    data = photo()
    made = await service.announce(BEN, data)
    complete = pb.CompleteMediaRequest(viewer_id=BEN, media_id=made.media.id)
    with pytest.raises(errors.FailedPrecondition) as nothing:
        await service.stub.CompleteMedia(complete)
    assert nothing.value.reason == "MEDIA_NOT_UPLOADED"
    await service.put(made.upload, data[:-1] + b"?")
    with pytest.raises(errors.InvalidArgument) as wrong:
        await service.stub.CompleteMedia(complete)
    assert wrong.value.reason == "CHECKSUM_MISMATCH"
    await service.studio.bucket.put(f"uploads/{made.media.id}", b"short", content_type="image/jpeg")
    with pytest.raises(errors.InvalidArgument) as short:
        await service.stub.CompleteMedia(complete)
    assert short.value.reason == "SIZE_MISMATCH"
    await service.put(made.upload, data)
    assert (await service.stub.CompleteMedia(complete)).media.state == pb.MEDIA_STATE_CHECKING
    assert (await service.stub.CompleteMedia(complete)).media.state == pb.MEDIA_STATE_CHECKING
    assert await service.studio.event_names() == ["media_uploaded"]


async def test_anothers_media_does_not_exist(service: Service) -> None:
    media_id = await service.ready_medium(BEN)
    for call in (
        service.stub.GetMedia(pb.GetMediaRequest(viewer_id=ADA, media_id=media_id)),
        service.stub.CompleteMedia(pb.CompleteMediaRequest(viewer_id=ADA, media_id=media_id)),
        service.stub.UpdateMedia(pb.UpdateMediaRequest(viewer_id=ADA, media=pb.Media(id=media_id))),
    ):
        with pytest.raises(errors.NotFound) as raised:
            await call
        assert raised.value.reason == "MEDIA_NOT_FOUND"
    with pytest.raises(errors.InvalidArgument) as refused:
        await service.post(ADA, [media_id])
    assert (refused.value.reason, refused.value.fields[0].field) == ("MEDIA_NOT_FOUND", "/media_ids/0")


async def test_media_is_described_and_the_posts_etag_changes(service: Service) -> None:
    post = await service.published(BEN)
    change = pb.UpdateMediaRequest(viewer_id=BEN, media=pb.Media(id=post.media[0].id, alt_text="a cat", focal_x=0.2))
    change.update_mask.paths.extend(["alt_text", "focal_x"])
    medium = (await service.stub.UpdateMedia(change)).media
    assert (medium.alt_text, medium.focal_x, medium.focal_y) == ("a cat", 0.2, 0.5)
    after = await service.get(ADA, post.id)
    assert after.media[0].alt_text == "a cat"
    assert after.etag != post.etag
    change.media.focal_x = 2
    with pytest.raises(errors.InvalidArgument):
        await service.stub.UpdateMedia(change)


async def test_media_that_is_waiting_refused_or_used_makes_no_post(service: Service) -> None:
    waiting = (await service.announce(BEN, photo())).media.id
    refused = await service.ready_medium(BEN, b"just text")
    used = (await service.published(BEN)).media[0].id
    for media_id, reason in ((waiting, "MEDIA_NOT_UPLOADED"), (refused, "MEDIA_REFUSED"), (used, "MEDIA_IN_USE")):
        with pytest.raises(errors.InvalidArgument) as raised:
            await service.post(BEN, [media_id])
        assert raised.value.reason == reason
    assert await service.studio.postgres.primary.fetchval("select count(*) from posts") == 1


async def test_a_batch_leaves_out_what_may_not_be_seen_and_keeps_the_order(service: Service) -> None:
    public = await service.published(BEN)
    followers = await service.published(BEN, audience=pb.AUDIENCE_FOLLOWERS)
    close = await service.published(BEN, audience=pb.AUDIENCE_CLOSE_FRIENDS)
    service.people.tie(ADA, BEN, Relation(following=True))
    ids = [close.id, followers.id, 5, public.id]
    assert await service.batch(ADA, ids) == [followers.id, public.id]
    assert await service.batch(EVE, ids) == [public.id]
    assert await service.batch(0, ids) == [public.id]
    assert await service.batch(BEN, ids) == [close.id, followers.id, public.id]
    service.people.block(BEN, EVE)
    assert await service.batch(EVE, ids) == []
    service.people.change(BEN, private_account=True)
    assert await service.batch(0, ids) == []
    service.people.change(BEN, private_account=False, state=AccountState.SUSPENDED)
    assert await service.batch(ADA, ids) == []
    with pytest.raises(errors.InvalidArgument) as raised:
        await service.batch(ADA, list(range(1, 202)))
    assert raised.value.reason == "TOO_MANY_IDS"


async def test_a_batch_costs_one_call_to_each_peer(service: Service) -> None:
    ids = [(await service.published(author)).id for author in (BEN, ADA, BEN)]
    before = service.people.calls
    assert len(await service.batch(EVE, ids)) == 3
    assert service.people.calls - before == 2


async def test_narrow_posts_hand_out_private_files_only(service: Service) -> None:
    media_id = await service.ready_medium(BEN)
    post = await service.post(BEN, [media_id], audience=pb.AUDIENCE_FOLLOWERS)
    assert not post.published
    assert not post.media[0].variants
    await service.studio.worker.advance(BEN, media_id)
    service.people.tie(ADA, BEN, Relation(following=True))
    seen = await service.get(ADA, post.id)
    assert {variant.object_key.split("/")[0] for variant in seen.media[0].variants} == {"private"}


async def test_a_flip_of_the_audience_takes_the_public_files_away_at_once(service: Service) -> None:
    post = await service.published(BEN)
    edit = pb.UpdatePostRequest(viewer_id=BEN, post=pb.Post(id=post.id, audience=pb.AUDIENCE_FOLLOWERS))
    edit.update_mask.paths.append("audience")
    edited = (await service.stub.UpdatePost(edit)).post
    assert edited.published
    assert not edited.media[0].variants
    assert not await service.seen_by(ADA, post.id)
    assert (await service.studio.event_names())[-2:] == ["post_edited", "media_uploaded"]
    await service.studio.worker.advance(BEN, post.media[0].id)
    again = await service.get(BEN, post.id)
    assert {variant.object_key.split("/")[0] for variant in again.media[0].variants} == {"private"}


async def test_an_edit_needs_the_current_etag_and_the_author(service: Service) -> None:
    post = await service.published(BEN, caption="#one")
    edit = pb.UpdatePostRequest(viewer_id=BEN, post=pb.Post(id=post.id, caption="#two @ada"), etag=post.etag)
    edit.update_mask.paths.append("caption")
    edited = (await service.stub.UpdatePost(edit)).post
    assert (list(edited.tags), edited.caption, edited.title) == (["two"], "#two @ada", post.title)
    assert edited.HasField("edited_at")
    with pytest.raises(errors.Aborted) as stale:
        await service.stub.UpdatePost(edit)
    assert stale.value.reason == "ETAG_MISMATCH"
    edit.etag = ""
    for viewer, error in ((ADA, errors.PermissionDenied), (0, errors.Unauthenticated)):
        edit.viewer_id = viewer
        with pytest.raises(error):
            await service.stub.UpdatePost(edit)
    service.people.block(BEN, ADA)
    edit.viewer_id = ADA
    with pytest.raises(errors.NotFound):
        await service.stub.UpdatePost(edit)


async def test_a_deleted_post_is_gone_for_all_and_deleting_again_is_fine(service: Service) -> None:
    post = await service.published(BEN)
    assert await service.counts(BEN) == 1
    with pytest.raises(errors.PermissionDenied):
        await service.stub.DeletePost(pb.DeletePostRequest(viewer_id=ADA, post_id=post.id))
    for _ in range(2):
        await service.stub.DeletePost(pb.DeletePostRequest(viewer_id=BEN, post_id=post.id))
    assert await service.batch(BEN, [post.id]) == []
    assert await service.counts(BEN) == 0
    assert (await service.studio.event_names()).count("post_deleted") == 1
    for call in (
        service.stub.LikePost(pb.LikePostRequest(viewer_id=ADA, post_id=post.id)),
        service.stub.ListComments(pb.ListCommentsRequest(viewer_id=BEN, post_id=post.id)),
        service.stub.ListLikes(pb.ListLikesRequest(viewer_id=BEN, post_id=post.id)),
    ):
        with pytest.raises(errors.NotFound):
            await call


async def test_author_lists_are_full_pages_of_what_may_be_seen(service: Service) -> None:
    posts = [
        await service.published(BEN, audience=pb.AUDIENCE_CLOSE_FRIENDS if number % 3 else pb.AUDIENCE_PUBLIC)
        for number in range(7)
    ]
    visible = [post.id for post in posts[::-1] if post.audience == pb.AUDIENCE_PUBLIC]
    first = await service.stub.ListAuthorPosts(pb.ListAuthorPostsRequest(viewer_id=ADA, author_id=BEN, page_size=2))
    assert [post.id for post in first.posts] == visible[:2]
    rest = await service.stub.ListAuthorPosts(
        pb.ListAuthorPostsRequest(viewer_id=ADA, author_id=BEN, page_size=2, page_token=first.next_page_token)
    )
    assert [post.id for post in rest.posts] == visible[2:]
    assert not rest.next_page_token
    service.people.change(BEN, private_account=True)
    with pytest.raises(errors.NotFound):
        await service.stub.ListAuthorPosts(pb.ListAuthorPostsRequest(viewer_id=ADA, author_id=BEN))
    own = await service.stub.ListAuthorPosts(pb.ListAuthorPostsRequest(viewer_id=BEN, author_id=BEN))
    assert len(own.posts) == 7


async def test_tags_list_posts_in_any_spelling(service: Service) -> None:
    post = await service.published(BEN, caption="#Straße")
    await service.published(ADA, caption="#other")
    found = await service.stub.ListTagPosts(pb.ListTagPostsRequest(viewer_id=EVE, tag="STRASSE"))
    assert [each.id for each in found.posts] == [post.id]
    service.people.block(BEN, EVE)
    assert not (await service.stub.ListTagPosts(pb.ListTagPostsRequest(viewer_id=EVE, tag="strasse"))).posts


async def test_feeds_get_the_ids_of_posts(service: Service) -> None:
    one, two = await service.published(BEN), await service.published(ADA)
    answer = await service.stub.ListPostIds(pb.ListPostIdsRequest(author_ids=[BEN, ADA]))
    assert [(ref.post_id, ref.author_id) for ref in answer.posts] == [(two.id, ADA), (one.id, BEN)]
    older = await service.stub.ListPostIds(pb.ListPostIdsRequest(author_ids=[BEN, ADA], before_id=two.id))
    assert [ref.post_id for ref in older.posts] == [one.id]


@pytest.mark.parametrize(
    ("request_fields", "field"),
    [
        ({"media_ids": []}, "/media_ids"),
        ({"title": "x" * 101}, "/title"),
        ({"caption": " ".join(f"#tag{number}" for number in range(31))}, "/caption"),
        ({"location": pb.Location(name="x", latitude=91)}, "/location/lat"),
        ({"audience": 9}, "/audience"),
    ],
)
async def test_bad_posts_are_refused_with_the_field(
    service: Service, request_fields: dict[str, object], field: str
) -> None:
    fields: dict[str, object] = {"viewer_id": BEN, "media_ids": [1], **request_fields}
    with pytest.raises(errors.InvalidArgument) as raised:
        await service.stub.CreatePost(pb.CreatePostRequest(**fields))  # type: ignore[arg-type]
    assert raised.value.fields[0].field == field


async def test_nobody_posts_without_an_account(service: Service) -> None:
    with pytest.raises(errors.Unauthenticated):
        await service.post(0, [1])
    with pytest.raises(errors.NotFound):
        await service.post(99, [1])


async def test_a_new_version_of_a_profile_shows_at_once(service: Service) -> None:
    post = await service.published(BEN)
    service.people.known[BEN] = replace(service.people.known[BEN], name="Benjamin", version=2)
    assert (await service.get(ADA, post.id)).author.name == "Benjamin"


async def test_a_cache_that_missed_a_change_is_mended_by_the_event(service: Service) -> None:
    post = await service.published(BEN, caption="before")
    await service.get(ADA, post.id)
    # Only the truth and the outbox hear of it, as when the process dies right after its commit.
    await service.studio.postgres.primary.execute(
        "update posts set caption = 'after', version = version + 1 where id = $1", post.id
    )
    await service.hear_edit(post.id)
    assert (await service.get(ADA, post.id)).caption == "after"
    await eventually(lambda: service.seen_by(ADA, post.id))


async def test_ids_that_never_were_leave_no_trace_in_the_counters(service: Service, redis_url: str) -> None:
    post = await service.published(BEN)
    assert await service.batch(ADA, [5, 6, post.id]) == [post.id]
    async with Redis.from_url(redis_url) as redis:
        assert await redis.keys("post:counts:{*}") == [f"post:counts:{{{post.id}}}".encode()]


async def test_without_redis_posts_are_read_and_liked_all_the_same(service: Service, another: MakeAnother) -> None:
    post = await service.published(BEN)
    _, (stub, _) = await another(redis_url="redis://127.0.0.1:1/0")
    assert (await stub.LikePost(pb.LikePostRequest(viewer_id=ADA, post_id=post.id))).viewer.liked
    assert (await stub.GetPost(pb.GetPostRequest(viewer_id=ADA, post_id=post.id))).post.viewer.liked
    await service.hear_engagement()
    assert (await service.get(ADA, post.id)).counts.likes == 1
