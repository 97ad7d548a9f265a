"""A fresh clone of the checkout, and a shell in it in which a reader of the documentation types."""

from __future__ import annotations

import os
import pty
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.e2e.documents import ROOT, Command

_PERSON = {"GIT_AUTHOR_NAME": "A", "GIT_AUTHOR_EMAIL": "a@example.com"}
_PERSON |= {"GIT_COMMITTER_NAME": "A", "GIT_COMMITTER_EMAIL": "a@example.com"}


def fresh_clone(place: Path) -> Path:
    """Clone the checkout with what is not committed yet, and give it the environment that runs the tests.

    The environment is linked part by part: `make` sees that it is newer than the requirements, and installs nothing.
    """
    subprocess.run(["git", "clone", "--quiet", "--no-hardlinks", str(ROOT), str(place)], check=True)
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    here = subprocess.run(listed, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0")
    there = subprocess.run(listed, cwd=place, capture_output=True, text=True, check=True).stdout.split("\0")
    for path in {*here, *there} - {""}:
        if (ROOT / path).is_file():
            (place / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / path, place / path)
        else:
            (place / path).unlink(missing_ok=True)
    if git(place, "status", "--porcelain"):
        git(place, "add", "--all")
        git(place, "commit", "--quiet", "--message", "What is not committed yet")
    environment = place / ".venv"
    environment.mkdir()
    for part in Path(sys.prefix).iterdir():
        if part.name != ".installed":
            (environment / part.name).symlink_to(part)
    (environment / ".installed").touch()
    subprocess.run(["make", "--question", "install"], cwd=place, check=True)
    return place


def git(place: Path, *arguments: str) -> str:
    """Run git there as somebody; return what it prints."""
    done = subprocess.run(
        ["git", *arguments], cwd=place, env=os.environ | _PERSON, capture_output=True, text=True, check=True
    )
    return done.stdout


@dataclass(frozen=True)
class Told:
    """How a command ended and what it wrote."""

    command: Command
    code: int
    output: str
    errors: str

    def __str__(self) -> str:
        """Say everything, for a test that fails."""
        return f"{self.command}\nexit code {self.code}\n{self.output[-6000:]}\n{self.errors[-6000:]}"


class Shell:
    """One bash in the clone: what a command exports holds for those after it. Its input is a terminal's."""

    def __init__(self, place: Path) -> None:
        """Start it, with nothing of this process's account, virtual environment or colours."""
        self._place = place
        self._files = place.parent / "typed"
        self._files.mkdir(exist_ok=True)
        self._master, self._terminal = pty.openpty()
        other = (
            "AWS_",
            "GITHUB_",
            "GIT_",
            "LOCAL_",
            "PYTHON",
            "VIRTUAL_ENV",
            "COV_",
            "COVERAGE_",
            "NO_COLOR",
            "MLOPS_",
        )
        kept = {name: value for name, value in os.environ.items() if not name.startswith(other)}
        self._bash = subprocess.Popen(
            ["bash", "--noprofile", "--norc"],
            cwd=place,
            env=kept | _PERSON,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            pass_fds=(self._terminal,),
            start_new_session=True,
        )

    def run(self, command: Command, typed: str = "") -> Told:
        """Run a command; `typed` is what the person answers to its questions."""
        script, output, errors = (self._files / name for name in ("command", "output", "errors"))
        script.write_text(command.text + "\n", encoding="utf-8")
        os.write(self._master, typed.encode())
        assert self._bash.stdin and self._bash.stdout
        print(f". '{script}' <&{self._terminal} >'{output}' 2>'{errors}'; echo $?", file=self._bash.stdin, flush=True)
        code = int(self._bash.stdout.readline())
        return Told(command, code, output.read_text(encoding="utf-8"), errors.read_text(encoding="utf-8"))

    def close(self) -> None:
        """End it with all that it started and that still belongs to it."""
        os.killpg(self._bash.pid, signal.SIGKILL)
        self._bash.communicate()
        os.close(self._master)
        os.close(self._terminal)
