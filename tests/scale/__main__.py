"""`make scale`: simulate fleets, print the table, and write it and the plot into docs/scale.md and docs/scale.svg."""

from __future__ import annotations

import logging
from pathlib import Path
from unittest.mock import patch

from tests.scale.report import FLEETS, SCENARIOS, plot, table, with_table
from tests.scale.rollout import Rollout

PAGE = Path(__file__).parents[2] / "docs" / "scale.md"


def main() -> None:
    """Simulate every scenario: about a minute."""
    logging.disable(logging.CRITICAL)
    with patch("custom_resources.call.count"):
        outcomes = {scenario: Rollout(scenario).run() for scenario in SCENARIOS}
    PAGE.write_text(with_table(PAGE.read_text(encoding="utf-8"), outcomes), encoding="utf-8")
    largest = {scenario: each for scenario, each in outcomes.items() if scenario.projects == max(FLEETS)}
    PAGE.with_suffix(".svg").write_text(plot(largest), encoding="utf-8")
    print(table(outcomes))  # noqa: T201


if __name__ == "__main__":
    main()
