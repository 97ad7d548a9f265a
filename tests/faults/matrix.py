"""Every request of an operation, with every fault: what became of it, compared with a run without faults."""

from __future__ import annotations

import base64
import io
import itertools
import json
import logging
import re
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext, redirect_stdout
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from custom_resources.clients import github_connection, repeating, timely
from custom_resources.clients.git import conversation
from custom_resources.clients.repeating import TRIES
from custom_resources.delivery.lineage import STACK_REF, STACKS
from custom_resources.template_content import TemplateFile, archive_name, build_archive
from tests.faults.stack import PARTS, Stack, World, launch_template

ORGANIZATION = "acme"
TOKENS = ["ghp_first_token_of_the_admin", "ghp_second_token_of_the_admin"]
FAULTS: dict[str, dict[str, Any]] = {
    # As often as a request is repeated within a call: so that the next call has to go on.
    "reset before": {"fault": "reset-before", "times": TRIES},
    "reset after": {"fault": "reset-after", "times": TRIES},
    "500": {"fault": "500", "times": TRIES},
    "500 after": {"fault": "500", "acts": True, "times": TRIES},
    "502": {"fault": "502", "times": TRIES},
    "503": {"fault": "503"},
    "timeout": {"fault": "timeout", "seconds": 4},
    "timeout after": {"fault": "timeout", "seconds": 4, "acts": True},
    "slow": {"fault": "slow", "seconds": 0.5},
    "truncated": {"fault": "truncated", "times": TRIES},
    "secondary limit": {"fault": "secondary-limit", "seconds": 60},
    "429": {"fault": "429", "seconds": 60},
    "limit in words": {"fault": "limit-abuse"},
    "limit as a page": {"fault": "limit-page-429"},
    "limit as 422": {"fault": "limit-422-quickly"},
    "limit as 422 with a code": {"fault": "limit-422-code"},
    "limit until a reset": {"fault": "limit-reset", "seconds": 60},
    "limit until a date": {"fault": "limit-date", "seconds": 60},
    "endless": {"fault": "endless", "seconds": 4},
    "drip": {"fault": "drip", "seconds": 0.2},
    "cut, and whole by its head": {"fault": "no-flush"},
    "SAML": {"fault": "saml"},
    "IP allow list": {"fault": "ip-allow-list"},
    "suspended": {"fault": "suspended"},
    "blocked": {"fault": "blocked"},
    "blocked by law": {"fault": "blocked-by-law"},
    "locked": {"fault": "locked"},
    "401, token rotated": {"fault": "401"},
    "killed before": {"fault": "timeout", "seconds": 20},
    "killed after": {"fault": "timeout", "seconds": 20, "acts": True},
}
# What an operation says that such a refusal ends; one that can do without what was refused ends well.
SAYS = {
    "SAML": "requires single sign-on for the token",
    "IP allow list": "does not include the function's address",
    "suspended": "is suspended",
    "blocked": "GitHub has blocked the repository",
    "blocked by law": "GitHub has blocked the repository",
    "locked": "The repository is locked",
}
_SHA, _NUMBER = "[0-9a-f]{40}", "[0-9]+"
_COMPLETE = ("CREATE_COMPLETE", "UPDATE_COMPLETE", "DELETE_COMPLETE")
LINES = "".join(f"line {number}\n" for number in range(20))


def _archive(change: str) -> bytes:
    files = [
        TemplateFile(f"regression/{part}/{path}", content.encode(), path.endswith(".sh"))
        for part in PARTS
        for path, content in {
            "train.py": LINES.replace("line 3\n", f"line 3 {change}\n"),
            "run.sh": "#!/bin/sh\nexit 0\n",
            ".github/workflows/build.yml": f"on: push # {change}\njobs: {{}}\n",
        }.items()
    ]
    return build_archive(files)


V1, V2, V3 = _archive("one"), _archive("two"), _archive("three")
ARCHIVES = {archive_name(data): data for data in (V1, V2, V3)}


@dataclass(frozen=True, order=True)
class Asked:
    """One request of an operation, whatever others are made at the same time: the `nth` of its kind, from 1.

    `path` has {project}, {sha} and {id} for what differs from run to run.
    """

    method: str
    path: str
    nth: int = 1

    @property
    def label(self) -> str:
        """What people read."""
        path = re.sub(r"/repos/acme/{project}-(\w+)", r"\1:", self.path.replace("/api/v3", ""))
        again = f" ({self.nth})" if self.nth > 1 else ""
        return f"{self.method} {re.sub('{[a-z]+}', '…', path)}{again}"

    def match(self, project: str) -> dict[str, Any]:
        """Return what the stand-in's fault injector knows it by, in a project."""
        path = re.escape(self.path)
        for name, pattern in (("project", re.escape(project)), ("sha", _SHA), ("id", _NUMBER)):
            path = path.replace(re.escape(f"{{{name}}}"), pattern)
        return {"method": self.method, "path": f"^{path}$", "nth": self.nth}


