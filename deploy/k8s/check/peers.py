"""NetworkPolicies against the code: a process may reach exactly those services whose targets it has."""

from collections.abc import Iterator, Mapping, Sequence

from deploy.k8s.check.documents import Document, at, listed, mapped, pod_of
from deploy.k8s.check.truth import NAME, OPERATORS, PROCESSES, component, deployments, settings_of

Labels = Mapping[str, str]
_TARGET = "_target"
_PORTS = (8080, "grpc")


def faults(documents: Sequence[Document]) -> Iterator[str]:
    policies = [each for each in documents if each["kind"] == "NetworkPolicy"]
    pods = {component(each): mapped(pod_of(each), "metadata", "labels") for each in deployments(documents)}
    serving = [process.name for process in PROCESSES if process.listens == "grpc" and process.name in pods]
    for caller in pods:
        for called in serving:
            if pods[caller][NAME] != called:
                yield from _pair(caller, called, pods, policies)
    for name, labels in pods.items():
        for way in ("Ingress", "Egress"):
            if not _selecting(policies, labels, way):
                yield f"{name}: no NetworkPolicy bounds its {way.lower()}"


def calls() -> dict[str, set[str]]:
    """Which services each process calls, by the targets in its settings; operators may call all."""
    found = {
        process.name: {
            name.removesuffix(_TARGET) for name in settings_of(process).model_fields if name.endswith(_TARGET)
        }
        for process in PROCESSES
    }
    return found | {OPERATORS: {process.name for process in PROCESSES if process.listens == "grpc"}}


def _pair(caller: str, called: str, pods: Mapping[str, Labels], policies: Sequence[Document]) -> Iterator[str]:
    wanted = called in calls().get(caller, set())
    comes = _allowed(policies, pods[called], pods[caller], "Ingress")
    goes = _allowed(policies, pods[caller], pods[called], "Egress")
    if wanted and not (comes and goes):
        yield f"{caller} calls {called}, and the NetworkPolicies of {called if not comes else caller} forbid it"
    if not wanted and comes and goes:
        yield f"{caller} never calls {called}, and the NetworkPolicies allow it"


def _allowed(policies: Sequence[Document], pod: Labels, other: Labels, way: str) -> bool:
    bounding = _selecting(policies, pod, way)
    rules = [rule for policy in bounding for rule in listed(policy, "spec", way.lower())]
    return not bounding or any(_lets(rule, other, "from" if way == "Ingress" else "to") for rule in rules)


def _lets(rule: Document, other: Labels, side: str) -> bool:
    ports = [each.get("port") for each in listed(rule, "ports")]
    if ports and not set(ports) & set(_PORTS):
        return False
    peers = rule.get(side)
    return peers is None or any("ipBlock" not in each and _matches(each.get("podSelector"), other) for each in peers)


def _selecting(policies: Sequence[Document], labels: Labels, way: str) -> list[Document]:
    return [
        each
        for each in policies
        if way in (at(each, "spec", "policyTypes") or ("Ingress",))
        and _matches(at(each, "spec", "podSelector"), labels)
    ]


def _matches(selector: Document | None, labels: Labels) -> bool:
    """None, as in a peer that names namespaces alone, selects every pod."""
    wanted = mapped(selector, "matchLabels")
    rules = listed(selector, "matchExpressions")
    return all(labels.get(key) == value for key, value in wanted.items()) and all(_fits(each, labels) for each in rules)


def _fits(rule: Document, labels: Labels) -> bool:
    has, values = labels.get(rule["key"]), rule.get("values") or ()
    match rule["operator"]:
        case "In":
            return has in values
        case "NotIn":
            return has not in values
        case "Exists":
            return has is not None
        case _:
            return has is None
