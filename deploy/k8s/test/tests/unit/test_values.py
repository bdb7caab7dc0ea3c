import json
from pathlib import Path

from devstack.names import Names
from devstack.processes import Setting

from deploy.k8s.test.values import of

SERVERS = {
    "HELIOGRAPH_POSTGRES_ADMIN_DSN": "postgresql://heliograph:first-secret@10.201.0.1:20001/postgres",
    "HELIOGRAPH_REDIS_URL": "redis://:second-secret@10.201.0.1:20002/0",
    "HELIOGRAPH_KAFKA_BOOTSTRAP": "10.201.0.1:20003",
    "HELIOGRAPH_CASSANDRA_CONTACT_POINTS": "10.201.0.1:20004",
    "HELIOGRAPH_CASSANDRA_LOCAL_DC": "datacenter1",
    "HELIOGRAPH_ELASTICSEARCH_URL": "http://10.201.0.1:20005",
    "HELIOGRAPH_S3_ENDPOINT": "http://10.201.0.1:20006",
    "HELIOGRAPH_S3_REGION": "us-east-1",
}


def test_values_name_every_server_and_hold_no_secret() -> None:
    told = of(Setting(Path(), SERVERS, Names(), {}, {}), {"tag": "0.1.0"}, "10.201.0.1")
    text = json.dumps(told)
    assert "secret" not in text
    assert told["global"]["kafka"]["bootstrap"] == "10.201.0.1:20003"
    ports = [entry["ports"] for entry in told["global"]["networkPolicy"]["egress"].values()]
    assert ports == [[20001], [20002], [20003], [20004], [20005], [20006], [2525]]