@dataclass(frozen=True)
class Cell:
    """One fault at one request of one operation."""

    operation: str
    request: Asked
    fault: str


@dataclass(frozen=True)
class Outcome:
    """How a cell ended: `wrong` is "" when the end is that of a run without faults."""

    cell: Cell
    statuses: tuple[str, ...]
    wrong: str


class StandIn:
    """A GitHub stand-in in a process of its own, so that the functions' process may fork and be killed."""

    def __init__(self, root: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "standins.github", "--port", "0", "--root", str(root)],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout
        found = re.search(r"at (\S+) \(API (\S+)\)", self._process.stdout.readline())
        assert found, "the GitHub stand-in did not start"
        self.server_url, self.api_url = found.groups()
        for token in TOKENS:
            self.control("POST", "/tokens", {"token": token, "scopes": ["repo", "workflow"]})

    def stop(self) -> None:
        """End the process."""
        self._process.terminate()
        self._process.wait(10)

    def control(self, method: str, path: str, body: Any = None) -> Any:
        """Call one of the stand-in's controls."""
        return self._call(method, f"{self.server_url}/_standin{path}", body)

    def edit(self, repository: str, path: str, content: str, branch: str = "main") -> None:
        """Commit a file as a user does on GitHub's page."""
        place = f"{self.api_url}/repos/{ORGANIZATION}/{repository}/contents/{path}"
        sha = self._call("GET", f"{place}?ref={branch}")["sha"]
        text = base64.b64encode(content.encode()).decode()
        self._call("PUT", place, {"message": f"Edit {path}", "content": text, "sha": sha, "branch": branch})

    def _call(self, method: str, url: str, body: Any = None) -> Any:
        headers = {"authorization": f"token {TOKENS[0]}", "content-type": "application/json"}
        data = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(url, data, headers, method=method)
        with urllib.request.urlopen(request, timeout=30) as answer:
            text = answer.read()
        return json.loads(text) if text else None


@dataclass
class Laboratory:
    """Where cells are run: one stand-in; every run has a project of its own."""

    standin: StandIn
    numbers: Iterator[int]

    @staticmethod
    @contextmanager
    def running() -> Iterator[Laboratory]:
        """Yield a laboratory."""
        with tempfile.TemporaryDirectory(prefix="faults-", ignore_cleanup_errors=True) as root:
            standin = StandIn(Path(root))
            try:
                yield Laboratory(standin, itertools.count(1))
            finally:
                standin.stop()

    def project(self) -> str:
        """Return the name of a new project."""
        return f"project{next(self.numbers)}"

    def stack(self, project: str, parts: Sequence[str] = PARTS) -> Stack:
        """Return a stack that is still to be created."""
        world = World(self.standin.api_url, self.standin.server_url, list(TOKENS), ARCHIVES)
        return Stack(world, launch_template(ORGANIZATION, project, archive_name(V1), "v1.0.0", parts=parts))

    def requests(self, project: str, act: Callable[[], str]) -> list[Asked]:
        """Return the requests that an operation makes without faults, sorted: some are made at the same time."""
        self.standin.control("DELETE", "/requests")
        status = act()
        assert status.endswith("_COMPLETE"), status
        made = self.standin.control("GET", "/requests")["requests"]
        # One that a killed function has left hanging is noted when it ends: it is of another project.
        others = [entry for entry in made if "/project" in entry["path"] and f"/{project}-" not in entry["path"]]
        kinds = Counter(_kind(entry, project) for entry in made if entry not in others)
        return sorted(Asked(*kind, nth) for kind, count in kinds.items() for nth in range(1, count + 1))

    def state(self, project: str) -> dict[str, Any]:
        """Return all that a project has on GitHub, without what differs from run to run (ids, times, hashes)."""
        listed = self.standin.control("GET", "/repositories")["repositories"]
        names = [r["full_name"].partition("/")[2] for r in listed if f"/{project}-" in r["full_name"]]
        return {name.removeprefix(project): self._repository(name, project) for name in sorted(names)}

    def _repository(self, name: str, project: str) -> dict[str, Any]:
        found = self.standin.control("GET", f"/repositories/{ORGANIZATION}/{name}")
        kept = ("archived", "visibility", "default_branch", "topics", "secrets", "variables")
        directory = found["git_directory"]
        return {
            **{key: found[key] for key in kept},
            "description": re.sub("[0-9a-f]{40}", "…", found["description"]).replace(project, "project"),
            "pull requests": [_pull_request(each) for each in found["pull_requests"]],
            "refs": sorted(
                f"{re.sub('(?:[0-9]+-)?[0-9a-f]{40}', '…', ref)} {_git(directory, 'rev-parse', f'{ref}^{{tree}}')}"
                for ref in found["refs"]
                if ref != STACK_REF and not ref.startswith(STACKS)  # of a project that was launched again
            ),
            "history": _git(directory, "log", "--topo-order", "--format=%s", "main"),
            "lineage": _git(directory, "log", "--format=%s", "refs/studio/template"),
        }


