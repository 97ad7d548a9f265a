"""Which stack holds a project: one item a project, in the table of the rate budget (docs/decisions/0069).

It may be lost: then a second launch is refused where it meets the first one's repositories or role.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from custom_resources.clients.budget import of_the_table

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef


class HeldProjects:
    """Every method raises AwsThrottled and AwsUnreachable, which pass, AwsDenied, BudgetMissing."""

    def __init__(self, client: DynamoDBClient, table: str) -> None:
        """Take a boto3 DynamoDB client and the table's name."""
        self._client = client
        self._table = table

    def hold(self, project: str, stack_id: str, instead_of: str = "") -> str:
        """Hold a project that nobody holds, or only the stack `instead_of`; return the id of the stack that holds it.

        Of two stacks that ask at once, one gets it.
        """
        free = "attribute_not_exists(Id) OR #holder = :former"
        taken = self._client.exceptions.ConditionalCheckFailedException
        with of_the_table(self._table, "holding a project"), suppress(taken):
            self._client.put_item(
                TableName=self._table,
                Item={**_key(project), "Holder": {"S": stack_id}},
                ConditionExpression=free,
                ExpressionAttributeNames={"#holder": "Holder"},
                ExpressionAttributeValues={":former": {"S": instead_of or stack_id}},
            )
            return stack_id
        with of_the_table(self._table, "reading who holds a project"):
            found = self._client.get_item(TableName=self._table, Key=_key(project), ConsistentRead=True)
        return found.get("Item", {}).get("Holder", {}).get("S", "")

    def release(self, project: str, stack_id: str) -> None:
        """Let go of a project, unless another stack holds it."""
        others = self._client.exceptions.ConditionalCheckFailedException
        with of_the_table(self._table, "letting go of a project"), suppress(others):
            self._client.delete_item(
                TableName=self._table,
                Key=_key(project),
                ConditionExpression="#holder = :own",
                ExpressionAttributeNames={"#holder": "Holder"},
                ExpressionAttributeValues={":own": {"S": stack_id}},
            )


def _key(project: str) -> dict[str, AttributeValueTypeDef]:
    return {"Id": {"S": f"project {project}"}}
