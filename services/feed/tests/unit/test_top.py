"""Reading the ranked feed, to any depth."""

from datetime import timedelta

import pytest
from feed_service.model.ranking.tokens import Ranked, Rest, read
from hypothesis import given, settings
from hypothesis import strategies as st
from kit.errors import InvalidArgument, NotFound, Unavailable

from services.feed.tests.fakes import down
from services.feed.tests.top_fakes import VIEWER, TopWorld, ids_of

ANN, BOB = 2, 3


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 40), st.integers(1, 12), st.integers(1, 7), st.sets(st.integers(0, 39)))
async def test_every_post_is_shown_once_and_nothing_is_missing(
    count: int, most: int, size: int, hidden: set[int]
) -> None:
    world = TopWorld(days=1, most=most)
    posts = [world.publish(author_id=2 + number % 3, likes=number * 7 % 11) for number in range(count)]
    world.feed.hidden = {posts[number] for number in hidden if number < count}
    read_ids = await world.read(size)
    assert sorted(read_ids) == sorted(set(posts) - world.feed.hidden)


async def test_what_is_liked_comes_first_and_what_is_older_than_the_candidates_comes_last_by_time() -> None:
    world = TopWorld(days=1, most=3)
    posts = [world.publish(author_id=number) for number in range(2, 8)]
    world.change(posts[3], likes=500)
    assert await world.read(2) == [posts[3], posts[5], posts[4], posts[2], posts[1], posts[0]]


async def test_the_last_days_are_ranked_and_older_posts_too_when_those_are_few() -> None:
    world = TopWorld(days=3)
    older = [world.publish(author_id=number) for number in range(10, 160)]
    world.change(older[0], likes=10_000)
    world.change(older[-1], likes=9_000)
    world.clock.tick(timedelta(days=10))
    new = [world.publish(author_id=number) for number in range(200, 250)]
    found = await world.read(100)
    assert set(found[:50]) == set(new)
    assert found[50] == older[-1]
    assert found[-1] == older[0]
    assert found[100:] == sorted(found[100:], reverse=True)


async def test_the_order_stays_while_it_is_paged() -> None:
    world = TopWorld()
    posts = [world.publish(author_id=number) for number in range(2, 12)]
    first = await world.page(3)
    world.change(posts[0], likes=1_000)
    new = world.publish(author_id=20, likes=1_000)
    await world.marking.mark(VIEWER, posts, "top")
    rest = await world.read(3, first.next_token)
    assert [*ids_of(first.items), *rest] == posts[::-1]
    assert (await world.read(20))[0] == new


async def test_a_page_may_be_asked_for_again() -> None:
    world = TopWorld()
    for number in range(9):
        world.publish(author_id=2 + number)
    first = await world.page(3)
    assert await world.page(3, first.next_token) == await world.page(3, first.next_token)


async def test_what_may_not_be_seen_any_more_goes_between_two_pages() -> None:
    world = TopWorld()
    posts = [world.publish(author_id=number) for number in range(2, 12)]
    first = await world.page(3)
    world.feed.hidden = {posts[6], posts[5], posts[2]}
    del world.feed.posts[posts[1]]
    assert await world.read(3, first.next_token) == [posts[4], posts[3], posts[0]]


@pytest.mark.parametrize("pages", [1, 2, 3])
async def test_without_its_session_a_reader_still_finds_each_post_once(pages: int) -> None:
    world = TopWorld()
    posts = [world.publish(author_id=2 + number % 4, likes=number * 5 % 7) for number in range(20)]
    before, token = list[int](), ""
    for _ in range(pages):
        page = await world.page(4, token)
        before, token = [*before, *ids_of(page.items)], page.next_token
    world.redis.sessions.clear()
    await world.marking.mark(VIEWER, posts, "top")
    for number, post in enumerate(posts):
        world.change(post, likes=number)
    assert sorted([*before, *await world.read(4, token)]) == sorted(posts)
    assert len(world.redis.sessions) == 1


