"""What is kept at hand of viewers and in the process, when things change and servers are away."""

from heliograph.events.v1.engagement_events_pb2 import EngagementEvent, PostLiked, PostUnliked
from heliograph.events.v1.graph_events_pb2 import Blocked, GraphEvent
from heliograph.events.v1.post_events_pb2 import PostEdited, PostEvent, PostSnapshot
from heliograph.events.v1.user_events_pb2 import AccountStateChanged, UserEvent
from heliograph.feed.v1.feed_pb2 import Liked, NoteChangeRequest, PostChanged, Posted, RelationsChanged
from heliograph.user.v1.user_pb2 import Profile
from kit.testing import eventually
from redis.asyncio import Redis

from services.feed.tests.contract.system import System
from services.feed.tests.definition import Audience, home_feed

NOWHERE = "127.0.0.1:1"


def related(*user_ids: int) -> NoteChangeRequest:
    return NoteChangeRequest(relations_changed=RelationsChanged(user_ids=user_ids))


async def test_a_block_that_was_noted_shows_in_the_very_next_read_even_without_kafka(system: System) -> None:
    author, viewer = system.next_id(), system.next_id()
    system.truth.follows.add((viewer, author))
    posts = [await system.publish(author) for _ in range(3)]
    async with system.serving(HELIOGRAPH_KAFKA_BOOTSTRAP=NOWHERE) as feed:
        assert await feed.read(viewer) == posts[::-1]
        assert await feed.read(viewer) == posts[::-1]  # by now from what is at hand

        system.truth.blocks.add((author, viewer))
        await feed.note(related(author, viewer))
        assert await feed.read(viewer) == []

        system.truth.blocks.clear()
        await feed.note(related(author, viewer))
        assert await feed.read(viewer) == posts[::-1]


async def test_a_block_that_nobody_noted_is_heard_of(system: System) -> None:
    author, viewer = system.next_id(), system.next_id()
    system.truth.follows.add((viewer, author))
    post = await system.publish(author)
    async with system.process("fanout"), system.serving() as feed:
        await eventually(lambda: feed.shows(viewer, [post]), timeout=30)

        system.truth.blocks.add((viewer, author))
        blocked = Blocked(blocker_id=viewer, blocked_id=author, change_id=system.next_id())
        await system.tell_graph(viewer, author, GraphEvent(blocked=blocked))

        await eventually(lambda: feed.shows(viewer, []), timeout=30)


async def test_likes_are_those_of_truth_then_as_noted_then_as_heard(system: System) -> None:
    author, viewer = system.next_id(), system.next_id()
    system.truth.follows.add((viewer, author))
    first, second = await system.publish(author), await system.publish(author)
    system.truth.likes[viewer, first] = system.next_id()
    async with system.process("fanout"), system.serving() as feed:
        assert await feed.liked(viewer) == [first]
        assert await feed.liked(viewer) == [first]

        early, late = system.next_id(), system.next_id()
        await feed.note(NoteChangeRequest(liked=Liked(user_id=viewer, post_id=second, liked=True, change_id=early)))
        assert await feed.liked(viewer) == [second, first]

        unliked = PostUnliked(post_id=second, post_author_id=author, user_id=viewer, change_id=late)
        await system.tell("engagement.v1", f"{second}:{viewer}", EngagementEvent(post_unliked=unliked))

        async def is_gone() -> bool:
            return await feed.liked(viewer) == [first]

        await eventually(is_gone, timeout=30)
        again = PostLiked(post_id=second, post_author_id=author, user_id=viewer, change_id=early)
        third = await system.publish(author)
        liked = PostLiked(post_id=third, post_author_id=author, user_id=viewer, change_id=system.next_id())
        await system.tell("engagement.v1", f"{second}:{viewer}", EngagementEvent(post_liked=again))
        await system.tell("engagement.v1", f"{second}:{viewer}", EngagementEvent(post_liked=liked))  # in this order

        async def is_heard() -> bool:
            return await feed.liked(viewer) == [third, first]

        await eventually(is_heard, timeout=30)


async def test_a_post_that_waits_for_its_media_is_in_its_authors_warm_feed_once_noted(system: System) -> None:
    author = system.next_id()
    async with system.serving() as feed:
        assert await feed.read(author) == []
        post = system.next_id()
        system.truth.authors[post] = author
        system.truth.pending.add(post)

        await feed.note(NoteChangeRequest(posted=Posted(author_id=author, post_id=post)))

        assert await feed.read(author) == [post]


