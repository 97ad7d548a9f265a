"""A project's life with a GitHub App whose tokens are narrowed: everything works, and few tokens are made."""

from __future__ import annotations

import pytest

from custom_resources.clients.secrets import GitHubCredentials
from custom_resources.consent import PATH
from standins.github.requests_log import Entry
from tests.integration.clouds import attribute
from tests.integration.world import Content, Project, World

V1: dict[str, Content] = {"README.md": "# Template\n", "train.py": "one\n", ".github/workflows/run.yml": "on: push\n"}
V2 = {**V1, "train.py": "two\n"}
ENVIRONMENTS = {
    "Environments": ["staging", "production"],
    "RepositoryStatus": attribute("Repository", "Status"),
}
LAUNCH = 5  # tokens for a repository: to look up, to create, and one for each of the three functions


@pytest.fixture
def app(world: World) -> World:
    """The world, with an App in the token secret."""
    made = world.control("POST", "apps", {"slug": "studio"})
    installed = world.control("POST", f"apps/{made['id']}/installations", {"organization": "acme"})
    world.handlers.use_app(
        GitHubCredentials(app_id=str(made["id"]), installation_id=installed["id"], private_key=made["private_key"])
    )
    world.app_id = str(made["id"])
    return world


def tokens(entries: list[Entry]) -> int:
    return sum(entry.path.endswith("/access_tokens") for entry in entries)


def project(app: World, name: str = "p1-build", **settings: str) -> Project:
    secrets, variables = {"REGION": "eu-west-1"}, {"TRIGGER": "false"}
    return Project(app, app.publish("v1", V1), name=name, secrets=secrets, variables=variables, settings=settings)


@pytest.mark.handlers_only(reason="the run's token secret is shared by all stories")
def test_a_project_lives_with_narrow_tokens(app: World) -> None:
    one = project(app)
    app.requests()
    one.launch()
    asked = app.requests()
    assert tokens(asked) == LAUNCH
    one.create_configuration(**ENVIRONMENTS)
    assert {it.name for it in one.state.environments.values()} == {"staging", "production"}
    assert one.files() == V1
    assert set(one.state.secrets) == {"REGION"}
    assert set(one.state.variables) == {"TRIGGER"}
    app.requests()
    assert one.update(app.publish("v2", V2))["Status"] == "merged"
    one.commit({"train.py": "mine\n"})
    assert one.update(app.publish("v3", {**V1, "train.py": "three\n"}))["Status"] == "pull-request"
    one.update_repository(Topics=["mlops"])
    one.delete()
    assert one.state.archived
    assert tokens(app.requests()) == 1, "look-ups of the second function; the functions are warm"


@pytest.mark.handlers_only(reason="the run's token secret is shared by all stories")
def test_a_second_project_has_tokens_of_its_own(app: World) -> None:
    project(app).launch()
    app.requests()
    project(app, "other").launch()
    assert tokens(app.requests()) == LAUNCH - 2, "those to look up and to create are shared"


@pytest.mark.handlers_only(reason="the run's token secret is shared by all stories")
def test_adoption_and_renames_work_with_narrow_tokens(app: World) -> None:
    app.rest("POST", "/orgs/acme/repos", name="team", private=True, auto_init=True)
    users = Project(app, app.publish("v1", V1), name="team")
    users.attributes = {"RepositoryId": str(app.snapshot("team")["id"])}
    users.commit({PATH: "domain: d1\nproject: p1\n"})
    one = project(app, "team", AdoptExisting="true").launch()
    assert one.attributes["Status"] == "adopted"
    app.rest("PATCH", "/repos/acme/team", name="renamed")
    one.configure({"REGION": "us-east-1"}, {"TRIGGER": "true"})
    one.merge_pull(one.pulls()[0]["number"])
    assert one.update(app.publish("v2", {**V2, "new": "n\n"}))["Status"] in ("merged", "pull-request")
    one.delete()
    assert (one.state.name, one.state.archived, one.state.secrets, one.state.variables) == ("renamed", False, {}, {})
    assert not any(ref.startswith("refs/studio/") for ref in one.refs())


@pytest.mark.handlers_only(reason="a wait of seconds for each")
@pytest.mark.parametrize("delay", [{"unknown": 2}, {"unready": 2}])
def test_a_launch_waits_for_replicas(app: World, delay: dict[str, int]) -> None:
    app.control("PUT", f"apps/{app.app_id}/delay", delay)
    one = project(app).launch()
    assert one.files() == V1
    assert tokens(app.requests()) == LAUNCH
