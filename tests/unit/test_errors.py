"""The trees of errors: each class says what happened and what to do, and each raise gives what the sentences need."""

from __future__ import annotations

import ast
import string
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import custom_resources.errors
import operations.errors
import products.errors
from custom_resources.errors import (
    AwsDenied,
    BudgetSpent,
    FinalError,
    Problem,
    RepositoryGone,
    RetryLater,
    Signal,
    TokenRotated,
    described,
    subclasses,
)
from custom_resources.rate_budget import Cost

ROOT = Path(__file__).parents[2]
ROOMS = {"custom_resources": custom_resources.errors, "operations": operations.errors, "products": products.errors}
GIT = ROOT / "custom_resources" / "clients" / "git"
MODULES = sorted([ROOT / "portfolio_app.py", *(path for room in ROOMS for path in (ROOT / room).rglob("*.py"))])
BARE = {"Problem", "FinalError", "RetryLater", "Signal"}  # roots
ABSTRACT = {"NotPermitted", "InvalidTemplate", "SettingsError", "VersionError", "ProofError"}  # caught, never raised
# A text that was told already, on its way to Lambda: redacted, and short enough for CloudFormation.
HANDED_ON = {("custom_resources/handlers.py", "FinalError")}
CLASSES = {
    found.__name__: found
    for root in (Problem, Signal)
    for found in (root, *subclasses(root))
    if found.__module__ in {module.__name__ for module in ROOMS.values()}
}
TOLD = [found for found in CLASSES.values() if issubclass(found, Problem) and found.__name__ not in BARE | ABSTRACT]


def holes(found: type[Problem]) -> set[str]:
    """Return the names of the holes in both sentences."""
    templates = found.happened + found.remedy
    return {name for _, name, _, _ in string.Formatter().parse(templates) if name is not None}


def test_there_is_something_to_look_at() -> None:
    assert len(TOLD) > 100
    assert len(MODULES) > 30


@pytest.mark.parametrize("found", TOLD, ids=lambda found: found.__name__)
def test_every_class_says_what_happened_and_what_to_do(found: type[Problem]) -> None:
    assert found.__doc__
    assert found.__doc__.rstrip().endswith(".")
    assert found.happened.endswith(".")
    assert found.remedy.endswith(".")
    assert issubclass(found, (FinalError, RetryLater))
    assert all(name for name in holes(found)), "holes have names"


def drawn(module: str) -> list[str]:
    """Return the tree in a module's docstring, one class a line, indented by its depth."""
    tree = ast.parse((ROOT / module).read_text(encoding="utf-8"))
    lines = (ast.get_docstring(tree, clean=False) or "").splitlines()
    first = next(number for number, line in enumerate(lines) if line.startswith("    "))
    last = max(number for number, line in enumerate(lines) if line.startswith("    ")) + 1
    return [line.removeprefix("    ").rstrip() for line in lines[first:last]]


def real(root: type[Exception], module: str, depth: int = 0) -> Iterator[str]:
    """Yield a root and the module's classes below it, indented by depth."""
    yield "  " * depth + root.__name__
    for child in root.__subclasses__():
        if child.__module__ == module:
            yield from real(child, module, depth + 1)


@pytest.mark.parametrize(
    ("module", "roots"),
    [
        ("custom_resources/errors.py", ["Problem", "Signal"]),
        ("operations/errors.py", ["FinalError", "InvalidTemplate", "RetryLater"]),
        ("products/errors.py", ["FinalError"]),
    ],
)
def test_the_drawn_tree_is_the_real_one(module: str, roots: list[str]) -> None:
    name = module.removesuffix(".py").replace("/", ".")
    assert sorted(drawn(module)) == sorted(line for root in roots for line in real(CLASSES[root], name))
    parents: list[str] = []
    for line in drawn(module):
        depth = (len(line) - len(line.lstrip())) // 2
        parents = [*parents[:depth], line.strip()]
        if depth:
            assert CLASSES[line.strip()].__mro__[1].__name__ == parents[depth - 1]


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def test_errors_live_in_the_tree_of_their_room() -> None:
    """What is private to a module, or to clients/git, is no error that anybody reads."""
    astray = [
        f"{path.relative_to(ROOT)}: {node.name}"
        for path in MODULES
        if path.name != "errors.py" and not str(path).startswith(str(GIT))
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_")
        for base in node.bases
        if isinstance(base, ast.Name) and base.id in {*CLASSES, "Exception"}
    ]
    assert astray == []


