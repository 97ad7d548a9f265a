"""The shared rate budget in DynamoDB: one item, changed only as it was read. Losing it loses nothing."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from custom_resources import rate_budget
from custom_resources.errors import FinalError, RetryLater
from custom_resources.rate_budget import Budget, Cost

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_TRIES = 8
_PASSING = {
    "ThrottlingException",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "InternalServerError",
}


class SharedBudget:
    """The budget of one GitHub token, for all functions."""

    def __init__(self, client: DynamoDBClient, table: str, clock: Callable[[], float] = time.time) -> None:
        """Take a boto3 DynamoDB client and the table's name."""
        self._client = client
        self._table = table
        self._clock = clock

    def require_open(self) -> None:
        """Raise RetryLater while GitHub wants no request at all."""
        if seconds := rate_budget.wait(self._read()[0], self._clock()):
            raise RetryLater(seconds, "GitHub asked all launches to wait.")

    def reserve(self, cost: Cost) -> None:
        """Take the cost out of the budget, or raise RetryLater with the time until it may fit."""
        if cost != Cost():
            seconds = self._change(lambda budget, now: rate_budget.reserve(budget, cost, now))
            if seconds:
                raise RetryLater(
                    seconds, "Many launches are under way; this one waits for its share of GitHub's limit."
                )

    def pause(self, seconds: float) -> None:
        """Make everyone wait, since GitHub asked for it."""
        self._change(lambda budget, now: (rate_budget.pause(budget, seconds, now), 0.0))

    def _read(self) -> tuple[Budget, int]:
        try:
            found = self._client.get_item(TableName=self._table, Key={"Id": {"S": "github"}}, ConsistentRead=True)
        except (ClientError, BotoCoreError) as error:
            raise _failure(error, self._table) from error
        item = found.get("Item")
        if not item:
            return Budget(), 0
        state = json.loads(item["State"]["S"])
        return Budget(state["empty_at"], state["paused_until"]), int(item["Revision"]["N"])

    def _change(self, change: Callable[[Budget, float], tuple[Budget, float]]) -> float:
        for _ in range(_TRIES):
            budget, revision = self._read()
            changed, seconds = change(budget, self._clock())
            if changed == budget or self._write(changed, revision):
                return seconds
        raise RetryLater(2, "Many launches ask for their share of GitHub's limit at once.")

    def _write(self, budget: Budget, revision: int) -> bool:
        state = json.dumps({"empty_at": dict(budget.empty_at), "paused_until": budget.paused_until})
        try:
            self._client.put_item(
                TableName=self._table,
                Item={"Id": {"S": "github"}, "State": {"S": state}, "Revision": {"N": str(revision + 1)}},
                ConditionExpression="attribute_not_exists(Revision) OR Revision = :revision",
                ExpressionAttributeValues={":revision": {"N": str(revision)}},
            )
        except ClientError as error:
            if error.response["Error"]["Code"] == "ConditionalCheckFailedException":
                return False
            raise _failure(error, self._table) from error
        except BotoCoreError as error:
            raise _failure(error, self._table) from error
        return True


def _failure(error: Exception, table: str) -> Exception:
    if isinstance(error, ClientError) and error.response["Error"]["Code"] not in _PASSING:
        code = error.response["Error"]["Code"]
        return FinalError(f"The rate budget {table} cannot be used ({code}); deploy the foundation stack again.")
    return RetryLater(5, "DynamoDB could not be reached.")
