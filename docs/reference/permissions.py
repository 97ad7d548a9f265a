"""The page of what each function's role allows, from the catalogue."""

from __future__ import annotations

from collections.abc import Iterator

from custom_resources.catalogue import CATALOGUE, Entry
from docs.reference import tables


def page() -> str:
    """Return the page's text."""
    return tables.page(
        "Permissions",
        "What each function's role allows, beside its own log. `products/foundation/roles.py` names the ARNs;",
        "[iam.md](../iam.md) has every statement of every role.",
        "",
        *(line for entry in CATALOGUE for line in _permissions(entry)),
    )


def _permissions(entry: Entry) -> Iterator[str]:
    yield from (f"## {entry.name}", "")
    rows = ((", ".join(f"`{action}`" for action in each.actions), each.on) for each in entry.permissions)
    yield from tables.table(("actions", "on"), rows)
