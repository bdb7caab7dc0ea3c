"""What values of Kubernetes' own kinds look like, as far as a mistake can be told without a server."""

from typing import Any

Schema = dict[str, Any]

TEXT: Schema = {"type": "string"}
COUNT: Schema = {"type": "integer", "minimum": 0}
ANY: Schema = {"type": "object"}


def closed(**properties: Schema) -> Schema:
    return {"type": "object", "additionalProperties": False, "properties": properties}


def items(of: Schema) -> Schema:
    return {"type": "array", "items": of}


def strings() -> Schema:
    return {"type": "object", "additionalProperties": TEXT}


def choice(*words: str) -> Schema:
    """One of them, or nothing: as said further out."""
    return {"enum": ["", *words]}


BASE_URL: Schema = {"type": "string", "pattern": r"^(https?://[^\s/?#]+[^\s?#]*[^\s/?#])?$"}
PORT_NUMBER: Schema = {"type": "integer", "minimum": 1, "maximum": 65535}
SHARE: Schema = {"type": ["string", "integer", "null"], "pattern": r"^(\d{1,3}%)?$", "minimum": 0}
SELECTOR = closed(matchLabels=strings(), matchExpressions=items(closed(key=TEXT, operator=TEXT, values=items(TEXT))))
PEER = closed(
    podSelector=SELECTOR,
    namespaceSelector=SELECTOR,
    ipBlock=closed(cidr=TEXT, **{"except": items(TEXT)}),
)
PORT = closed(port={"type": ["integer", "string"]}, protocol={"enum": ["TCP", "UDP", "SCTP"]}, endPort=PORT_NUMBER)
PLACE = closed(ports=items(PORT_NUMBER), to=items(PEER))
PARENT = closed(group=TEXT, kind=TEXT, namespace=TEXT, name=TEXT, sectionName=TEXT, port=PORT_NUMBER)
SECRET_KEY: Schema = {**closed(secret=TEXT, key=TEXT), "required": ["secret", "key"]}
VARIABLE: Schema = {**closed(name=TEXT, value=TEXT, valueFrom=ANY), "required": ["name"]}
AFFINITY = closed(nodeAffinity=ANY, podAffinity=ANY, podAntiAffinity=ANY)
TOLERATION = closed(key=TEXT, operator=TEXT, value=TEXT, effect=TEXT, tolerationSeconds=COUNT)
SPREAD = closed(
    maxSkew=COUNT,
    topologyKey=TEXT,
    whenUnsatisfiable={"enum": ["DoNotSchedule", "ScheduleAnyway"]},
    labelSelector=SELECTOR,
    matchLabelKeys=items(TEXT),
    minDomains=COUNT,
    nodeAffinityPolicy=TEXT,
    nodeTaintsPolicy=TEXT,
)
_QUANTITIES: Schema = {"type": "object", "additionalProperties": {"type": ["string", "number"]}}
RESOURCES = closed(requests=_QUANTITIES, limits=_QUANTITIES)
POD_SECURITY = closed(
    runAsNonRoot={"type": "boolean"},
    runAsUser=COUNT,
    runAsGroup=COUNT,
    fsGroup=COUNT,
    fsGroupChangePolicy={"enum": ["OnRootMismatch", "Always"]},
    supplementalGroups=items(COUNT),
    seLinuxOptions=strings(),
    seccompProfile=closed(type=TEXT, localhostProfile=TEXT),
)
