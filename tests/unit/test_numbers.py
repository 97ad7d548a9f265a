"""The numbers that the code holds to (limits, tries, seconds, bytes) are as they were: changing one is a decision.

A limit off by one, or ten times as long a wait, changes no other test. `GOLDEN=write` writes the page anew.
"""

from __future__ import annotations

import ast
import os
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
GOLDEN = Path(__file__).parent / "golden" / "numbers.txt"
ROOMS = ("custom_resources", "products")


def only_numbers(value: ast.expr) -> bool:
    """Tell whether an expression is made of numbers alone: 64 * 1024, (1, 2, 3)."""
    parts = (ast.Constant, ast.BinOp, ast.UnaryOp, ast.Tuple, ast.operator, ast.unaryop, ast.expr_context)
    nodes = list(ast.walk(value))
    constants = [node.value for node in nodes if isinstance(node, ast.Constant)]
    return (
        bool(constants)
        and all(isinstance(node, parts) for node in nodes)
        and all(isinstance(each, int | float) and not isinstance(each, bool) for each in constants)
    )


def numbers() -> Iterator[str]:
    """Yield a line for each module's name that is a number, or several."""
    for file in sorted(path for room in ROOMS for path in (ROOT / room).rglob("*.py")):
        for node in ast.parse(file.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None and only_numbers(node.value):
                (target,) = node.targets if isinstance(node, ast.Assign) else [node.target]
                value = eval(compile(ast.Expression(node.value), str(file), "eval"), {"__builtins__": {}})
                yield f"{file.relative_to(ROOT).as_posix()} {ast.unparse(target)} = {value}"


def test_a_number_is_changed_by_decision() -> None:
    found = "".join(f"{line}\n" for line in numbers())
    if os.environ.get("GOLDEN") == "write":
        GOLDEN.write_text(found, encoding="utf-8")
    assert found == GOLDEN.read_text(encoding="utf-8"), "GOLDEN=write writes it anew"


def test_numbers_in_every_spelling_are_found() -> None:
    said = {
        "1_000": True,
        "64 * 1024": True,
        "-1": True,
        "(1, 2.5)": True,
        "'1'": False,
        "True": False,
        "len(x)": False,
    }
    for text, found in said.items():
        assert only_numbers(ast.parse(text, mode="eval").body) is found, text
