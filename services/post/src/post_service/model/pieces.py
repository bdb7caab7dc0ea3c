"""What of a post is the same for all who may see it, ready to be sent: what feeds are joined from."""

from dataclasses import replace
from typing import NamedTuple

from post_service.model.media import MediaState, Medium, is_public
from post_service.model.posts import Mention, Post
from post_service.model.visibility import Audience, PostState


class Piece(NamedTuple):
    """A tuple, since thousands are read a second.

    `message` is what is sent of it already encoded: ids and the post's JSON between author and mentions; `features` is
    what is sent beside it when asked for.
    `half_hour` is that of the addresses in it (unix time // 1800), 0 when none of them ends. `exposed`: it has public
    addresses, which may be handed out only while the author's public posts are shown to all.
    """

    post_id: int
    author_id: int
    audience: Audience
    state: PostState
    half_hour: int
    exposed: bool
    mentions: tuple[Mention, ...]
    message: bytes
    features: bytes


def piece_of(post: Post, half_hour: int, message: bytes, features: bytes) -> Piece:
    """`post` with the media that `message` shows; `half_hour` is the one it was made in."""
    signed = any(medium.variants and not is_public(medium.place) for medium in post.media)
    return Piece(
        post_id=post.id,
        author_id=post.author_id,
        audience=post.content.audience,
        state=post.state,
        half_hour=half_hour if signed else 0,
        exposed=any(map(_exposed, post.media)),
        mentions=post.content.mentions,
        message=message,
        features=features,
    )


def widest(post: Post) -> Post:
    """The post as it shows to those who may see it, while its author's public posts are shown to all."""
    return post if post.content.audience is Audience.PUBLIC else closed(post)


def closed(post: Post) -> Post:
    """The post as it shows where it is not for all. A public address is never handed out then: its files are on their
    way to another."""
    if not any(map(_exposed, post.media)):
        return post
    return replace(post, media=tuple(_resizing(medium) if _exposed(medium) else medium for medium in post.media))


def _exposed(medium: Medium) -> bool:
    return medium.state is MediaState.READY and is_public(medium.place)


def _resizing(medium: Medium) -> Medium:
    return replace(medium, state=MediaState.RESIZING, variants=())
