"""python -m tests.bench: what a project's operations cost (make bench).

Ours are the real handlers against the GitHub stand-in, beside the naive update, without its secrets and with them.
Nothing is asserted of times.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
import tempfile
from contextlib import suppress
from itertools import chain
from pathlib import Path

from tests.bench.cold_start import cold_starts
from tests.bench.measurement import Measurement, Pair
from tests.bench.measuring import measured
from tests.bench.projects import Projects
from tests.bench.report import as_json, tables, with_tables
from tests.faults.matrix import StandIn

ROOT = Path(__file__).parents[2]


def main() -> int:
    """Measure, print, and write what is asked for."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="rounds whose median is shown (3)")
    parser.add_argument("--commits", type=int, default=20_000, help="length of the long history (20,000)")
    parser.add_argument("--latencies", type=int, nargs="+", default=[0, 60, 120], help="milliseconds (0 60 120)")
    parser.add_argument(
        "--write", type=Path, metavar="PAGE", help="put the tables into that page, too: docs/benchmarks.md"
    )
    arguments = parser.parse_args()
    logging.disable(logging.CRITICAL)
    cold = cold_starts(arguments.rounds)
    with tempfile.TemporaryDirectory(prefix="bench-", ignore_cleanup_errors=True) as root:
        standin = StandIn(Path(root))
        try:
            histories, latencies = (0, arguments.commits), tuple(arguments.latencies)
            done: list[list[Pair]] = []
            with suppress(KeyboardInterrupt):  # then whole rounds that are done are shown
                for pairs in measured(Projects(standin), arguments.rounds, histories, latencies):
                    done.append(pairs)
        finally:
            standin.stop()
    measurement = Measurement(os.cpu_count() or 1, len(done), tuple(chain(*done)), tuple(cold))
    written = ROOT / "build" / "bench.json"
    written.parent.mkdir(exist_ok=True)
    written.write_text(as_json(measurement), encoding="utf-8")
    if arguments.write:
        page = arguments.write.read_text(encoding="utf-8")
        arguments.write.write_text(with_tables(page, measurement), encoding="utf-8")
    sys.stdout.write(tables(measurement))
    return 0


if __name__ == "__main__":
    sys.exit(main())
