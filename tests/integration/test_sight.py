"""A repository that the token does not see is not gone: nothing says so, and no project ends as if it were archived."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from custom_resources.clients.secrets import GitHubCredentials
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
    assert f"does not see the repository acme/p1-build (id {one.repository_id})" in said
    said = refused(one.delete)
    assert f"does not see the repository acme/p1-build (id {one.repository_id})" in said
    assert "it was deleted, or the token has lost its access" in said
    assert not one.state.archived


@pytest.mark.parametrize("lose", LOSSES)
def test_what_is_not_seen_can_be_let_go_and_is_counted(world: World, lose: Callable[[World], None]) -> None:
    one = launched(world, RetainOnFailure="true")
    lose(world)
    with world.handlers.logging() as lines:
        one.delete()
    assert any(line["message"] == "left as it is" and "does not see" in line["reason"] for line in lines)
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
    assert "does not see the repository" in refused(one.delete)


LOST: list[tuple[dict[str, Any], str]] = [
    ({"selection": "selected", "repositories": []}, "does not see the repository acme/p1-build"),
    ({"state": "suspended"}, "suspended"),
    ({"state": "uninstalled"}, "has no installation"),
]


@pytest.mark.parametrize(("becomes", "why"), LOST)
def test_an_app_that_lost_its_reach_deletes_nothing(world: World, becomes: dict[str, Any], why: str) -> None:
    installation = by_app(world)
    one = launched(world)
    world.control("PUT", installation, becomes)
    world.handlers.permit()  # fresh functions: a token that was made just now is waited for
    said = refused(one.delete)
    assert why in said
    assert f"acme/p1-build (id {one.repository_id})" in said
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
    assert "rejects the token" in said
    assert f"acme/p1-build (id {one.repository_id}), if it exists, stays on GitHub" in said


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
