"""What the notify service reads from its environment."""

from kit.settings import CassandraSettings, KafkaSettings, PostgresSettings, ProcessSettings


class MigrateSettings(ProcessSettings, PostgresSettings, CassandraSettings):
    pass


class NotifySettings(MigrateSettings):
    user_target: str
    graph_target: str
    post_target: str


class PushSettings(ProcessSettings, PostgresSettings, CassandraSettings, KafkaSettings):
    user_target: str
    graph_target: str
