"""What is promised, as numbers: docs/objectives.md says it in words."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Objective:
    """`bad` and `events` are rates over five minutes. `target` is the share that must be good over 30 days. `alert` is
    the word that its alerts begin with; `felt` is what people notice while it burns."""

    sli: str
    title: str
    promise: str
    target: float
    bad: str
    events: str
    alert: str
    felt: str
    board: str

    @property
    def budget(self) -> float:
        return round(1 - self.target, 6)


# What asks for the state of a process is no request of a person.
_ROUTES = 'route!~"|/healthz|/readyz"'
_READS = f'method=~"GET|HEAD",{_ROUTES}'
_WRITES = f'method=~"POST|PUT|PATCH|DELETE",{_ROUTES}'
_HOME = 'method="GET",route="/v1/me/feed",status!~"5.."'


def _http(where: str) -> str:
    return f"sum(rate(heliograph_http_seconds_count{{{where}}}[5m]))"


def _slow(histogram: str, where: str, le: str) -> tuple[str, str]:
    """Those over `le`, and all. No bucket counts what is not there: nothing then is bad."""
    events = f"sum(rate({histogram}_count{{{where}}}[5m]))"
    within = f'sum(rate({histogram}_bucket{{{where},le="{le}"}}[5m]))'
    return f"{events} - {within}", events


_HOME_SLOW = _slow("heliograph_http_seconds", _HOME, "0.3")
_POST_LATE = _slow("heliograph_fanout_delay_seconds", 'lane="small"', "5.0")
_NOTE_LATE = _slow("heliograph_event_age_seconds", 'group="notify.inbox"', "10.0")
_INDEX_LATE = _slow("heliograph_event_age_seconds", 'group="search.index"', "30.0")

OBJECTIVES = (
    Objective(
        "reads",
        "Reads answered",
        "99.9% of GET requests are answered without a 5xx.",
        0.999,
        f"{_http(_READS + ',status=~' + chr(34) + '5..' + chr(34))} or vector(0)",
        _http(_READS),
        "HeliographReadsFail",
        "pages and lists do not load",
        "gateway",
    ),
    Objective(
        "writes",
        "Writes answered",
        "99.9% of requests that change something are answered without a 5xx.",
        0.999,
        f"{_http(_WRITES + ',status=~' + chr(34) + '5..' + chr(34))} or vector(0)",
        _http(_WRITES),
        "HeliographWritesFail",
        "posting, liking and following fail, or have to be tried again",
        "gateway",
    ),
    Objective(
        "home-feed",
        "Home feed within 300 ms",
        "99% of home feeds that are answered are answered within 300 ms.",
        0.99,
        *_HOME_SLOW,
        "HeliographHomeFeedSlow",
        "the first screen takes long to fill",
        "feed",
    ),
    Objective(
        "post-visible",
        "Posts visible within 5 s",
        "99% of chunks of the small lane are in the followers' feeds 5 s after the post was published.",
        0.99,
        *_POST_LATE,
        "HeliographPostsLate",
        "followers see new posts late",
        "feed",
    ),
    Objective(
        "notification",
        "Notifications within 10 s",
        "99% of events are in the inbox 10 s after they happened.",
        0.99,
        *_NOTE_LATE,
        "HeliographNotificationsLate",
        "likes, comments and follows show in the inbox late",
        "kafka",
    ),
    Objective(
        "search",
        "Search within 30 s",
        "99% of changes are indexed 30 s after they happened.",
        0.99,
        *_INDEX_LATE,
        "HeliographSearchLate",
        "new posts and people are not found yet",
        "kafka",
    ),
)
