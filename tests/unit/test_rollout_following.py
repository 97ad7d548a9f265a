"""`--wait` follows a rollout to its end, whatever AWS answers meanwhile; and nobody begins one without a yes."""

from __future__ import annotations

import argparse
import io
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from custom_resources.clients.service_catalog import ProductVersion
from custom_resources.errors import AwsThrottled
from operations.errors import NoRollout, RolloutChanged, RolloutNotConfirmed
from operations.rollout import command, following, steps
from operations.rollout.planning import Plan
from operations.rollout.sites import RolloutSite
from operations.rollout.state import Rollout, Target, Wish

ROLLOUT = Rollout(
    "r1", "running", Target("prod-1", "v2", "pa-2"), planned=4, started=1.0, wave="wave-1", run_by="arn:1"
)


class Store:
    """A rollout as it is read, one look after another; whether its machine runs."""

    def __init__(self, *looks: Rollout | Exception | None, runs: bool = True) -> None:
        self.looks: Iterator[Rollout | Exception | None] = iter(looks)
        self.machine = runs

    def read(self) -> Rollout | None:
        found = next(self.looks)
        if isinstance(found, Exception):
            raise found
        return found

    def runs(self, rollout: Rollout) -> bool:
        return self.machine


def site(store: Any) -> RolloutSite:
    nothing: Any = None
    return RolloutSite(None, nothing, nothing, store, "prod-1", nothing, nothing)


@pytest.fixture(autouse=True)
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    waits: list[float] = []
    monkeypatch.setattr("operations.rollout.following.time.sleep", waits.append)
    return waits


def followed(*looks: Rollout | Exception | None, runs: bool = True) -> Rollout:
    return following.followed(site(Store(*looks, runs=runs)), ROLLOUT, as_json=True)


def counted(number: int) -> Rollout:
    return replace(ROLLOUT, counts={"merged": number})


def test_it_is_followed_to_its_end_and_each_step_is_told_once(capsys: pytest.CaptureFixture[str]) -> None:
    ended = replace(counted(4), phase="ended")
    assert followed(counted(0), counted(2), counted(2), ended) == ended
    out, err = capsys.readouterr()
    assert out == "", "the document alone is on the standard output"
    assert [line.partition(";")[0] for line in err.splitlines()] == [
        "running, wave-1: 0 of 4 projects: none yet",
        "running, wave-1: 2 of 4 projects: 2 merged",
        "ended, wave-1: 4 of 4 projects: 4 merged",
    ]


def test_a_look_that_is_not_answered_is_tried_again(slept: list[float]) -> None:
    throttled = AwsThrottled(7, service="DynamoDB", activity="reading the rollout", code="ThrottlingException")
    paused = replace(ROLLOUT, phase="paused")
    assert followed(throttled, throttled, paused) == paused
    assert slept == [7, 7]


def test_a_machine_that_is_gone_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(range(0, 10_000, 25))
    monkeypatch.setattr("operations.rollout.following.time.monotonic", lambda: float(next(clock)))
    assert followed(*[ROLLOUT] * 10, runs=False) == ROLLOUT


def test_another_rollout_is_not_followed() -> None:
    another = replace(ROLLOUT, id="r2")
    assert followed(another) == another
    with pytest.raises(NoRollout):
        followed(None)


class Terminal(io.StringIO):
    """A terminal of eighty columns."""

    def isatty(self) -> bool:
        return True


def test_a_terminal_shows_one_line_in_place(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = Terminal()
    monkeypatch.setattr("sys.stderr", stream)
    monkeypatch.setenv("COLUMNS", "40")
    following.followed(site(Store(counted(1), replace(counted(4), phase="ended"))), ROLLOUT, as_json=False)
    lines = stream.getvalue().split("\r")
    assert [len(line.rstrip("\n")) for line in lines[1:]] == [39, 39]
    assert lines[-1].endswith("\n")


@pytest.mark.parametrize(
    ("answer", "as_json", "terminal", "begins"),
    [("y", False, True, True), (" YES ", False, True, True), ("", False, True, False), ("n", False, True, False),
     ("y", True, True, False), ("y", False, False, False)],
)  # fmt: skip
def test_nobody_begins_without_a_yes(
    monkeypatch: pytest.MonkeyPatch, answer: str, as_json: bool, terminal: bool, begins: bool
) -> None:
    monkeypatch.setattr("sys.stdin", Terminal() if terminal else io.StringIO())
    monkeypatch.setattr("builtins.input", lambda _: answer)
    options = argparse.Namespace(yes=False, json=as_json)
    if begins:
        command._confirm(options)
    else:
        with pytest.raises(RolloutNotConfirmed):
            command._confirm(options)
    command._confirm(argparse.Namespace(yes=True, json=True))


def test_what_changed_between_the_look_and_the_change_is_told() -> None:
    class Changed(Store):
        def change(self, *_: Any, **__: Any) -> bool:
            return False

    store: Any = Changed(ROLLOUT)
    with pytest.raises(RolloutChanged):
        steps.pause(store)


class Written(Store):
    """Keeps what was begun; nobody has one before."""

    def __init__(self) -> None:
        super().__init__()
        self.begun: list[Rollout] = []

    def read(self) -> Rollout | None:
        return replace(self.begun[-1], phase="aborted") if self.begun else None

    def write_plan(self, rollout: Rollout) -> None: ...

    def create(self, rollout: Rollout, times: object) -> bool:
        self.begun.append(rollout)
        return True

    def run(self, rollout: str, number: int) -> None: ...


def test_a_rollout_that_follows_an_aborted_one_at_once_has_a_name_of_its_own() -> None:
    """Step Functions refuses a name that an execution has had within 90 days."""
    store: Any = Written()
    nothing = Plan(ProductVersion("pa-2", "v2"), (), (), ())
    for now in (1000.4, 1000.6, 1000.9, 2000.0):
        steps.begin(store, nothing, ROLLOUT.target, Wish(), now)
    names = [each.id for each in store.begun]
    assert sorted(set(names)) == names
    assert names[-1].startswith("19700101-003320-v2-"), "later ones are named by their own time"
    assert max(len(f"{name.replace('v2', 'v100.100.100')}-1000000") for name in names) <= 80, "of an execution's name"


def test_two_that_begin_in_one_second_write_apart() -> None:
    """Only one becomes the rollout; its lists must not be the other's."""
    nothing = Plan(ProductVersion("pa-2", "v2"), (), (), ())
    one, other = Written(), Written()
    for store in (one, other):
        anything: Any = store
        steps.begin(anything, nothing, ROLLOUT.target, Wish(), 1000.0)
    assert one.begun[0].id != other.begun[0].id
