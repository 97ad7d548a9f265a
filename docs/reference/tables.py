"""Rows of Markdown tables, for all pages of the reference."""

from __future__ import annotations

from collections.abc import Iterable, Iterator


def row(*cells: str) -> str:
    """Return one row; a pipe or a line break in a cell does not end it, and <words> are no HTML."""
    return "| " + " | ".join(_cell(cell.replace("|", "\\|").replace("\n", " ")) for cell in cells) + " |"


def _cell(text: str) -> str:
    code = text.split("`")  # every second part is code, where < is as it is
    return "`".join(part if number % 2 else part.replace("<", "&lt;") for number, part in enumerate(code))


def table(columns: Iterable[str], rows: Iterable[Iterable[str]]) -> Iterator[str]:
    """Yield a table's lines and the empty line after it."""
    names = list(columns)
    yield row(*names)
    yield row(*["---"] * len(names))
    yield from (row(*cells) for cells in rows)
    yield ""


def page(title: str, *lines: str) -> str:
    """Return a page's text: its title, where it comes from, and its lines."""
    return (
        "\n".join([f"# {title}", "", "Made from the code by `make reference`; do not edit.", "", *lines]).rstrip()
        + "\n"
    )
