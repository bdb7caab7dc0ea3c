"""What the notify service reads from its environment."""

from kit.settings import CassandraSettings, KafkaSettings, PostgresSettings, ProcessSettings


class NotifySettings(ProcessSettings, PostgresSettings, CassandraSettings):
    """`serve` and `migrate`."""

    user_target: str = "127.0.0.1:7101"
    graph_target: str = "127.0.0.1:7102"
    post_target: str = "127.0.0.1:7103"


class PushSettings(ProcessSettings, CassandraSettings, KafkaSettings):
    """The `push` worker."""
