"""The page of metrics, alarms and the dashboard, from FoundationStack's template; with a picture of the dashboard."""

from __future__ import annotations

import html
import json
from collections.abc import Iterable, Iterator
from typing import Any

from custom_resources.telemetry import METRICS
from docs.reference import tables
from products.rollout import names as rollouts

PICTURE = "dashboard.svg"
_CELL = 40  # pixels of the picture for a unit of the dashboard's grid, which is 24 wide
_TITLE = 14


def page(template: dict[str, Any]) -> str:
    """Return the page's text, from FoundationStack's template as the shipped settings render it."""
    return tables.page(
        "Metrics, alarms and the dashboard",
        "## Metrics",
        "",
        "The functions count them in CloudWatch's embedded format: namespace `StudioProjectTemplate`, dimension",
        "`service` with the function's name. Each adds 1 for one event.",
        "",
        *tables.table(("metric", "counts"), ((f"`{name}`", said) for name, said in METRICS.items())),
        "A rollout's machines count with the dimension `service` = `rollout`.",
        "",
        *tables.table(("metric", "counts"), ((f"`{name}`", said) for name, said in rollouts.METRICS.items())),
        "## Alarms",
        "",
        "Each publishes to the topic that `notification_email` subscribes to. None goes off for want of data.",
        "",
        *tables.table(("goes off when", "metric", "threshold", "in"), _alarms(template)),
        "## Dashboard",
        "",
        f"FoundationStack makes one dashboard, `{_dashboard(template)['DashboardName']}` (CloudWatch, Dashboards).",
        "Launches that need somebody are under Attention; what the functions do is below.",
        "",
        f"![The dashboard's graphs in their places]({PICTURE})",
        "",
        *tables.table(("graph", "shows"), _graphs(template)),
    )


def picture(template: dict[str, Any]) -> str:
    """Return the dashboard's graphs in their places, as SVG."""
    widgets = _widgets(template)
    height = max(each["y"] + each["height"] for each in widgets) * _CELL // 2
    drawn = "\n".join(line for each in widgets for line in _drawn(each))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {24 * _CELL} {height}" role="img" '
        f'font-family="sans-serif" font-size="{_TITLE}">\n<title>The dashboard</title>\n{drawn}\n</svg>\n'
    )


def _alarms(template: dict[str, Any]) -> Iterator[Iterable[str]]:
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::CloudWatch::Alarm":
            alarm = resource["Properties"]
            metric = f"`{alarm['Namespace']}` `{alarm['MetricName']}`" if "Namespace" in alarm else "an expression"
            minutes = f"{alarm['Period'] // 60} min" if "Period" in alarm else "-"
            yield alarm["AlarmDescription"], metric, f"{alarm['Threshold']:g}", minutes


def _dashboard(template: dict[str, Any]) -> dict[str, Any]:
    (found,) = (each for each in template["Resources"].values() if each["Type"] == "AWS::CloudWatch::Dashboard")
    properties: dict[str, Any] = found["Properties"]
    return properties


def _widgets(template: dict[str, Any]) -> list[dict[str, Any]]:
    body = _dashboard(template)["DashboardBody"]
    text = (
        body
        if isinstance(body, str)
        else "".join(part if isinstance(part, str) else "x" for part in body["Fn::Join"][1])
    )
    widgets: list[dict[str, Any]] = json.loads(text)["widgets"]
    return widgets


def _graphs(template: dict[str, Any]) -> Iterator[Iterable[str]]:
    for widget in _widgets(template):
        yield widget["properties"]["title"], ", ".join(dict.fromkeys(_shown(widget)))


def _shown(widget: dict[str, Any]) -> Iterator[str]:
    """Yield what a graph's lines are: counters by their names, else the metric once for all functions."""
    for metric in widget["properties"]["metrics"]:
        options = metric[-1] if isinstance(metric[-1], dict) else {}
        if options.get("visible") is False:
            continue
        name = options["label"] if "expression" in options else metric[1]
        yield f"`{name}`" if "expression" in options or "rollout" in metric else f"`{name}` of each function or queue"


def _drawn(widget: dict[str, Any]) -> Iterator[str]:
    x, y = widget["x"] * _CELL + 4, widget["y"] * _CELL // 2 + 4
    width, height = widget["width"] * _CELL - 8, widget["height"] * _CELL // 2 - 8
    yield f'<rect x="{x}" y="{y}" width="{width}" height="{height}" rx="6" fill="#ffffff" stroke="#5f6b7a"/>'
    title = html.escape(widget["properties"]["title"])
    yield f'<text x="{x + 12}" y="{y + 24}" fill="#16191f" font-weight="bold">{title}</text>'
    for number, shown in enumerate(dict.fromkeys(_shown(widget))):
        said = html.escape(shown.replace("`", ""))
        yield f'<text x="{x + 12}" y="{y + 48 + number * 18}" fill="#414d5c">{said}</text>'
