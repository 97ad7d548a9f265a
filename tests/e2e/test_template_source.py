"""A template source that is not ours: a folder or a Git repository, with the folder layout of docs/interfaces.md."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.command_line import CommandLine, Observer, Tree, folder, git_repository, tree, write

pytestmark = [pytest.mark.slow, pytest.mark.long, pytest.mark.shares("the command line", seconds=75)]
CONTENT = {
    "forecast/model_build/train.py": "print('train')\n",
    "forecast/model_build/bin/run": "#!/bin/sh\nexec python train.py\n",
    "forecast/model_build/data/empty.csv": "",
    "forecast/model_build/Umlaute äöü.md": "Grüße\n",
    "forecast/model_deploy/deploy.py": "print('deploy')\r\n",
}


def delivered(seen: Observer, launched: dict[str, Any], part: str, place: Path) -> Tree:
    return tree(seen.mirror(launched["repositories"][part]["name"], place), "refs/heads/main")


def test_a_folder_is_published_and_launched_beside_the_products_own_version(
    cli: CommandLine, seen: Observer, tmp_path: Path
) -> None:
    source = write(tmp_path / "templates", CONTENT, executable=["forecast/model_build/bin/run"])

    launched = cli.done("launch", "forecast", "--profile", "Forecast", "--template-source", str(source))

    assert launched["profile"] == "Forecast"
    assert launched["version"] not in ("", "v1.0.0")
    for part in ("build", "deploy"):
        content = delivered(seen, launched, part, tmp_path / part)
        assert content == folder(source / "forecast" / f"model_{part}")
    assert delivered(seen, launched, "build", tmp_path / "again")["bin/run"][0] == "100755"

    older = cli.done("launch", "older", "--profile", "regression", "--version", "v1.0.0")
    assert older["version"] == "v1.0.0"
    assert "README.md" in delivered(seen, older, "build", tmp_path / "older")
    assert cli.done("status", "forecast")["version"] == launched["version"]


def test_a_git_url_with_ref_and_folder(cli: CommandLine, seen: Observer, tmp_path: Path) -> None:
    repository = tmp_path / "repository"
    write(repository / "content" / "templates", CONTENT, executable=["forecast/model_build/bin/run"])
    git_repository(repository)
    subprocess.run(["git", "tag", "release-1"], cwd=repository, check=True)
    wanted = {part: folder(repository / "content/templates/forecast" / f"model_{part}") for part in ("build", "deploy")}
    write(repository / "content" / "templates", {"forecast/model_build/train.py": "print('not released')\n"})
    subprocess.run(
        ["git", "-c", "user.name=A", "-c", "user.email=a@example.com", "commit", "--quiet", "-am", "Later"],
        cwd=repository,
        check=True,
    )

    launched = cli.done(
        "launch",
        "by-git",
        "--profile",
        "forecast",
        "--template-source",
        repository.as_uri(),
        "--template-ref",
        "release-1",
        "--template-folder",
        "content/templates",
    )

    for part, files in wanted.items():
        assert delivered(seen, launched, part, tmp_path / part) == files
