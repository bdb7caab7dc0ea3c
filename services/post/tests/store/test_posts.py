"""Rows of posts and media on the real server with the real migrations."""

from collections.abc import Sequence

from kit.postgres import Postgres
from post_service.model.changes import PostPublished
from post_service.model.media import Announcement, Focus, Kind, MediaState, Medium, Variant
from post_service.model.posts import Content, Location, Mention
from post_service.model.visibility import Audience, PostState
from post_service.store import media as media_rows
from post_service.store import posts as rows
from post_service.store import processing
from post_service.store.media import MediaStore
from post_service.store.posts import NEWEST, PostStore
from post_service.store.processing import ProcessingStore
from post_service.store.truth import Truth

BEN, ADA = 11, 12
ASKED = Announcement(Kind.IMAGE, "image/jpeg", 10, "ab" * 32, "a cat")
CONTENT = Content(
    "Dusk", "#dusk with @ada", Location("Berlin", 52.5, 13.4), Audience.PUBLIC,
    comments_off=False, tags=("dusk",), mentions=(Mention(ADA, "ada"),),
)  # fmt: skip


async def post(truth: Truth, author: int, request: str, state: PostState = PostState.PUBLISHED) -> int:
    async with truth.transaction() as tx:
        await tx.lock_author(author)
        return await rows.insert(tx.conn, author, request, b"hash", CONTENT, state)


async def ready(truth: Truth, medium: Medium, variants: Sequence[Variant] = ()) -> None:
    async with truth.transaction() as tx:
        await processing.finish(tx.conn, medium, variants, blurhash="L", width=4, height=3)


async def test_what_was_posted_is_read_back_whole(truth: Truth, postgres: Postgres) -> None:
    store = PostStore(postgres)
    post_id = await post(truth, BEN, "r1")
    found = await store.get(post_id)
    assert found is not None
    assert found.content == CONTENT
    assert (found.author_id, found.state, found.version, found.edited_at) == (BEN, PostState.PUBLISHED, 1, None)
    assert await store.author_of(post_id) == BEN
    assert await store.get(post_id + 1) is None


async def test_ids_rise_in_the_order_of_creation(truth: Truth, postgres: Postgres) -> None:
    ids = [await post(truth, BEN, f"r{number}") for number in range(5)]
    assert ids == sorted(ids)
    store = PostStore(postgres)
    assert await store.ids_of_author(BEN, before=NEWEST, limit=3, pending=False) == ids[:1:-1]
    assert await store.ids_of_author(BEN, before=ids[2], limit=9, pending=False) == [ids[1], ids[0]]


async def test_only_authors_list_what_is_pending(truth: Truth, postgres: Postgres) -> None:
    pending = await post(truth, BEN, "r1", PostState.PENDING)
    store = PostStore(postgres)
    assert await store.ids_of_author(BEN, before=NEWEST, limit=9, pending=False) == []
    assert await store.ids_of_author(BEN, before=NEWEST, limit=9, pending=True) == [pending]


async def test_newest_posts_of_many_authors_come_together_newest_first(truth: Truth, postgres: Postgres) -> None:
    ids = [await post(truth, (BEN, ADA)[number % 2], f"r{number}") for number in range(6)]
    ids.append(await post(truth, BEN, "pending", PostState.PENDING))
    store = PostStore(postgres)
    newest = await store.newest_of([BEN, ADA, 99], before=NEWEST, limit=4)
    assert [ref.post_id for ref in newest] == ids[:2:-1]
    older = await store.newest_of([BEN], before=ids[4], limit=4)
    assert [(ref.post_id, ref.author_id) for ref in older] == [(ids[2], BEN), (ids[0], BEN)]


async def test_a_deleted_post_keeps_its_row_and_nothing_it_said(truth: Truth, postgres: Postgres) -> None:
    post_id = await post(truth, BEN, "r1")
    async with truth.transaction() as tx:
        await tx.lock_author(BEN)
        gone = await rows.delete(tx.conn, BEN, post_id)
    assert gone["version"] == 2
    store = PostStore(postgres)
    assert await store.get(post_id) is None
    assert await store.ids_of_tag("dusk", before=NEWEST, limit=9) == []
    assert await store.of_request(BEN, "r1") == (post_id, b"hash")
    said = await postgres.primary.fetchrow(
        "select title, caption, tags, location_name from posts where id = $1", post_id
    )
    assert said is not None
    assert tuple(said) == ("", "", [], None)


async def test_an_edit_changes_the_tags(truth: Truth, postgres: Postgres) -> None:
    store = PostStore(postgres)
    post_id = await post(truth, BEN, "r1")
    found = await store.get(post_id)
    assert found is not None
    edited = Content("", "#dawn", None, Audience.FOLLOWERS, comments_off=True, tags=("dawn",))
    async with truth.transaction() as tx:
        await tx.lock_author(BEN)
        await rows.rewrite(tx.conn, found, edited, PostState.PUBLISHED)
    changed = await store.get(post_id)
    assert changed is not None
    assert changed.content == edited
    assert changed.version == 2
    assert changed.etag != found.etag
    assert changed.edited_at is not None
    assert await store.ids_of_tag("dusk", before=NEWEST, limit=9) == []
    assert await store.ids_of_tag("dawn", before=NEWEST, limit=9) == [post_id]


