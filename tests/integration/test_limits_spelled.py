"""GitHub's limits in every spelling, at the steps of a launch: each is waited for, and the launch ends right."""

from __future__ import annotations

import pytest

from standins.github.faults import Fault
from standins.github.refusals import LIMITS
from tests.integration.world import Project, World

pytestmark = pytest.mark.handlers_only(reason="each wait would be a minute of CloudFormation's")
STEPS = {
    "creating the repository": ("POST", "/orgs/acme/repos$"),
    "setting a secret": ("PUT", "/actions/secrets/"),
    "looking at the refs": ("GET", "info/refs"),
    "pushing": ("POST", "git-receive-pack$"),
}


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("spelling", LIMITS)
def test_a_limit_in_any_spelling_is_waited_for(world: World, spelling: str, step: str) -> None:
    method, path = STEPS[step]
    planned = Fault.parse({"fault": spelling, "match": {"method": method, "path": path}, "times": 2})
    world.github.faults.add(planned)
    project = Project(world, world.publish("v1", {"a": "a\n"})).launch()
    project.configure({"NAME": "value"}, {"SECRET": "value"})
    assert planned.hits == 2
    assert project.files() == {"a": "a\n"}
