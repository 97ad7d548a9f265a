"""The world that the stories live in, and which cloud it has."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from local.home import Home
from standins.github.server import GitHubStandIn
from tests.integration.ministack import MiniStack
from tests.integration.world import World
from tests.sharing import synthesized_before

ON_MINISTACK = pytest.mark.shares("stories on MiniStack", seconds=90)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a story in the chosen cloud; without a choice, with handlers, and the few marked `ministack` there, too."""
    if "cloud_name" not in metafunc.fixturenames:
        return
    chosen = metafunc.config.getoption("--on")
    names = [chosen or "handlers"]
    marked = metafunc.definition.get_closest_marker("ministack")
    if not chosen and marked:
        names.append("ministack")
    # The same stories run with handlers in any case; one of each kind is on MiniStack in every run.
    later = [] if chosen or (marked and marked.kwargs.get("always")) else [pytest.mark.long]
    clouds = [pytest.param(name, marks=[ON_MINISTACK, *later] if name == "ministack" else []) for name in names]
    metafunc.parametrize("cloud_name", clouds, scope="session")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Skip on MiniStack what is for handlers only, with its reason; a chosen cloud runs stories and nothing else."""
    called = {item: getattr(item, "callspec", None) for item in items}
    clouds = {item: spec.params.get("cloud_name") if spec else None for item, spec in called.items()}
    for item, cloud in clouds.items():
        only = item.get_closest_marker("handlers_only")
        if only and cloud == "ministack":
            item.add_marker(pytest.mark.skip(reason=only.kwargs["reason"]))
    if config.getoption("--on"):
        config.hook.pytest_deselected(items=[item for item in items if not clouds[item]])
        items[:] = [item for item in items if clouds[item]]


@pytest.fixture(scope="session")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MiniStack]:
    """One MiniStack for all tests, started by the first that needs it."""
    folder = tmp_path_factory.mktemp("ministack")
    synthesized_before(Home(folder), tmp_path_factory)
    with MiniStack.running(folder) as cloud:
        yield cloud


@pytest.fixture
def world(tmp_path: Path, cloud_name: str, request: pytest.FixtureRequest) -> Iterator[World]:
    cloud: MiniStack | None = None
    with ExitStack() as stack:
        if cloud_name == "ministack":
            cloud = request.getfixturevalue("deployed")
        github = stack.enter_context(GitHubStandIn.running(tmp_path / "github", cloud.github_port if cloud else 0))
        if cloud:
            github.token = github.store.make_token(cloud.token, scopes=["repo", "workflow", "delete_repo"])
            cloud.begin()
            yield World(github, tmp_path / "home", cloud)
        else:
            yield World(github, tmp_path / "home")
