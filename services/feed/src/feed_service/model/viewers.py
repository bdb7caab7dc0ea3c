"""Who sees what in a home feed, and what is known of a viewer at a glance."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product

from feed_service.model.timelines import Slice


@dataclass(frozen=True, slots=True)
class Relation:
    """How a viewer stands to an author."""

    following: bool = False
    muting: bool = False
    blocked: bool = False
    """In either direction."""
    close_friend: bool = False
    """The author counts the viewer among their close friends."""
    bits: int = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        flags = (self.following, self.muting, self.blocked, self.close_friend)
        object.__setattr__(self, "bits", sum(is_set << at for at, is_set in enumerate(flags)))


@dataclass(frozen=True, slots=True)
class Demand:
    """What a viewer must be to see a post, as the post service says; the author sees it whatever it is."""

    author: bool = False
    follower: bool = False
    close_friend: bool = False
    bits: int = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        flags = (self.author, self.follower, self.close_friend)
        object.__setattr__(self, "bits", sum(is_set << at for at, is_set in enumerate(flags)))

    def met_by(self, relation: Relation) -> bool:
        """By somebody who is not the author, blocks aside."""
        if self.author:
            return False
        return (relation.following or not self.follower) and (relation.close_friend or not self.close_friend)


STRANGER = Relation()
OPEN = Demand()


def belongs(viewer_id: int, author_id: int, relation: Relation, demand: Demand, *, tagged: bool) -> bool:
    """Whether a post is in the viewer's home feed: one's own, those of authors whom one follows, and those with a
    followed tag that demand nothing of anybody; nothing of those whom one mutes, or with whom there is a block."""
    return author_id == viewer_id or _VERDICTS[tagged][relation.bits][demand.bits]


def _verdict(relation: Relation, demand: Demand, *, tagged: bool) -> bool:
    """Of posts of others."""
    if relation.muting or relation.blocked or not demand.met_by(relation):
        return False
    return relation.following or (tagged and demand == OPEN)


@dataclass(frozen=True, slots=True)
class Relations:
    """How a viewer stands to others. Who is not in `known` is a stranger if it is `whole`, else not known.

    `pulled` are the followed authors who are merged at read, None when that has to be found out. `blocked` is None when
    they are too many to be listed. `muted_until`: mutes of `known` that end by themselves, unix seconds.
    """

    known: Mapping[int, Relation]
    whole: bool = False
    tags: Sequence[str] = ()
    pulled: Sequence[int] | None = None
    blocked: frozenset[int] | None = frozenset()
    muted_until: Mapping[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Likes:
    """Which posts from `floor` on a viewer likes; of those below nothing is known."""

    posts: frozenset[int]
    floor: int


@dataclass(frozen=True, slots=True)
class Glance:
    """What is kept at hand of a viewer, as far as it is: the part of the warm timeline asked for, the relations to its
    authors, the likes from its lowest post on. `closed` tells one closing of the relations from another; `away` that
    nobody could be asked, so that what was closed is not known either."""

    timeline: Slice | None = None
    relations: Relations | None = None
    likes: Likes | None = None
    closed: bytes = b""
    away: bool = False


# Looked up, not reckoned: it is asked for every candidate of every page.
_BOTH = (False, True)
_RELATIONS = sorted((Relation(*flags) for flags in product(_BOTH, repeat=4)), key=lambda one: one.bits)
_DEMANDS = sorted((Demand(*flags) for flags in product(_BOTH, repeat=3)), key=lambda one: one.bits)
_VERDICTS = [
    [[_verdict(relation, demand, tagged=tagged) for demand in _DEMANDS] for relation in _RELATIONS] for tagged in _BOTH
]
