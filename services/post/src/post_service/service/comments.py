"""Comments with one level of answers."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from kit.errors import FieldViolation, InvalidArgument
from kit.paging import page_size

from post_service.model import errors
from post_service.model.captions import usernames_in
from post_service.model.changes import CommentCreated, CommentDeleted
from post_service.model.comments import Comment, CommentCounts, check_text, thread_of
from post_service.model.posts import Mention
from post_service.model.visibility import Profile
from post_service.service.pages import Page, check_batch, fill, key_of
from post_service.service.reading import PostReader
from post_service.service.sight import Sight, View, signed_in
from post_service.service.tallies import Tallies, at_once
from post_service.store import comments as rows
from post_service.store.comments import CommentStore
from post_service.store.truth import Truth


@dataclass(frozen=True)
class CommentView:
    comment: Comment
    author: Profile
    counts: CommentCounts


@dataclass(frozen=True)
class NewComment:
    """`reply_to` is 0 or any comment of the post."""

    post_id: int
    text: str
    reply_to: int
    request_id: str

    @property
    def hash(self) -> bytes:
        return hashlib.sha256(json.dumps([self.text, self.reply_to]).encode()).digest()


class CommentService:
    def __init__(
        self,
        truth: Truth,
        comments: CommentStore,
        reader: PostReader,
        tallies: Tallies,
        sight: Sight,
    ) -> None:
        self._truth = truth
        self._comments = comments
        self._reader = reader
        self._tallies = tallies
        self._sight = sight

    async def create(self, viewer_id: int, asked: NewComment) -> CommentView:
        """Raises NotFound POST_NOT_FOUND, FailedPrecondition COMMENTS_OFF, PermissionDenied
        COMMENTS_NOT_ALLOWED, InvalidArgument INVALID_FIELD, COMMENT_NOT_FOUND (of reply_to), REQUEST_ID_REUSED."""
        check_text(asked.text)
        target = await self._comments.find(asked.reply_to) if asked.reply_to else None
        others = (signed_in(viewer_id), *([target.author_id] if target else []))
        post, view = await self._reader.look(viewer_id, asked.post_id, *others)
        made = await self._made_before(viewer_id, asked)
        if made is None:
            if post.content.comments_off:
                raise errors.comments_off()
            if not view.may_comment(post.author_id):
                raise errors.comments_not_allowed()
            if asked.reply_to and (target is None or target.post_id != post.id or not view.meets(target.author_id)):
                raise _no_such_target()
            mentions = await self._sight.mentioned(viewer_id, usernames_in(asked.text), field="/text")
            made = await self._insert(viewer_id, post.author_id, asked, target, mentions)
            await at_once(self._tallies.commented(post.id, made.id, made.reply_to))
        author = view.profiles.get(viewer_id)
        if author is None:
            raise errors.user_not_found()
        counts = await self._tallies.of_comments([made.id])
        return CommentView(made, author, counts[made.id])

    async def of_post(self, viewer_id: int, post_id: int, size: int, token: str) -> Page[CommentView]:
        """Oldest first, without answers. Raises NotFound POST_NOT_FOUND."""
        await self._reader.get(viewer_id, post_id)
        return await self._page(viewer_id, post_id, 0, size, token)

    async def replies(self, viewer_id: int, comment_id: int, size: int, token: str) -> Page[CommentView]:
        """Oldest first. Raises NotFound COMMENT_NOT_FOUND."""
        parents = await self.get_many(viewer_id, [comment_id])
        if not parents:
            raise errors.comment_not_found()
        return await self._page(viewer_id, parents[0].comment.post_id, comment_id, size, token)

    async def get_many(self, viewer_id: int, ids: Sequence[int]) -> list[CommentView]:
        """Those that the viewer may see, in the order asked. Raises InvalidArgument TOO_MANY_IDS."""
        wanted = check_batch(ids)
        found = await self._comments.get_many(wanted)
        post_ids = list({comment.post_id for comment in found.values()})
        posts, view = await self._reader.visible(viewer_id, post_ids, _people(found.values()))
        comments = [found[comment_id] for comment_id in wanted if comment_id in found]
        return await self._views([comment for comment in comments if comment.post_id in posts], view)

    async def delete(self, viewer_id: int, comment_id: int) -> None:
        """By the comment's author or the post's; answers go with it.
        Raises NotFound COMMENT_NOT_FOUND, PermissionDenied NOT_YOURS."""
        comment = await self._comments.find(comment_id)
        if comment is None:
            raise errors.comment_not_found()
        if signed_in(viewer_id) not in {comment.author_id, comment.post_author_id}:
            if await self.get_many(viewer_id, [comment_id]):
                raise errors.not_yours("comment")
            raise errors.comment_not_found()
        change = await self._delete(comment)
        if change is not None:
            await at_once(self._tallies.uncommented(comment.post_id, comment.id, comment.reply_to, change.removed))

    async def _page(self, viewer_id: int, post_id: int, reply_to: int, size: int, token: str) -> Page[CommentView]:
        async def fetch(position: int, count: int) -> Sequence[Comment]:
            return await self._comments.page(post_id, reply_to, after=position, limit=count)

        async def show(comments: Sequence[Comment]) -> Sequence[CommentView]:
            view = await self._sight.view(viewer_id, _people(comments))
            return await self._views(comments, view)

        return await fill(
            page_size(size),
            key_of(token, 0),
            fetch=fetch,
            show=show,
            key=lambda comment: comment.id,
            shown_key=lambda shown: shown.comment.id,
        )

    async def _views(self, comments: Sequence[Comment], view: View) -> list[CommentView]:
        seen = [comment for comment in comments if view.meets(comment.author_id)]
        counts = await self._tallies.of_comments([comment.id for comment in seen])
        return [
            CommentView(
                replace(comment, mentions=view.known(comment.mentions)),
                view.profiles[comment.author_id],
                counts[comment.id],
            )
            for comment in seen
        ]

    async def _made_before(self, viewer_id: int, asked: NewComment) -> Comment | None:
        made = await self._comments.of_request(asked.post_id, viewer_id, asked.request_id)
        if made is None:
            return None
        comment, request_hash = made
        if request_hash != asked.hash:
            raise errors.request_id_reused()
        if comment.deleted:
            raise errors.comment_not_found()
        return comment

    async def _insert(
        self,
        viewer_id: int,
        post_author_id: int,
        asked: NewComment,
        target: Comment | None,
        mentions: Sequence[Mention],
    ) -> Comment:
        async with self._truth.transaction() as tx:
            # The thread's first comment is locked: one that is being deleted takes no answer with it unseen.
            thread = await rows.lock(tx.conn, asked.post_id, thread_of(target)) if target else None
            if target is not None and thread is None:
                raise _no_such_target()
            comment = await rows.insert(
                tx.conn,
                asked.request_id,
                asked.hash,
                post_id=asked.post_id,
                post_author_id=post_author_id,
                author_id=viewer_id,
                text=asked.text,
                reply_to=thread.id if thread else 0,
                reply_to_author_id=target.author_id if target else 0,
                mentions=mentions,
            )
            if comment is not None:
                await tx.emit(CommentCreated(comment))
        made = comment or await self._made_before(viewer_id, asked)
        assert made is not None  # noqa: S101 the request id was in use a moment ago, and comments' rows stay
        return made

    async def _delete(self, comment: Comment) -> CommentDeleted | None:
        """None when it was deleted already."""
        async with self._truth.transaction() as tx:
            locked = await rows.lock(tx.conn, comment.post_id, comment.id)
            if locked is None:
                return None
            gone = await rows.delete(tx.conn, locked)
            change = CommentDeleted(locked, len(gone), gone[0]["deleted_at"])
            await tx.emit(change)
        return change


def _people(comments: Iterable[Comment]) -> list[int]:
    """Who shows in these comments: their authors and whom they mention."""
    return [id_ for comment in comments for id_ in (comment.author_id, *(m.user_id for m in comment.mentions))]


def _no_such_target() -> InvalidArgument:
    message = "there is no such comment under this post"
    return InvalidArgument("COMMENT_NOT_FOUND", message, fields=[FieldViolation("/reply_to", message)])
