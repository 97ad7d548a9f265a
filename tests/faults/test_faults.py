"""A short version of the fault matrix: every request once, with faults that take turns (`make faults` runs all)."""

from __future__ import annotations

import copy
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from itertools import cycle
from typing import Any

import pytest

from tests.faults import stack as stacks
from tests.faults.matrix import (
    FAULTS,
    ORGANIZATION,
    PREPARE,
    V2,
    Cell,
    Laboratory,
    archive_name,
    cells,
    edited,
    expected,
    launch_template,
    launched,
    operate,
    run,
)

TURNS = (
    "reset after",
    "502",
    "killed after",
    "truncated",
    "secondary limit",
    "401, token rotated",
    "500 after",
    "killed before",
)


@pytest.fixture(scope="module")
def laboratory() -> Iterator[Laboratory]:
    with Laboratory.running() as running:
        yield running


@pytest.mark.parametrize("operation", PREPARE)
def test_every_request_may_fail(laboratory: Laboratory, operation: str) -> None:
    right = expected(laboratory, operation)
    turns = cycle(TURNS)
    chosen = [
        Cell(cell.operation, cell.request, cell.label, next(turns)) for cell in cells(laboratory, [operation], ["500"])
    ]
    outcomes = [run(laboratory, cell, right) for cell in chosen]
    assert len(outcomes) >= 4, "a delete: the look-up, refs and commits, the archive"
    assert [outcome for outcome in outcomes if outcome.wrong] == []


def test_the_matrix_would_notice(laboratory: Laboratory) -> None:
    """A state that differs is told: the comparison can fail."""
    right = expected(laboratory, "launch")
    right["-build"]["secrets"]["FIRST"] = "another value"
    outcome = run(laboratory, Cell("launch", 3, "", "502"), right)
    assert "/-build/secrets/FIRST is 'same', not 'another value'" in outcome.wrong


@pytest.mark.parametrize("failing", range(6))
def test_a_create_that_fails_at_a_resource_ends_archived(laboratory: Laboratory, failing: int) -> None:
    project = laboratory.project()
    stack = laboratory.stack(project)
    name = stack.template[failing].logical_id
    broken = stack.template[failing]
    stack.template[failing] = stacks.Resource(
        name,
        broken.type,
        lambda made: broken.properties(made) | {"Secrets": [], "TemplateFolder": "no/such", "Name": "a b"},
    )
    assert stack.create() == "ROLLBACK_COMPLETE"
    assert stack.reason.startswith(f"{name}: ")
    assert all(found["archived"] for found in laboratory.state(project).values())
    again = laboratory.stack(project)
    assert again.create() == "CREATE_COMPLETE"
    assert laboratory.state(project) == expected(laboratory, "launch")


@pytest.mark.parametrize("failing", ["model_build-template", "model_build-configuration", "model_deploy-template"])
def test_an_update_that_fails_at_a_resource_goes_back(laboratory: Laboratory, failing: str) -> None:
    project = laboratory.project()
    stack = launched(laboratory, project)
    template = launch_template(ORGANIZATION, project, archive_name(V2), "v2.0.0", value="2")
    number = next(n for n, resource in enumerate(template) if resource.logical_id == failing)
    good = template[number]
    template[number] = stacks.Resource(
        failing, good.type, lambda made: good.properties(made) | {"Secrets": "none", "TemplateArchive": "none"}
    )
    assert stack.update(template) == "UPDATE_ROLLBACK_COMPLETE"
    state = laboratory.state(project)
    before = expected(laboratory, "launch")
    for part in ("-build", "-deploy"):
        assert state[part]["secrets"] == before[part]["secrets"]
        main = "refs/heads/main "
        assert [ref for ref in state[part]["refs"] if ref.startswith(main)] == [
            ref for ref in before[part]["refs"] if ref.startswith(main)
        ], "the old version's files are back, by a merge"
    assert (
        stack.update(launch_template(ORGANIZATION, project, archive_name(V2), "v2.0.0", value="2")) == "UPDATE_COMPLETE"
    )


