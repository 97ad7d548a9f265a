"""The documentation leads somewhere: tests that it names, links, and commands."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from local.arguments import parser
from operations import command_line

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")), ROOT / "layers" / "README.md"]
NAMED = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")
RELIABILITY = (ROOT / "docs" / "reliability.md").read_text(encoding="utf-8")


@cache
def named_in(path: str) -> set[str]:
    """Return the names of a file's test functions."""
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_tests_that_are_named_exist(page: Path) -> None:
    for path, name in NAMED.findall(page.read_text(encoding="utf-8")):
        assert (ROOT / path).is_file(), path
        assert name in named_in(path), f"{path}::{name}"


def test_every_promise_names_a_test() -> None:
    rows = [line for line in RELIABILITY.splitlines() if line.startswith("| ") and not line.startswith("| promise")]
    assert len(rows) > 25
    assert [row for row in rows if not NAMED.search(row)] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_relative_links_lead_somewhere(page: Path) -> None:
    text = re.sub(r"```.*?```|`[^`]*`", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    links = [link for link in re.findall(r"\]\(([^)\s]+)\)", text) if "://" not in link and not link.startswith("#")]
    assert [link for link in links if not (page.parent / link.partition("#")[0]).exists()] == []


def commands() -> list[str]:
    """Return the README's command lines, continued lines joined."""
    blocks = re.findall(r"```sh\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), flags=re.DOTALL)
    return [line.strip() for block in blocks for line in block.replace("\\\n", " ").splitlines() if line.strip()]


def test_every_make_target_of_the_readme_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE))
    asked = {target for line in commands() for target in re.findall(r"\bmake ([a-z-]+)", line)}
    assert len(asked) > 4
    assert asked <= targets


def arguments_of(line: str) -> list[str]:
    """Return a command's arguments, comments and optional marks left out."""
    return line.partition("#")[0].partition("python -m ")[2].split()[1:]


@pytest.mark.parametrize("line", [line for line in commands() if "python -m local" in line])
def test_every_local_command_of_the_readme_is_understood(line: str) -> None:
    assert parser().parse_args(arguments_of(line)).verb


@pytest.mark.parametrize("line", [line for line in commands() if "python -m operations" in line])
def test_every_operations_command_of_the_readme_is_understood(line: str) -> None:
    quoted = re.sub(r'"[^"]*"', "text", line)
    assert command_line._parser().parse_args(arguments_of(quoted))
