"""The page of the numbers that the functions live by."""

from __future__ import annotations

from docs.reference import tables
from docs.reference.numbers import limits


def page() -> str:
    """Return the page's text."""
    rows = ((f"`{each.name}`", each.value, f"`{each.module}`", each.comment or "-") for each in limits())
    return tables.page(
        "Limits",
        "Sizes are in bytes and times in seconds where the name does not say otherwise.",
        "",
        *tables.table(("limit", "value", "module", "what it is"), rows),
    )
