"""How far things scale: no more consumers than a topic has partitions, and shutdown longer than any deadline."""

from collections.abc import Iterator, Sequence

from deploy.k8s.check.documents import Document, at, containers, listed, name_of, pod_of
from deploy.k8s.check.truth import OPERATORS, component, deployments, environment, partitions

GRACE = "HELIOGRAPH_SHUTDOWN_GRACE_SECONDS"


def topics(documents: Sequence[Document]) -> Iterator[str]:
    """Every topic that a ScaledObject watches is one of deploy/topics.yaml, and has as many partitions as replicas."""
    there = partitions()
    for document in documents:
        for trigger in listed(document, "spec", "triggers") if document["kind"] == "ScaledObject" else ():
            topic = at(trigger, "metadata", "topic")
            most = at(document, "spec", "maxReplicaCount") or 100
            if topic is not None and topic not in there:
                yield f"{name_of(document)} watches {topic}, which deploy/topics.yaml does not know"
            elif topic is not None and most > there[topic]:
                yield f"{name_of(document)}: {most} replicas for the {there[topic]} partitions of {topic}"


def shutdown(documents: Sequence[Document]) -> Iterator[str]:
    """A pod has longer than preStop and the process's own grace together."""
    maps = {name_of(each): each for each in documents if each["kind"] == "ConfigMap"}
    for deployment in deployments(documents):
        for container in containers(deployment):
            told = environment(container, maps).get(GRACE)
            if told is None or component(deployment) == OPERATORS:
                continue
            wait = at(container, "lifecycle", "preStop", "sleep", "seconds")
            given = at(pod_of(deployment), "spec", "terminationGracePeriodSeconds") or 30
            serves = {each["name"] for each in listed(container, "ports")} & {"grpc", "http"}
            if serves and wait is None:
                yield f"{component(deployment)} has no preStop sleep: it is still sent calls when it stops"
            elif given <= (wait or 0) + float(told):
                yield f"{component(deployment)}: {given} s to end, but it sleeps {wait} s and then takes up to {told} s"
