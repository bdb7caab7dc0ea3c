"""Posts in Redis, as JSON of the model's own dataclasses."""

import msgspec
from kit.cache import Cache
from redis.asyncio import Redis

from post_service.model.posts import Post

# To be raised with every change of the model that an older process could not read: both run side by side for a while.
_SHAPE = 1


def post_cache(redis: Redis, seconds: float) -> Cache[Post]:
    encoder, decoder = msgspec.json.Encoder(), msgspec.json.Decoder(Post)
    return Cache(redis, f"post:posts:{_SHAPE}", encoder.encode, decoder.decode, seconds)
