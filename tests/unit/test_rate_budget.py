"""The shared rate budget: what fifty launches may do together, and what happens when GitHub says stop."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import boto3
import pytest
from botocore.exceptions import ReadTimeoutError
from botocore.stub import Stubber
from hypothesis import given
from hypothesis import strategies as st
from moto import mock_aws

from custom_resources import rate_budget
from custom_resources.call import Call, pending
from custom_resources.clients.budget import SharedBudget
from custom_resources.errors import (
    AwsRefused,
    AwsThrottled,
    AwsUnreachable,
    BudgetContended,
    BudgetSpent,
    FinalError,
    LaunchesPaused,
    RateLimited,
    RetryLater,
    StillWaiting,
)
from custom_resources.progress import Progress
from custom_resources.rate_budget import Budget, Cost

LAUNCH = [Cost(10, 1), Cost(81), Cost(10, 1), Cost(86)]  # repository and secrets, for build and for deploy


def most_in(seconds: float, spent: list[tuple[float, float]]) -> float:
    """Return the largest sum of amounts in any window of that length."""
    return max(sum(amount for at, amount in spent if start <= at < start + seconds) for start, _ in spent)


def launched_at_once(launches: int, costs: Sequence[Cost]) -> tuple[list[tuple[float, Cost]], float]:
    """Let launches reserve by the waiter's interval; return what was spent when, and how long it took."""
    budget, now = Budget(), 1_000_000.0
    waiting = [list(costs) for _ in range(launches)]
    spent: list[tuple[float, Cost]] = []
    while any(waiting):
        for launch in filter(None, waiting):
            budget, wait = rate_budget.reserve(budget, launch[0], now)
            if not wait:
                spent.append((now, launch.pop(0)))
        now += 5  # the waiter's interval
        assert now < 1_020_000, "a launch starves"
    assert len(spent) == launches * len(costs)
    return spent, now - 1_000_000.0


# How many launches with which costs meet the limit; what it counts; at most how many in how many seconds.
LIMITS: dict[str, tuple[int, list[Cost], Callable[[Cost], int], int, int]] = {
    "points": (50, LAUNCH, lambda cost: cost.points, 60, 900),
    "creations": (50, [Cost(30, 8), Cost(30, 8)], lambda cost: cost.creations, 3600, 500),
}


@pytest.mark.parametrize("limit", LIMITS)
def test_fifty_launches_at_once_stay_within_every_limit_of_github(limit: str) -> None:
    launches, costs, _, _, _ = LIMITS[limit]
    spent, seconds = launched_at_once(launches, costs)
    for _, _, amount, window, most in LIMITS.values():
        assert most_in(window, [(at, amount(cost)) for at, cost in spent]) <= most
    assert most_in(60, [(at, cost.creations) for at, cost in spent]) <= 20, "of the 80 of GitHub, what users measured"
    if limit != "creations":
        assert seconds < 40 * 60, "longer than the handlers' patience"