def _git(directory: str, *arguments: str) -> str:
    return subprocess.run(
        ["git", "--git-dir", directory, *arguments], check=False, capture_output=True, text=True
    ).stdout.strip()  # an empty repository has no history


def _pull_request(data: dict[str, Any]) -> dict[str, Any]:
    return {
        key: value for key, value in data.items() if key in ("number", "title", "state", "merged", "base", "branch")
    }


def _kind(entry: dict[str, Any], project: str) -> tuple[str, str]:
    path = re.sub(_SHA, "{sha}", entry["path"].replace(project, "{project}"))
    return entry["method"], re.sub(f"(?<=/repositories/){_NUMBER}", "{id}", path)


# -- operations -------------------------------------------------------------------------------------------------


# A launch is tried with both repositories, what comes later with one: they are alike.
ONE = PARTS[1:]


def launched(laboratory: Laboratory, project: str, parts: Sequence[str] = PARTS) -> Stack:
    """Return a stack that is there."""
    stack = laboratory.stack(project, parts)
    status = stack.create()
    assert status == "CREATE_COMPLETE", f"{status}: {stack.reason}"
    return stack


def edited(laboratory: Laboratory, project: str, line: int, parts: Sequence[str] = PARTS) -> Stack:
    """Return a stack that is there, with a line changed by a user in each repository."""
    stack = launched(laboratory, project, parts)
    edit(laboratory, project, line, parts)
    return stack


def edit(laboratory: Laboratory, project: str, line: int, parts: Sequence[str]) -> None:
    """Change a line as a user in each repository."""
    for part in parts:
        changed = LINES.replace("line 3\n", "line 3 one\n").replace(f"line {line}", f"mine {line}", 1)
        laboratory.standin.edit(f"{project}-{part.removeprefix('model_')}", "train.py", changed)


PREPARE: dict[str, Callable[[Laboratory, str], Stack]] = {
    "launch": Laboratory.stack,
    "update": lambda laboratory, project: edited(laboratory, project, 15, ONE),
    "conflict": lambda laboratory, project: edited(laboratory, project, 3, ONE),
    "delete": lambda laboratory, project: launched(laboratory, project, ONE),
}


def operate(operation: str, stack: Stack, project: str) -> str:
    """Do the operation once; return the stack's status."""
    if operation == "launch":
        return stack.create()
    if operation == "delete":
        return stack.delete()
    parts = tuple(part for part in PARTS if f"{part}-repository" in stack.live)
    return stack.update(launch_template(ORGANIZATION, project, archive_name(V2), "v2.0.0", value="2", parts=parts))


# -- cells --------------------------------------------------------------------------------------------------------


def cells(laboratory: Laboratory, operations: Sequence[str], faults: Sequence[str]) -> list[Cell]:
    """Return every request of every operation with every fault."""
    found = []
    for operation in operations:
        project = laboratory.project()
        stack = PREPARE[operation](laboratory, project)
        made = laboratory.requests(project, partial(operate, operation, stack, project))
        found += [Cell(operation, request, fault) for request in made for fault in faults]
    return found


def expected(laboratory: Laboratory, operation: str) -> dict[str, Any]:
    """Return the state after the operation without faults."""
    project = laboratory.project()
    stack = PREPARE[operation](laboratory, project)
    status = operate(operation, stack, project)
    assert status.endswith("_COMPLETE"), f"{status}: {stack.reason}"
    return laboratory.state(project)


@contextmanager
def impatient(seconds: int = 2) -> Iterator[None]:
    """Let clients give up after two seconds. Only where a fault asks for it: a busy machine is as slow as that, too."""
    limits = (
        (github_connection, "TIMEOUT_SECONDS"),
        (timely, "ANSWER_SECONDS"),
        (conversation, "SILENCE_SECONDS"),
        (conversation, "TRANSFER_SECONDS"),
    )
    before = [getattr(module, name) for module, name in limits]
    for module, name in limits:
        setattr(module, name, seconds)
    try:
        yield
    finally:
        for (module, name), former in zip(limits, before, strict=True):
            setattr(module, name, former)


