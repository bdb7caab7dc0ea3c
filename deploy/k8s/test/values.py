"""The values of the trial: a system whose servers are elsewhere, small enough for two cores."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from devstack.processes import Setting

from deploy.k8s.test.place import DOMAIN

NAMESPACE = "heliograph"
CPU = {"requests": {"cpu": "20m"}}
LEAST_GATEWAYS = 2


def url(process: str) -> str:
    return f"http://{process}.{NAMESPACE}.svc.{DOMAIN}:8080"


def of(told: Setting, image: Mapping[str, str], host_ip: str) -> dict[str, Any]:
    """HPAs only where the trial drives one; requests of CPU are small, as the node has few."""
    servers = told.servers
    workers = {"graph": {}, "notify": _alone("push"), "search": _alone("index")}
    services: dict[str, Any] = {name: {"resources": CPU, "processes": alone} for name, alone in workers.items()}
    return {
        "global": {
            "publicUrl": url("gateway"),
            "mediaUrl": url("gateway-upload"),
            "image": dict(image),
            "certificates": {"create": False},
            "autoscaling": {"enabled": False},
            "migrations": {"resources": CPU},
            "networkPolicy": {"egress": _egress(servers)},
            **_stores(servers),
        },
        **services,
        "user": {"processes": {**_small("user"), **_alone("user-worker")}, "settings": _mail(host_ip)},
        "post": {"processes": {**_small("post"), **_alone("media")}},
        "feed": {"processes": {**_small("feed"), **_alone("fanout")}},
        "gateway": {
            "settings": {"rate_limits": "read.user=60000/60,read.address=600000/60"},
            "processes": {**_small("gateway-upload"), "gateway": _scaled()},
        },
        "search": {**services["search"], "settings": {"search_replicas": 0}},
    }


def _small(*processes: str) -> dict[str, Any]:
    return {name: {"resources": CPU} for name in processes}


def _alone(worker: str) -> dict[str, Any]:
    """No request waits for a worker."""
    return {worker: {"resources": CPU, "replicas": 1}}


def _scaled() -> dict[str, Any]:
    scaling = {
        "enabled": True,
        "minReplicas": LEAST_GATEWAYS,
        "maxReplicas": 4,
        "cpuUtilization": 70,
        "scaleDownSeconds": 15,
    }
    return {"resources": {"requests": {"cpu": "60m"}}, "autoscaling": scaling}


def _mail(host_ip: str) -> dict[str, Any]:
    """No relay answers there: letters wait, and nothing else does."""
    return {
        "smtp_address": f"{host_ip}:2525",
        "smtp_security": "none",
        "mail_from": "Heliograph <no@heliograph.example>",
    }


def _stores(servers: Mapping[str, str]) -> dict[str, Any]:
    def told(name: str) -> str:
        return servers[f"HELIOGRAPH_{name}"]

    return {
        "kafka": {"bootstrap": told("KAFKA_BOOTSTRAP")},
        "cassandra": {
            "contactPoints": told("CASSANDRA_CONTACT_POINTS").split(","),
            "localDc": told("CASSANDRA_LOCAL_DC"),
            "replicationFactor": 1,
        },
        "elasticsearch": {"url": told("ELASTICSEARCH_URL")},
        "s3": {"endpoint": told("S3_ENDPOINT"), "region": told("S3_REGION")},
    }


def _egress(servers: Mapping[str, str]) -> dict[str, Any]:
    """Not the usual ports; a cluster that heeds policies would stop the trial without this."""

    def port(name: str) -> dict[str, Any]:
        address = servers[f"HELIOGRAPH_{name}"]
        found = urlsplit(address if "://" in address else f"tcp://{address}").port
        return {"ports": [found]}

    return {
        "postgres": port("POSTGRES_ADMIN_DSN"),
        "redis": port("REDIS_URL"),
        "kafka": port("KAFKA_BOOTSTRAP"),
        "cassandra": port("CASSANDRA_CONTACT_POINTS"),
        "elasticsearch": port("ELASTICSEARCH_URL"),
        "s3": port("S3_ENDPOINT"),
        "smtp": {"ports": [2525]},
    }
