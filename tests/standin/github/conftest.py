"""A running stand-in, and a client for it."""

from __future__ import annotations

import base64
import os
import signal
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import requests

from standins.github.server import GitHubStandIn


@dataclass
class Client:
    """Calls the REST API and the controls of a stand-in."""

    github: GitHubStandIn
    token: str = ""
    session: requests.Session = field(default_factory=requests.Session)

    def call(
        self, method: str, path: str, body: Any = None, *, token: str | None = None, **headers: str
    ) -> requests.Response:
        """Make a REST request; redirects are not followed."""
        value = self.token if token is None else token
        if value:
            headers["Authorization"] = f"Bearer {value}"
        names = {name.replace("_", "-"): text for name, text in headers.items()}
        url = path if path.startswith("http") else self.github.api_url + path
        return self.session.request(method, url, json=body, headers=names, allow_redirects=False, timeout=30)

    def get(self, path: str, *, status: int = 200) -> Any:
        """GET, check the status, return the JSON."""
        return self.expect(status, "GET", path)

    def expect(self, status: int, method: str, path: str, body: Any = None, *, token: str | None = None) -> Any:
        """Make a REST request, check its status, return the JSON (None for no body)."""
        response = self.call(method, path, body, token=token)
        assert response.status_code == status, (method, path, response.status_code, response.text[:500])
        return response.json() if response.content else None

    def control(self, method: str, path: str, body: Any = None) -> Any:
        """Use one of the stand-in's own controls."""
        response = self.session.request(method, f"{self.github.base_url}/_standin{path}", json=body, timeout=30)
        assert response.ok, (method, path, response.status_code, response.text)
        return response.json() if response.content else None

    def repository(self, name: str, **settings: Any) -> str:
        """Make a private repository in the organization and return its full name."""
        body = {"name": name, "private": True, **settings}
        made = self.expect(201, "POST", f"/orgs/{self.github.organization}/repos", body)
        return str(made["full_name"])

    def write(self, full_name: str, path: str, text: str, **fields: Any) -> Any:
        """Create or change a file, as a person would on the page."""
        old = self.call("GET", f"/repos/{full_name}/contents/{path}?ref={fields.get('branch', '')}")
        body = {"message": f"Write {path}", "content": base64.b64encode(text.encode()).decode(), **fields}
        if old.status_code == 200:
            body["sha"] = old.json()["sha"]
        return self.expect(200 if old.ok else 201, "PUT", f"/repos/{full_name}/contents/{path}", body)


@dataclass
class Clone:
    """A clone on disk, driven by git itself."""

    path: Path
    url: str
    token: str

    def git(
        self, *arguments: str, check: bool = True, stdin: bytes = b"", seconds: float = 120
    ) -> subprocess.CompletedProcess[str]:
        """Run git, for so many seconds at most; the token goes in the environment."""
        basic = base64.b64encode(f"x:{self.token}".encode()).decode()
        settings = [
            ("user.name", "Dana"),
            ("user.email", "dana@example.com"),
            ("protocol.file.allow", "never"),
            ("http.extraHeader", f"Authorization: Basic {basic}" if self.token else ""),
        ]
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.path),
            "LC_ALL": "C",
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_CONFIG_COUNT": str(len(settings)),
        }
        for number, (key, value) in enumerate(settings):
            environment |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
        command = ["git", "-C", str(self.path), *arguments]
        with subprocess.Popen(
            command,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,  # its children hold the pipes open: they end with it
        ) as process:
            try:
                out, err = process.communicate(stdin, timeout=seconds)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                raise
        done = subprocess.CompletedProcess(command, process.returncode, out, err)
        text = done.stdout.decode("utf-8", "replace"), done.stderr.decode("utf-8", "replace")
        assert not check or done.returncode == 0, text
        return subprocess.CompletedProcess(done.args, done.returncode, *text)

    def commit(self, files: Mapping[str, str | None], message: str = "work") -> str:
        """Write files (None deletes) and commit; return the commit."""
        for name, text in files.items():
            place = self.path / name
            if text is None:
                place.unlink()
            else:
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_text(text, encoding="utf-8")
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "-m", message)
        return self.head()

    def head(self, revision: str = "HEAD") -> str:
        """Return a commit's name."""
        return self.git("rev-parse", revision).stdout.strip()

    def push(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Push to origin."""
        return self.git("push", "--porcelain", "origin", *arguments, check=check)


class Cloning:
    """Makes clones below a folder."""

    def __init__(self, github: GitHubStandIn, folder: Path) -> None:
        self._github, self._folder, self._number = github, folder, 0

    def __call__(self, full_name: str, *options: str, token: str | None = None) -> Clone:
        """Clone a repository (an empty one too) with git."""
        self._number += 1
        path = self._folder / f"clone-{self._number}"
        path.mkdir()
        url = f"{self._github.server_url}/{full_name}.git"
        clone = Clone(path, url, self._github.token if token is None else token)
        clone.git("clone", "--quiet", *options, url, ".")
        if clone.git("rev-parse", "--verify", "HEAD", check=False).returncode:
            clone.git("symbolic-ref", "HEAD", "refs/heads/main")
        return clone

    def empty(self, full_name: str, token: str | None = None) -> Clone:
        """Make a repository on disk whose remote it is, without asking the server."""
        self._number += 1
        path = self._folder / f"clone-{self._number}"
        path.mkdir()
        url = f"{self._github.server_url}/{full_name}.git"
        clone = Clone(path, url, self._github.token if token is None else token)
        clone.git("init", "--quiet", "--initial-branch=main")
        clone.git("remote", "add", "origin", url)
        return clone


@pytest.fixture
def github(tmp_path: Path) -> Iterator[GitHubStandIn]:
    """A stand-in that serves for one test."""
    with GitHubStandIn.running(tmp_path / "github") as running:
        yield running


@pytest.fixture
def client(github: GitHubStandIn) -> Iterator[Client]:
    """A client with the administrator's token."""
    one = Client(github, github.token)
    with one.session:
        yield one


@pytest.fixture
def cloning(github: GitHubStandIn, tmp_path: Path) -> Cloning:
    """Clones repositories of the stand-in."""
    folder = tmp_path / "clones"
    folder.mkdir()
    return Cloning(github, folder)
