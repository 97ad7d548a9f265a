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

LOOKED_AT = ("custom_resources/**/*.py", "standins/**/*.py", "tests/unit/**/*.py", "tests/integration/**/*.py")
# The tests that are to notice a mistake in custom_resources: of these, the ones that run the line.
TESTS = ("tests/unit", "tests/integration")
NOT_RUN = ("tests/integration/studio", "tests/integration/test_merge_properties.py",
           "tests/unit/test_local.py", "tests/unit/test_architecture.py")  # fmt: skip
# What runs in a process of its own (portfolio_app.py), or on import only, is held by these files, in turn.
_PLACES = ("settings", "foundation", "product", "portfolio", "workflow_role", "policies", "studio", "versions")
SYNTH = [f"tests/synth/test_{place}.py" for place in _PLACES]
REFERENCE = "tests/unit/test_catalogue.py"  # a page made of models, permissions and sentences is as it was
HELD_BY = {
    "custom_resources": [REFERENCE],
    "custom_resources/catalogue.py": ["tests/unit", *SYNTH],
    "products": [REFERENCE, *SYNTH],
    "products/portfolio": [REFERENCE, SYNTH[3], *SYNTH[:3], *SYNTH[4:]],
    "products/studio": [REFERENCE, SYNTH[6], *SYNTH[:6], *SYNTH[7:]],
    "products/project_setup": [REFERENCE, SYNTH[6], *SYNTH[:6], *SYNTH[7:]],
    "products/workflow_role": [REFERENCE, SYNTH[4], *SYNTH[:4], *SYNTH[5:]],
    "products/versions": [REFERENCE, SYNTH[7], *SYNTH[:7]],
}
# A line that every story runs is held by the quickest of them: what a minute of tests does not notice has survived.
LONGEST = 60.0
PROCESSES = 2


def say(text: str) -> None:
    """Write a line at once: a run takes minutes."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


@dataclass(frozen=True)
class Seen:
    """Which test runs which line, and how long each takes."""

    lines: dict[str, dict[str, list[str]]]
    seconds: dict[str, float]

    def tests(self, mutant: Mutant) -> list[str]:
        """Return the tests for a mutant, the quickest first; for what runs on import, those of the whole file."""
        path = mutant.source.path
        of_file = self.lines.get(path, {})
        numbers = of_file if mutant.runs_on_import else map(str, range(mutant.line, mutant.last_line + 1))
        found = {test for number in numbers for test in of_file.get(number, ())}
        quickest = sorted(found, key=lambda test: (self.seconds[test], test))
        until = accumulate(self.seconds[test] for test in quickest)
        enough = [test for test, seconds in zip(quickest, until, strict=True) if seconds < LONGEST]
        held_by = max((each for each in HELD_BY if path.startswith(each)), key=len, default="")
        return enough + HELD_BY.get(held_by, [])

    def patience(self, tests: Iterable[str]) -> float:
        """Return how many seconds the tests may take before they count as failed."""
        return 60 + 10 * sum(self.seconds.get(test, 30) for test in tests)


@dataclass(frozen=True)
class Chosen:
    """Tests that somebody chose for all mutants: while writing them."""

    names: list[str]

    def tests(self, mutant: Mutant) -> list[str]:
        """Return them."""
        return self.names

    def patience(self, tests: Iterable[str]) -> float:
        """Return how many seconds the tests may take before they count as failed."""
        return 300 * len(list(tests))


def look(copy: Path, store: Path) -> Seen:
    """Run all tests once, or read what was seen of the same files before."""
    digest = hashlib.sha256()
    for file in sorted(each for pattern in LOOKED_AT for each in copy.glob(pattern)):
        digest.update(str(file.relative_to(copy)).encode() + b"\0" + file.read_bytes())
    known = store / f"{digest.hexdigest()[:16]}.json"
    if known.exists():  # the compiled files are all that is needed of the tests
        subprocess.run(
            [sys.executable, "-m", "pytest", "--collect-only", "-qq"], cwd=copy, check=False, stdout=subprocess.DEVNULL
        )
    else:
        store.mkdir(parents=True, exist_ok=True)
        known.write_text(json.dumps(_looked(copy)), encoding="utf-8")
    return Seen(**json.loads(known.read_text(encoding="utf-8")))


def _looked(copy: Path) -> dict[str, Any]:
    folder = Path(tempfile.mkdtemp(dir=copy))
    marks = "not gates and not long and not layers"
    options = ["-p", "tests.mutants.noticing", "-n", str(PROCESSES), "-m", marks, "--tb=no"]
    command = [sys.executable, "-m", "pytest", *options, *TESTS, *(f"--ignore={each}" for each in NOT_RUN)]
    subprocess.run(
        command,
        cwd=copy,
        env=environment(copy) | {"MUTANTS_SEEN": str(folder), "PYTHONDONTWRITEBYTECODE": ""},
        check=False,
    )
    lines: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    seconds: dict[str, float] = {}
    failed: set[str] = set()
    for part in folder.glob("*.json"):
        seen = json.loads(part.read_text(encoding="utf-8"))
        failed |= set(seen["failed"])
        seconds |= seen["seconds"]
        for file, by_line in seen["lines"].items():
            for line, names in by_line.items():
                lines[file][line] += names
    if failed:
        say("Left out, since they fail without a mutant:\n  " + "\n  ".join(sorted(failed)))
    passed = {name: taken for name, taken in seconds.items() if name not in failed}
    for by_number in lines.values():
        by_number.update({number: [name for name in names if name in passed] for number, names in by_number.items()})
    return {"lines": lines, "seconds": passed}


def environment(copy: Path) -> dict[str, str]:
    return {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "HYPOTHESIS_PROFILE": "mutants", "PYTHONPATH": str(copy)}
