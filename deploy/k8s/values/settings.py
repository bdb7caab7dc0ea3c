"""Which other settings a service has, asked of its own classes."""

import importlib
from typing import Any

from kit.settings import Settings
from pydantic import SecretStr

Schema = dict[str, Any]

# What the charts say by values of their own, or not at all.
_OURS = {
    "listen", "ops_listen", "probe_listen", "tls_dir", "allowed_callers", "log_level", "otlp_endpoint",
    "trace_sample_ratio", "shutdown_grace_seconds", "topic_prefix", "search_index_prefix", "postgres_pool_size",
    "token_keys_dir", "revision", "token_key_settling_seconds",
}  # fmt: skip
_OURS_BEGIN = ("kafka_", "cassandra_", "elasticsearch_", "s3_")
_KEPT = ("type", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "pattern", "enum")


def other_settings(service: str) -> dict[str, Schema]:
    """Name to schema, of all processes of the service: what its chart's `settings` may say."""
    name = "gateway" if service == "gateway" else f"{service}_service"
    module = importlib.import_module(f"{name}.settings")
    found: dict[str, Schema] = {}
    for one in vars(module).values():
        if isinstance(one, type) and issubclass(one, Settings):
            found |= _of_class(one)
    return dict(sorted(found.items()))


def _of_class(settings: type[Settings]) -> dict[str, Schema]:
    described = settings.model_json_schema()["properties"]
    return {
        name: _plain(described[name])
        for name, field in settings.model_fields.items()
        if not (_is_ours(name) or "SecretStr" in repr(field.annotation) or field.annotation is SecretStr)
    }


def _is_ours(name: str) -> bool:
    return name in _OURS or name.startswith(_OURS_BEGIN) or name.endswith("_target")


def _plain(described: Schema) -> Schema:
    """Without titles and defaults, which are the service's own business. Lists may also be comma separated."""
    options: list[Schema] = described.get("anyOf", [])
    chosen = next((one for one in options if one.get("type") != "null"), described)
    if chosen.get("type") == "array":
        return {"type": ["array", "string"], "items": {"type": "string"}}
    return {key: chosen[key] for key in _KEPT if key in chosen}
