"""What the graph service reads from its environment."""

from kit.settings import KafkaSettings, PostgresSettings, ProcessSettings, RedisSettings


class GraphSettings(ProcessSettings, PostgresSettings, RedisSettings, KafkaSettings):
    """`serve`."""

    user_target: str
