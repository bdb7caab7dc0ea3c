import json
from pathlib import Path

import pytest
from helio.site import NoSite, find, operator


def test_variables_name_the_system(tmp_path: Path) -> None:
    (tmp_path / "ports.json").write_text(json.dumps({"user": 1}))
    found = find(
        {
            "HELIOGRAPH_ROOT": str(tmp_path),
            "HELIOGRAPH_USER_TARGET": "user:18001",
            "HELIOGRAPH_KAFKA_BOOTSTRAP": "kafka:9092",
            "HELIOGRAPH_TOPIC_PREFIX": "hg.",
        }
    )
    assert found.targets == {"user": "user:18001"}
    assert (found.kafka, found.topic_prefix, found.keys) == ("kafka:9092", "hg.", None)
    with pytest.raises(NoSite, match="HELIOGRAPH_FEED_TARGET"):
        found.target("feed")


def test_without_them_it_is_the_one_that_runs_here(tmp_path: Path) -> None:
    (tmp_path / "ports.json").write_text(json.dumps({"user": 18001, "feed": 18004, "kafka": 9, "edge": 8082}))
    found = find({"HELIOGRAPH_ROOT": str(tmp_path)})
    assert found.targets == {"user": "127.0.0.1:18001", "feed": "127.0.0.1:18004"}
    assert found.kafka == "127.0.0.1:9"
    assert found.keys == tmp_path / "secrets" / "token-keys"
    assert found.tls is None
    (tmp_path / "tls" / "helio").mkdir(parents=True)
    assert find({"HELIOGRAPH_ROOT": str(tmp_path)}).tls == tmp_path / "tls" / "helio"


def test_a_certificate_is_named_with_the_targets() -> None:
    variables = {"HELIOGRAPH_USER_TARGET": "user:8080", "HELIOGRAPH_TLS_DIR": "/run/heliograph/tls"}
    assert find(variables).tls == Path("/run/heliograph/tls")


@pytest.mark.parametrize("content", [None, "", "[]", "{"])
def test_where_nothing_runs_is_told(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "ports.json").write_text(content)
    with pytest.raises(NoSite, match="make up"):
        find({"HELIOGRAPH_ROOT": str(tmp_path)})


@pytest.mark.parametrize(
    ("variables", "name"),
    [
        ({"SUDO_USER": "ada"}, "ada"),
        ({"SUDO_USER": "root", "HELIOGRAPH_OPERATOR": "ada@example.org"}, "ada@example.org"),
        ({"HELIOGRAPH_OPERATOR": "ada lovelace\n"}, "ada_lovelace_"),
        ({"HELIOGRAPH_OPERATOR": "x" * 200}, "x" * 100),
    ],
)
def test_an_operator_is_who_runs_the_command(variables: dict[str, str], name: str) -> None:
    assert operator(variables) == name
    assert operator({})
