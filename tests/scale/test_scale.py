"""A fleet in simulated time: no update fails, and GitHub is not asked for more than it publishes."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from tests.scale.github import Limits, Telling
from tests.scale.rollout import Outcome, Rollout, Scenario

TELLINGS: tuple[Telling, ...] = ("nothing", "the truth", "a minute")
LESS = [
    Limits("as users measured", 20, 120),
    Limits("as users measured at best", 20, 150),
    Limits("an hour's", 80, 120),
]


def simulated(scenario: Scenario) -> Outcome:
    """Simulate, and see that every update has ended."""
    outcome = Rollout(scenario).run()
    assert len(outcome.ended) == scenario.projects
    return outcome


def most_in(seconds: float, times: Sequence[float]) -> int:
    return max(sum(start <= time < start + seconds for time in times) for start in times)


@pytest.mark.parametrize("at_once", [20, 60])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_three_hundred_updates_meet_no_published_limit(at_once: int, seed: int) -> None:
    outcome = simulated(Scenario(300, at_once, seed=seed))
    assert (outcome.failures, outcome.refusals) == (0, 0)
    assert len(outcome.created) == 180
    assert most_in(60, outcome.created) <= 20


@pytest.mark.parametrize("at_once", [20, 60])
@pytest.mark.parametrize("telling", TELLINGS)
@pytest.mark.parametrize("limits", LESS, ids=lambda limits: f"{limits.minute} a minute, {limits.hour} an hour")
def test_where_github_permits_less_three_hundred_updates_wait_and_none_fails(
    limits: Limits, telling: Telling, at_once: int
) -> None:
    for seed in (1, 2, 3):
        outcome = simulated(Scenario(300, at_once, limits, telling, seed))
        assert outcome.failures == 0
        assert len(outcome.created) == 180
        assert outcome.hours < 2


def test_one_after_another_the_rate_keeps_what_it_has_learned() -> None:
    """Refusals are few, also over hours, and the hour's limit is used."""
    outcome = simulated(Scenario(700, 20, LESS[0]))
    assert outcome.failures == 0
    assert outcome.refusals <= 3 * outcome.hours
    assert len(outcome.created) / outcome.hours > 0.75 * LESS[0].hour


def test_without_the_machines_look_ahead_updates_would_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else it would not be that which keeps them from it."""
    monkeypatch.setattr("tests.scale.rollout.may_start", lambda opens_at, now: True)
    assert Rollout(Scenario(300, 60, LESS[0])).run().failures > 0
