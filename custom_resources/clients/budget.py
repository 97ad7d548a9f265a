"""The shared rate budget in DynamoDB: one item, changed only as it was read, and one for each request that waits.

Losing them loses nothing: what a request has done is then looked for, or done and paid for again.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING

from custom_resources import rate_budget
from custom_resources.clients.aws import DYNAMODB, translated
from custom_resources.errors import (
    AwsNotFound,
    BudgetContended,
    BudgetMissing,
    BudgetSpent,
    LaunchesPaused,
    RateLimited,
    RetryLater,
    StillWaiting,
)
from custom_resources.progress import Progress
from custom_resources.rate_budget import Budget, Cost, Slot

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef

_TRIES = 8  # of a conditional write that others have overtaken
_BETWEEN_CALLS = 5.0  # seconds: the provider framework's query interval
_LONGEST_SECONDS = 60.0  # between two calls that ask a GitHub that fails
_ONE = Cost(creations=1)
_KEPT_SECONDS = 24 * 3600  # what is remembered outlives its request, and the table then forgets it (TTL)


@dataclass(frozen=True)
class Wait:
    """What is remembered of a request that has to wait: until when (Unix time), and what it needs and has paid.

    `slot` is what was booked for what is due, `since` when (Unix time), `waited` the seconds that earlier slots took.
    """

    until: float
    due: Cost = field(default_factory=Cost)  # what there was no room for, and a slot is booked for
    paid: Cost = field(default_factory=Cost)
    steps: Mapping[str, str] = field(default_factory=dict)  # of its progress
    waits: int = 0
    slot: Slot = field(default_factory=Slot)
    since: float = 0.0
    waited: float = 0.0


@contextmanager
def of_the_table(table: str, activity: str) -> Iterator[None]:
    """Translate DynamoDB's errors. Raises BudgetMissing for a table that is not there, and what `translated` raises."""
    try:
        with translated(DYNAMODB, activity):
            yield
    except AwsNotFound:
        raise BudgetMissing(table=table) from None


