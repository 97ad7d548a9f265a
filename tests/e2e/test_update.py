"""An update through the command line: foreseen, shown as a patch, merged, or offered as a pull request."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.e2e.command_line import CommandLine, Observer, write

pytestmark = [pytest.mark.slow, pytest.mark.shares("the command line", seconds=75)]
V1 = {
    "tabular/model_build/settings.py": "".join(f"line_{n} = {n}\n" for n in range(1, 21)),
    "tabular/model_build/old.txt": "goes away\n",
    "tabular/model_deploy/deploy.py": "print('deploy')\n",
}
V2 = {
    **V1,
    "tabular/model_build/settings.py": V1["tabular/model_build/settings.py"].replace("line_2 = 2", "line_2 = 'two'"),
    "tabular/model_build/new.txt": "arrives\n",
}
del V2["tabular/model_build/old.txt"]


@pytest.fixture(scope="module")
def versions(cli: CommandLine, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """Publish both, without launching anything."""
    place = tmp_path_factory.mktemp("sources")
    first = cli.done("publish", "--template-source", str(write(place / "one", V1)), "--version", "v5.0.0")
    second = cli.done("publish", "--template-source", str(write(place / "two", V2)), "--version", "v5.1.0")
    assert first["status"] == second["status"] == "published"
    assert {change["part"] for change in second["changes"]} == {"model_build"}
    return first["version"], second["version"]


def launch(cli: CommandLine, seen: Observer, name: str, version: str, place: Path) -> tuple[dict[str, Any], Path]:
    launched = cli.done("launch", name, "--profile", "tabular", "--version", version)
    return launched, seen.clone(launched["repositories"]["build"]["name"], place)


def edit(seen: Observer, clone: Path, old: str, new: str) -> None:
    path = clone / "settings.py"
    path.write_text(path.read_text().replace(old, new))
    seen.git(clone, "commit", "--quiet", "-am", f"{old} is {new}")
    seen.git(clone, "push", "--quiet")


def test_foreseen_shown_and_merged(cli: CommandLine, seen: Observer, versions: tuple[str, str], tmp_path: Path) -> None:
    launched, clone = launch(cli, seen, "merges", versions[0], tmp_path / "clone")
    edit(seen, clone, "line_15 = 15", "line_15 = 'mine'")
    build = launched["repositories"]["build"]["name"]
    before = seen.repository(build)

    seen.control("DELETE", "requests")
    foreseen = cli.done("update", "merges", "--version", versions[1], "--dry-run")
    shown = cli.done("diff", "merges", "--version", versions[1])

    writes = [
        entry
        for entry in seen.control("GET", "requests")["requests"]
        if entry["method"] != "GET" and not entry["path"].endswith("/git-upload-pack")
    ]
    assert writes == []
    assert seen.repository(build) == before
    there = foreseen["repositories"]["build"]
    assert (there["action"], there["status"]) == ("push", "merged")
    assert there["added"] == ["new.txt"]
    assert there["changed"] == ["settings.py"]
    assert there["deleted"] == ["old.txt"]
    assert there["conflicts"] == there["secrets"] == there["variables"] == []
    assert foreseen["repositories"]["deploy"]["changed"] == []
    assert "-line_2 = 2\n+line_2 = 'two'\n" in shown["patches"]["build"]
    assert "line_15 = 'mine'" not in shown["patches"]["build"].replace(" line_15", "")

    updated = cli.done("update", "merges", "--version", versions[1])

    assert updated["status"] == "UPDATE_COMPLETE"
    assert updated["repositories"]["build"]["status"] == "merged"
    assert updated["repositories"]["deploy"]["status"] == "unchanged"
    assert updated["version"] == versions[1]
    seen.git(clone, "pull", "--quiet")
    text = (clone / "settings.py").read_text()
    assert "line_2 = 'two'\n" in text
    assert "line_15 = 'mine'\n" in text
    assert (clone / "new.txt").exists()
    assert not (clone / "old.txt").exists()
    parents = seen.git(clone, "log", "-1", "--format=%P").split()
    assert len(parents) == 2

    again = cli.done("update", "merges", "--version", versions[1], "--dry-run")
    assert again["repositories"]["build"]["action"] == "nothing"


def test_a_conflict_is_foreseen_and_becomes_a_pull_request(
    cli: CommandLine, seen: Observer, versions: tuple[str, str], tmp_path: Path
) -> None:
    launched, clone = launch(cli, seen, "conflicts", versions[0], tmp_path / "clone")
    edit(seen, clone, "line_2 = 2", "line_2 = 'mine'")
    tip = seen.git(clone, "rev-parse", "HEAD").strip()

    foreseen = cli.done("update", "conflicts", "--version", versions[1], "--dry-run")
    there = foreseen["repositories"]["build"]
    assert (there["action"], there["status"]) == ("propose", "pull-request")
    assert there["conflicts"] == ["settings.py"]
    assert there["changed"] == []

    updated = cli.done("update", "conflicts", "--version", versions[1])

    build = updated["repositories"]["build"]
    assert build["status"] == "pull-request"
    assert build["pull_request"].endswith("/pull/1")
    there = seen.repository(launched["repositories"]["build"]["name"])
    assert there["refs"]["refs/heads/main"] == tip
    assert [pull["state"] for pull in there["pull_requests"]] == ["open"]
    assert "settings.py" in there["pull_requests"][0]["body"]


def test_sync_mode_and_secrets_by_update(
    cli: CommandLine, seen: Observer, versions: tuple[str, str], tmp_path: Path
) -> None:
    launched, _ = launch(cli, seen, "modes", versions[0], tmp_path / "clone")
    build = launched["repositories"]["build"]["name"]
    change = ["--version", versions[1], "--sync-mode", "PullRequest", "--parameter", "GlueTable=penguins"]

    foreseen = cli.done("update", "modes", *change, "--dry-run")
    assert foreseen["repositories"]["build"]["action"] == "propose"
    assert foreseen["repositories"]["build"]["conflicts"] == []
    assert foreseen["repositories"]["build"]["secrets"] == ["GLUE_TABLE"]
    assert foreseen["repositories"]["deploy"]["secrets"] == ["GLUE_TABLE"]

    updated = cli.done("update", "modes", *change)

    assert updated["repositories"]["build"]["status"] == "pull-request"
    assert seen.repository(build)["secrets"]["GLUE_TABLE"] == "penguins"
    everything = cli.done("update", "modes", "--rotate-secrets", "--version", versions[1], "--dry-run")
    assert len(everything["repositories"]["build"]["secrets"]) == 15


def test_an_update_that_cannot_be(cli: CommandLine, versions: tuple[str, str]) -> None:
    assert "There is no project nobody" in cli.refused("update", "nobody", "--dry-run")
    assert "There is no project nobody" in cli.refused("diff", "nobody")
