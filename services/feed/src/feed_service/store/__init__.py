"""Home and author timelines in Cassandra, warm home timelines in Redis."""

from feed_service.store.authors import AuthorRows
from feed_service.store.chunks import ChunkRows
from feed_service.store.erased import ErasedRows
from feed_service.store.home import HomeRows
from feed_service.store.outages import Patience
from feed_service.store.warm import WarmTimelines

__all__ = ["AuthorRows", "ChunkRows", "ErasedRows", "HomeRows", "Patience", "WarmTimelines"]
