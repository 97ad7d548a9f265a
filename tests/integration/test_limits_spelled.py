"""GitHub's limits in every spelling, at the steps of a launch: each is waited for, and the launch ends right."""

from __future__ import annotations

import pytest

from standins.github.faults import Fault
from standins.github.refusals import COLLISIONS, LATER, LIMITS
from tests.integration.world import Project, World, refused

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


@pytest.mark.parametrize("spelling", [*LATER, *COLLISIONS])
@pytest.mark.parametrize(("method", "path"), [("PUT", "/topics$"), ("PUT", "/actions/secrets/")])
def test_what_passes_in_words_that_name_no_limit_is_waited_for(
    world: World, spelling: str, method: str, path: str
) -> None:
    """A 409 that says nothing is a change that met another one: it is made again."""
    planned = Fault.parse({"fault": spelling, "match": {"method": method, "path": path}, "times": 2})
    world.github.faults.add(planned)
    project = Project(world, world.publish("v1", {"a": "a\n"})).launch()
    project.configure({"NAME": "value"}, {"SECRET": "value"})
    assert planned.hits == 2
    assert project.files() == {"a": "a\n"}


def test_a_409_that_stays_is_told_in_githubs_words(world: World) -> None:
    world.github.faults.add(Fault.parse({"fault": "collision", "match": {"path": "/topics$"}, "times": None}))
    reason = refused(Project(world, world.publish("v1", {"a": "a\n"})).launch)
    assert "setting the topics of acme/p1-build): Conflict." in reason


def test_a_plan_without_private_repositories_is_told_as_one(world: World) -> None:
    world.github.faults.add(Fault.parse({"fault": "plan-private", "match": {"method": "POST"}, "times": None}))
    reason = refused(Project(world, world.publish("v1", {"a": "a\n"})).launch)
    assert "Visibility can't be private" in reason
    assert "Upgrade the plan" in reason


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (
            "push-protection",
            ("config/settings.py:4", "unblock-secret/2hAbCdEf", "Remove the secrets from the template"),
        ),
        ("push-integration", ("refusing to allow an integration", "grant the token permission")),
        ("push-fsck", ("fsck error", "rejected the pushed objects")),
        ("push-too-large", ("pack exceeds maximum allowed size", "Remove large files")),
        ("push-shallow", ("does not support pushes from a shallow repository",)),
    ],
)
def test_a_push_that_is_refused_for_good_fails_the_launch_at_once(
    world: World, fault: str, said: tuple[str, ...]
) -> None:
    planned = Fault.parse({"fault": fault, "times": None})
    world.github.faults.add(planned)
    reason = refused(Project(world, world.publish("v1", {"a": "a\n"})).launch)
    assert planned.hits == 1, "it is not tried again"
    assert [part for part in said if part not in reason] == []


def test_single_sign_on_is_told_with_its_address(world: World) -> None:
    world.github.faults.add(Fault.parse({"fault": "saml", "times": None}))
    reason = refused(Project(world, world.publish("v1", {"a": "a\n"})).launch)
    assert "(https://github.com/orgs/acme/sso?authorization_request=AAAA1111)" in reason
    assert "Grant the token that permission" not in reason