def run(laboratory: Laboratory, cell: Cell, right: dict[str, Any]) -> Outcome:
    """Run one cell: the operation with its fault, then again as a person would until it is complete."""
    project, standin = laboratory.project(), laboratory.standin
    stack = PREPARE[cell.operation](laboratory, project)
    stack.world.cold_start()
    standin.control("DELETE", "/faults")
    standin.control("POST", "/faults", {**FAULTS[cell.fault], "match": cell.request.match(project)})
    if cell.fault.startswith("killed"):
        stack.kill = _once(lambda: bool(standin.control("GET", "/faults")["faults"][0]["hits"]))
    with impatient() if cell.fault.startswith(("timeout", "endless", "drip")) else nullcontext():
        statuses = [operate(cell.operation, stack, project)]
    struck, said = standin.control("GET", "/faults")["faults"][0]["hits"], stack.reason
    standin.control("DELETE", "/faults")
    leftover = _unarchived(laboratory, project) if cell.operation == "launch" and "ROLLBACK" in statuses[0] else []
    while statuses[-1] not in _COMPLETE and len(statuses) < 4:
        stack.kill = None
        if cell.operation == "launch":  # a stack whose create failed is replaced
            if statuses[-1] == "ROLLBACK_FAILED":
                stack.delete()
            stack = laboratory.stack(project)
        statuses.append(operate(cell.operation, stack, project))
    wrong = "the fault struck nothing" if not struck else ""
    if statuses[0] not in _COMPLETE and SAYS.get(cell.fault, "") not in said:
        wrong = f"ended with another sentence: {said}"
    if leftover:
        wrong = f"after the rollback not archived: {leftover}"
    if "UPDATE_ROLLBACK_FAILED" in statuses:  # a stack that takes no update any more
        wrong = f"the rollback failed, too: {said}"
    if statuses[-1] not in _COMPLETE:
        wrong = f"never complete: {stack.reason}"
    state = laboratory.state(project)
    if any("UPDATE_ROLLBACK" in status for status in statuses):
        state, right = _content(state), _content(right)
    wrong = wrong or _difference(state, right)
    return Outcome(cell, tuple(statuses), wrong)


@contextmanager
def quietly() -> Iterator[None]:
    """Let the functions neither log nor print their metrics, as they do in Lambda, nor wait between repetitions."""
    repeating.FIRST_SECONDS = 0.0
    logging.disable(logging.CRITICAL)
    try:
        with redirect_stdout(io.StringIO()):
            yield
    finally:
        logging.disable(logging.NOTSET)


def run_share(share: list[Cell]) -> list[Outcome]:
    """Run some cells in a laboratory of their own (a worker process)."""
    with quietly(), Laboratory.running() as laboratory:
        right = {operation: expected(laboratory, operation) for operation in {cell.operation for cell in share}}
        return [run(laboratory, cell, right[cell.operation]) for cell in share]


def _content(state: dict[str, Any]) -> dict[str, Any]:
    """Return a state without its history: a rolled back update leaves its merges forward and back, by design."""

    def content(found: dict[str, Any]) -> dict[str, Any]:
        kept = {key: value for key, value in found.items() if key not in ("history", "lineage")}
        waiting = [each for each in found["pull requests"] if each["state"] == "open"]
        return {
            **kept,
            "refs": [ref for ref in found["refs"] if ref.startswith("refs/heads/")],
            "pull requests": [{**each, "number": "any"} for each in waiting],
        }

    return {name: content(found) for name, found in state.items()}


def _once(told: Callable[[], bool]) -> Callable[[], bool]:
    """Return a question that is answered with yes only once."""
    done: list[bool] = []

    def ask() -> bool:
        if not done and told():
            done.append(True)
            return True
        return False

    return ask


def _unarchived(laboratory: Laboratory, project: str) -> list[str]:
    return [name for name, found in laboratory.state(project).items() if not found["archived"]]


def _difference(found: Any, right: Any, where: str = "") -> str:
    if isinstance(found, dict) and isinstance(right, dict):
        for key in sorted({*found, *right}):
            wrong = _difference(found.get(key), right.get(key), f"{where}/{key}")
            if wrong:
                return wrong
        return ""
    return "" if found == right else f"{where} is {found!r}, not {right!r}"


def elapsed(start: float) -> str:
    """Return the minutes and seconds since then."""
    return f"{divmod(round(time.monotonic() - start), 60)[0]} min {round(time.monotonic() - start) % 60} s"
