"""The rate budget's numbers, one by one: whole budgets and slots after each step, at round times."""

from __future__ import annotations

import pytest

from custom_resources import rate_budget
from custom_resources.rate_budget import Budget, Cost, Limit, Slot

NOW = 100_000.0
# A spell of creations that began long ago: only the hourly bucket counts.
SPELL = Budget({"creations_hourly": NOW - 10, "points": NOW - 10}, began=NOW - 7200)


@pytest.mark.parametrize(
    ("cost", "paid", "left"),
    [
        (Cost(5, 3), Cost(2, 1), Cost(3, 2)),
        (Cost(5, 3), Cost(9, 9), Cost()),
        (Cost(5, 3), Cost(5, 0), Cost(0, 3)),
    ],
)
def test_what_is_left_to_pay_is_never_less_than_nothing(cost: Cost, paid: Cost, left: Cost) -> None:
    assert cost.beyond(paid) == left
    assert cost.plus(paid) == Cost(cost.points + paid.points, cost.creations + paid.creations)
    assert [bool(each) for each in (Cost(), Cost(1), Cost(0, 1))] == [False, True, True]


def test_a_limit_is_filled_by_a_cost_for_its_share_of_the_time() -> None:
    assert Limit("x", 720, 60, 180).delay(12) == 1
    assert (rate_budget.POINTS.delay(12), rate_budget.CREATIONS.delay(2), rate_budget.BEGINNING.delay(1)) == (1, 15, 30)


def test_a_pause_is_waited_for_and_the_rate_recovers_after_it() -> None:
    paused = Budget(paused_until=NOW, rate=0.5)
    assert [rate_budget.wait(paused, NOW + more) for more in (-3, 0, 3)] == [3, 0, 0]
    assert [rate_budget.rate(paused, NOW + more) for more in (-9, 0, 3600, 36_000, 72_000)] == pytest.approx(
        [0.5, 0.5, 0.55, 1.0, 1.0]
    )


def test_the_clocks_stand_still_in_a_pause_and_that_of_content_is_slow_after_it() -> None:
    paused = Budget(paused_until=NOW, rate=0.5, behind={"requests": 60.0, "content": 100.0})
    assert [rate_budget.shown(paused, "requests", NOW + more) for more in (-9, 0, 10)] == [NOW - 60, NOW - 60, NOW - 50]
    assert rate_budget.shown(paused, "content", NOW - 9) == NOW - 100
    hour = rate_budget.shown(paused, "content", NOW + 3600)
    assert hour == pytest.approx(NOW - 100 + 3600 * 0.525), "from a half to 0.55 of the full rate"
    day = rate_budget.shown(paused, "content", NOW + 86_400)
    assert day == pytest.approx(NOW - 100 + 36_000 * 0.75 + 50_400), "full after ten hours"
    assert rate_budget.shown(Budget(), "content", NOW) == NOW


def test_a_booking_fills_its_buckets_and_goes_when_there_is_room() -> None:
    booked, slot = rate_budget.book(SPELL, Cost(24, 2), NOW)
    assert booked.empty_at == {"creations_hourly": NOW + 15, "points": NOW + 2}
    assert slot == Slot(NOW + 2 - 15, NOW + 15 - 75)
    assert booked.began == SPELL.began
    assert rate_budget.book(SPELL, Cost(), NOW) == (SPELL, Slot())
    points, slot = rate_budget.book(SPELL, Cost(240), NOW)
    assert (points.empty_at["points"], slot) == (NOW + 20, Slot(NOW)), "above the burst: at once in an empty bucket"
    shared, slot = rate_budget.book(SPELL, Cost(24, 2), NOW, 0.5)
    assert shared.empty_at == {"creations_hourly": NOW + 30, "points": NOW + 4}
    assert slot == Slot(NOW + 4 - 15, NOW + 30 - 75)


def test_what_was_refused_is_booked_again_ahead_of_the_others_and_one_by_one() -> None:
    first, slot = rate_budget.book_again(SPELL, Cost(0, 1), NOW)
    assert first.empty_at == {"creations_hourly": NOW + 7.5, "points": NOW - 10, "again": NOW + 7.5}
    assert slot == Slot(0.0, NOW)
    second, later = rate_budget.book_again(first, Cost(0, 2), NOW)
    assert second.empty_at == {"creations_hourly": NOW + 22.5, "points": NOW - 10, "again": NOW + 22.5}
    assert later == Slot(0.0, NOW + 7.5)
    half, slot = rate_budget.book_again(SPELL, Cost(0, 1), NOW, 0.5)
    assert half.empty_at == {"creations_hourly": NOW + 15, "points": NOW - 10, "again": NOW + 15}
    assert slot == Slot(0.0, NOW)


