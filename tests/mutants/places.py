"""Every small mistake that could be in a file: mutmut's operators, and four that our numbers and metrics need.

mutmut's own runner leaves out what stands outside of functions (our limits and property models) and every decorated
function (each `observe`); its operators do not.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import libcst as cst
from libcst import matchers as m
from libcst.metadata import MetadataWrapper, PositionProvider
from mutmut.mutation.mutators import mutation_operators, operator_string

Operator = Callable[[Any], Iterable[cst.CSTNode]]
Key = tuple[str, str, tuple[str, ...]]  # file, function, diff
_KINDS = {
    "operator_number": "number",
    "operator_string": "text",
    "operator_name": "logic",
    "operator_assignment": "value",
    "operator_augmented_assignment": "value",
    "operator_remove_unary_ops": "logic",
    "operator_dict_arguments": "argument",
    "operator_arg_removal": "argument",
    "operator_symmetric_string_methods_swap": "method",
    "operator_unsymmetrical_string_methods_swap": "method",
    "operator_lambda": "value",
    "operator_keywords": "logic",
    "operator_swap_op": "operator",
    "operator_match": "logic",
    "operator_if_exp": "logic",
}
_LOG_LINE = m.Call(
    func=m.Attribute(
        m.Name("logger"), m.Name() & m.MatchIfTrue(lambda name: name.value in {"info", "warning", "error", "exception"})
    )
)
_TYPING_ONLY = m.If(test=m.Name("TYPE_CHECKING"))
_TYPE_VARIABLE = m.Call(func=m.Name("TypeVar"))
# What is assigned to a name like a class's is a type, for the type checker only.
_TYPE_ALIAS = m.Assign(
    targets=[m.AssignTarget(m.Name(m.MatchRegex(r"_?[A-Z][A-Za-z]*[a-z][A-Za-z]*")))],
    value=m.BinaryOperation(operator=m.BitOr())
    | m.Subscript(value=m.Name("Literal") | m.Name("Callable") | m.Name("Mapping") | m.Name("dict") | m.Name("tuple")),
)
# More characters to strip are noticed only by a text that ends with an X.
_STRIPPED = m.Call(func=m.Attribute(attr=m.Name("strip") | m.Name("lstrip") | m.Name("rstrip")))
_DOCSTRING = m.Expr(m.SimpleString() | m.ConcatenatedString())


def _one_less(node: cst.Integer) -> Iterator[cst.CSTNode]:
    if node.evaluated_value:  # -1 is no literal
        yield node.with_changes(value=str(node.evaluated_value - 1))


def _removed(node: cst.Expr) -> Iterator[cst.CSTNode]:
    if m.matches(node.value, m.Call() | m.Yield()):
        yield cst.Pass()


def _not_raised(node: cst.Raise) -> Iterator[cst.CSTNode]:
    yield cst.Pass()


def _negated(node: cst.If | cst.While) -> Iterator[cst.CSTNode]:
    parenthesized = node.test.with_changes(lpar=[cst.LeftParen()], rpar=[cst.RightParen()])
    yield node.with_changes(test=cst.UnaryOperation(cst.Not(), parenthesized))


def _spelt_wrong(node: cst.BaseString) -> Iterator[cst.CSTNode]:
    """Of a text's three spellings take the first: the others are noticed by the same tests."""
    yield from list(operator_string(node))[:1]


def _without_argument(node: cst.Call) -> Iterator[cst.CSTNode]:
    """Leave a named argument out; give None for one that is known by its place."""
    for place, given in enumerate(node.args):
        before, after = node.args[:place], node.args[place + 1 :]
        if given.keyword or given.star:
            yield node.with_changes(args=[*before, *after])
        elif not m.matches(given.value, m.Name("None")):
            yield node.with_changes(args=[*before, given.with_changes(value=cst.Name("None")), *after])


_OURS: dict[str, Operator] = {"operator_string": _spelt_wrong, "operator_arg_removal": _without_argument}
_OPERATIONS = (cst.BinaryOperation, cst.UnaryOperation, cst.BooleanOperation, cst.ComparisonTarget, cst.AugAssign)
_NARROWER: dict[str, tuple[type, ...]] = {  # mutmut asks them of every node
    "operator_swap_op": _OPERATIONS,
    "operator_keywords": (cst.Is, cst.IsNot, cst.In, cst.NotIn, cst.Break, cst.Continue),
}
OPERATORS: Sequence[tuple[type | tuple[type, ...], Operator, str]] = [
    *(
        (_NARROWER.get(each.__name__, kind), _OURS.get(each.__name__, each), _KINDS[each.__name__])
        for kind, each in mutation_operators
    ),
    (cst.Integer, _one_less, "number"),
    (cst.Expr, _removed, "statement"),
    (cst.Raise, _not_raised, "statement"),
    (cst.If, _negated, "condition"),
]


