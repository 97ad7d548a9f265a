"""A repository that the token does not see is not gone: nothing says so, and no project ends as if it were archived."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from custom_resources.clients.secrets import GitHubCredentials
from standins.github.messages import Request, Response
from standins.github.model import Repository
from standins.github.store import FULL_PERMISSIONS
from tests.integration.world import Content, Project, World, refused

V1: dict[str, Content] = {"README.md": "# Template\n", "train.py": "one\n"}
V2: dict[str, Content] = {**V1, "train.py": "two\n"}
pytestmark = pytest.mark.handlers_only(reason="the token secret is the test's")


def launched(world: World, **settings: str) -> Project:
    version = world.publish("v1", V1)
    return Project(world, version, secrets={"REGION": "r"}, variables={"T": "f"}, settings=settings).launch()


def by_app(world: World) -> str:
    """Put a GitHub App into the token secret; return the path of its installation's control."""
    made = world.control("POST", "apps", {"slug": "studio"})
    place = f"apps/{made['id']}/installations"
    number = world.control("POST", place, {"organization": "acme"})["id"]
    key = GitHubCredentials(app_id=str(made["id"]), installation_id=number, private_key=made["private_key"])
    world.handlers.use_app(key)
    return f"{place}/{number}"


def narrowed(world: World) -> None:
    asked = {"fine_grained": True, "repositories": [], "permissions": FULL_PERMISSIONS}
    world.handlers.use_token(world.control("POST", "tokens", asked)["token"])


def left(world: World) -> None:
    world.control("PUT", "organizations/acme/sight", {"seen": False})


def a_member(world: World) -> None:
    world.handlers.use_token(world.github.make_token(login="bob", role="write"))
    world.control("PUT", "repositories/acme/p1-build/sight", {"seen": False, "login": "bob"})


LOSSES: list[Callable[[World], None]] = [narrowed, left, a_member]


@pytest.mark.parametrize("lose", LOSSES)
def test_what_is_not_seen_is_not_deleted(world: World, lose: Callable[[World], None]) -> None:
    one = launched(world)
    lose(world)
    said = refused(lambda: one.update(world.publish("v2", V2)))
    assert f"cannot access the repository acme/p1-build (ID {one.repository_id})" in said
    said = refused(one.delete)
    assert f"cannot access the repository acme/p1-build (ID {one.repository_id})" in said
    assert "somebody deleted the repository, or the token lost its access" in said
    assert not one.state.archived


@pytest.mark.parametrize("lose", LOSSES)
def test_what_is_not_seen_can_be_let_go_and_is_counted(world: World, lose: Callable[[World], None]) -> None:
    one = launched(world, RetainOnFailure="true")
    lose(world)
    with world.handlers.logging() as lines:
        one.delete()
    assert any(line["message"] == "left as it is" and "cannot access" in line["reason"] for line in lines)
    assert not one.state.archived


def test_what_an_owners_token_does_not_see_was_deleted(world: World) -> None:
    one = launched(world)
    world.github.store.delete(one.state)
    assert "was deleted on GitHub" in refused(lambda: one.update(world.publish("v2", V2)))
    one.delete()


def test_what_was_transferred_out_of_sight_is_not_deleted(world: World) -> None:
    one = launched(world)
    world.control("POST", "organizations", {"login": "other"})
    world.github.store.move(one.state, "other", "p1-build")
    world.control("PUT", "redirects", {"unseen": True})
    world.control("PUT", "repositories/other/p1-build/sight", {"seen": False})
    assert "cannot access the repository" in refused(one.delete)


LOST: list[tuple[dict[str, Any], str]] = [
    ({"selection": "selected", "repositories": []}, "cannot access the repository acme/p1-build"),
    ({"state": "suspended"}, "suspended"),
    ({"state": "uninstalled"}, "does not have an installation"),
]


