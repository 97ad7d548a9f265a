"""A fleet in simulated time: no update fails, and GitHub is not asked for more than it publishes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, cast

import pytest

from custom_resources import rate_budget
from custom_resources.clients.budget import SharedBudget, Wait
from custom_resources.errors import LimitUntold, RateLimited
from custom_resources.progress import Progress
from custom_resources.rate_budget import Cost
from products.functions import PATIENCE, QUERY_INTERVAL
from tests.scale.__main__ import PAGE
from tests.scale.github import GitHub, Limits, Telling
from tests.scale.report import SCENARIOS, plot, row, with_table
from tests.scale.rollout import PATIENCE_SECONDS, POLL_SECONDS, Outcome, Rollout, Scenario
from tests.scale.table import Table

pytestmark = pytest.mark.long  # hours of rollouts, simulated; a change of the budget runs `make scale`, too

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

HOUR = 3600.0

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


def test_ten_thousand_projects_reach_nine_tenths_of_what_github_publishes() -> None:
    """More than 749 projects an hour, and the page says how many."""
    scenario = Scenario(10_000)
    outcome = simulated(scenario)
    assert (outcome.failures, outcome.refusals) == (0, 0)
    assert outcome.share(scenario) >= 0.9
    assert max(most_in(HOUR, outcome.created[start : start + 1000]) for start in range(0, 6000, 500)) <= 500
    assert outcome.requests / outcome.hours < 5000
    assert row(scenario, outcome) in PAGE.read_text(encoding="utf-8"), "run `make scale`"


@pytest.mark.parametrize("scenario", [each for each in SCENARIOS if each.projects <= 1000], ids=str)
def test_the_page_says_what_is_simulated(scenario: Scenario) -> None:
    outcome = simulated(scenario)
    assert outcome.failures == 0
    assert row(scenario, outcome) in PAGE.read_text(encoding="utf-8"), "run `make scale`"


def test_the_page_has_a_row_for_each_scenario_and_its_plot() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert page.count("\n| ") == 2 + len(SCENARIOS)
    written = with_table(page, {})
    assert with_table(written, {}) == written
    assert written.count("\n| ") == 2
    with pytest.raises(ValueError, match="no place"):
        with_table("no marks", {})
    small = {each: Outcome(ended=[60.0 * number for number in range(100)]) for each in SCENARIOS[:3]}
    for drawn in (plot(small), PAGE.with_suffix(".svg").read_text(encoding="utf-8")):
        for said in ("80 a minute and 500 an hour", "20 a minute and 120 an hour", "ceiling of what is published"):
            assert said in drawn


def test_the_simulated_functions_are_the_products(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the simulator takes for the budget's rate, a call's patience and the waiter's interval is the product's."""
    assert (PATIENCE.to_seconds(), QUERY_INTERVAL.to_seconds()) == (PATIENCE_SECONDS, POLL_SECONDS)
    usual = simulated(Scenario(100))
    monkeypatch.setattr(rate_budget, "CREATIONS", replace(rate_budget.CREATIONS, amount=60, burst=1))
    assert simulated(Scenario(100)).hours > 2 * usual.hours
    monkeypatch.undo()
    monkeypatch.setattr("custom_resources.call.LONGEST", 0.1)
    assert Rollout(Scenario(300, limits=LESS[0])).run().failures > 0


def test_github_refuses_in_sliding_windows_what_is_over_a_limit() -> None:
    github = GitHub(Limits("small", 2, 3, 5), "the truth")
    for at in (0.0, 10.0):
        github.create(at)
    with pytest.raises(RateLimited) as minute:
        github.create(20.0)
    assert (minute.value.seconds, minute.value.of_content) == (40, True)
    github.create(60.0)
    with pytest.raises(RateLimited) as hour:
        github.create(130.0)
    assert hour.value.seconds == 3600 - 130
    with pytest.raises(RateLimited) as requests:
        github.ask(1, 140.0)
    assert (requests.value.seconds, requests.value.of_content) == (3600 - 140, False)
    github.create(3700.0)
    assert github.refusals == 3
    for telling, kind, seconds in (("nothing", LimitUntold, 60), ("a minute", RateLimited, 60)):
        refusing = GitHub(Limits("none", 1, 1), telling)  # type: ignore[arg-type]
        refusing.create(0.0)
        with pytest.raises(RateLimited) as told:
            refusing.create(1800.0)
        assert (type(told.value), told.value.seconds) == (kind, seconds)


def test_the_table_in_memory_is_written_as_it_was_read() -> None:
    table = Table()
    now = [1000.0]
    first, second = (SharedBudget(cast("DynamoDBClient", table), "budget", lambda: now[0]) for _ in range(2))
    read = first._read()
    second.reserve(Cost(creations=1), "r2", Progress())
    assert first._write(read[0], read[1], {"r1": Wait(0.0)}) is False
    assert "request r1" not in table.items, "both or neither"
    assert "request r2" in table.items
    assert table.created() == 1
