"""GitHub's replicas lag behind every write: nothing fails that would have succeeded a few seconds later."""

from __future__ import annotations

import pytest

from standins.github.lag import Lags
from tests.integration.world import Content, Project, Version, World, refused

V1: dict[str, Content] = {"README.md": "# Template\n", "train.py": "one\n"}
V2: dict[str, Content] = {**V1, "train.py": "two\n"}
pytestmark = pytest.mark.handlers_only(reason="the clock of the lag is the test's")


@pytest.fixture(params=[0.5, 3, 8])
def lagging(world: World, request: pytest.FixtureRequest) -> World:
    seconds = float(request.param)
    kinds = ("rest_reads", "rest_writes", "git", "pull_request_heads", "app_tokens", "set_up")
    world.github.store.lag.configure(Lags.model_validate(dict.fromkeys(kinds, seconds)))
    return world


def project(world: World, **settings: str) -> Project:
    return Project(world, world.publish("v1", V1), secrets={"REGION": "r"}, variables={"T": "f"}, settings=settings)


def test_a_project_lives_while_replicas_lag(lagging: World) -> None:
    one = project(lagging).launch()
    assert (one.status["Status"], set(one.state.secrets), one.state.topics) == ("seeded", {"REGION"}, ["studio"])
    assert one.update(lagging.publish("v2", V2))["Status"] == "merged"
    assert one.files() == V2
    one.delete()
    assert one.state.archived


def test_a_pull_request_is_opened_while_replicas_lag(lagging: World) -> None:
    one = project(lagging, SyncMode="PullRequest").launch()
    assert one.update(lagging.publish("v2", V2))["Status"] == "pull-request"
    assert len(one.state.pulls) == 1
    one.delete()
    assert one.state.archived


def test_a_launch_that_fails_later_leaves_nothing_unarchived(lagging: World) -> None:
    one = Project(lagging, Version("v1", f"{'0' * 64}.zip"))
    assert "is not in the bucket" in refused(one.launch)
    made = lagging.github.store.by_name("acme", one.name)
    assert made is not None
    assert made.archived


def test_a_creation_that_fails_before_it_has_an_id_is_archived(lagging: World) -> None:
    one = project(lagging)
    lagging.control("POST", "faults", {"match": {"path": "/topics"}, "fault": "proxy", "times": None})
    assert "Access was denied" in refused(one.launch)
    made = lagging.github.store.by_name("acme", one.name)
    assert made is not None
    assert made.archived
