"""A short version of the fault matrix: a seeded choice in which every fault is twice (`make faults` runs all)."""

from __future__ import annotations

import copy
import random
import re
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import cycle
from typing import Any

import pytest

from custom_resources.delivery.resource import RepositoryTemplate
from custom_resources.template_content import archive_name
from tests.faults import stack as stacks
from tests.faults.matrix import (
    FAULTS,
    ORGANIZATION,
    PREPARE,
    V2,
    V3,
    Asked,
    Cell,
    Laboratory,
    cells,
    edited,
    expected,
    launched,
    run,
)
from tests.faults.stack import Stack, launch_template

pytestmark = pytest.mark.shares("faults", seconds=60)


@pytest.fixture(scope="module")
def laboratory() -> Iterator[Laboratory]:
    with Laboratory.running() as running:
        yield running


SEED = 20261128


def kinds_of(operation: str) -> list[str]:
    """Return the faults that an operation is tried with here: half of them, each in two operations."""
    number = list(PREPARE).index(operation)
    return list(FAULTS)[number % 2 :: 2]


def sample(operation: str, requests: Sequence[Asked]) -> list[Cell]:
    """Return a cell for each of the operation's faults, each at another request as far as there are as many.

    The choice is always the same one. All requests with all faults: `make faults`.
    """
    kinds, chance = kinds_of(operation), random.Random(f"{SEED} {operation}")
    shuffled = chance.sample(requests, len(requests))
    return [Cell(operation, request, kind) for request, kind in zip(cycle(shuffled), kinds, strict=False)]


def test_every_fault_is_in_the_sample_of_two_operations() -> None:
    tried = Counter(kind for operation in PREPARE for kind in kinds_of(operation))
    assert tried == dict.fromkeys(FAULTS, 2)


@pytest.mark.parametrize("operation", PREPARE)
def test_every_request_may_fail(laboratory: Laboratory, operation: str) -> None:
    right = expected(laboratory, operation)
    requests = [cell.request for cell in cells(laboratory, [operation], ["500"])]
    chosen = sample(operation, requests)
    assert len(requests) >= 5, "a delete: the look-up, refs and commits, the referenced secret, the archive"
    assert len({cell.request for cell in chosen}) == min(len(requests), len(chosen))
    outcomes = [run(laboratory, cell, right) for cell in chosen]
    assert [outcome for outcome in outcomes if outcome.wrong] == []


def test_the_matrix_would_notice(laboratory: Laboratory) -> None:
    """A state that differs is told: the comparison can fail."""
    right = expected(laboratory, "launch")
    right["-build"]["secrets"]["FIRST"] = "another value"
    outcome = run(laboratory, Cell("launch", Asked("POST", "/api/v3/orgs/acme/repos"), "502"), right)
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
        assert state[part]["history"].endswith(before[part]["history"]), "nothing was forced"
    if failing != "model_build-template":  # it was there already, and went back
        subjects = state["-build"]["history"].splitlines()
        assert [line for line in subjects if line.startswith("Update")] == [
            "Update the template to v1.0.0",
            "Update the template to v2.0.0",
        ]
    again = launch_template(ORGANIZATION, project, archive_name(V2), "v2.0.0", value="2")
    assert stack.update(again) == "UPDATE_COMPLETE"
    for part, found in laboratory.state(project).items():
        assert found["lineage"].startswith("Template regression/model_"), part
        assert found["lineage"].splitlines()[0].endswith(" v2.0.0")
        assert not set(found["refs"]) & {ref for ref in before[part]["refs"] if ref.startswith("refs/heads/main ")}


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
    event = stack.world.accept(resource.type, event)
    stack._begin("UPDATE_ROLLBACK_IN_PROGRESS")
    answer = stack.world.reconcile(resource.type, event)
    assert answer == {"IsComplete": True}
    assert laboratory.state(project) == before


def test_a_delete_while_github_is_down_fails_and_can_be_repeated(laboratory: Laboratory) -> None:
    project = laboratory.project()
    stack = launched(laboratory, project)
    stack.patience = 0
    laboratory.standin.control("POST", "/faults", {"fault": "503", "match": {}, "times": None})
    assert stack.delete() == "DELETE_FAILED"
    assert re.search("stopped waiting after 0 minutes: .*503", stack.reason), stack.reason
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
    assert "already launched" in second.reason
    assert laboratory.state(project) == expected(laboratory, "launch")
    assert first.delete() == "DELETE_COMPLETE"
    assert all(found["archived"] for found in laboratory.state(project).values())


@pytest.mark.parametrize("ahead", ["repository", "template"])
def test_a_second_stack_is_refused_wherever_the_first_one_is(laboratory: Laboratory, ahead: str) -> None:
    """It finds the repository delivered to; or it restored an empty one, but the other one delivers first."""
    project = laboratory.project()
    first, second = laboratory.stack(project), laboratory.stack(project)
    if ahead == "template":
        earlier = laboratory.stack(project)
        del earlier.template[1:]
        assert (earlier.create(), earlier.delete()) == ("CREATE_COMPLETE", "DELETE_COMPLETE")
        second.template[1] = _before(second.template[1], first.create)
    else:
        assert first.create() == "CREATE_COMPLETE"
    assert second.create() == "ROLLBACK_COMPLETE"
    assert second.reason.startswith(f"model_build-{ahead}: The project is already launched")
    assert laboratory.state(project) == expected(laboratory, "launch")


