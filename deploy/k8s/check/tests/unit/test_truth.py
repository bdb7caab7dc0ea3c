"""Every rule of the charts finds the fault that it is for."""

import json
from pathlib import Path
from typing import Any

import pytest

from deploy.k8s.check import facts, golden, operators, peers, scaling, servers, truth, values
from deploy.k8s.check.shell import Fault

Document = dict[str, Any]
LABELS = {"app.kubernetes.io/name": "feed", "app.kubernetes.io/component": "fanout"}


def deployment(**container: Any) -> Document:
    told = {"name": "fanout", "args": ["feed_service", "fanout"], "env": [], **container}
    pod = {"metadata": {"labels": LABELS}, "spec": {"containers": [told]}}
    return {"kind": "Deployment", "metadata": {"name": "fanout", "labels": LABELS}, "spec": {"template": pod}}


def test_every_process_needs_a_deployment() -> None:
    found = list(truth.processes([deployment()]))
    assert "no Deployment has the label app.kubernetes.io/component: gateway-upload" in found
    assert not [line for line in found if "fanout" in line]


def test_a_process_runs_what_the_table_says() -> None:
    assert any("fanout runs" in line for line in truth.processes([deployment(args=["feed_service", "serve"])]))


def test_a_variable_that_no_code_knows_is_found() -> None:
    told = deployment(env=[{"name": "HELIOGRAPH_WARM_CUP", "value": "1"}])
    assert "Deployment/fanout: the feed service knows no HELIOGRAPH_WARM_CUP" in list(truth.settings([told]))


def test_a_secret_in_the_environment_is_found() -> None:
    told = deployment(env=[{"name": "HELIOGRAPH_REDIS_URL", "value": "redis://:x@redis"}])
    assert any("is a secret and must be a file" in line for line in truth.settings([told]))


def test_a_setting_that_lacks_is_found() -> None:
    assert "fanout needs HELIOGRAPH_KAFKA_BOOTSTRAP" in list(truth.settings([deployment()]))


def test_a_secret_file_that_no_service_knows_is_found() -> None:
    made = {"kind": "Secret", "metadata": {"name": "heliograph-feed"}, "stringData": {"heliograph_redis_uri": "x"}}
    assert list(truth.keys([made])) == ["Secret/heliograph-feed: no service knows the secret heliograph_redis_uri"]


@pytest.mark.parametrize(("topic", "most", "fault"), [("user.v1", 7, "7 replicas"), ("users.v1", 2, "does not know")])
def test_more_replicas_than_partitions_are_found(topic: str, most: int, fault: str) -> None:
    trigger = {"metadata": {"topic": f"heliograph.{topic}"}}
    scaled = {
        "kind": "ScaledObject",
        "metadata": {"name": "index"},
        "spec": {"maxReplicaCount": most, "triggers": [trigger]},
    }
    assert fault in next(scaling.topics([scaled]))


def test_a_pod_that_is_killed_before_it_ends_is_found() -> None:
    told = deployment(
        env=[{"name": scaling.GRACE, "value": "62"}],
        lifecycle={"preStop": {"sleep": {"seconds": 8}}},
        ports=[{"name": "grpc"}],
    )
    assert next(scaling.shutdown([told])) == "fanout: 30 s to end, but it sleeps 8 s and then takes up to 62 s"


def pods(*names: tuple[str, str]) -> list[Document]:
    found = [deployment() for _ in names]
    for made, (service, component) in zip(found, names, strict=True):
        labels = {"app.kubernetes.io/name": service, "app.kubernetes.io/component": component}
        made["metadata"] = {"name": component, "labels": labels}
        made["spec"]["template"]["metadata"]["labels"] = labels
    return found


def policy(component: str, ways: dict[str, Any]) -> Document:
    spec = {
        "podSelector": {"matchLabels": {"app.kubernetes.io/component": component}},
        "policyTypes": ["Ingress", "Egress"],
    }
    return {"kind": "NetworkPolicy", "metadata": {"name": component}, "spec": {**spec, **ways}}


