"""The records of update_record.py: one item a resource, in the table of the rate budget. Losing them loses nothing."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from custom_resources.clients.budget import of_the_table
from custom_resources.errors import BudgetContended
from custom_resources.update_record import UpdateRecord

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_TRIES = 8  # of a conditional write that others have overtaken
_KEPT_SECONDS = 24 * 3600  # after the stack's end


class UpdateRecords:
    """Every method raises AwsThrottled and AwsUnreachable, which pass, BudgetContended, AwsDenied, BudgetMissing."""

    def __init__(self, client: DynamoDBClient, table: str, clock: Callable[[], float] = time.time) -> None:
        """Take a boto3 DynamoDB client and the table's name."""
        self._client = client
        self._table = table
        self._clock = clock

    def change(
        self, stack_id: str, logical_id: str, change: Callable[[UpdateRecord | None], UpdateRecord | None]
    ) -> UpdateRecord | None:
        """Change a resource's record as it is at that moment; return what `change` made of it, None = left alone.

        Of two that change it at once, one does, and the other looks again.
        """
        name = _name(stack_id, logical_id)
        for _ in range(_TRIES):
            state = self._state(name)
            found = UpdateRecord(**json.loads(state)) if state else None
            wanted = change(found)
            if wanted is None or wanted == found or self._put(name, json.dumps(asdict(wanted)), state):
                return wanted
        raise BudgetContended(2)

    def forget(self, stack_id: str, logical_id: str) -> None:
        """Make a record expire in a day, if one exists: its stack is being deleted."""
        name = _name(stack_id, logical_id)
        state = self._state(name)
        if state:
            self._put(name, state, state, {"ExpiresAt": {"N": str(int(self._clock()) + _KEPT_SECONDS)}})

    def _state(self, name: str) -> str:
        with of_the_table(self._table, "reading what the last update wrote"):
            found = self._client.get_item(TableName=self._table, Key={"Id": {"S": name}}, ConsistentRead=True)
        return found.get("Item", {}).get("State", {}).get("S", "")

    def _put(self, name: str, state: str, former: str, more: dict[str, Any] | None = None) -> bool:
        with of_the_table(self._table, "writing what an update writes"):
            try:
                self._client.put_item(
                    TableName=self._table,
                    Item={"Id": {"S": name}, "State": {"S": state}, **(more or {})},
                    ConditionExpression="attribute_not_exists(Id) OR #state = :former",
                    ExpressionAttributeNames={"#state": "State"},
                    ExpressionAttributeValues={":former": {"S": former}},
                )
            except self._client.exceptions.ConditionalCheckFailedException:
                return False
        return True


def _name(stack_id: str, logical_id: str) -> str:
    return f"update {stack_id} {logical_id}"
