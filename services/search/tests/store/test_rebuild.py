"""The index anew, on the real server, with truth in memory."""

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import pytest
from kit.errors import InvalidArgument
from kit.testing import eventually
from search_service.model import Author, Kind, PostDocument, ScannedPost, Tombstone, UserDocument
from search_service.service import Rebuild
from search_service.store.index import Index, open_index
from search_service.store.layout import Layout

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass
class Truth:
    accounts: dict[int, UserDocument] = field(default_factory=dict[int, UserDocument])
    told: dict[int, ScannedPost | Tombstone] = field(default_factory=dict[int, "ScannedPost | Tombstone"])
    closed: set[int] = field(default_factory=set[int])
    page: int = 2

    async def users(self, after: int, limit: int) -> tuple[Sequence[UserDocument], int]:
        ids = sorted(user_id for user_id in self.accounts if user_id > after)[: self.page]
        return [self.accounts[user_id] for user_id in ids], ids[-1] if len(ids) == self.page else 0

    async def posts(self, after: int, limit: int) -> tuple[Sequence[ScannedPost | Tombstone], int]:
        ids = sorted(post_id for post_id in self.told if post_id > after)[: self.page]
        return [self.told[post_id] for post_id in ids], ids[-1] if len(ids) == self.page else 0

    async def authors(self, ids: Sequence[int]) -> Mapping[int, Author]:
        return {id_: Author(id_, id_ not in self.closed, 1) for id_ in ids if id_ in self.accounts}

    def user(self, user_id: int, username: str) -> UserDocument:
        self.accounts[user_id] = UserDocument(user_id, 1, username, "", active=True)
        return self.accounts[user_id]

    def post(self, post_id: int, author_id: int, title: str = "Dusk") -> PostDocument:
        document = PostDocument(post_id, 1, author_id, title, "", ("dusk",), None, True, NOW)
        self.told[post_id] = ScannedPost(document, audience_public=True)
        return document


@pytest.fixture
async def index(servers: dict[str, str], index_prefix: str) -> AsyncGenerator[Index]:
    async with open_index(servers["HELIOGRAPH_ELASTICSEARCH_URL"], Layout(index_prefix, shards=1, replicas=0)) as index:
        await index.migrate()
        yield index


async def run(truth: Truth, index: Index, kind: Kind, between: Callable[[str], object] = str) -> list[str]:
    """All steps, with something done between them; answers the phases."""
    rebuild, token, phases = Rebuild(truth, index.rebuilding), "", list[str]()
    while True:
        step = await rebuild.step(kind, token)
        phases.append(step.phase)
        if not step.token:
            return phases
        token = step.token
        outcome = between(step.phase)
        if hasattr(outcome, "__await__"):
            await outcome  # type: ignore[misc]


async def shows(index: Index, *post_ids: int) -> None:
    async def found() -> bool:
        return {hit.id for hit in await index.find_posts(0, "dusk", None, 50)} == set(post_ids)

    await eventually(found, timeout=20)


async def test_an_index_that_lost_everything_is_whole_again(index: Index):
    truth = Truth()
    for number in range(1, 6):
        truth.user(number, f"ada{number}")
        truth.post(number * 10, number)
    truth.closed.add(5)
    truth.told[11] = Tombstone(11, 3, NOW)
    await run(truth, index, Kind.USERS)
    await run(truth, index, Kind.POSTS)
    assert {hit.id for hit in await index.find_users("ada", None, 50)} == {1, 2, 3, 4, 5}
    await shows(index, 10, 20, 30, 40)  # what is not for all is its author's alone
    assert {hit.id for hit in await index.find_posts(5, "dusk", None, 50)} == {10, 20, 30, 40, 50}
    late = truth.post(11, 1)
    await index.put_post(replace(late, version=2), audience_public=True)
    await shows(index, 10, 20, 30, 40)  # a tombstone holds off what comes late


async def test_search_goes_on_meanwhile_and_what_changes_meanwhile_is_there(index: Index):
    truth = Truth()
    for number in range(1, 5):
        truth.user(number, f"ada{number}")
        await index.put_post(truth.post(number * 10, number), audience_public=True)
    await shows(index, 10, 20, 30, 40)
    phases = list[str]()

    async def between(phase: str) -> None:
        phases.append(phase)
        if len(phases) == 2:  # the first page is copied: a post of it changes, and one comes before it
            changed = replace(truth.post(10, 1, title="Dawn"), version=2)
            truth.told[10] = ScannedPost(changed, audience_public=True)
            await index.put_post(changed, audience_public=True)
            await index.put_post(truth.post(5, 1), audience_public=True)
            truth.told[20] = Tombstone(20, 2, NOW)
            await index.bury_post(20, 2, NOW)
            del truth.accounts[4], truth.told[40]
            await index.forget_account(4)
        assert await index.find_posts(0, "dusk", None, 50)

    phases_seen = await run(truth, index, Kind.POSTS, between)
    assert list(dict.fromkeys(phases_seen)) == [
        "a new index",
        "filling the new index",
        "in use",
        "what changed meanwhile",
        "what belongs to nobody",
        "the old index is gone",
    ]
    await shows(index, 5, 10, 30)  # tagged dusk, whatever its title says
    assert [hit.id for hit in await index.find_posts(0, "dawn", None, 50)] == [10]


async def test_only_one_index_is_left_and_takes_what_comes(index: Index):
    truth = Truth()
    truth.user(1, "ada")
    for _ in range(2):
        await run(truth, index, Kind.USERS)
    assert await index.rebuilding.drop_unused(Kind.USERS) == 0
    await index.migrate()
    await index.put_user(UserDocument(2, 1, "adam", "", active=True))

    async def both() -> bool:
        return {hit.id for hit in await index.find_users("ada", None, 9)} == {1, 2}

    await eventually(both, timeout=20)


@pytest.mark.parametrize("token", ["x", "fill", "fill:a:b", "fill:a:-1", "drop:a:0", "::"])
async def test_a_token_of_nothing_is_refused(index: Index, token: str):
    with pytest.raises(InvalidArgument):
        await Rebuild(Truth(), index.rebuilding).step(Kind.USERS, token)
