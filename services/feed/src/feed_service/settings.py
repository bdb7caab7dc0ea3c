"""What the feed service reads from its environment."""

from kit.settings import CassandraSettings, KafkaSettings, ProcessSettings, RedisSettings
from pydantic import Field


class FeedSettings(ProcessSettings, CassandraSettings, RedisSettings):
    """`serve` and `rebuild`."""

    graph_target: str
    post_target: str
    warm_cap: int = Field(default=800, ge=100, le=10_000)


class ServeSettings(FeedSettings, KafkaSettings):
    """`serve`. With 0 seconds nothing is kept in the process: pieces of posts (which stay fresh for as long, and are
    never answered older than 5 seconds), the newest of authors' and tags' lists."""

    fragment_cache_seconds: float = Field(default=2.0, ge=0, le=4)
    fragment_cache_bytes: int = Field(default=256 * 1024 * 1024, ge=0)
    list_cache_seconds: float = Field(default=1.0, ge=0, le=10)


class FanoutSettings(FeedSettings, KafkaSettings):
    """`fanout`. Authors with more followers than the threshold are merged at read."""

    fanout_threshold: int = Field(default=10_000, ge=0)
    fanout_page: int = Field(default=4_000, ge=1, le=10_000)
    fanout_small_batches: int = Field(default=16, ge=1)
    fanout_large_batches: int = Field(default=8, ge=1)


class MigrateSettings(ProcessSettings, CassandraSettings):
    """`migrate`."""
