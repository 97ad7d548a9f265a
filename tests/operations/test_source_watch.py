"""The template source is watched: status tells that it has gone on, and two workflows publish and deploy."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from operations import command_line
from operations.errors import RefMissing, SourceUnreadable, UrlHoldsPassword
from operations.source_watch import newest_commit, watched
from operations.template_source import resolve
from products.settings import PROJECT_ROOT, Settings
from products.versions import Version
from tests.operations.conftest import Files, git, make_commit, repository

__all__ = ["make_commit", "repository"]
WORKFLOWS = PROJECT_ROOT / ".github/workflows"


def settings(source: Path | str, ref: str = "main") -> Settings:
    return Settings.model_validate(
        {"template_source": {"repository": str(source)}, "git_config": {"public_repo_branch": ref}}
    )


def version(source: Path | str, commit: str) -> Version:
    archive = f"{'0' * 64}.zip"
    return Version(version="v1.1.0", archive=archive, source=str(source), commit=commit, created="2026-11-24T00:00:00Z")


def test_a_new_commit_in_the_source_is_told(repository: Path, make_commit: Callable[[Files], str]) -> None:
    published = git(repository, "rev-parse", "HEAD")
    found = watched(settings(repository), [version(repository, published)])
    assert found is not None
    assert (found.ahead, found.line()) == (False, "")
    tip = make_commit({"templates/README.md": "new\n"})
    found = watched(settings(repository), [version(repository, published)])
    assert found is not None
    assert (found.ahead, found.commit) == (True, tip)
    assert f"is at {tip[:12]}; v1.1.0 is from {published[:12]}." in found.line()


def test_a_version_from_another_source_is_behind_this_one(repository: Path) -> None:
    tip = git(repository, "rev-parse", "HEAD")
    found = watched(settings(repository), [version("elsewhere", tip)])
    assert found is not None
    assert (found.ahead, found.published) == (True, "")
    assert watched(settings(repository), []).ahead  # type: ignore[union-attr]


def test_a_source_that_cannot_be_read_is_said_and_stops_nothing(tmp_path: Path) -> None:
    found = watched(settings(tmp_path / "none"), [])
    assert found is not None
    assert (found.ahead, "could not be read" in found.line()) == (False, True)


def test_this_repositorys_own_folder_is_not_watched() -> None:
    assert watched(Settings(), []) is None


def test_a_ref_is_read_as_publish_reads_it(repository: Path, make_commit: Callable[[Files], str]) -> None:
    first = git(repository, "rev-parse", "HEAD")
    git(repository, "tag", "-a", "-m", "one", "v1")
    second = make_commit({"a": "a"})
    assert newest_commit(str(repository), "v1", "") == first
    assert newest_commit(str(repository), "main", "") == second
    assert newest_commit(str(repository), "", "") == second
    git(repository, "branch", "v1")
    for ref in ("v1", "main", ""):
        assert (
            newest_commit(str(repository), ref, "") == resolve(f"file://{repository}", ref, "templates", "", []).commit
        )
    assert newest_commit(str(repository), first, "") == first
    with pytest.raises(RefMissing):
        newest_commit(str(repository), "none", "")
    with pytest.raises(SourceUnreadable):
        newest_commit(str(repository / "none"), "main", "")
    with pytest.raises(UrlHoldsPassword):
        newest_commit("https://x:secret@example.com/a/b.git", "main", "")


# -- the workflows -----------------------------------------------------------------------------------------------------


def read(name: str) -> Any:
    return yaml.load((WORKFLOWS / name).read_text(encoding="utf-8"), Loader=yaml.BaseLoader)


def steps(name: str) -> list[dict[str, Any]]:
    return [step for job in read(name)["jobs"].values() for step in job["steps"]]


def commands() -> Iterator[list[str]]:
    for name in ("publish.yml", "deploy.yml"):
        for step in steps(name):
            for line in step.get("run", "").splitlines():
                if "-m operations " in line:
                    yield shlex.split(line.partition("-m operations ")[2].partition(" || ")[0])


def test_every_command_of_the_workflows_is_one_that_the_command_line_takes() -> None:
    found = list(commands())
    assert [each[0] for each in found] == ["publish", "rollout", "status"]
    for arguments in found:
        assert command_line._parser().parse_args(arguments).run


def test_they_run_only_where_somebody_has_switched_them_on() -> None:
    for name, variable in (("publish.yml", "PUBLISH_APP_ID"), ("deploy.yml", "DEPLOY_ROLE_ARN")):
        workflow = read(name)
        assert workflow["permissions"] == {}
        [job] = workflow["jobs"].values()
        assert job["if"] == f"vars.{variable} != ''"


def test_no_event_of_somebody_else_chooses_what_is_run() -> None:
    text = "".join((WORKFLOWS / name).read_text(encoding="utf-8") for name in ("publish.yml", "deploy.yml"))
    assert "pull_request_target" not in text
    assert not re.search(r"github\.(?:head_ref|event\.(?!repository\.default_branch))", text)
    used = [step["uses"] for name in ("publish.yml", "deploy.yml") for step in steps(name) if "uses" in step]
    assert used
    assert all(re.search(r"@[0-9a-f]{40}$", each) for each in used)
    assert read("deploy.yml")["on"]["push"] == {"branches": ["main"], "paths": ["products/versions/**"]}
    assert next(iter(read("deploy.yml")["jobs"].values()))["environment"] == "production"
    assert set(read("publish.yml")["on"]) == {"schedule", "workflow_dispatch", "repository_dispatch"}
