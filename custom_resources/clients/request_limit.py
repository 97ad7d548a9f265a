"""How many requests to GitHub one reconcile may make, and how long it may take.

What users pile up in a repository never uses up all requests. And a function that is still waiting at its timeout
answers nobody: each request, and each git process, ends before.
"""

from __future__ import annotations

import math
import threading
import time

from custom_resources.clients.writes import Writes
from custom_resources.errors import OutOfTime, TooManyRequests

MOST = 200  # requests that one call may make
MOST_REPEATED = 40  # where GitHub fails all the time, a call ends soon, and the state machine waits
TO_ANSWER_SECONDS = 15  # of a function's time, to say that the rest is used up


class RequestLimit:
    """Counts the requests and the time since `begin`; before that, none. Thread-safe."""

    def __init__(self) -> None:
        """Nothing is limited yet."""
        self._made: int | None = None
        self._repeated, self._until = 0, math.inf
        self._seconds, self._end = 0.0, math.inf
        self.writes = Writes()  # among the requests
        self._lock = threading.Lock()

    def begin(self, seconds: float = 0) -> None:
        """Start to count: a reconcile begins, which the function has so many seconds for (0 = as many as it takes)."""
        with self._lock:
            self._made, self._repeated, now = 0, 0, time.monotonic()
            # What is repeated in the first half has the other half to end in.
            self._until = now + seconds / 2 if seconds else math.inf
            self._seconds = max(1.0, seconds - TO_ANSWER_SECONDS)
            self._end = now + self._seconds if seconds else math.inf

    def take(self, requests: int = 1) -> None:
        """Count requests that are about to be made. Raises TooManyRequests, OutOfTime for one too many or too late."""
        self.left(math.inf)
        with self._lock:
            if self._made is None:
                return
            if self._made + requests > MOST + self._repeated:
                raise TooManyRequests(limit=MOST)
            self._made += requests

    def left(self, most: float) -> float:
        """Return how many seconds something has that may take `most` at most. Raises OutOfTime when none are left."""
        left = self._end - time.monotonic()
        if left <= 0:
            raise OutOfTime(5, limit=f"{self._seconds:.0f}")
        return min(most, left)

    def repeats(self) -> bool:
        """Tell whether a request that failed may be made once more, and allow one more for it."""
        with self._lock:
            if self._made is None:
                return True
            if self._repeated >= MOST_REPEATED or time.monotonic() > self._until:
                return False
            self._repeated += 1
            return True