@dataclass(frozen=True)
class Source:
    """A file of the code under test, parsed once."""

    path: str
    text: str
    tree: cst.Module


@dataclass(frozen=True)
class Mutant:
    """One mistake. It is known again by its file, its function and what it does to the line, wherever that moves to."""

    source: Source
    function: str
    kind: str
    line: int
    runs: tuple[int, int]  # the first and the last line that run with it
    runs_on_import: bool
    node: cst.CSTNode
    instead: cst.CSTNode

    @cached_property
    def text(self) -> str:
        """The whole file with the mistake."""
        changed = self.source.tree.deep_replace(self.node, self.instead)
        assert isinstance(changed, cst.Module)
        return changed.code

    @cached_property
    def diff(self) -> tuple[str, ...]:
        """The lines that it takes away (-) and puts in their place (+)."""
        lines = difflib.unified_diff(self.source.text.splitlines(), self.text.splitlines(), lineterm="", n=0)
        return tuple(line[0] + " " + line[1:].strip() for line in lines if line[:3] not in ("---", "+++", "@@ "))

    @property
    def key(self) -> Key:
        """What it is known again by."""
        return self.source.path, self.function, self.diff

    @property
    def compiles(self) -> bool:
        """Tell whether it is Python at all (a loop left by `return` at the top of a module is not)."""
        try:
            compile(self.text, self.source.path, "exec")
        except SyntaxError:
            return False
        return True


class _Finder(cst.CSTVisitor):
    METADATA_DEPENDENCIES = (PositionProvider,)

    def __init__(self, source: Source) -> None:
        super().__init__()
        self.found: list[Mutant] = []
        self._source = source
        self._inside: list[str] = []
        self._functions = 0
        self._stripped: set[int] = set()
        self._run: list[tuple[int, int]] = []  # the lines that run with the node: of its statement, or its function

    def on_visit(self, node: cst.CSTNode) -> bool:
        if isinstance(node, cst.FunctionDef | cst.ClassDef):
            self._inside.append(node.name.value)
            self._functions += isinstance(node, cst.FunctionDef)
        if isinstance(node, cst.SimpleStatementLine):
            self._run.append(self._lines(node))
        elif isinstance(node, cst.FunctionDef):  # its parameters' defaults are held by what calls it
            self._run.append(self._lines(node.body))
        elif isinstance(node, cst.BaseCompoundStatement):
            self._run.append((0, 0))
        if _left_out(node):
            return False
        if isinstance(node, cst.Call) and m.matches(node, _STRIPPED):
            self._stripped.update(id(given.value) for given in node.args)
        for kind, operator, name in OPERATORS:
            if isinstance(node, kind) and not (name == "text" and id(node) in self._stripped):
                self._add(node, operator, name)
        return True

    def _lines(self, node: cst.CSTNode) -> tuple[int, int]:
        where = self.get_metadata(PositionProvider, node)
        return where.start.line, where.end.line

    def on_leave(self, original_node: cst.CSTNode) -> None:
        if isinstance(original_node, cst.SimpleStatementLine | cst.BaseCompoundStatement):
            self._run.pop()
        if isinstance(original_node, cst.FunctionDef | cst.ClassDef):
            self._inside.pop()
            self._functions -= isinstance(original_node, cst.FunctionDef)

    def _add(self, node: cst.CSTNode, operator: Operator, kind: str) -> None:
        line, last = self._lines(node)
        run = (
            self._run[-1]
            if self._run and self._run[-1] != (0, 0)
            else (line, line if isinstance(node, cst.If) else last)
        )
        for instead in operator(node):
            function = ".".join(self._inside)
            self.found.append(Mutant(self._source, function, kind, line, run, not self._functions, node, instead))


def _left_out(node: cst.CSTNode) -> bool:
    """Tell what no test can notice or no test should: types, decorators, imports, docstrings, what a log line says."""
    if isinstance(node, cst.Annotation | cst.Decorator | cst.Import | cst.ImportFrom):
        return True
    if isinstance(node, cst.Call):
        return m.matches(node, _LOG_LINE) or m.matches(node, _TYPE_VARIABLE)
    if isinstance(node, cst.Expr):
        return m.matches(node, _DOCSTRING) or m.matches(node.value, _LOG_LINE)
    if isinstance(node, cst.Assign):
        return m.matches(node, _TYPE_ALIAS)
    return isinstance(node, cst.If) and m.matches(node, _TYPING_ONLY)


def mutants(root: Path, path: str) -> list[Mutant]:
    """Return all mutants of a file, in the order of their places."""
    text = (root / path).read_text(encoding="utf-8")
    wrapper = MetadataWrapper(cst.parse_module(text))
    finder = _Finder(Source(path, text, wrapper.module))
    wrapper.visit(finder)
    return finder.found
