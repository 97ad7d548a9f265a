"""Projects whose repositories are in the account of the user whose token it is: a life, and what is said not to be."""

from __future__ import annotations

from typing import Any

import pytest

from custom_resources.clients.secrets import GitHubCredentials
from tests.integration.clouds import attribute
from tests.integration.world import Content, Project, World, refused

V1: dict[str, Content] = {"README.md": "# Template\n", "train.py": "one\n"}
V2 = {**V1, "train.py": "two\n"}
OURS = {"RepositoryStatus": attribute("Repository", "Status"), "Environments": ["production"]}


@pytest.fixture
def ada(world: World) -> World:
    """The world, with a token of ada in the token secret."""
    world.cloud.use_token(world.github.make_token(["repo", "workflow"], login="ada"))
    return world


def of_ada(world: World, organization: str = "ada", **settings: str) -> Project:
    chosen = {"Organization": organization, **settings}
    return Project(world, world.publish("v1", V1), secrets={"REGION": "eu"}, variables={"A": "b"}, settings=chosen)


def asked(world: World) -> list[str]:
    return [f"{entry.method} {entry.path.removeprefix('/api/v3')}" for entry in world.requests()]


@pytest.mark.handlers_only(reason="the run's token secret is shared by all stories")
def test_a_project_lives_in_a_user_account(ada: World) -> None:
    ada.handlers.permit(ALLOWED_VISIBILITIES="private public")
    one = of_ada(ada)
    ada.requests()
    one.launch()
    sent = asked(ada)
    assert [each for each in sent if each in ("POST /orgs/ada/repos", "GET /user", "POST /user/repos")] == [
        "POST /orgs/ada/repos",
        "GET /user",
        "POST /user/repos",
    ]
    assert (one.state.full_name, one.state.visibility, one.attributes["Status"]) == (
        "ada/p1-build",
        "private",
        "created",
    )
    assert one.files() == V1
    assert (set(one.state.secrets), set(one.state.variables)) == ({"REGION"}, {"A"})
    one.commit({"mine.py": "m\n"})
    assert one.update(ada.publish("v2", V2))["Status"] == "merged"
    assert one.files() == {**V2, "mine.py": "m\n"}
    one.commit({"train.py": "mine\n"})
    assert one.update(ada.publish("v3", {**V1, "train.py": "three\n"}))["Status"] == "pull-request"
    one.update_repository(Topics=["mlops"], Visibility="public")
    assert (one.state.topics, one.state.visibility) == (["mlops"], "public")
    one.delete()
    assert one.state.archived
    again = of_ada(ada).launch()
    assert (again.attributes["Status"], again.repository_id) == ("restored", one.repository_id)
    assert not again.state.archived


@pytest.mark.handlers_only(reason="the run's token secret is shared by all stories")
def test_a_repository_of_the_account_is_adopted(ada: World) -> None:
    ada.rest("POST", "/user/repos", name="p1-build", private=True, auto_init=True)
    consent: dict[str, Any] = {".github/studio-project.yml": "domain: d1\nproject: p1\n"}
    one = of_ada(ada, AdoptExisting="true")
    clone = ada.github.store.by_name("ada", "p1-build")
    assert clone is not None
    one.attributes = {"RepositoryId": str(clone.id)}
    one.commit(consent)
    one.launch()
    assert one.attributes["Status"] == "adopted"
    one.delete()
    assert not one.state.archived


@pytest.mark.handlers_only(reason="the run's token secret is shared by all stories")
def test_what_an_account_cannot_do_is_said_before_anything_is_written(ada: World) -> None:
    ada.handlers.permit(ALLOWED_VISIBILITIES="private internal")
    ada.requests()
    assert "'ada' is a user account, and user accounts do not have internal repositories" in refused(
        of_ada(ada, Visibility="internal").launch
    )
    assert "does not belong to a user with that name" in refused(of_ada(ada, "studio-admin").launch)
    assert not [each for each in asked(ada) if not each.startswith("GET") and not each.startswith("POST /orgs/")]
    one = of_ada(ada).launch()
    ada.requests()
    assert "do not have internal repositories" in refused(lambda: one.update_repository(Visibility="internal"))
    assert {each.partition(" ")[0] for each in asked(ada)} == {"GET"}


@pytest.mark.handlers_only(reason="the run's token secret is shared by all stories")
def test_an_app_makes_no_repositories_in_a_user_account(ada: World) -> None:
    made = ada.control("POST", "apps", {"slug": "studio"})
    installed = ada.control("POST", f"apps/{made['id']}/installations", {"organization": "ada"})
    ada.handlers.use_app(
        GitHubCredentials(app_id=str(made["id"]), installation_id=installed["id"], private_key=made["private_key"])
    )
    assert "'ada' is a user account, and GitHub Apps cannot create repositories in user accounts" in refused(
        of_ada(ada).launch
    )
    assert "The token cannot create repositories in the organization 'nobody'" in refused(of_ada(ada, "nobody").launch)
    assert ada.github.store.repositories() == []


@pytest.mark.handlers_only(reason="the run's token secret is shared by all stories")
@pytest.mark.parametrize(
    ("reviewer", "said"),
    [
        ("team:7", "without required reviewers (ada is a user account, which has no teams)"),
        ("user:8", "after a review"),
    ],
)
def test_a_team_reviews_nothing_there(ada: World, reviewer: str, said: str) -> None:
    ada.handlers.permit(ALLOWED_VISIBILITIES="private public")
    one = of_ada(ada, Visibility="public")
    one.deliver()
    one.create_configuration(**OURS, Reviewers={"production": [reviewer]})
    assert one.configuration["Environments"] == f"production: for main only, {said}"


@pytest.mark.handlers_only(reason="the run's token secret is shared by all stories")
def test_a_private_repository_of_an_account_has_the_rules_of_its_plan(ada: World) -> None:
    one = of_ada(ada)
    one.deliver()
    one.create_configuration(**OURS)
    assert "not protected" in one.configuration["Environments"]
    one.delete()
    ada.control("PUT", "organizations/ada/plan", {"plan": "pro"})
    again = of_ada(ada)
    again.deliver()
    again.create_configuration(**{**OURS, "Environments": ["staging"]})
    assert again.configuration["Environments"] == "staging: for main only"
