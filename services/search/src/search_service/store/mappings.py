"""What the indices hold, field by field."""

from collections.abc import Mapping
from typing import Any

from search_service.model import Kind

Json = dict[str, Any]

# Folding happens in Python, so the standard analyzer is all that the server needs.
_PREFIXED: Json = {"type": "text", "index_prefixes": {"min_chars": 1, "max_chars": 10}}
_KEYWORD: Json = {"type": "keyword", "ignore_above": 256}
_STORED: Json = {"type": "keyword", "index": False, "doc_values": False}

MAPPINGS: Mapping[Kind, Json] = {
    Kind.USERS: {
        "user_id": {"type": "long"},
        "username": _KEYWORD,
        "name": _PREFIXED,
        "active": {"type": "boolean"},
    },
    Kind.POSTS: {
        "post_id": {"type": "long"},
        "author_id": {"type": "long"},
        "title": _PREFIXED,
        "caption": {"type": "text"},
        "tags": _KEYWORD,
        "place": _PREFIXED,
        "place_key": _KEYWORD,
        "place_shown": _STORED,
        "latitude": {"type": "double"},
        "longitude": {"type": "double"},
        "audience_public": {"type": "boolean"},
        "public": {"type": "boolean"},
        "deleted": {"type": "boolean"},
        "created_at": {"type": "date"},
    },
}
GENERATION = 1
"""Raised with a mapping that the old documents do not fit; the alias moves when the new index is full."""
