"""How long after it was posted a post shows in its author's followers' feeds, under load: posted and looked for through
REST alone."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import httpx

from bench.home.asks import new_post
from bench.home.fill import spare_medium
from bench.home.system import System

_PATIENCE = 20.0
_PAUSE = 0.01
_GAP = 0.25
_READERS = 3


@dataclass(frozen=True)
class Probe:
    """An author with pictures to post, and some of the author's followers. `way` is pushed, or pulled for those above
    the threshold."""

    way: str
    token: str
    readers: Sequence[str]
    media: Sequence[int]


def probes(system: System, media: range) -> list[Probe]:
    """Of composers whom viewers follow; `media` are the spare pictures that they may use."""
    social = system.social
    readers: dict[int, list[int]] = {}
    for viewer in social.viewers:
        for author in social.following[viewer]:
            if author in social.composers:
                readers.setdefault(author, []).append(viewer)
    return [
        Probe(
            "pulled" if author < social.shape.celebrities else "pushed",
            system.token(author),
            [system.token(one) for one in found[:_READERS]],
            [spare_medium(social.shape, author, at) for at in media],
        )
        for author, found in sorted(readers.items())
    ]


async def watch(url: str, probes: Sequence[Probe], seconds: float) -> Mapping[str, list[float]]:
    """Milliseconds from the answer to a post until all of the readers have it on their first page, by `way`.
    Raises SystemExit when one never gets it."""
    found: dict[str, list[float]] = {}
    until, turns = time.monotonic() + seconds, 0
    async with httpx.AsyncClient(base_url=url, timeout=30) as http_:
        while time.monotonic() < until:
            probe = probes[turns % len(probes)]
            medium = probe.media[turns // len(probes) % len(probe.media)]
            found.setdefault(probe.way, []).append(await _one(http_, probe, medium))
            turns += 1
            await asyncio.sleep(_GAP)
    return found


async def _one(http_: httpx.AsyncClient, probe: Probe, medium: int) -> float:
    answer = await http_.post("/v1/posts", json=new_post(medium), headers=_as(probe.token))
    post, start = answer.raise_for_status().json()["id"], time.perf_counter()
    await asyncio.gather(*(_seen(http_, token, post, start) for token in probe.readers))
    return (time.perf_counter() - start) * 1000


async def _seen(http_: httpx.AsyncClient, token: str, post: str, start: float) -> None:
    while time.perf_counter() - start < _PATIENCE:
        answer = await http_.get("/v1/me/feed?limit=20", headers=_as(token))
        if any(item["id"] == post for item in answer.raise_for_status().json()["items"]):
            return
        await asyncio.sleep(_PAUSE)
    raise SystemExit(f"post {post} was not seen within {_PATIENCE:g} s")


def _as(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}
