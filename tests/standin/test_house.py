"""The stand-ins are a house of their own: they import nothing of ours, and no two of their files know each other."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
OURS = {"custom_resources", "products", "operations", "local", "tests", "layers", "aws_cdk", "constructs"}


def modules() -> dict[str, Path]:
    """Return the files of the stand-ins by their module's name."""
    found = {}
    for path in sorted((ROOT / "standins").rglob("*.py")):
        name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        found[name.removesuffix(".__init__")] = path
    return found


def imported(text: str, known: Mapping[str, object]) -> Iterator[str]:
    """Yield what a file imports, wherever in it: in functions and for type checking too."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative imports are not followed here"
            for alias in node.names:
                below = f"{node.module}.{alias.name}"
                yield below if below in known else node.module or ""


def circle(files: Mapping[str, str]) -> list[str]:
    """Return the modules of a circle of imports; none is good."""
    graph = {name: {it for it in imported(text, files) if it in files} for name, text in files.items()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def test_no_two_files_of_the_stand_ins_know_each_other() -> None:
    files = {name: path.read_text(encoding="utf-8") for name, path in modules().items()}
    assert len(files) > 60
    assert circle(files) == []


@pytest.mark.parametrize(
    "text",
    [
        "import standins.b",
        "from standins.b import thing",
        "from standins import b",
        "def act():\n    from standins.b import thing",
        "if TYPE_CHECKING:\n    from standins.b import Thing",
    ],
)
def test_a_circle_would_be_found(text: str) -> None:
    files = {"standins": "", "standins.a": text, "standins.b": "from standins.c import x", "standins.c": ""}
    assert circle(files) == []
    assert set(circle({**files, "standins.c": "import standins.a"})) == {"standins.a", "standins.b", "standins.c"}


def test_the_stand_ins_import_nothing_of_ours() -> None:
    known = modules()
    places = {
        name: {it.split(".")[0] for it in imported(path.read_text(encoding="utf-8"), known)}
        for name, path in known.items()
    }
    assert {name: tops & OURS for name, tops in places.items() if tops & OURS} == {}
    others = set().union(*places.values()) - set(sys.stdlib_module_names) - {"standins"}
    assert others <= {
        *("boto3", "botocore", "mypy_boto3_cloudformation", "ministack", "cfnlint", "jsonschema", "werkzeug"),
        *("pydantic", "cryptography", "jsonata", "jwt", "nacl", "yaml", "markdown_it", "markupsafe"),
    }


def test_the_two_stand_ins_do_not_know_each_other() -> None:
    known = modules()
    for name, path in known.items():
        other = "standins.aws" if name.startswith("standins.github") else "standins.github"
        if name not in ("standins", "standins.serving"):
            wrong = [it for it in imported(path.read_text(encoding="utf-8"), known) if it.startswith(other)]
            assert wrong == [], name


def test_a_file_is_one_screen_after_the_other_not_a_book() -> None:
    """Files have under 400 lines, functions at most 40."""
    long_files, long_functions = dict[str, int](), dict[str, int]()
    for name, path in modules().items():
        text = path.read_text(encoding="utf-8")
        if text.count("\n") >= 400:
            long_files[name] = text.count("\n")
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef) and (lines := (node.end_lineno or 0) - node.lineno + 1) > 40:
                long_functions[f"{name}.{node.name}"] = lines
    assert long_files == {}
    assert long_functions == {}
