"""The verbs of the local run know projects that Studio has launched."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from local import run as runs
from local import verbs
from tests.integration.studio.conftest import Installation
from tests.integration.studio.test_plan import published

pytestmark = [pytest.mark.long, pytest.mark.shares("projects", seconds=60)]

LINE = "A line that the next version brings.\n"


@pytest.fixture
def told(installation: Installation, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    """Return what runs a verb and returns its document, or its text without `--json`."""
    monkeypatch.setenv("LOCAL_HOME", str(installation.run.home.path))
    monkeypatch.setattr(verbs, "forget_real_accounts", lambda: None, raising=False)
    monkeypatch.setattr("local.cloud.forget_real_accounts", lambda: None)

    def run(*arguments: str, code: int = 0) -> Any:
        capsys.readouterr()
        assert verbs.main(list(arguments)) == code
        out = capsys.readouterr().out
        return json.loads(out) if "--json" in arguments else out

    return run


def test_status_diff_update_and_terminate_know_a_project_of_studio(
    installation: Installation, tmp_path: Path, told: Any
) -> None:
    project = installation.create("clerk")
    installation.deployed(project)
    assert [each for each in told("status", "--json")["studio_projects"] if each["name"] == "clerk"]
    shown = told("status", "clerk")
    assert "git clone -c credential.http://127.0.0.1:" in shown
    assert shown.count("git clone") == 2
    build = told("status", "clerk", "--json")["repositories"]["build"]
    assert build["status"] == "seeded"

    version = published(installation, tmp_path, LINE)

    for verb in (("update", "clerk", "--dry-run"), ("studio", "update-project", "clerk", "--dry-run")):
        foreseen = told(*verb, "--json")
        assert (foreseen["dry_run"], foreseen["version"]) == (True, version)
        assert foreseen["repositories"]["build"]["changed"] == ["README.md"]
    assert f"+{LINE}" in told("diff", "clerk")
    assert told("status", "clerk", "--json")["repositories"]["build"]["commit"] == build["commit"], (
        "nothing was written"
    )
    refused = told("update", "clerk", "--sync-mode", "Off", "--json", code=1)
    assert "can change only its version" in refused["error"]

    path = f"/repos/{runs.ORGANIZATION}/{build['name']}/contents/README.md"
    sha = installation.github("GET", path)["sha"]
    installation.github("PUT", path, {"message": "Mine", "content": "bWluZQo=", "sha": sha})
    updated = told("studio", "update-project", "clerk", "--json")["repositories"]["build"]
    assert updated["status"] == "pull-request"
    assert f"pull request {updated['pull_request']}" in told("status", "clerk")

    gone = told("terminate", "clerk", "--json")
    assert gone["status"] == "DELETED"
    assert gone["repositories"][f"{runs.ORGANIZATION}/{build['name']}"]["archived"] is True
    assert "There is no project clerk" in told("diff", "clerk", "--json", code=1)["error"]


def test_a_project_that_nobody_has_is_named_with_those_that_there_are(installation: Installation, told: Any) -> None:
    installation.deployed(installation.create("present"))
    error = told("status", "nobody", "--json", code=1)["error"]
    assert "There is no project nobody; there are: " in error
    assert "present" in error
