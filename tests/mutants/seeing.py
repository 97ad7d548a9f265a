"""Tests that are to notice a mistake: those that run its line, the quickest first, and those that hold its file."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any

from tests.mutants.places import Mutant

# The tests that are to notice a mistake in custom_resources: of these, the ones that run the line.
TESTS = (
    "tests/unit/test_*.py",
    "tests/integration/test_*.py",
    "tests/standin/github/test_cl*.py",
    "tests/standin/github/test_cr*.py",
    "tests/operations/test_rollout.py",
    "tests/security/test_adoption.py",
    "tests/security/test_approvals.py",
    "tests/security/test_bounds.py",
    "tests/security/test_forgeries.py",
    "tests/security/test_launches.py",
    "tests/security/test_own_events.py",
    "tests/security/test_properties.py",
    "tests/security/test_rollbacks.py",
    "tests/security/test_tenants.py",
)
# Those that hold no line of it: they look at the house, or at the tools of these tests; or take seconds for what others
# notice at once.
NOT_RUN = {f"tests/unit/test_{each}.py" for each in ("architecture", "bench", "groups", "local", "mutants")}
NOT_RUN.add("tests/integration/test_merge_properties.py")
MARKS = "not gates and not long and not layers and not slow"
RUN_BY_THEM = ("custom_resources", "products", "standins", "tests/unit", "tests/integration", "tests/security")
# Pages made of models, permissions, limits and sentences are as they were.
REFERENCE = "tests/synth/test_reference.py::test_the_pages_are_what_the_code_says"
DEFAULTS = "tests/unit/test_defaults.py"  # what may be left out is nothing, or named
NUMBERS = "tests/unit/test_numbers.py"  # limits, waits and sizes
# What runs on import only, or once for all tests of a synthesis, is held by these files, in turn: first those that hold
# every line of every template.
_EVERY_LINE = ("contract", "as_reviewed", "one_account")
_PLACES = ("settings", "foundation", "observability", "product", "portfolio", "workflow_role", "workflow_actions",
           "policies", "studio", "versions", "boundaries", "accounts", "layers")  # fmt: skip


def _held(*first: str) -> list[str]:
    """Return all tests of a synthesis, those of the named places first of those that hold something of their own."""
    places = sorted(_PLACES, key=lambda place: place not in first)
    return [REFERENCE, *(f"tests/synth/test_{place}.py" for place in (*_EVERY_LINE, *places))]


HELD_BY = {
    "custom_resources": [DEFAULTS, NUMBERS, REFERENCE],
    # What each sends and says, which thousands of tests pass by.
    "custom_resources/clients": [
        DEFAULTS,
        NUMBERS,
        "tests/unit/test_aws_requests.py",
        "tests/unit/test_github_requests.py",
        REFERENCE,
    ],
    "custom_resources/catalogue.py": [*_held("foundation", "policies"), "tests/unit/test_catalogue.py"],
    "products": _held(),
    "products/portfolio": _held("portfolio"),
    "products/launch_role": _held("portfolio"),
    "products/studio": _held("studio", "accounts"),
    "products/studio/account": _held("accounts", "studio"),
    "products/studio/domain": _held("accounts", "studio"),
    "products/studio/provisioning": _held("accounts", "studio"),
    "products/project_setup": _held("studio"),
    "products/rollout": ["tests/unit/test_rollout_machines.py", *_held("foundation")],
    "products/foundation/rollouts": ["tests/synth/test_rollouts.py", *_held("observability", "foundation")],
    "products/workflow_role": _held("workflow_role", "product", "policies"),
    "products/mlops_project": _held("product"),
    "products/parameters": _held("product"),
    "products/foundation/observability": _held("observability"),
    "products/versions": _held("versions"),
    "products/layers": _held("layers"),
    "products/settings": [
        "tests/unit/test_settings_schema.py",
        "tests/unit/test_settings_refusals.py",
        *_held("settings"),
    ],
}


def held_by(path: str) -> list[str]:
    """Return the tests that hold a file, whatever they run of it."""
    folder = max((each for each in HELD_BY if path.startswith(each)), key=len, default="")
    return HELD_BY.get(folder, [])


# A line that every story runs is held by the quickest of them: what 40 seconds of tests do not notice has survived.
LONGEST = 40.0
PROCESSES = 2


def say(text: str) -> None:
    """Write a line at once: a run takes minutes."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


