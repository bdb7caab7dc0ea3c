"""Entity tags: `"<version>-<digest of the answer>"`.

The digest makes the tag differ wherever the answer does (counts, viewer, signed URLs). The version is the service's own
etag of what is edited: `If-Match` compares that alone, so that a new like does not refuse an edit.
"""

import hashlib
import re

from gateway.errors import Refusal

_TAG = re.compile(r'"([^"]*)"')  # nothing optional around it: that would make a long header cost its square
_DIGEST_CHARACTERS = 24


def tag_of(body: bytes, version: str = "") -> str:
    digest = hashlib.sha256(body).hexdigest()[:_DIGEST_CHARACTERS]  # the fastest of the safe ones: processors know it
    return f'"{version}-{digest}"' if version else f'"{digest}"'


def none_match(header: str | None, tag: str) -> bool:
    """Whether If-None-Match asks for the answer: False means 304."""
    if header is None:
        return True
    return header.strip() != "*" and tag.strip('"') not in _opaque(header)


def version_to_match(header: str | None) -> str:
    """The service's etag that If-Match insists on; empty when any will do. Raises Refusal 412 for a tag that was never
    given out."""
    if header is None or header.strip() == "*":
        return ""
    tags = _opaque(header)
    version, dash, _ = tags[0].rpartition("-") if len(tags) == 1 else ("", "", "")
    if not dash:
        raise Refusal(412, "ETAG_MISMATCH", "it has changed since: read it again")
    return version


def _opaque(header: str) -> list[str]:
    return _TAG.findall(header)
