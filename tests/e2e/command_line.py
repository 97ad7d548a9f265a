"""The local run as its users see it: `python -m local VERB --json` as a process of its own."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import requests

from local.home import Home
from tests.e2e.forks import SECONDS, SOURCE, Forks
from tests.sharing import forget_spent_budget

Tree = dict[str, tuple[str, bytes]]  # path -> (mode, content)
_STARTED: set[str] = set()  # verbs
_forks = cache(Forks)


@dataclass(frozen=True)
class Outcome:
    """How a command ended: its exit code, its JSON document, and what it wrote to stderr."""

    code: int
    document: dict[str, Any]
    errors: str

    @property
    def error(self) -> str:
        """The sentence of a command that failed."""
        return str(self.document.get("error", ""))


@dataclass(frozen=True)
class CommandLine:
    """The command line with its own LOCAL_HOME."""

    home: Path

    def environment(self, more: Mapping[str, str] | None = None) -> dict[str, str]:
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("AWS_", "GITHUB_", "GIT_"))}
        return {**kept, "LOCAL_HOME": str(self.home), "PYTHONPATH": str(SOURCE), "NO_COLOR": "1", **(more or {})}

    def start(self, *arguments: str, **options: Any) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "local", *arguments]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        return subprocess.Popen(command, cwd=SOURCE, env=self.environment(), **{**pipes, **options})

    def run(self, verb: str, *arguments: str, environment: Mapping[str, str] | None = None) -> Outcome:
        """Run a verb with --json. Fails unless stdout is exactly one JSON document and stderr has no traceback."""
        if verb in ("launch", "update", "terminate"):
            forget_spent_budget(Home(self.home))
        done = self.ended([verb, "--json", *arguments], self.environment(environment))
        assert "Traceback" not in done.stderr, done.stderr
        assert "error: unexpected" not in done.stderr, done.stderr
        return Outcome(done.returncode, json.loads(done.stdout), done.stderr)

    def ended(self, arguments: Sequence[str], environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
        """Run a command: the first of each verb as users start it, later ones in a fork of what has imported it all."""
        if arguments[0] in _STARTED:
            return _forks().run(arguments, environment)
        _STARTED.add(arguments[0])
        return self.started(arguments, environment)

    @staticmethod
    def started(arguments: Sequence[str], environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
        """Run a command as users start it."""
        return subprocess.run(
            [sys.executable, "-m", "local", *arguments],
            cwd=SOURCE,
            env=environment,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )

    def done(self, *arguments: str, environment: Mapping[str, str] | None = None) -> dict[str, Any]:
        """Run a verb that must succeed; return its document."""
        outcome = self.run(*arguments, environment=environment)
        assert outcome.code == 0, outcome.document
        return outcome.document

    def refused(self, *arguments: str, environment: Mapping[str, str] | None = None) -> str:
        """Run a verb that must fail as can be expected; return its one sentence."""
        outcome = self.run(*arguments, environment=environment)
        assert outcome.code == 1, outcome.document
        assert set(outcome.document) == {"error"}
        assert f"error: {outcome.error}" in outcome.errors.splitlines()
        assert "\n" not in outcome.error
        return outcome.error


class Observer:
    """What somebody sees who looks at the running stand-ins from outside."""

    def __init__(self, cli: CommandLine) -> None:
        status = cli.done("status")
        self.github_url = status["processes"]["github"]["url"]
        self.ministack_url = status["processes"]["ministack"]["url"]
        self.aws_url = status["processes"]["aws"]["url"]
        self.organization = status["github"]["organization"]

    def control(self, method: str, path: str, body: Any = None) -> Any:
        answer = requests.request(method, f"{self.github_url}/_standin/{path}", json=body, timeout=60)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def repository(self, name: str) -> dict[str, Any]:
        return dict(self.control("GET", f"repositories/{self.organization}/{name}"))

    def make_token(self, *scopes: str) -> str:
        return str(self.control("POST", "tokens", {"scopes": list(scopes)})["token"])

    def api(self, method: str, path: str, body: Any = None) -> requests.Response:
        """Call GitHub's API as an owner of the organization would."""
        headers = {"Authorization": f"Bearer {self.make_token('repo', 'workflow', 'admin:org')}"}
        return requests.request(method, f"{self.github_url}/api/v3/{path}", json=body, headers=headers, timeout=60)

    def repositories(self, *, archived: bool = True) -> set[str]:
        """Return the names of the organization's repositories, all or those that are not archived."""
        found: set[str] = set()
        page = 1
        while batch := self.api("GET", f"orgs/{self.organization}/repos?per_page=100&page={page}").json():
            found |= {repository["name"] for repository in batch if archived or not repository["archived"]}
            page += 1
        return found

    def client(self, service: str, *, at_stand_in: bool = False) -> Any:
        import boto3

        return boto3.client(
            service,  # type: ignore[call-overload]  # not a literal
            endpoint_url=self.aws_url if at_stand_in else self.ministack_url,
            region_name="us-east-1",
            aws_access_key_id="123456789012",
            aws_secret_access_key="any",
        )

    def git(self, where: Path, *arguments: str) -> str:
        """Run git with a token that may write; return its output."""
        basic = base64.b64encode(f"x:{self.make_token('repo', 'workflow')}".encode()).decode()
        settings = {
            f"http.{self.github_url}/.extraHeader": f"Authorization: Basic {basic}",
            "user.name": "Somebody",
            "user.email": "somebody@example.com",
            "core.autocrlf": "false",
        }
        environment = {
            **{key: value for key, value in os.environ.items() if not key.startswith("GIT_")},
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_CONFIG_COUNT": str(len(settings)),
        }
        for number, (key, value) in enumerate(settings.items()):
            environment |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
        done = subprocess.run(
            ["git", *arguments], cwd=where, env=environment, capture_output=True, text=True, check=False, timeout=60
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def clone(self, name: str, place: Path) -> Path:
        self.git(place.parent, "clone", "--quiet", f"{self.github_url}/{self.organization}/{name}.git", str(place))
        return place

    def mirror(self, name: str, place: Path) -> Path:
        """Clone all refs, those outside refs/heads too."""
        url = f"{self.github_url}/{self.organization}/{name}.git"
        self.git(place.parent, "clone", "--quiet", "--mirror", url, str(place))
        return place


def tree(repository: Path, revision: str) -> Tree:
    """Read a commit's files with their modes, as they are in Git's objects."""
    listing = subprocess.run(
        ["git", "ls-tree", "-r", "-z", "--full-tree", revision], cwd=repository, capture_output=True, check=True
    ).stdout.decode()
    found: Tree = {}
    for line in filter(None, listing.split("\0")):
        meta, path = line.split("\t", 1)
        mode, _, blob = meta.split(" ")
        content = subprocess.run(["git", "cat-file", "blob", blob], cwd=repository, capture_output=True, check=True)
        found[path] = (mode, content.stdout)
    return found


def folder(path: Path) -> Tree:
    """Read a folder on disk the same way."""
    return {
        file.relative_to(path).as_posix(): ("100755" if file.stat().st_mode & 0o100 else "100644", file.read_bytes())
        for file in path.rglob("*")
        if file.is_file()
    }


def write(place: Path, files: Mapping[str, str], executable: Sequence[str] = ()) -> Path:
    """Write a small tree."""
    for path, content in files.items():
        file = place / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content)
        if path in executable:
            file.chmod(0o755)
    return place


def git_repository(place: Path) -> Path:
    """Make a Git repository of a folder, with one commit on main."""
    for command in (
        ["init", "--quiet", "--initial-branch=main"],
        ["add", "--all"],
        ["-c", "user.name=A", "-c", "user.email=a@example.com", "commit", "--quiet", "-m", "Content"],
    ):
        subprocess.run(["git", *command], cwd=place, check=True, capture_output=True)
    return place
