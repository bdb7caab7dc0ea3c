"""Pages and their tokens."""

import pytest
from graph_service.model.lists import Edge, Page, Part, before_of, page_of
from kit.errors import InvalidArgument


@pytest.mark.parametrize("token", ["x", "0", "-1", " 5", "5 ", "05", "9" * 19, "٥", "1e3"])
def test_a_page_token_of_no_page_is_refused(token: str):
    with pytest.raises(InvalidArgument) as caught:
        before_of(token)
    assert caught.value.reason == "BAD_PAGE_TOKEN"


def test_a_page_says_where_the_next_one_begins_only_if_there_is_one():
    edges = [Edge(30, 3), Edge(20, 2), Edge(10, 1)]

    assert page_of(Part(edges), 2) == Page(edges[:2], "2")
    assert page_of(Part(edges), 3) == Page(edges, "")
    assert page_of(Part([]), 3) == Page([], "")
    assert before_of(page_of(Part(edges), 2).next_token) == 2


def test_a_search_that_was_broken_off_goes_on_where_it_ended():
    edges = [Edge(30, 9), Edge(20, 8)]

    assert page_of(Part(edges, rest=4), 3) == Page(edges, "4")
    assert page_of(Part([], rest=4), 3) == Page([], "4")
