"""The command that clones a repository of the run, and the credential helper that the clone keeps."""

from __future__ import annotations

import io
import os
import shlex
import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from local import cloning, run
from local.arguments import parser
from local.home import Home
from local.terminal import Terminal
from local.verbs import _VERBS

URL = "http://127.0.0.1:4711/studio-projects/p1-build"
SETTING = "credential.http://127.0.0.1:4711.helper"


def git(where: Path, *arguments: str, given: str = "") -> subprocess.CompletedProcess[str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("GIT_", "LOCAL_", "PYTHON"))}
    environment = {**kept, "GIT_TERMINAL_PROMPT": "0", "GIT_CONFIG_NOSYSTEM": "1", "HOME": str(where)}
    return subprocess.run(
        ["git", *arguments], cwd=where, env=environment, input=given, text=True, capture_output=True, check=False
    )


def clone(tmp_path: Path, home: Path) -> Path:
    """Make what the command's clone would have: its settings."""
    words = shlex.split(cloning.command(home, URL))
    assert words[:2] == ["git", "clone"]
    assert words[-1] == f"{URL}.git"
    place = tmp_path / "clone"
    place.mkdir()
    git(place, "init", "--quiet")
    for option, setting in zip(words[2:-1:2], words[3:-1:2], strict=True):
        assert option == "-c"
        key, _, value = setting.partition("=")
        git(place, "config", "--local", "--add", key, value)
    return place


def test_a_clone_keeps_a_helper_for_the_stand_in_alone(tmp_path: Path) -> None:
    place = clone(tmp_path, tmp_path / "a run's home")
    found = git(place, "config", "--get-all", SETTING).stdout.splitlines()
    assert found[0] == "", "helpers of the user's are not asked"
    assert "local credential" in found[1]
    assert git(place, "config", "--get-all", "credential.helper").stdout == ""


def test_the_helper_works_from_any_folder_and_runs_nothing_of_the_clone(tmp_path: Path) -> None:
    place = clone(tmp_path, tmp_path / "a run's home")
    (place / "local").mkdir()
    (place / "local" / "__init__.py").write_text("")
    (place / "local" / "__main__.py").write_text("print('username=x'); print('password=of the clone')")
    asked = git(place, "credential", "fill", given="protocol=http\nhost=127.0.0.1:4711\n\n")
    assert "The local run is down; start it with: python -m local up" in asked.stderr
    assert "of the clone" not in asked.stdout
    other = git(place, "credential", "fill", given="protocol=http\nhost=example.com\n\n")
    assert "The local run" not in other.stderr


@pytest.mark.parametrize(
    ("server", "asked", "answered"),
    [
        ("http://127.0.0.1:4711", "http://127.0.0.1:4711", True),
        ("http://127.0.0.1:4711", "http://127.0.0.1:4712", False),
        ("http://127.0.0.1:4711", "http://127.0.0.1", False),
        ("http://127.0.0.1:4711", "https://127.0.0.1:4711", False),
        ("https://github.com", "https://github.com", True),
        ("https://github.com", "http://github.com", False),
        ("https://github.com", "https://github.com.example.com", False),
        ("https://github.com", "https://github.com@example.com", False),
    ],
)
def test_the_token_goes_to_the_runs_own_server_alone(
    server: str,
    asked: str,
    answered: bool,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Also where somebody made it the helper of every address, and the token is one of github.com."""
    protocol, _, host = asked.partition("://")
    github = SimpleNamespace(server_url=server)
    running = SimpleNamespace(github=github, state=SimpleNamespace(github=github), token=lambda: "ghp_x")
    monkeypatch.setattr(run, "current", lambda _: cast("run.Run", running))
    monkeypatch.setattr("sys.stdin", io.StringIO(f"protocol={protocol}\nhost={host}\npath=a/b\n"))
    _VERBS["credential"](parser().parse_args(["credential", "get"]), Home(Path("nowhere")), cast("Terminal", None))
    assert ("ghp_x" in capsys.readouterr().out) is answered
