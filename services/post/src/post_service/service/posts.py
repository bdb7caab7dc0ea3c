"""Publishing, editing and deleting posts."""

import asyncio
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace

from kit.errors import FieldViolation, InvalidArgument

from post_service.model import errors
from post_service.model.captions import check_tags, tags_in, usernames_in
from post_service.model.changes import PostDeleted, PostEdited
from post_service.model.media import MediaState, Medium
from post_service.model.posts import Content, Location, Post, check_content, check_media_ids
from post_service.model.visibility import AccountState, Audience, PostState, Profile, open_to_all
from post_service.service.peers import Accounts
from post_service.service.publishing import all_settled, move_misplaced, published
from post_service.service.reading import PostReader, PostView
from post_service.service.sight import Sight, signed_in
from post_service.store import media as media_rows
from post_service.store import posts as rows
from post_service.store.posts import PostStore
from post_service.store.truth import Transaction, Truth


@dataclass(frozen=True)
class Draft:
    media_ids: tuple[int, ...]
    content: Content
    request_id: str

    @property
    def hash(self) -> bytes:
        said = json.dumps([self.media_ids, asdict(self.content)], sort_keys=True)
        return hashlib.sha256(said.encode()).digest()


@dataclass(frozen=True)
class Edit:
    """None leaves a field; `clear_location` takes the location away."""

    title: str | None = None
    caption: str | None = None
    location: Location | None = None
    clear_location: bool = False
    audience: Audience | None = None
    comments_off: bool | None = None


class PostService:
    def __init__(self, truth: Truth, posts: PostStore, reader: PostReader, accounts: Accounts, sight: Sight) -> None:
        self._truth = truth
        self._posts = posts
        self._reader = reader
        self._accounts = accounts
        self._sight = sight

    async def create(self, viewer_id: int, draft: Draft) -> PostView:
        """Visible to others at once if its media is ready, else when the last of it is.
        Raises InvalidArgument INVALID_FIELD, REQUEST_ID_REUSED, MEDIA_NOT_FOUND, MEDIA_IN_USE, MEDIA_REFUSED,
        MEDIA_NOT_UPLOADED; NotFound USER_NOT_FOUND."""
        signed_in(viewer_id)
        check_media_ids(draft.media_ids)
        check_content(draft.content)
        post_id = made_by(draft, await self._posts.of_request(viewer_id, draft.request_id))
        if post_id is None:
            author, content = await asyncio.gather(
                self._author(viewer_id), read_caption(self._sight, viewer_id, draft.content)
            )
            post_id = await self._insert(author, draft, content)
        return await self._reader.get(viewer_id, post_id)

    async def update(self, viewer_id: int, post_id: int, edit: Edit, etag: str) -> PostView:
        """Raises NotFound POST_NOT_FOUND, PermissionDenied NOT_YOURS, Aborted ETAG_MISMATCH, InvalidArgument."""
        await self._own(viewer_id, post_id)
        author = await self._author(viewer_id)
        caption = Content("", edit.caption or "", None, Audience.PUBLIC, comments_off=False)
        read = await read_caption(self._sight, viewer_id, caption)
        async with self._truth.transaction() as tx:
            await tx.lock_author(viewer_id)
            post = await rows.reload(tx.conn, viewer_id, post_id)
            if post is None or post.state is PostState.DELETED:
                raise errors.post_not_found()
            if etag and etag != post.etag:
                raise errors.etag_mismatch()
            content = _edited(post.content, edit, read)
            check_content(content)
            if content != post.content:
                await self._rewrite(tx, author, post, content)
        await self._reader.renew(post_id)
        return await self._reader.get(viewer_id, post_id)

    async def delete(self, viewer_id: int, post_id: int) -> None:
        """Its media's files follow by way of the event. Raises NotFound POST_NOT_FOUND, PermissionDenied NOT_YOURS."""
        await self._own(viewer_id, post_id)
        async with self._truth.transaction() as tx:
            await tx.lock_author(viewer_id)
            post = await rows.reload(tx.conn, viewer_id, post_id)
            if post is not None and post.state is not PostState.DELETED:
                await deleted(tx, post)
        await self._reader.renew(post_id)

    async def _insert(self, author: Profile, draft: Draft, content: Content) -> int:
        async with self._truth.transaction() as tx:
            await tx.lock_author(author.id)
            made = made_by(draft, await rows.of_request(tx.conn, author.id, draft.request_id))
            if made is not None:  # by the same request, a moment ago
                return made
            found = await media_rows.reload_many(tx.conn, author.id, draft.media_ids)
            media = usable(draft.media_ids, found)
            ready = all_settled(media, for_all=open_to_all(author, content.audience))
            state = PostState.PUBLISHED if ready else PostState.PENDING
            post_id = await rows.insert(tx.conn, author.id, draft.request_id, draft.hash, content, state)
            await media_rows.attach(tx.conn, author.id, post_id, draft.media_ids)
            post = await rows.reload(tx.conn, author.id, post_id)
            assert post is not None  # noqa: S101 inserted above
            await (published(tx, post) if ready else move_misplaced(tx, author, post))
        return post_id

    async def _rewrite(self, tx: Transaction, author: Profile, post: Post, content: Content) -> None:
        was_pending = post.state is PostState.PENDING
        ready = all_settled(post.media, for_all=open_to_all(author, content.audience))
        state = PostState.PUBLISHED if ready or not was_pending else PostState.PENDING
        await rows.rewrite(tx.conn, post, content, state)
        current = await rows.reload(tx.conn, author.id, post.id)
        assert current is not None  # noqa: S101 read a moment ago under the same lock
        if not was_pending:
            await tx.emit(PostEdited(current))
        elif ready:
            await published(tx, current)
        await move_misplaced(tx, author, current)

    async def _author(self, viewer_id: int) -> Profile:
        author = (await self._accounts.profiles([viewer_id])).get(viewer_id)
        if author is None or author.state is not AccountState.ACTIVE:
            raise errors.user_not_found()
        return author

    async def _own(self, viewer_id: int, post_id: int) -> None:
        """Returns when the post is the viewer's, deleted or not."""
        signed_in(viewer_id)
        author_id = await self._posts.author_of(post_id)
        if author_id is None:
            raise errors.post_not_found()
        if author_id != viewer_id:
            await self._reader.look(viewer_id, post_id)
            raise errors.not_yours("post")


