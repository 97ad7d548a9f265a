"""make mutants: does a test notice when the code is wrong? A seeded sample in ten minutes, or all of it (ALL=1).

First every test is run once to see which lines it runs. Then each mutant is written into a copy of the project, and the
tests that run its line are run, the quickest first, until one fails.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import tomllib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

from tests.mutants.places import Mutant, mutants

ROOT = Path(__file__).parents[2]
EQUIVALENT = Path(__file__).with_name("equivalent.toml")
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
SAMPLE = {"custom_resources": 160, "products": 32}
ENOUGH = 0.95
PROCESSES = 2


def room(path: str) -> str:
    """Return the room that a file belongs to: its folder."""
    return str(Path(path).parent)


# -- which tests notice ------------------------------------------------------------------------------------------------


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
        env=_environment(copy) | {"MUTANTS_SEEN": str(folder), "PYTHONDONTWRITEBYTECODE": ""},
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


def _environment(copy: Path) -> dict[str, str]:
    return {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "HYPOTHESIS_PROFILE": "mutants", "PYTHONPATH": str(copy)}


# -- mutants -----------------------------------------------------------------------------------------------------------


def sample(found: Sequence[Mutant], amount: int, seed: int) -> list[Mutant]:
    """Draw mutants at random, from all kinds in turn: most arguments of calls are missed loudly, numbers quietly."""
    by_kind: dict[str, list[Mutant]] = defaultdict(list)
    for mutant in found:
        by_kind[mutant.kind].append(mutant)
    chance = random.Random(seed)
    for each in by_kind.values():
        chance.shuffle(each)
    drawn: list[Mutant] = []
    while len(drawn) < amount and any(by_kind.values()):
        drawn += [each.pop() for each in by_kind.values() if each]
    return drawn[:amount]


def equivalents() -> dict[tuple[str, str, tuple[str, ...]], str]:
    """Return the mutants that change nothing anybody could notice, with the reason."""
    named = tomllib.loads(EQUIVALENT.read_text(encoding="utf-8"))["equivalent"]
    return {(each["file"], each["function"], tuple(each["diff"])): each["reason"] for each in named}


def key(mutant: Mutant) -> tuple[str, str, tuple[str, ...]]:
    """Return what a mutant is known again by."""
    return mutant.source.path, mutant.function, mutant.diff


class Copy:
    """A copy of the project in which one mutant after the other lives."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._server = subprocess.Popen(
            [sys.executable, "-m", "tests.mutants.server"],
            cwd=folder, env=_environment(folder), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip

    def survives(self, mutant: Mutant, tests: list[str], timeout: float) -> bool:
        """Tell whether all tests pass with the mutant."""
        file = self._folder / mutant.source.path
        as_it_was = file.stat()
        file.write_text(mutant.text, encoding="utf-8")
        try:
            assert self._server.stdin
            assert self._server.stdout
            self._server.stdin.write(json.dumps({"tests": tests, "timeout": timeout}) + "\n")
            self._server.stdin.flush()
            return bool(json.loads(self._server.stdout.readline())["code"] == 0)
        finally:
            file.write_text(mutant.source.text, encoding="utf-8")
            os.utime(
                file, ns=(as_it_was.st_atime_ns, as_it_was.st_mtime_ns)
            )  # what was compiled from it is right again

    def close(self) -> None:
        """End its process."""
        assert self._server.stdin
        self._server.stdin.close()
        self._server.wait()


def copied(folder: Path) -> Path:
    """Copy what git knows, or would know."""
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    for path in filter(None, listing.stdout.decode().split("\0")):
        if (ROOT / path).exists():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / path, folder / path)
    (folder / ".venv").symlink_to(ROOT / ".venv")
    return folder


@dataclass(frozen=True)
class Result:
    """What became of a mutant."""

    mutant: Mutant
    outcome: str  # noticed | survived | equivalent | not run


