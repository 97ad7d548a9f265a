"""Where in settings.toml a setting is: tomllib has no positions. Pure."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

Path = tuple[str, ...]


@dataclass(frozen=True)
class Statement:
    """A key with its value, or the head of a table: the path, its first line (from 1), and the comment above it."""

    path: Path
    line: int
    comment: str


def statements(text: str) -> Iterator[Statement]:
    """Yield the statements of a valid TOML document, in its order."""
    table: Path = ()
    comment: list[str] = []
    lines = text.splitlines()
    number = 0
    while number < len(lines):
        stripped = lines[number].strip()
        first, number = number + 1, number + 1
        if not stripped or stripped.startswith("#"):
            comment = [*comment, stripped.lstrip("#").strip()] if stripped else []
            continue
        parsed, statement = _parsed(stripped), stripped
        while parsed is None and number < len(lines):  # an array or a text of several lines
            statement, number = f"{statement}\n{lines[number]}", number + 1
            parsed = _parsed(statement)
        is_table = stripped.startswith("[")
        path = _path(parsed or {}, keep_tables=not is_table)
        table = path if is_table else table
        yield Statement(path if is_table else table + path, first, " ".join(comment))
        comment = []


def line_of(text: str, where: Sequence[str]) -> int:
    """Return the line of the statement that sets a value, or begins its table; 0 where there is none."""
    best, line = 0, 0
    for each in statements(text):
        if len(each.path) > best and tuple(where[: len(each.path)]) == each.path:
            best, line = len(each.path), each.line
    return line


def _parsed(statement: str) -> dict[str, Any] | None:
    try:
        return tomllib.loads(statement)
    except tomllib.TOMLDecodeError:
        return None


def _path(document: Any, *, keep_tables: bool) -> Path:
    """Return the keys that a statement names: a dotted key, or a table's head. An inline table is a value."""
    found: list[str] = []
    while isinstance(document, list) and document:
        document = document[0]
    while isinstance(document, dict) and len(document) == 1 and not (keep_tables and found):
        [(key, document)] = document.items()
        found.append(key)
        while isinstance(document, list) and document and not keep_tables:
            document = document[0]
    return tuple(found)