ANYBODY: Document = {"ingress": [{}], "egress": [{}]}


def test_a_call_that_policies_forbid_is_found() -> None:
    closed: Document = {"ingress": [], "egress": [{}]}
    found = list(
        peers.faults([*pods(("feed", "feed"), ("post", "post")), policy("post", closed), policy("feed", ANYBODY)])
    )
    assert "feed calls post, and the NetworkPolicies of post forbid it" in found


def test_a_call_that_nobody_makes_is_found() -> None:
    found = list(
        peers.faults([*pods(("feed", "feed"), ("post", "post")), policy("post", ANYBODY), policy("feed", ANYBODY)])
    )
    assert "post never calls feed, and the NetworkPolicies allow it" in found


def test_pods_without_a_policy_are_found() -> None:
    assert "feed: no NetworkPolicy bounds its egress" in list(peers.faults(pods(("feed", "feed"))))


def test_servers_that_are_told_something_else_than_in_compose_are_found() -> None:
    container = {"name": "redis", "image": "redis:1", "args": ["redis-server"]}
    made = {
        "kind": "StatefulSet",
        "metadata": {"name": "redis"},
        "spec": {"template": {"spec": {"containers": [container]}}},
    }
    found = list(servers.faults([made]))
    assert any(line.startswith("redis: the image is redis:1") for line in found)
    assert any(line.startswith("redis: the arguments is") for line in found)


def test_a_secret_that_no_operator_gives_is_found() -> None:
    assert "fanout is given no heliograph_redis_url" in list(operators.faults([deployment()]))


def test_groups_are_known_by_their_dead_letters(tmp_path: Path) -> None:
    (tmp_path / "topics.yaml").write_text("topics: [{name: heliograph.fanout.small.v1.feed.small.dlq}]")
    assert facts.reading(tmp_path / "topics.yaml") == {"feed.small": {"fanout.small.v1"}}


def chart(folder: Path, text: str, schema: Document) -> Path:
    (folder / "Chart.yaml").write_text("name: x\ndependencies: [{name: below}]")
    (folder / "values.yaml").write_text(text)
    (folder / "values.schema.json").write_text(json.dumps(schema))
    return folder


def test_values_and_schema_must_name_the_same(tmp_path: Path) -> None:
    closed: Document = {
        "type": "object",
        "additionalProperties": False,
        "properties": {"a": {"type": "string"}, "c": {}},
    }
    found = values.faults(chart(tmp_path, "a: x\nb: y\nbelow: {z: 1}\nglobal: {q: 1}", closed))
    assert [line.partition(": ")[2] for line in found] == [
        "c is in the schema and not in values.yaml",
        "b is in values.yaml and not in the schema",
    ]


def test_a_schema_that_takes_anything_is_found(tmp_path: Path) -> None:
    inner: Document = {"type": "object", "properties": {"b": {}}}
    closed: Document = {"type": "object", "additionalProperties": False, "properties": {"a": inner}}
    assert any("a takes unknown keys" in line for line in values.faults(chart(tmp_path, "a: {b: 1}", closed)))


def test_what_changes_by_itself_is_not_in_golden_files() -> None:
    secret = "kind: Secret\ndata:\n  password: aGVsbG8=\nmetadata:\n  name: x\n"
    assert golden.steady(secret) == "kind: Secret\ndata:\n  password: (random)\nmetadata:\n  name: x\n"
    rules = "kind: PrometheusRule\nmetadata:\n  name: x\nspec:\n  groups: []\n"
    assert golden.steady(rules).endswith("spec:\n  # ... (from files/)\n")


def test_a_golden_file_that_differs_is_a_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(golden, "GOLDEN", tmp_path)
    golden.renew({"feed-alone": "a: 1\n"})
    golden.compare({"feed-alone": "a: 1\n"})
    with pytest.raises(Fault, match="-a: 1"):
        golden.compare({"feed-alone": "a: 2\n"})
