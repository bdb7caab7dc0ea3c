"""Home and author timelines in Cassandra; warm home timelines, relations and likes of viewers in Redis."""

from feed_service.store.authors import AuthorRows
from feed_service.store.chunks import ChunkRows
from feed_service.store.erased import ErasedRows
from feed_service.store.home import HomeRows
from feed_service.store.idle import IdleAccounts
from feed_service.store.interests import InterestLog
from feed_service.store.marks import AuthorMarks
from feed_service.store.outages import Patience
from feed_service.store.seen import SeenPosts
from feed_service.store.sessions import Sessions
from feed_service.store.states import HomeStates
from feed_service.store.tops import SharedTops
from feed_service.store.turns import Turns
from feed_service.store.views import ViewsAtHand
from feed_service.store.warm import WarmTimelines

__all__ = [
    "AuthorMarks",
    "AuthorRows",
    "ChunkRows",
    "ErasedRows",
    "HomeRows",
    "HomeStates",
    "IdleAccounts",
    "InterestLog",
    "Patience",
    "SeenPosts",
    "Sessions",
    "SharedTops",
    "Turns",
    "ViewsAtHand",
    "WarmTimelines",
]