@pytest.mark.parametrize(("becomes", "why"), LOST)
def test_an_app_that_lost_its_reach_deletes_nothing(world: World, becomes: dict[str, Any], why: str) -> None:
    installation = by_app(world)
    one = launched(world)
    world.control("PUT", installation, becomes)
    world.handlers.permit()  # fresh functions: a token that was made just now is waited for
    said = refused(one.delete)
    assert why in said
    assert f"acme/p1-build (ID {one.repository_id})" in said
    assert not one.state.archived


def test_an_app_that_reaches_all_knows_what_was_deleted(world: World) -> None:
    by_app(world)
    one = launched(world)
    world.github.store.delete(one.state)
    one.delete()


def test_a_rejected_token_names_what_it_leaves(world: World) -> None:
    one = launched(world, RetainOnFailure="true")
    world.handlers.use_token("ghp_revoked")
    said = refused(one.delete)
    assert "rejected the token" in said
    assert f"acme/p1-build (ID {one.repository_id}) exists, it stays on GitHub" in said


OF_ADA = {"Organization": "ada"}


def in_a_user_account(world: World) -> Project:
    """Launch with a classic token of ada into her own account."""
    world.handlers.use_token(world.github.make_token(["repo", "workflow"], login="ada"))
    return launched(world, **OF_ADA)


def test_what_the_tokens_own_account_lacks_was_deleted(world: World) -> None:
    one = in_a_user_account(world)
    world.github.store.delete(one.state)
    assert "was deleted on GitHub" in refused(lambda: one.update(world.publish("v2", V2)))
    one.delete()


@pytest.mark.parametrize("token", [{"login": "bob"}, {"login": "ada", "fine_grained": True, "repositories": []}])
def test_another_token_does_not_know_what_a_user_account_lacks(world: World, token: dict[str, Any]) -> None:
    one = in_a_user_account(world)
    asked = {"scopes": ["repo", "workflow"], "permissions": FULL_PERMISSIONS, **token}
    world.handlers.use_token(world.control("POST", "tokens", asked)["token"])
    assert "cannot access the repository ada/p1-build" in refused(lambda: one.update(world.publish("v2", V2)))
    assert "the token lost its access" in refused(one.delete)
    assert not one.state.archived


@pytest.mark.parametrize("lose", LOSSES)
def test_the_configuration_by_itself_claims_nothing(world: World, lose: Callable[[World], None]) -> None:
    one = launched(world)
    lose(world)
    said = refused(lambda: one.configure({"REGION": "new"}, {"T": "f"}))
    assert f"cannot access the repository acme/p1-build (ID {one.repository_id})" in said
    assert "or somebody deleted or transferred the repository" in said
    said = refused(lambda: one.take_out("Configuration"))
    assert "somebody deleted the repository, or the token lost its access" in said
    assert set(one.state.secrets) == {"REGION"}


def test_the_configuration_of_what_was_deleted_is_taken_out(world: World) -> None:
    one = launched(world)
    world.github.store.delete(one.state)
    assert "was deleted on GitHub" in refused(lambda: one.configure({"REGION": "new"}, {"T": "f"}))
    one.take_out("Configuration")


@pytest.mark.parametrize("lose", LOSSES)
def test_the_template_by_itself_claims_nothing(world: World, lose: Callable[[World], None]) -> None:
    """Nothing of it is deleted on GitHub, so that its end asks for nothing and says nothing."""
    one = launched(world)
    lose(world)
    said = refused(lambda: one.update(world.publish("v2", V2)))
    assert f"cannot access the repository acme/p1-build (ID {one.repository_id})" in said
    assert "or somebody deleted or transferred the repository" in said
    world.requests()
    with world.handlers.logging() as lines:
        one.take_out("Template")
    assert world.requests() == []
    assert [line for line in lines if "no such repository" in line["message"] or "left" in line["message"]] == []
    assert one.files() == V1


CREATIONS: list[Callable[[Project], None]] = [Project.create_template, Project.create_configuration]


