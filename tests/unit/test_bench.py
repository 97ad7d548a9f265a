"""The bench's report, from a made-up measurement; nothing is measured here."""

from __future__ import annotations

import json
from itertools import product
from pathlib import Path

import pytest

from custom_resources.catalogue import CATALOGUE, Entry
from tests.bench.cold_start import cold_starts, event
from tests.bench.measurement import (
    BASELINES,
    OPERATIONS,
    WITH_SECRETS,
    WITHOUT_SECRETS,
    ColdStart,
    Cost,
    Measurement,
    Pair,
)
from tests.bench.report import as_json, promises, tables, with_tables

PAGE = (Path(__file__).parents[2] / "docs" / "benchmarks.md").read_text(encoding="utf-8")


def cost(seconds: float, rest: int = 2) -> Cost:
    return Cost(rest=rest, git=10, processes=12, up=1234, down=56789, seconds=seconds)


def pair(operation: str, commits: int, latency: int, seconds: float, baseline: str = WITHOUT_SECRETS) -> Pair:
    return Pair(operation, baseline, commits, latency, cost(seconds), cost(2.0, rest=60))


def measurement(*pairs: Pair) -> Measurement:
    return Measurement(2, 3, pairs, (ColdStart("repository_template", 0.75, 0.1, 84.4),))


def rows(text: str) -> list[list[str]]:
    """Return the cells of all tables' rows."""
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line[:1] == "|"]


def test_a_ratio_is_the_median_of_its_rounds_and_of_nothing_else() -> None:
    others = [pair("clean merge", 0, 120, 9.0), pair("conflict", 0, 60, 9.0), pair("clean merge", 20_000, 60, 9.0)]
    with_secrets = pair("clean merge", 0, 60, 0.5, WITH_SECRETS)
    found = measurement(*(pair("clean merge", 0, 60, seconds) for seconds in (1.0, 8.0, 1.5)), *others, with_secrets)
    table = rows(tables(found))
    assert ["clean merge", WITHOUT_SECRETS, "new repository", "0.75", "4.50"] in table
    assert ["clean merge", WITH_SECRETS, "new repository", "0.25", "-"] in table
    assert ["clean merge", WITHOUT_SECRETS, "20,000 commits", "4.50", "-"] in table


def test_counts_stand_once_for_ours_and_for_each_naive_update() -> None:
    found = measurement(pair("clean merge", 0, 0, 1.0), pair("clean merge", 0, 0, 1.0, WITH_SECRETS))
    table = rows(tables(found))
    assert ["clean merge", "new repository", "2", "10", "12", "1,234", "56,789"] in table
    for baseline in BASELINES:
        assert table.count([baseline, "new repository", "60", "10", "12", "1,234", "56,789"]) == 1


def test_a_cold_start_is_told_at_the_functions_memory() -> None:
    [row] = [row for row in rows(tables(measurement())) if row[0] == "repository template"]
    assert row[2:] == ["1024", "0.75", "0.10", "0.17", "84"]


@pytest.mark.parametrize(
    ("commits", "seconds", "said"),
    [
        (0, 2.0, "- new repository: at most 1.0; measured 1.00, kept."),
        (0, 2.2, "- new repository: at most 1.0; measured 1.10, **not kept**."),
        (20_000, 1.2, "- 20,000 commits: at most 0.6; measured 0.60, kept."),
        (20_000, 1.4, "- 20,000 commits: at most 0.6; measured 0.70, **not kept**."),
        (2_000, 1.0, "- 20,000 commits: at most 0.6; not measured."),
    ],
)
def test_a_promise_is_held_against_what_was_measured(commits: int, seconds: float, said: str) -> None:
    assert said in promises(measurement(pair("clean merge", commits, 60, seconds)))


def test_the_json_has_every_measurement_and_the_medians() -> None:
    data = json.loads(as_json(measurement(pair("delete", 0, 60, 1.0), pair("delete", 0, 60, 3.0))))
    assert [each["ours"]["seconds"] for each in data["pairs"]] == [1.0, 3.0]
    assert data["ratios"] == [
        {"operation": "delete", "baseline": WITHOUT_SECRETS, "commits": 0, "by_latency": {"60": 1.0}}
    ]
    assert data["cold_starts"][0]["function"] == "repository_template"


def test_the_tables_alone_are_replaced_in_the_page() -> None:
    found = measurement(pair("delete", 0, 60, 1.0))
    page = with_tables(PAGE, found)
    assert with_tables(page, found) == page
    assert tables(found) in page
    assert page.splitlines()[0] == PAGE.splitlines()[0]
    assert page.splitlines()[-1] == PAGE.splitlines()[-1]
    with pytest.raises(ValueError, match="no place"):
        with_tables("# Another page\n", found)


def test_the_page_has_every_operation_every_baseline_and_every_function() -> None:
    measured = {row[0] for row in rows(PAGE)}
    assert measured >= {*OPERATIONS, *BASELINES, *(entry.words for entry in CATALOGUE)}
    timed = {tuple(row[:3]) for row in rows(PAGE) if row[1] in BASELINES}
    expected = {(*each, WITHOUT_SECRETS) for each in product(OPERATIONS, ("new repository", "20,000 commits"))}
    expected -= {("launch", "20,000 commits", WITHOUT_SECRETS)}  # a launch has no history
    assert {(operation, history, baseline) for operation, baseline, history in timed} >= expected
    assert "not measured" not in PAGE


@pytest.mark.parametrize("entry", [entry for entry in CATALOGUE if entry.class_name], ids=lambda entry: entry.name)
def test_the_first_call_of_a_cold_start_has_properties_that_its_function_takes(entry: Entry) -> None:
    model = entry.load().properties
    assert model.model_validate(event(entry)["ResourceProperties"])


@pytest.mark.slow
@pytest.mark.long  # a process for each function; tests/unit/test_handlers.py loads them in one
def test_every_function_accepts_the_first_call_of_its_cold_start() -> None:
    found = cold_starts(1)
    assert [each.function for each in found] == [entry.name for entry in CATALOGUE]
    assert all(each.init_seconds > 0 and each.peak_mib > 0 for each in found)