def test_a_slot_opens_after_the_pause_and_by_its_clock() -> None:
    paused = Budget(paused_until=NOW + 30, behind={"requests": 30.0, "content": 30.0})
    assert rate_budget.opens_in(paused, Slot(), NOW) == 30
    assert rate_budget.opens_in(paused, Slot(NOW + 5), NOW) == 35
    assert rate_budget.opens_in(paused, Slot(NOW + 5, NOW + 9), NOW) == 39
    assert rate_budget.opens_in(paused, Slot(NOW - 5, NOW - 9), NOW) == 30
    assert rate_budget.opens_in(Budget(), Slot(NOW - 5, NOW - 9), NOW) == 0
    slow = Budget(paused_until=NOW, rate=0.5)
    assert rate_budget.opens_in(slow, Slot(0.0, NOW + 1890), NOW) == pytest.approx(3600), "an hour from 0.5 to 0.55"
    assert rate_budget.opens_in(slow, Slot(0.0, NOW + 27_000 + 5), NOW) == pytest.approx(36_005)


def test_a_spell_begins_when_nothing_was_created_for_an_hour() -> None:
    fresh, slot = rate_budget.book(Budget(), Cost(0, 1), NOW)
    assert fresh == Budget({"beginning": NOW + 30, "creations_hourly": NOW + 7.5}, began=NOW)
    assert slot == Slot(0.0, NOW - 67.5)
    idle = Budget({"creations_hourly": NOW - 3600, "beginning": NOW + 999}, began=1.0)
    assert rate_budget.book(idle, Cost(0, 1), NOW)[0] == fresh
    busy = Budget({"creations_hourly": NOW - 3599}, began=NOW - 2639)
    assert rate_budget.book(busy, Cost(0, 1), NOW)[0].empty_at == {
        "creations_hourly": NOW + 7.5,
        "beginning": NOW + 30,
    }
    over = Budget({"creations_hourly": NOW - 3599}, began=NOW - 2640)
    assert rate_budget.book(over, Cost(0, 1), NOW)[0].empty_at == {"creations_hourly": NOW + 7.5}


def test_reserving_takes_all_or_nothing() -> None:
    assert rate_budget.reserve(SPELL, Cost(24, 2), NOW) == (rate_budget.book(SPELL, Cost(24, 2), NOW)[0], 0.0)
    full = Budget({"points": NOW + 15})
    assert rate_budget.reserve(full, Cost(12), NOW) == (full, 1.0)
    assert rate_budget.reserve(full, Cost(12), NOW, 0.5) == (full, 2.0)


def test_when_the_next_piece_may_be_created_is_told_in_whole_seconds() -> None:
    assert rate_budget.opens_at(SPELL, NOW) == 0
    full = Budget({"creations_hourly": NOW + 75.5}, began=NOW - 7200)
    assert rate_budget.opens_at(full, NOW) == NOW + 8
    assert rate_budget.opens_at(full, NOW, 0.5) == NOW + 16
    assert [rate_budget.may_start(NOW + ahead, NOW) for ahead in (-1, 120, 120.5)] == [True, True, False]


def test_a_pause_fills_the_buckets_and_sets_the_clocks() -> None:
    before = Budget({"points": NOW + 100, "creations_hourly": NOW + 10}, 0.0, 0.0, 1.0, {}, NOW - 7200, 0.0)
    assert rate_budget.pause(before, 60, NOW) == Budget(
        {"points": NOW + 100, "creations_hourly": NOW + 10},
        NOW + 60,
        0.0,
        1.0,
        {"requests": 60.0, "content": 60.0},
        NOW - 7200,
        0.0,
    )
    assert rate_budget.pause(before, 60, NOW, untold=True, content=True) == Budget(
        {"points": NOW + 100, "creations_hourly": NOW + 75, "beginning": 0.0},
        NOW + 60,
        60.0,
        0.5,
        {"requests": 60.0, "content": 60.0},
        NOW - 7200,
        NOW,
    )


@pytest.mark.parametrize(
    ("until", "untold", "seconds", "found"),
    [
        (NOW + 10, 90.0, 60, (60, 90.0)),
        (NOW + 10, 30.0, 60, (60, 60)),
        (NOW - 119, 60.0, 60, (120.0, 120.0)),
        (NOW - 120, 60.0, 60, (60, 60)),
        (NOW - 1, 250.0, 60, (300.0, 300.0)),
        (NOW - 1, 60.0, 400, (400, 400)),
        (NOW, 0.0, 60, (60, 60)),
    ],
)
def test_a_pause_of_unknown_length_is_twice_the_last_one_that_ended_soon_before(
    until: float, untold: float, seconds: float, found: tuple[float, float]
) -> None:
    assert rate_budget._longer(Budget(paused_until=until, untold=untold), seconds, NOW, 300.0) == found


@pytest.mark.parametrize(
    ("budget", "rate"),
    [
        (Budget(), 0.25),
        (Budget(began=NOW - 3599), 0.25),
        (Budget(began=NOW - 3600), 0.5),
        (Budget(began=NOW - 3599, rate=0.2, paused_until=NOW), 0.1),
        (Budget(began=NOW - 100, rate=0.2, paused_until=NOW), 0.1),
        (Budget(began=NOW - 7200, rate=0.05, paused_until=NOW), 1 / 32),
    ],
)
def test_the_rate_is_halved_but_not_below_the_slowest(budget: Budget, rate: float) -> None:
    assert rate_budget._slower(budget, NOW) == rate
