"""The resources of a stack while an operation goes on, made of MiniStack's records and events."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from standins.aws.stack_resources import current, listed, not_skippable, told


def event(name: str, status: str, physical_id: str = "", kind: str = "Custom::Lamp") -> dict[str, Any]:
    made = {"LogicalResourceId": name, "ResourceType": kind, "ResourceStatus": status, "Timestamp": "now"}
    return {**made, "StackName": "house", "PhysicalResourceId": physical_id}


def states(known: dict[str, Any], *events: dict[str, Any]) -> dict[str, tuple[str, str]]:
    found = current(known, list(events))
    return {name: (item["ResourceStatus"], item["PhysicalResourceId"]) for name, item in found.items()}


CREATED = (event("Lamp", "CREATE_IN_PROGRESS"), event("Lamp", "CREATE_COMPLETE", "lamp-1"))
KNOWN = {"Lamp": {"ResourceType": "Custom::Lamp", "ResourceStatus": "CREATE_COMPLETE", "PhysicalResourceId": "lamp-1"}}


def test_a_resource_is_listed_from_its_beginning() -> None:
    begun = event("house", "CREATE_IN_PROGRESS", "arn", "AWS::CloudFormation::Stack")
    assert states({}, begun, CREATED[0]) == {"Lamp": ("CREATE_IN_PROGRESS", "")}
    assert states({}, begun, *CREATED) == {"Lamp": ("CREATE_COMPLETE", "lamp-1")}


def test_an_update_keeps_the_physical_id_and_creates_what_it_adds() -> None:
    updates = (event("Lamp", "UPDATE_IN_PROGRESS"), event("Door", "UPDATE_IN_PROGRESS"))
    assert states(KNOWN, *CREATED, *updates) == {
        "Lamp": ("UPDATE_IN_PROGRESS", "lamp-1"),
        "Door": ("CREATE_IN_PROGRESS", ""),
    }


def test_what_an_update_failed_to_add_is_created_by_the_next_one() -> None:
    """The first was rolled back: nothing is left of it but its events."""
    failed = (event("Door", "UPDATE_IN_PROGRESS"), event("Door", "CREATE_FAILED"))
    found = states(KNOWN, *CREATED, *failed, event("Door", "UPDATE_IN_PROGRESS"))
    assert found["Door"] == ("CREATE_IN_PROGRESS", "")


def test_what_is_gone_is_not_listed() -> None:
    going = event("Lamp", "DELETE_IN_PROGRESS", "lamp-1")
    assert states(KNOWN, *CREATED, going) == {"Lamp": ("DELETE_IN_PROGRESS", "lamp-1")}
    for gone in ("DELETE_COMPLETE", "DELETE_SKIPPED"):
        assert states(KNOWN, *CREATED, going, event("Lamp", gone, "lamp-1")) == {}
    again = event("Lamp", "UPDATE_IN_PROGRESS")
    assert states({}, *CREATED, going, event("Lamp", "DELETE_COMPLETE"), again) == {"Lamp": ("CREATE_IN_PROGRESS", "")}


def test_the_deletion_of_a_predecessor_is_not_the_resources_own() -> None:
    replaced = {"Lamp": {**KNOWN["Lamp"], "PhysicalResourceId": "lamp-2"}}
    update = (event("Lamp", "UPDATE_IN_PROGRESS"), event("Lamp", "UPDATE_COMPLETE", "lamp-2"))
    cleanup = (event("Lamp", "DELETE_IN_PROGRESS", "lamp-1"), event("Lamp", "DELETE_COMPLETE", "lamp-1"))
    for number in range(3):
        assert states(replaced, *CREATED, *update, *cleanup[:number]) == {"Lamp": ("UPDATE_COMPLETE", "lamp-2")}


def test_a_rollback_that_deletes_a_successor_brings_the_resource_back() -> None:
    update = (event("Lamp", "UPDATE_IN_PROGRESS"), event("Lamp", "UPDATE_COMPLETE", "lamp-2"))
    deleted = (event("Lamp", "DELETE_IN_PROGRESS", "lamp-2"), event("Lamp", "DELETE_COMPLETE", "lamp-2"))
    for number in (1, 2):
        assert states(KNOWN, *CREATED, *update, *deleted[:number]) == {"Lamp": ("CREATE_COMPLETE", "lamp-1")}


def test_one_answer_lists_the_first_hundred_or_the_one_that_is_asked_for() -> None:
    found = {f"Lamp{number}": {"PhysicalResourceId": str(number)} for number in range(150)}
    assert list(listed(found, "")) == list(found)[:100]
    assert listed(found, "Lamp149") == {"Lamp149": {"PhysicalResourceId": "149"}}
    assert listed(found, "Door") == {}


def test_a_rollback_skips_what_it_could_not_update_and_nothing_else() -> None:
    failed: dict[str, Any] = {"Updated": {"RevertTo": {}}, "Created": {"Properties": {}}}
    assert not_skippable(failed, ["Updated"]) == []
    assert not_skippable(failed, ["Updated", "Created", "Unknown"]) == ["Created"]


def test_what_happened_a_moment_ago_is_told_late() -> None:
    now = datetime(2026, 11, 1, 12, tzinfo=UTC)
    begun = event("Lamp", "CREATE_IN_PROGRESS") | {"Timestamp": "2026-11-01T11:59:50.000Z"}
    done = event("Lamp", "CREATE_COMPLETE", "lamp-1") | {"Timestamp": "2026-11-01T11:59:58Z"}
    for late, status in ((0, "CREATE_COMPLETE"), (5, "CREATE_IN_PROGRESS")):
        assert told(KNOWN, [begun, done], late, now)["Lamp"]["ResourceStatus"] == status
    assert told(KNOWN, [begun, done], 60, now) == {}