def test_a_second_stack_is_refused_while_the_first_one_has_an_empty_repository(laboratory: Laboratory) -> None:
    project = laboratory.project()
    first, second = laboratory.stack(project), laboratory.stack(project)
    statuses: list[str] = []
    first.template[1] = _before(first.template[1], lambda: statuses.append(second.create()))
    assert first.create() == "CREATE_COMPLETE"
    assert statuses == ["ROLLBACK_COMPLETE"]
    assert second.reason.startswith("model_build-repository: The project seems to be already launched")
    assert laboratory.state(project) == expected(laboratory, "launch")


def _before(resource: stacks.Resource, act: Callable[[], object]) -> stacks.Resource:
    """Return a resource before whose creation something else happens."""

    def properties(made: Mapping[str, Mapping[str, str]]) -> dict[str, Any]:
        act()
        return resource.properties(made)

    return stacks.Resource(resource.logical_id, resource.type, properties)


def at_the_same_time(laboratory: Laboratory, *versions: str) -> dict[str, Any]:
    """Update one stack to each version, served by function environments that do not see each other's fence."""
    project = laboratory.project()
    first = edited(laboratory, project, 15)
    stack_of = {}
    for number, version in enumerate(versions):
        other = laboratory.stack(project)
        vars(other.world).update(stacks=stacks.Stacks({}), update_records=first.world.update_records)
        copied = replace(other, id=first.id, live=copy.deepcopy(first.live), attributes=dict(first.attributes))
        stack_of[number, version] = copied
    statuses: list[str] = []
    threads = [
        threading.Thread(target=lambda s=stack, v=version: statuses.append(updated(s, project, v)))
        for (_, version), stack in stack_of.items()
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == ["UPDATE_COMPLETE"] * len(versions), [stack.reason for stack in stack_of.values()]
    return laboratory.state(project)


def test_an_update_that_another_overtakes_comes_after_it(
    laboratory: Laboratory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between its plan and its push: what was planned is not pushed over what has come meanwhile."""
    project = laboratory.project()
    first = edited(laboratory, project, 15)
    other = laboratory.stack(project)
    vars(other.world).update(stacks=stacks.Stacks({}), update_records=first.world.update_records)
    second = replace(other, id=first.id, live=copy.deepcopy(first.live), attributes=dict(first.attributes))
    apply = RepositoryTemplate.apply
    overtaken: list[str] = []

    def late(self: RepositoryTemplate, plan: Any, request: Any, ensure_current: Callable[[], None]) -> Any:
        if not overtaken:
            overtaken.append(request.properties.template_version)
            assert updated(second, project, "v2.0.0") == "UPDATE_COMPLETE", second.reason
        return apply(self, plan, request, ensure_current)

    monkeypatch.setattr(RepositoryTemplate, "apply", late)
    assert updated(first, project, "v3.0.0") == "UPDATE_COMPLETE", first.reason
    assert overtaken == ["v3.0.0"]
    assert laboratory.state(project) == one_after_the_other(laboratory, "v2.0.0", "v3.0.0")


def one_after_the_other(laboratory: Laboratory, *versions: str) -> dict[str, Any]:
    """Update one stack to each version in turn."""
    project = laboratory.project()
    stack = edited(laboratory, project, 15)
    for version in versions:
        assert updated(stack, project, version) == "UPDATE_COMPLETE", stack.reason
    return laboratory.state(project)


def updated(stack: Stack, project: str, version: str) -> str:
    archives = {"v2.0.0": V2, "v3.0.0": V3}
    template = launch_template(ORGANIZATION, project, archive_name(archives[version]), version, value=version)
    return stack.update(template)


def test_racing_updates_are_serialized(laboratory: Laboratory) -> None:
    """Of the same version: both repositories are as after one update."""
    state = at_the_same_time(laboratory, "v2.0.0", "v2.0.0")
    assert sorted(state) == ["-build", "-deploy"]
    assert state == one_after_the_other(laboratory, "v2.0.0")


def test_racing_updates_to_two_versions_are_serialized(laboratory: Laboratory) -> None:
    """What each resource made is as after the one update and then the other, in some order."""
    state = at_the_same_time(laboratory, "v2.0.0", "v3.0.0")
    orders = [one_after_the_other(laboratory, *versions) for versions in (("v2.0.0", "v3.0.0"), ("v3.0.0", "v2.0.0"))]
    configured = ("secrets", "variables")
    for part in ("-build", "-deploy"):
        for keys in (configured, set(state[part]) - set(configured)):
            found = {key: state[part][key] for key in keys}
            assert found in [{key: order[part][key] for key in keys} for order in orders]
