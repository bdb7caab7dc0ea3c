"""A post's JSON in pieces: those that are the same for all who may see it can be kept as bytes.

    {"id":"<id>","author":<author>,<body>,"mentions":<mentions>,"counts":<counts>,"viewer":<viewer>}

The pieces joined are byte for byte what encoding the whole gives.
"""

from collections.abc import Iterable

import msgspec
from heliograph.post.v1 import post_pb2
from heliograph.user.v1 import user_pb2

from rendering import render, shapes
from rendering.render import Renderer

BODY_MEMBERS = tuple(shapes.Post.__struct_fields__[2:-3])
"""From "title" to "edited_at"."""

_encoder = msgspec.json.Encoder()


def author(renderer: Renderer, profile: user_pb2.Profile) -> bytes:
    """The JSON object that shows an account beside its works."""
    return _encoder.encode(renderer.user(profile))


def body(renderer: Renderer, post: post_pb2.Post) -> bytes:
    """The members between author and mentions, without braces. Author, mentions, counts and viewer may be unset."""
    whole = renderer.post(post)
    return _encoder.encode({name: getattr(whole, name) for name in BODY_MEMBERS})[1:-1]


def mentions(found: Iterable[post_pb2.Mention]) -> bytes:
    return _encoder.encode(render.mentions(found))


def counts(likes: int, comments: int) -> bytes:
    return b'{"likes":%d,"comments":%d}' % (likes, comments)


def viewer(*, liked: bool, saved: bool) -> bytes:
    return b'{"liked":%s,"saved":%s}' % (_WORDS[liked], _WORDS[saved])


def assemble(
    post_id: int, *, author: bytes, body: bytes, mentions: bytes = b"[]", counts: bytes, viewer: bytes
) -> bytes:
    """The whole object."""
    return b'{"id":"%d","author":%s,%s,"mentions":%s,"counts":%s,"viewer":%s}' % (
        post_id, author, body, mentions, counts, viewer,
    )  # fmt: skip


_WORDS = (b"false", b"true")
