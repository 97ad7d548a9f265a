"""The demonstration really does what it says."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from local.home import Home
from tests.e2e.command_line import CommandLine
from tests.sharing import synthesized_before

# Long: four syntheses; each of its steps is a test of test_launch.py and test_update.py, too.
pytestmark = [pytest.mark.slow, pytest.mark.long]


@pytest.fixture
def own(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[CommandLine]:
    """A run that is up, in the folder below which the demonstration has its own."""
    line = CommandLine(tmp_path / "home")
    for home in (line.home, line.home / "demo"):
        synthesized_before(Home(home), tmp_path_factory, newest=True)
    line.done("up")
    yield line
    line.run("down", "--wipe")


def test_the_story_beside_a_run(own: CommandLine) -> None:
    before = {process.pid for process in psutil.process_iter()}

    told = own.done("demo")

    assert told["launch"]["status"] == "CREATE_COMPLETE"
    assert told["launch"]["requests"]["total"] <= 45 + 8 + 8, "of these, eight each for environments and plain facts"
    assert told["merge"]["repositories"]["build"]["status"] == "merged"
    assert told["merge"]["kept"] is True
    assert told["merge"]["delivered"] is True
    assert told["conflict"]["repositories"]["build"]["status"] == "pull-request"
    assert [pull["state"] for pull in told["conflict"]["pull_requests"]] == ["open"]
    assert len(told["terminate"]["repositories"]) == 2
    assert all(state["archived"] for state in told["terminate"]["repositories"].values())
    left = [
        process
        for process in psutil.process_iter(["environ"])
        if process.pid not in before and (process.info["environ"] or {}).get("LOCAL_HOME") == str(own.home / "demo")
    ]
    assert left == []
    assert CommandLine(own.home / "demo").done("status")["running"] is False
    assert own.done("status")["running"] is True, "the run that was up goes on"
