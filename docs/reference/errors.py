"""The page of all errors, from their tree."""

from __future__ import annotations

from collections.abc import Iterator

import custom_resources.errors
import operations.errors
import products.errors
from custom_resources.errors import described
from docs.reference import tables

_ROOMS = {
    "Functions": custom_resources.errors,
    "Command line": operations.errors,
    "Settings and synthesis": products.errors,
}


def page() -> str:
    """Return the page's text."""
    return tables.page(
        "Errors",
        "A final error fails the stack operation with both sentences. A retryable one is waited for.",
        "",
        *(line for title, room in _ROOMS.items() for line in _errors(title, room.__name__)),
    )


def _errors(title: str, module: str) -> Iterator[str]:
    yield from (f"## {title}", "")
    rows = ((f"`{each.name}`", each.kind, each.happened, each.remedy) for each in described(module))
    yield from tables.table(("error", "kind", "what happened", "what to do"), rows)
