"""What is asked of Prometheus, and how its answers are judged."""

import itertools
from collections.abc import Sequence

import httpx

from deploy.observability import boards
from deploy.observability.boards import feed, gateway, panels
from deploy.observability.local.panels import Outcome, Prometheus, expression, findings


def answering(values: Sequence[str], status: str = "success") -> Prometheus:
    def answer(_: httpx.Request) -> httpx.Response:
        result = [{"value": [0, value]} for value in values]
        return httpx.Response(200, json={"status": status, "data": {"result": result}, "error": "parse error"})

    return Prometheus("http://prometheus", httpx.MockTransport(answer))


def outcomes(prometheus: Prometheus) -> set[Outcome]:
    return {each.outcome for each in findings(prometheus)}


def test_a_value_is_data_even_when_it_is_0() -> None:
    assert outcomes(answering(["0"])) == {Outcome.OK}


def test_a_quantile_of_nothing_is_no_data() -> None:
    assert outcomes(answering(["NaN"])) == {Outcome.EMPTY, Outcome.QUIET}


def test_only_queries_that_say_why_may_find_nothing() -> None:
    quiet = {each.told for each in findings(answering([])) if each.outcome is Outcome.QUIET}
    assert "nothing was buried since the processes started" in quiet
    assert all(each.bad for each in findings(answering([])) if each.panel == "Requests by status")


def test_what_prometheus_refuses_is_a_failure() -> None:
    assert outcomes(answering([], status="error")) == {Outcome.FAILED}


def test_nothing_of_grafana_is_left_in_an_expression() -> None:
    for board in boards.every():
        for panel in board.panels():
            for query in panel.queries:
                assert "$" not in expression(board, query.expr)


def test_choices_are_taken_as_all() -> None:
    assert expression(gateway.board(), 'x{route=~"$route"}[$__rate_interval]') == 'x{route=~".+"}[2m]'


def test_panels_neither_overlap_nor_stand_out() -> None:
    for board in boards.every():
        places = [panel["gridPos"] for panel in board.json()["panels"]]
        cells = [
            (at["x"] + x, at["y"] + y) for at in places for x, y in itertools.product(range(at["w"]), range(at["h"]))
        ]
        assert len(cells) == len(set(cells))
        assert max(x for x, _ in cells) < 24


def test_every_panel_has_an_id_of_its_own_and_says_what_to_read_from_it() -> None:
    found = feed.board().json()["panels"]
    assert len({panel["id"] for panel in found}) == len(found)
    assert all(panel["description"] for panel in found if panel["type"] != "row")


def test_a_quiet_query_tells_its_reason_in_the_panel() -> None:
    panel = panels.Panel("T", (panels.Query("x", quiet="nobody came"),), "Help.")
    board = panels.Board("b", "B", "h", (panels.Row("R", (panel,)),))
    assert board.json()["panels"][1]["description"] == "Help.\n\nEmpty when: nobody came."