async def test_what_changes_of_a_post_or_an_account_is_heard_before_pieces_are_old(system: System) -> None:
    author, viewer = system.next_id(), system.next_id()
    system.truth.follows.add((viewer, author))
    first, second = await system.publish(author), await system.publish(author)
    async with system.serving(HELIOGRAPH_FRAGMENT_CACHE_SECONDS="4") as feed:
        assert await feed.read(viewer) == [second, first]

        system.truth.audiences[second] = Audience.CLOSE_FRIENDS
        edited = PostEdited(post=PostSnapshot(post_id=second, author_id=author))
        await system.tell("post.v1", str(second), PostEvent(post_edited=edited))
        await eventually(lambda: feed.shows(viewer, [first]), timeout=2.5)

        system.truth.inactive.add(author)
        changed = AccountStateChanged(profile=Profile(id=author))
        await system.tell("user.v1", str(author), UserEvent(account_state_changed=changed))
        await eventually(lambda: feed.shows(viewer, []), timeout=2.5)


async def test_a_deletion_that_was_noted_shows_at_once_in_that_process(system: System) -> None:
    author, viewer = system.next_id(), system.next_id()
    system.truth.follows.add((viewer, author))
    post = await system.publish(author)
    async with system.serving(HELIOGRAPH_KAFKA_BOOTSTRAP=NOWHERE, HELIOGRAPH_FRAGMENT_CACHE_SECONDS="4") as feed:
        assert await feed.read(viewer) == [post]
        del system.truth.authors[post]

        await feed.note(NoteChangeRequest(post_changed=PostChanged(post_id=post)))

        assert await feed.read(viewer) == []


async def test_without_kafka_a_change_shows_within_five_seconds(system: System) -> None:
    author, viewer = system.next_id(), system.next_id()
    system.truth.follows.add((viewer, author))
    post = await system.publish(author)
    async with system.serving(HELIOGRAPH_KAFKA_BOOTSTRAP=NOWHERE) as feed:
        assert await feed.read(viewer) == [post]
        del system.truth.authors[post]

        await eventually(lambda: feed.shows(viewer, []), timeout=5)


async def test_a_redis_that_is_emptied_changes_no_feed(system: System, redis_url: str) -> None:
    author, viewer, stranger = (system.next_id() for _ in range(3))
    system.truth.follows.add((viewer, author))
    posts = [await system.publish(author) for _ in range(3)]
    tagged = await system.publish(stranger)
    system.truth.tags[tagged] = frozenset({"sun"})
    system.truth.followed_tags.add((viewer, "sun"))
    system.truth.likes[viewer, posts[0]] = system.next_id()
    async with system.process("fanout"), system.serving() as feed, Redis.from_url(redis_url) as redis:
        for _ in range(3):
            await eventually(lambda: feed.shows(viewer, home_feed(system.truth, viewer)), timeout=30)
            assert await feed.liked(viewer) == posts[:1]
            await redis.flushdb()


async def test_both_ways_of_reading_show_the_same_posts(system: System) -> None:
    author, viewer = system.next_id(), system.next_id()
    system.truth.follows.add((viewer, author))
    posts = [await system.publish(author) for _ in range(5)]
    async with system.serving() as feed:
        page, sent = await feed.page(viewer, size=3), await feed.sent(viewer, size=3)

        assert [post.id for post in page.posts] == posts[:1:-1]
        assert sent.next_page_token == page.next_page_token
        assert await feed.read(viewer) == posts[::-1]


async def test_with_nothing_kept_in_the_process_every_change_shows_at_once(system: System) -> None:
    author, viewer = system.next_id(), system.next_id()
    system.truth.follows.add((viewer, author))
    first, second = await system.publish(author), await system.publish(author)
    names = ("FRAGMENT_CACHE_SECONDS", "LIST_CACHE_SECONDS", "SHARED_LIST_SECONDS")
    off = {f"HELIOGRAPH_{name}": "0" for name in names}
    async with system.serving(HELIOGRAPH_KAFKA_BOOTSTRAP=NOWHERE, **off) as feed:
        assert await feed.read(viewer) == [second, first]
        del system.truth.authors[first]

        assert await feed.read(viewer) == [second]


async def test_while_every_change_is_heard_of_posts_are_asked_for_their_counts_alone(system: System) -> None:
    author, viewer, post = system.next_id(), system.next_id(), 0
    system.truth.follows.add((viewer, author))
    post = await system.publish(author)
    async with system.serving(HELIOGRAPH_FRAGMENT_CACHE_SECONDS="0.5") as feed:

        async def is_counted() -> bool:
            await feed.read(viewer)
            return bool(system.posts.counted)

        async def is_liked() -> bool:
            return await feed.likes(viewer) == [1]

        await eventually(is_counted, timeout=30)  # ten seconds after it began to listen
        asked = len(system.posts.asked)
        system.truth.likes[author, post] = system.next_id()
        await eventually(is_liked, timeout=15)  # counts are asked for when they are five seconds old
        assert len(system.posts.asked) == asked

        system.posts.publishes = False  # the events of the next change do not come
        del system.truth.authors[post]
        await eventually(lambda: feed.shows(viewer, []), timeout=7)