async def test_a_lost_session_is_made_again_as_of_its_time() -> None:
    world = TopWorld()
    posts = [world.publish(author_id=2 + number) for number in range(12)]
    first = await world.page(4)
    world.redis.sessions.clear()
    world.clock.tick(timedelta(hours=1))
    await world.marking.mark(VIEWER, posts[4:8], "top")
    world.publish(author_id=50)
    assert await world.read(4, first.next_token) == posts[7::-1]


async def test_a_lost_session_passes_nothing_over_when_there_is_more_to_rank_now() -> None:
    world = TopWorld(most=5)
    late = [world.publish(author_id=2 + number) for number in range(300)]
    posts = [world.publish(author_id=2 + number) for number in range(5)]
    old = [world.publish(author_id=20 + number) for number in range(5)]
    held = {post: world.feed.posts.pop(post) for post in late[:290] + posts}
    first = await world.page(3)
    world.redis.sessions.clear()
    world.feed.posts |= held
    shown = [*ids_of(first.items), *await world.read(7, first.next_token)]
    assert sorted(shown) == sorted([*late, *posts, *old])


async def test_below_a_ranking_a_page_looks_at_so_many_candidates_too() -> None:
    world = TopWorld(days=1, most=2)
    posts = [world.publish(author_id=2 + number % 3) for number in range(2_500)]
    world.feed.hidden = set(posts[3:-2])
    first = await world.page(2)
    assert ids_of(first.items) == posts[:-3:-1]
    second = await world.page(2, first.next_token)
    assert (second.items, bool(second.next_token)) == ([], True)
    assert await world.read(2, second.next_token) == posts[2::-1]


async def test_what_may_not_be_seen_takes_no_place_in_a_ranking() -> None:
    world = TopWorld(days=1, most=3)
    posts = [world.publish(author_id=2 + number % 3, likes=number % 7) for number in range(30)]
    world.feed.hidden = set(posts[10:])
    world.change(posts[7], likes=900)
    assert (await world.read(3))[0] == posts[7]


@pytest.mark.parametrize("start", ["first page", "second page"])
async def test_without_redis_it_goes_on_by_time_and_says_so(start: str) -> None:
    world = TopWorld()
    posts = [world.publish(author_id=2 + number, likes=number * 5 % 7) for number in range(10)]
    shown, token = list[int](), ""
    if start == "second page":
        page = await world.page(3)
        shown, token = ids_of(page.items), page.next_token
    world.redis.is_down = True
    page = await world.page(3, token)
    assert page.degraded
    assert (await world.page(3, page.next_token)).degraded
    rest = await world.read(3, token)
    assert rest == [post for post in posts[::-1] if post not in shown]


async def test_a_feed_that_is_pulled_says_so_below_the_ranking() -> None:
    world = TopWorld(most=2)
    for number in range(2, 8):
        world.publish(author_id=number)
    world.feed.degraded = True
    first = await world.page(2)
    assert (await world.page(2, first.next_token)).degraded


async def test_other_outages_are_told() -> None:
    world = TopWorld()
    world.publish()

    async def no_candidates(viewer_id: int, before: int, limit: int) -> None:
        raise down("GRAPH")

    world.feed.candidates = no_candidates  # pyright: ignore[reportAttributeAccessIssue]
    with pytest.raises(Unavailable, match="GRAPH_UNAVAILABLE"):
        await world.page()


async def test_an_empty_feed_has_one_empty_page() -> None:
    page = await TopWorld().page()
    assert (page.items, page.next_token, page.degraded) == ([], "", False)


async def test_a_token_of_another_list_is_refused() -> None:
    with pytest.raises(InvalidArgument, match="BAD_PAGE_TOKEN"):
        await TopWorld().page(token="116045278314958848")


