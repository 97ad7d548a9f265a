"""The budget's table in memory: the three operations of DynamoDB that the budget uses, as a boto3 client has them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

from botocore.exceptions import ClientError

from custom_resources.rate_budget import CREATIONS

Item = Mapping[str, Mapping[str, Any]]


class Cancelled(ClientError):
    """A transaction of which a condition did not hold."""


class Table:
    """Items by their Id. Conditions are those of the budget: that the Revision is absent, or the one that was read."""

    def __init__(self) -> None:
        """Start empty."""
        self.items: dict[str, Item] = {}
        self.exceptions = SimpleNamespace(TransactionCanceledException=Cancelled)

    def get_item(self, **asked: Any) -> dict[str, Item]:
        """Return an item if there is one."""
        found = self.items.get(asked["Key"]["Id"]["S"])
        return {} if found is None else {"Item": found}

    def put_item(self, **asked: Any) -> None:
        """Write an item without a condition."""
        self.items[asked["Item"]["Id"]["S"]] = asked["Item"]

    def transact_write_items(self, **asked: Any) -> None:
        """Write all items, or raise with the reasons why none was written."""
        puts = [each["Put"] for each in asked["TransactItems"]]
        held = [self._holds(put) for put in puts]
        if not all(held):
            reasons = [{"Code": "None" if holds else "ConditionalCheckFailed"} for holds in held]
            error = {"Error": {"Code": "TransactionCanceledException"}, "CancellationReasons": reasons}
            raise Cancelled(error, "TransactWriteItems")  # type: ignore[arg-type]
        for put in puts:
            self.items[put["Item"]["Id"]["S"]] = put["Item"]

    def opens_at(self) -> float:
        """Return the Unix time from which a rollout may have content created."""
        return float(self.items["github"]["OpensAt"]["N"]) if "github" in self.items else 0.0

    def created(self) -> float:
        """Return how many pieces of content were charged, when the budget was empty at 1000 and no time has passed."""
        state = json.loads(self.items["github"]["State"]["S"]) if "github" in self.items else {"empty_at": {}}
        filled = float(state["empty_at"].get(CREATIONS.name, 1000.0)) - 1000.0
        return filled / CREATIONS.delay(1)

    def _holds(self, put: Mapping[str, Any]) -> bool:
        condition = put.get("ConditionExpression")
        if condition is None:
            return True
        assert condition == "attribute_not_exists(Revision) OR Revision = :revision"
        found = self.items.get(put["Item"]["Id"]["S"], {}).get("Revision")
        return found is None or found == put["ExpressionAttributeValues"][":revision"]
