"""What the search service reads from its environment."""

from kit.settings import ElasticsearchSettings, KafkaSettings, ProcessSettings
from pydantic import Field


class SearchSettings(ProcessSettings, ElasticsearchSettings):
    """`serve` and `migrate`."""

    search_shards: int = Field(default=1, ge=1)
    search_replicas: int = Field(default=1, ge=0)
    user_target: str = "127.0.0.1:7101"
    graph_target: str = "127.0.0.1:7102"
    post_target: str = "127.0.0.1:7103"


class IndexSettings(SearchSettings, KafkaSettings):
    """The `index` worker."""
