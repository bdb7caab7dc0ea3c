"""Use cases: reading a home feed, fanning a post out, following what happens between accounts, rebuilding."""

from feed_service.service.candidates import Candidates
from feed_service.service.erasure import Erasure
from feed_service.service.fanout import FanOut, Push
from feed_service.service.follows import Follows
from feed_service.service.home import HomeFeed, Page
from feed_service.service.rebuild import Rebuild

__all__ = ["Candidates", "Erasure", "FanOut", "Follows", "HomeFeed", "Page", "Push", "Rebuild"]
