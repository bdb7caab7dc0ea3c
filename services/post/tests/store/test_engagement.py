"""Rows of likes and comments on the real server."""

import asyncio

from kit.postgres import Postgres
from post_service.model.comments import Comment
from post_service.model.posts import Mention
from post_service.store import comments, likes
from post_service.store.comments import CommentStore
from post_service.store.counts import CommentCountStore, PostCountStore
from post_service.store.likes import LikeStore
from post_service.store.posts import NEWEST
from post_service.store.truth import Truth

POST, BEN, ADA = 100, 11, 12


async def like(truth: Truth, user_id: int, post_id: int = POST) -> bool:
    async with truth.transaction() as tx:
        await likes.lock(tx.conn, post_id)
        return bool(await likes.add(tx.conn, post_id, [user_id]))


async def unlike(truth: Truth, user_id: int) -> bool:
    async with truth.transaction() as tx:
        await likes.lock(tx.conn, POST)
        return bool(await likes.remove(tx.conn, POST, [user_id]))


async def say(truth: Truth, text: str, request: str, reply_to: int = 0) -> Comment | None:
    async with truth.transaction() as tx:
        return await comments.insert(
            tx.conn, request, b"hash", post_id=POST, post_author_id=BEN, author_id=ADA, text=text,
            reply_to=reply_to, reply_to_author_id=ADA if reply_to else 0, mentions=[Mention(BEN, "ben")],
        )  # fmt: skip


async def test_liking_twice_is_one_change(truth: Truth, postgres: Postgres) -> None:
    assert [await like(truth, ADA), await like(truth, ADA)] == [True, False]
    assert [await unlike(truth, ADA), await unlike(truth, ADA)] == [True, False]
    assert await like(truth, ADA)
    assert await LikeStore(postgres).liked_of(ADA, [POST, POST + 1]) == {POST}


async def test_of_many_likes_at_once_by_one_user_one_counts(truth: Truth) -> None:
    assert sorted(await asyncio.gather(*(like(truth, ADA) for _ in range(8)))) == [False] * 7 + [True]


async def test_likes_come_newest_first_page_by_page(truth: Truth, postgres: Postgres) -> None:
    for user_id in (5, 3, 9):
        await like(truth, user_id)
    store = LikeStore(postgres)
    first = await store.page(POST, before=NEWEST, limit=2)
    assert [user_id for _, user_id in first] == [9, 3]
    assert [user_id for _, user_id in await store.page(POST, before=first[-1][0], limit=2)] == [5]


async def test_comments_come_oldest_first_without_answers(truth: Truth, postgres: Postgres) -> None:
    one, two = await say(truth, "one", "r1"), await say(truth, "two", "r2")
    assert one is not None
    assert two is not None
    answer = await say(truth, "answer", "r3", reply_to=one.id)
    assert answer is not None
    store = CommentStore(postgres)
    assert [comment.text for comment in await store.page(POST, 0, after=0, limit=9)] == ["one", "two"]
    assert [comment.text for comment in await store.page(POST, 0, after=one.id, limit=9)] == ["two"]
    assert await store.page(POST, one.id, after=0, limit=9) == [answer]
    assert answer.mentions == (Mention(BEN, "ben"),)


async def test_a_repeated_request_makes_no_second_comment(truth: Truth, postgres: Postgres) -> None:
    one = await say(truth, "one", "r1")
    assert await say(truth, "one", "r1") is None
    made = await CommentStore(postgres).of_request(POST, ADA, "r1")
    assert made is not None
    assert made[0] == one


async def test_answers_go_with_their_comment(truth: Truth, postgres: Postgres) -> None:
    one = await say(truth, "one", "r1")
    assert one is not None
    for number in range(3):
        await say(truth, "answer", f"a{number}", reply_to=one.id)
    counts = PostCountStore(postgres)
    assert (await counts.count([POST]))[POST] == {"likes": 0, "comments": 4}
    assert (await CommentCountStore(postgres).count([one.id]))[one.id] == {"replies": 3}
    async with truth.transaction() as tx:
        locked = await comments.lock(tx.conn, POST, one.id)
        assert locked is not None
        assert len(await comments.delete(tx.conn, locked)) == 4
    async with truth.transaction() as tx:
        assert await comments.lock(tx.conn, POST, one.id) is None
    assert (await counts.count([POST]))[POST] == {"likes": 0, "comments": 0}
    found = await CommentStore(postgres).find(one.id)
    assert found is not None
    assert (found.deleted, found.text) == (True, "")


async def test_flushed_counts_are_read_back(postgres: Postgres) -> None:
    posts, replies = PostCountStore(postgres), CommentCountStore(postgres)
    await posts.save({1: {"likes": 2, "comments": 3}, 2: {"likes": 4, "comments": 5}})
    await posts.save({1: {"likes": 7, "comments": 3}})
    await replies.save({9: {"replies": 1}})
    assert await posts.load([1, 2, 3]) == {1: {"likes": 7, "comments": 3}, 2: {"likes": 4, "comments": 5}}
    assert await replies.load([9]) == {9: {"replies": 1}}
