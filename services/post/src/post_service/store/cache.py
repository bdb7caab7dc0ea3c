"""Posts in Redis: as JSON of the model's own dataclasses, and beside it the piece that feeds need, so that whatever
renews or drops the one does so to the other."""

from collections.abc import Awaitable, Callable, Mapping, Sequence

import msgspec
from kit.cache import Cache
from kit.hotredis import HotRedis
from redis.asyncio import Redis

from post_service.model.pieces import Piece, widest
from post_service.model.posts import Post

# To be raised with every change of the model that an older process could not read: both run side by side for a while.
_SHAPE = 2

Press = Callable[[Post], Piece]
"""Makes the piece that shows this post, with addresses as of now."""
Load = Callable[[Sequence[int]], Awaitable[Mapping[int, Post]]]


class Kept(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """`post` is JSON, which most readers need not look into."""

    piece: Piece
    post: bytes


class PostCopies:
    """kit.cache of posts. Down, all is loaded."""

    def __init__(self, redis: Redis, seconds: float, press: Press, hot: HotRedis | None = None) -> None:
        self._press = press
        self._encode, self._decode = msgspec.json.Encoder().encode, msgspec.json.Decoder(Post).decode
        encode, decode = msgspec.msgpack.Encoder().encode, msgspec.msgpack.Decoder(Kept).decode
        self._cache = Cache(redis, f"post:posts:{_SHAPE}", encode, decode, seconds, hot=hot)

    async def get_many(self, ids: Sequence[int], load: Load) -> dict[int, Post]:
        """What exists of the ids, in their order."""
        return {post_id: self.post_of(kept) for post_id, kept in (await self.kept(ids, load)).items()}

    async def kept(self, ids: Sequence[int], load: Load) -> dict[int, Kept]:
        """The same, for those who need the pieces."""

        async def loaded(missing: Sequence[int]) -> Mapping[int, Kept]:
            return {post_id: self._kept(post) for post_id, post in (await load(missing)).items()}

        return await self._cache.get_many(ids, loaded)

    def post_of(self, kept: Kept) -> Post:
        return self._decode(kept.post)

    async def put(self, post: Post) -> None:
        """After the commit of a change; a newer version that came first stays."""
        await self._cache.put(post.id, self._kept(post), post.version)

    async def drop(self, post_id: int) -> None:
        await self._cache.drop(post_id)

    def _kept(self, post: Post) -> Kept:
        return Kept(self._press(widest(post)), self._encode(post))
