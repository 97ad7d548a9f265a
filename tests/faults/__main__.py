"""python -m tests.faults: the whole matrix as a table (make faults). Exit 1 when a cell is wrong."""

from __future__ import annotations

import argparse
import sys
import time
from collections import defaultdict
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from tests.faults.matrix import FAULTS, PREPARE, Asked, Laboratory, Outcome, cells, elapsed, quietly, run_share


def _table(outcomes: list[Outcome], faults: list[str]) -> str:
    """Return a row a request, a column a fault: . = complete at once, r = after a rollback or repetition, X = wrong."""
    rows: dict[tuple[str, Asked], dict[str, str]] = defaultdict(dict)
    for outcome in outcomes:
        cell = outcome.cell
        mark = "X" if outcome.wrong else "." if len(outcome.statuses) == 1 else "r"
        rows[cell.operation, cell.request][cell.fault] = mark
    width = max(len(request.label) for _, request in rows) + 11
    lines = [f"{'':{width}}{number:>3}  {fault}" for number, fault in enumerate(faults, 1)]
    lines.append(f"{'':{width}}" + "".join(f"{number:>3}" for number in range(1, len(faults) + 1)))
    lines += [
        f"{operation:9}  {request.label:{width - 11}}" + "".join(f"{marks.get(fault, ''):>3}" for fault in faults)
        for (operation, request), marks in sorted(rows.items())
    ]
    return "\n".join(lines)


def _tell(outcomes: list[Outcome], wanted: int, start: float) -> None:
    """Tell on stderr how far it is."""
    wrong = sum(bool(outcome.wrong) for outcome in outcomes)
    print(f"{len(outcomes)} of {wanted} cells, {wrong} wrong, {elapsed(start)}", file=sys.stderr)  # noqa: T201


def main() -> int:
    """Run the cells that are asked for, two laboratories at a time, and print what became of them."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--operation", action="append", choices=list(PREPARE), help="only these (all)")
    parser.add_argument("--fault", action="append", choices=list(FAULTS), help="only these (all)")
    parser.add_argument("--workers", type=int, default=2, help="laboratories at once")
    arguments = parser.parse_args()
    operations, faults = arguments.operation or list(PREPARE), arguments.fault or list(FAULTS)
    start = time.monotonic()
    with quietly(), Laboratory.running() as laboratory:
        wanted = cells(laboratory, operations, faults)
    shares = [wanted[number :: arguments.workers * 4] for number in range(arguments.workers * 4)]
    outcomes: list[Outcome] = []
    with ProcessPoolExecutor(arguments.workers, mp_context=get_context("spawn")) as pool:
        for share in pool.map(run_share, filter(None, shares)):
            outcomes += share
            _tell(outcomes, len(wanted), start)
    wrong = [outcome for outcome in outcomes if outcome.wrong]
    print(_table(outcomes, faults))  # noqa: T201
    for outcome in wrong:
        cell = outcome.cell
        print(f"WRONG {cell.operation} {cell.request.label}, {cell.fault}: {outcome.wrong} {outcome.statuses}")  # noqa: T201
    print(". complete at once (after waits)   r complete after a rollback or a repetition   X wrong")  # noqa: T201
    print(f"{len(outcomes)} cells, {len(wrong)} wrong, in {elapsed(start)}")  # noqa: T201
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
