"""What an operation costs: requests and bytes, counted; times are not measured."""

from __future__ import annotations

import random
import re
import subprocess
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest

from custom_resources.clients.budget import SharedBudget
from standins.github.messages import Request, Response
from standins.github.requests_log import Entry
from tests.git_processes import counted
from tests.integration.world import Content, Project, World
from tests.request_counts import UPDATES, Took
from tests.scale.table import Table

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


V1: dict[str, Content] = {
    "README.md": "# Template\n",
    "src/train.py": "".join(f"line {n}\n" for n in range(200)),
    "src/deploy.py": "".join(f"step {n}\n" for n in range(200)),
    **{f"lib/module_{n}.py": f"module {n}\n" * 20 for n in range(30)},
}
V2: dict[str, Content] = {**V1, "src/train.py": str(V1["src/train.py"]).replace("line 5\n", "new 5\n"), "new.py": "n\n"}
EDIT = {"src/train.py": str(V1["src/train.py"]).replace("line 150\n", "mine 150\n"), "mine.py": "m\n"}
counts_processes = pytest.mark.handlers_only(reason="git reports the processes of this process, not of a function's")
SECRETS = {f"NAME_{number}": f"value {number}" for number in range(15)}


def of(kind: str, entries: list[Entry]) -> int:
    return sum(entry.kind == kind for entry in entries)


def moved(entries: list[Entry]) -> int:
    return sum(entry.bytes_in + entry.bytes_out for entry in entries)


@pytest.mark.ministack
def test_a_launch_takes_few_requests(world: World) -> None:
    project = Project(world, world.publish("v1", V1), secrets=SECRETS, variables={"TRIGGER": "false"})
    project.launch()
    asked = world.requests()
    assert of("git", asked) <= 3
    assert of("rest", asked) <= 22  # twice that and the Git requests are within the 45 of a launch
    assert sum(entry.path.endswith("/public-key") for entry in asked) == 1


@pytest.mark.ministack
def test_an_update_takes_few_requests(world: World) -> None:
    project = Project(world, world.publish("v1", V1)).launch()
    project.commit(EDIT)
    world.requests()
    assert project.update(world.publish("v2", V2))["Status"] == "merged"
    asked = world.requests()
    # Refs; commits, and meanwhile whether the base is in the branch; the contents of train.py; the push.
    assert (of("git", asked), of("rest", asked)) == (5, 1)


