"""Where in settings.toml a setting is: tomllib has no positions. Pure."""

from __future__ import annotations

import re
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
    lines = text.replace("\r\n", "\n").split("\n")  # TOML's ends of lines: Python's others may stand in a text
    number = 0
    while number < len(lines):
        stripped = lines[number].strip()
        first, number = number + 1, number + 1
        if not stripped or stripped.startswith("#"):
            comment = [*comment, stripped.lstrip("#").strip()] if stripped else []
            continue
        statement = stripped
        while _parsed(statement) is None:  # an array or a text of several lines
            statement, number = f"{statement}\n{lines[number]}", number + 1
        path = _path(statement)
        table, path = (path, path) if statement.startswith("[") else (table, table + path)
        yield Statement(path, first, " ".join(comment))
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


def _path(statement: str) -> Path:
    """Return the keys that a table's head has, or that stand before the first `=` that is in no quotes."""
    if statement.startswith("["):
        return tuple(_keys(_parsed(statement)))
    before = (statement[: found.start()] for found in re.finditer("=", statement))
    return next(tuple(_keys(parsed)) for key in before if (parsed := _parsed(f"{key} = 0")))


def _keys(document: Any) -> Iterator[str]:
    while document:
        if isinstance(document, list):  # of tables
            [document] = document
        else:
            [(key, document)] = document.items()
            yield key
