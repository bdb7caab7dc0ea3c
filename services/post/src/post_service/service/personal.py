"""What this service keeps about an account: handed out, and taken away for good."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Any

from kit import personal
from kit.personal import Found, Piece

from post_service.model.changes import CommentDeleted
from post_service.model.comments import Comment
from post_service.model.media import CONTENT_SUFFIXES, MediaState, original_key, upload_key
from post_service.model.visibility import Audience, PostState
from post_service.service.like_groups import LikeGroups
from post_service.service.posts import deleted
from post_service.service.reading import PostReader
from post_service.service.tallies import Tallies, at_once
from post_service.store import comments as comment_rows
from post_service.store import posts as post_rows
from post_service.store.comments import CommentStore
from post_service.store.objects import Objects
from post_service.store.personal import PersonalRows, Rows
from post_service.store.truth import Truth

_PAGE = 500
_BATCH = 50
_LIKES_OF_POST = 1_000
_AT_ONCE = 8
_WORKED_ON = "ERASED_AT_WORK"
_QUIET_SECONDS = 3_600  # longer than any work on a medium takes: what wrote its files is through, or dead for good


class PersonalData:
    def __init__(
        self,
        truth: Truth,
        rows: PersonalRows,
        comments: CommentStore,
        likes: LikeGroups,
        reader: PostReader,
        tallies: Tallies,
        files: Objects,
    ) -> None:
        self._truth, self._rows, self._comments, self._likes = truth, rows, comments, likes
        self._reader, self._tallies, self._files = reader, tallies, files

    async def export(self, user_id: int, token: str) -> tuple[list[Piece], str]:
        """Posts, comments, likes and media with their originals. Raises InvalidArgument BAD_PAGE_TOKEN."""
        rows = self._rows
        arrays = {
            "posts.json": partial(_page, rows.posts, user_id, _post),
            "comments.json": partial(_page, rows.comments, user_id, dict),
            "likes.json": partial(_page, rows.likes, user_id, dict, "post_id"),
            "media.json": partial(self._media, user_id),
        }
        return await personal.export(arrays, token)

    async def erase(self, user_id: int) -> tuple[bool, int]:
        """As the account itself would unlike and delete, events included, and then the rows and files too. Not done
        while a worker may be writing files of it."""
        steps: list[Callable[[int], Awaitable[int]]] = [
            self._unlike,
            self._delete_comments,
            lambda user: self._rows.forget_comments(user, _PAGE),
            lambda user: self._rows.forget_answered(user, _PAGE),
            self._rows.forget_mentions_in_comments,
            self._forget_mentions,
            self._delete_posts,
            self._drop_posts,
            self._drop_media,
            self._drop_author,
        ]
        done, removed = await personal.erase([partial(step, user_id) for step in steps])
        return done and not await self._rows.has_media(user_id), removed

    async def _media(self, user_id: int, position: str) -> Found:
        rows = await self._rows.media(user_id, int(position or 0), _BATCH)
        files = [
            Piece(_path(row), object_key=original_key(user_id, row["sha256"]))
            for row in rows
            if row["state"] == MediaState.READY
        ]
        told = [{name: value for name, value in row.items() if name != "state"} for row in rows]
        return Found(told, str(rows[-1]["id"]) if len(rows) == _BATCH else "", files)

    async def _unlike(self, user_id: int) -> int:
        likes = await self._rows.likes(user_id, 0, _BATCH)
        authors = await self._rows.authors_of([like["post_id"] for like in likes])

        async def unlike(like: Mapping[str, Any]) -> None:
            post_id = like["post_id"]
            await self._likes.change(post_id, authors.get(post_id, 0), user_id, liked=False)

        await _each(likes, unlike)
        return len(likes)

    async def _delete_comments(self, user_id: int) -> int:
        ids = [row["id"] for row in await self._rows.comments(user_id, 0, _BATCH)]
        found = await self._comments.get_many(ids)
        await _each(list(found.values()), self._delete_comment)
        return len(ids)

    async def _delete_comment(self, comment: Comment) -> None:
        async with self._truth.transaction() as tx:
            locked = await comment_rows.lock(tx.conn, comment.post_id, comment.id)
            if locked is None:
                return
            gone = await comment_rows.delete(tx.conn, locked)
            await tx.emit(CommentDeleted(locked, len(gone), gone[0]["deleted_at"]))
        await at_once(self._tallies.uncommented(comment.post_id, comment.id, comment.reply_to, len(gone)))

    async def _forget_mentions(self, user_id: int) -> int:
        changed = await self._rows.forget_mentions_in_posts(user_id)
        await _each(changed, self._reader.renew)
        return len(changed)

    async def _delete_posts(self, user_id: int) -> int:
        """So that all views hear of it."""
        ids = [row["id"] for row in await self._rows.posts(user_id, 0, _BATCH)]
        for post_id in ids:
            async with self._truth.transaction() as tx:
                await tx.lock_author(user_id)
                post = await post_rows.reload(tx.conn, user_id, post_id)
                if post is not None and post.state is not PostState.DELETED:
                    await deleted(tx, post)
        return len(ids)

    async def _drop_posts(self, user_id: int) -> int:
        ids = await self._rows.deleted_posts(user_id, _BATCH)
        await _each(ids, lambda post_id: self._drop_post(user_id, post_id))
        return len(ids)

    async def _drop_post(self, user_id: int, post_id: int) -> None:
        while await self._rows.empty_post(post_id, _LIKES_OF_POST):
            pass
        await self._rows.drop_post(user_id, post_id)
        await self._reader.renew(post_id)

    async def _drop_media(self, user_id: int) -> int:
        await self._rows.condemn_media(user_id, _WORKED_ON)
        media = await self._rows.condemned_media(user_id, _WORKED_ON, _QUIET_SECONDS, _BATCH)
        for medium in media:
            for place in filter(None, (medium["place"], medium["next_place"], medium["old_place"])):
                await self._files.delete_folder(place)
            await self._files.delete(upload_key(medium["id"]))
        await self._rows.drop_media(user_id, [medium["id"] for medium in media])
        return len(media)

    async def _drop_author(self, user_id: int) -> int:
        """The originals last: while the account has other media of the same content, they are theirs too."""
        if await self._rows.has_media(user_id):
            return 0
        await self._files.delete_folder(originals_of(user_id))
        return await self._rows.drop_author(user_id)


def originals_of(user_id: int) -> str:
    return original_key(user_id, "").rstrip("/")


async def _page(
    read: Callable[[int, int, int], Awaitable[Rows]],
    user_id: int,
    shown: Callable[[Mapping[str, Any]], Mapping[str, Any]],
    *rest: str,
) -> Found:
    """`rest` is the position, after the name of the column that it is of unless that is the id."""
    *named, position = rest
    rows = await read(user_id, int(position or 0), _PAGE)
    column = named[0] if named else "id"
    return Found([shown(row) for row in rows], str(rows[-1][column]) if len(rows) == _PAGE else "")


def _post(row: Mapping[str, Any]) -> Mapping[str, Any]:
    return {**row, "audience": Audience(row["audience"]).name.lower()}


def _path(medium: Mapping[str, Any]) -> str:
    return f"media/{medium['id']}{CONTENT_SUFFIXES.get(medium['content_type'], '')}"


async def _each(items: Sequence[Any], work: Callable[[Any], Awaitable[object]]) -> None:
    slots = asyncio.Semaphore(_AT_ONCE)

    async def one(item: Any) -> None:
        async with slots:
            await work(item)

    await asyncio.gather(*(one(item) for item in items))
