"""What waiting costs GitHub: requests counted, poll by poll, with the budget's clock moved on by ours."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest

from custom_resources.catalogue import CATALOGUE
from custom_resources.rate_budget import Budget, Cost
from custom_resources.template_content import archive_name
from tests.faults.matrix import ONE, ORGANIZATION, V2, Laboratory, launched
from tests.faults.stack import Stack, launch_template

pytestmark = pytest.mark.shares("faults", seconds=60)
POLL_SECONDS = 5


@pytest.fixture(scope="module")
def laboratory() -> Iterator[Laboratory]:
    with Laboratory.running() as running:
        yield running


def updating(laboratory: Laboratory, kind: str) -> tuple[Stack, dict[str, Any]]:
    """Return a stack, and the event of an update of its template or configuration that is accepted."""
    project = laboratory.project()
    stack = launched(laboratory, project, ONE)
    template = launch_template(ORGANIZATION, project, archive_name(V2), "v2.0.0", value="2", parts=ONE)
    [resource] = [each for each in template if each.logical_id.endswith(kind)]
    live = stack.live[resource.logical_id]
    stack._begin("UPDATE_IN_PROGRESS")
    event: dict[str, Any] = {
        "RequestType": "Update",
        "StackId": stack.id,
        "RequestId": "1",
        "LogicalResourceId": resource.logical_id,
        "PhysicalResourceId": live.physical_id,
        "ResourceProperties": resource.properties(stack.attributes),
        "OldResourceProperties": live.properties,
    }
    return stack, stack.world.accept(resource.type, event)


def polled(laboratory: Laboratory, stack: Stack, event: dict[str, Any], polls: int) -> tuple[list[int], bool]:
    """Call the function as the waiter does; return what each call asked of GitHub, and whether the last one ended."""
    asked, world, complete = list[int](), stack.world, False
    kind = "RepositoryTemplate" if event["LogicalResourceId"].endswith("template") else "ActionsConfiguration"
    for _ in range(polls):
        laboratory.standin.control("DELETE", "/requests")
        complete = world.reconcile(f"Custom::{kind}", event)["IsComplete"]
        asked.append(laboratory.standin.control("GET", "/requests")["count"])
        world.budget.now += POLL_SECONDS
        if complete:
            break
    return asked, complete


@pytest.fixture(autouse=True)
def without_faults(laboratory: Laboratory) -> Iterator[None]:
    yield
    laboratory.standin.control("DELETE", "/faults")


@pytest.mark.parametrize(
    ("fault", "resource", "kind"),
    [
        ("secondary-limit", "configuration", "rest"),
        ("429", "configuration", "rest"),
        ("limit-abuse", "configuration", "rest"),
        ("429", "template", "git"),
        ("limit-abuse", "template", "git"),
    ],
)
def test_a_limit_is_waited_for_without_a_request(laboratory: Laboratory, fault: str, resource: str, kind: str) -> None:
    stack, event = updating(laboratory, resource)
    laboratory.standin.control("POST", "/faults", {"fault": fault, "seconds": 60, "match": {"kind": kind}})
    asked, complete = polled(laboratory, stack, event, 12)
    assert (asked, complete) == ([1] + [0] * 11, False), "a limit is not repeated, and a minute costs nothing"
    asked, complete = polled(laboratory, stack, event, 20)
    assert complete
    assert asked[0] > 0
    assert len([count for count in asked if count]) <= 2, "looked at, and done as soon as the budget has room again"


@pytest.mark.parametrize("resource", ["template", "configuration"])
def test_a_github_that_is_down_is_asked_once_a_minute(laboratory: Laboratory, resource: str) -> None:
    stack, event = updating(laboratory, resource)
    laboratory.standin.control("POST", "/faults", {"fault": "503", "match": {}, "times": None})
    asked, complete = polled(laboratory, stack, event, 120)
    assert not complete
    calls = [number for number, count in enumerate(asked) if count]
    assert calls[:6] == [0, 1, 3, 7, 15, 27], "after 5, 10, 20, 40, 60 seconds, and each minute from then on"
    assert {later - earlier for earlier, later in pairwise(calls[5:])} == {12}
    assert max(asked) == 4, "one request, repeated three times"
    laboratory.standin.control("DELETE", "/faults")
    assert polled(laboratory, stack, event, 13)[1]


def test_an_empty_budget_is_waited_for_without_a_request(laboratory: Laboratory) -> None:
    stack, event = updating(laboratory, "configuration")
    budget = stack.world.budget
    budget.state = Budget({"points": budget.now + 300})
    asked, complete = polled(laboratory, stack, event, 40)
    assert not complete
    assert asked[0] <= 1, "it is read once, to know what it costs"
    assert sum(asked[1:]) == 0
    assert polled(laboratory, stack, event, 40)[1]


@pytest.mark.parametrize("kind", ["protection", "ruleset"])
def test_a_pull_request_in_place_of_a_refused_push_is_paid_for(laboratory: Laboratory, kind: str) -> None:
    """Both plans are of one call: what the second one costs more is taken before it writes."""
    stack, event = updating(laboratory, "template")
    name = event["ResourceProperties"]["Repository"]
    laboratory.standin.control("POST", f"/repositories/{name}/rules", {"branch": "main", "kind": kind})
    budget = stack.world.budget
    charged = budget.noted()
    budget.state = Budget({"creations_hourly": budget.now + 1200})  # no room for a pull request
    asked, complete = polled(laboratory, stack, event, 4)
    assert (complete, asked[1:]) == (False, [0, 0, 0])
    assert laboratory.standin.control("GET", f"/repositories/{name}")["pull_requests"] == []
    assert charged == [Cost(), Cost(points=5, creations=1)], "the push costs none of GitHub's points; a slot is booked"
    budget.now += 1200
    asked, complete = polled(laboratory, stack, event, 2)
    assert complete
    assert len(laboratory.standin.control("GET", f"/repositories/{name}")["pull_requests"]) == 1
    total = Cost()
    for cost in charged:
        total = total.plus(cost)
    assert total == Cost(points=5, creations=1)


def test_who_waits_for_studio_has_nothing_of_github() -> None:
    """Waiting for Studio or SageMaker cannot cost GitHub anything: that function has neither token nor client."""
    [entry] = [each for each in CATALOGUE if each.name == "studio_project"]
    assert not entry.needs & {"github", "git"}
    assert not set(entry.clients) & {"github", "git"}
