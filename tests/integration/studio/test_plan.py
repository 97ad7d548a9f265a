"""`operations plan` on the local run: what it foresees is what the update then does, and it writes nothing."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from local import rehearsal, studio, versions
from local import run as runs
from operations.command_line import main
from tests.integration.studio.conftest import Installation, newest_content, quiet
from tests.sharing import forget_spent_budget

pytestmark = [pytest.mark.slow, pytest.mark.long, pytest.mark.shares("projects", seconds=60)]
LINE = "A line that the planned version brings.\n"


@pytest.fixture
def administrator(installation: Installation, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The caller of the command line is whom `python -m local env` makes."""
    for name, value in rehearsal.environment(installation.run).items():
        monkeypatch.setenv(name, value)
    yield


def published(installation: Installation, place: Path, line: str = LINE) -> str:
    """Publish what the newest version has, with one more line; deploy it."""
    content = place / "templates"
    readme = newest_content(installation, content)
    readme.write_text(line + readme.read_text(encoding="utf-8"), encoding="utf-8")
    made = versions.publish(installation.run.home, versions.Source(str(content), folder="."), "").version.version
    installation.run = runs.up(installation.run.home, quiet())
    return made


def edited(installation: Installation, project: str, text: str) -> None:
    """Change the first line of the build repository's README."""
    path = f"/repos/{runs.ORGANIZATION}/{installation.outputs(project)['BuildRepositoryName']}/contents/README.md"
    found = installation.github("GET", path)
    content = base64.b64encode(text.encode() + base64.b64decode(found["content"])).decode()
    installation.github("PUT", path, {"message": "Mine", "content": content, "sha": found["sha"]})


def writes(installation: Installation) -> list[str]:
    entries = installation.run.standin_github.call("GET", "requests")["requests"]
    return [
        f"{entry['method']} {entry['path']}"
        for entry in entries
        if entry["method"] != "GET" and not entry["path"].endswith("/git-upload-pack")
    ]


def test_what_is_planned_is_what_happens(
    installation: Installation, administrator: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    merges, conflicts = installation.create("merges"), installation.create("conflicts")
    for project in (merges, conflicts):
        installation.deployed(project)
    edited(installation, conflicts, "Ours.\n")
    version = published(installation, tmp_path)
    forget_spent_budget(installation.run.home)
    installation.run.standin_github.call("DELETE", "requests")
    capsys.readouterr()

    code = main(["plan", "--json", "--version", version, "--project", merges, "--project", conflicts])

    plan: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert writes(installation) == []
    assert (code, plan["counts"]["merge"], plan["counts"]["pull-request"]) == (0, 1, 1)
    by_name = {each["name"]: each for each in plan["projects"]}
    parts = {
        name: {each["part"]: each for each in by_name[f"studio-{name}"]["repositories"]} for name in (merges, conflicts)
    }
    assert parts[merges]["build"]["files"] == {"added": 0, "changed": 1, "deleted": 0}
    assert parts[conflicts]["build"]["conflicts"] == ["README.md"]
    assert parts[merges]["deploy"]["result"] == parts[conflicts]["deploy"]["result"] == "unchanged"

    chosen = ["--project", merges, "--project", conflicts]
    assert main(["rollout", "start", "--dry-run", "--json", "--version", version, *chosen]) == 0
    assert json.loads(capsys.readouterr().out)["foreseen"]["projects"] == plan["projects"]
    assert writes(installation) == []

    done = {name: studio.update_project(installation.run, name, version, quiet()) for name in ("merges", "conflicts")}
    assert done["merges"]["repositories"]["build"]["status"] == "merged"
    assert done["conflicts"]["repositories"]["build"]["status"] == "pull-request"
    assert {each["repositories"]["deploy"]["status"] for each in done.values()} == {"unchanged"}
    capsys.readouterr()
    assert main(["plan", "--version", version, "--project", merges]) == 0
    assert "1 already there" in capsys.readouterr().out