@pytest.mark.parametrize("limit", LIMITS)
def test_without_its_bucket_the_limit_would_be_exceeded(limit: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else the test above would meet no limit."""
    launches, costs, amount, window, most = LIMITS[limit]
    bucket: rate_budget.Limit = getattr(rate_budget, limit.upper())
    monkeypatch.setattr(rate_budget, limit.upper(), replace(bucket, amount=1e6, burst=1e6))
    spent, _ = launched_at_once(launches, costs)
    assert most_in(window, [(at, amount(cost)) for at, cost in spent]) > most


def test_a_single_launch_does_not_wait() -> None:
    budget = Budget()
    for seconds, cost in enumerate(LAUNCH):
        budget, wait = rate_budget.reserve(budget, cost, 10.0 + seconds)
        assert wait == 0


@given(st.lists(st.tuples(st.floats(0, 30), st.integers(0, 2000), st.integers(0, 50)), min_size=1, max_size=60))
def test_what_was_refused_fits_after_the_time_it_was_told(steps: list[tuple[float, int, int]]) -> None:
    budget, now = Budget(), 1000.0
    for later, points, creations in steps:
        now += later
        cost = Cost(points, creations)
        after, wait = rate_budget.reserve(budget, cost, now)
        if wait:
            assert after == budget
            now += wait + 1e-6
            after, wait = rate_budget.reserve(budget, cost, now)
            assert wait == 0
        budget = after


def test_a_pause_stops_everyone_and_then_lets_requests_through_one_by_one() -> None:
    paused = rate_budget.pause(Budget(), 60, 100.0)
    assert rate_budget.wait(paused, 100.0) == 60
    assert rate_budget.pause(paused, 5, 101.0).paused_until == 160.0
    assert rate_budget.reserve(paused, Cost(5), 159.0)[1] > 0
    after, wait = rate_budget.reserve(paused, Cost(5), 161.0)
    assert wait == 0
    assert rate_budget.reserve(after, Cost(80), 161.0)[1] > 0, "no burst right after a refusal"


def test_a_pause_of_unknown_length_doubles_while_the_limit_comes_back() -> None:
    budget, now, lengths = Budget(), 1000.0, []
    for _ in range(8):
        budget = rate_budget.pause(budget, 60, now, untold=True)
        lengths.append(budget.paused_until - now)
        now = budget.paused_until + 5
    assert lengths == [60, 120, 240, 480, 960, 1920, 3600, 3600]
    later = rate_budget.pause(budget, 60, budget.paused_until + 3 * 3600, untold=True)
    assert later.untold == 60, "after a quiet time it begins anew"


def test_who_hears_of_the_same_limit_does_not_double_the_pause() -> None:
    first = rate_budget.pause(Budget(), 60, 1000.0, untold=True)
    second = rate_budget.pause(first, 60, 1001.0, untold=True)
    assert (second.paused_until, second.untold) == (1061.0, 60)
    told = rate_budget.pause(second, 7, 1070.0)
    assert (told.paused_until, told.untold) == (1077.0, 60)
    assert rate_budget.reserve(told, Cost(5), 9000.0)[0].untold == 60


HOUR = 3600.0


def busy(hours: float = 2) -> tuple[Budget, float]:
    """Return a budget in the middle of a spell of creations that began so long ago, and the time."""
    budget, now = Budget(), 1_000_000.0
    for _ in range(int(hours * 12)):
        budget = rate_budget.book(budget, Cost(creations=1), now)[0]
        now += 300
    return budget, now


def created(limit: float, seconds: float) -> list[float]:
    """Create as much as the budget lets in so many seconds; GitHub refuses what is above `limit` an hour."""
    budget, now, made, end = Budget(), 0.0, list[float](), 1_000_000.0 + seconds
    now = 1_000_000.0
    while now < end:
        budget, wait = rate_budget.reserve(budget, Cost(creations=1), now)
        if wait or rate_budget.wait(budget, now):
            now += max(1e-3, wait)
        elif sum(at > now - HOUR for at in made) >= limit:
            budget = rate_budget.pause(budget, 60, now, untold=True, content=True)
        else:
            made.append(now)
    return [at - 1_000_000.0 for at in made]


def test_refused_content_halves_the_rate_once_an_hour() -> None:
    """Until then GitHub refuses for what was created at the rate before."""
    budget, now = busy()
    rates = []
    for _ in range(7):
        budget = rate_budget.pause(budget, 60, now, content=True)
        rates.append(budget.rate)
        again = rate_budget.pause(budget, 60, now + HOUR - 1, content=True)
        assert again.rate == pytest.approx(rate_budget.rate(budget, now + HOUR - 1)), "the same hour"
        now += HOUR
    assert rates[:3] == pytest.approx([1 / 2, 0.275, 0.1625], abs=1e-3), "half of what was recovered by then"
    budget, now = busy()
    half = rate_budget.pause(budget, 60, now, content=True)
    assert [rate_budget.rate(half, now + 60 + HOUR * hours) for hours in (0, 1, 4, 10, 20)] == pytest.approx(
        [0.5, 0.55, 0.7, 1, 1]
    )
    assert rate_budget.pause(budget, 60, now).rate == 1, "a limit of requests is none of content"
    slowest = replace(budget, rate=1 / 32, paused_until=now)
    assert rate_budget.pause(slowest, 60, now, content=True).rate == 1 / 32


def test_a_refusal_in_a_spells_first_hour_leaves_no_more_than_the_pace_of_its_beginning() -> None:
    """For at half the rate, which was not kept up, there would be one refusal after another."""
    quarter = 0.25  # 120 an hour
    for hours, left in ((0.5, quarter), (0.9, quarter), (1.1, 0.5)):
        budget, now = busy(hours)
        assert rate_budget.pause(budget, 60, now, content=True).rate == left
    assert rate_budget.pause(Budget(), 60, 1000.0, content=True).rate == quarter, "nothing is known of it yet"
    slower, now = busy(0.5)
    slower = replace(slower, rate=0.2, paused_until=now)
    assert rate_budget.pause(slower, 60, now, content=True).rate == 0.1


def test_who_hears_of_the_same_refusal_does_not_halve_again() -> None:
    budget, now = busy()
    first = rate_budget.pause(budget, 60, now, content=True)
    assert rate_budget.pause(first, 60, now + 1, content=True).rate == 0.5
    of_requests = rate_budget.pause(budget, 60, now)
    assert rate_budget.pause(of_requests, 60, now + 1, content=True).rate == 0.5, "the first that is of content"


def test_a_pause_for_content_doubles_up_to_five_minutes() -> None:
    """So that a request that waits for the hour's limit hears in time that it is over."""
    budget, now = busy()
    lengths = []
    for _ in range(6):
        budget = rate_budget.pause(budget, 60, now, untold=True, content=True)
        lengths.append(budget.paused_until - now)
        now = budget.paused_until + 5
    assert lengths == [60, 120, 240, 300, 300, 300]


def test_a_spell_of_creations_begins_slowly() -> None:
    """Ten at once, thirty soon, then two a minute for 44 minutes, then the full rate; after an idle hour again."""
    made = created(10_000, 3 * HOUR)
    within = {minutes: sum(at < minutes * 60 for at in made) for minutes in (0.01, 3, 10, 44, 60, 120)}
    assert within == {0.01: 10, 3: 33, 10: 49, 44: 117, 60: 254, 120: 734}
    budget, now = busy()
    budget = rate_budget.book(budget, Cost(creations=10), now)[0]
    for idle, slowly in ((HOUR - 120, False), (HOUR + 120, True)):
        later, opened = budget, []
        for _ in range(60):
            later, slot = rate_budget.book(later, Cost(creations=1), now + idle)
            opened.append(rate_budget.opens_in(later, slot, now + idle))
        assert opened[10] == pytest.approx(7.5)
        assert opened[-1] == pytest.approx(900 if slowly else 375), "one in 30 seconds, or one in 7.5"


def test_who_waits_at_the_end_of_the_beginning_goes_one_by_one() -> None:
    """Slots beyond it do not all open when it ends."""
    budget, now, opened = Budget(), 1_000_000.0, []
    for _ in range(150):
        budget, slot = rate_budget.book(budget, Cost(creations=1), now)
        opened.append(rate_budget.opens_in(budget, slot, now))
    late = [seconds for seconds in opened if seconds > 2640 - 75]
    assert len(late) > 30
    assert most_in(60, [(seconds, 1) for seconds in opened]) <= 19
    assert opened == sorted(opened)


@pytest.mark.parametrize("limit", [120, 150, 200, 300, 400, 500])
def test_whatever_an_hour_permits_nothing_stands_still_for_longer_than_an_update_can_wait(limit: int) -> None:
    made = created(limit, 4 * HOUR)
    assert max(later - earlier for earlier, later in pairwise(made)) < 30 * 60
    assert len(made) > 0.65 * limit * 4 - 200


@pytest.mark.parametrize("hours", [0.0, 3.0, 9.9, 25.0])
@pytest.mark.parametrize("creations", [101, 350, 3000])
def test_a_slot_opens_when_it_was_said_to(hours: float, creations: int) -> None:
    """Also while the rate recovers."""
    budget, now = busy()
    budget = rate_budget.pause(budget, 60, now, content=True)
    now += 60 + hours * 3600
    budget, _ = rate_budget.book(budget, Cost(creations=creations), now)
    budget, slot = rate_budget.book(budget, Cost(creations=1), now)
    seconds = rate_budget.opens_in(budget, slot, now)
    assert seconds > 0
    assert rate_budget.opens_in(budget, slot, now + seconds - 1) == pytest.approx(1, abs=0.6)
    assert rate_budget.opens_in(budget, slot, now + seconds + 1e-3) == 0


def test_no_more_is_created_in_an_hour_than_the_learned_rate() -> None:
    """GitHub refuses above 120 an hour: the rate falls to that, and comes back by 5% of 480 an hour."""
    budget = rate_budget.pause(Budget(), 60, 10_000.0, content=True)
    opened = []
    for _ in range(150):
        budget, slot = rate_budget.book(budget, Cost(creations=1), budget.paused_until)
        opened.append(rate_budget.opens_in(budget, slot, budget.paused_until))
    assert sum(seconds <= 3600 for seconds in opened) == 132, "480 an hour, at 0.25 to 0.30"
    assert opened[:2] == pytest.approx([30, 60], abs=0.3)
    assert opened == sorted(opened)


@pytest.fixture
def shared(monkeypatch: pytest.MonkeyPatch) -> Iterator[SharedBudget]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with mock_aws():
        client = boto3.client("dynamodb", region_name="eu-west-1")
        client.create_table(
            TableName="budget",
            KeySchema=[{"AttributeName": "Id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "Id", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        yield SharedBudget(client, "budget", lambda: 1000.0)


def test_the_item_is_changed_only_as_it_was_read(shared: SharedBudget) -> None:
    others = [Cost(100)]  # another function that comes between our read and our write

    def clock() -> float:
        if others:
            shared.reserve(others.pop(), "", Progress())
        return 1000.0

    late = SharedBudget(boto3.client("dynamodb", region_name="eu-west-1"), "budget", clock)
    with pytest.raises(RetryLater, match="waiting for its share"):
        late.reserve(Cost(100), "", Progress())
    shared.reserve(Cost(80), "", Progress())
    with pytest.raises(RetryLater):
        shared.reserve(Cost(5), "", Progress())


def test_the_length_of_a_pause_is_kept_for_the_next(shared: SharedBudget) -> None:
    shared.pause(60, untold=True)
    later = SharedBudget(boto3.client("dynamodb", region_name="eu-west-1"), "budget", lambda: 1065.0)
    later.pause(60, untold=True)
    with pytest.raises(LaunchesPaused) as waiting:
        later.require_room("")
    assert waiting.value.seconds == 120


def test_a_pause_is_seen_by_every_function(shared: SharedBudget) -> None:
    assert shared.require_room("").paid == Cost()
    shared.pause(30)
    with pytest.raises(RetryLater, match="has paused all launches") as waiting:
        assert shared.require_room("").paid == Cost()
    assert waiting.value.seconds == 30
    with pytest.raises(RetryLater):
        shared.reserve(Cost(5), "", Progress())
    shared.reserve(Cost(), "", Progress())  # what costs nothing does not wait


def clocked(share: float = 1.0) -> tuple[list[float], SharedBudget]:
    """Return the time, to be moved on, and a budget that reads it."""
    now = [1000.0]
    return now, SharedBudget(boto3.client("dynamodb", region_name="eu-west-1"), "budget", lambda: now[0], share)


def refused(budget: SharedBudget, request: str, cost: Cost) -> BudgetSpent:
    """Let a request ask for more than there is: it books a slot."""
    progress = budget.require_room(request)
    with pytest.raises(BudgetSpent) as spent:
        budget.reserve(cost, "", Progress())
    budget.remember(request, spent.value, progress)
    return spent.value


def test_what_there_was_no_room_for_is_booked_and_paid_for_once(shared: SharedBudget) -> None:
    now, late = clocked()
    late.reserve(Cost(180), "", Progress())
    spent = refused(late, "r1", Cost(60, 1))
    with pytest.raises(BudgetSpent) as waiting:
        late.require_room("r1")
    assert waiting.value.seconds == pytest.approx(spent.seconds)
    assert late.require_room("r2").paid == Cost(), "one request's wait is its own"
    now[0] += spent.seconds + 0.001
    found = late.require_room("r1")
    assert found.paid == Cost(60, 1)
    assert found.waited == pytest.approx(spent.seconds, abs=0.01)
    with pytest.raises(BudgetSpent):
        late.reserve(Cost(180), "", Progress())  # it was taken ...
    assert late.require_room("r1").paid == Cost(60, 1)
    late.reserve(Cost(0, 1), "", Progress())  # ... once


def test_who_books_first_goes_first(shared: SharedBudget) -> None:
    """However late it looks again: others who ask meanwhile are behind it."""
    now, late = clocked()
    late.reserve(Cost(creations=10), "", Progress())
    seconds = [refused(late, f"r{number}", Cost(creations=4)).seconds for number in range(3)]
    assert seconds == pytest.approx([30, 60, 90])
    now[0] += 31
    assert refused(late, "newcomer", Cost(creations=1)).seconds > 60
    for number in range(1, 3):
        with pytest.raises(BudgetSpent):
            late.require_room(f"r{number}")
    assert late.require_room("r0").paid == Cost(creations=4)
    now[0] += 60
    assert [late.require_room(f"r{number}").paid for number in (2, 1)] == [Cost(creations=4)] * 2


def test_a_slot_moves_with_a_pause_and_with_the_rate(shared: SharedBudget) -> None:
    now, late = clocked()
    late.reserve(Cost(creations=10), "", Progress())
    refused(late, "r1", Cost(creations=4))
    late.pause(60, content=True)
    now[0] += 60.5
    with pytest.raises(BudgetSpent) as waiting:
        late.require_room("r1")
    assert waiting.value.seconds == pytest.approx(119.5, abs=0.5), "30 seconds at a quarter of the rate"
    now[0] += 119.5
    assert late.require_room("r1").paid == Cost(creations=4)


def test_a_slot_of_points_does_not_wait_for_content(shared: SharedBudget) -> None:
    now, late = clocked()
    late.reserve(Cost(180), "", Progress())
    refused(late, "r1", Cost(12))
    late.pause(10, content=True)
    now[0] += 11
    assert late.require_room("r1").paid == Cost(12)


def test_refused_content_is_not_spent_and_keeps_its_turn(shared: SharedBudget) -> None:
    """Ahead of those whose turn had not come yet, and one by one."""
    now, late = clocked()
    progress = {name: late.require_room(name) for name in ("r1", "r2")}
    for each in progress.values():
        each.paid = Cost(5, 1)
    late.reserve(Cost(creations=8), "", Progress())
    refused(late, "in the queue", Cost(creations=7))
    limited = RateLimited(60, message="You have exceeded a secondary rate limit")
    limited.of_content = True
    late.pause(60, content=True)
    for name, each in progress.items():
        late.remember(name, limited, each)
    now[0] += 60.001
    assert late.require_room("r1").paid == Cost(5, 1), "it is paid for once"
    for name, seconds in (("r2", 30), ("in the queue", 150)):
        with pytest.raises(BudgetSpent) as waiting:
            late.require_room(name)
        assert waiting.value.seconds == pytest.approx(seconds, rel=0.01), (
            "a piece in 7.5 seconds, at a quarter of the rate"
        )
    now[0] += 30.1
    assert late.require_room("r2").paid == Cost(5, 1)
    told = refused(late, "newcomer", Cost(creations=1)).seconds
    assert told == pytest.approx(210, rel=0.01), "what was refused takes room all the same"


def test_a_share_of_the_limits_is_a_share_of_rate_and_burst(shared: SharedBudget) -> None:
    now, late = clocked(0.25)
    late.reserve(Cost(creations=2), "", Progress())
    assert refused(late, "r1", Cost(creations=1)).seconds == pytest.approx(15), "half of one was left of two and a half"
    now[0] += 15.01
    assert late.require_room("r1").paid == Cost(creations=1)


def test_what_is_read_while_a_slot_is_waited_for(shared: SharedBudget, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two reads of DynamoDB a call, no write."""
    _, late = clocked()
    late.reserve(Cost(180), "", Progress())
    refused(late, "r1", Cost(60))
    asked: list[str] = []
    late._client.meta.events.register("before-call.dynamodb", lambda model, **_: asked.append(model.name))
    for _ in range(3):
        with pytest.raises(BudgetSpent):
            late.require_room("r1")
    assert asked == ["GetItem", "GetItem"] * 3


def test_a_request_without_a_name_books_nothing(shared: SharedBudget) -> None:
    now, late = clocked()
    late.reserve(Cost(180), "", Progress())
    spent = BudgetSpent(1, Cost(180))
    for _ in range(5):
        late.remember("", spent, Progress())
    now[0] += 15
    late.reserve(Cost(180), "", Progress())


def test_what_an_older_version_has_remembered_is_read(shared: SharedBudget) -> None:
    now, late = clocked()
    table = boto3.client("dynamodb", region_name="eu-west-1")
    state = '{"until": 1010, "due": [5, 1], "paid": [1, 0], "steps": {}, "waits": 2}'
    table.put_item(TableName="budget", Item={"Id": {"S": "request r1"}, "State": {"S": state}})
    budget = '{"empty_at": {"points": 1010}, "paused_until": 900}'
    table.put_item(TableName="budget", Item={"Id": {"S": "github"}, "State": {"S": budget}, "Revision": {"N": "4"}})
    with pytest.raises(StillWaiting):
        late.require_room("r1")
    now[0] = 1010.0
    assert late.require_room("r1").paid == Cost(6, 1)


def test_a_wait_is_remembered_when_it_is_longer_than_the_time_between_calls(shared: SharedBudget) -> None:
    shared.remember("r1", RetryLater(5, "GitHub answered 502."), Progress())
    assert shared.require_room("r1").paid == Cost()
    shared.remember("r1", RetryLater(30, "GitHub answered 502."), Progress())
    with pytest.raises(StillWaiting) as waiting:
        shared.require_room("r1")
    assert waiting.value.seconds == 30
    shared.remember("", RetryLater(30, "GitHub answered 502."), Progress())
    assert shared.require_room("").paid == Cost()


def test_a_remembered_wait_expires_from_the_table(shared: SharedBudget) -> None:
    shared.remember("r1", RetryLater(30, "GitHub answered 502."), Progress())
    table = boto3.client("dynamodb", region_name="eu-west-1")
    item = table.get_item(TableName="budget", Key={"Id": {"S": "request r1"}})["Item"]
    assert int(item["ExpiresAt"]["N"]) == 1030 + 24 * 3600


def test_a_missing_table_is_said_in_one_sentence(shared: SharedBudget) -> None:
    other = SharedBudget(boto3.client("dynamodb", region_name="eu-west-1"), "elsewhere")
    with pytest.raises(
        FinalError, match=r"table elsewhere of the shared rate budget does not exist.*Deploy FoundationStack again"
    ):
        other.require_room("")


def dynamodb(*refusals: tuple[str, str]) -> tuple[SharedBudget, Stubber]:
    """Return a budget whose table is empty, then refuses the operations in turn; the time is 1000."""
    client = boto3.client("dynamodb", "eu-west-1", aws_access_key_id="none", aws_secret_access_key="none")
    stub = Stubber(client)
    for operation, code in refusals:
        if operation == "transact_write_items":
            stub.add_response("get_item", {})
            reasons = {"CancellationReasons": [{"Code": code}, {"Code": "None"}]}
            stub.add_client_error(operation, "TransactionCanceledException", modeled_fields=reasons)
        else:
            stub.add_client_error(operation, code)
    stub.activate()
    return SharedBudget(client, "budget", lambda: 1000.0), stub


def test_a_table_that_throttles_says_what_was_being_done() -> None:
    slow = "ProvisionedThroughputExceededException"
    with pytest.raises(RetryLater, match=r"DynamoDB is throttling.*reading the rate budget"):
        dynamodb(("get_item", slow))[0].require_room("")
    with pytest.raises(RetryLater, match=r"DynamoDB is throttling.*remembering a wait"):
        dynamodb(("put_item", slow))[0].remember("r1", RetryLater(30, "GitHub answered 502."), Progress())
    budget, stub = dynamodb()
    stub.add_response("get_item", {}, {"TableName": "budget", "Key": {"Id": {"S": "github"}}, "ConsistentRead": True})
    stub.add_client_error("transact_write_items", slow)
    with pytest.raises(RetryLater, match=r"DynamoDB is throttling.*writing the rate budget"):
        budget.reserve(Cost(5), "", Progress())


@pytest.mark.parametrize("why", ["ConditionalCheckFailed", "TransactionConflict"])
def test_a_table_that_others_always_write_first_is_given_up_for_a_while(why: str) -> None:
    budget, stub = dynamodb(*[("transact_write_items", why)] * 8)
    with pytest.raises(BudgetContended) as contended:
        budget.reserve(Cost(5), "", Progress())
    assert contended.value.seconds == 2
    stub.assert_no_pending_responses()


def test_a_transaction_that_is_still_under_way_is_waited_for() -> None:
    """boto3's next try came while DynamoDB was at the first."""
    client = boto3.client("dynamodb", "eu-west-1", aws_access_key_id="none", aws_secret_access_key="none")
    stub = Stubber(client)
    stub.add_response("get_item", {})
    stub.add_client_error("transact_write_items", "TransactionInProgressException")
    stub.activate()
    progress = Progress()
    with pytest.raises(AwsThrottled, match="writing the rate budget; TransactionInProgress"):
        SharedBudget(client, "budget", lambda: 1000.0).reserve(Cost(5), "r1", progress)
    assert progress.in_doubt


def test_another_reason_why_a_transaction_was_cancelled_is_told() -> None:
    for why in ("ThrottlingError", "ProvisionedThroughputExceeded"):
        with pytest.raises(AwsThrottled, match=rf"writing the rate budget; {why}"):
            dynamodb(("transact_write_items", why))[0].reserve(Cost(5), "", Progress())
    with pytest.raises(AwsRefused, match="DynamoDB"):
        dynamodb(("transact_write_items", "ValidationError"))[0].reserve(Cost(5), "", Progress())


class Line:
    """The way to DynamoDB, on which answers or requests get lost; as DynamoDB, it knows a transaction by its token."""

    def __init__(self, client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        """Stand between a boto3 client and moto, which has no tokens."""
        self.lost, self.written, self.transactions = 0, True, 0
        self._send, self._known = client._endpoint._do_get_response, dict[str, Any]()
        monkeypatch.setattr(client._endpoint, "_do_get_response", self.send)
        monkeypatch.setattr("botocore.endpoint.time.sleep", lambda seconds: None)

    def send(self, request: Any, operation: Any, context: Any) -> Any:
        if operation.name != "TransactWriteItems":
            return self._send(request, operation, context)
        self.transactions += 1
        token, lost = json.loads(request.body)["ClientRequestToken"], self.lost > 0
        self.lost -= 1
        if self.written or not lost:
            if token not in self._known:
                self._known[token] = self._send(request, operation, context)
            if not lost:
                return self._known[token]
        return None, ReadTimeoutError(endpoint_url="https://dynamodb")


def charged() -> int:
    """Return how many pieces of content were taken out of the budget since it was empty."""
    item = boto3.client("dynamodb", region_name="eu-west-1").get_item(TableName="budget", Key={"Id": {"S": "github"}})
    empty_at = json.loads(item["Item"]["State"]["S"])["empty_at"]
    return round((float(empty_at["creations_hourly"]) - 1000) / 7.5)


@pytest.mark.parametrize("lost", [1, 11], ids=["boto3 tries again", "the call ends"])
@pytest.mark.parametrize("full", [False, True], ids=["there is room", "a slot is booked"])
@pytest.mark.parametrize("written", [True, False], ids=["the answer is lost", "the write is lost"])
def test_a_write_without_an_answer_charges_once(
    shared: SharedBudget, monkeypatch: pytest.MonkeyPatch, written: bool, full: bool, lost: int
) -> None:
    now, late = clocked()
    before = 10 if full else 0
    late.reserve(Cost(creations=before), "", Progress())
    line = Line(late._client, monkeypatch)
    line.lost, line.written = lost, written
    waits = list[RetryLater]()
    for _ in range(30):
        call = Call("r1", late, lambda: None, lambda: now[0])
        try:
            call.pay(Cost(5, 1), call.room())
            break
        except RetryLater as wait:
            pending(wait, 1000.0, 2400, call)
            waits.append(wait)
            now[0] += 1
    assert charged() == before + 1
    assert any(isinstance(wait, AwsUnreachable) for wait in waits) == (lost == 11 and not full)
    assert line.transactions > 1
    call.pay(Cost(5, 1), call.room())
    assert charged() == before + 1, "the next call has paid"


def test_what_a_call_could_not_hear_of_is_not_forgotten_by_what_it_remembers(
    shared: SharedBudget, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its own end, a second later, writes the item that the lost answer was about."""
    _, late = clocked()
    line = Line(late._client, monkeypatch)
    line.lost = 11
    progress = late.require_room("r1")
    progress.note("secret", "A")
    with pytest.raises(AwsUnreachable) as unheard:
        late.reserve(Cost(5, 1), "r1", progress)
    late.remember("r1", unheard.value, progress)
    found = late.require_room("r1")
    assert (found.paid, found.done("secret")) == (Cost(5, 1), {"A": ""})


def test_a_wait_is_over_when_its_time_has_come(shared: SharedBudget) -> None:
    now = [1000.0]
    late = SharedBudget(boto3.client("dynamodb", region_name="eu-west-1"), "budget", lambda: now[0])
    late.remember("r1", RetryLater(30, "GitHub answered 502."), Progress())
    now[0] = 1029.5
    with pytest.raises(StillWaiting) as waiting:
        late.require_room("r1")
    assert waiting.value.seconds == 0.5
    now[0] = 1030.0
    assert late.require_room("r1").paid == Cost()
    late.pause(10)
    now[0] = 1039.0
    with pytest.raises(LaunchesPaused) as paused:
        late.require_room("r1")
    assert paused.value.seconds == 1
    now[0] = 1040.0
    assert late.require_room("r1").paid == Cost()


def test_a_short_wait_with_a_cost_is_remembered_too(shared: SharedBudget) -> None:
    shared.reserve(Cost(180), "", Progress())
    shared.remember("r1", BudgetSpent(1, Cost(5)), Progress())
    with pytest.raises(BudgetSpent):
        shared.require_room("r1")
    shared.remember("r2", RetryLater(5.5, "GitHub answered 502."), Progress())
    with pytest.raises(StillWaiting):
        shared.require_room("r2")


def test_what_was_done_and_paid_for_is_kept_for_the_next_call(shared: SharedBudget) -> None:
    progress = Progress()
    progress.note("secret", "A")
    progress.note("environment", "production", "for main only")
    progress.paid = Cost(76, 1)
    shared.remember("r1", RetryLater(5, "GitHub answered 502."), progress)
    found = shared.require_room("r1")
    assert (found.steps, found.paid, found.waits) == (progress.steps, Cost(76, 1), 1)
    shared.remember("r1", RateLimited(60, "GitHub's rate limit."), found)
    assert shared.require_room("r1").waits == 1, "for a limit everyone waits"
    assert shared.require_room("r2").steps == {}


def test_each_wait_is_twice_as_long_up_to_a_minute(shared: SharedBudget) -> None:
    progress, told = Progress(), []
    for _ in range(6):
        shared.remember("r1", RetryLater(6, "GitHub answered 502."), progress)
        with pytest.raises(StillWaiting) as waiting:
            shared.require_room("r1")
        told.append(waiting.value.seconds)
        progress.waits += 1
    assert told == [6, 12, 24, 48, 60, 60]
    shared.remember("r1", RetryLater(300, "GitHub asked for it."), progress)
    with pytest.raises(StillWaiting) as waiting:
        shared.require_room("r1")
    assert waiting.value.seconds == 300, "never less than what was asked for"


def opens_at() -> int:
    item = boto3.client("dynamodb", region_name="eu-west-1").get_item(TableName="budget", Key={"Id": {"S": "github"}})
    return int(item["Item"]["OpensAt"]["N"])


def test_the_item_says_when_one_more_piece_may_be_created(shared: SharedBudget) -> None:
    now, late = clocked()
    late.reserve(Cost(60), "", Progress())
    assert opens_at() == 0
    late.reserve(Cost(creations=9), "", Progress())
    assert opens_at() == 0
    late.reserve(Cost(creations=1), "", Progress())
    assert opens_at() == 1008, "one in 7.5 seconds, in whole seconds"
    refused(late, "r1", Cost(creations=2))
    assert opens_at() == 1023
    late.pause(60, content=True)
    assert opens_at() == 1060 + 90, "the pause, and three pieces at a quarter of the rate"
    now[0] = 2000.0
    late.reserve(Cost(5), "", Progress())
    assert opens_at() == 0


@given(st.lists(st.tuples(st.floats(0, 300), st.integers(0, 20), st.booleans()), min_size=1, max_size=40))
def test_a_booking_opens_when_the_item_says(steps: list[tuple[float, int, bool]]) -> None:
    """However long after the item was written it is read, when nothing else happened."""
    budget, now = Budget(), 1000.0
    for later, creations, refused in steps:
        said = rate_budget.opens_at(budget, now)
        now += later
        _, slot = rate_budget.book(budget, Cost(creations=1), now)
        opens = now + rate_budget.opens_in(budget, slot, now)
        assert opens == pytest.approx(max(said, now), abs=2)
        budget = rate_budget.book(budget, Cost(creations=creations), now)[0]
        budget = rate_budget.pause(budget, 60, now, content=True) if refused else budget


def test_an_update_starts_only_when_its_slot_is_near() -> None:
    assert rate_budget.may_start(0, 1000.0)
    assert rate_budget.may_start(1120, 1000.0)
    assert not rate_budget.may_start(1121, 1000.0)
