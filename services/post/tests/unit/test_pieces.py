"""What is kept of a post for feeds, and for how long it may be shown."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, cast

import pytest
from heliograph.post.v1 import fragments_pb2 as pb
from post_service.model.media import Focus, Kind, MediaState, Medium, Variant
from post_service.model.posts import Content, Post
from post_service.model.visibility import AccountState, Audience, PostState, Profile
from post_service.rpc.bodies import Bodies
from post_service.rpc.fragments import FragmentRpc
from post_service.service.fragments import FragmentService
from post_service.service.tallies import Tallies
from post_service.store.cache import Kept, PostCopies
from rendering.media_urls import MediaUrls

BORN = datetime(2026, 1, 1, tzinfo=UTC)
POST, BEN = 100, 11
HALF_HOUR = 1800


class Clock:
    now = 1_000_000.0 * HALF_HOUR

    def __call__(self) -> float:
        return self.now


class Copies(PostCopies):
    """Keeps for ever what was put."""

    def __init__(self, bodies: Bodies) -> None:
        super().__init__(cast("Any", None), 60, bodies.press)
        self.there: dict[int, Kept] = {}

    def keep(self, post: Post) -> None:
        self.there[post.id] = self._kept(post)

    async def kept(self, ids: Sequence[int], load: object) -> dict[int, Kept]:
        return {post_id: self.there[post_id] for post_id in ids if post_id in self.there}


class Numbers:
    async def get(self, ids: Sequence[int]) -> Mapping[int, Mapping[str, int]]:
        return {each: {"likes": 300, "comments": 2} for each in ids}


class Ben:
    profile = Profile(BEN, "ben", "Ben", "", "", "", "", "", False, AccountState.ACTIVE, BORN, 1)

    async def profiles(self, ids: Sequence[int]) -> dict[int, Profile]:
        return {BEN: self.profile}

    async def published(self) -> None:
        """He changes nothing."""


def post(place: str, audience: Audience = Audience.PUBLIC, state: MediaState = MediaState.READY) -> Post:
    variants = (Variant("320.webp", 320, 240, 1000, "image/webp"),) if state is MediaState.READY else ()
    medium = Medium(
        1, BEN, Kind.IMAGE, "image/jpeg", 10, "ab" * 32, "", Focus(), state, "", "", 1600, 1200, place, "", "",
        variants, POST, 0, BORN,
    )  # fmt: skip
    content = Content("", "hello", None, audience, comments_off=False)
    return Post(POST, BEN, content, PostState.PUBLISHED, 1, BORN, None, (medium,))


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def bodies(clock: Clock) -> Bodies:
    return Bodies(MediaUrls("http://media.test", b"m" * 32, clock))


@pytest.fixture
def copies(bodies: Bodies) -> Copies:
    return Copies(bodies)


@pytest.fixture
def rpc(copies: Copies, bodies: Bodies) -> FragmentRpc:
    numbers, accounts, unused = cast("Any", Numbers()), cast("Any", Ben()), cast("Any", copies)
    tallies = Tallies(numbers, numbers)
    service = FragmentService(copies, bodies, unused, unused, unused, accounts, tallies, accounts.published)
    return FragmentRpc(service)


async def fragment(rpc: FragmentRpc) -> pb.Fragment:
    answer = await rpc.GetFragments(pb.GetFragmentsRequest(ids=[POST]), cast("Any", None))
    return answer.fragments[0]


async def test_signed_addresses_are_made_anew_when_their_half_hour_is_over(
    rpc: FragmentRpc, copies: Copies, clock: Clock
) -> None:
    copies.keep(post("private/abc"))
    first = (await fragment(rpc)).body
    clock.now += HALF_HOUR - 1
    assert (await fragment(rpc)).body == first
    clock.now += 1
    later = (await fragment(rpc)).body
    assert later != first
    assert f"exp={int(clock.now) + 2 * HALF_HOUR}".encode() in later


async def test_public_addresses_stay_as_they_are(rpc: FragmentRpc, copies: Copies, clock: Clock) -> None:
    copies.keep(post("public/abc"))
    first = await fragment(rpc)
    clock.now += 10 * HALF_HOUR
    assert await fragment(rpc) == first


@pytest.mark.parametrize("audience", [Audience.FOLLOWERS, Audience.CLOSE_FRIENDS])
def test_what_is_not_for_all_is_never_kept_with_public_addresses(bodies: Bodies, audience: Audience) -> None:
    copies = Copies(bodies)
    copies.keep(post("public/abc", audience))
    piece = copies.there[POST].piece
    assert not piece.exposed
    assert b"/media/p/" not in piece.message


async def test_a_fragment_is_one_message_of_all_its_parts(rpc: FragmentRpc, copies: Copies) -> None:
    copies.keep(post("public/abc", state=MediaState.TRANSCODING))
    found = await fragment(rpc)
    assert (found.post_id, found.author_id, found.demand) == (POST, BEN, pb.Demand())
    assert (found.counts.likes, found.counts.comments, list(found.mentions)) == (300, 2, [])
    assert found.body.startswith(b'"title":"","caption":"hello","media":[')
    assert not found.HasField("features")