def tried(drawn: Sequence[Mutant], seen: Seen | Chosen, copies: Sequence[Path], seconds: float) -> list[Result]:
    """Try all mutants, as many at once as there are copies, until the time is over."""
    waiting: SimpleQueue[Mutant] = SimpleQueue()
    for mutant in drawn:
        waiting.put(mutant)
    results: list[Result] = []
    named, end = equivalents(), time.monotonic() + seconds

    def outcome(copy: Copy, mutant: Mutant) -> str:
        if time.monotonic() > end:
            return "not run"
        if key(mutant) in named:
            return "equivalent"
        tests = seen.tests(mutant)
        return "survived" if not tests or copy.survives(mutant, tests, seen.patience(tests)) else "noticed"

    def work(folder: Path) -> None:
        copy = Copy(folder)
        try:
            while True:
                mutant = waiting.get_nowait()
                result = Result(mutant, outcome(copy, mutant))
                results.append(result)
                if result.outcome == "survived":
                    say(shown(result.mutant))
        except Empty:
            return
        finally:
            copy.close()

    threads = [threading.Thread(target=work, args=(folder,)) for folder in copies]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def say(text: str) -> None:
    """Write a line at once: a run takes minutes."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


# -- report ------------------------------------------------------------------------------------------------------------


def shown(mutant: Mutant) -> str:
    """Return file, line and what the mutant changes, as an entry of equivalent.toml has it."""
    changes = "\n".join(f"    {line}" for line in mutant.diff)
    return f"survived: {mutant.source.path}:{mutant.line} {mutant.function or '(module)'} ({mutant.kind})\n{changes}"


def scores(results: Sequence[Result]) -> Iterator[tuple[str, int, int, float]]:
    """Return noticed, tried and the share of each room, then of each whole."""
    rooms = sorted({room(each.mutant.source.path) for each in results})
    for name in [*rooms, *(f"{whole} (all)" for whole in SAMPLE)]:
        prefix = name.removesuffix(" (all)")
        inside = [each for each in results if room(each.mutant.source.path) == name or
                  (name != prefix and each.mutant.source.path.startswith(f"{prefix}/"))]  # fmt: skip
        counted = [each for each in inside if each.outcome in ("noticed", "survived")]
        noticed = sum(each.outcome == "noticed" for each in counted)
        yield name, noticed, len(counted), noticed / len(counted) if counted else 1.0


def main() -> int:
    """Return 1 when a whole is below 95%."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutants")
    parser.add_argument("--all", action="store_true", help="every mutant: hours")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--minutes", type=float, default=9.5, help="the sample ends then, wherever it is")
    parser.add_argument("--only", default="", help="only files whose path contains this")
    parser.add_argument("--amount", type=int, default=0, help="how many of each whole")
    parser.add_argument("--processes", type=int, default=PROCESSES)
    parser.add_argument("--tests", nargs="*", help="these, whatever they run, in place of a first run of all tests")
    options = parser.parse_args()
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="mutants-") as temporary:
        copies = [Path(temporary) / str(number) for number in range(options.processes)]
        copied(copies[0])
        seen = Chosen(options.tests) if options.tests else look(copies[0], ROOT / "build" / "mutants")
        for other in copies[1:]:
            shutil.copytree(copies[0], other, symlinks=True)
        drawn: list[Mutant] = []
        for whole, amount in SAMPLE.items():
            paths = sorted(str(each.relative_to(copies[0])) for each in (copies[0] / whole).rglob("*.py"))
            found = [each for path in paths if options.only in path for each in mutants(copies[0], path)]
            drawn += found if options.all else sample(found, options.amount or amount, options.seed)
        left = float("inf") if options.all else options.minutes * 60 - (time.monotonic() - begun)
        results = tried([each for each in drawn if each.compiles], seen, copies, left)
    say(f"\n{'room':<32}{'noticed':>9}{'of':>6}{'score':>8}")
    low = False
    for name, noticed, total, score in scores(results):
        say(f"{name:<32}{noticed:>9}{total:>6}{score:>8.1%}")
        low |= name.endswith("(all)") and score < ENOUGH
    for outcome in ("equivalent", "not run"):
        if number := sum(each.outcome == outcome for each in results):
            say(f"{outcome}: {number}")
    say(f"seed {options.seed}, {time.monotonic() - begun:.0f} seconds")
    return int(low)


if __name__ == "__main__":
    sys.exit(main())
