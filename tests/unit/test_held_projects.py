"""Who holds a project, in DynamoDB as moto has it."""

from __future__ import annotations

from collections.abc import Iterator

import boto3
import pytest
from moto import mock_aws

from custom_resources.clients.held_projects import HeldProjects

TABLE = "held"


@pytest.fixture
def held() -> Iterator[HeldProjects]:
    with mock_aws():
        client = boto3.client("dynamodb", "eu-west-1", aws_access_key_id="x", aws_secret_access_key="x")
        client.create_table(
            TableName=TABLE,
            KeySchema=[{"AttributeName": "Id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "Id", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        yield HeldProjects(client, TABLE)


def test_a_project_is_held_by_one_stack_until_that_lets_go(held: HeldProjects) -> None:
    assert [held.hold("p", stack) for stack in ("one", "two", "one")] == ["one", "one", "one"]
    held.release("p", "two")
    assert held.hold("p", "two") == "one"
    held.release("p", "one")
    assert held.hold("p", "two") == "two"
    assert held.hold("q", "one") == "one"


def test_only_the_stack_in_whose_place_one_comes_gives_way(held: HeldProjects) -> None:
    held.hold("p", "one")
    assert held.hold("p", "two", instead_of="three") == "one"
    assert held.hold("p", "two", instead_of="one") == "two"


def test_a_project_that_was_let_go_between_the_two_requests_is_held_by_nobody(
    held: HeldProjects, monkeypatch: pytest.MonkeyPatch
) -> None:
    held.hold("p", "one")
    client = held._client
    read = client.get_item

    def let_go_before(**given: object) -> object:
        held.release("p", "one")
        return read(**given)  # type: ignore[arg-type]

    monkeypatch.setattr(client, "get_item", let_go_before)
    assert held.hold("p", "two") == ""
