"""Fifty launches at once, GitHub's rate limits counted and enforced: real handlers and requests, a clock of ours.

The stand-in's accounting and the shared budget read the same virtual clock. Every waiter polls every five seconds of it
(products/functions.py, QUERY_INTERVAL), so that minutes of waiting pass in no time.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from custom_resources.progress import Progress
from custom_resources.template_content import archive_name
from standins.github.limits import Limits
from standins.github.server import GitHubStandIn
from tests.faults import stack as stacks
from tests.faults.matrix import ARCHIVES, ORGANIZATION, V1
from tests.faults.stack import PARTS, Stack, World, launch_template

# Long: a hundred and fifty whole launches; the budget that they prove has quick tests (tests/unit/test_rate_budget.py).
pytestmark = [pytest.mark.slow, pytest.mark.long]
POLL_SECONDS = 5
PATIENCE_SECONDS = 40 * 60
LAUNCHES = 50


@dataclass
class Launch:
    """A launch that goes one call further at a time. `waiting` is the event of the resource that is under way."""

    stack: Stack
    made: int = 0
    waiting: dict[str, Any] = field(default_factory=dict)

    @property
    def complete(self) -> bool:
        """Tell whether all resources are there."""
        return self.made == len(self.stack.template)

    def poll(self) -> None:
        """Accept the next resource if none is under way; call the waiter's function once. Raises FinalError."""
        stack, world = self.stack, self.stack.world
        resource = stack.template[self.made]
        if not self.waiting:
            self.waiting = {
                "RequestType": "Create",
                "StackId": stack.id,
                "RequestId": f"{stack.id} {self.made}",
                "LogicalResourceId": resource.logical_id,
                "ResourceProperties": resource.properties(stack.attributes),
            }
            self.waiting = world.accept(resource.type, self.waiting)
        answer = world.reconcile(resource.type, self.waiting, PATIENCE_SECONDS)
        if answer["IsComplete"]:
            stack.attributes[resource.logical_id] = answer["Data"]
            self.made, self.waiting = self.made + 1, {}


class WithoutBudget(stacks.BudgetInMemory):
    """A clock, and no budget."""

    def require_room(self, request: str) -> Progress:
        return Progress()

    def reserve(self, cost: object, request: str, progress: Progress) -> None:
        pass

    def pause(self, seconds: float, *, untold: bool = False, content: bool = False) -> None:
        pass


@pytest.fixture
def github(tmp_path: Path) -> Iterator[GitHubStandIn]:
    with GitHubStandIn.running(tmp_path) as running:
        yield running


def world_of(github: GitHubStandIn, limits: Limits, budget: stacks.BudgetInMemory) -> World:
    """Return functions that share a budget, and a GitHub that counts by the same clock."""
    world = World(github.api_url, github.server_url, [github.token], ARCHIVES)
    vars(world).update(budget=budget)
    github.accounting.clock = lambda: budget.now
    github.accounting.configure(limits)
    return world


def launched(world: World, number: int) -> Launch:
    """Begin a launch."""
    stack = Stack(world, launch_template(ORGANIZATION, f"project{number}", archive_name(V1), "v1.0.0"))
    stack._begin("CREATE_IN_PROGRESS")
    return Launch(stack)


def run(github: GitHubStandIn, launches: list[Launch], seconds: float) -> list[float]:
    """Poll all launches until they are complete; return the times at which GitHub refused a request for its limits."""
    budget = launches[0].stack.world.budget
    assert isinstance(budget, stacks.BudgetInMemory)
    began, tripped = budget.now, []
    while waiting := [launch for launch in launches if not launch.complete]:
        assert budget.now - began < seconds, f"{len(waiting)} launches are not complete"
        refused = github.accounting.refusals
        for launch in waiting:
            launch.poll()
        if github.accounting.refusals > refused:
            tripped.append(budget.now - began)
        budget.now += POLL_SECONDS
    return tripped


def test_fifty_launches_at_once_trip_the_secondary_limit_at_most_once(github: GitHubStandIn) -> None:
    world = world_of(github, Limits(enabled=True), stacks.BudgetInMemory())

    tripped = run(github, [launched(world, number) for number in range(LAUNCHES)], PATIENCE_SECONDS)

    assert len(tripped) <= 1
    repositories = github.store.repositories()
    assert len(repositories) == LAUNCHES * len(PARTS)
    for repository in repositories:
        assert not repository.archived
        assert {name: secret.value for name, secret in repository.secrets.items()} == {
            "FIRST": "same",
            "SECOND": "1",
            "THIRD": "three 1",
            "REFERENCED": "value of shared/api#key",
        }
        assert [variable.value for variable in repository.variables.values()] == ["false"]
        assert {"refs/heads/main", "refs/studio/template"} <= set(github.store.bare(repository).refs())


@pytest.mark.parametrize("limits", [{"points": 150}, {"content": 4}], ids=str)
def test_without_a_budget_they_trip_it_again_and_again(github: GitHubStandIn, limits: dict[str, int]) -> None:
    """The accounting is on, and the budget is what keeps within it. Smaller, and so quicker."""
    world = world_of(github, Limits(enabled=True).model_copy(update=limits), WithoutBudget())
    launches = [launched(world, number) for number in range(8)]
    for launch in launches:
        launch.stack.template = [r for r in launch.stack.template if not r.logical_id.endswith("-template")]
    assert len(run(github, launches, PATIENCE_SECONDS)) > 1
