"""The environments that a project's role trusts: made for the default branch only, and left alone afterwards."""

from __future__ import annotations

from typing import Any

import pytest

from standins.github.faults import Fault
from tests.integration.clouds import attribute
from tests.integration.world import Content, Project, World, refused

V1: dict[str, Content] = {"README.md": "# Template\n"}
WANTED = {"Environments": ["staging", "production"], "RepositoryStatus": attribute("Repository", "Status")}
REVIEWED = {**WANTED, "Reviewers": {"production": ["team:7", "user:8"]}}
NO_BRANCHES = "Fail to create protected rule, please ensure billing plan include protected branch gate"


def plan(world: World, name: str, *, refusal_creates: bool = True) -> None:
    world.control("PUT", "organizations/acme/plan", {"plan": name, "refusal_creates": refusal_creates})


def launched(world: World, settings: dict[str, Any], **more: Any) -> tuple[Project, str]:
    """Launch; return the project, and what its output says of the environments."""
    project = Project(world, world.publish("v1", V1), **more)
    project.deliver()
    world.requests()
    project.create_configuration(**settings)
    return project, told(project)


def told(project: Project, **settings: Any) -> str:
    return project.configure({}, {}, **settings)["Environments"] if settings else project.configuration["Environments"]


def asked(world: World) -> list[str]:
    """Return what was asked about environments; a resource that an update creates looks its repository up as well."""
    found = [entry for entry in world.requests() if "/environments" in entry.path]
    return [f"{entry.method} {entry.path.partition('/environments')[2]}" for entry in found]


def rules(project: Project) -> dict[str, tuple[list[str], int]]:
    found = project.state.environments.values()
    return {it.name: (sorted(it.branches.values()), len(it.reviewers)) for it in found if it.branch_policy == "custom"}


@pytest.mark.ministack
def test_they_are_for_the_default_branch_only(world: World) -> None:
    project, said = launched(world, WANTED)
    assert said == "staging: for main only; production: for main only"
    assert asked(world) == [
        "PUT /staging",
        "POST /staging/deployment-branch-policies",
        "PUT /production",
        "POST /production/deployment-branch-policies",
    ]
    assert rules(project) == {"staging": (["main"], 0), "production": (["main"], 0)}


def test_settings_name_who_reviews(world: World) -> None:
    project, said = launched(world, REVIEWED)
    assert said == "staging: for main only; production: for main only, after a review"
    assert rules(project)["production"] == (["main"], 2)
    assert len(asked(world)) == 4


def test_a_plan_without_reviewers_still_protects_the_branch(world: World) -> None:
    plan(world, "team")
    project, said = launched(world, REVIEWED)
    assert said.startswith("staging: for main only; production: for main only, without required reviewers (Failed to")
    assert rules(project) == {"staging": (["main"], 0), "production": (["main"], 0)}
    assert len(asked(world)) == 5


def test_another_refusal_of_teams_in_an_organization_is_told_in_githubs_words(world: World) -> None:
    teams = {"production": [f"team:{number}" for number in range(1, 8)]}
    _, said = launched(world, {**WANTED, "Environments": ["production"], "Reviewers": teams})
    assert said == "production: for main only, without required reviewers (An environment can have at most 6 reviewers)"


@pytest.mark.parametrize("refusal_creates", [True, False])
def test_a_plan_without_rules_is_said_and_ends_nothing(world: World, refusal_creates: bool) -> None:
    plan(world, "free", refusal_creates=refusal_creates)
    project, said = launched(world, WANTED)
    assert said == f"staging, production: not protected, jobs on any branch can use them ({NO_BRANCHES})"
    assert asked(world) == ["PUT /staging"]
    assert rules(project) == {}


def test_a_github_without_environments_is_said(world: World) -> None:
    plan(world, "none")
    _, said = launched(world, WANTED)
    assert said == "staging, production: not protected, jobs on any branch can use them (Not Found)"


def test_a_token_that_may_not_is_said_as_an_error(world: World) -> None:
    project = Project(world, world.publish("v1", V1)).deliver()
    rights = {"secrets": "write", "actions_variables": "write", "metadata": "read", "actions": "read"}
    world.cloud.use_token(world.github.make_token(fine_grained=True, permissions=rights))
    assert "Grant the token that permission" in refused(lambda: project.create_configuration(**WANTED))


def test_what_a_user_changed_is_not_set_back(world: World) -> None:
    project, _ = launched(world, WANTED)
    world.rest("PUT", f"{project.path}/environments/production", wait_timer=5)
    before = project.state.model_dump()["environments"]
    world.requests()
    assert told(project, **WANTED) == "as they were: this operation has changed none"
    assert told(project, **{**REVIEWED, "DefaultBranch": "trunk"}) == "as they were: this operation has changed none"
    assert world.requests() == []
    more = {**WANTED, "Environments": ["staging", "production", "Load-Test"]}
    assert told(project, **more) == "Load-Test: for main only"
    assert [each for each in asked(world) if not each.startswith("GET")] == [
        "PUT /Load-Test",
        "POST /Load-Test/deployment-branch-policies",
    ]
    after = project.state.model_dump()["environments"]
    assert {name: after[name] for name in before} == before
    assert told(project, **{**WANTED, "Environments": []}) == ""
    assert set(project.state.environments) == {"staging", "production", "load-test"}


def test_a_repository_that_was_there_keeps_its_environments(world: World) -> None:
    first, _ = launched(world, WANTED)
    world.rest("PUT", f"{first.path}/environments/production", wait_timer=5)
    first.delete()
    again, said = launched(world, WANTED)
    assert again.attributes["Status"] == "restored"
    assert said == (
        "staging: was there, and is kept as it is; "
        "production: was there, and is kept as it is (jobs on any branch can use it)"
    )
    assert asked(world) == ["GET ?per_page=100"]
    assert again.state.environments["production"].wait_timer == 5


@pytest.mark.parametrize("kind", ["reset-after", "500"])
@pytest.mark.parametrize("method", ["PUT", "POST"])
@pytest.mark.handlers_only(reason="a wait of seconds for each")
def test_an_answer_that_is_lost_is_made_up_for(world: World, method: str, kind: str) -> None:
    body = {"match": {"method": method, "path": "environments"}, "fault": kind, "acts": True}
    world.github.faults.add(Fault.parse(body))
    project, said = launched(world, WANTED)
    assert said == "staging: for main only; production: for main only"
    assert rules(project) == {"staging": (["main"], 0), "production": (["main"], 0)}