async def test_tokens_say_where_the_reader_is() -> None:
    world = TopWorld(days=1, most=4)
    for number in range(2, 12):
        world.publish(author_id=number)
    first = await world.page(3)
    second = await world.page(3, first.next_token)
    assert isinstance(read(first.next_token), Ranked)
    assert isinstance(read(second.next_token), Rest)


async def test_every_page_of_a_ranking_is_told_with_its_features() -> None:
    world = TopWorld(days=1, most=4)
    posts = [world.publish(author_id=number, likes=number) for number in range(2, 12)]
    await world.read(3)
    assert [page.first_rank for page in world.impressions.pages] == [0, 3]
    assert len({page.session for page in world.impressions.pages}) == 1
    told = [post for page in world.impressions.pages for post in page.posts]
    assert {post.post_id for post in told} == set(posts[-4:])
    assert {post.features.likes for post in told} == {8, 9, 10, 11}


async def test_seen_posts_go_down_in_the_next_ranking() -> None:
    world = TopWorld()
    posts = [world.publish(author_id=number) for number in range(2, 5)]
    assert await world.read() == posts[::-1]
    assert await world.marking.mark(VIEWER, [posts[2], posts[2]], "top") == 1
    assert await world.marking.mark(VIEWER, [posts[2]], "top") == 0
    assert await world.read() == [posts[1], posts[0], posts[2]]


async def test_what_the_viewer_may_not_see_is_not_marked() -> None:
    world = TopWorld()
    shown, hidden = world.publish(), world.publish()
    world.feed.hidden = {hidden}
    assert await world.marking.mark(VIEWER, [hidden, shown, 99], "latest") == 1
    assert world.impressions.marked == [([shown], "latest")]
    assert await world.marking.mark(VIEWER, [hidden], "") == 0
    assert await world.marking.mark(VIEWER, [], "") == 0
    assert len(world.impressions.marked) == 1


async def test_without_redis_what_was_seen_is_still_told() -> None:
    world = TopWorld()
    post = world.publish()
    world.redis.is_down = True
    assert await world.marking.mark(VIEWER, [post], "top") == 0
    assert world.impressions.marked == [([post], "top")]


@pytest.mark.parametrize("ids", [[0], [-5], list(range(1, 202))])
async def test_odd_lists_of_seen_posts_are_refused(ids: list[int]) -> None:
    with pytest.raises(InvalidArgument, match="INVALID_FIELD"):
        await TopWorld().marking.mark(VIEWER, ids, "top")


async def test_why_names_what_counted_the_most_first() -> None:
    world = TopWorld()
    world.feed.known = frozenset({BOB})
    post = world.publish(likes=1_000, commenters=(BOB, 77), comments=2)
    world.clock.tick(timedelta(hours=36))
    await world.marking.mark(VIEWER, [post], "top")
    told = await world.why.explain(VIEWER, post)
    parts = {reason.feature: reason.contribution for reason in told.reasons}
    assert set(parts) == {"recency", "likes", "comments", "known_commenters", "seen"}
    assert [abs(part) for part in parts.values()] == sorted(map(abs, parts.values()), reverse=True)
    assert sum(parts.values()) == pytest.approx(told.score)
    assert parts["seen"] < 0
    values = {reason.feature: reason.value for reason in told.reasons}
    assert (values["likes"], values["known_commenters"], values["recency"]) == (1000, 1, pytest.approx(36, abs=0.01))


async def test_why_says_nothing_of_what_may_not_be_seen_or_is_in_no_feed() -> None:
    world = TopWorld()
    hidden, elsewhere = world.publish(), world.publish()
    world.feed.hidden, world.feed.elsewhere = {hidden}, {elsewhere}
    for post in (hidden, 4711):
        with pytest.raises(NotFound, match="POST_NOT_FOUND"):
            await world.why.explain(VIEWER, post)
    with pytest.raises(NotFound, match="NOT_IN_FEED"):
        await world.why.explain(VIEWER, elsewhere)
