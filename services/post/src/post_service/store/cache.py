"""Posts in Redis: as JSON of the model's own dataclasses, and before it the piece that feeds need, so that whatever
renews or drops the one does so to the other."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import cached_property

import msgspec
from kit.cache import Cache
from redis.asyncio import Redis

from post_service.model.pieces import Piece, widest
from post_service.model.posts import Post

# To be raised with every change of the model that an older process could not read: both run side by side for a while.
_SHAPE = 2
_LENGTH_BYTES = 4

Press = Callable[[Post], Piece]
"""Makes the piece that shows this post, with addresses as of now."""
Load = Callable[[Sequence[int]], Awaitable[Mapping[int, Post]]]

_post_encoder, _post_decoder = msgspec.json.Encoder(), msgspec.json.Decoder(Post)
_piece_encoder, _piece_decoder = msgspec.msgpack.Encoder(), msgspec.msgpack.Decoder(Piece)


class Copy:
    """A post and its piece, made of a post or of what was kept. Each part is made when first asked for."""

    def __init__(self, press: Press, *, post: Post | None = None, content: bytes = b"") -> None:
        self._press, self._given, self._content = press, post, content

    @cached_property
    def post(self) -> Post:
        return self._given or _post_decoder.decode(self._parts[1])

    @cached_property
    def piece(self) -> Piece:
        """As of the time when it was made."""
        return self._press(widest(self._given)) if self._given else _piece_decoder.decode(self._parts[0])

    @property
    def content(self) -> bytes:
        if self._content:
            return self._content
        piece = _piece_encoder.encode(self.piece)
        return len(piece).to_bytes(_LENGTH_BYTES, "big") + piece + _post_encoder.encode(self.post)

    @property
    def _parts(self) -> tuple[memoryview, memoryview]:
        content = memoryview(self._content)
        end = _LENGTH_BYTES + int.from_bytes(content[:_LENGTH_BYTES], "big")
        return content[_LENGTH_BYTES:end], content[end:]


class PostCopies:
    """kit.cache of posts. Down, all is loaded."""

    def __init__(self, redis: Redis, seconds: float, press: Press) -> None:
        self._press = press
        self._cache = Cache(redis, f"post:posts:{_SHAPE}", _content, lambda kept: Copy(press, content=kept), seconds)

    async def get_many(self, ids: Sequence[int], load: Load) -> dict[int, Post]:
        """What exists of the ids, in their order."""
        return {post_id: copy.post for post_id, copy in (await self.copies(ids, load)).items()}

    async def copies(self, ids: Sequence[int], load: Load) -> dict[int, Copy]:
        """The same, for those who need the pieces."""

        async def loaded(missing: Sequence[int]) -> Mapping[int, Copy]:
            return {post_id: Copy(self._press, post=post) for post_id, post in (await load(missing)).items()}

        return await self._cache.get_many(ids, loaded)

    async def put(self, post: Post) -> None:
        """After the commit of a change; a newer version that came first stays."""
        await self._cache.put(post.id, Copy(self._press, post=post), post.version)

    async def drop(self, post_id: int) -> None:
        await self._cache.drop(post_id)


def _content(copy: Copy) -> bytes:
    return copy.content
