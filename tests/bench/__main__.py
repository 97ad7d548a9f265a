"""python -m tests.bench: what a project's operations cost (make bench). Counts first; then time, as ratios of one run.

Ours are the real handlers against the GitHub stand-in, beside a naive baseline that does what the seed's functions did:
a full clone, files copied over, a commit pushed, and a public key fetched for every secret.
"""

from __future__ import annotations

import argparse
import base64
import logging
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import requests
from nacl.encoding import Base64Encoder
from nacl.public import PublicKey, SealedBox

from custom_resources.template_content import TemplateFile, archive_name, build_archive
from tests.faults.matrix import ORGANIZATION, TOKENS, StandIn
from tests.faults.stack import PARTS, Resource, Stack, World, launch_template
from tests.git_processes import VARIABLE, counted

SECRETS = 15
OWN = "src/train.py"


def _content(change: str, line: int = 5) -> dict[str, bytes]:
    """Return one part's files: thirty modules, and one that versions change."""
    lines = [f"line {number}\n" for number in range(200)]
    lines[line] = f"{change}\n"
    modules = {f"lib/module_{number}.py": b"".join(b"step %d\n" % n for n in range(40)) for number in range(30)}
    return {**modules, OWN: "".join(lines).encode(), ".github/workflows/build.yml": b"on: push\njobs: {}\n"}


def _archive(change: str) -> bytes:
    files = _content(change)
    return build_archive(
        TemplateFile(f"regression/{part}/{path}", data) for part in PARTS for path, data in files.items()
    )


V1, V2 = _archive("one"), _archive("two")
ARCHIVES = {archive_name(data): data for data in (V1, V2)}


@dataclass(frozen=True)
class Cost:
    """What an operation took. Bytes are those of bodies, as GitHub sees them: up = sent to it."""

    rest: int
    git: int
    processes: int
    up: int
    down: int
    seconds: float


