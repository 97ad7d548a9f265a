"""How many requests to GitHub one reconcile may make: what users pile up in a repository never uses up all of it."""

from __future__ import annotations

import math
import threading
import time

from custom_resources.errors import TooManyRequests

MOST = 200
MOST_REPEATED = 40  # where GitHub fails all the time, a call ends soon, and the state machine waits


class RequestLimit:
    """Counts the requests since `begin`; before that, none. Thread-safe."""

    def __init__(self) -> None:
        """Nothing is limited yet."""
        self._made: int | None = None
        self._repeated, self._until = 0, math.inf
        self._lock = threading.Lock()

    def begin(self, seconds: float = 0) -> None:
        """Start to count: a reconcile begins, which the function has so many seconds for (0 = as many as it takes)."""
        with self._lock:
            self._made, self._repeated = 0, 0
            # What is repeated in the first half has the other half to end in.
            self._until = time.monotonic() + seconds / 2 if seconds else math.inf

    def take(self, requests: int = 1) -> None:
        """Count requests that are about to be made. Raises TooManyRequests instead of letting one too many go."""
        with self._lock:
            if self._made is None:
                return
            if self._made + requests > MOST + self._repeated:
                raise TooManyRequests(limit=MOST)
            self._made += requests

    def repeats(self) -> bool:
        """Tell whether a request that failed may be made once more, and allow one more for it."""
        with self._lock:
            if self._made is None:
                return True
            if self._repeated >= MOST_REPEATED or time.monotonic() > self._until:
                return False
            self._repeated += 1
            return True
