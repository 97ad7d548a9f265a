"""Nothing waits for ever: not for an answer, and not for all the answers of one call."""

from __future__ import annotations

import math
import threading
import time
from typing import Any

import pytest
import requests

from custom_resources import catalogue
from custom_resources.clients import github_connection, request_limit, timely
from custom_resources.clients.request_limit import RequestLimit
from custom_resources.clients.timely import Timely, within
from custom_resources.errors import OutOfTime


class Slow:
    """A requester whose server answers when it is told to."""

    def __init__(self) -> None:
        self.told = threading.Event()

    def requestJson(self, verb: str, path: str, *, input: Any = None) -> tuple[int, dict[str, str], str]:  # noqa: N802
        self.told.wait(10)
        if path == "/broken":
            raise requests.ConnectionError("broken")
        return 200, {}, f"{verb} {path} {input}"


def test_what_is_in_time_is_returned_and_what_it_raises_is_raised() -> None:
    assert within(5, lambda: threading.current_thread().daemon) is True
    assert within(math.inf, lambda: 7) == 7
    with pytest.raises(ZeroDivisionError):
        within(5, lambda: 1 // 0)
    slow = Slow()
    slow.told.set()
    requester = Timely(slow, RequestLimit())
    assert requester.requestJson("GET", "/x", input=1) == (200, {}, "GET /x 1")
    with pytest.raises(requests.ConnectionError, match="broken"):
        requester.requestJson("GET", "/broken")


def test_an_answer_that_never_ends_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timely, "ANSWER_SECONDS", 0.05)
    slow = Slow()
    with pytest.raises(requests.exceptions.ReadTimeout, match="longer than 0 seconds"):
        Timely(slow, RequestLimit()).requestJson("GET", "/x")
    slow.told.set()


def test_a_call_has_its_functions_time_and_keeps_some_to_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    limit = RequestLimit()
    assert limit.left(60) == 60
    limit.begin(100)
    assert limit.left(60) == 60
    now[0] += 50
    assert limit.left(60) == 35
    limit.take()
    now[0] += 35
    for act in (limit.take, lambda: limit.left(1)):
        with pytest.raises(OutOfTime, match="longer than the 85 seconds") as told:
            act()
        assert told.value.seconds == 5
    limit.begin()  # as many as it takes
    now[0] += 1e6
    assert limit.left(60) == 60


@pytest.mark.parametrize(
    "entry", [each for each in catalogue.CATALOGUE if "github" in each.needs], ids=lambda each: each.name
)
def test_the_last_request_of_a_call_ends_before_the_function_does(entry: catalogue.Entry) -> None:
    """Begun in the last moment, it is given up with it; and one that nobody answers leaves time for another."""
    assert request_limit.TO_ANSWER_SECONDS >= 10
    assert entry.timeout - request_limit.TO_ANSWER_SECONDS > 2 * github_connection.TIMEOUT_SECONDS