async def test_an_event_is_committed_with_its_row_or_not_at_all(truth: Truth, postgres: Postgres) -> None:
    store = PostStore(postgres)

    class Failure(Exception): ...

    try:
        async with truth.transaction() as tx:
            await tx.lock_author(BEN)
            post_id = await rows.insert(tx.conn, BEN, "r1", b"", CONTENT, PostState.PUBLISHED)
            found = await rows.reload(tx.conn, BEN, post_id)
            assert found is not None
            await tx.emit(PostPublished(found))
            raise Failure
    except Failure:
        pass
    assert await store.of_request(BEN, "r1") is None
    assert await postgres.primary.fetchval("select count(*) from outbox") == 0


async def test_authors_are_counted_in_the_same_transaction(truth: Truth, postgres: Postgres) -> None:
    async with truth.transaction() as tx:
        await tx.lock_author(BEN)
        await rows.count_posts(tx.conn, BEN, 2)
    assert await PostStore(postgres).counts_of([BEN, ADA]) == {BEN: 2, ADA: 0}


async def test_a_repeated_request_finds_the_medium_made_before(postgres: Postgres) -> None:
    store = MediaStore(postgres)
    first = await store.reserve(BEN, "r1", ASKED)
    assert (await store.reserve(BEN, "r1", ASKED)).id == first.id
    assert (await store.reserve(ADA, "r1", ASKED)).id != first.id
    assert first.state is MediaState.WAITING
    assert (first.focus, first.alt_text, first.variants) == (Focus(0.5, 0.5), "a cat", ())
    assert await store.get(ADA, first.id) is None


async def test_media_keep_their_order_in_the_post(truth: Truth, postgres: Postgres) -> None:
    store = MediaStore(postgres)
    media = [await store.reserve(BEN, f"r{number}", ASKED) for number in range(4)]
    order = [media[2].id, media[0].id, media[3].id]
    post_id = await post(truth, BEN, "p")
    async with truth.transaction() as tx:
        await media_rows.attach(tx.conn, BEN, post_id, order)
    found = await PostStore(postgres).get(post_id)
    assert found is not None
    assert [medium.id for medium in found.media] == order
    assert [medium.id for medium in await store.of_post(BEN, post_id)] == order


async def test_variants_are_read_back(truth: Truth, postgres: Postgres) -> None:
    store = MediaStore(postgres)
    medium = await store.reserve(BEN, "r", ASKED)
    variants = [Variant("640.webp", 640, 480, 123, "image/webp")]
    await ready(truth, medium, variants)
    found = await store.get(BEN, medium.id)
    assert found is not None
    assert list(found.variants) == variants
    assert (found.state, found.width, found.height, found.blurhash) == (MediaState.READY, 4, 3, "L")


async def test_the_first_place_noted_stays(postgres: Postgres) -> None:
    progress, store = ProcessingStore(postgres), MediaStore(postgres)
    medium = await store.reserve(BEN, "r", ASKED)
    assert await progress.choose_place(medium, "public/one") == "public/one"
    assert await progress.choose_place(medium, "public/two") == "public/one"
    assert [await progress.count_attempt(medium) for _ in range(2)] == [1, 2]
    await progress.forget_attempts(medium)
    assert await progress.count_attempt(medium) == 1


async def test_an_original_is_released_by_the_last_medium_that_needs_it(truth: Truth, postgres: Postgres) -> None:
    store = MediaStore(postgres)
    one, two = await store.reserve(BEN, "r1", ASKED), await store.reserve(BEN, "r2", ASKED)
    for medium in (one, two):
        async with truth.transaction() as tx:
            await processing.keep_original(tx.conn, medium)
        await ready(truth, medium)
    for medium, last in ((one, False), (two, True)):
        async with truth.transaction() as tx:
            await media_rows.move_on(tx.conn, medium, MediaState.DELETED)
            assert await processing.release_original(tx.conn, medium) is last


async def test_misplaced_media_are_found_for_either_privacy(truth: Truth, postgres: Postgres) -> None:
    store, progress = MediaStore(postgres), ProcessingStore(postgres)
    for number, (audience, place) in enumerate([(1, "public/a"), (2, "private/b"), (2, "public/c"), (1, "private/d")]):
        medium = await store.reserve(BEN, f"r{number}", ASKED)
        await progress.choose_place(medium, place)
        await ready(truth, medium)
        post_id = await post(truth, BEN, f"p{number}")
        async with truth.transaction() as tx:
            await tx.conn.execute("update posts set audience = $2 where id = $1", post_id, audience)
            await media_rows.attach(tx.conn, BEN, post_id, [medium.id])
    unposted = await store.reserve(BEN, "unposted", ASKED)
    await progress.choose_place(unposted, "public/e")
    await ready(truth, unposted)
    shown = await store.misplaced(BEN, shown=True, after=0, limit=9)
    hidden = await store.misplaced(BEN, shown=False, after=0, limit=9)
    assert [medium.place for medium in shown] == ["public/c", "private/d"]
    assert [medium.place for medium in hidden] == ["public/a", "public/c", "public/e"]
