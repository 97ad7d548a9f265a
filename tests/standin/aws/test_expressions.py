"""JSONata's second is one of work, not of the clock."""

from __future__ import annotations

import time
from collections.abc import Iterator
from itertools import count

import jsonata
import pytest
from jsonata import timebox
from jsonata.jexception import JException

from standins.aws import expressions


@pytest.fixture
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timebox.Timebox, "__init__", timebox.Timebox.__init__)  # put back after the test
    monkeypatch.setattr(timebox.Timebox, "check_runaway", timebox.Timebox.check_runaway)
    expressions.register()


@pytest.fixture
def starved(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another process takes the processor: ten seconds pass at each look at the clock."""
    now: Iterator[int] = count(1_800_000_000, 10)
    monkeypatch.setattr(time, "time", lambda: next(now))


def value(expression: str) -> object:
    return jsonata.Jsonata.jsonata(expression, timeout=1000).evaluate(None)


@pytest.mark.usefixtures("starved")
def test_by_the_clock_an_expression_fails_for_another_process() -> None:
    with pytest.raises(JException) as failed:
        value("$sum([1..10].($ * 2))")
    assert failed.value.error == "D1012"


@pytest.mark.usefixtures("starved", "patience")
def test_by_its_work_it_does_not() -> None:
    assert value("$sum([1..10].($ * 2))") == 110


@pytest.mark.usefixtures("patience")
def test_an_endless_expression_ends_all_the_same() -> None:
    with pytest.raises(JException) as failed:
        value("($more := function($x) { $more($x + 1) }; $more(0))")
    assert failed.value.error == "D1012"


@pytest.mark.usefixtures("patience")
def test_what_tells_the_time_goes_by_the_clock() -> None:
    now = value("$millis()")
    assert isinstance(now, int)
    assert abs(now / 1000 - time.time()) < 3600