def test_a_cancelled_update_does_not_write_once_the_rollback_began(laboratory: Laboratory) -> None:
    """aws/aws-cdk issue 31541: the waiter of a cancelled update goes on calling."""
    project = laboratory.project()
    stack = launched(laboratory, project)
    before = laboratory.state(project)
    resource = launch_template(ORGANIZATION, project, archive_name(V2), "v2.0.0", value="2")[1]
    live = stack.live[resource.logical_id]
    stack._begin("UPDATE_IN_PROGRESS")
    event: dict[str, Any] = {
        "RequestType": "Update",
        "StackId": stack.id,
        "PhysicalResourceId": live.physical_id,
        "ResourceProperties": resource.properties(stack.attributes),
        "OldResourceProperties": live.properties,
    }
    event |= stacks.on_event(stack.world.resource(resource.type), event, stack.world.stacks)
    stack._begin("UPDATE_ROLLBACK_IN_PROGRESS")
    answer = stacks.is_complete(stack.world.resource(resource.type), event, stack.world.stacks, 3600)
    assert answer == {"IsComplete": True}
    assert laboratory.state(project) == before


def test_a_delete_while_github_is_down_fails_and_can_be_repeated(
    laboratory: Laboratory, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = laboratory.project()
    stack = launched(laboratory, project)
    monkeypatch.setattr(stacks, "MAX_POLLS", 3)
    laboratory.standin.control("POST", "/faults", {"fault": "503", "match": {}, "times": None})
    assert stack.delete() == "DELETE_FAILED"
    laboratory.standin.control("DELETE", "/faults")
    assert stack.delete() == "DELETE_COMPLETE"
    assert all(found["archived"] for found in laboratory.state(project).values())


def test_two_stacks_for_one_project_end_with_one_pair_of_repositories(laboratory: Laboratory) -> None:
    """The one that delivers first has them; the other is refused and rolled back without harm."""
    project = laboratory.project()
    pair = [laboratory.stack(project), laboratory.stack(project)]
    statuses: dict[str, str] = {}
    threads = [threading.Thread(target=lambda s=stack: statuses.update({s.id: s.create()})) for stack in pair]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses.values()) == ["CREATE_COMPLETE", "ROLLBACK_COMPLETE"], [stack.reason for stack in pair]
    first, second = sorted(pair, key=lambda stack: statuses[stack.id])
    assert "launched already" in second.reason
    assert laboratory.state(project) == expected(laboratory, "launch")
    assert first.delete() == "DELETE_COMPLETE"
    assert all(found["archived"] for found in laboratory.state(project).values())


@pytest.mark.parametrize("ahead", ["repository", "template"])
def test_a_second_stack_is_refused_wherever_the_first_one_is(laboratory: Laboratory, ahead: str) -> None:
    """It finds the repository delivered to; or it made the repository, but the other one delivers first."""
    project = laboratory.project()
    first, second = laboratory.stack(project), laboratory.stack(project)
    if ahead == "template":
        second.template[1] = _before(second.template[1], first.create)
    else:
        assert first.create() == "CREATE_COMPLETE"
    assert second.create() == "ROLLBACK_COMPLETE"
    assert second.reason.startswith(f"model_build-{ahead}: The project is launched already")
    assert laboratory.state(project) == expected(laboratory, "launch")


def _before(resource: stacks.Resource, act: Callable[[], object]) -> stacks.Resource:
    """Return a resource before whose creation something else happens."""

    def properties(made: Mapping[str, Mapping[str, str]]) -> dict[str, Any]:
        act()
        return resource.properties(made)

    return stacks.Resource(resource.logical_id, resource.type, properties)


def test_racing_updates_are_serialized(laboratory: Laboratory) -> None:
    project = laboratory.project()
    first = edited(laboratory, project, 15)
    # The same stack, served by other function environments, which do not see the fence of the first one.
    other = laboratory.stack(project)
    vars(other.world).update(stacks=stacks.Stacks({}))
    second = replace(other, id=first.id, live=copy.deepcopy(first.live), attributes=dict(first.attributes))
    statuses: list[str] = []
    threads = [
        threading.Thread(target=lambda s=stack: statuses.append(operate("update", s, project)))
        for stack in (first, second)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == ["UPDATE_COMPLETE", "UPDATE_COMPLETE"]
    state, right = laboratory.state(project), expected(laboratory, "update")
    assert json.dumps(state["-deploy"], sort_keys=True) == json.dumps(right["-deploy"], sort_keys=True)


def test_faults_are_all_known_to_the_table() -> None:
    assert set(TURNS) <= set(FAULTS)
