"""GitHub's limits in simulated time: what it refuses, and what it says then."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Literal

from custom_resources.errors import LimitUntold, RateLimited

# How a refusal tells the time: not at all, the true one, or always a minute.
Telling = Literal["nothing", "the truth", "a minute"]


@dataclass(frozen=True)
class Limits:
    """GitHub's, of one token: pieces of content in a minute and in an hour, requests in an hour."""

    name: str
    minute: int
    hour: int
    requests: int = 5000


PUBLISHED = Limits("as published", 80, 500)
MEASURED = (Limits("as users measured", 20, 120), Limits("as users measured at best", 20, 150))


class GitHub:
    """Counts what is created and asked in sliding windows, and refuses what is over a limit."""

    def __init__(self, limits: Limits, telling: Telling = "nothing") -> None:
        """Start with nothing used."""
        self.limits = limits
        self.refusals = self.asked = 0
        self.created: list[float] = []  # when each piece was
        self._telling = telling
        self._requests: deque[float] = deque()

    def ask(self, requests: int, now: float) -> None:
        """Make requests that create nothing. Raises RateLimited."""
        while self._requests and now - self._requests[0] >= 3600:
            self._requests.popleft()
        if len(self._requests) + requests > self.limits.requests:
            self.refusals += 1
            raise RateLimited(max(1.0, self._requests[0] + 3600 - now), message="API rate limit exceeded")
        self._requests.extend([now] * requests)
        self.asked += requests

    def create(self, now: float) -> None:
        """Create a piece of content. Raises RateLimited."""
        self.ask(1, now)
        waits = [
            self.created[-most] + seconds - now
            for most, seconds in ((self.limits.minute, 60), (self.limits.hour, 3600))
            if len(self.created) >= most and self.created[-most] > now - seconds
        ]
        if waits:
            self.refusals += 1
            raise self._refusal(max(waits))
        self.created.append(now)

    def _refusal(self, seconds: float) -> RateLimited:
        if self._telling == "nothing":
            refused: RateLimited = LimitUntold(60.0, message="was submitted too quickly")
        else:
            told = 60.0 if self._telling == "a minute" else max(1.0, seconds)
            refused = RateLimited(told, message="You have exceeded a secondary rate limit")
        refused.of_content = True
        return refused
