"""PyGithub's requests, each of which has an end, whatever the server does."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Any, TypeVar, cast

import requests
from github.GithubException import GithubException

from custom_resources.clients.request_limit import RequestLimit

ANSWER_SECONDS = 60  # within which an answer is complete, or given up
T = TypeVar("T")


@dataclass(frozen=True)
class Timely:
    """PyGithub's requester, with a limit of the time that a whole answer takes: its own is of the silence only."""

    requester: Any
    limit: RequestLimit

    def requestJson(self, verb: str, path: str, *, input: Any = None) -> tuple[int, Mapping[str, Any], str]:  # noqa: N802
        """Make a request. Raises OutOfTime, and what requests raises."""
        seconds = self.limit.left(ANSWER_SECONDS)
        try:
            made = within(seconds, lambda: self.requester.requestJson(verb, path, input=input))
        except TimeoutError as late:
            raise requests.exceptions.ReadTimeout(str(late)) from None
        return cast("tuple[int, Mapping[str, Any], str]", made)

    def createException(self, status: int, headers: Any, data: Any) -> GithubException:  # noqa: N802
        """Return the exception of an answer above 299."""
        return cast("GithubException", self.requester.createException(status, headers, data))


def within(seconds: float, act: Callable[[], T]) -> T:
    """Return what a function returns; raise TimeoutError when it takes longer.

    Its thread is left to itself then. Nothing else ends all that can wait: the look-up of a name, a handshake, an
    answer that comes byte by byte for ever.
    """
    ends: SimpleQueue[tuple[list[T], BaseException | None]] = SimpleQueue()

    def run() -> None:
        try:
            ends.put(([act()], None))
        except BaseException as failed:
            ends.put(([], failed))

    threading.Thread(target=run, name="request", daemon=True).start()
    try:
        found, failed = ends.get(timeout=None if math.isinf(seconds) else seconds)
    except Empty:
        raise TimeoutError(f"It took longer than {seconds:.0f} seconds.") from None
    if failed:
        raise failed
    return found[0]
