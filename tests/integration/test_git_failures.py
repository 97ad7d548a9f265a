"""Git's requests fail, each once: also the contents that a merge fetches while it runs are waited for, not given up."""

from __future__ import annotations

import pytest

from standins.github.faults import Fault
from tests.integration.world import Project, World

pytestmark = pytest.mark.handlers_only(reason="each wait would be a minute of CloudFormation's")
LINES = [f"line {number}\n" for number in range(40)]


def text(**changes: str) -> str:
    """Return the file with these lines changed: `mine` one of the user's, `theirs` one of the template's,apart."""
    places = {"mine": 5, "theirs": 30, "mine_too": 30}
    lines = list(LINES)
    for name, change in changes.items():
        lines[places[name]] = f"{change}\n"
    return "".join(lines)


@pytest.mark.parametrize("fault", ["502", "reset-before"])
def test_each_git_request_of_a_merge_may_fail(world: World, fault: str) -> None:
    project = Project(world, world.publish("v1", {"a": text()})).launch()
    for nth in range(1, 40):
        project.commit({"a": text(mine=f"mine {nth}", theirs=f"v{nth - 1}" if nth > 1 else "line 30")})
        planned = Fault.parse({"fault": fault, "match": {"kind": "git", "nth": nth}})
        world.github.faults.add(planned)
        status = project.update(world.publish(f"v{nth}.1", {"a": text(theirs=f"v{nth}")}))
        world.github.faults.clear()
        assert status["Status"] == "merged", f"request {nth}"
        assert project.files()["a"] == text(mine=f"mine {nth}", theirs=f"v{nth}")
        if not planned.hits:
            assert nth > 5, "a merge takes more requests than that"
            return
    raise AssertionError("no update came through without a fault")


def test_each_git_request_of_a_conflict_may_fail(world: World) -> None:
    project = Project(world, world.publish("v1", {"a": text()})).launch()
    project.commit({"a": text(mine_too="mine")})
    for nth in range(1, 40):
        planned = Fault.parse({"fault": "502", "match": {"kind": "git", "nth": nth}})
        world.github.faults.add(planned)
        status = project.update(world.publish(f"v{nth}.1", {"a": text(theirs=f"v{nth}")}))
        world.github.faults.clear()
        assert status["Status"] == "pull-request", f"request {nth}"
        assert project.files()["a"] == text(mine_too="mine")
        assert len(project.pulls()) == 1
        if not planned.hits:
            assert nth > 5, "a conflict takes more requests than that"
            return
    raise AssertionError("no update came through without a fault")
