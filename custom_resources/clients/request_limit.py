"""How many requests to GitHub one reconcile may make: what users pile up in a repository never uses up all of it."""

from __future__ import annotations

import threading

from custom_resources.clients.writes import Writes
from custom_resources.errors import TooManyRequests

MOST = 200


class RequestLimit:
    """Counts the requests since `begin`; before that, none. Thread-safe."""

    def __init__(self) -> None:
        """Nothing is limited yet."""
        self._made: int | None = None
        self.writes = Writes()  # among the requests
        self._lock = threading.Lock()

    def begin(self) -> None:
        """Start to count: a reconcile begins."""
        with self._lock:
            self._made = 0

    def take(self, requests: int = 1) -> None:
        """Count requests that are about to be made. Raises TooManyRequests instead of letting one too many go."""
        with self._lock:
            if self._made is None:
                return
            if self._made + requests > MOST:
                raise TooManyRequests(limit=MOST)
            self._made += requests
