"""Timelines and inboxes in Cassandra, caches in Redis, the index in Elasticsearch."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import httpx
import redis
from cassandra.query import SimpleStatement

from devstack.erasure.findings import Finding
from devstack.erasure.marks import Marks
from devstack.readiness import cassandra_cluster

_PAGE = 1_000
_TABLES = "SELECT table_name FROM system_schema.tables WHERE keyspace_name = %s"


def in_cassandra(address: str, keyspaces: Sequence[str], marks: Marks) -> list[Finding]:
    found: Counter[str] = Counter()
    with cassandra_cluster(address) as cluster:
        session: Any = cluster.connect()
        for keyspace in keyspaces:
            for row in session.execute(_TABLES, (keyspace,)):
                query = f'SELECT * FROM "{keyspace}"."{row.table_name}"'  # noqa: S608 from the schema
                statement = SimpleStatement(query, fetch_size=_PAGE)
                for each in session.execute(statement, timeout=60):
                    for name, value in each._asdict().items():
                        found[f"cassandra {keyspace}.{row.table_name}.{name}"] += marks.are_in(value)
    return _findings(found)


def in_redis(url: str, marks: Marks) -> list[Finding]:
    """Keys by their shape: what is a number in them is a star."""
    client: Any = redis.Redis.from_url(url)
    found: Counter[str] = Counter()
    for key in client.scan_iter(count=_PAGE):
        if marks.are_in(key) or any(marks.are_in(value) for value in _values(client, key)):
            ends = " (expires)" if client.ttl(key) > 0 else ""
            found[f"redis {_shape(key)}{ends}"] += 1
    client.close()
    return _findings(found)


def _values(client: Any, key: bytes) -> Iterator[bytes]:
    match client.type(key):
        case b"string":
            yield client.get(key) or b""
        case b"hash":
            yield from (part for pair in client.hgetall(key).items() for part in pair)
        case b"set":
            yield from client.smembers(key)
        case b"zset":
            yield from client.zrange(key, 0, -1)
        case b"list":
            yield from client.lrange(key, 0, -1)
        case _:
            yield b""


def _shape(key: bytes) -> str:
    text = re.sub(r"[0-9a-f]{16,}", "*", key.decode(errors="replace"))
    return re.sub(r"[0-9]+", "*", text)


def in_elasticsearch(url: str, prefix: str, marks: Marks) -> list[Finding]:
    """Every document of every index, deleted posts' too."""
    found: Counter[str] = Counter()
    words = Marks(0, marks.texts)
    with httpx.Client(base_url=url, timeout=30, trust_env=False) as client:
        for hit in _documents(client, prefix):
            index = hit["_index"].removeprefix(f"{prefix}-").partition("-")[0]
            for field, value in {"_id": hit["_id"], **hit["_source"]}.items():
                if marks.are_in(value):
                    only_words = bool(words.texts) and words.are_in(value)
                    found[f"elasticsearch {index}.{field}{' (words)' if only_words else ''}"] += 1
    return _findings(found)


def _documents(client: httpx.Client, prefix: str) -> Iterator[dict[str, Any]]:
    client.post(f"/{prefix}-*/_refresh").raise_for_status()
    page = client.post(f"/{prefix}-*/_search", params={"scroll": "1m"}, json={"size": _PAGE, "sort": ["_doc"]})
    answer: dict[str, Any] = page.raise_for_status().json()
    while hits := answer["hits"]["hits"]:
        yield from hits
        body = {"scroll": "1m", "scroll_id": answer["_scroll_id"]}
        answer = client.post("/_search/scroll", json=body).raise_for_status().json()
    client.request("DELETE", "/_search/scroll", json={"scroll_id": answer["_scroll_id"]})


def _findings(found: Counter[str]) -> list[Finding]:
    return [Finding(place, count) for place, count in found.items() if count]
