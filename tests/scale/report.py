"""From what was simulated to a Markdown table and an SVG plot. No date, no path, no name of a machine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tests.scale.github import MEASURED, PUBLISHED, Limits
from tests.scale.rollout import CREATIONS_A_PROJECT, Outcome, Scenario

BEGIN, END = "<!-- simulated: make scale -->", "<!-- end of what is simulated -->"
LIMITS = (PUBLISHED, MEASURED[1], MEASURED[0])
FLEETS = (100, 1_000, 10_000)
SCENARIOS = (
    *(Scenario(projects, limits=limits) for projects in FLEETS for limits in LIMITS),
    Scenario(10_000, 20),
    Scenario(10_000, merges_first=True),
)
_POINTS = 80  # of a line in the plot
_TITLES = (
    *("projects", "GitHub permits, a minute and an hour", "at once", "hours", "projects an hour", "of the ceiling"),
    *("requests by REST, an hour", "refusals", "failures"),
)


def row(scenario: Scenario, outcome: Outcome) -> str:
    """Return a scenario's row of the table."""
    limits, hours = scenario.limits, outcome.hours
    cells = (
        f"{scenario.projects:,}" + (", merges first" if scenario.merges_first else ""),
        f"{limits.minute} and {limits.hour}, {limits.name}",
        f"{scenario.at_once}",
        f"{hours:.1f}",
        f"{scenario.projects / hours:,.0f}",
        f"{outcome.share(scenario):.0%}" if hours > 1 else "-",  # an hour's limit may be used at once
        f"{outcome.requests / hours:,.0f}",
        f"{outcome.refusals}",
        f"{outcome.failures}",
    )
    return f"| {' | '.join(cells)} |"


def table(outcomes: Mapping[Scenario, Outcome]) -> str:
    """Return the table of all scenarios."""
    head = [f"| {' | '.join(_TITLES)} |", "| ---: | --- |" + " ---: |" * (len(_TITLES) - 2)]
    return "\n".join(head + [row(*each) for each in outcomes.items()]) + "\n"


def with_table(page: str, outcomes: Mapping[Scenario, Outcome]) -> str:
    """Return a page whose table is of these outcomes. Raises ValueError for a page without its place."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError("The page has no place for what is simulated.")
    return f"{before}{begin}\n\n{table(outcomes)}\n{end}{after}"


def plot(outcomes: Mapping[Scenario, Outcome]) -> str:
    """Return an SVG of how many updates of the largest fleet have ended by when, beside the published ceiling."""
    import vl_convert

    values = [point for scenario, outcome in outcomes.items() for point in _line(scenario, outcome)]
    hours = max(FLEETS) / (PUBLISHED.hour / CREATIONS_A_PROJECT)
    ceiling = f"ceiling of what is published ({PUBLISHED.hour} an hour)"
    values += [{"hours": 0, "ended": 0, "line": ceiling}, {"hours": hours, "ended": max(FLEETS), "line": ceiling}]
    axes: dict[str, Any] = {
        "x": {"field": "hours", "type": "quantitative", "title": "hours"},
        "y": {"field": "ended", "type": "quantitative", "title": "updates that have ended"},
        "color": {"field": "line", "type": "nominal", "title": None, "sort": None, "legend": {"labelLimit": 400}},
        "strokeDash": {"field": "line", "type": "nominal", "title": None, "sort": None},
    }
    specification = {
        "$schema": "https://vega.github.io/schema/vega-lite/v5.json",
        "width": 560,
        "height": 320,
        "background": "white",
        "data": {"values": values},
        "mark": {"type": "line"},
        "encoding": axes,
        "config": {"font": "sans-serif", "legend": {"orient": "bottom", "columns": 1}},
    }
    return str(vl_convert.vegalite_to_svg(specification))


def _line(scenario: Scenario, outcome: Outcome) -> list[dict[str, object]]:
    name = _name(scenario.limits)
    if scenario.merges_first:
        name += ", merges first"
    if scenario.at_once < max(each.at_once for each in SCENARIOS):
        name += f", {scenario.at_once} at once"
    ended: Sequence[float] = sorted(outcome.ended)
    steps = [0, *(len(ended) * step // _POINTS for step in range(1, _POINTS + 1))]
    hours = [0.0] + [ended[count - 1] / 3600 for count in steps[1:]]
    return [{"hours": round(at, 3), "ended": count, "line": name} for at, count in zip(hours, steps, strict=True)]


def _name(limits: Limits) -> str:
    return f"{limits.minute} a minute and {limits.hour} an hour"
