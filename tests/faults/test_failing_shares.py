"""A share of all answers fails, of every passing kind, REST and Git: operations end right, and cost little more.

Counted: requests, against a run without faults, and what the shared budget is charged. Times are not measured.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import pytest

from custom_resources.clients import repeating
from custom_resources.rate_budget import Cost
from custom_resources.template_content import archive_name
from tests.faults.matrix import (
    ARCHIVES,
    ONE,
    ORGANIZATION,
    TOKENS,
    V1,
    V2,
    V3,
    Laboratory,
    edit,
    impatient,
)
from tests.faults.stack import BudgetInMemory, Resource, Stack, World, launch_template

# tests/faults/test_faults.py has each kind of fault by itself in make test
pytestmark = [pytest.mark.shares("failing shares", seconds=60), pytest.mark.slow, pytest.mark.long]
SECRETS = {f"NAME_{number}": f"value {number}" for number in range(15)}
VARIABLES = {f"SETTING_{number}": f"value {number}" for number in range(5)}
# What passes: nothing came, or it cannot be used; the server has done the work, or not.
KINDS: list[dict[str, Any]] = [
    {"fault": "502"},
    {"fault": "reset-before"},
    {"fault": "500", "acts": True},
    {"fault": "truncated"},
    {"fault": "reset-after"},
    {"fault": "timeout", "seconds": 1.2},
    {"fault": "503"},
    {"fault": "502", "acts": True},
    {"fault": "500"},
    {"fault": "timeout", "seconds": 1.2, "acts": True},
    {"fault": "503", "acts": True},
]
Pattern = list[dict[str, Any]]  # what the stand-in's controls take


def by_chance(share: float, seed: int) -> Pattern:
    """Let a share of all requests fail, each kind as often."""
    of_each = share / len(KINDS)
    return [
        {**kind, "match": {"share": of_each, "seed": 1000 * seed + number}, "times": None}
        for number, kind in enumerate(KINDS)
    ]


def regularly(every: int) -> Pattern:
    """Let each so-manieth request fail, the kinds in turn."""
    return [
        {**kind, "match": {"nth": every * (number + 1), "every": every * len(KINDS)}, "times": None}
        for number, kind in enumerate(KINDS)
    ]


PATTERNS: dict[str, Pattern] = {
    "5 percent": by_chance(0.05, 1),
    "15 percent": by_chance(0.15, 2),
    "every 7th": regularly(7),
    "every 7th a 502": [{"fault": "502", "match": {"nth": 7, "every": 7}, "times": None}],
    "every 3rd": regularly(3),
}


def template(project: str, version: str, archive: bytes, value: str, **settings: str) -> list[Resource]:
    """Return a repository's resources, with fifteen secrets and five variables."""
    more: dict[str, dict[str, Any]] = {
        "Custom::ActionsConfiguration": {
            "Secrets": {name: f"{text} {value}" for name, text in SECRETS.items()},
            "Variables": {name: f"{text} {value}" for name, text in VARIABLES.items()},
            "Environments": ["production"],
        },
        "Custom::RepositoryTemplate": settings,
    }
    made = launch_template(ORGANIZATION, project, archive_name(archive), version, value=value, parts=ONE)
    return [replace(each, properties=_with(each, more.get(each.type, {}))) for each in made]


def _with(resource: Resource, more: Mapping[str, Any]) -> Callable[..., dict[str, Any]]:
    return lambda made: {**resource.properties(made), **more}


@dataclass
class Case:
    """An operation: what is there before, and what is done under faults."""

    prepare: Callable[[Laboratory, str], Stack]
    act: Callable[[Stack, str], str]


def launched(laboratory: Laboratory, project: str, line: int = 0, **settings: str) -> Stack:
    """Return a stack that is there, with a line changed by a user."""
    stack = new(laboratory, project, **settings)
    assert stack.create() == "CREATE_COMPLETE", stack.reason
    if line:
        edit(laboratory, project, line, ONE)
    return stack


def new(laboratory: Laboratory, project: str, **settings: str) -> Stack:
    """Return a stack that is still to be created."""
    world = World(laboratory.standin.api_url, laboratory.standin.server_url, list(TOKENS), ARCHIVES)
    return Stack(world, template(project, "v1.0.0", V1, "1", **settings))


def updated(stack: Stack, project: str, **settings: str) -> str:
    """Update it to the second version."""
    return stack.update(template(project, "v2.0.0", V2, "2", **settings))


def proposed(laboratory: Laboratory, project: str) -> Stack:
    """Return a stack whose second version waits in a pull request that a user has worked on."""
    stack = launched(laboratory, project, 3)
    assert updated(stack, project) == "UPDATE_COMPLETE", stack.reason
    laboratory.standin.edit(f"{project}-deploy", "train.py", "mine\n", branch="studio/template-v2.0.0")
    return stack


