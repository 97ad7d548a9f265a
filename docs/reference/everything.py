"""Every file of the documentation that is made from code, and its text."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from docs.reference import (
    command_line,
    decisions,
    errors,
    limits,
    metrics,
    permissions,
    product,
    resources,
    settings,
    settings_schema,
)

FOLDER = Path(__file__).parent


def pages(foundation: dict[str, Any], product_template: dict[str, Any]) -> dict[Path, str]:
    """Return the texts by file. Both templates are what the shipped settings render."""
    made = {
        "resources.md": resources.page(),
        "permissions.md": permissions.page(),
        "limits.md": limits.page(),
        "errors.md": errors.page(),
        "settings.md": settings.page(),
        "command-line.md": command_line.page(),
        "metrics.md": metrics.page(foundation),
        metrics.PICTURE: metrics.picture(foundation),
        "product.md": product.page(product_template),
    }
    return {
        **{FOLDER / name: text for name, text in made.items()},
        decisions.FOLDER / "index.md": decisions.page(),
        settings_schema.FILE: settings_schema.text(),
    }
