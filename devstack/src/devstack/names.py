"""What a stack calls its data on the servers, so that several stacks may share one set of servers."""

import uuid
from dataclasses import dataclass


@dataclass(frozen=True)
class Names:
    """Databases and keyspaces end with the service's name; topics begin with `topics`."""

    databases: str = "heliograph_"
    keyspaces: str = "heliograph_"
    topics: str = "heliograph."
    bucket: str = "heliograph-media"
    index: str = "heliograph"
    redis_database: int = 0


def fresh_names(redis_database: int) -> Names:
    """Names nobody has used; Redis has only numbers, so the caller picks one."""
    mark = uuid.uuid4().hex[:10]
    return Names(f"hg_{mark}_", f"hg_{mark}_", f"hg.{mark}.", f"hg-{mark}", f"hg-{mark}", redis_database)
