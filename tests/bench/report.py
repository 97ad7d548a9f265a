"""From what was measured to JSON and to Markdown tables: no side effects, no date, no path, no name of a machine."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict

from custom_resources.catalogue import CATALOGUE, Entry
from tests.bench.measurement import BASELINES, OPERATIONS, WITHOUT_SECRETS, Cost, Measurement

_WHOLE_PROCESSOR = 1769  # MB of memory at which Lambda gives a function one processor (its documentation)
PROMISES = {0: 1.0, 20_000: 0.6}  # commits of history: the most that a clean merge takes at that latency
_PROMISED_LATENCY = 60
_BEGIN, _END = "<!-- measured: python -m tests.bench --write docs/benchmarks.md -->", "<!-- end of what is measured -->"


def as_json(measurement: Measurement) -> str:
    """Return all that was measured, and the medians."""
    data = {**asdict(measurement), "ratios": [_ratio(measurement, row) for row in _rows(measurement)]}
    return json.dumps(data, indent=2) + "\n"


def _ratio(measurement: Measurement, row: tuple[str, str, int]) -> dict[str, object]:
    operation, baseline, commits = row
    medians = {str(each): measurement.ratio(operation, baseline, commits, each) for each in measurement.latencies}
    return {"operation": operation, "baseline": baseline, "commits": commits, "by_latency": medians}


def with_tables(page: str, measurement: Measurement) -> str:
    """Return a page whose tables are this measurement's. Raises ValueError for a page without their place."""
    before, begin, rest = page.partition(_BEGIN)
    _, end, after = rest.partition(_END)
    if not begin or not end:
        raise ValueError("The page has no place for what is measured.")
    return f"{before}{begin}\n\n{tables(measurement)}\n{end}{after}"


def tables(measurement: Measurement) -> str:
    """Return the tables, with their titles."""
    sections = [
        ("Requests, processes, bytes", _counts(measurement)),
        ("Time, as a part of the naive update's", _times(measurement)),
        ("Cold start and memory", _cold_starts(measurement)),
    ]
    return "\n".join(line for title, lines in sections for line in (f"## {title}", "", *lines, ""))


def _row(*cells: str) -> str:
    return "| " + " | ".join(cells) + " |"


def _heading(*cells: str, words: int = 1) -> Iterator[str]:
    """Yield a table's head: columns of words, then of numbers."""
    yield _row(*cells)
    yield _row(*["---"] * words, *["---:"] * (len(cells) - words))


def _history(commits: int) -> str:
    return f"{commits:,} commits" if commits else "new repository"


def _counts(measurement: Measurement) -> Iterator[str]:
    yield from _heading("operation", "history", "REST", "Git", "processes", "bytes up", "bytes down", words=2)
    for commits in measurement.histories:
        for name in (*OPERATIONS, *BASELINES):
            if cost := measurement.cost(name, commits):
                yield _row(name, _history(commits), *_numbers(cost))


def _numbers(cost: Cost) -> Iterable[str]:
    return (f"{number:,}" for number in (cost.rest, cost.git, cost.processes, cost.up, cost.down))


def _rows(measurement: Measurement) -> list[tuple[str, str, int]]:
    """Return what was timed: operation, baseline, history."""
    there = {(pair.operation, pair.baseline, pair.commits) for pair in measurement.pairs}
    ordered = [
        (operation, baseline, commits)
        for commits in measurement.histories
        for operation in OPERATIONS
        for baseline in BASELINES
    ]
    return [row for row in ordered if row in there]


def _times(measurement: Measurement) -> Iterator[str]:
    yield f"Medians of {measurement.rounds} rounds, on {measurement.cores} cores."
    yield ""
    latencies = measurement.latencies
    yield from _heading("operation", "divided by", "history", *(f"{each} ms" for each in latencies), words=3)
    for operation, baseline, commits in _rows(measurement):
        found = [measurement.ratio(operation, baseline, commits, latency) for latency in latencies]
        yield _row(operation, baseline, _history(commits), *("-" if each is None else f"{each:.2f}" for each in found))
    yield ""
    yield from promises(measurement)


def promises(measurement: Measurement) -> Iterator[str]:
    """Yield what was promised of a clean merge, and what was measured."""
    yield f"Promised of a clean merge at {_PROMISED_LATENCY} ms, beside the {WITHOUT_SECRETS}:"
    yield ""
    for commits, limit in PROMISES.items():
        found = measurement.ratio("clean merge", WITHOUT_SECRETS, commits, _PROMISED_LATENCY)
        kept = "not measured" if found is None else f"measured {found:.2f}, {_kept(found, limit)}"
        yield f"- {_history(commits)}: at most {limit:.1f}; {kept}."


def _kept(found: float, limit: float) -> str:
    return "kept" if found <= limit else "**not kept**"


def _cold_starts(measurement: Measurement) -> Iterator[str]:
    yield from _heading(
        "function",
        "why that memory",
        "memory (MB)",
        "INIT (s)",
        "first call (s)",
        "at its share (s)",
        "peak (MiB)",
        words=2,
    )
    entries = {entry.name: entry for entry in CATALOGUE}
    for each in measurement.cold_starts:
        entry = entries[each.function]
        share = min(1.0, entry.memory / _WHOLE_PROCESSOR)
        seconds = (f"{number:.2f}" for number in (each.init_seconds, each.call_seconds, each.call_seconds / share))
        yield _row(entry.words, _why(entry), str(entry.memory), *seconds, f"{each.peak_mib:.0f}")


def _why(entry: Entry) -> str:
    if {"git", "archives"} <= entry.needs:
        return "git's processes; the template and files of up to 100 MB in memory; the processor share"
    if "git" in entry.needs:
        return "git's processes beside Python"
    if "archives" in entry.needs:
        return (
            "Python and its clients; reads an archive's contents"
            if entry.in_product
            else "Python and its clients; S3 copies"
        )
    return "Python and its clients"