class Bench:
    """One stand-in, in a process of its own; every measurement has a project of its own."""

    def __init__(self, standin: StandIn) -> None:
        self.standin = standin
        self._projects = 0

    def project(self) -> str:
        """Return a new project's name."""
        self._projects += 1
        return f"bench{self._projects}"

    def stack(self, project: str) -> Stack:
        """Return a stack with the secrets of a real launch, still to be created."""
        world = World(self.standin.api_url, self.standin.server_url, [TOKENS[0]], ARCHIVES)
        return Stack(world, template(project, V1, "v1.0.0"))

    def launched(self, project: str) -> Stack:
        """Return a stack that is created."""
        stack = self.stack(project)
        status = stack.create()
        assert status == "CREATE_COMPLETE", stack.reason
        return stack

    def directory(self, name: str) -> str:
        """Return where the stand-in keeps a repository."""
        return str(self.standin.control("GET", f"/repositories/{ORGANIZATION}/{name}")["git_directory"])

    def commit(self, project: str, line: int) -> None:
        """Commit to both repositories as a user who changes that line."""
        for part in ("build", "deploy"):
            lines = _content("one")[OWN].decode().splitlines(keepends=True)
            lines[line] = "mine\n"
            text = "".join(lines)
            script = f"commit refs/heads/main\ncommitter A <a@b> {int(time.time())} +0000\ndata 4\nwork\n"
            script += f"from refs/heads/main^0\nM 100644 inline {OWN}\ndata {len(text)}\n{text}\n"
            self._import(f"{project}-{part}", script.encode())

    def history(self, project: str, commits: int) -> None:
        """Give both repositories a long history."""
        script = [b"reset refs/heads/main\nfrom refs/heads/main^0\n"]
        for number in range(commits):
            note = b"%d\n" % number
            script.append(
                b"commit refs/heads/main\ncommitter A <a@b> %d +0000\ndata 4\nwork\n" % (1_700_000_000 + number)
            )
            script.append(b"M 100644 inline notes/%d.txt\ndata %d\n%s\n" % (number % 50, len(note), note))
        for part in ("build", "deploy"):
            self._import(f"{project}-{part}", b"".join(script))

    def _import(self, name: str, script: bytes) -> None:
        command = ["git", "--git-dir", self.directory(name), "fast-import", "--quiet", "--force"]
        subprocess.run(command, input=script, check=True, timeout=300)

    def measure(self, act: Callable[[], str | None]) -> Cost:
        """Count and time one operation."""
        self.standin.control("DELETE", "/requests")
        with counted() as started:
            began = time.perf_counter()
            status = act()
            seconds = time.perf_counter() - began
        assert status is None or status in ("CREATE_COMPLETE", "UPDATE_COMPLETE", "DELETE_COMPLETE"), status
        log = self.standin.control("GET", "/requests")["requests"]
        return Cost(
            rest=sum(entry["kind"] == "rest" for entry in log),
            git=sum(entry["kind"] == "git" for entry in log),
            processes=len(started),
            up=sum(entry["bytes_in"] for entry in log),
            down=sum(entry["bytes_out"] for entry in log),
            seconds=seconds,
        )

    def naive(self, project: str) -> Cost:
        """Update both repositories as the seed's functions did."""

        def git(*arguments: str, where: str) -> None:
            subprocess.run(
                ["git", *arguments], cwd=where, check=True, capture_output=True, env=_environment(), timeout=300
            )

        def update(name: str, directory: str) -> None:
            clone = Path(directory, name)
            git("clone", "--quiet", f"{self.standin.server_url}/{ORGANIZATION}/{name}.git", str(clone), where=directory)
            for path, data in _content("two").items():
                (clone / path).parent.mkdir(parents=True, exist_ok=True)
                (clone / path).write_bytes(data)
            git("add", "--all", where=str(clone))
            git("commit", "--quiet", "--message", "Template", where=str(clone))
            git("push", "--quiet", where=str(clone))
            headers = {"authorization": f"token {TOKENS[0]}"}
            place = f"{self.standin.api_url}/repos/{ORGANIZATION}/{name}/actions/secrets"
            for number in range(SECRETS):
                key = requests.get(f"{place}/public-key", headers=headers, timeout=30).json()
                sealed = SealedBox(PublicKey(key["key"].encode(), Base64Encoder)).encrypt(b"value", Base64Encoder)
                body = {"key_id": key["key_id"], "encrypted_value": sealed.decode()}
                requests.put(f"{place}/NAME_{number}", json=body, headers=headers, timeout=30).raise_for_status()

        def act() -> None:
            with tempfile.TemporaryDirectory() as directory:
                for part in ("build", "deploy"):
                    update(f"{project}-{part}", directory)

        return self.measure(act)


def template(project: str, archive: bytes, version: str, source: str = "") -> list[Resource]:
    """Return a launch's resources with as many secrets as the product sets. `source` is told and changes no content."""
    secrets = {f"NAME_{number}": f"value {number}" for number in range(SECRETS)}
    more: dict[str, dict[str, Any]] = {"configuration": {"Secrets": secrets}, "template": {"TemplateSource": source}}

    def with_more(resource: Resource) -> Resource:
        added = more.get(resource.logical_id.rpartition("-")[2], {})
        return replace(resource, properties=lambda made: {**resource.properties(made), **added})

    return [with_more(each) for each in launch_template(ORGANIZATION, project, archive_name(archive), version)]


def _environment() -> dict[str, str]:
    basic = base64.b64encode(f"x:{TOKENS[0]}".encode()).decode()
    names = ("AUTHOR", "COMMITTER")
    return {
        "PATH": os.environ["PATH"],
        VARIABLE: os.environ.get(VARIABLE, "0"),
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "http.extraHeader",
        "GIT_CONFIG_VALUE_0": f"Authorization: Basic {basic}",
        **{
            f"GIT_{name}_{what}": value for name in names for what, value in (("NAME", "A"), ("EMAIL", "a@example.com"))
        },
    }


