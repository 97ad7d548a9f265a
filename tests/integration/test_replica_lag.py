"""GitHub's replicas lag behind every write: nothing fails that would have succeeded a few seconds later."""

from __future__ import annotations

from collections import Counter

import pytest

from custom_resources.clients.secrets import GitHubCredentials
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
    assert "GitHub or a proxy denied access" in refused(one.launch)
    made = lagging.github.store.by_name("acme", one.name)
    assert made is not None
    assert made.archived


@pytest.fixture(params=[0.5, 3, 8])
def tokens_lag(world: World, request: pytest.FixtureRequest) -> World:
    """The world with a GitHub App, whose new tokens are unknown (401) for a while, as are new repositories to it."""
    made = world.control("POST", "apps", {"slug": "studio"})
    number = world.control("POST", f"apps/{made['id']}/installations", {"organization": "acme"})["id"]
    key = GitHubCredentials(app_id=str(made["id"]), installation_id=number, private_key=made["private_key"])
    world.handlers.use_app(key)
    world.github.store.lag.configure(Lags(app_tokens=float(request.param)))
    return world


def answers(world: World) -> Counter[tuple[str, int]]:
    """Return how often requests for tokens, and others, were answered with each status, since the last call."""
    kinds = (("token" if it.path.endswith("/access_tokens") else "other", it.status) for it in world.requests())
    return Counter(kinds)


def test_a_project_lives_while_an_apps_tokens_lag(tokens_lag: World) -> None:
    tokens_lag.requests()
    one = project(tokens_lag).launch()
    found = answers(tokens_lag)
    assert found["other", 401], "a token was used before all replicas knew it"
    assert found["token", 422], "a token was asked for a repository that was just created"
    assert (one.status["Status"], set(one.state.secrets), one.state.topics) == ("seeded", {"REGION"}, ["studio"])
    assert set(one.state.variables) == {"T"}
    tokens_lag.handlers.permit()  # fresh functions: each makes its tokens anew
    assert one.update(tokens_lag.publish("v2", V2))["Status"] == "merged"
    assert answers(tokens_lag)["other", 401]
    assert one.files() == V2
    tokens_lag.handlers.permit()
    one.delete()
    assert answers(tokens_lag)["other", 401]
    assert one.state.archived


def test_an_apps_launch_that_fails_later_is_archived_while_tokens_lag(tokens_lag: World) -> None:
    one = Project(tokens_lag, Version("v1", f"{'0' * 64}.zip"))
    assert "is not in the bucket" in refused(one.launch)
    made = tokens_lag.github.store.by_name("acme", one.name)
    assert made is not None
    assert made.archived
