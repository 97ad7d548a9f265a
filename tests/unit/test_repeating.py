"""What is repeated within a call, how often, and until when."""

from __future__ import annotations

import runpy
import time

import pytest

from custom_resources.clients import repeating
from custom_resources.clients.repeating import TRIES, repeated
from custom_resources.clients.request_limit import MOST, MOST_REPEATED, RequestLimit
from custom_resources.errors import TooManyRequests
from custom_resources.progress import Progress
from custom_resources.rate_budget import Cost
from tests import sleeping


class Failing:
    """What fails so many times."""

    def __init__(self, times: int) -> None:
        self.left, self.called = times, 0

    def __call__(self) -> str:
        self.called += 1
        if self.left:
            self.left -= 1
            raise ConnectionError
        return "done"


def passes(failed: Exception) -> bool:
    return isinstance(failed, ConnectionError)


@pytest.mark.parametrize("times", range(TRIES))
def test_what_passes_is_repeated(times: int) -> None:
    act = Failing(times)
    assert repeated(act, passes, RequestLimit()) == "done"
    assert act.called == times + 1


def test_the_last_failure_comes_out_and_another_at_once() -> None:
    act = Failing(99)
    with pytest.raises(ConnectionError):
        repeated(act, passes, RequestLimit())
    assert act.called == TRIES == 4
    act = Failing(99)
    with pytest.raises(ConnectionError):
        repeated(act, lambda failed: False, RequestLimit())
    assert act.called == 1


def test_pauses_grow_differ_and_are_some_seconds_together(monkeypatch: pytest.MonkeyPatch) -> None:
    as_written = runpy.run_path(repeating.__file__)["FIRST_SECONDS"]  # other tests do not wait
    monkeypatch.setattr(repeating, "FIRST_SECONDS", as_written)
    rows = []
    for _ in range(20):
        slept = sleeping.noted(monkeypatch)
        repeated(Failing(TRIES - 1), passes, RequestLimit())
        rows.append(tuple(slept))
    assert len(set(rows)) > 1
    for first, second, third in rows:
        assert 0.25 <= first <= 0.5 <= second <= 1.0 <= third <= 2.0


def test_a_call_repeats_little_where_everything_fails() -> None:
    limit = RequestLimit()
    assert limit.repeats(), "before a call begins, nothing is counted"
    limit.begin()
    assert [limit.repeats() for _ in range(MOST_REPEATED + 2)] == [True] * MOST_REPEATED + [False] * 2
    limit.begin()
    assert limit.repeats()


def test_nothing_is_repeated_in_the_second_half_of_the_functions_time(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    limit = RequestLimit()
    limit.begin(60)
    now[0] = 130.0
    assert limit.repeats()
    now[0] = 130.5
    assert not limit.repeats()


def test_a_repetition_does_not_count_as_what_users_pile_up() -> None:
    limit = RequestLimit()
    limit.begin()
    limit.take(MOST)
    with pytest.raises(TooManyRequests):
        limit.take()
    assert limit.repeats()
    limit.take()
    with pytest.raises(TooManyRequests):
        limit.take()


def test_progress_tells_what_is_done_and_what_is_left() -> None:
    progress = Progress({"secret A": ""}, Cost(5), waits=2)
    progress.noting("secret")("B")
    progress.note("environment", "production", "for main only")
    assert progress.left("secret", ["C", "B", "A"]) == ("C",)
    assert progress.left("variable", ["A"]) == ("A",), "another kind of step"
    assert progress.done("secret") == {"A": "", "B": ""}
    assert (progress.told("environment", "production"), progress.told("environment", "x")) == ("for main only", None)
    assert (len(progress), progress.paid, progress.waits, len(Progress())) == (3, Cost(5), 2, 0)
