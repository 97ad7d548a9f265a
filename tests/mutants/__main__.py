"""make mutants: does a test notice when the code is wrong? A seeded sample in ten minutes, or all of it (ALL=1).

First the tests are run once to see which lines each runs, which is kept in build/mutants. Then each mutant is written
into a copy of the project, and the tests that run its line are run, the quickest first, until one fails. A sample's
score has an error: the interval in which the score of all mutants is, with 95% confidence, is shown beside it.
"""

from __future__ import annotations

import argparse
import math
import random
import shutil
import sys
import tempfile
import time
import tomllib
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.mutants.places import Key, Mutant, mutants
from tests.mutants.seeing import PROCESSES, Chosen, held_by, look, say
from tests.mutants.trying import ROOT, Result, Trial, copied, failing

EQUIVALENT = Path(__file__).with_name("equivalent.toml")
STORE = ROOT / "build" / "mutants"
SAMPLE = {"custom_resources": 110, "products": 30}
ENOUGH = 0.95


def room(path: str) -> str:
    """Return the room that a file belongs to: its folder."""
    return str(Path(path).parent)


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


def equivalents() -> dict[Key, str]:
    """Return the mutants that change nothing anybody could notice, with the reason."""
    named = tomllib.loads(EQUIVALENT.read_text(encoding="utf-8"))["equivalent"]
    return {(each["file"], each["function"], tuple(each["diff"])): each["reason"] for each in named}


# -- report ------------------------------------------------------------------------------------------------------------


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


def interval(noticed: int, total: int) -> tuple[float, float]:
    """Return where the score of all mutants is with 95% confidence, by that of a sample (Wilson's interval)."""
    if not total:
        return 0.0, 1.0
    share, z = noticed / total, 1.96
    middle, width = share + z * z / (2 * total), z * math.sqrt((share * (1 - share) + z * z / (4 * total)) / total)
    return max(0.0, (middle - width) / (1 + z * z / total)), min(1.0, (middle + width) / (1 + z * z / total))


def main() -> int:
    """Return 1 when a whole is below 95%, 2 when a test fails without a mutant."""
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
        seen = Chosen(options.tests) if options.tests else look(copies[0], STORE)
        learned = time.monotonic() - begun
        for other in copies[1:]:
            shutil.copytree(copies[0], other, symlinks=True)
        drawn: list[Mutant] = []
        for whole, amount in SAMPLE.items():
            paths = sorted(str(each.relative_to(copies[0])) for each in (copies[0] / whole).rglob("*.py"))
            found = [each for path in paths if options.only in path for each in mutants(copies[0], path)]
            drawn += found if options.all else sample(found, options.amount or amount, options.seed)
        held = dict.fromkeys(test for each in drawn for test in held_by(each.source.path))
        if not options.tests and (wrong := failing(copies[0], list(held), STORE)):
            say("These fail without a mutant, and would notice every one. Mend them first:\n  " + "\n  ".join(wrong))
            return 2
        left = float("inf") if options.all else options.minutes * 60 - (time.monotonic() - begun)
        random.Random(options.seed).shuffle(drawn)  # what the time does not reach is of every room
        trial = Trial([each for each in drawn if each.compiles], seen, equivalents(), left)
        results = trial.run(copies)
    say(f"\n{'room':<32}{'noticed':>9}{'of':>6}{'score':>8}  95% confidence")
    low = False
    for name, noticed, total, score in scores(results):
        least, most = interval(noticed, total)
        say(f"{name:<32}{noticed:>9}{total:>6}{score:>8.1%}  {least:.0%} to {most:.0%}")
        low |= name.endswith("(all)") and score < ENOUGH
    for outcome in ("equivalent", "not run"):
        if number := sum(each.outcome == outcome for each in results):
            say(f"{outcome}: {number}")
    say(f"seed {options.seed}, {learned:.0f} seconds to see what tests run, {time.monotonic() - begun:.0f} in all")
    return int(low)


if __name__ == "__main__":
    sys.exit(main())
