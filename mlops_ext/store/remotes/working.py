"""A few things at a time: the transfers of a remote run side by side, in bounded memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import TypeVar

__all__ = ["side_by_side"]

T = TypeVar("T")
R = TypeVar("R")

_WORKERS = 8


def side_by_side(work: Callable[[T], R], items: Iterable[T]) -> Iterator[R]:
    """Do a thing for each item, eight at a time; give the results as they come, and read the items as they go.

    The first error ends it: what has not begun by then is left undone.
    """
    with ThreadPoolExecutor(_WORKERS, thread_name_prefix="mlops-remote") as pool:
        under_way: set[Future[R]] = set()
        try:
            for item in items:
                under_way.add(pool.submit(work, item))
                if len(under_way) >= 2 * _WORKERS:
                    done, under_way = wait(under_way, return_when=FIRST_COMPLETED)
                    yield from (each.result() for each in done)
            while under_way:
                done, under_way = wait(under_way, return_when=FIRST_COMPLETED)
                yield from (each.result() for each in done)
        finally:
            for each in under_way:
                each.cancel()