CASES: dict[str, Case] = {
    "launch": Case(new, lambda stack, _: stack.create()),
    "update": Case(lambda laboratory, project: launched(laboratory, project, 15), updated),
    "pull request": Case(
        lambda laboratory, project: launched(laboratory, project, 15),
        lambda stack, project: updated(stack, project, SyncMode="PullRequest"),
    ),
    "conflict": Case(lambda laboratory, project: launched(laboratory, project, 3), updated),
    "next pull request": Case(proposed, lambda stack, project: stack.update(template(project, "v3.0.0", V3, "3"))),
    "delete": Case(launched, lambda stack, _: stack.delete()),
}


@dataclass(frozen=True)
class Run:
    """What an operation did."""

    status: str
    state: dict[str, Any]
    more: dict[str, Any]
    requests: int
    charged: Cost


def run(laboratory: Laboratory, case: Case, pattern: Pattern) -> Run:
    """Run an operation under faults."""
    project, standin = laboratory.project(), laboratory.standin
    stack = case.prepare(laboratory, project)
    charged = stack.world.budget.noted()
    stack.world.cold_start()
    standin.control("DELETE", "/requests")
    with impatient(1):
        for fault in pattern:
            standin.control("POST", "/faults", fault)
        try:
            status = case.act(stack, project)
        finally:
            standin.control("DELETE", "/faults")
    counted = standin.control("GET", "/requests")
    total = Cost()
    for cost in charged:
        total = total.plus(cost)
    described = status if status.endswith("_COMPLETE") else f"{status}: {stack.reason}"
    return Run(described, laboratory.state(project), more(laboratory, project), counted["count"], total)


def more(laboratory: Laboratory, project: str) -> dict[str, Any]:
    """Return what people were told in pull requests, and the environments with their branches."""
    found = laboratory.standin.control("GET", f"/repositories/{ORGANIZATION}/{project}-deploy")
    comments = [[said["body"] for said in pull["comments"]] for pull in found["pull_requests"]]
    environments = {
        name: (each["branch_policy"], sorted(each["branches"].values())) for name, each in found["environments"].items()
    }
    return {"comments": comments, "environments": environments}


@pytest.fixture(scope="module")
def laboratory() -> Iterator[Laboratory]:
    with Laboratory.running() as running:
        yield running


@pytest.fixture(scope="module")
def right(laboratory: Laboratory) -> dict[str, Run]:
    """Each operation without faults."""
    return {name: run(laboratory, case, []) for name, case in CASES.items()}


@pytest.mark.parametrize("pattern", PATTERNS)
@pytest.mark.parametrize("operation", CASES)
def test_it_ends_right_within_three_times_the_requests(
    laboratory: Laboratory, right: dict[str, Run], operation: str, pattern: str
) -> None:
    expected, found = right[operation], run(laboratory, CASES[operation], PATTERNS[pattern])
    assert found.status == expected.status
    assert found.state == expected.state
    assert found.more == expected.more
    assert found.requests <= 3 * expected.requests
    assert found.charged.points <= expected.charged.points, "each write is paid for once"
    assert found.charged.creations <= expected.charged.creations


@pytest.mark.parametrize("pattern", ["15 percent", "every 7th a 502"])
@pytest.mark.parametrize("operation", ["launch", "update", "delete"])
def test_what_was_done_stays_done_where_nothing_is_repeated_within_a_call(
    laboratory: Laboratory,
    right: dict[str, Run],
    operation: str,
    pattern: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The next call goes on where this one ended, and pays for nothing again."""
    expected = right[operation]
    monkeypatch.setattr(repeating, "TRIES", 1)
    found = run(laboratory, CASES[operation], PATTERNS[pattern])
    assert (found.status, found.state, found.more) == (expected.status, expected.state, expected.more)
    assert found.requests <= 3 * expected.requests
    assert found.charged.points <= expected.charged.points


def test_a_memory_that_is_lost_loses_nothing_but_requests(
    laboratory: Laboratory, right: dict[str, Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The comparisons above could fail: without the memory, more is asked and paid for, and the end is the same."""
    monkeypatch.setattr(BudgetInMemory, "_remembered", lambda *_: None)
    monkeypatch.setattr(repeating, "TRIES", 1)
    found, expected = run(laboratory, CASES["launch"], PATTERNS["5 percent"]), right["launch"]
    assert (found.status, found.state, found.more) == (expected.status, expected.state, expected.more)
    assert found.charged.points > expected.charged.points
