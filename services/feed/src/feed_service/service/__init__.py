"""Use cases: reading a home feed, fanning a post out, following what happens between accounts, rebuilding."""

from feed_service.service.candidates import Candidates
from feed_service.service.erasure import Erasure
from feed_service.service.fanout import FanOut, Push
from feed_service.service.follows import Follows
from feed_service.service.fragments import Fragments, Keeping
from feed_service.service.home import HomeFeed, Page, as_pieces, as_posts
from feed_service.service.idle import Sweep
from feed_service.service.notes import Notes
from feed_service.service.pressure import Backlog
from feed_service.service.rebuild import Rebuild
from feed_service.service.returning import Return, Review
from feed_service.service.sight import Sight
from feed_service.service.threshold import Threshold
from feed_service.service.verify import Verify
from feed_service.service.viewers import Viewer, Viewers
from feed_service.service.watermark import Watermark

__all__ = [
    "Backlog",
    "Candidates",
    "Erasure",
    "FanOut",
    "Follows",
    "Fragments",
    "HomeFeed",
    "Keeping",
    "Notes",
    "Page",
    "Push",
    "Rebuild",
    "Return",
    "Review",
    "Sight",
    "Sweep",
    "Threshold",
    "Verify",
    "Viewer",
    "Viewers",
    "Watermark",
    "as_pieces",
    "as_posts",
]