@pytest.mark.parametrize("create", CREATIONS)
@pytest.mark.parametrize("lose", LOSSES)
def test_a_creation_that_loses_sight_midway_ends_when_it_is_seen_again(
    world: World, lose: Callable[[World], None], create: Callable[[Project], None]
) -> None:
    one = Project(world, world.publish("v1", V1), secrets={"REGION": "r"}, variables={"T": "f"})
    one.create_repository()
    token = world.handlers.secrets.token
    lose(world)
    assert "was deleted on GitHub" not in refused(lambda: create(one))
    assert f"cannot access the repository acme/p1-build (ID {one.repository_id})" in refused(one.delete)
    assert not one.state.archived

    world.handlers.use_token(token)
    world.control("PUT", "organizations/acme/sight", {"seen": True})
    one.delete()
    assert one.state.archived


def test_an_app_that_does_not_see_what_it_has_created_leaves_it_by_name(world: World) -> None:
    """It is narrowed to selected repositories, and new ones do not join them: the creation has no id."""
    installation = by_app(world)
    world.control("PUT", installation, {"selection": "selected", "repositories": [], "adds_created": False})
    one = Project(world, world.publish("v1", V1))
    assert "acme/p1-build already exists, but the token cannot access it" in refused(one.launch)
    made = world.github.store.by_name("acme", "p1-build")
    assert made is not None
    assert world.cloud.status(one.stack) == "ROLLBACK_FAILED"
    assert (
        "cannot access the repository acme/p1-build. Either somebody deleted the repository, or the token"
        in refused(one.delete)
    )
    assert not made.archived

    world.control("PUT", installation, {"selection": "all"})
    world.handlers.permit()  # fresh functions
    one.delete()
    assert made.archived


@pytest.mark.parametrize("becomes", ["hidden", "deleted"])
def test_a_rollback_does_not_believe_that_what_it_made_just_now_is_gone(world: World, becomes: str) -> None:
    """Not even to an owner's token, which proves it elsewhere. The delete that people ask for then ends."""
    one, sight = Project(world, world.publish("v1", V1), secrets={"REGION": "r"}), "repositories/acme/p1-build/sight"
    respond, vanished = world.github.respond, list[Repository]()

    def vanishing(request: Request) -> tuple[Response, str]:
        if request.path.endswith("/public-key") and not vanished:
            found = world.github.store.by_name("acme", "p1-build")
            assert found is not None
            vanished.append(found)
            if becomes == "hidden":
                world.control("PUT", sight, {"seen": False})
            else:
                world.github.store.delete(found)
        return respond(request)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(world.github, "respond", vanishing)
        refused(one.launch)
    assert vanished
    assert world.cloud.status(one.stack) == "ROLLBACK_FAILED"
    if becomes == "hidden":
        world.control("PUT", sight, {"seen": True})
    one.delete()
    assert becomes == "deleted" or vanished[0].archived


def test_a_launch_that_created_nothing_is_rolled_back_without_github(world: World) -> None:
    asked = {"fine_grained": True, "permissions": {**FULL_PERMISSIONS, "administration": "read"}}
    world.handlers.use_token(world.control("POST", "tokens", asked)["token"])
    project = Project(world, world.publish("v1", V1))
    world.requests()
    said = refused(project.launch)
    assert "not accessible by" in said
    assert world.cloud.status(project.stack) == "ROLLBACK_COMPLETE"
    asked_for = [f"{each.method} {each.path}" for each in world.requests()]
    assert asked_for[-1].endswith("/orgs/acme/repos"), "nothing is looked for that was not created"


def test_a_launch_that_created_what_it_does_not_see_says_so(world: World) -> None:
    asked = {"fine_grained": True, "permissions": FULL_PERMISSIONS}
    world.handlers.use_token(world.control("POST", "tokens", asked)["token"])
    world.control("PUT", "lag", {"rest_reads": 3600, "rest_writes": 3600})
    project = Project(world, world.publish("v1", V1))
    said = refused(project.launch)
    assert "acme/p1-build" in said
    assert world.cloud.status(project.stack) == "ROLLBACK_FAILED"
