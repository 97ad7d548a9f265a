"""The documentation leads somewhere: tests that it names, links, and commands."""

from __future__ import annotations

import ast
import re
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from custom_resources.errors import described
from local.arguments import parser
from operations import command_line
from products.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
_OF_OTHERS = "node_modules"
PAGES = [
    *sorted(ROOT.glob("*.md")),
    *(page for page in sorted((ROOT / "docs").rglob("*.md")) if _OF_OTHERS not in page.parts),
    ROOT / "layers" / "README.md",
]
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


# -- settings that are named --------------------------------------------------------------------------------------

SETTING = re.compile(r"`\[(?P<section>[a-z_.]+)\](?: (?P<key>[a-z_]+))?(?: = [^`]*)?`")
DOTTED = re.compile(r"`(?P<section>[a-z_]+)\.(?P<key>[a-z_]+)`")


@cache
def shipped() -> dict[str, Any]:
    return tomllib.loads((ROOT / "settings.toml").read_text(encoding="utf-8"))


def known(section: str, key: str) -> bool:
    """Tell whether the settings model has a section with that key ("" = the section alone)."""
    model: Any = Settings
    for name in section.split("."):
        field = model.model_fields.get(name)
        if field is None:
            return False
        model = field.annotation
        if not (isinstance(model, type) and issubclass(model, BaseModel)):
            return not key  # a table of free names
    return not key or key in model.model_fields


def named_settings(page: Path) -> set[tuple[str, str]]:
    """Return the settings that a page names: `[section] key`, and `section.key` of a section there is."""
    text = page.read_text(encoding="utf-8")
    about = "\n".join(line for line in text.splitlines() if "setting" in line.lower())
    dotted = {(found["section"], found["key"]) for found in DOTTED.finditer(about)}
    return {(found["section"], found["key"] or "") for found in SETTING.finditer(text)} | {
        (section, key) for section, key in dotted if section in Settings.model_fields
    }


def test_settings_that_are_named_exist() -> None:
    named = {(page.name, *setting) for page in PAGES for setting in named_settings(page)}
    assert len(named) > 15
    assert sorted((page, f"[{section}] {key}") for page, section, key in named if not known(section, key)) == []


def test_settings_that_errors_name_exist() -> None:
    sentences = [each.remedy for each in [*described(), *described("operations.errors"), *described("products.errors")]]
    named = [
        (found["section"], found["key"])
        for sentence in sentences
        for found in re.finditer(r"\[?(?P<section>[a-z_]+)(?:\.|\] )(?P<key>[a-z_]+) in settings\.toml", sentence)
    ]
    assert len(named) > 2
    assert [setting for setting in named if not known(*setting)] == []


def test_a_setting_that_does_not_exist_is_found() -> None:
    assert known("studio.model_approval", "workflow")
    assert not known("studio.model_approval", "nothing")
    assert not known("nowhere", "")


def test_every_shipped_setting_is_in_the_model() -> None:
    unknown = [
        f"[{section}] {key}"
        for section, table in shipped().items()
        if isinstance(table, dict)
        for key in table
        if not known(section, key)
    ]
    assert unknown == []
