"""The numbers that the functions live by, read from the code: sizes, counts and times, each a named constant."""

from __future__ import annotations

import ast
import importlib
import io
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import custom_resources

ROOM = Path(custom_resources.__file__).parent


@dataclass(frozen=True)
class Limit:
    """A constant: its name, its value as people write it, the module that has it, and the comment beside it."""

    name: str
    value: str
    module: str
    comment: str


def limits() -> Iterator[Limit]:
    """Yield each module's numbers, in the order of files and lines."""
    for file in sorted(ROOM.rglob("*.py")):
        yield from _of_module(file)


def _of_module(file: Path) -> Iterator[Limit]:
    text = file.read_text(encoding="utf-8")
    name = ".".join(file.relative_to(ROOM.parent).with_suffix("").parts)
    comments = _comments(text)
    for statement in ast.parse(text).body:
        for target, value in _assigned(statement):
            # As it is written: what runs may have changed the module's own.
            found = eval(compile(ast.Expression(value), name, "eval"), dict(vars(importlib.import_module(name))))  # noqa: S307
            if (shown := _shown(found)) and not isinstance(value, (ast.Name, ast.Attribute)):
                yield Limit(target, shown, name.partition(".")[2], _comment(statement, *comments))


def _assigned(statement: ast.stmt) -> Iterator[tuple[str, ast.expr]]:
    """Yield the constants that a statement sets, with their expressions; those without numbers are left out."""
    if isinstance(statement, ast.AnnAssign) and statement.value:
        pairs: list[tuple[ast.expr, ast.expr]] = [(statement.target, statement.value)]
    elif isinstance(statement, ast.Assign):
        target, value = statement.targets[0], statement.value
        several = isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple)
        pairs = list(zip(target.elts, value.elts, strict=True)) if several else [(target, value)]  # type: ignore[attr-defined]
    else:
        return
    for target, value in pairs:
        if isinstance(target, ast.Name) and target.id.isupper() and any(map(_is_number, ast.walk(value))):
            yield target.id, value


def _is_number(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, (int, float)) and not isinstance(node.value, bool)


def _shown(value: object) -> str:
    """Return a number as people write it; a time says its unit; "" for anything else."""
    if isinstance(value, timedelta):
        return f"{value.total_seconds():,g} s"
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return f"{value:,}"
    if isinstance(value, tuple) and value and all(isinstance(each, (int, float)) for each in value):
        return ", ".join(f"{each:,}" for each in value)
    return ""


def _comment(statement: ast.stmt, beside: dict[int, str], above: dict[int, str]) -> str:
    """Return what is said beside a statement, or in the lines right above it."""
    first, lines = statement.lineno, list[str]()
    while (first := first - 1) in above:
        lines.insert(0, above[first])
    return beside.get(statement.end_lineno or 0) or " ".join(lines)


def _comments(text: str) -> tuple[dict[int, str], dict[int, str]]:
    """Return by line the comments that stand beside code, and those that stand alone."""
    beside: dict[int, str] = {}
    alone: dict[int, str] = {}
    for each in tokenize.generate_tokens(io.StringIO(text).readline):
        said = each.string.lstrip("# ").partition(" # noqa")[0]
        if each.type == tokenize.COMMENT and not said.startswith(("noqa", "-- ")):
            (beside if each.line[: each.start[1]].strip() else alone)[each.start[0]] = said
    return beside, alone
