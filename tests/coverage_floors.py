"""python -m tests.coverage_floors: how much of each room the tests reach. Exit 1 below a floor (make coverage)."""

from __future__ import annotations

import io
import sys
import tomllib
from pathlib import Path

from coverage import Coverage

FLOORS = Path(__file__).with_suffix(".toml")


def main() -> int:
    """Print the files with gaps, then each room's number and floor."""
    coverage = Coverage()
    coverage.load()
    coverage.report()
    below = []
    for room, floor in tomllib.loads(FLOORS.read_text(encoding="utf-8")).items():
        reached = coverage.report(include=[f"{room}/*"], file=io.StringIO())
        print(f"{room}: {reached:.1f}% of lines and branches, at least {floor}%")  # noqa: T201
        if reached < floor:
            below.append(room)
    for room in below:
        print(f"{room} is below its floor: test what you added.")  # noqa: T201
    return 1 if below else 0


if __name__ == "__main__":
    sys.exit(main())
