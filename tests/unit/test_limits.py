"""GitHub's limits in numbers: what the budget may spend, and how long an answer asks to wait."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from github.Requester import Requester

from custom_resources import rate_budget
from custom_resources.clients.github import GitHub
from custom_resources.clients.secrets import GitHubCredentials
from custom_resources.errors import NotPermitted, RateLimited
from custom_resources.rate_budget import BEGINNING, BEGINNING_SECONDS, CREATIONS, POINTS, Budget, Cost, Limit

NOW = 1_764_000_000.0
SECONDARY = "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."


def test_of_the_points_a_fifth_is_left_and_a_burst_takes_no_more() -> None:
    assert (POINTS.amount, POINTS.seconds) == (900 * 4 / 5, 60)
    assert POINTS.amount + POINTS.burst == 900


def most(limit: Limit, seconds: float) -> float:
    """Return what the budget lets go in so many seconds, when each goes up to a minute later than it may."""
    return limit.burst + limit.amount * (seconds + 60) / limit.seconds


def test_of_creations_no_hour_has_more_than_is_published_and_no_minute_more_than_users_measured() -> None:
    assert 490 < most(CREATIONS, 3600) <= 500
    assert CREATIONS.burst + CREATIONS.amount / 60 <= 20
    assert most(BEGINNING, BEGINNING_SECONDS - 60) <= 120, "the least that users measured in an hour"


@pytest.mark.parametrize(
    ("burst", "more", "seconds"),
    [
        (Cost(points=180), Cost(points=12), 1.0),
        (Cost(creations=10), Cost(creations=4), 30.0),
        (Cost(creations=30), Cost(creations=1), 157.5),  # more than a burst, let through by the empty bucket
    ],
)
def test_what_a_burst_leaves_is_waited_for(burst: Cost, more: Cost, seconds: float) -> None:
    spent, none = rate_budget.reserve(Budget(), burst, NOW)
    same, wait = rate_budget.reserve(spent, more, NOW)
    assert (none, same) == (0.0, spent)
    assert wait == pytest.approx(seconds)
    assert rate_budget.reserve(spent, more, NOW + seconds)[1] == 0.0


def test_each_cost_fills_the_buckets_that_github_counts_it_in() -> None:
    spent, _ = rate_budget.reserve(Budget(), Cost(points=60, creations=8), NOW)
    filled = {"points": NOW + 5, "creations_hourly": NOW + 60, "beginning": NOW + 240}
    assert spent == Budget(filled, began=NOW)
    later, _ = rate_budget.reserve(spent, Cost(points=12), NOW + 1)
    assert later.empty_at == {**spent.empty_at, "points": NOW + 6}
    rested, _ = rate_budget.reserve(later, Cost(points=12), NOW + 100)
    assert rested.empty_at["points"] == NOW + 101, "what was not spent is not saved"


def test_after_a_pause_the_buckets_that_it_is_about_are_full() -> None:
    paused = rate_budget.pause(Budget({"points": NOW + 500, "creations_hourly": NOW + 9}), 60, NOW)
    assert paused.paused_until == NOW + 60
    assert paused.empty_at == {"points": NOW + 500, "creations_hourly": NOW + 9}
    assert rate_budget.pause(Budget({"points": NOW + 1}), 60, NOW).empty_at == {"points": NOW + 15}
    assert rate_budget.pause(Budget(), 60, NOW).empty_at == {"points": NOW + 15}
    of_content = rate_budget.pause(Budget({"beginning": NOW + 300}), 60, NOW, content=True)
    assert of_content.empty_at == {"points": NOW + 15, "creations_hourly": NOW + 75, "beginning": 0}
    assert paused.behind == {"requests": 60, "content": 60}, "the clocks stood still"
    assert rate_budget.wait(paused, NOW + 20) == 40
    assert rate_budget.wait(paused, NOW + 61) == 0


def test_what_is_paid_in_advance_counts_for_each_limit_apart() -> None:
    assert (Cost(), Budget()) == (Cost(points=0, creations=0), Budget({}, 0.0))
    assert Cost(5, 3).beyond(Cost(2, 1)) == Cost(3, 2)
    assert Cost(5, 3).beyond(Cost(9, 9)) == Cost()
    assert Cost(5, 1).plus(Cost(2, 3)) == Cost(7, 4)
    assert [bool(each) for each in (Cost(), Cost(1), Cost(0, 1))] == [False, True, True]


@pytest.mark.parametrize(
    ("status", "headers", "message", "seconds"),
    [
        (403, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(int(NOW) + 90)}, "API rate limit exceeded", 90),
        (429, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(int(NOW) + 90)}, "API rate limit exceeded", 90),
        (403, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(int(NOW) - 5)}, "API rate limit exceeded", 1),
        (403, {"retry-after": "0"}, SECONDARY, 1),
        (403, {"retry-after": "17", "x-ratelimit-remaining": "0", "x-ratelimit-reset": "1"}, SECONDARY, 17),
        (403, {"retry-after": "Mon, 24 Nov 2025 16:00:30 GMT"}, SECONDARY, 30),
        (403, {}, SECONDARY, 60),
        (403, {"x-ratelimit-remaining": "4711", "x-ratelimit-reset": str(int(NOW) + 90)}, SECONDARY, 60),
        (429, {}, "Too many requests", 60),
    ],
)
def test_a_limit_is_waited_for_as_long_as_github_asks(
    monkeypatch: pytest.MonkeyPatch, status: int, headers: dict[str, str], message: str, seconds: float
) -> None:
    with pytest.raises(RateLimited) as wait:
        answered(monkeypatch, status, headers, message).find_repository("acme/x")
    assert wait.value.seconds == seconds
    assert message in wait.value.why


def test_a_refusal_with_some_of_the_limit_left_is_no_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    headers = {"x-ratelimit-remaining": "10", "x-ratelimit-reset": str(int(NOW) + 90)}
    with pytest.raises(NotPermitted):
        answered(monkeypatch, 403, headers, "Resource not accessible by integration").find_repository("acme/x")


def answered(monkeypatch: pytest.MonkeyPatch, status: int, headers: dict[str, str], message: str) -> GitHub:
    """Return a client whose every request gets this answer, at the time NOW."""

    def answer(*_: Any, **__: Any) -> tuple[int, dict[str, str], str]:
        return status, headers, json.dumps({"message": message})

    monkeypatch.setattr(Requester, "requestJson", answer)
    monkeypatch.setattr(time, "time", lambda: NOW)
    return GitHub("https://api.github.com", lambda: GitHubCredentials(token="ghp_x"))
