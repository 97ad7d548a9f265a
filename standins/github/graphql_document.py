"""Reads GraphQL documents: operations, fragments, what they select (GraphQL specification of October 2021)."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

_TOKEN = re.compile(
    r'(?P<skip>[\s,\ufeff]+|#[^\r\n]*)|(?P<block>"""(?:\\"""|[\s\S])*?""")|(?P<string>"(?:\\.|[^"\\\n])*")'
    r"|(?P<number>-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)|(?P<name>[_A-Za-z][_0-9A-Za-z]*)|(?P<mark>\.\.\.|[!$&()\[\]{}:=@|])"
)
_DEEPEST = 100
_WORDS: dict[str, Any] = {"true": True, "false": False, "null": None}


class NotReadable(Exception):
    """The text is not a GraphQL document."""


@dataclass(frozen=True)
class Variable:
    """`$name` in the place of a value."""

    name: str


@dataclass(frozen=True)
class Field:
    """A field that is asked for, under `key` in the answer."""

    key: str
    name: str
    arguments: Mapping[str, Any]
    selected: tuple[Selection, ...]
    directives: Mapping[str, Mapping[str, Any]]
    line: int
    column: int


@dataclass(frozen=True)
class Fragment:
    """Fields for one type ("" = any): written in place, or by a name that `Spread` has."""

    type: str
    selected: tuple[Selection, ...]
    directives: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True)
class Spread:
    """A named fragment's fields."""

    name: str
    directives: Mapping[str, Mapping[str, Any]]


Selection = Field | Fragment | Spread


@dataclass(frozen=True)
class Operation:
    """A query, mutation or subscription, with the defaults of its variables."""

    kind: str
    name: str
    defaults: Mapping[str, Any]
    selected: tuple[Selection, ...]


@dataclass
class Document:
    """All operations and named fragments of a text."""

    operations: list[Operation] = field(default_factory=list)
    fragments: dict[str, Fragment] = field(default_factory=dict)


def read(text: str) -> Document:
    """Read a document. Raises NotReadable."""
    return _Reader(text).document()


class _Reader:
    def __init__(self, text: str) -> None:
        self._text, self._at = text, 0
        self._tokens: list[tuple[str, str, int]] = []  # kind, text, place
        place = 0
        while place < len(text):
            found = _TOKEN.match(text, place)
            if found is None:
                raise NotReadable(f"Expected one of SCHEMA, SCALAR, TYPE, actual: UNKNOWN_CHAR ({text[place]!r})")
            if found.lastgroup != "skip":
                self._tokens.append((found.lastgroup or "", found[0], place))
            place = found.end()
        self._refuse_depth()

    def _refuse_depth(self) -> None:
        depth = 0
        for _, text, _ in self._tokens:
            depth += (text in ("{", "[", "(")) - (text in ("}", "]", ")"))
            if depth > _DEEPEST:
                raise NotReadable(f"Query is too deep: more than {_DEEPEST} levels")

    def _next(self) -> str:
        return self._tokens[self._at][1] if self._at < len(self._tokens) else ""

    def _take(self, wanted: str = "", kind: str = "") -> str:
        """Return the next token. Raises NotReadable when it is another than wanted."""
        if self._at >= len(self._tokens):
            raise NotReadable("Unexpected end of document")
        found, text, _ = self._tokens[self._at]
        if (wanted and text != wanted) or (kind and found != kind):
            raise NotReadable(f"Expected {wanted or kind.upper()}, actual: {text!r}")
        self._at += 1
        return text

    def _skip(self, wanted: str) -> bool:
        """Pass a token if it is the next."""
        if self._next() != wanted:
            return False
        self._at += 1
        return True

    def document(self) -> Document:
        found = Document()
        while self._next():
            if self._next() == "fragment":
                self._take()
                name = self._take(kind="name")
                self._take("on")
                kind, directives = self._take(kind="name"), self._directives()
                found.fragments[name] = Fragment(kind, self._selected(), directives)
            else:
                found.operations.append(self._operation())
        if not found.operations:
            raise NotReadable("A query attribute must be specified and must be a string.")
        return found

    def _operation(self) -> Operation:
        if self._next() == "{":
            return Operation("query", "", {}, self._selected())
        kind = self._take(kind="name")
        if kind not in ("query", "mutation", "subscription"):
            raise NotReadable(f"Expected query, mutation or subscription, actual: {kind!r}")
        name = "" if self._next() in ("{", "(", "@") else self._take(kind="name")
        defaults = self._variables() if self._skip("(") else {}
        self._directives()
        return Operation(kind, name, defaults, self._selected())

    def _variables(self) -> dict[str, Any]:
        """Return the variables' defaults; None for one that has none."""
        found: dict[str, Any] = {}
        while not self._skip(")"):
            self._take("$")
            name = self._take(kind="name")
            self._take(":")
            while self._next() not in ("=", "$", ")", "@", ""):
                self._take()  # the type: values are checked where they are used
            found[name] = self._value() if self._skip("=") else None
            self._directives()
        return found

    def _selected(self) -> tuple[Selection, ...]:
        self._take("{")
        found: list[Selection] = []
        while not self._skip("}"):
            found.append(self._fragment() if self._skip("...") else self._field())
        return tuple(found)

    def _fragment(self) -> Selection:
        if self._next() not in ("on", "{", "@"):
            return Spread(self._take(kind="name"), self._directives())
        kind = self._take(kind="name") if self._skip("on") else ""
        directives = self._directives()
        return Fragment(kind, self._selected(), directives)

    def _field(self) -> Field:
        place = self._tokens[self._at][2] if self._at < len(self._tokens) else 0
        key = name = self._take(kind="name")
        if self._skip(":"):
            name = self._take(kind="name")
        arguments, directives = self._arguments(), self._directives()
        selected = self._selected() if self._next() == "{" else ()
        line = self._text.count("\n", 0, place) + 1
        return Field(key, name, arguments, selected, directives, line, place - self._text.rfind("\n", 0, place))

    def _arguments(self) -> dict[str, Any]:
        return self._pairs(")") if self._skip("(") else {}

    def _pairs(self, end: str) -> dict[str, Any]:
        found = {}
        while not self._skip(end):
            name = self._take(kind="name")
            self._take(":")
            found[name] = self._value()
        return found

    def _directives(self) -> dict[str, Mapping[str, Any]]:
        found: dict[str, Mapping[str, Any]] = {}
        while self._skip("@"):
            name = self._take(kind="name")
            found[name] = self._arguments()
        return found

    def _value(self) -> Any:
        """Return a value; an enumeration's as a text."""
        if self._skip("$"):
            return Variable(self._take(kind="name"))
        if self._skip("{"):
            return self._pairs("}")
        if self._skip("["):
            items = []
            while not self._skip("]"):
                items.append(self._value())
            return items
        kind = self._tokens[self._at][0] if self._at < len(self._tokens) else ""
        return _plain(kind, self._take())


def _plain(kind: str, text: str) -> Any:
    """Return the value that one token is. Raises NotReadable."""
    if kind == "name":
        return _WORDS.get(text, text)
    if kind == "block":
        return text[3:-3].replace('\\"""', '"""').strip("\n")
    if kind not in ("number", "string"):
        raise NotReadable(f"Expected a value, actual: {text!r}")
    try:
        return json.loads(text)
    except ValueError:
        raise NotReadable(f"A value cannot be read: {text}") from None
