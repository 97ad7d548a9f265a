"""Two projects of one name: each has its own repositories, and neither reaches the other's."""

from __future__ import annotations

from typing import Any

import pytest

from tests.integration.world import Content, Project, World, refused

V1: dict[str, Content] = {"README.md": "# Template\n"}


def churn(world: World, project: str, **settings: str) -> Project:
    """Return a project called churn, by its id."""
    given = {"AlternativeName": f"churn-build-{project}", **settings}
    return Project(world, world.publish("v1", V1), project=project, name="churn-build", settings=given)


@pytest.fixture
def mine(world: World) -> Project:
    one = churn(world, "p1").launch()
    assert one.attributes["Name"] == "churn-build"
    return one


def seen(world: World, name: str) -> dict[str, Any]:
    return world.snapshot(name)


def test_the_second_gets_a_short_id_and_leaves_the_first_alone(world: World, mine: Project) -> None:
    before = seen(world, "churn-build")
    other = churn(world, "p2").launch()
    assert other.attributes["Name"] == "churn-build-p2"
    assert other.attributes["Status"] == "created"
    assert seen(world, "churn-build") == before
    other.update(world.publish("v2", {**V1, "new.py": "n\n"}))
    assert "new.py" in other.files()
    assert seen(world, "churn-build") == before
    other.delete()
    assert other.state.archived
    assert seen(world, "churn-build") == before
    assert not mine.state.archived


@pytest.mark.parametrize("first", ["archived", "there"])
def test_each_is_given_its_own_again(world: World, mine: Project, first: str) -> None:
    other = churn(world, "p2").launch()
    if first == "archived":
        mine.delete()
    other.delete()
    again = churn(world, "p2").launch()
    assert (again.attributes["Name"], again.attributes["Status"]) == ("churn-build-p2", "restored")
    assert again.repository_id == other.repository_id
    if first == "archived":
        back = churn(world, "p1").launch()
        assert (back.attributes["Name"], back.attributes["Status"]) == ("churn-build", "restored")
        assert back.repository_id == mine.repository_id


def test_a_strangers_repository_is_left_alone(world: World) -> None:
    world.rest("POST", "/orgs/acme/repos", name="churn-build", private=True, auto_init=True)
    before = seen(world, "churn-build")
    assert churn(world, "p1").launch().attributes["Name"] == "churn-build-p1"
    assert seen(world, "churn-build") == before


def test_a_name_that_a_launch_chose_is_refused_as_before(world: World, mine: Project) -> None:
    chosen = churn(world, "p2", AlternativeName="")
    assert "Choose another name" in refused(chosen.launch)
    chosen.delete()
    asks = churn(world, "p3", AdoptExisting="true")
    refused(asks.launch)
    asks.delete()
    assert not mine.state.archived


def test_where_both_names_are_others_the_launch_is_refused_and_touches_neither(world: World, mine: Project) -> None:
    world.rest("POST", "/orgs/acme/repos", name="churn-build-p2", private=True, auto_init=True)
    before = seen(world, "churn-build"), seen(world, "churn-build-p2")
    other = churn(world, "p2")
    assert "acme/churn-build-p2 already exists" in refused(other.launch)
    other.delete()  # the rollback
    assert (seen(world, "churn-build"), seen(world, "churn-build-p2")) == before


def test_a_former_name_of_another_project_is_not_taken(world: World, mine: Project) -> None:
    """GitHub Enterprise Server's tokens know a repository by its name alone: its role may trust the former one."""
    world.rest("PATCH", "/repos/acme/churn-build", name="moved")
    assert churn(world, "p2").launch().attributes["Name"] == "churn-build-p2"


def test_a_launch_that_finds_its_name_free_asks_no_more_than_before(world: World) -> None:
    def asked(one: Project) -> list[str]:
        world.requests()
        one.launch()
        return [f"{each.method} {each.kind}" for each in world.requests()]

    plain = Project(world, world.publish("v1", V1), project="p8", name="plain-build")
    assert asked(churn(world, "p9")) == asked(plain)
