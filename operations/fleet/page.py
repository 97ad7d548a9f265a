"""The fleet as one HTML page that needs nothing else: charts, and a table of every project."""

from __future__ import annotations

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from operations.fleet.charts import charts
from operations.fleet.facts import STATES, Fleet
from operations.fleet.tables import summary


def page(fleet: Fleet) -> str:
    """Return the page. Raises ChartsNotInstalled.

    Everything that people named is escaped, and the page may load and run nothing.
    """
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    template = environment.get_template("page.html")
    return template.render(fleet=fleet, charts=charts(fleet), summary=summary(fleet), states=STATES)
