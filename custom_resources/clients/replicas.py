"""How long GitHub may not show yet what was just written: its replicas follow within seconds (decision 0080)."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from datetime import datetime

LAG_SECONDS = 60.0  # users report up to some ten (octoherd/octoherd-cli issue 6, code.quarkus.io issue 454)
_KEPT = 64  # requests whose writes are remembered
_OF_A_REPOSITORY = re.compile(r"/repos/([^/]+/[^/?]+)")


class Replicas:
    """Tells whether what is missing may have been written a moment ago.

    That is so for LAG_SECONDS after the newest write that is known of, and after the request's start: another function
    may have written just before. Thread-safe as far as it has to be: times only grow.
    """

    def __init__(self, clock: Callable[[], float] | None = None) -> None:
        """`clock` returns Unix time; None = the machine's."""
        self.clock = clock or (lambda: time.time())  # noqa: PLW0108 -- looked up each time: a test may replace it
        self._written: dict[str, float] = {}  # request -> the time of its newest write
        self._request = ""
        self._started = float("-inf")
        self._repositories: set[str] = set()

    def begin(self, request: str, started: float) -> None:
        """Begin a call for a request that was accepted at that time."""
        self._request, self._started, self._repositories = request, started, set()

    def wrote(self, path: str = "") -> None:
        """Remember a write that succeeded; `path` is that of GitHub's API. "" = one that may have succeeded."""
        self._note(self.clock())
        if found := _OF_A_REPOSITORY.match(path):
            self._repositories.add(found[1].casefold())

    def created(self, when: str) -> None:
        """Remember when a repository was created, as GitHub says it (ISO 8601, "" = unknown)."""
        if when:
            self._note(datetime.fromisoformat(when).timestamp())

    def _note(self, when: float) -> None:
        self._written[self._request] = max(when, self._written.pop(self._request, when))
        while len(self._written) > _KEPT:
            self._written.pop(next(iter(self._written)))

    @property
    def recent(self) -> bool:
        """Tell whether replicas may lag behind what this request or one just before it wrote."""
        newest = max(self._started, self._written.get(self._request, self._started))
        return self.clock() - newest < LAG_SECONDS

    @property
    def has_written(self) -> bool:
        """Tell whether this request wrote, or may have written, so lately that it may not be seen."""
        return self.clock() - self._written.get(self._request, float("-inf")) < LAG_SECONDS

    def has_written_to(self, full_name: str) -> bool:
        """Tell whether a write to the repository has succeeded in this call: a 404 then means a missing part."""
        return full_name.casefold() in self._repositories
