"""The parts of the home feed's benchmark that decide what a figure means."""

import json
import random
from dataclasses import replace
from datetime import UTC, datetime
from xml.etree import ElementTree

from bench.home import plot
from bench.home.phases import Point
from bench.home.shape import Shape, Social
from bench.load.check import Checker
from bench.load.plan import Ask, Plan, request
from bench.measure import merged, result
from bench.targets import TARGETS

SHAPE = Shape(users=300, follows=20, viewers=30, until=datetime(2026, 5, 1, tzinfo=UTC))


def page(ids: list[str], note: str = "") -> bytes:
    return json.dumps({"items": [{"id": one, "comments_off": False, "note": note} for one in ids]}).encode()


def test_a_graph_is_the_same_for_the_same_seed_and_another_for_another():
    one, again, other = Social(SHAPE), Social(SHAPE), Social(replace(SHAPE, seed=2))
    assert (one.following, one.posts, one.viewers) == (again.following, again.posts, again.viewers)
    assert one.following != other.following
    assert one.posts != other.posts


def test_celebrities_have_most_followers_and_the_rest_a_long_tail():
    followers = Social(SHAPE).followers()
    stars, others = followers[: SHAPE.celebrities], sorted(followers[SHAPE.celebrities :], reverse=True)
    assert min(stars) > 0.7 * SHAPE.users > others[0]
    assert others[0] > 4 * others[len(others) // 2]


def test_a_home_feed_is_what_its_definition_says():
    social = Social(SHAPE)
    for viewer in random.Random(1).sample(social.viewers, 10):
        seen = {viewer, *social.following[viewer]}
        wanted = sorted((post.post_id for post in social.posts if post.author in seen), reverse=True)
        assert [entry.post_id for entry in social.home(viewer, 20)] == wanted[:20]
        assert len(wanted) > 20


def test_answers_that_are_not_what_was_asked_for_are_told():
    ask = Ask("GET /", mark='"comments_off":', marks=2, ids=["9", "5"])
    checker = Checker(look_every=1)
    mark = ask.mark.encode()
    assert checker.check(ask, mark, 200, page(["9", "5"]))
    assert not checker.check(ask, mark, 503, b"")
    assert not checker.check(ask, mark, 200, page(["9"]))
    assert not checker.check(ask, mark, 200, page(["9", "4"]))
    assert not checker.check(ask, mark, 200, page(["9", "5"], "edited"))
    moving = replace(ask, ids=None)
    assert checker.check(moving, mark, 200, page(["8", "7"]))
    assert not checker.check(moving, mark, 200, page(["7", "7"]))
    assert checker.failed == 5


def test_a_plan_arrives_as_it_was_made():
    ask = Ask(request("POST", "/v1/posts", "t", {"a": 1}), status=201)
    plan = Plan("127.0.0.1", 80, 4, 1.5, [ask], [ask, ask], rate=10, reads_a_write=100)
    assert Plan.loads(plan.dumps()) == plan


def test_new_results_replace_those_of_their_names():
    known = [{"name": "a", "value": 1}, {"name": "b", "value": 2}]
    assert merged(known, [{"name": "b", "value": 3}]) == [{"name": "a", "value": 1}, {"name": "b", "value": 3}]


def test_targets_are_of_ratios_or_of_values():
    slow = result("home_rps_vs_textbook", "1/s", [700, 900], reference="textbook_rps", of=[100, 100])
    assert TARGETS["home_rps_vs_textbook"].met(slow.value, slow.ratio)
    assert not TARGETS["home_rps_vs_textbook"].met(slow.value, 7.9)
    assert not TARGETS["home_rps_vs_textbook"].met(slow.value, None)
    assert TARGETS["home_p99_ms_at_70"].met(30, None)
    assert not TARGETS["home_p99_ms_at_70"].met(30.1, None)


def test_the_plot_is_a_picture_with_a_line_for_each_quantile():
    points = [Point("home", rate, 2.0, 9.0) for rate in (100, 1000)] + [Point("textbook", 50, 20, 400)]
    lines = ElementTree.fromstring(plot.drawn(points)).findall("{http://www.w3.org/2000/svg}polyline")
    assert [len(line.attrib["points"].split()) for line in lines] == [2, 2, 1, 1]