def made(node: ast.AST) -> Iterator[tuple[str, ast.Call | None]]:
    """Yield the classes of the trees that an expression makes, with the call that does."""
    if isinstance(node, ast.Call):
        for name in named(node.func):
            yield name, node
    elif isinstance(node, ast.Name) and node.id in CLASSES:
        yield node.id, None


def named(function: ast.expr) -> Iterator[str]:
    if isinstance(function, ast.Name) and function.id in CLASSES:
        yield function.id
    elif isinstance(function, ast.IfExp):
        yield from named(function.body)
        yield from named(function.orelse)


def sites(path: Path) -> Iterator[tuple[int, str, ast.Call | None]]:
    """Yield every place of a module that makes an error: a call of its class, or a class that is raised as it is."""
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Call):
            yield from ((node.lineno, name, call) for name, call in made(node))
        elif isinstance(node, ast.Raise) and isinstance(node.exc, ast.Name):
            yield from ((node.lineno, name, call) for name, call in made(node.exc))


def wrong(name: str, call: ast.Call | None, module: str) -> str:
    """Return what is wrong with a place that makes an error, "" if nothing is."""
    found = CLASSES[name]
    if issubclass(found, Signal):
        return ""
    if name in BARE | ABSTRACT:
        return "" if (module, name) in HANDED_ON else "is a root or a branch; raise a class below it"
    given = {keyword.arg for keyword in call.keywords} if call else set()
    positional = len(call.args) if call else 0
    if None in given:
        return "hides its holes behind **"
    if found is BudgetSpent:
        return "" if (positional, given) == (2, set()) else "takes the seconds and the cost"
    if positional != issubclass(found, RetryLater):
        return "takes the seconds, and nothing else by position"
    assert issubclass(found, Problem)
    return "" if given == holes(found) else f"gives {sorted(map(str, given))}, needs {sorted(holes(found))}"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_raise_gives_exactly_the_holes(path: Path) -> None:
    module = path.relative_to(ROOT).as_posix()
    found = [f"{line}: {name} {said}" for line, name, call in sites(path) if (said := wrong(name, call, module))]
    assert found == []


def test_every_class_is_raised_somewhere() -> None:
    used = {name for path in MODULES for _, name, _ in sites(path)}
    chosen = {node.id for path in MODULES for node in ast.walk(parsed(path)) if isinstance(node, ast.Name)}
    assert {found.__name__ for found in TOLD} - used - chosen == set()


def test_the_message_is_both_sentences() -> None:
    gone = RepositoryGone(repository="acme/x")
    assert str(gone) == (
        "The repository acme/x was deleted on GitHub. "
        "Restore the repository on GitHub, or delete this project and create it again."
    )
    assert gone.why == "The repository acme/x was deleted on GitHub."
    assert TokenRotated(0).seconds == 0
    assert BudgetSpent(7, Cost(3)).cost == Cost(3)
    assert str(FinalError("Told before.")) == "Told before."


def test_what_fills_a_hole_is_never_read_as_a_template() -> None:
    text = "{0} {kind!r} {activity}"
    assert text in str(AwsDenied(service="S3", activity=text, message="x", permission="y"))


def test_the_reference_shows_the_whole_tree() -> None:
    table = described()
    names = {each.name for module in ROOMS.values() for each in described(module.__name__)}
    assert names == {found.__name__ for found in TOLD}
    kinds = {each.name: each.kind for each in table}
    assert (kinds["RateLimited"], kinds["RepositoryGone"]) == ("retryable", "final")
    secret = next(each for each in table if each.name == "SecretWithoutCredentials")
    assert '{"token"}' in secret.happened


def test_a_missing_hole_is_found() -> None:
    """The test above can fail: a raise without its holes is one."""
    call = ast.parse("RepositoryGone(name='x')", mode="eval").body
    assert isinstance(call, ast.Call)
    assert "needs ['repository']" in wrong("RepositoryGone", call, "x.py")
    assert wrong("FinalError", call, "x.py")


def test_what_github_may_say_for_some_seconds_after_a_write_is_listed() -> None:
    """Only these are asked again after a write (docs/decisions/0080); anything else would hide a fault for a while."""
    lagging = {each.__name__ for each in subclasses(Problem) if getattr(each, "may_be_lag", False)}
    assert lagging == {
        "BranchUnseen",
        "RepositoryBeingSetUp",
        "RepositoryHidden",
        "RepositoryNotFound",
        "RepositoryReadOnly",
        "RepositoryUnreachable",
    }
