"""What wrote nothing needs nothing to be rolled back: an update that GitHub refuses leaves a stack that can be updated.

Each story ends with the same update, with a GitHub that is in order again.
"""

from __future__ import annotations

import pytest

from custom_resources.clients.secrets import GitHubCredentials
from standins.github.faults import Fault
from tests.integration.world import Project, Tree, World, refused

V1: Tree = {"README.md": "# Template\n", "train.py": "one\n"}
V2: Tree = {**V1, "train.py": "two\n"}
REJECTED = "ghp_rejected"


@pytest.fixture
def project(world: World) -> Project:
    """A launched project."""
    return Project(
        world, world.publish("v1", V1), secrets={"REGION": "eu-west-1"}, variables={"TRIGGER": "false"}
    ).launch()


def rolled_back(project: Project) -> bool:
    return project.world.cloud.status(project.stack) == "UPDATE_ROLLBACK_COMPLETE"


def broken(world: World, fault: str) -> None:
    """Have GitHub answer every request so, and the functions wait for nothing."""
    world.github.faults.add(Fault.parse({"fault": fault, "times": None}))
    world.handlers.patience = -1


def in_order(world: World) -> None:
    world.github.faults.clear()
    world.handlers.patience = 600


@pytest.mark.ministack(always=True)
def test_a_rejected_token_leaves_a_stack_that_can_be_updated(world: World, project: Project) -> None:
    refs, version = project.refs(), world.publish("v2", V2)
    world.cloud.use_token(REJECTED)
    world.requests()
    assert "rejected the token" in refused(lambda: project.update(version))
    assert rolled_back(project)
    assert len(world.requests()) <= 2, "only the update asked GitHub"
    assert project.refs() == refs

    world.cloud.use_token(world.github.token)
    assert project.update(version)["Status"] == "merged"
    assert project.files() == V2
    assert world.cloud.status(project.stack) == "UPDATE_COMPLETE"


@pytest.mark.parametrize("resource", ["Repository", "Template", "Configuration"])
@pytest.mark.parametrize("fault", ["401", "503", "limit-page", "limit-429-bare", "saml", "reset-before"])
@pytest.mark.handlers_only(reason="the waits would be CloudFormation's")
def test_each_resource_is_rolled_back_without_github(world: World, project: Project, fault: str, resource: str) -> None:
    before = {"Repository": project.attributes, "Template": project.status, "Configuration": project.configuration}
    updates = {
        "Repository": lambda: project.update_repository(Topics=["mlops"]),
        "Template": lambda: project.update(world.publish("v2", V2)),
        "Configuration": lambda: project.configure({"REGION": "us-east-1"}, {}),
    }
    broken(world, fault)
    refused(updates[resource])
    assert rolled_back(project)
    found = world.handlers.attributes(project.stack)
    assert found == before, "it reports what it reported before"
    in_order(world)
    updates[resource]()
    assert world.cloud.status(project.stack) == "UPDATE_COMPLETE"


@pytest.mark.handlers_only(reason="the run's token secret is shared by all stories")
def test_an_app_that_was_uninstalled(world: World) -> None:
    made = world.control("POST", "apps", {"slug": "studio"})
    installed = world.control("POST", f"apps/{made['id']}/installations", {"organization": "acme"})
    world.handlers.use_app(
        GitHubCredentials(app_id=str(made["id"]), installation_id=installed["id"], private_key=made["private_key"])
    )
    project = Project(world, world.publish("v1", V1)).launch()
    app = world.github.store.app(int(made["id"]))
    assert app
    installations = list(app.installations)
    app.installations.clear()
    world.handlers.use_app(world.handlers.secrets.github_credentials(""))  # functions without a token in memory
    version = world.publish("v2", V2)
    refused(lambda: project.update(version))
    assert rolled_back(project)
    app.installations.extend(installations)
    assert project.update(version)["Status"] == "merged"


@pytest.mark.handlers_only(reason="the reports are compared")
def test_what_was_renamed_on_github_is_reported_as_it_was_last(world: World, project: Project) -> None:
    """The properties name what the launch asked for: from them, the workflow role would trust another name."""
    world.rest("PATCH", "/repos/acme/p1-build", name="renamed")
    known = dict(project.update_repository(Topics=["mlops"]))
    assert known["FullName"] == "acme/renamed"
    broken(world, "401")
    refused(lambda: project.update_repository(Topics=["other"]))
    assert rolled_back(project)
    assert world.handlers.attributes(project.stack)["Repository"] == known