def once(bench: Bench, commits: int) -> dict[str, Cost]:
    """Measure every operation once, each on a fresh project, then on one with a long history."""
    costs: dict[str, Cost] = {}

    def update(project: str, stack: Stack) -> Callable[[], str]:
        return lambda: stack.update(template(project, V2, "v2.0.0"))

    def same(project: str, stack: Stack) -> Callable[[], str]:
        return lambda: stack.update(template(project, V1, "v1.0.0", "told anew"))

    fresh = bench.project()
    stack = bench.stack(fresh)
    costs["launch"] = bench.measure(stack.create)
    costs["unchanged update"] = bench.measure(same(fresh, stack))
    for name, line, history in (
        ("clean merge", 150, 0),
        ("conflict", 5, 0),
        ("clean merge, long history", 150, commits),
        ("conflict, long history", 5, commits),
    ):
        project = bench.project()
        stack = bench.launched(project)
        if history:
            bench.history(project, history)
            if name.startswith("clean"):
                costs["unchanged update, long history"] = bench.measure(same(project, stack))
        bench.commit(project, line)
        costs[name] = bench.measure(update(project, stack))
        if name.startswith("clean"):
            suffix = ", long history" if history else ""
            costs[f"delete{suffix}"] = bench.measure(stack.delete)
    for name, history in (("naive update", 0), ("naive update, long history", commits)):
        project = bench.project()
        bench.launched(project)
        if history:
            bench.history(project, history)
        costs[name] = bench.naive(project)
    return costs


ORDER = ("launch", "unchanged update", "clean merge", "conflict", "delete", "naive update")
RATIOS = (
    ("unchanged update", "launch"),
    ("clean merge", "launch"),
    ("unchanged update, long history", "unchanged update"),
    ("clean merge, long history", "clean merge"),
    ("clean merge", "naive update"),
    ("clean merge, long history", "naive update, long history"),
    ("naive update, long history", "naive update"),
)


def table(costs: dict[str, Cost]) -> str:
    """Return the counts as a table: both repositories of a project together."""
    lines = [f"{'':34}{'REST':>6}{'Git':>6}{'processes':>11}{'bytes up':>12}{'bytes down':>14}"]
    for name in (*ORDER, *(f"{name}, long history" for name in ORDER)):
        if cost := costs.get(name):
            lines.append(f"{name:34}{cost.rest:>6}{cost.git:>6}{cost.processes:>11}{cost.up:>12,}{cost.down:>14,}")
    return "\n".join(lines)


def ratios(runs: list[dict[str, Cost]]) -> str:
    """Return times as ratios within a run, the median of all runs."""
    lines = []
    for one, other in RATIOS:
        found = [run[one].seconds / run[other].seconds for run in runs]
        lines.append(
            f"{one + ' / ' + other:58}{statistics.median(found):>7.2f}   ({min(found):.2f} to {max(found):.2f})"
        )
    return "\n".join(lines)


def main() -> int:
    """Measure and print; nothing is asserted of times."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--runs", type=int, default=3, help="runs whose median is shown (3)")
    parser.add_argument("--commits", type=int, default=20_000, help="length of the long history (20,000)")
    arguments = parser.parse_args()
    logging.disable(logging.CRITICAL)
    with tempfile.TemporaryDirectory(prefix="bench-", ignore_cleanup_errors=True) as root:
        standin = StandIn(Path(root))
        try:
            bench = Bench(standin)
            runs = [once(bench, arguments.commits) for _ in range(arguments.runs)]
        finally:
            standin.stop()
    print(f"Counts, both repositories of a project together; the long history has {arguments.commits:,} commits.\n")  # noqa: T201
    print(table(runs[-1]))  # noqa: T201
    print(f"\nTime, as ratios; median (range) of {arguments.runs} runs\n\n{ratios(runs)}")  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
