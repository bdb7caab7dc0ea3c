"""Secrets of a cluster: made once, from the same passwords at every later run."""

from pathlib import Path

import pytest
from devstack.cluster_secrets import SERVERS, Files, here, publish, recall
from devstack.faults import StackError
from devstack.provision import write_secrets

ADDRESSES = {
    "HELIOGRAPH_POSTGRES_ADDRESS": "postgres:5432",
    "HELIOGRAPH_REDIS_URL": "redis://redis:6379/0",
    "HELIOGRAPH_KAFKA_BOOTSTRAP": "kafka:9092",
    "HELIOGRAPH_S3_ENDPOINT": "http://s3:9000",
    "HELIOGRAPH_S3_REGION": "us-east-1",
    "HELIOGRAPH_S3_ACCESS_KEY": "heliograph",
}


class Kept:
    """A namespace's Secrets in memory."""

    def __init__(self) -> None:
        self.all: dict[str, Files] = {}

    def secret(self, name: str) -> Files | None:
        return self.all.get(name)

    def create(self, name: str, files: Files) -> bool:
        return self.all.setdefault(name, files) is files


def provision(cluster: Kept, root: Path) -> list[str]:
    (root / "secrets").mkdir(parents=True)
    recall(cluster, root / "secrets")
    write_secrets(root, ADDRESSES)
    return publish(cluster, root)


@pytest.fixture
def cluster(tmp_path: Path) -> Kept:
    (tmp_path / "first" / "token-keys").mkdir(parents=True)
    (tmp_path / "first" / "token-keys" / "kid.json").write_text("{}")
    cluster = Kept()
    provision(cluster, tmp_path / "first")
    return cluster


def test_every_service_gets_a_secret_of_its_own(cluster: Kept) -> None:
    services = {"user", "graph", "post", "feed", "notify", "search", "gateway"}
    assert set(cluster.all) == {f"heliograph-{service}" for service in services} | {SERVERS, "heliograph-token-keys"}
    assert set(cluster.all["heliograph-graph"]) == {"heliograph_postgres_dsn", "heliograph_redis_url"}
    assert b"@postgres:5432/heliograph_graph" in cluster.all["heliograph-graph"]["heliograph_postgres_dsn"]


def test_what_a_later_run_makes_again_has_the_first_passwords(cluster: Kept, tmp_path: Path) -> None:
    before = dict(cluster.all)
    del cluster.all["heliograph-post"]
    assert provision(cluster, tmp_path / "second") == ["heliograph-post"]
    assert cluster.all == before


def test_outside_of_a_pod_it_says_so(tmp_path: Path) -> None:
    with pytest.raises(StackError, match="no pod"):
        here({}, tmp_path)


def test_a_pod_knows_its_namespace(tmp_path: Path) -> None:
    (tmp_path / "namespace").write_text("photos")
    server = here({"KUBERNETES_SERVICE_HOST": "10.0.0.1", "KUBERNETES_SERVICE_PORT": "443"}, tmp_path)
    assert (server.host, server.port, server.namespace) == ("10.0.0.1", 443, "photos")
