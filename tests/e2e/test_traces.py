"""One trace leads from the request that makes a post to the rows of the timelines that show it, through every process.

Posts are made in both ways: with a picture that is ready, and with one that the media worker is still at.
`TRACED_POSTS` says how many.
"""

import asyncio
import os
import secrets
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress

import httpx
from kit.testing import eventually
from support.collector import Collector, Seen
from support.observed import Observed
from support.rest import Person, join, photo

POSTS = int(os.environ.get("TRACED_POSTS", "200"))
WHOLE = 0.999  # of the traces have to be
_AUTHORS, _AT_ONCE = 5, 4
_ATTEMPTS = 5
_PUBLISHED = "post.v1 heliograph.events.v1.PostPublished"

# Where a post comes by, and what the span there is called; each is below the one before.
WAY = (
    ("gateway", "POST /v1/posts"),
    ("post", "heliograph.post.v1.PostService/CreatePost"),
    ("", f"publish {_PUBLISHED}"),  # by the relay of the post service or of the media worker
    ("fanout", _PUBLISHED),
    ("fanout", "fanout.small.v1 heliograph.feed.v1.FanoutChunk"),
    ("fanout", "cassandra write"),
)
# Who hears of it too.
BESIDE = (("notify-push", _PUBLISHED), ("search-index", _PUBLISHED))


def find(spans: Sequence[Seen], service: str, name: str) -> list[Seen]:
    return [span for span in spans if span.name.lstrip("/") == name and span.service == (service or span.service)]


def way_to(span: Seen, by_id: Mapping[str, Seen]) -> list[Seen]:
    """From the beginning of the trace to this span."""
    way = [span]
    while way[0].parent in by_id:
        way.insert(0, by_id[way[0].parent])
    return way


def missing(spans: Sequence[Seen]) -> str:
    """What a trace lacks, empty for a whole one."""
    by_id = {span.id: span for span in spans}
    roots = [span for span in spans if not span.parent]
    if len(roots) != 1:
        return f"{len(roots)} beginnings"
    if orphans := {f"{span.service}: {span.name}" for span in spans if span.parent and span.parent not in by_id}:
        return f"parents of {sorted(orphans)}"
    for service, name in (*WAY, *BESIDE):
        if not find(spans, service, name):
            return f"{service}: {name}"
    rows = [way_to(span, by_id) for span in find(spans, *WAY[-1])]
    return "" if any(passes(way) for way in rows) else "a way to the rows"


def passes(way: Sequence[Seen]) -> bool:
    """Whether it comes by all places of the way, in their order."""
    rest = iter(way)
    return all(any(find([span], *place) for span in rest) for place in WAY)


async def post(author: Person, *, ready: bool) -> str:
    """The id of the trace of a new post's request. One that a busy machine did not answer in time is none of them."""
    for _ in range(_ATTEMPTS):
        try:
            return await posted(author, ready=ready)
        except httpx.HTTPStatusError as error:
            if error.response.status_code not in {503, 504}:
                raise
    raise AssertionError("no post was made")


async def posted(author: Person, *, ready: bool) -> str:
    medium = await author.upload(photo(48, 48, color=f"#{secrets.token_hex(3)}"))

    async def processed() -> bool:
        return await author.media_state(medium) == "ready"

    if ready:
        await eventually(processed, timeout=60)
    made = await author.post("/v1/posts", {"media_ids": [medium], "caption": "traced"})
    return made.raise_for_status().headers["traceparent"].split("-")[1]


async def all_posted(authors: Sequence[Person], number: int) -> list[str]:
    slots = asyncio.Semaphore(_AT_ONCE)

    async def one(at: int) -> str:
        async with slots:
            return await post(authors[at % len(authors)], ready=at % 2 == 0)

    return await asyncio.gather(*(one(at) for at in range(number)))


async def followed(http: httpx.AsyncClient) -> Person:
    """Posts of one author are committed one after another: there are more, so that none waits for long."""
    author, *readers = [await join(http, name) for name in ("author", "first", "second")]
    for reader in readers:
        (await reader.put(f"/v1/users/{author.id}/follow")).raise_for_status()
    return author


async def test_every_sampled_post_has_one_whole_trace(observed: Observed, watched_http: httpx.AsyncClient):
    traces = await all_posted([await followed(watched_http) for _ in range(_AUTHORS)], POSTS)
    assert len(set(traces)) == POSTS

    async def all_whole() -> bool:
        return not any(missing(observed.collector.trace(trace)) for trace in traces)

    with suppress(AssertionError):  # what lacks is told below
        await eventually(all_whole, timeout=60 + POSTS / 4)
    lacking = Counter(filter(None, (missing(observed.collector.trace(trace)) for trace in traces)))
    share = 1 - lacking.total() / POSTS
    print(f"\n{share:.2%} of {POSTS} traces are whole")  # noqa: T201 the figure that is asked for
    assert share >= WHOLE, lacking


async def test_a_request_that_is_not_sampled_makes_no_span_anywhere(
    observed: Observed, watched_http: httpx.AsyncClient
):
    author, reader = await join(watched_http, "author"), await join(watched_http, "reader")
    (await reader.put(f"/v1/users/{author.id}/follow")).raise_for_status()
    medium = await author.upload(photo(48, 48))
    unsampled, sampled = (secrets.token_hex(16) for _ in range(2))
    made = await watched_http.post(
        "/v1/posts", json={"media_ids": [medium]}, headers={**author.headers, **told(unsampled, "00")}
    )
    assert made.raise_for_status().headers["traceparent"].split("-")[1] == unsampled

    async def shown() -> bool:
        return made.json()["id"] in await reader.feed()

    await eventually(shown, timeout=60)
    (await watched_http.get("/v1/me/feed", headers={**reader.headers, **told(unsampled, "00")})).raise_for_status()
    (await watched_http.get("/v1/me/feed", headers={**reader.headers, **told(sampled, "01")})).raise_for_status()
    await eventually(lambda: came(observed.collector, sampled), timeout=30)
    assert observed.collector.trace(unsampled) == ()


async def test_what_processes_ask_by_themselves_is_in_no_trace(observed: Observed, watched_http: httpx.AsyncClient):
    await join(watched_http, "somebody")
    begun = {span.kind for span in observed.collector.spans() if not span.parent}
    assert begun <= {2, 5}, "traces begin with a request or an event"


def told(trace: str, flags: str) -> dict[str, str]:
    return {"traceparent": f"00-{trace}-{secrets.token_hex(8)}-{flags}"}


async def came(collector: Collector, trace: str) -> bool:
    return bool(collector.trace(trace))
