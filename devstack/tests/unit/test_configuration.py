"""Configurations that we write for others: Supervisor, the servers, nginx, Maven."""

import configparser
import shlex
from pathlib import Path
from typing import Any, cast
from xml.etree import ElementTree

import pytest
from devstack.faults import StackError
from devstack.ports import SERVER_PORTS
from devstack.processes import default_ports
from devstack.servers import cassandra, kafka, postgres, s3
from devstack.site import Site, make_root
from devstack.unit import Unit
from supervisor.options import ServerOptions  # pyright: ignore[reportMissingTypeStubs, reportUnknownVariableType]

from devstack import artifacts, edge, supervision


@pytest.fixture
def site(tmp_path: Path) -> Site:
    make_root(tmp_path)
    return Site(tmp_path, dict(SERVER_PORTS) | default_ports(), None, Path("/usr/lib/jvm/some"))


def read_by_supervisor(folder: Path, unit: Unit) -> tuple[list[str], dict[str, str]]:
    """The command and environment that Supervisor itself reads from what we write."""
    make_root(folder)
    file = folder / "supervisor.conf"
    file.write_text(supervision.render(folder, [unit]))
    options = cast("Any", ServerOptions())
    options.realize(args=["-c", str(file)])
    program = options.process_group_configs[0].process_configs[0]
    return shlex.split(program.command), program.environment


@pytest.mark.parametrize("value", ["plain", "50%", 'say "so" now', "it's", "a,b=c", "$HOME", "", "p@ss/w:rd+"])
def test_any_text_reaches_a_process_unchanged(tmp_path: Path, value: str) -> None:
    unit = Unit("thing", ["/bin/echo", f"x {value}", "%(ENV_HOME)s"], tmp_path, {"VALUE": value})
    command, environment = read_by_supervisor(tmp_path, unit)
    assert command == ["/bin/echo", f"x {value}", "%(ENV_HOME)s"]
    assert environment == {"VALUE": value}


@pytest.mark.parametrize("value", ["both ' and \" in it", 'ends with "one"', "two\nlines"])
def test_text_that_cannot_be_passed_on_is_refused(tmp_path: Path, value: str) -> None:
    with pytest.raises(StackError, match="cannot pass"):
        supervision.render(tmp_path, [Unit("thing", ["x"], tmp_path, {"A": value})])


def test_kafka_makes_no_topic_by_itself_and_listens_where_it_should(site: Site) -> None:
    lines = kafka.render(site).splitlines()
    assert "auto.create.topics.enable=false" in lines
    assert "advertised.listeners=PLAINTEXT://127.0.0.1:19092" in lines


def test_postgres_syncs_every_commit_and_stays_on_this_machine(site: Site) -> None:
    lines = postgres.render(site).splitlines()
    assert {"fsync = on", "synchronous_commit = on", "listen_addresses = '127.0.0.1'"} <= set(lines)


def test_a_cluster_id_never_looks_like_an_option() -> None:
    ids = [kafka.cluster_id() for _ in range(1000)]
    assert len(set(ids)) == 1000
    assert {len(told) for told in ids} == {22}
    assert not [told for told in ids if told.startswith("-")]


def test_cassandra_takes_batches_of_a_fan_out_without_a_warning(site: Site) -> None:
    assert "unlogged_batch_across_partitions_warn_threshold: 100" in cassandra.render(site)


def test_the_addresses_of_the_servers_carry_their_secrets(site: Site) -> None:
    told = s3.settings(site)
    assert told["HELIOGRAPH_S3_SECRET_KEY"] in s3.render(site)
    assert site.secret("postgres_password") in postgres.dsn(site, "postgres")


def test_the_edge_is_filled_in_completely(site: Site) -> None:
    text = edge.render(site)
    assert "${EDGE" not in text
    assert "listen 127.0.0.1:8082;" in text
    assert "server 127.0.0.1:8081;" in text


def test_a_pom_names_each_artifact_once_and_leaves_out_what_is_not_wanted() -> None:
    for program in artifacts.programs():
        pom = ElementTree.fromstring(artifacts.render_pom(program))
        space = {"m": "http://maven.apache.org/POM/4.0.0"}
        found = [
            (entry.findtext("m:artifactId", "", space), entry.find("m:exclusions", space) is not None)
            for entry in pom.iterfind("m:dependencies/m:dependency", space)
        ]
        assert found == [(artifact.name, artifact.alone) for artifact in program.artifacts]


def test_of_mavens_errors_the_cause_is_told() -> None:
    output = f"\033[0m[ERROR] cannot resolve {'a, ' * 200}: No space left on device -> [Help 1]\n[ERROR] b\n"
    told = artifacts.maven_fault(output)
    assert told.endswith("a, : No space left on device")
    assert len(told) <= 303
    assert artifacts.maven_fault("") == "no output"


def test_the_supervisors_file_is_private(tmp_path: Path) -> None:
    parsed = configparser.RawConfigParser()
    parsed.read_string(supervision.render(tmp_path, []))
    assert parsed["unix_http_server"]["chmod"] == "0600"


def test_large_servers_are_told_so_by_a_variable(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "TrieMemtable" not in cassandra.render(site)
    monkeypatch.setenv("HELIOGRAPH_SERVERS_SIZE", "large")
    assert "TrieMemtable" in cassandra.render(site)
    monkeypatch.setenv("HELIOGRAPH_SERVERS_SIZE", "huge")
    with pytest.raises(StackError, match="'huge' is neither small nor large"):
        cassandra.render(site)
