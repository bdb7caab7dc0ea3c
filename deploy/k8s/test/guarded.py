"""What must not be possible: calls without the right certificate, secrets where everybody reads."""

import sys
from collections.abc import Mapping
from pathlib import Path

from deploy.k8s.test import cluster
from deploy.k8s.test.place import ClusterError, Place
from deploy.k8s.test.release import NAME, Release
from deploy.k8s.test.values import NAMESPACE

METHOD = "/heliograph.feed.v1.FeedService/ExplainPost"
TARGET = f"dns:///feed.{NAMESPACE}.svc:8080"
SHORTEST = 8  # what is shorter is no secret, and would be found in any text


def refusals(place: Place, certificates: Path) -> dict[str, str]:
    """What feed answers: to nobody, to a stranger, to a service that has no business there, and to one that has.

    Raises ClusterError when one of them is not answered as it should be.
    """
    expected = {"": "UNAVAILABLE", "stranger": "UNAVAILABLE", "search": "PERMISSION_DENIED", "gateway": ""}
    found: dict[str, str] = {}
    for caller, status in expected.items():
        answer = _call(place, str(certificates / caller) if caller else "")
        found[caller or "nobody"] = answer.split(maxsplit=1)[0]
        if not judged(status, answer):
            raise ClusterError(f"feed answers {caller or 'nobody'}: {answer}, not {status or 'what a caller gets'}")
    return found


def judged(expected: str, answer: str) -> bool:
    """Whoever may call gets anything but the answers of those who may not."""
    status = answer.split(maxsplit=1)[0] if answer else ""
    if expected:
        return status == expected
    return status not in ("", "UNAVAILABLE", "PERMISSION_DENIED", "UNAUTHENTICATED", "DEADLINE_EXCEEDED")


def _call(place: Place, folder: str) -> str:
    process = cluster.inside(place, [sys.executable, "-m", "deploy.k8s.test.caller", TARGET, METHOD, folder])
    return process.communicate(timeout=60)[0].strip().splitlines()[-1]


def leaks(texts: Mapping[str, str], secrets: Mapping[str, str]) -> list[str]:
    """Which secret stands where. An address is also looked for by the password in it."""
    wanted = {(name, part) for name, text in secrets.items() for part in parts(text) if len(part) >= SHORTEST}
    return sorted({f"{name} in {where}" for where, text in texts.items() for name, part in wanted if part in text})


def parts(secret: str) -> list[str]:
    password = secret.rpartition("@")[0].rpartition(":")[2] if "://" in secret else ""
    return [part for part in (secret.strip(), password) if part]


def readable(release: Release) -> dict[str, str]:
    """All that people with a right to look, and collectors of logs, come to see: no Secrets."""
    kinds = "deployments,replicasets,pods,configmaps,services,networkpolicies,poddisruptionbudgets,events"
    texts = {"specs": release.kubectl("get", kinds, "--output=yaml")}
    for what in ("manifest", "values", "notes", "hooks"):
        texts[f"helm's {what}"] = release.cluster.helm("get", what, NAME, "--namespace", NAMESPACE)
    for pod in release.objects("pods"):
        name = pod["metadata"]["name"]
        texts[f"logs of {name}"] = release.kubectl("logs", name, "--all-containers")
    return texts
