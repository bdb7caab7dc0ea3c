"""The queries and the versioning, on the real server."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from kit.errors import Unavailable, from_exception
from kit.testing import eventually
from search_service.model import Place, PostDocument, UserDocument
from search_service.store.index import Index, open_index
from search_service.store.layout import Layout

NOW = datetime(2026, 1, 1, tzinfo=UTC)
PARK = Place("Tiergarten", 52.514, 13.35)


@pytest.fixture
async def index(servers: dict[str, str], index_prefix: str) -> AsyncGenerator[Index]:
    layout = Layout(index_prefix, shards=1, replicas=0)
    async with open_index(servers["HELIOGRAPH_ELASTICSEARCH_URL"], layout) as index:
        await index.migrate()
        await index.migrate()
        yield index


def user(user_id: int, username: str, name: str = "", *, version: int = 1, active: bool = True) -> UserDocument:
    return UserDocument(user_id, version, username, name, active)


def post(post_id: int, title: str, *, author: int = 7, tags: tuple[str, ...] = (), public: bool = True) -> PostDocument:
    return PostDocument(post_id, 1, author, title, f"About {title}", tags, PARK, public, NOW)


async def ids_of_users(index: Index, query: str) -> list[int]:
    return [hit.id for hit in await index.find_users(query, None, 10)]


async def ids_of_posts(index: Index, query: str, viewer: int = 0) -> list[int]:
    return [hit.id for hit in await index.find_posts(viewer, query, None, 10)]


async def test_an_index_that_is_not_there_yet_is_waited_for(servers: dict[str, str], index_prefix: str):
    layout = Layout(index_prefix, shards=1, replicas=0)
    uses: list[Callable[[Index], Awaitable[object]]] = [
        lambda index: index.put_user(user(1, "ada")),
        lambda index: index.set_author_open(7, is_open=False),
        lambda index: index.find_users("ada", None, 10),
    ]
    async with open_index(servers["HELIOGRAPH_ELASTICSEARCH_URL"], layout) as index:
        for use in uses:
            with pytest.raises(Exception) as caught:  # noqa: PT011 the driver's own class
                await use(index)
            assert isinstance(from_exception(caught.value), Unavailable)


async def test_users_are_found_by_the_start_of_username_and_name_exact_names_first(index: Index):
    await index.put_user(user(1, "ada", "Ada Lovelace"))
    await index.put_user(user(2, "ada_b", "Someone"))
    await index.put_user(user(3, "countess", "Âda King"))
    await index.put_user(user(4, "ben", "Ben"))

    async def found() -> bool:
        return set(await ids_of_users(index, "ada")) == {1, 2, 3}

    await eventually(found)
    assert (await ids_of_users(index, "ada"))[0] == 1
    assert await ids_of_users(index, "lovel") == [1]


async def test_an_older_copy_never_replaces_a_newer_one(index: Index):
    await index.put_user(user(1, "new_name", version=5))
    await index.put_user(user(1, "old_name", version=4))

    async def found() -> bool:
        return await ids_of_users(index, "new_name") == [1]

    await eventually(found)
    assert await ids_of_users(index, "old_name") == []


async def test_inactive_accounts_are_not_found(index: Index):
    await index.put_user(user(1, "gone", active=False))
    await index.put_user(user(2, "gone_too"))

    async def found() -> bool:
        return await ids_of_users(index, "gone") == [2]

    await eventually(found)


async def test_posts_are_found_by_title_caption_and_tag(index: Index):
    await index.put_post(post(1, "Evening over hills", tags=("dusk",)), audience_public=True)
    await index.put_post(post(2, "Morning"), audience_public=True)

    async def found() -> bool:
        return await ids_of_posts(index, "evening hills") == [1]

    await eventually(found)
    assert await ids_of_posts(index, "even") == [1]
    assert await ids_of_posts(index, "dusk") == [1]
    assert set(await ids_of_posts(index, "about")) == {1, 2}
    assert await ids_of_posts(index, "noon") == []


async def test_what_is_not_public_is_found_by_its_author_alone_and_counts_nowhere(index: Index):
    await index.put_post(post(1, "Secret", author=7, tags=("hush",), public=False), audience_public=False)
    await index.put_post(post(2, "Secret", author=8, tags=("open",)), audience_public=True)

    async def found() -> bool:
        return await ids_of_posts(index, "secret") == [2]

    await eventually(found)
    assert set(await ids_of_posts(index, "secret", viewer=7)) == {1, 2}
    assert await index.find_tags("hush") == []
    assert [tag.name for tag in await index.find_tags("op")] == ["open"]


async def test_a_late_event_cannot_bring_a_deleted_post_back(index: Index):
    await index.put_post(post(2, "Dusk"), audience_public=True)
    await index.bury_post(1, version=2, deleted_at=NOW)
    await index.put_post(post(1, "Dusk"), audience_public=True)

    async def found() -> bool:
        return await ids_of_posts(index, "dusk") == [2]

    await eventually(found)


async def test_going_private_hides_the_authors_posts_and_going_public_shows_them_again(index: Index):
    await index.put_post(post(1, "Dusk", tags=("dusk",)), audience_public=True)
    await index.put_post(post(2, "Dusk", author=8), audience_public=True)
    await index.set_author_open(7, is_open=False)

    async def hidden() -> bool:
        return await ids_of_posts(index, "dusk") == [2]

    await eventually(hidden)
    # The copy keeps its version: a later edit must still win.
    edited = replace(post(1, "Dawn"), version=2, public=False)
    await index.put_post(edited, audience_public=True)
    await index.set_author_open(7, is_open=True)

    async def shown() -> bool:
        return await ids_of_posts(index, "dawn") == [1]

    await eventually(shown)


async def test_tags_are_counted_by_public_posts_and_odd_characters_mean_themselves(index: Index):
    await index.put_post(post(1, "A", tags=("sun", "sunset")), audience_public=True)
    await index.put_post(post(2, "B", tags=("sunset",)), audience_public=True)
    await index.put_post(post(3, "C", tags=("sunset",), public=False), audience_public=False)

    async def found() -> bool:
        return [(tag.name, tag.posts) for tag in await index.find_tags("sun")] == [("sunset", 2), ("sun", 1)]

    await eventually(found)
    assert [await index.count_tag(tag) for tag in ("sunset", "sun", "suns", "sun*", "")] == [2, 1, 0, 0, 0]
    assert await index.find_tags(".*") == []
    assert await index.find_tags('"[(') == []


async def test_places_are_found_by_name(index: Index):
    await index.put_post(post(1, "A"), audience_public=True)

    async def found() -> bool:
        return await index.find_places("tier") == [PARK]

    await eventually(found)
    assert await index.find_places("ocean") == []


async def test_paging_goes_on_where_it_ended(index: Index):
    for number in range(1, 8):
        await index.put_post(post(number, "Dusk"), audience_public=True)

    async def all_there() -> bool:
        return len(await index.find_posts(0, "dusk", None, 10)) == 7

    await eventually(all_there)
    first = await index.find_posts(0, "dusk", None, 4)
    second = await index.find_posts(0, "dusk", first[-1], 4)
    assert [hit.id for hit in first + second] == [7, 6, 5, 4, 3, 2, 1]


async def test_an_account_is_forgotten_with_all_that_it_posted_and_others_stay(index: Index):
    await index.put_user(user(7, "ada"))
    await index.put_user(user(8, "adam"))
    await index.put_post(post(1, "Dusk"), audience_public=True)
    await index.put_post(post(2, "Dusk"), audience_public=True)
    await index.put_post(post(3, "Dusk", author=8), audience_public=True)
    await index.bury_post(2, version=2, deleted_at=NOW)
    removed = 0
    while now := await index.forget_account(7):
        removed += now
    assert removed == 2
    assert await ids_of_users(index, "ada") == [8]
    assert await ids_of_posts(index, "dusk", viewer=7) == [3]


async def test_a_post_that_is_told_of_late_stays_buried_when_its_author_is_forgotten(index: Index):
    await index.put_post(post(1, "Dusk"), audience_public=True)
    await index.bury_post(1, version=2, deleted_at=NOW)
    await index.forget_account(7)
    await index.put_post(post(1, "Dusk"), audience_public=True)
    await index.put_post(post(3, "Dusk", author=8), audience_public=True)

    async def found() -> bool:
        return await ids_of_posts(index, "dusk", viewer=7) == [3]

    await eventually(found)
