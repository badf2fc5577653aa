"""Lists are pages; most callers want the rows."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Protocol, TypeVar

from .rest.types import UNSET, Unset

Row = TypeVar("Row")


class Page(Protocol[Row]):
    """What every list answers."""

    data: list[Row]
    next_cursor: None | str | Unset


def each(read: Callable[[str | Unset], Page[Row] | None]) -> Iterator[Row]:
    """All rows of a list, a page at a time: ``for order in each(lambda cursor: list_orders.sync(..., cursor=cursor))``."""
    cursor: str | Unset = UNSET
    while (page := read(cursor)) is not None:
        yield from page.data
        if not page.next_cursor:
            return
        cursor = page.next_cursor


async def each_async(read: Callable[[str | Unset], Awaitable[Page[Row] | None]]) -> AsyncIterator[Row]:
    """The same, without blocking."""
    cursor: str | Unset = UNSET
    while (page := await read(cursor)) is not None:
        for row in page.data:
            yield row
        if not page.next_cursor:
            return
        cursor = page.next_cursor
