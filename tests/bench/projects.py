"""What is measured: projects of two repositories on a GitHub stand-in, young ones and ones with a long history."""

from __future__ import annotations

import itertools
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from custom_resources.template_content import TemplateFile, archive_name, build_archive
from tests.faults.matrix import ORGANIZATION, TOKENS, StandIn
from tests.faults.stack import PARTS, Resource, Stack, World, launch_template

SECRETS = 15  # of each repository, as many as the product sets
REPOSITORIES = ("build", "deploy")
_OWN = "src/train.py"
_CLEAN_LINE, _CONFLICTING_LINE = 150, 5


def content(change: str, line: int = _CONFLICTING_LINE) -> dict[str, bytes]:
    """Return one part's files: thirty modules, and one that versions change."""
    lines = [f"line {number}\n" for number in range(200)]
    lines[line] = f"{change}\n"
    modules = {f"lib/module_{number}.py": b"".join(b"step %d\n" % n for n in range(40)) for number in range(30)}
    return {**modules, _OWN: "".join(lines).encode(), ".github/workflows/build.yml": b"on: push\njobs: {}\n"}


def _archive(change: str) -> bytes:
    return build_archive(
        TemplateFile(f"regression/{part}/{path}", data) for part in PARTS for path, data in content(change).items()
    )


_V1, _V2 = _archive("one"), _archive("two")
_ARCHIVES = {archive_name(data): data for data in (_V1, _V2)}


def first_version(project: str, source: str = "") -> list[Resource]:
    """Return a launch's resources. `source` is a property that changes no content."""
    return _template(project, _V1, "v1.0.0", source)


def second_version(project: str) -> list[Resource]:
    """Return the resources of an update to the next template version."""
    return _template(project, _V2, "v2.0.0", "")


def _template(project: str, archive: bytes, version: str, source: str) -> list[Resource]:
    secrets = {f"NAME_{number}": f"value {number}" for number in range(SECRETS)}
    more: dict[str, dict[str, Any]] = {"configuration": {"Secrets": secrets}, "template": {"TemplateSource": source}}

    def with_more(resource: Resource) -> Resource:
        added = more.get(resource.logical_id.rpartition("-")[2], {})
        return replace(resource, properties=lambda made: {**resource.properties(made), **added})

    return [with_more(each) for each in launch_template(ORGANIZATION, project, archive_name(archive), version)]


@dataclass
class Projects:
    """Makes projects. What is prepared takes no added latency; what runs in `at_latency` does."""

    standin: StandIn
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def stack(self) -> tuple[str, Stack]:
        """Return a new project's name and its stack, still to be created."""
        project = f"bench{next(self._numbers)}"
        world = World(self.standin.api_url, self.standin.server_url, [TOKENS[0]], _ARCHIVES)
        return project, Stack(world, first_version(project))

    def launched(self, commits: int) -> tuple[str, Stack]:
        """Return a project that was launched, with that many commits of its users. Raises AssertionError."""
        project, stack = self.stack()
        status = stack.create()
        assert status == "CREATE_COMPLETE", stack.reason
        if commits:
            self._write(project, _history(commits))
        return project, stack

    def edit(self, project: str, *, conflicting: bool) -> None:
        """Commit to both repositories as a user who changes the template's line, or another one of the same file."""
        lines = content("one")[_OWN].decode().splitlines(keepends=True)
        lines[_CONFLICTING_LINE if conflicting else _CLEAN_LINE] = "mine\n"
        text = "".join(lines)
        script = f"commit refs/heads/main\ncommitter A <a@b> {int(time.time())} +0000\ndata 4\nwork\n"
        script += f"from refs/heads/main^0\nM 100644 inline {_OWN}\ndata {len(text)}\n{text}\n"
        self._write(project, script.encode())

    def head(self, project: str) -> dict[str, str]:
        """Return the last commit of each repository's branch."""
        return {name: self._git(name, "rev-parse", "refs/heads/main") for name in _names(project)}

    def reset(self, heads: dict[str, str]) -> None:
        """Set branches back."""
        for name, commit in heads.items():
            self._git(name, "update-ref", "refs/heads/main", commit)

    @contextmanager
    def at_latency(self, milliseconds: int) -> Iterator[None]:
        """Hold every REST and Git answer back by that time."""
        self.standin.control("PUT", "/latency", {"milliseconds": milliseconds})
        try:
            yield
        finally:
            self.standin.control("PUT", "/latency", {"milliseconds": 0})

    def _write(self, project: str, script: bytes) -> None:
        for name in _names(project):
            self._git(name, "fast-import", "--quiet", "--force", stdin=script)

    def _git(self, name: str, *arguments: str, stdin: bytes = b"") -> str:
        directory = self.standin.control("GET", f"/repositories/{ORGANIZATION}/{name}")["git_directory"]
        command = ["git", "--git-dir", directory, *arguments]
        done = subprocess.run(command, input=stdin, check=True, capture_output=True, timeout=300)
        return done.stdout.decode().strip()


def _names(project: str) -> list[str]:
    return [f"{project}-{name}" for name in REPOSITORIES]


def _history(commits: int) -> bytes:
    """Return fast-import's input: small commits, one after the other, to fifty files."""
    script = [b"reset refs/heads/main\nfrom refs/heads/main^0\n"]
    for number in range(commits):
        note = b"%d\n" % number
        script.append(b"commit refs/heads/main\ncommitter A <a@b> %d +0000\ndata 4\nwork\n" % (1_700_000_000 + number))
        script.append(b"M 100644 inline notes/%d.txt\ndata %d\n%s\n" % (number % 50, len(note), note))
    return b"".join(script)
