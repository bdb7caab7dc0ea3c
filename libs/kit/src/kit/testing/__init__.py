"""Fixtures on real servers, as a pytest plugin. What they hand out is unique, so that many runs share the servers.

The servers' addresses are in the JSON file that HELIOGRAPH_TEST_SERVERS names.
"""

from kit.testing.calls import Rpc, rpc
from kit.testing.databases import MakeDatabase, MakeKeyspace, databases, keyspaces, make_database, make_keyspace
from kit.testing.servers import MakeSettings, make_settings, servers
from kit.testing.stores import MakeTopics, bucket, index_prefix, make_topics, redis_url, s3_client, topic_prefix
from kit.testing.waiting import eventually

__all__ = [
    "MakeDatabase",
    "MakeKeyspace",
    "MakeSettings",
    "MakeTopics",
    "Rpc",
    "bucket",
    "databases",
    "eventually",
    "index_prefix",
    "keyspaces",
    "make_database",
    "make_keyspace",
    "make_settings",
    "make_topics",
    "redis_url",
    "rpc",
    "s3_client",
    "servers",
    "topic_prefix",
]
