"""Long numbered lists: several pages at once, and the same proof that nothing is missing."""

import asyncio
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wanctl.studio.errors import ServerError
from wanctl.studio.reading import PAGES_AT_ONCE, Page, read_numbered

SIZE = 10


class Pages:
    """A list of whole numbers in pages, which notes how many of them are asked for at once."""

    def __init__(self, count: int, *, told: bool = True, moved: Callable[[int], int] = lambda _: 0) -> None:
        self.count, self.told, self.moved = count, told, moved
        self.asked: list[int] = []
        self.under_way = self.most = 0

    async def __call__(self, number: int) -> Page[int]:
        self.asked.append(number)
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        await asyncio.sleep(0)
        self.under_way -= 1
        count = self.count + self.moved(len(self.asked))
        items = range(count)[(number - 1) * SIZE : number * SIZE]
        return Page(tuple(items), count if self.told else None)

    def read(self) -> tuple[int, ...]:
        return asyncio.run(read_numbered(self, lambda one: one))


@given(st.integers(0, 95))
def test_each_row_is_there_once_and_no_page_is_asked_for_twice(count: int) -> None:
    pages = Pages(count)
    assert pages.read() == tuple(range(count))
    assert pages.asked == list(range(1, max(1, -(-count // SIZE)) + 1))


def test_several_pages_are_read_at_once() -> None:
    pages = Pages(95)
    pages.read()
    assert pages.most == PAGES_AT_ONCE


def test_where_no_total_is_told_they_are_read_one_by_one() -> None:
    pages = Pages(95, told=False)
    assert pages.read() == tuple(range(95))
    assert pages.most == 1


def test_a_list_that_moves_is_read_again_and_never_taken_for_whole() -> None:
    once = Pages(95, moved=lambda asked: int(asked > 3))
    assert once.read() == tuple(range(96))
    with pytest.raises(ServerError, match="changed at every attempt"):
        Pages(95, moved=lambda asked: asked).read()


def test_a_page_that_fails_is_no_end() -> None:
    class Failing(Pages):
        async def __call__(self, number: int) -> Page[int]:
            if number == 7:
                raise ServerError("no page today")
            return await super().__call__(number)

    with pytest.raises(ServerError, match="no page today"):
        Failing(95).read()
