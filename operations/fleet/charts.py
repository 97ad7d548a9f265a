"""The fleet as charts: SVG, drawn by Vega-Lite without a browser."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from operations.errors import ChartsNotInstalled
from operations.fleet.facts import STATES, Fleet

_AGES = (("up to a day", 1), ("up to a week", 7), ("up to a month", 30))
_OLDER = "over a month"
_UNKNOWN = "unknown"
# Paul Tol's "muted" colours: told apart by people who see few colours, too.
_COLOURS = {
    "current": "#117733",
    "waiting": "#DDCC77",
    "declined": "#CC6677",
    "outdated": "#88CCEE",
    "off": "#BBBBBB",
    "changing": "#44AA99",
    "failed": "#882255",
    "gone": "#332288",
    "archived": "#999933",
    "unknown": "#555555",
}
_HEIGHT = 26  # of a bar, in pixels


@dataclass(frozen=True)
class Chart:
    """A chart with what it shows in words and numbers, for people who do not see it."""

    title: str
    label: str
    counts: Mapping[str, int]
    svg: str


def charts(fleet: Fleet) -> list[Chart]:
    """Return the charts. Raises ChartsNotInstalled."""
    return [
        _bars("Versions in the default branches", "Version", "Repositories", versions(fleet)),
        _bars("Progress towards the wanted version", "State", "Projects", states(fleet), _COLOURS),
        _bars("Open template pull requests by age", "Age", "Pull requests", ages(fleet)),
    ]


def versions(fleet: Fleet) -> dict[str, int]:
    """Count repositories by the version in their default branch, the newest first."""
    counts = Counter(each.version or _UNKNOWN for project in fleet.projects for each in project.repositories)
    return {name: counts[name] for name in sorted(counts, key=_order, reverse=True)}


def states(fleet: Fleet) -> dict[str, int]:
    """Count projects by state."""
    counts = Counter(project.state for project in fleet.projects)
    return {state: counts[state] for state in STATES if counts[state]}


def ages(fleet: Fleet) -> dict[str, int]:
    """Count open template pull requests by how long they have been open at the time of the look."""
    now = datetime.fromisoformat(fleet.time)
    found = [now - datetime.fromisoformat(pull.since) for each in fleet.projects for _, pull in each.opens]
    counts = Counter(_age(each) for each in found)
    return {name: counts[name] for name in (*(name for name, _ in _AGES), _OLDER)}


def _age(since: timedelta) -> str:
    return next((name for name, days in _AGES if since <= timedelta(days=days)), _OLDER)


def _order(version: str) -> list[int]:
    return [int(part) if part.isdecimal() else -1 for part in version.removeprefix("v").split(".")]


def _bars(
    title: str, label: str, unit: str, counts: Mapping[str, int], colours: Mapping[str, str] | None = None
) -> Chart:
    """Draw horizontal bars with their numbers beside them."""
    try:
        import vl_convert
    except ImportError:
        raise ChartsNotInstalled from None
    colour: dict[str, Any] = {"value": "#225588"}
    if colours:
        scale = {"domain": list(colours), "range": list(colours.values())}
        colour = {"field": label, "type": "nominal", "scale": scale, "legend": None}
    most = max(counts.values(), default=0)
    ticks = list(range(0, most + 1, max(1, most // 8)))  # whole numbers only
    axes: dict[str, Any] = {
        "y": {"field": label, "type": "nominal", "sort": None, "title": None},
        "x": {"field": unit, "type": "quantitative", "title": unit, "axis": {"values": ticks, "format": "d"}},
    }
    specification = {
        "$schema": "https://vega.github.io/schema/vega-lite/v5.json",
        "width": 560,
        "height": {"step": _HEIGHT},
        "background": "white",
        "data": {"values": [{label: name, unit: count} for name, count in counts.items()]},
        "encoding": axes,
        "layer": [
            {
                "mark": {"type": "bar", "aria": False, "stroke": "#333333", "strokeWidth": 0.5},
                "encoding": {"color": colour},
            },
            {"mark": {"type": "text", "aria": False, "align": "left", "dx": 4}, "encoding": {"text": {"field": unit}}},
        ],
        "config": {"aria": False, "font": "sans-serif", "axis": {"labelFontSize": 12, "titleFontSize": 12}},
    }
    return Chart(title, label, counts, vl_convert.vegalite_to_svg(specification))
