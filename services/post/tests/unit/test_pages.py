from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kit.errors import InvalidArgument
from post_service.service.pages import Page, check_batch, fill, key_of


async def page_of(rows: Sequence[int], hidden: set[int], size: int, start: int) -> Page[int]:
    async def fetch(after: int, limit: int) -> Sequence[int]:
        return [row for row in rows if row > after][:limit]

    async def show(found: Sequence[int]) -> Sequence[int]:
        return [row for row in found if row not in hidden]

    return await fill(size, start, fetch=fetch, show=show, key=int, shown_key=int)


@given(st.integers(0, 300), st.sets(st.integers(1, 300)), st.integers(1, 40))
async def test_pages_are_full_until_the_end_and_hold_each_visible_item_once(
    count: int, hidden: set[int], size: int
) -> None:
    rows = list(range(1, count + 1))
    visible = [row for row in rows if row not in hidden]
    seen: list[int] = []
    start = 0
    while True:
        page = await page_of(rows, hidden, size, start)
        seen.extend(page.items)
        if not page.next_token:
            break
        assert len(page.items) == size
        start = key_of(page.next_token, 0)
    assert seen == visible


@pytest.mark.parametrize("token", ["x", "-1", "1.0", "9" * 20, "²", str(1 << 63)])
def test_a_foreign_token_is_refused(token: str) -> None:
    with pytest.raises(InvalidArgument) as raised:
        key_of(token, 0)
    assert raised.value.reason == "BAD_PAGE_TOKEN"


def test_a_batch_names_each_id_once_and_has_a_limit() -> None:
    assert check_batch([3, 1, 3, 2]) == [3, 1, 2]
    with pytest.raises(InvalidArgument) as raised:
        check_batch(list(range(201)))
    assert raised.value.reason == "TOO_MANY_IDS"
