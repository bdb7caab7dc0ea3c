"""Strimzi's resources of the topics in deploy/topics.yaml, in deploy/k8s/operators/resources/strimzi-topics.yaml."""

from deploy.k8s.check.documents import listed, read
from deploy.k8s.check.shell import K8S, ROOT, Fault

FILE = K8S / "operators" / "resources" / "strimzi-topics.yaml"
_HEAD = """\
# The topics of deploy/topics.yaml, by Strimzi's topic operator. Written by `make charts-golden`.
"""
_TOPIC = """\
---
apiVersion: kafka.strimzi.io/v1
kind: KafkaTopic
metadata:
  name: {name}
  labels: {{strimzi.io/cluster: heliograph}}
spec:
  partitions: {partitions}
  replicas: 3
  config: {{retention.ms: {retention_ms}, cleanup.policy: {cleanup}}}
"""


def text() -> str:
    return _HEAD + "".join(_TOPIC.format(**topic) for topic in listed(read(ROOT / "deploy/topics.yaml"), "topics"))


def compare() -> None:
    """Raises Fault."""
    if not FILE.exists() or FILE.read_text() != text():
        raise Fault(f"operators/resources/{FILE.name} is not of today: make charts-golden")


def renew() -> None:
    FILE.write_text(text())
