"""What a drift report says to people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def table(report: Mapping[str, Any]) -> str:
    """Return the report in Markdown, the column that changed most first."""
    lines = [
        "",
        f"{report['rows']} rows against the model's baseline. A column drifted if its population stability index (PSI)",
        "is over the limit, and over what chance alone gives with so many rows (99 %).",
        "",
        "| column | PSI | limit | chance | drifted | changed most |",
        "|---|---|---|---|---|---|",
    ]
    for name, each in sorted(report["columns"].items(), key=lambda entry: -entry[1]["psi"]):
        most = each["changed_most"]
        moved = f"{most['bin']}: {most['before']:.0%} to {most['now']:.0%}".replace("|", "\\|")
        drifted = "**yes**" if each["drifted"] else "no"
        lines.append(f"| {name} | {each['psi']:.3f} | {report['limit']} | {each['chance']:.3f} | {drifted} | {moved} |")
    return "\n".join(lines) + "\n"


def verdict(report: Mapping[str, Any]) -> str:
    """Say in a sentence what drifted."""
    if not report["drifted"]:
        return f"No drift: none of {len(report['columns'])} columns is over its limit."
    return (
        f"These columns drifted: {', '.join(report['drifted'])}. The rows were scored. "
        "Check whether the data are right; if they are, train the model on such rows."
    )
