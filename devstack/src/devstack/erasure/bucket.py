"""Objects whose keys name the account, and orphans: objects that no row knows any more."""

from collections import Counter
from collections.abc import Iterator, Mapping, Set
from datetime import UTC, datetime, timedelta
from typing import Any

from devstack.erasure.findings import Finding
from devstack.erasure.marks import Marks
from devstack.readiness import s3_client

_WITHHELD = "avatars/withheld/"
_PASSING = ("uploads/", "avatars/uploads/")
_UPLOAD_LIFE = timedelta(days=1)
"""What clients have uploaded and not used is swept after that."""


def look(settings: Mapping[str, str], bucket: str, known: Set[str], marks: Marks) -> list[Finding]:
    found: Counter[str] = Counter()
    now = datetime.now(UTC)
    for entry in _objects(settings, bucket):
        key: str = entry["Key"]
        area = key.partition("/")[0]
        if marks.are_in(key):
            found[f"bucket {area}/ by key"] += 1
        passing = key.startswith(_PASSING) and now - entry["LastModified"] < _UPLOAD_LIFE
        if not passing and not _is_known(key, known):
            found[f"bucket {area}/ orphans"] += 1
    return [Finding(place, count) for place, count in found.items()]


def _is_known(key: str, known: Set[str]) -> bool:
    folder = key.rpartition("/")[0]
    shown = f"public/{folder.removeprefix(_WITHHELD)}" if folder.startswith(_WITHHELD) else folder
    return bool({key, folder, shown} & known)


def _objects(settings: Mapping[str, str], bucket: str) -> Iterator[Any]:
    client = s3_client(settings)
    for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket):
        yield from page.get("Contents", [])
