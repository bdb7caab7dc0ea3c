"""What the feed service reads from its environment."""

from kit.settings import CassandraSettings, KafkaSettings, ProcessSettings, RedisSettings
from pydantic import Field

from feed_service.service import Keeping


class FeedSettings(ProcessSettings, CassandraSettings, RedisSettings):
    """`serve` and `rebuild`."""

    graph_target: str
    post_target: str
    warm_cap: int = Field(default=800, ge=10, le=10_000)


class ServeSettings(FeedSettings, KafkaSettings):
    """`serve`. With 0 seconds nothing is kept in the process: pieces of posts (which stay fresh for as long, and are
    never answered older than 5 seconds), the newest of authors' and tags' lists. For `fragment_lasting_seconds` pieces
    of which no change was heard need new counts alone."""

    fragment_cache_seconds: float = Field(default=2.0, ge=0, le=4)
    fragment_cache_bytes: int = Field(default=256 * 1024 * 1024, ge=0)
    fragment_lasting_seconds: float = Field(default=60.0, ge=0, le=300)
    list_cache_seconds: float = Field(default=1.0, ge=0, le=10)
    shared_list_seconds: float = Field(default=1.0, ge=0, le=10)
    top_days: int = Field(default=3, ge=1, le=30)
    top_candidates: int = Field(default=500, ge=1, le=500)
    impression_sample: float = Field(default=1.0, ge=0, le=1)

    @property
    def keeping(self) -> Keeping:
        return Keeping(self.fragment_cache_seconds, self.fragment_lasting_seconds, self.fragment_cache_bytes)


class FanoutSettings(FeedSettings, KafkaSettings):
    """`fanout`. Authors with more followers than the threshold are merged at read, and between `fanout_least` and it
    those for whom that costs less: microseconds of a row and of a merge, reads of a follower a day. With 0 days nobody
    becomes idle."""

    fanout_threshold: int = Field(default=100_000, ge=0)
    fanout_least: int = Field(default=1_000, ge=0)
    fanout_row_us: float = Field(default=35, gt=0)
    fanout_merge_us: float = Field(default=50, gt=0)
    fanout_reads_a_day: float = Field(default=10, ge=0)
    fanout_review_seconds: float = Field(default=60, gt=0)
    fanout_page: int = Field(default=4_000, ge=1, le=10_000)
    fanout_small_batches: int = Field(default=16, ge=1)
    fanout_large_batches: int = Field(default=8, ge=1)
    fanout_most_waiting: int = Field(default=1_000, ge=1)
    idle_days: int = Field(default=30, ge=0)


class MigrateSettings(ProcessSettings, CassandraSettings):
    """`migrate`."""
