"""A module knows only the rooms its arrows point to, and a handler imports only what it needs."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from custom_resources.catalogue import CATALOGUE, Entry, Need

ROOT = Path(__file__).parents[2]
# The arrows of the house (docs/decisions/0052): what each room may import of the others.
ARROWS: dict[str, set[str]] = {
    "portfolio_app": {"products"},
    "products": {"custom_resources", "layers"},
    "custom_resources": set(),
    "operations": {"products", "custom_resources"},
    "local": {"operations", "products", "custom_resources", "standins"},
    "standins": set(),
    "layers": set(),
}
# Of custom_resources, deploy time and the command line read the table and pure content; operations also the clients.
OF_CUSTOM_RESOURCES = {
    "products": {
        "addresses",
        "catalogue",
        "datazone_actions",
        "project_file",
        "template_content",
        "errors",
        "rate_budget",
    },
    "operations": {
        *("addresses", "catalogue", "template_content", "errors", "properties", "rate_budget", "clients"),
        "markdown",
    },
}
FOREIGN = {
    "custom_resources": {"aws_cdk", "constructs", "moto", "ministack"},
    "products": {"github", "git", "nacl"},
    "operations": {"aws_cdk", "constructs"},
    "standins": {"aws_cdk", "constructs"},
    "local": {"aws_cdk", "constructs"},
}
RESOURCES = {entry.name: entry.module or entry.name for entry in CATALOGUE if entry.class_name}
PURE = (
    *("addresses.py", "project_file.py", "rate_budget.py", "template_content.py", "errors.py", "seal.py"),
    "markdown.py",
    "version_template.py",
    *(f"delivery/{name}.py" for name in ("lineage", "marks", "state", "plans", "planning")),
    *(f"delivery/{name}.py" for name in ("commit_text", "pull_request_text", "release_notes")),
)


def imports(path: Path) -> Iterator[str]:
    """Yield what a file imports anywhere in it, for its types too: modules, and the names taken from them."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def modules(room: str) -> list[Path]:
    """Return a room's files, whose names are Python's."""
    place = ROOT / room
    return sorted(place.rglob("*.py")) if place.is_dir() else [place.with_suffix(".py")]


def name_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


@pytest.mark.parametrize("room", sorted(ARROWS))
def test_a_room_imports_only_where_its_arrows_point(room: str) -> None:
    assert modules(room)
    shut = (ARROWS.keys() | {"tests"}) - ARROWS[room] - {room} | FOREIGN.get(room, set())
    wrong = [
        f"{path.relative_to(ROOT)}: {name}"
        for path in modules(room)
        for name in imports(path)
        if name.split(".")[0] in shut
    ]
    assert wrong == []


@pytest.mark.parametrize("room", sorted(OF_CUSTOM_RESOURCES))
def test_deploy_time_and_the_command_line_read_the_table_and_no_reconciler(room: str) -> None:
    wrong = [
        f"{path.relative_to(ROOT)}: {name}"
        for path in modules(room)
        for name in imports(path)
        if name.startswith("custom_resources.") and name.split(".")[1] not in OF_CUSTOM_RESOURCES[room]
    ]
    assert wrong == []


def test_no_modules_import_each_other_in_a_circle() -> None:
    files = {name_of(path): path for room in ARROWS for path in modules(room)}
    graph = {name: {other for other in imports(path) if other in files} - {name} for name, path in files.items()}
    order = TopologicalSorter(graph)
    order.prepare()  # raises CycleError, which names the circle


def test_reconcilers_meet_only_through_their_clients() -> None:
    assert {"github_repository", "repository_template", "actions_configuration", "studio_project"} <= set(RESOURCES)
    for module in RESOURCES.values():
        others = {f"custom_resources.{other}" for other in RESOURCES.values() if other != module}
        assert not others & set(imports(ROOT / "custom_resources" / f"{module.replace('.', '/')}.py"))
    for path in modules("custom_resources/clients"):
        assert not {f"custom_resources.{module}" for module in RESOURCES.values()} & set(imports(path))


@pytest.mark.parametrize("name", PURE)
def test_pure_modules_reach_no_host(name: str) -> None:
    side_effects = {"boto3", "botocore", "requests", "subprocess", "socket", "git", "github"}
    tree = ast.parse((ROOT / "custom_resources" / name).read_text(encoding="utf-8"))
    top = {n.module or "" for n in tree.body if isinstance(n, ast.ImportFrom)} | {
        alias.name for n in tree.body if isinstance(n, ast.Import) for alias in n.names
    }
    assert not {module.split(".")[0] for module in top} & side_effects
    assert not any(module.startswith("custom_resources.clients") for module in top)


def test_no_module_has_a_name_that_says_nothing() -> None:
    empty = {"utils", "util", "helpers", "helper", "common", "constants", "manager", "misc"}
    assert [path for room in ARROWS for path in modules(room) if path.stem in empty] == []


HEAVY: dict[Need, set[str]] = {"github": {"github", "jwt"}, "git": {"git"}}


def imported_by(handler: str) -> set[str]:
    """Return the modules that Lambda's INIT phase of a function imports, before its first event."""
    program = (
        "import json, sys; before = set(sys.modules); import custom_resources.handlers as h;"
        f"assert callable(getattr(h, {handler!r})); print(json.dumps(sorted(set(sys.modules) - before)))"
    )
    environment = {
        "PATH": os.environ["PATH"],
        "AWS_DEFAULT_REGION": "eu-west-1",
        "BUDGET_TABLE": "budget",
        "_HANDLER": f"custom_resources.handlers.{handler}",
    }
    found = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True, env=environment
    )
    return set(json.loads(found.stdout))


@pytest.mark.slow
@pytest.mark.long  # an interpreter for each function
@pytest.mark.parametrize("entry", CATALOGUE, ids=lambda entry: entry.name)
def test_a_function_imports_in_its_init_phase_what_it_needs_and_no_more(entry: Entry) -> None:
    found = {name.split(".")[0] for name in imported_by(entry.name)}
    assert "boto3" in found, "the clients are made there, too"
    for need, modules in HEAVY.items():
        if need in entry.needs:
            assert modules & found, f"{need} waits for the first request"
        else:
            assert not modules & found


def test_what_cannot_be_made_in_the_init_phase_is_said_when_the_first_event_comes() -> None:
    program = (
        "import custom_resources.handlers as h;"
        "h.github_repository({'RequestType': 'Create', 'StackId': 'arn:aws:cloudformation:x:1:stack/s/1'}, None)"
    )
    environment = {"PATH": os.environ["PATH"], "_HANDLER": "custom_resources.handlers.github_repository"}
    found = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False, env=environment
    )
    assert "not ready before the first event" in found.stdout
    assert "failed unexpectedly (NoRegionError). Find the exception in the function's log" in found.stderr
