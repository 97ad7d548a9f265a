"""Every limit, wait and size that is named in the code, in a golden file: to change one is a decision.

`GOLDEN=write` writes the file; its difference is read like code. What each does is held where it is used.
"""

from __future__ import annotations

import ast
import inspect
import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict, is_dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from tests.unit.test_defaults import modules

GOLDEN = Path(__file__).parent / "golden" / "numbers.txt"
# The tests set the first themselves; the table is listed by its functions' names (handlers); errors of an operating
# system have other numbers in another.
ELSEWHERE = {"clients.repeating.FIRST_SECONDS", "catalogue.CATALOGUE", "clients.git.merging._UNUSABLE"}


def named(module: ModuleType) -> Iterator[str]:
    """Yield the constants of a module, in their order."""
    for node in ast.parse(inspect.getsource(module)).body:
        if isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names = [each for target in targets for each in getattr(target, "elts", [target])]
            yield from (each.id for each in names if isinstance(each, ast.Name) and each.id.isupper())


def numbers(value: Any) -> Any:
    """Return a number, or what holds numbers alone or by name; else None."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    if is_dataclass(value) and not isinstance(value, type):
        return numbers(asdict(value))
    if isinstance(value, Mapping):
        found = {key: numbers(each) for key, each in value.items()}
        return {key: each for key, each in found.items() if each is not None} or None
    if isinstance(value, tuple | list):
        return [each for item in value if (each := numbers(item)) is not None] or None
    return None


def written() -> Iterator[str]:
    for module in sorted(modules(), key=lambda each: each.__name__):
        for name in named(module):
            full = f"{module.__name__.removeprefix('custom_resources.')}.{name}"
            if full not in ELSEWHERE and (found := numbers(getattr(module, name, None))) is not None:
                yield f"{full} = {found}"


def test_a_limit_or_a_wait_changes_by_decision_only() -> None:
    found = "".join(f"{line}\n" for line in written())
    if os.environ.get("GOLDEN") == "write":
        GOLDEN.write_text(found, encoding="utf-8")
    assert found == GOLDEN.read_text(encoding="utf-8")
