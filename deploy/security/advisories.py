"""Advisories of Python packages as records of OSV, read from a folder: for machines that reach no service."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from packaging.version import InvalidVersion, Version

from deploy.security.locks import Locked, normal

Hit = tuple[str, str, str, frozenset[str], Sequence[str]]


def read(folder: Path) -> list[dict[str, Any]]:
    """Records that were not withdrawn."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    records = (yaml.load(path.read_text(), Loader=loader) for path in sorted(folder.rglob("*.yaml")))  # noqa: S506 both loaders are safe
    return [
        record for record in records if isinstance(record, dict) and "affected" in record and "withdrawn" not in record
    ]


def matching(records: Iterable[Mapping[str, Any]], packages: Iterable[Locked]) -> Iterator[Hit]:
    locked: dict[str, list[str]] = {}
    for one in packages:
        locked.setdefault(one.name, []).append(one.version)
    for record in records:
        for affected in record["affected"]:
            name = normal(affected["package"]["name"])
            for version in locked.get(name, ()):
                if _hits(affected, version):
                    yield name, version, record["id"], frozenset(record.get("aliases", ())), _fixes(affected)


def _events(affected: Mapping[str, Any]) -> list[list[dict[str, str]]]:
    return [one["events"] for one in affected.get("ranges", ()) if one["type"] == "ECOSYSTEM"]


def _fixes(affected: Mapping[str, Any]) -> list[str]:
    return [event["fixed"] for events in _events(affected) for event in events if "fixed" in event]


def _hits(affected: Mapping[str, Any], version: str) -> bool:
    return version in affected.get("versions", ()) or any(_within(events, version) for events in _events(affected))


def _within(events: Iterable[Mapping[str, str]], version: str) -> bool:
    """Events are in the order of versions: each opens or closes the range from there on."""
    inside, at = False, Version(version)
    for event in events:
        (kind, told), *_ = event.items()
        try:
            bound = Version(told)
        except InvalidVersion:
            continue
        if kind == "introduced":
            inside = inside or at >= bound
        elif (kind == "fixed" and at >= bound) or (kind == "last_affected" and at > bound):
            inside = False
    return inside
