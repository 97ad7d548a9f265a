"""How many requests to GitHub one reconcile may make, and how long it may take: whatever users pile up, whatever GitHub does.

A function that Lambda ends at its timeout answers nobody. So each request, and each git process, ends before.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import TypeVar

from custom_resources.errors import OutOfTime, TooManyRequests

MOST = 200
T = TypeVar("T")


class RequestLimit:
    """Counts the requests and the time since `begin`; before that, none. Thread-safe."""

    def __init__(self) -> None:
        """Nothing is limited yet."""
        self._made: int | None = None
        self._seconds = self._end = math.inf
        self._lock = threading.Lock()

    def begin(self, seconds: float = math.inf) -> None:
        """Start to count: a reconcile begins, which has so many seconds."""
        with self._lock:
            self._made, self._seconds, self._end = 0, seconds, time.monotonic() + seconds

    def take(self, requests: int = 1) -> None:
        """Count requests that are about to be made; rather than let one too many go, raise TooManyRequests or OutOfTime."""
        self.left(math.inf)
        with self._lock:
            if self._made is None:
                return
            if self._made + requests > MOST:
                raise TooManyRequests(limit=MOST)
            self._made += requests

    def left(self, most: float) -> float:
        """Return how many seconds something may take that gets `most` at most. Raises OutOfTime when there are none."""
        left = self._end - time.monotonic()
        if left <= 0:
            raise OutOfTime(5, limit=f"{self._seconds:.0f}")
        return min(most, left)


def within(seconds: float, act: Callable[[], T]) -> T:
    """Return what a function does; raise TimeoutError when it takes longer.

    Its thread is left to itself then. No other way ends all that can wait: the look-up of a name, a handshake, an answer
    that comes byte by byte for ever.
    """
    ends: SimpleQueue[tuple[list[T], BaseException | None]] = SimpleQueue()

    def run() -> None:
        try:
            ends.put(([act()], None))
        except BaseException as failed:
            ends.put(([], failed))

    threading.Thread(target=run, name="within", daemon=True).start()
    try:
        found, failed = ends.get(timeout=None if math.isinf(seconds) else seconds)
    except Empty:
        raise TimeoutError(f"It took longer than {seconds:.0f} seconds.") from None
    if failed:
        raise failed
    return found[0]
