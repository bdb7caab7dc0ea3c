"""What the search service reads from its environment."""

from kit.settings import ElasticsearchSettings, KafkaSettings, ProcessSettings
from pydantic import Field


class MigrateSettings(ProcessSettings, ElasticsearchSettings):
    search_shards: int = Field(default=1, ge=1)
    search_replicas: int = Field(default=1, ge=0)


class SearchSettings(MigrateSettings):
    user_target: str
    graph_target: str
    post_target: str


class IndexSettings(MigrateSettings, KafkaSettings):
    user_target: str
