"""What answers reads of home feeds, put together."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from heliograph.post.v1.post_pb2 import Post

from feed_service.clients import FragmentClient, GraphClient, PostClient
from feed_service.model import Shown
from feed_service.service import Candidates, Fragments, HomeFeed, Rebuild, Sight, Viewers, as_pieces, as_posts
from feed_service.settings import ServeSettings
from feed_service.store import AuthorRows, HomeRows, SharedTops, ViewsAtHand, WarmTimelines


@dataclass(frozen=True)
class Stores:
    home: HomeRows
    warm: WarmTimelines
    authors: AuthorRows
    views: ViewsAtHand
    tops: SharedTops


@dataclass(frozen=True)
class Peers:
    graph: GraphClient
    posts: PostClient
    fragments: FragmentClient


@dataclass(frozen=True)
class Reading:
    """`pages` and `feed` are the same feed, as bytes and as messages; ranked ones need `candidates` and `sight`."""

    viewers: Viewers
    candidates: Candidates
    fragments: Fragments
    sight: Sight
    pages: HomeFeed[Shown]
    feed: HomeFeed[Post]


def reading(
    settings: ServeSettings, stores: Stores, peers: Peers, rebuild: Rebuild, *, now: Callable[[], datetime]
) -> Reading:
    viewers = Viewers(stores.views, peers.graph, peers.fragments, now=now)
    fragments = Fragments(peers.fragments, settings.keeping, clock=time.monotonic, spread=random.uniform)
    sight = Sight(viewers, fragments)
    candidates = Candidates(
        stores.home,
        stores.warm,
        stores.authors,
        peers.posts,
        peers.fragments,
        peers.graph,
        viewers,
        rebuild,
        warm_cap=settings.warm_cap,
        list_seconds=settings.list_cache_seconds,
        now=now,
        clock=time.monotonic,
        shared=stores.tops,
    )
    pages, feed = HomeFeed(candidates, as_pieces(sight)), HomeFeed(candidates, as_posts(sight, peers.posts))
    return Reading(viewers, candidates, fragments, sight, pages, feed)
