"""The index of the decisions, from their pages' titles and their first lines."""

from __future__ import annotations

from pathlib import Path

FOLDER = Path(__file__).parents[1] / "decisions"


def page() -> str:
    """Return the page's text: one line for each decision."""
    lines = [f"- [{_title(file)}]({file.name})" for file in files()]
    begin = [
        "# Decisions",
        "",
        "Made from the pages by `make reference`; do not edit. One page each: the problem, what was",
        "",
    ]
    begin[2] += " decided, and what was not."
    return "\n".join([*begin, *lines]) + "\n"


def files() -> list[Path]:
    """Return the decisions' pages, by number."""
    return sorted(FOLDER.glob("[0-9]*.md"))


def _title(file: Path) -> str:
    return file.read_text(encoding="utf-8").splitlines()[0].removeprefix("# ")
