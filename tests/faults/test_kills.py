"""kill -9 of any one process at any step: what was acknowledged stays, nothing happens twice, the story ends well."""

import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from demo.story import Story
from devstack.processes import TABLE
from devstack.testing import Stack

KILLED = [process.name for process in TABLE]
# Each process dies before several steps; over all processes every step of the story sees deaths.
EVERY = 5
# A consumer that was killed is missed by Kafka after ten seconds; then the next one goes on.
SETTLED_WITHIN = 30.0
# Files are fetched from this one, so it dies before the step that fetches them.
BEFORE_A_FETCH = {"gateway-upload": 12}


def live(stack: Stack, story: Story, victim: str, offset: int) -> int:
    """Plays the story while the victim dies at every fifth step; answers how often it died."""
    deaths = 0
    for number, step in enumerate(story.steps()):
        if number % EVERY == offset % EVERY:
            stack.crash(victim)
            deaths += 1
        step.act()
    stack.wait_ready(victim)
    return deaths


def assert_once(story: Story) -> None:
    """Nothing happened twice. Counts that a death kept from being told come with the event, a little later."""
    ada, ben = story.ada.client, story.ben.client
    assert [item["id"] for item in ada.get("/v1/me/feed")["items"]] == [story.post["id"]]
    comments = ada.get(f"/v1/posts/{story.post['id']}/comments")["items"]
    assert [comment["id"] for comment in comments] == [story.comment_id]
    kinds = [(item["kind"], len(item["actors"]), item["others"]) for item in ben.get("/v1/notifications")["items"]]
    assert sorted(kinds) == [("comment", 1, 0), ("follow", 1, 0), ("like", 1, 0)]
    settles(lambda: ada.get(f"/v1/posts/{story.post['id']}")["counts"], {"likes": 1, "comments": 1})
    profile = f"/v1/users/{story.ben.username}"
    settles(lambda: ada.get(profile)["counts"], {"posts": 1, "followers": 1, "following": 0})


def settles(read: Callable[[], object], expected: object) -> None:
    """What is read becomes what is expected, and is that still a moment later."""
    end = time.monotonic() + SETTLED_WITHIN
    while read() != expected and time.monotonic() < end:
        time.sleep(0.1)
    time.sleep(0.5)
    assert read() == expected


@pytest.mark.parametrize(("offset", "victim"), [(BEFORE_A_FETCH.get(name, n), name) for n, name in enumerate(KILLED)])
def test_the_story_survives_the_death_of(stack: Stack, victim: str, offset: int):
    story = Story(stack.url)
    try:
        assert live(stack, story, victim, offset) >= 3
        assert_once(story)
    finally:
        story.close()


@pytest.mark.parametrize(
    ("process", "point"),
    [
        ("post", "relay_after_publish"),
        ("graph", "relay_after_publish"),
        ("user", "relay_after_publish"),
        ("fanout", "fanout_mid_batch"),
        ("media", "media_mid_file"),
    ],
)
def test_the_story_survives_a_death_at_the_worst_moment(stack: Stack, tmp_path: Path, process: str, point: str):
    marker = tmp_path / "died"
    before = stack.pid(process)
    stack.stop(process)
    stack.start(process, {"HELIOGRAPH_FAULT": f"{point}:{marker}"})
    story = Story(stack.url)
    try:
        for step in story.steps():
            step.act()
        assert_once(story)
        assert marker.exists(), "the point was never passed"
        assert stack.pid(process) != before
        assert_whole(story)
    finally:
        story.close()
        stack.stop(process)
        stack.start(process, {})


def assert_whole(story: Story) -> None:
    """Every variant that the story shows can be fetched, and each name once."""
    variants = story.seen["media"][0]["variants"]
    assert len({variant["name"] for variant in variants}) == len(variants)
    for variant in variants:
        assert httpx.get(variant["url"]).status_code == 200


def test_a_publish_acknowledged_just_before_its_service_dies_is_published(stack: Stack):
    story = Story(stack.url)
    try:
        for step in story.steps():
            step.act()
            if step.name == "Ben publishes it":
                stack.crash("post")
        assert_once(story)
    finally:
        story.close()
