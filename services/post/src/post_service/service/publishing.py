"""When a post becomes visible to others: the moment that the last of its media is ready, and stored where the post's
audience needs it. Decided in the transaction that makes it so, under the author's lock."""

from collections.abc import Sequence

from kit import telemetry

from post_service.model.changes import MediaUploaded, PostEdited, PostPublished
from post_service.model.media import MediaState, Medium, fits, settled
from post_service.model.posts import Post
from post_service.model.visibility import PostState, Profile, open_to_all
from post_service.store import posts as rows
from post_service.store.truth import Transaction


def all_settled(media: Sequence[Medium], *, for_all: bool) -> bool:
    return all(settled(medium, open_to_all=for_all) for medium in media)


async def published(tx: Transaction, post: Post) -> None:
    """The post's row says published as of this transaction: counts it and tells of it."""
    await rows.count_posts(tx.conn, post.author_id, 1)
    await tx.emit(PostPublished(post))


async def publish_if_settled(tx: Transaction, author: Profile, post_id: int) -> None:
    """After a change of the post's media."""
    post = await rows.reload(tx.conn, author.id, post_id)
    if post is None or post.state is not PostState.PENDING:
        return
    if all_settled(post.media, for_all=open_to_all(author, post.content.audience)):
        traceparent = await rows.publish(tx.conn, author.id, post_id)
        current = await rows.reload(tx.conn, author.id, post_id)
        assert current is not None  # noqa: S101 read a moment ago under the same lock
        with telemetry.within(traceparent):  # the post's way to its readers, not that of the file
            await published(tx, current)


async def media_changed(tx: Transaction, author_id: int, post_id: int) -> None:
    """After a change of what shows of the post's media: whoever keeps a copy of a published post has to hear of it."""
    await rows.touch(tx.conn, author_id, post_id)
    post = await rows.reload(tx.conn, author_id, post_id)
    if post is not None and post.state is PostState.PUBLISHED:
        await tx.emit(PostEdited(post))


async def move_misplaced(tx: Transaction, author: Profile, post: Post) -> int:
    """Gives the media worker the ready media that are not where the audience needs them. Answers how many."""
    for_all = open_to_all(author, post.content.audience)
    misplaced = [
        medium
        for medium in post.media
        if medium.state is MediaState.READY and not fits(medium.place, open_to_all=for_all)
    ]
    for medium in misplaced:
        await tx.emit(MediaUploaded(medium.id, author.id))
    return len(misplaced)