class SharedBudget:
    """The budget of one GitHub token, for all functions.

    Every method raises AwsThrottled and AwsUnreachable, which pass, AwsDenied, BudgetMissing.
    """

    def __init__(
        self, client: DynamoDBClient, table: str, clock: Callable[[], float] = time.time, share: float = 1.0
    ) -> None:
        """Take a boto3 DynamoDB client, the table's name, and the part of GitHub's limits that is ours."""
        self._client = client
        self._table = table
        self._share = share
        self._clock = clock

    def require_room(self, request: str) -> Progress:
        """Return what a request has done and paid for already; raise RetryLater while it may ask GitHub for nothing.

        That is while GitHub wants no request at all, while the time is not over that an earlier call of the request was
        told to wait, and until the slot opens that was booked then: so a plan that has to wait costs GitHub nothing.
        """
        budget, now = self._read()[0], self._clock()
        if seconds := rate_budget.wait(budget, now):
            raise LaunchesPaused(seconds)
        wait = self._remembered(request) if request else None
        if wait is None:
            return Progress()
        if (seconds := wait.until - now) > 0:
            raise StillWaiting(seconds)
        if (seconds := rate_budget.opens_in(budget, wait.slot, now)) > 0:
            raise BudgetSpent(seconds, wait.due)
        if wait.due:  # its slot was charged when it was booked
            paid, waited = wait.paid.plus(wait.due), wait.waited + now - wait.since
            wait = replace(wait, due=Cost(), slot=Slot(), paid=paid, waited=waited)
            self._remember(request, wait)
        return Progress(wait.steps, wait.paid, wait.waits, wait.waited)

    def reserve(self, cost: Cost) -> None:
        """Take the cost out of the budget, or raise BudgetSpent with the time until it may fit."""
        if cost:
            seconds = self._change(lambda budget, now: rate_budget.reserve(budget, cost, now, self._share))
            if seconds:
                raise BudgetSpent(seconds, cost)

    def remember(self, request: str, wait: RetryLater, progress: Progress) -> None:
        """Keep what a call has done and paid for, and until when it waits; book a slot where there was no room.

        Without a slot it waits twice as long each time, up to a minute: so a GitHub that is down is asked little. A
        wait within the time between two calls is none, and for a limit of requests everyone waits.
        """
        if not request:
            return
        if isinstance(wait, BudgetSpent):
            self._book(request, wait.cost, progress.paid, progress)
            return
        if isinstance(wait, RateLimited) and wait.of_content:  # what was paid for is not spent: it goes by its turn
            self._book(request, _ONE, progress.paid.beyond(_ONE), progress)
            return
        seconds, waits = wait.seconds, progress.waits
        if not isinstance(wait, RateLimited) and seconds:
            seconds, waits = max(seconds, min(seconds * 2**waits, _LONGEST_SECONDS)), waits + 1
        waiting = seconds > _BETWEEN_CALLS and not isinstance(wait, RateLimited)
        until = self._clock() + seconds if waiting else 0.0
        kept = Wait(until, Cost(), progress.paid, progress.steps, waits, waited=progress.waited)
        if kept != Wait(0.0):
            self._remember(request, kept)

    def _book(self, request: str, due: Cost, paid: Cost, progress: Progress) -> None:
        slots: list[Slot] = []

        def change(budget: Budget, now: float) -> tuple[Budget, float]:
            booked, slot = rate_budget.book(budget, due, now, self._share)
            slots.append(slot)
            return booked, 0.0

        self._change(change)
        steps, waits, waited = progress.steps, progress.waits, progress.waited
        self._remember(request, Wait(0.0, due, paid, steps, waits, slots[-1], self._clock(), waited))

    def pause(self, seconds: float, *, untold: bool = False, content: bool = False) -> None:
        """Make everyone wait, since GitHub asked for it; longer each time where it did not say how long.

        `content`: it refused to create content, which then comes at half the rate.
        """
        self._change(lambda budget, now: (rate_budget.pause(budget, seconds, now, untold=untold, content=content), 0.0))

    def _remembered(self, request: str) -> Wait | None:
        item = self._item(f"request {request}")
        if item is None:
            return None
        state = {"slot": (), "since": self._clock(), "waited": 0.0, **json.loads(item["State"]["S"])}
        costs = Cost(*state["due"]), Cost(*state["paid"])
        slot, since, waited = Slot(*state["slot"]), state["since"], state["waited"]
        return Wait(state["until"], *costs, state["steps"], state["waits"], slot, since, waited)

    def _remember(self, request: str, wait: Wait) -> None:
        costs = {name: [cost.points, cost.creations] for name, cost in (("due", wait.due), ("paid", wait.paid))}
        slot = [wait.slot.requests, wait.slot.content]
        state = {"until": wait.until, **costs, "steps": dict(wait.steps), "waits": wait.waits}
        state |= {"slot": slot, "since": wait.since, "waited": wait.waited}
        expires = {"N": str(int(max(wait.until, self._clock(), *slot)) + _KEPT_SECONDS)}
        item = {"Id": {"S": f"request {request}"}, "State": {"S": json.dumps(state)}, "ExpiresAt": expires}
        with of_the_table(self._table, "remembering a wait"):
            self._client.put_item(TableName=self._table, Item=item)

    def _read(self) -> tuple[Budget, int]:
        item = self._item("github")
        if item is None:
            return Budget(), 0
        state = json.loads(item["State"]["S"])
        return Budget(**state), int(item["Revision"]["N"])

    def _item(self, name: str) -> Mapping[str, AttributeValueTypeDef] | None:
        with of_the_table(self._table, "reading the rate budget"):
            found = self._client.get_item(TableName=self._table, Key={"Id": {"S": name}}, ConsistentRead=True)
        return found.get("Item")

    def _change(self, change: Callable[[Budget, float], tuple[Budget, float]]) -> float:
        for _ in range(_TRIES):
            budget, revision = self._read()
            changed, seconds = change(budget, self._clock())
            if changed == budget or self._write(changed, revision):
                return seconds
        raise BudgetContended(2)

    def _write(self, budget: Budget, revision: int) -> bool:
        item: dict[str, AttributeValueTypeDef] = {"Id": {"S": "github"}, "Revision": {"N": str(revision + 1)}}
        item["State"] = {"S": json.dumps(asdict(budget))}
        # For a rollout, which reads no State: before then no further update may start (rate_budget.may_start).
        item["OpensAt"] = {"N": str(rate_budget.opens_at(budget, self._clock(), self._share))}
        with of_the_table(self._table, "writing the rate budget"):
            try:
                self._client.put_item(
                    TableName=self._table,
                    Item=item,
                    ConditionExpression="attribute_not_exists(Revision) OR Revision = :revision",
                    ExpressionAttributeValues={":revision": {"N": str(revision)}},
                )
            except self._client.exceptions.ConditionalCheckFailedException:
                return False
        return True