def test_an_update_waits_for_the_commits_and_the_comparison_at_once(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither is answered before both were asked for."""
    project = Project(world, world.publish("v1", V1)).launch()
    project.commit(EDIT)
    v2 = world.publish("v2", V2)
    both, met = threading.Barrier(2, timeout=10), list[str]()
    respond = world.github.respond

    def together(request: Request) -> tuple[Response, str]:
        commits = request.path.endswith("/git-upload-pack") and len(met) < 2
        if commits or "/compare/" in request.path:
            both.wait()
            met.append(request.method)
        return respond(request)

    monkeypatch.setattr(world.github, "respond", together)
    assert project.update(v2)["Status"] == "merged"
    assert sorted(met) == ["GET", "POST"]


def test_a_merge_of_unlike_files_fetches_no_content(world: World) -> None:
    project = Project(world, world.publish("v1", V1)).launch()
    project.commit({"mine.py": "m\n"})
    world.requests()
    project.update(world.publish("v2", V2))
    assert of("git", world.requests()) == 4


def test_renames_take_at_most_three_batches_more(world: World) -> None:
    project = Project(world, world.publish("v1", V1)).launch()
    renamed: dict[str, Content | None] = {f"lib/module_{n}.py": None for n in range(10)}
    renamed |= {f"core/module_{n}.py": f"module {n}\n" * 20 + "mine\n" for n in range(5)}
    renamed |= {f"other/name_{n}.py": f"module {n}\n" * 20 + "mine\n" for n in range(5, 10)}
    project.commit({**EDIT, **renamed})
    world.requests()
    v2 = {**V2, **{f"lib/module_{n}.py": f"module {n}\n" * 20 + "theirs\n" for n in range(10, 20)}}
    v2 |= {f"lib/module_{n}.py": "theirs\n" + f"module {n}\n" * 20 for n in range(10)}
    assert project.update(world.publish("v2", v2))["Status"] == "merged"
    assert of("git", world.requests()) <= 4 + 2 * 4
    assert project.files()["other/name_7.py"] == "theirs\n" + "module 7\n" * 20 + "mine\n"


def test_nothing_to_do_is_one_request(world: World) -> None:
    project = Project(world, world.publish("v1", V1)).launch()
    project.commit(EDIT)
    world.requests()
    project.update()
    [asked] = world.requests()
    assert (asked.method, asked.kind) == ("GET", "git")


@counts_processes
def test_attributes_and_contents_come_together(world: World) -> None:
    attributes = {".gitattributes": "*.txt merge=union\n", "lib/.gitattributes": "*.py -text\n"}
    project = Project(world, world.publish("v1", {**V1, **attributes})).launch()
    project.commit({**EDIT, ".gitattributes": "*.txt merge=union\n*.md merge=union\n"})
    world.requests()
    with counted() as started:
        project.update(world.publish("v2", {**V2, **attributes}))
    assert (of("git", world.requests()), len(started)) == (5, 6)


# What an operation may take for both repositories of a project: Git requests, git processes with their children.
MOST = {
    "launch": (4, 4),
    "unchanged update": (2, 0),
    "clean merge": (10, 12),
    "conflict": (10, 12),
    "delete": (4, 4),
}


@counts_processes
def test_an_operation_takes_few_requests_and_processes(world: World) -> None:
    parts = {"model_build": "p1-build", "model_deploy": "p1-deploy"}
    v1, v2 = world.publish("v1", V1), world.publish("v2", V2)
    v3 = world.publish("v3", {**V2, "src/deploy.py": "theirs\n"})
    projects = [Project(world, v1, part=part, name=name) for part, name in parts.items()]
    found: dict[str, tuple[int, int]] = {}

    def measure(operation: str, act: Callable[[Project], object]) -> None:
        world.requests()
        with counted() as started:
            for project in projects:
                act(project)
        found[operation] = (of("git", world.requests()), len(started))

    measure("launch", Project.launch)
    for project in projects:
        project.commit(EDIT)
    measure("unchanged update", Project.update)
    measure("clean merge", lambda project: project.update(v2))
    assert [project.status["Status"] for project in projects] == ["merged", "merged"]
    for project in projects:
        project.pull()
        project.commit({"src/deploy.py": "mine\n"})
    measure("conflict", lambda project: project.update(v3))
    assert [project.status["Status"] for project in projects] == ["pull-request", "pull-request"]
    measure("delete", Project.delete)
    assert found == MOST


CONTENT = r"/(pulls|comments|reviews|issues|invitations)$"  # what GitHub counts as content, when it is posted


def took(entries: list[Entry]) -> Took:
    created = [entry for entry in entries if entry.method == "POST" and re.search(CONTENT, entry.path)]
    return Took(of("git", entries), of("rest", entries), len(created))


def updated(world: World, kind: str) -> Callable[[], object]:
    """Bring a project to where its next update is of this kind; return that update."""
    project = Project(world, world.publish("v1", V1)).launch()
    project.commit(EDIT)
    v2 = world.publish("v2", V2)
    conflict = world.publish("v2", {**V2, "src/train.py": str(V1["src/train.py"]).replace("line 150\n", "theirs\n")})
    match kind:
        case "unchanged version":
            return project.update
        case "merge":
            return lambda: project.update(v2)
        case "pull request":
            return lambda: project.update(v2, SyncMode="PullRequest")
        case "conflict":
            return lambda: project.update(conflict)
    project.update(conflict)
    return lambda: project.update(world.publish("v3", {**V2, "src/train.py": "theirs\n"}))


@pytest.mark.handlers_only(reason="the budget that is charged is this process's")
@pytest.mark.parametrize("kind", UPDATES)
def test_an_update_takes_what_the_simulation_of_a_fleet_takes_it_to(world: World, kind: str) -> None:
    """And the budget is charged for each piece of content that is created, and for no other."""
    update = updated(world, kind)
    world.requests()
    table = Table()
    world.handlers.budget = SharedBudget(cast("DynamoDBClient", table), "budget", lambda: 1000.0)
    update()
    assert took(world.requests()) == UPDATES[kind]
    assert table.created() == UPDATES[kind].creations


# -- a long history -------------------------------------------------------------------------------------------------

COMMITS, HISTORY_BYTES = 20_000, 200 * 1024 * 1024
BLOBS = 50  # of 4 MiB each, which come and go, but for the last
KEPT = 3


def long_history(project: Project) -> None:
    """Put 20,000 commits and 200 MB of incompressible contents into the default branch, on the stand-in's disk.

    The commits are older than the template's: clocks go wrong, and git must not be misled by them.
    """
    noise = random.Random(1)
    script = project.world.home / "history"
    with script.open("wb") as out:
        for number in range(COMMITS):
            when = 1_700_000_000 + number
            out.write(b"commit refs/heads/main\ncommitter Ada <ada@example.com> %d +0000\ndata 4\nwork\n" % when)
            if number == 0:
                out.write(b"from refs/heads/main^0\n")
            note = b"%d\n" % number
            out.write(b"M 100644 inline notes/%d.txt\ndata %d\n%s\n" % (number % 50, len(note), note))
            step, rest = divmod(number, COMMITS // BLOBS)
            if rest == 0:
                content = noise.randbytes(HISTORY_BYTES // BLOBS)
                out.write(b"M 100644 inline data/%d.bin\ndata %d\n" % (step, len(content)) + content + b"\n")
            elif rest == 1 and step < BLOBS - KEPT:
                out.write(b"D data/%d.bin\n" % step)
    fast_import(project, script)


def fast_import(project: Project, script: Path) -> None:
    with script.open("rb") as given:
        command = ["git", "--git-dir", str(project.bare.path), "-c", "core.compression=0", "fast-import", "--quiet"]
        subprocess.run(command, stdin=given, check=True, timeout=200)
    script.unlink()


def edit_on_disk(project: Project, edit: Mapping[str, str]) -> None:
    """Commit as a user who need not fetch 200 MB first."""
    script = project.world.home / "edit"
    with script.open("wb") as out:
        out.write(b"commit refs/heads/main\ncommitter Ada <ada@example.com> 1700000000 +0000\ndata 4\nwork\n")
        out.write(b"from refs/heads/main^0\n")
        for path, text in edit.items():
            out.write(f"M 100644 inline {path}\ndata {len(text)}\n{text}\n".encode())
    fast_import(project, script)


@pytest.mark.slow
def test_the_cost_does_not_depend_on_history(world: World) -> None:
    costs: dict[str, list[Entry]] = {}
    for name in ("fresh", "old"):
        project = Project(world, world.publish("v1", V1), name=name, project=name).launch()
        if name == "old":
            long_history(project)
            packed = sum(file.stat().st_size for file in (project.bare.path / "objects/pack").glob("*.pack"))
            assert packed > HISTORY_BYTES
            assert project.bare.count("refs/heads/main") > COMMITS
        edit_on_disk(project, EDIT)
        world.requests()
        assert project.update(world.publish("v2", V2))["Status"] == "merged"
        costs[name] = world.requests()
        assert project.files()["mine.py"] == "m\n"
    asked = {name: sorted((e.kind, e.method) for e in entries) for name, entries in costs.items()}
    assert asked["old"] == asked["fresh"]
    assert moved(costs["old"]) - moved(costs["fresh"]) < 1024 * 1024
