"""The shared rate budget in DynamoDB: one item, changed only as it was read, and one for each request that has paid.

What is taken out of the budget and who has paid it are written together (docs/decisions/0106): an answer that is lost
charges nobody twice. Losing the items loses nothing: what a request has done is then looked for, or done again.
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
    AwsThrottled,
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
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef, PutTypeDef

Book = Callable[[Budget, Cost, float, float], tuple[Budget, Slot]]

_TRIES = 8  # of a conditional write that others have overtaken
# Why DynamoDB cancels a transaction: others were first; it has too much to do.
_OVERTAKEN = {"ConditionalCheckFailed", "TransactionConflict"}
_TOO_MANY = {"None", "ProvisionedThroughputExceeded", "ThrottlingError"}
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


@dataclass(frozen=True)
class Change:
    """What becomes of the budget, what is noted with it of the request that changes it, and the seconds to wait."""

    budget: Budget
    noted: Wait | None = None
    seconds: float = 0.0


@contextmanager
def of_the_table(table: str, activity: str) -> Iterator[None]:
    """Translate DynamoDB's errors. Raises BudgetMissing if the table does not exist, and what `translated` raises."""
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

        That is while GitHub accepts no request at all, until the wait that an earlier call of the request returned is
        over, and until the slot booked then opens: so a plan that must wait costs GitHub nothing.
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

    def reserve(self, cost: Cost, request: str, progress: Progress) -> None:
        """Take the cost out of the budget and note that the request has paid it.

        Raises BudgetSpent with the time until it may fit. Another error leaves open whether it has paid; `remember`
        finds out.
        """
        if not cost:
            return
        paid = Wait(0.0, Cost(), progress.paid.plus(cost), progress.steps, progress.waits, waited=progress.waited)

        def charge(budget: Budget, now: float) -> Change:
            charged, seconds = rate_budget.reserve(budget, cost, now, self._share)
            return Change(charged, None if seconds else paid, seconds)

        try:
            seconds = self._change(charge, request)
        except RetryLater:
            progress.in_doubt = True
            raise
        if seconds:
            raise BudgetSpent(seconds, cost)

    def remember(self, request: str, wait: RetryLater, progress: Progress) -> None:
        """Keep what a call has done and paid for, and until when it waits; book a slot where there was no room.

        Without a slot it waits twice as long each time, up to a minute: so a GitHub that is down is asked little. A
        wait within the time between two calls is none, and for a limit of requests everyone waits.
        """
        if not request:
            return
        if progress.in_doubt:
            self._settle(request, progress)
        if isinstance(wait, BudgetSpent):
            self._book(rate_budget.book, request, wait.cost, progress.paid, progress)
            return
        if isinstance(wait, RateLimited) and wait.of_content:  # what was paid for is not spent, and its turn is kept
            self._book(rate_budget.book_again, request, _ONE, progress.paid.beyond(_ONE), progress)
            return
        seconds, waits = wait.seconds, progress.waits
        if not isinstance(wait, RateLimited) and seconds:
            seconds, waits = max(seconds, min(seconds * 2**waits, _LONGEST_SECONDS)), waits + 1
        waiting = seconds > _BETWEEN_CALLS and not isinstance(wait, RateLimited)
        until = self._clock() + seconds if waiting else 0.0
        kept = Wait(until, Cost(), progress.paid, progress.steps, waits, waited=progress.waited)
        if kept != Wait(0.0):
            self._remember(request, kept)

    def _settle(self, request: str, progress: Progress) -> None:
        """Find out whether the request has paid what it could not hear of."""
        wait = self._remembered(request)
        progress.paid, progress.in_doubt = progress.paid if wait is None else wait.paid, False

    def _book(self, book: Book, request: str, due: Cost, paid: Cost, progress: Progress) -> None:
        def booked(budget: Budget, now: float) -> Change:
            budget, slot = book(budget, due, now, self._share)
            return Change(budget, Wait(0.0, due, paid, progress.steps, progress.waits, slot, now, progress.waited))

        self._change(booked, request)

    def pause(self, seconds: float, *, untold: bool = False, content: bool = False) -> None:
        """Make everyone wait, since GitHub asked for it; longer each time where it did not say how long.

        `content`: it refused to create content, which then comes at half the rate.
        """

        def stop(budget: Budget, now: float) -> Change:
            return Change(rate_budget.pause(budget, seconds, now, untold=untold, content=content))

        self._change(stop)

    def _remembered(self, request: str) -> Wait | None:
        item = self._item(f"request {request}")
        if item is None:
            return None
        state = {"slot": (), "since": self._clock(), "waited": 0.0, **json.loads(item["State"]["S"])}
        costs = Cost(*state["due"]), Cost(*state["paid"])
        slot, since, waited = Slot(*state["slot"]), state["since"], state["waited"]
        return Wait(state["until"], *costs, state["steps"], state["waits"], slot, since, waited)

    def _remember(self, request: str, wait: Wait) -> None:
        with of_the_table(self._table, "remembering a wait"):
            self._client.put_item(TableName=self._table, Item=self._item_of(request, wait))

    def _item_of(self, request: str, wait: Wait) -> Mapping[str, AttributeValueTypeDef]:
        costs = {name: [cost.points, cost.creations] for name, cost in (("due", wait.due), ("paid", wait.paid))}
        slot = [wait.slot.requests, wait.slot.content]
        state = {"until": wait.until, **costs, "steps": dict(wait.steps), "waits": wait.waits}
        state |= {"slot": slot, "since": wait.since, "waited": wait.waited}
        item: dict[str, AttributeValueTypeDef] = {"Id": {"S": f"request {request}"}, "State": {"S": json.dumps(state)}}
        item["ExpiresAt"] = {"N": str(int(max(wait.until, self._clock(), *slot)) + _KEPT_SECONDS)}
        return item

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

    def _change(self, change: Callable[[Budget, float], Change], request: str = "") -> float:
        for _ in range(_TRIES):
            budget, revision = self._read()
            now = self._clock()
            changed = change(budget, now)
            noted = {request: changed.noted} if request and changed.noted else {}
            if changed.budget == budget or self._write(changed.budget, revision, noted):
                return changed.seconds
        raise BudgetContended(2)

    def _write(self, budget: Budget, revision: int, noted: Mapping[str, Wait]) -> bool:
        """Write the budget as it was read, and what it means for a request: both or neither. False: others were first.

        boto3 sends a token with each transaction: when an answer is lost, its next try changes nothing.
        """
        item: dict[str, AttributeValueTypeDef] = {"Id": {"S": "github"}, "Revision": {"N": str(revision + 1)}}
        item["State"] = {"S": json.dumps(asdict(budget))}
        # For a rollout, which reads no State: before then no further update may start (rate_budget.may_start).
        item["OpensAt"] = {"N": str(rate_budget.opens_at(budget, self._clock(), self._share))}
        put: PutTypeDef = {
            "TableName": self._table,
            "Item": item,
            "ConditionExpression": "attribute_not_exists(Revision) OR Revision = :revision",
            "ExpressionAttributeValues": {":revision": {"N": str(revision)}},
        }
        notes: list[PutTypeDef] = [
            {"TableName": self._table, "Item": self._item_of(request, wait)} for request, wait in noted.items()
        ]
        with of_the_table(self._table, "writing the rate budget"):
            try:
                self._client.transact_write_items(TransactItems=[{"Put": each} for each in (put, *notes)])
            except self._client.exceptions.TransactionCanceledException as cancelled:
                reasons = {str(reason.get("Code")) for reason in cancelled.response.get("CancellationReasons", ())}
                if reasons & _OVERTAKEN:
                    return False
                if reasons <= _TOO_MANY:
                    code = ", ".join(sorted(reasons - {"None"}))
                    raise AwsThrottled(
                        2, service=DYNAMODB.name, activity="writing the rate budget", code=code
                    ) from None
                raise
        return True