def made_by(draft: Draft, found: tuple[int, bytes] | None) -> int | None:
    """The post that this very draft has made before. Raises InvalidArgument REQUEST_ID_REUSED."""
    if found is None:
        return None
    post_id, request_hash = found
    if request_hash != draft.hash:
        raise errors.request_id_reused()
    return post_id


async def read_caption(sight: Sight, author_id: int, content: Content) -> Content:
    """The content with what its caption says. Raises InvalidArgument INVALID_FIELD."""
    tags, usernames = tags_in(content.caption), usernames_in(content.caption)
    check_tags(tags, field="/caption")
    mentions = await sight.mentioned(author_id, usernames, field="/caption")
    return replace(content, tags=tags, mentions=mentions)


def usable(ids: Sequence[int], found: Mapping[int, Medium]) -> list[Medium]:
    """The author's media, fit for a new post. Raises InvalidArgument naming the first that is not."""
    media: list[Medium] = []
    for index, media_id in enumerate(ids):
        medium = found.get(media_id)
        if medium is None or medium.state is MediaState.DELETED:
            raise _unfit(index, "MEDIA_NOT_FOUND", "there is no such medium")
        if medium.state is MediaState.WAITING:
            raise _unfit(index, "MEDIA_NOT_UPLOADED", "its upload is not complete")
        if medium.state is MediaState.REFUSED:
            raise _unfit(index, "MEDIA_REFUSED", "it was refused")
        if medium.post_id:
            raise _unfit(index, "MEDIA_IN_USE", "another post uses it")
        media.append(medium)
    return media


def _unfit(index: int, reason: str, message: str) -> InvalidArgument:
    return InvalidArgument(reason, message, fields=[FieldViolation(f"/media_ids/{index}", message)])


def _edited(content: Content, edit: Edit, read: Content) -> Content:
    new_caption = edit.caption is not None
    return Content(
        title=content.title if edit.title is None else edit.title,
        caption=content.caption if edit.caption is None else edit.caption,
        location=None if edit.clear_location else edit.location or content.location,
        audience=edit.audience or content.audience,
        comments_off=content.comments_off if edit.comments_off is None else edit.comments_off,
        tags=read.tags if new_caption else content.tags,
        mentions=read.mentions if new_caption else content.mentions,
    )


async def deleted(tx: Transaction, post: Post) -> None:
    """The author's lock is held, and the post is not deleted yet."""
    gone = await rows.delete(tx.conn, post.author_id, post.id)
    await media_rows.delete_of_post(tx.conn, post.author_id, post.id)
    if post.state is PostState.PUBLISHED:
        await rows.count_posts(tx.conn, post.author_id, -1)
    await tx.emit(PostDeleted(post.id, post.author_id, gone["version"], gone["deleted_at"]))
