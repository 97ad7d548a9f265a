"""The shared rate budget in DynamoDB: one item, changed only as it was read, and one for each request that waits.

Losing them loses nothing.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from custom_resources import rate_budget
from custom_resources.clients.aws import DYNAMODB, translated
from custom_resources.errors import (
    AwsNotFound,
    BudgetContended,
    BudgetMissing,
    BudgetSpent,
    LaunchesPaused,
    RetryLater,
    StillWaiting,
)
from custom_resources.rate_budget import Budget, Cost

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef

_TRIES = 8
_BETWEEN_CALLS = 5.0  # seconds: the provider framework's query interval
_KEPT_SECONDS = 24 * 3600  # a remembered wait outlives its request, which the table then forgets (TTL)


@dataclass(frozen=True)
class Wait:
    """What is remembered of a request that has to wait: until when (Unix time), and what it will need then."""

    until: float
    cost: Cost
    paid: bool = False  # taken out of the budget already


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

    def __init__(self, client: DynamoDBClient, table: str, clock: Callable[[], float] = time.time) -> None:
        """Take a boto3 DynamoDB client and the table's name."""
        self._client = client
        self._table = table
        self._clock = clock

    def require_room(self, request: str) -> Cost:
        """Return what is paid for a request already; raise RetryLater while it may ask GitHub for nothing.

        That is while GitHub wants no request at all, while the time is not over that an earlier call of the request was
        told to wait, and until what it needed then has been taken: so a plan that cannot be paid for costs GitHub
        nothing.
        """
        if seconds := rate_budget.wait(self._read()[0], self._clock()):
            raise LaunchesPaused(seconds)
        wait = self._remembered(request) if request else None
        if wait is None:
            return Cost()
        if (seconds := wait.until - self._clock()) > 0:
            raise StillWaiting(seconds)
        if wait.cost != Cost() and not wait.paid:
            self.reserve(wait.cost)
            self._remember(request, replace(wait, paid=True))
        return wait.cost

    def reserve(self, cost: Cost) -> None:
        """Take the cost out of the budget, or raise BudgetSpent with the time until it may fit."""
        if cost != Cost():
            seconds = self._change(lambda budget, now: rate_budget.reserve(budget, cost, now))
            if seconds:
                raise BudgetSpent(seconds, cost)

    def remember(self, request: str, wait: RetryLater) -> None:
        """Keep a wait that is longer than the time between two calls, with what there was no room for."""
        cost = wait.cost if isinstance(wait, BudgetSpent) else Cost()
        if request and (cost != Cost() or wait.seconds > _BETWEEN_CALLS):
            self._remember(request, Wait(self._clock() + wait.seconds, cost))

    def pause(self, seconds: float, *, untold: bool = False) -> None:
        """Make everyone wait, since GitHub asked for it; longer each time where it did not say how long."""
        self._change(lambda budget, now: (rate_budget.pause(budget, seconds, now, untold=untold), 0.0))

    def _remembered(self, request: str) -> Wait | None:
        item = self._item(f"wait {request}")
        if item is None:
            return None
        state = json.loads(item["State"]["S"])
        return Wait(state["until"], Cost(state["points"], state["creations"]), state["paid"])

    def _remember(self, request: str, wait: Wait) -> None:
        cost = wait.cost
        state = {"until": wait.until, "points": cost.points, "creations": cost.creations, "paid": wait.paid}
        expires = {"N": str(int(wait.until) + _KEPT_SECONDS)}
        item = {"Id": {"S": f"wait {request}"}, "State": {"S": json.dumps(state)}, "ExpiresAt": expires}
        with of_the_table(self._table, "remembering a wait"):
            self._client.put_item(TableName=self._table, Item=item)

    def _read(self) -> tuple[Budget, int]:
        item = self._item("github")
        if item is None:
            return Budget(), 0
        state = json.loads(item["State"]["S"])
        found = Budget(state["empty_at"], state["paused_until"], state.get("untold", 0.0))
        return found, int(item["Revision"]["N"])

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
        state = json.dumps(
            {"empty_at": dict(budget.empty_at), "paused_until": budget.paused_until, "untold": budget.untold}
        )
        with of_the_table(self._table, "writing the rate budget"):
            try:
                self._client.put_item(
                    TableName=self._table,
                    Item={"Id": {"S": "github"}, "State": {"S": state}, "Revision": {"N": str(revision + 1)}},
                    ConditionExpression="attribute_not_exists(Revision) OR Revision = :revision",
                    ExpressionAttributeValues={":revision": {"N": str(revision)}},
                )
            except self._client.exceptions.ConditionalCheckFailedException:
                return False
        return True
