"""Values say nothing where they inherit, and schemas refuse what nobody reads."""

import json
from typing import Any

import pytest
import yaml

from deploy.k8s.values import charts, schema
from deploy.k8s.values.settings import other_settings
from deploy.k8s.values.text import emptied

TEXT = """\
# -- Before names
prefix: ""
log:
  # -- How much
  level: INFO
  # -- Whether to sample
  sample: true
# -- Peers
peers: [{a: 1}]

gone:
  # -- Not asked for
  inner: 1
"""


def test_what_is_emptied_says_nothing_and_tells_the_default() -> None:
    told = emptied(TEXT)
    assert yaml.safe_load(told) == {
        "prefix": "",
        "log": {"level": "", "sample": None},
        "peers": [],
        "gone": {"inner": None},
    }
    assert "  # -- How much\n  # @default -- `INFO`\n" in told
    assert "  # -- (bool) Whether to sample\n  # @default -- `true`\n" in told


def test_a_key_that_is_not_kept_goes_with_its_section_and_comments() -> None:
    told = emptied(TEXT, lambda path: path != ("gone", "inner"))
    assert "gone" not in told
    assert "Not asked for" not in told


@pytest.mark.parametrize("service", charts.SERVICES)
def test_values_of_a_chart_inherit_all_that_is_shared(service: str) -> None:
    values = yaml.safe_load(charts.values_of(charts.facts_of(service)))
    own = yaml.safe_load(charts.own_text(charts.facts_of(service)))
    assert said({key: value for key, value in values.items() if key not in own}) == []


def said(values: dict[str, Any], at: str = "") -> list[str]:
    """What is not empty, by its path."""
    found: list[str] = []
    for key, value in values.items():
        if isinstance(value, dict):
            found += said(value, f"{at}{key}.")  # pyright: ignore[reportUnknownArgumentType]
        elif value not in ("", None, []):
            found.append(at + key)
    return found


@pytest.mark.parametrize("service", charts.SERVICES)
def test_everything_in_a_schema_is_closed_but_for_maps_of_ones_own(service: str) -> None:
    told = json.loads(charts.schema_of(charts.facts_of(service)))
    assert [
        path for path, at in objects(told) if "properties" in at and at.get("additionalProperties") is not False
    ] == []


def objects(at: dict[str, Any], path: str = "") -> list[tuple[str, dict[str, Any]]]:
    found = [(path, at)]
    for name in ("properties", "definitions"):
        for key, value in at.get(name, {}).items():
            found += objects(value, f"{path}.{key}")
    return found


def test_services_know_the_values_of_their_own_servers_alone() -> None:
    graph, feed = charts.facts_of("graph"), charts.facts_of("feed")
    assert graph.has(("postgres", "poolSize"))
    assert not graph.has(("cassandra", "tls"))
    assert feed.has(("networkPolicy", "egress", "cassandra"))
    assert not feed.has(("peers", "user", "address"))


def test_other_settings_are_the_services_own_without_secrets_and_what_charts_say() -> None:
    told = other_settings("feed")
    assert told["fanout_threshold"] == {"type": "integer", "minimum": 0}
    assert not {"redis_url", "cassandra_password", "kafka_bootstrap", "graph_target", "listen"} & set(told)
    assert other_settings("gateway")["trusted_proxies"]["type"] == ["array", "string"]


def test_a_default_that_types_cannot_describe_needs_a_schema_of_its_own() -> None:
    with pytest.raises(ValueError, match=r"unheard\.of"):
        schema.of({"unheard": {"of": []}})


def test_nothing_that_is_each_services_own_is_global() -> None:
    told = charts.global_schema()["properties"]
    assert "digest" not in told["image"]["properties"]
    assert "existingSecret" not in told["certificates"]["properties"]
