"""What the graph service reads from its environment."""

from kit.settings import KafkaSettings, PostgresSettings, ProcessSettings, RedisSettings
from pydantic import Field


class GraphSettings(ProcessSettings, PostgresSettings, RedisSettings, KafkaSettings):
    """`serve`."""

    user_target: str
    most_follows: int = Field(default=7_500, ge=1)
