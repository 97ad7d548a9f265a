"""Template sources made on the fly: a dict of path -> text becomes a folder or a real Git repository."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from tests.standin.aws.conftest import World, share_one, world

__all__ = ["world"]
WORKFLOW = "on: push\njobs:\n  build:\n    runs-on: ubuntu-latest\n    steps:\n      - run: make\n"
TEMPLATE = {
    "templates/regression/model_build/README.md": "# Build\n",
    "templates/regression/model_build/run.sh": "#!/bin/sh\n",
    "templates/regression/model_build/.github/workflows/build.yml": WORKFLOW,
    "templates/regression/model_deploy/README.md": "# Deploy\n",
    "templates/README.md": "About the templates.\n",
}
Files = Mapping[str, str | bytes | None]


def write(folder: Path, files: Files) -> Path:
    """Write the files; None removes one. Names that end in .sh become executable."""
    for path, content in files.items():
        place = folder / path
        if content is None:
            place.unlink()
            continue
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content.encode() if isinstance(content, str) else content)
        place.chmod(0o755 if path.endswith(".sh") else 0o644)
    return folder


def git(folder: Path, *arguments: str) -> str:
    """Run git in a folder."""
    who = ["-c", "user.name=A", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false"]
    done = subprocess.run(["git", *who, *arguments], cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def commit(folder: Path, files: Files) -> str:
    """Commit the files, making the repository if there is none; return the commit."""
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / ".git").exists():
        git(folder, "init", "--quiet", "--initial-branch=main")
    write(folder, files)
    git(folder, "add", "--all", "--force")
    git(folder, "commit", "--quiet", "--allow-empty", "--message=change")
    return git(folder, "rev-parse", "HEAD")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """One MiniStack for this folder."""
    share_one(items, Path(__file__).parent, "operations", 20)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A template folder, in no repository."""
    return write(tmp_path / "plain", TEMPLATE)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A Git repository that holds the template."""
    commit(tmp_path / "source", TEMPLATE)
    return tmp_path / "source"


@pytest.fixture
def make_commit(repository: Path) -> Callable[[Files], str]:
    """Commit more to the repository."""
    return lambda files: commit(repository, files)


@pytest.fixture
def aws(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """The AWS stand-ins, for clients that find them by the environment as anybody's would."""
    for variable, value in {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": world.endpoint,
        "AWS_ENDPOINT_URL_SERVICE_CATALOG": world.stand_in.base_url,
        "AWS_ENDPOINT_URL_DATAZONE": world.stand_in.base_url,
        "AWS_MAX_ATTEMPTS": "1",
    }.items():
        monkeypatch.setenv(variable, value)
    return world
