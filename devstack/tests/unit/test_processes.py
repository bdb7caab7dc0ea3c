"""What processes are told, and that secrets reach only who needs them."""

from pathlib import Path

import pytest
from devstack.names import Names
from devstack.processes import DATABASES, TABLE, Process, Setting, default_ports

from devstack import processes

SERVERS = {
    "HELIOGRAPH_POSTGRES_ADMIN_DSN": "postgresql://root:admin-hush@127.0.0.1:1/postgres",
    "HELIOGRAPH_REDIS_URL": "redis://:redis-hush@127.0.0.1:2/0",
    "HELIOGRAPH_KAFKA_BOOTSTRAP": "127.0.0.1:3",
    "HELIOGRAPH_S3_ACCESS_KEY": "access-hush",
    "HELIOGRAPH_S3_SECRET_KEY": "s3-hush",
}
SECRETS = {f"postgres_dsn_{service}": f"dsn-hush-{service}" for service in DATABASES} | {
    "redis_url": "redis://:redis-hush@127.0.0.1:2/0",
    "s3_access_key": "access-hush",
    "s3_secret_key": "s3-hush",
    "cursor_key": "cursor-hush",
    "media_url_key": "media-hush",
    "factor_keys": "factor-hush",
}


@pytest.fixture
def setting(tmp_path: Path) -> Setting:
    return Setting(tmp_path, SERVERS, Names(redis_database=7), default_ports(), SECRETS)


def process(name: str) -> Process:
    return next(process for process in TABLE if process.name == name)


def files(setting: Setting, name: str) -> dict[str, str]:
    unit = processes.unit(process(name), setting)
    folder = Path(unit.environment["HELIOGRAPH_SECRETS_DIR"])
    return {path.name: path.read_text() for path in folder.iterdir()}


@pytest.mark.parametrize("name", [process.name for process in TABLE])
def test_no_secret_is_in_an_environment_or_a_command(setting: Setting, name: str) -> None:
    unit = processes.unit(process(name), setting)
    assert "hush" not in " ".join([*unit.command, *unit.environment.values()])


def test_secrets_are_files_that_only_their_owner_reads(setting: Setting) -> None:
    assert files(setting, "user")["heliograph_postgres_dsn"] == "dsn-hush-user"
    for path in (setting.root / "secrets/user").iterdir():
        assert path.stat().st_mode & 0o077 == 0


def test_a_service_has_no_secret_of_another(setting: Setting) -> None:
    assert set(files(setting, "feed")) == {"heliograph_redis_url"}
    assert "heliograph_cursor_key" not in files(setting, "post")
    assert files(setting, "post")["heliograph_media_url_key"] == files(setting, "gateway")["heliograph_media_url_key"]
    assert "heliograph_media_url_key" not in files(setting, "graph")
    assert "heliograph_factor_keys" in files(setting, "user")
    assert "heliograph_factor_keys" not in files(setting, "gateway")
    assert "heliograph_postgres_dsn" not in files(setting, "gateway")


def test_the_redis_address_names_the_stacks_database(setting: Setting) -> None:
    assert files(setting, "graph")["heliograph_redis_url"] == "redis://:redis-hush@127.0.0.1:2/7"


def test_workers_listen_on_no_port_but_their_operations_port(setting: Setting) -> None:
    told = processes.environment(process("fanout"), setting)
    assert "HELIOGRAPH_LISTEN" not in told
    assert told["HELIOGRAPH_OPS_LISTEN"] == f"127.0.0.1:{setting.ports['fanout-ops']}"


def test_every_process_finds_every_service(setting: Setting) -> None:
    told = processes.environment(process("gateway"), setting)
    for service in processes.SERVICES:
        assert told[f"HELIOGRAPH_{service.upper()}_TARGET"] == f"127.0.0.1:{setting.ports[service]}"


def test_media_is_addressed_at_the_edge_only_where_there_is_one(setting: Setting, tmp_path: Path) -> None:
    with_edge = Setting(tmp_path, SERVERS, Names(), default_ports(), SECRETS, edge=True)
    for name in ("gateway", "post", "media"):
        assert processes.environment(process(name), with_edge)["HELIOGRAPH_MEDIA_BASE_URL"].endswith(":8082")
        assert processes.environment(process(name), setting)["HELIOGRAPH_MEDIA_BASE_URL"].endswith(":8081")


def test_settings_of_the_caller_pass_but_not_the_stacks_own() -> None:
    caller = {"HELIOGRAPH_LOG_LEVEL": "DEBUG", "HELIOGRAPH_PORT_EDGE": "1", "HELIOGRAPH_ROOT": "/x", "HOME": "/root"}
    assert processes.passed_on(caller) == {"HELIOGRAPH_LOG_LEVEL": "DEBUG"}


def test_extra_settings_go_over_the_tables(setting: Setting) -> None:
    unit = processes.unit(process("search"), setting, {"HELIOGRAPH_SEARCH_REPLICAS": "2"})
    assert unit.environment["HELIOGRAPH_SEARCH_REPLICAS"] == "2"