@dataclass(frozen=True)
class Seen:
    """Which test runs which line, how many seconds of a processor it needs, and how many it took."""

    lines: dict[str, dict[str, list[str]]]
    seconds: dict[str, float]
    took: dict[str, float]

    def tests(self, mutant: Mutant) -> list[list[str]]:
        """Return the tests for a mutant: those of its line, the quickest first, then those that hold its file.

        For what runs on import, those of all lines of the file. The second ones are run where the first pass: they
        take seconds before they begin.
        """
        path = mutant.source.path
        of_file = self.lines.get(path, {})
        numbers = of_file if mutant.runs_on_import else map(str, range(mutant.runs[0], mutant.runs[1] + 1))
        found = {test for number in numbers for test in of_file.get(number, ())}
        quickest = sorted(found, key=lambda test: (self.seconds[test], test))
        until = accumulate(self.seconds[test] for test in quickest)
        enough = [test for test, seconds in zip(quickest, until, strict=True) if seconds < LONGEST]
        return [group for group in (enough, held_by(path)) if group]

    def patience(self, tests: Iterable[str]) -> float:
        """Return how many seconds the tests may take before they count as failed."""
        return 60 + 10 * sum(self.took.get(test, 30) for test in tests)


@dataclass(frozen=True)
class Chosen:
    """Tests that somebody chose for all mutants: while writing them."""

    names: list[str]

    def tests(self, mutant: Mutant) -> list[list[str]]:
        """Return them."""
        return [self.names]

    def patience(self, tests: Iterable[str]) -> float:
        """Return how many seconds the tests may take before they count as failed."""
        return 300 * len(list(tests))


def look(copy: Path, store: Path) -> Seen:
    """Run the tests once to see their lines; what was seen of a file with the same content before is read instead."""
    store.mkdir(parents=True, exist_ok=True)
    files = sorted(str(each.relative_to(copy)) for pattern in TESTS for each in copy.glob(pattern))
    known = _known(copy, store, [file for file in files if file not in NOT_RUN])
    if new := [file for file, note in known.items() if not note.exists()]:
        for file, seen in _looked(copy, new).items():
            known[file].write_text(json.dumps(seen), encoding="utf-8")
    else:  # the compiled files are all that is needed of the tests
        command = [sys.executable, "-m", "pytest", "--collect-only", "-qq"]
        subprocess.run(command, cwd=copy, check=False, stdout=subprocess.DEVNULL)
    lines: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    seconds: dict[str, float] = {}
    took: dict[str, float] = {}
    for note in known.values():
        seen = json.loads(note.read_text(encoding="utf-8"))
        seconds |= seen["seconds"]
        took |= seen["took"]
        for path, by_line in seen["lines"].items():
            for line, tests in by_line.items():
                lines[path][line] += tests
    return Seen(lines, seconds, took)


def _known(copy: Path, store: Path, files: Iterable[str]) -> dict[str, Path]:
    """Return where what a file's tests run is noted: by its content, and by that of all code that it may run."""
    code = hashlib.sha256(Path(__file__).with_name("noticing.py").read_bytes())  # what a note holds
    for folder in RUN_BY_THEM:
        for file in sorted((copy / folder).rglob("*.py")):
            if not file.name.startswith("test_"):
                code.update(str(file.relative_to(copy)).encode() + b"\0" + file.read_bytes())
    notes: dict[str, Path] = {}
    for each in files:
        digest = code.copy()
        digest.update((copy / each).read_bytes())
        notes[each] = store / f"{Path(each).stem}-{digest.hexdigest()[:16]}.json"
    return notes


def _looked(copy: Path, files: list[str]) -> dict[str, dict[str, Any]]:
    """Return lines by test and both kinds of seconds, of each file of tests."""
    with tempfile.TemporaryDirectory(dir=copy) as folder:
        options = ["-p", "tests.mutants.noticing", "-n", str(PROCESSES), "-m", MARKS, "--tb=no"]
        subprocess.run(
            [sys.executable, "-m", "pytest", *options, *files],
            cwd=copy,
            env=environment(copy) | {"MUTANTS_SEEN": folder, "PYTHONDONTWRITEBYTECODE": ""},
            check=False,
        )
        parts = [json.loads(part.read_text(encoding="utf-8")) for part in Path(folder).glob("*.json")]
    failed = {test for part in parts for test in part["failed"]}
    if failed:
        say("Left out, since they fail without a mutant:\n  " + "\n  ".join(sorted(failed)))
    by_file: dict[str, dict[str, Any]] = {file: {"seconds": {}, "took": {}, "lines": {}} for file in files}
    for part in parts:
        for kind in ("seconds", "took"):
            for test, each in part[kind].items():
                if test not in failed:
                    by_file[_file(test)][kind][test] = each
        for path, by_line in part["lines"].items():
            for line, tests in by_line.items():
                for test in tests:
                    if test not in failed:
                        by_file[_file(test)]["lines"].setdefault(path, {}).setdefault(line, []).append(test)
    return by_file


def _file(test: str) -> str:
    return test.partition("::")[0]


def environment(copy: Path) -> dict[str, str]:
    return {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "HYPOTHESIS_PROFILE": "mutants", "PYTHONPATH": str(copy)}