@pytest.mark.handlers_only(reason="the fault begins between two resources")
def test_what_was_written_is_rolled_back_with_github(world: World, project: Project) -> None:
    world.github.faults.add(Fault.parse({"fault": "401", "match": {"path": "secrets/public-key"}, "times": None}))
    version, secrets = world.publish("v2", V2), {"REGION": "us-east-1"}
    refused(lambda: project.update_both(version, secrets))
    assert rolled_back(project)
    assert project.files() == V1, "the template was pushed, and went back"
    world.github.faults.clear()
    project.update_both(version, secrets)
    assert project.files() == V2
    assert project.state.secrets["REGION"].value == "us-east-1"


@pytest.mark.handlers_only(reason="the records are in its table")
def test_lost_records_cost_the_short_way_only(world: World, project: Project) -> None:
    version = world.publish("v2", V2)
    world.handlers.records.lose()
    world.cloud.use_token(REJECTED)
    refused(lambda: project.update(version))
    assert world.cloud.status(project.stack) == "UPDATE_ROLLBACK_FAILED", "GitHub was asked, as nobody knew better"
    world.cloud.use_token(world.github.token)
    assert project.update(version)["Status"] == "merged"
    world.cloud.use_token(REJECTED)
    refused(lambda: project.update(world.publish("v3", V1)))
    assert rolled_back(project), "known again"


@pytest.mark.handlers_only(reason="the fault is of this story's GitHub alone")
def test_an_update_that_was_refused_for_its_properties_needs_no_github(world: World, project: Project) -> None:
    broken(world, "401")
    assert "TemplateVersion" in refused(lambda: project.update(TemplateVersion="not a version"))
    assert rolled_back(project)


@pytest.mark.handlers_only(reason="it is repeated at once")
def test_updates_that_fail_again_and_again(world: World, project: Project) -> None:
    version = world.publish("v2", V2)
    for fault in ("401", "503", "saml"):
        broken(world, fault)
        refused(lambda: project.update(version))
        assert rolled_back(project)
    in_order(world)
    assert project.update(version)["Status"] == "merged"
    broken(world, "401")
    refused(lambda: project.update(world.publish("v3", V1)))
    assert rolled_back(project)
    assert world.handlers.attributes(project.stack)["Template"]["TemplateVersion"] == "v2"


@pytest.mark.handlers_only(reason="the fault is of this story's GitHub alone")
@pytest.mark.parametrize("fault", ["suspended", "limit-secondary-bare"])
@pytest.mark.parametrize(
    ("method", "path"), [("PUT", "secrets/REGION"), ("P", "actions/variables"), ("POST", "git-receive-pack$")]
)
def test_a_write_that_github_refused_wrote_nothing(
    world: World, project: Project, fault: str, method: str, path: str
) -> None:
    """A token that lost one permission, or a limit of writes: reading works, and the rollback must not write."""
    world.handlers.patience = -1
    for verb in ("PUT", "POST", "PATCH") if method == "P" else (method,):
        world.github.faults.add(Fault.parse({"fault": fault, "match": {"method": verb, "path": path}, "times": None}))
    if path == "git-receive-pack$":
        refused(lambda: project.update(world.publish("v2", V2)))
    else:
        secrets = {"REGION": "us-east-1"} if method == "PUT" else project.secrets
        refused(lambda: project.configure(secrets, {"TRIGGER": "true"}))
    assert rolled_back(project)
    written = {record.written for record in world.handlers.records.kept.values()}
    assert written == {"written", "undone"}, "each resource's creation, and the update"


@pytest.mark.handlers_only(reason="the fault is of this story's GitHub alone")
@pytest.mark.parametrize("fault", ["reset-after", "reset-before", "502"])
def test_a_write_without_an_answer_may_have_been_done(world: World, project: Project, fault: str) -> None:
    world.handlers.patience = -1
    lost = {"fault": fault, "match": {"method": "PUT", "path": "secrets/REGION"}, "times": None}
    world.github.faults.add(Fault.parse(lost))
    refused(lambda: project.configure({"REGION": "us-east-1"}, project.variables))
    assert not rolled_back(project), "the value of before has to be written, and cannot be"
    in_order(world)
    project.configure({"REGION": "us-east-1"}, project.variables)
    assert project.state.secrets["REGION"].value == "us-east-1"
