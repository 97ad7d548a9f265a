"""One mutant after the other in a copy of the project, and whether its tests notice."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Literal

from tests.mutants.places import Key, Mutant
from tests.mutants.seeing import Chosen, Seen, environment, say

ROOT = Path(__file__).parents[2]
Outcome = Literal["noticed", "survived", "equivalent", "not run"]


class Copy:
    """A copy of the project in which one mutant after the other lives."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._server = subprocess.Popen(
            [sys.executable, "-m", "tests.mutants.server"],
            cwd=folder, env=environment(folder), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip

    def passes(self, tests: list[str], timeout: float) -> bool:
        """Tell whether all tests pass with the code as it is in the copy."""
        assert self._server.stdin
        assert self._server.stdout
        self._server.stdin.write(json.dumps({"tests": tests, "timeout": timeout}) + "\n")
        self._server.stdin.flush()
        return bool(json.loads(self._server.stdout.readline())["code"] == 0)

    def survives(self, mutant: Mutant, tests: Sequence[list[str]], patience: Callable[[list[str]], float]) -> bool:
        """Tell whether all tests pass with the mutant, group by group."""
        file = self._folder / mutant.source.path
        as_it_was = file.stat()
        file.write_text(mutant.text, encoding="utf-8")
        try:
            return all(self.passes(group, patience(group)) for group in tests)
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


def failing(folder: Path, tests: Sequence[str], store: Path) -> list[str]:
    """Return those of the tests that fail without a mutant: they would notice every one. That they pass is noted."""
    code = hashlib.sha256()
    for file in sorted(each for each in folder.rglob("*") if each.is_file() and ".venv" not in each.parts):
        if file.suffix in (".py", ".txt", ".json", ".md", ".toml") and "mutants" not in file.parts:
            code.update(str(file.relative_to(folder)).encode() + b"\0" + file.read_bytes())
    unknown = {test: store / f"held-{hashlib.sha256(code.digest() + test.encode()).hexdigest()[:24]}" for test in tests}
    unknown = {test: note for test, note in unknown.items() if not note.exists()}
    copy = Copy(folder)
    try:
        passed = unknown if not unknown or copy.passes(list(unknown), 3600) else {}
        found = [test for test in unknown if test not in passed and not copy.passes([test], 3600)]
    finally:
        copy.close()
    store.mkdir(parents=True, exist_ok=True)
    for test, note in unknown.items():
        if test not in found:
            note.touch()
    return found


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
    outcome: Outcome


class Trial:
    """Mutants that wait to be tried, and what became of the others."""

    def __init__(
        self, drawn: Sequence[Mutant], seen: Seen | Chosen, equivalent: Collection[Key], seconds: float
    ) -> None:
        """Take the mutants, how their tests are found, which of them need no test, and the time for all."""
        self._waiting: SimpleQueue[Mutant] = SimpleQueue()
        for mutant in drawn:
            self._waiting.put(mutant)
        self._seen, self._equivalent, self._all = seen, equivalent, len(drawn)
        self._end = time.monotonic() + seconds
        self.results: list[Result] = []

    def run(self, copies: Sequence[Path]) -> list[Result]:
        """Try all, as many at once as there are copies, until the time is over."""
        threads = [threading.Thread(target=self._work, args=(folder,)) for folder in copies]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return self.results

    def _work(self, folder: Path) -> None:
        copy = Copy(folder)
        while not self._waiting.empty():
            try:
                mutant = self._waiting.get_nowait()
            except Empty:
                break
            result = Result(mutant, self._outcome(copy, mutant))
            self.results.append(result)
            if result.outcome == "survived":
                say(shown(mutant))
            if len(self.results) % 20 == 0:
                say(f"{len(self.results)} of {self._all}")
        copy.close()

    def _outcome(self, copy: Copy, mutant: Mutant) -> Outcome:
        if mutant.key in self._equivalent:
            return "equivalent"
        if time.monotonic() > self._end:
            return "not run"
        tests = self._seen.tests(mutant)
        survives = copy.survives(mutant, tests, self._seen.patience)
        return "survived" if survives else "noticed"


def shown(mutant: Mutant) -> str:
    """Return file, line and what the mutant changes, as an entry of equivalent.toml has it."""
    changes = "\n".join(f"    {line}" for line in mutant.diff)
    return f"survived: {mutant.source.path}:{mutant.line} {mutant.function or '(module)'} ({mutant.kind})\n{changes}"
