"""What stream-framework 1.4 (2016) needs to run on Python 3.11, imported before it. No more than that is changed:

1. `async`, a word of the language since Python 3.7, is the name of a parameter in feed_managers/base.py: it is read as
   `asynchronous`.
2. Its settings are the constants of a module. Hosts, keyspace and protocol version 4 (it asks for 2, which no
   Cassandra of today speaks) are put there.
3. `collections.Hashable` has moved to collections.abc (Python 3.10).
4. Celery pickles, as it did by default then: what is handed to tasks is no JSON.
5. Tasks run in the worker process that makes them (Celery's `task_always_eager`): no broker between, which flatters it.
"""

import collections
import collections.abc
import importlib.abc
import importlib.machinery
import importlib.util
import re
import sys

_BROKEN = "stream_framework.feed_managers.base"


class _Renaming(importlib.machinery.SourceFileLoader):
    def get_data(self, path):
        content = super().get_data(path)
        return content if path.endswith(".pyc") else re.sub(rb"\basync\b", b"asynchronous", content)


class _Finder(importlib.abc.MetaPathFinder):
    def find_spec(self, fullname, path, target=None):
        if fullname != _BROKEN:
            return None
        spec = importlib.machinery.PathFinder.find_spec(fullname, path)
        spec.loader = _Renaming(fullname, spec.origin)
        return spec


def install(host, port, keyspace):
    sys.meta_path.insert(0, _Finder())
    collections.Hashable = collections.abc.Hashable
    import celery
    from stream_framework import settings

    settings.STREAM_CASSANDRA_HOSTS = [host]
    settings.STREAM_DEFAULT_KEYSPACE = keyspace
    settings.CASSANDRA_DRIVER_KWARGS = {"protocol_version": 4, "port": port}
    conf = celery.Celery("bench", set_as_current=True).conf
    conf.task_serializer, conf.accept_content, conf.task_always_eager = "pickle", ["pickle"], True
