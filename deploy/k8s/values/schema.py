"""JSON schemas of values: made from the defaults' own types, with what types cannot say in TOLD. All closed."""

from typing import Any, cast

from deploy.k8s.values import shapes
from deploy.k8s.values.shapes import choice, closed, items, strings

Schema = dict[str, Any]
Keys = tuple[str, ...]

DRAFT = "http://json-schema.org/draft-07/schema#"

_TO = ("postgres", "redis", "kafka", "cassandra", "elasticsearch", "s3", "smtp", "otlp")

TOLD: dict[Keys, Schema] = {
    ("publicUrl",): shapes.BASE_URL,
    ("mediaUrl",): shapes.BASE_URL,
    ("commonLabels",): strings(),
    ("podLabels",): strings(),
    ("podAnnotations",): strings(),
    ("nodeSelector",): strings(),
    ("metrics", "labels"): strings(),
    ("rules", "labels"): strings(),
    ("dashboards", "labels"): strings(),
    ("dashboards", "annotations"): strings(),
    ("httpService", "annotations"): strings(),
    ("httpService", "type"): choice("ClusterIP", "NodePort", "LoadBalancer"),
    ("ingress", "annotations"): strings(),
    ("ingress", "uploadAnnotations"): strings(),
    ("ingress", "hosts"): items({"type": "string"}),
    ("httpRoute", "annotations"): strings(),
    ("httpRoute", "hostnames"): items({"type": "string"}),
    ("httpRoute", "parentRefs"): items(shapes.PARENT),
    ("image", "pullPolicy"): choice("Always", "IfNotPresent", "Never"),
    ("image", "digest"): {"type": "string", "pattern": "^(sha256:[0-9a-f]{64})?$"},
    ("imagePullSecrets",): items(closed(name={"type": "string"})),
    ("logLevel",): choice("DEBUG", "INFO", "WARNING", "ERROR"),
    ("tracing", "sampleRatio"): {"type": ["number", "null"], "minimum": 0, "maximum": 1},
    ("secretKeys",): {"type": "object", "additionalProperties": shapes.SECRET_KEY},
    ("secretsRevision",): {"type": ["string", "integer"]},
    ("allowedCallers",): items({"enum": ["user", "graph", "post", "feed", "notify", "search", "gateway", "helio"]}),
    ("postgres", "sslMode"): choice("disable", "allow", "prefer", "require", "verify-ca", "verify-full"),
    ("kafka", "security"): choice("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"),
    ("kafka", "saslMechanism"): choice("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"),
    ("kafka", "partitionsOf"): {"type": "object", "additionalProperties": {"type": "integer", "minimum": 1}},
    ("cassandra", "contactPoints"): items({"type": "string", "pattern": "^[^\\s,]+:\\d{1,5}$"}),
    ("cassandra", "consistency"): choice("LOCAL_QUORUM", "LOCAL_ONE", "QUORUM", "ONE"),
    ("cassandra", "keyspace"): {"type": "string", "pattern": "^([a-z][a-z0-9_]{0,47})?$"},
    ("networkPolicy", "clients"): items(shapes.PEER),
    ("networkPolicy", "metricsFrom"): items(shapes.PEER),
    ("networkPolicy", "dns"): items(shapes.PEER),
    ("networkPolicy", "extraIngress"): items(closed(**{"from": items(shapes.PEER), "ports": items(shapes.PORT)})),
    ("networkPolicy", "extraEgress"): items(closed(to=items(shapes.PEER), ports=items(shapes.PORT))),
    ("maxSurge",): shapes.SHARE,
    ("podDisruptionBudget", "maxUnavailable"): shapes.SHARE,
    ("resources",): shapes.RESOURCES,
    ("migrations", "resources"): shapes.RESOURCES,
    ("operator", "resources"): shapes.RESOURCES,
    ("logs",): shapes.ANY,
    ("extraEnv",): items(shapes.VARIABLE),
    ("tolerations",): items(shapes.TOLERATION),
    ("affinity",): shapes.AFFINITY,
    ("podSecurityContext",): shapes.POD_SECURITY,
    ("topologySpreadConstraints",): items(shapes.SPREAD),
    **{
        ("networkPolicy", "egress", store): closed(ports=items(shapes.PORT_NUMBER), to=items(shapes.PEER))
        for store in _TO
    },
}


def of(defaults: dict[str, Any], at: Keys = ()) -> Schema:
    """Of a map of values, every key of which may be left out."""
    return closed(**{key: _value(value, (*at, key)) for key, value in defaults.items()})


def _value(value: Any, at: Keys) -> Schema:
    if at in TOLD:
        return TOLD[at]
    match value:
        case dict():
            return of(cast("dict[str, Any]", value), at)
        case bool():
            return {"type": ["boolean", "null"]}
        case int():
            return {"type": ["integer", "null"], "minimum": 0}
        case str():
            return {"type": "string"}
        case _:
            raise ValueError(f"no schema for {'.'.join(at)}")
