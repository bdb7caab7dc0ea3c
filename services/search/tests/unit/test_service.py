from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kit.errors import Unavailable
from search_service.model import Author, Hit, Place, PostDocument, Relation, TagCount, UserDocument
from search_service.service import IndexService, SearchService

POST = PostDocument(1, 1, 7, "Dusk", "", (), None, False, datetime(2026, 1, 1, tzinfo=UTC))


@dataclass
class FakeIndex:
    """Hits in the order of their ids, highest first; every score is 1."""

    ids: Sequence[int] = ()

    async def find_users(self, query: str, after: Hit | None, size: int) -> list[Hit]:
        return self._hits(after, size)

    async def find_posts(self, viewer_id: int, query: str, after: Hit | None, size: int) -> list[Hit]:
        return self._hits(after, size)

    async def count_tag(self, tag: str) -> int:
        return len(tag)

    async def find_tags(self, prefix: str) -> list[TagCount]:
        return [TagCount(f"{prefix}{n}", n) for n in self.ids]

    async def find_places(self, query: str) -> list[Place]:
        return [Place(query, float(n), 0.0) for n in self.ids]

    def _hits(self, after: Hit | None, size: int) -> list[Hit]:
        rest = [id_ for id_ in sorted(self.ids, reverse=True) if after is None or id_ < after.id]
        return [Hit(id_, 1.0) for id_ in rest[:size]]


@dataclass
class FakePeers:
    """Owners of the data: everything is shown but what is hidden."""

    hidden: frozenset[int] = frozenset()
    blocked: frozenset[int] = frozenset()

    async def findable(self, viewer_id: int, ids: Sequence[int]) -> Mapping[int, str]:
        return {id_: f"user {id_}" for id_ in ids if id_ not in self.hidden}

    async def relations(self, viewer_id: int, ids: Sequence[int]) -> Mapping[int, Relation]:
        return {id_: Relation(id_ in self.blocked) for id_ in ids}

    async def visible(self, viewer_id: int, ids: Sequence[int]) -> Mapping[int, int]:
        return {id_: id_ for id_ in ids if id_ not in self.hidden}


def service(ids: Sequence[int], peers: FakePeers) -> SearchService[str, int]:
    return SearchService(FakeIndex(ids), peers, peers, peers)


@given(
    ids=st.sets(st.integers(min_value=1, max_value=60)),
    hidden=st.sets(st.integers(min_value=1, max_value=60)),
    size=st.integers(min_value=1, max_value=20),
)
async def test_pages_hold_every_visible_post_once_and_are_short_only_at_the_end(
    ids: set[int], hidden: set[int], size: int
):
    search = service(sorted(ids), FakePeers(hidden=frozenset(hidden)))
    found: list[int] = []
    token = ""
    while True:
        page = await search.posts(5, "dusk", size, token)
        found += page.items
        token = page.next_token
        if not token:
            break
        assert len(page.items) == size
    assert found == sorted(ids - hidden, reverse=True)


async def test_accounts_with_a_block_between_them_and_the_viewer_are_not_found():
    search = service([1, 2, 3], FakePeers(blocked=frozenset({2})))
    assert (await search.users(9, "user", 10, "")).items == ["user 3", "user 1"]


async def test_nobody_is_hidden_from_the_anonymous_by_a_block():
    search = service([1, 2], FakePeers(blocked=frozenset({2})))
    assert (await search.users(0, "user", 10, "")).items == ["user 2", "user 1"]


async def test_tags_are_paged_by_offset():
    search = service([1, 2, 3], FakePeers())
    first = await search.tags("dusk", 2, "")
    second = await search.tags("dusk", 2, first.next_token)
    assert [tag.name for tag in first.items + second.items] == ["dusk1", "dusk2", "dusk3"]
    assert second.next_token == ""


@dataclass
class FakeDocuments:
    public: list[bool] = field(default_factory=list[bool])
    opened: list[bool] = field(default_factory=list[bool])
    users: list[int] = field(default_factory=list[int])
    forgotten: list[int] = field(default_factory=list[int])

    async def put_user(self, user: UserDocument) -> None:
        self.users.append(user.user_id)

    async def put_post(self, post: PostDocument, *, audience_public: bool) -> None:
        self.public.append(post.public)

    async def bury_post(self, post_id: int, version: int, deleted_at: datetime) -> None:
        raise NotImplementedError

    async def forget_account(self, user_id: int) -> int:
        """Three documents, two at a time."""
        self.forgotten.append(user_id)
        return max(0, 4 - 2 * len(self.forgotten))

    async def set_author_open(self, author_id: int, *, is_open: bool) -> None:
        self.opened.append(is_open)


@dataclass
class FakeAuthors:
    answers: list[bool]
    version: int = 1

    async def author(self, author_id: int) -> Author:
        is_open = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return Author(author_id, open=is_open, version=self.version)


async def test_a_public_post_of_an_open_account_counts_as_public():
    documents = FakeDocuments()
    await IndexService(documents, FakeAuthors([True])).put_post(POST, audience_public=True)
    assert documents.public == [True]


async def test_a_post_for_followers_does_not():
    documents = FakeDocuments()
    await IndexService(documents, FakeAuthors([True])).put_post(POST, audience_public=False)
    assert documents.public == [False]


async def test_an_account_that_goes_private_while_its_post_is_written_is_noticed():
    documents = FakeDocuments()
    await IndexService(documents, FakeAuthors([True, False])).put_post(POST, audience_public=True)
    assert documents.public == [True, False]


async def test_news_of_privacy_that_the_account_does_not_show_yet_comes_again():
    documents, authors = FakeDocuments(), FakeAuthors([True], version=1)
    index = IndexService(documents, authors)
    with pytest.raises(Unavailable):
        await index.follow_privacy(7, version=2)
    assert documents.opened == []
    authors.answers, authors.version = [False], 2
    await index.follow_privacy(7, version=2)
    assert documents.opened == [False]


async def test_news_of_an_account_that_is_gone_closes_its_posts():
    documents = FakeDocuments()
    await IndexService(documents, FakeAuthors([False], version=0)).follow_privacy(7, version=2)
    assert documents.opened == [False]


async def test_what_is_told_late_of_an_account_that_is_gone_brings_nothing_back():
    documents = FakeDocuments()
    index = IndexService(documents, FakeAuthors([False], version=0))
    await index.put_user(UserDocument(7, 3, "ada", "Ada", active=True))
    await index.put_post(POST, audience_public=True)
    assert (documents.users, documents.public) == ([], [])


async def test_an_account_is_forgotten_to_the_last_document():
    documents = FakeDocuments()
    await IndexService(documents, FakeAuthors([False], version=0)).forget_account(7)
    assert documents.forgotten == [7, 7]
