"""What functions remember in the shared table is a stack's own: nobody's event reads or writes another stack's.

The table holds each request's progress (docs/decisions/0083), each resource's last update (0081) and who holds a
project (0069), under names of which the event gives a part.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
import pytest

from custom_resources.call import progress_name
from custom_resources.clients.budget import SharedBudget
from custom_resources.errors import FinalError, GitHubUnavailable
from custom_resources.progress import Progress
from tests.security.aws_world import REGION, TABLE, World, request, stack_id, world
from tests.security.test_launches import CONFIGURATION


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    with world(monkeypatch, BUDGET_TABLE=TABLE) as found:
        yield found


def kept() -> dict[str, str]:
    """Return the table's items."""
    items = boto3.client("dynamodb", region_name=REGION).scan(TableName=TABLE, ConsistentRead=True)["Items"]
    return {item["Id"]["S"]: str(item) for item in items}


def updated(stack: str, new: dict[str, Any], old: dict[str, Any], request_id: str = "r-1") -> dict[str, Any]:
    event = request("Update", stack, "BuildConfiguration", new, "configuration/7")
    return {**event, "RequestId": request_id, "OldResourceProperties": {"ServiceToken": "arn", **old}}


def test_an_event_finds_and_changes_nothing_that_is_kept_for_another_stack(account: World) -> None:
    domain, mine = account.project("mine")
    _, theirs = account.project("victim")
    own, victims = account.launched("m", domain, mine, 7), account.launched("v", domain, theirs, 7)
    budget = SharedBudget(boto3.client("dynamodb", region_name=REGION), TABLE)
    of_the_victim = f"r-9 BuildConfiguration {victims}"
    wait = GitHubUnavailable(0, activity="x", status="503")
    budget.remember(of_the_victim, wait, Progress({"secret A": ""}))
    account.complete("actions_configuration", updated(victims, CONFIGURATION, CONFIGURATION))
    before = kept()
    assert {f"request {of_the_victim}", f"update {victims} BuildConfiguration"} <= before.keys()

    for request_id in ("r-9", of_the_victim, f"{of_the_victim} ", "github", ""):
        answer = account.complete("actions_configuration", updated(own, CONFIGURATION, CONFIGURATION, request_id))
        assert answer["IsComplete"]
    account.stacks[victims].status = "UPDATE_COMPLETE"
    with pytest.raises(FinalError, match="has the status UPDATE_COMPLETE"):
        account.complete("actions_configuration", updated(victims, {**CONFIGURATION, "Variables": {"B": "1"}}, {}))
    after = kept()
    assert {name: item for name, item in after.items() if name in before} == before
    assert after.keys() - before.keys() == {f"update {own} BuildConfiguration"}


def test_a_made_up_update_is_no_answer_to_a_rollback(account: World) -> None:
    """A rollback that needs no GitHub reports what the resource reported for these very properties."""
    domain, mine = account.project("mine")
    stack = account.launched("m", domain, mine, 7)
    good, bad = CONFIGURATION, {**CONFIGURATION, "RotateSecrets": "true"}
    account.complete("actions_configuration", updated(stack, good, good))
    made_up = {**CONFIGURATION, "Secrets": {"FORGED": "1"}}
    told = account.complete("actions_configuration", updated(stack, made_up, made_up))
    assert told["Data"]["SecretNames"] == "FORGED", "it is told to who invoked the function"
    account.invoke("actions_configuration", updated(stack, bad, good))  # and then ends in a refusal
    account.stacks[stack].status = "UPDATE_ROLLBACK_IN_PROGRESS"
    back = account.complete("actions_configuration", updated(stack, good, bad))
    assert back["Data"]["SecretNames"] == "A"


def test_what_is_kept_is_named_by_the_stacks_arn(account: World) -> None:
    """An ARN has no space, and ends or begins the name: no part that an event gives makes it another stack's."""
    named = {"RequestId": "r-9", "LogicalResourceId": "BuildConfiguration"}
    own, victims = (progress_name({**named, "StackId": stack_id(stack)}) for stack in "mv")
    assert (own == victims, own.endswith(f" {stack_id('m')}"), " " in stack_id("m")) == (False, True, False)
    domain, mine = account.project("mine")
    stack = account.launched("m", domain, mine, 7, "UPDATE_COMPLETE")
    account.stacks[stack].status = "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"
    before = kept()
    logical = f"x {stack_id('v')} BuildConfiguration"
    gone = request("Delete", stack, logical, {**CONFIGURATION, "Secrets": {}}, "configuration/former")
    assert account.complete("actions_configuration", gone)["IsComplete"]
    assert all(f" {stack}" in name for name in kept().keys() - before.keys())
