"""Prefetching: work on many items in a few threads that stay only slightly ahead of the reader."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")

WORKERS = min(4, os.cpu_count() or 1)
"""Threads that decode; Pillow releases the GIL while it works."""

_CHUNK = 128


def in_order(
    work: Callable[[int], T], indices: Sequence[int], *, chunk: int = _CHUNK
) -> Iterator[T]:
    """Results of ``work`` for each index, in order.

    Args:
        work: Called from several threads.
        indices: To work on.
        chunk: Results that one thread computes at a time; at most 128.

    >>> list(in_order(abs, [-1, 2, -3]))
    [1, 2, 3]
    """
    size = max(1, min(chunk, _CHUNK))

    def some(start: int) -> list[T]:
        return [work(index) for index in indices[start : start + size]]

    pool = ThreadPoolExecutor(WORKERS, "gannet-decode")
    try:
        waiting: deque[Future[list[T]]] = deque()
        for start in range(0, len(indices), size):
            waiting.append(pool.submit(some, start))
            if len(waiting) > 2 * WORKERS:
                yield from waiting.popleft().result()
        while waiting:
            yield from waiting.popleft().result()
    finally:  # a reader that stops early, or Ctrl-C, does not wait for the rest
        pool.shutdown(cancel_futures=True)
