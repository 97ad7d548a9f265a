"""What a GraphQL query costs by GitHub's published formula, and how many nodes it may return at most.

Each connection takes one request for each node above it; a hundred requests are a point, and the least is one
(https://docs.github.com/graphql/overview/rate-limits-and-query-limits-for-the-graphql-api).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from standins.github.graphql_document import Document, Field, Selection, Spread
from standins.github.graphql_schema import TYPES

MOST_NODES = 500_000


@dataclass(frozen=True)
class Bill:
    """Requests to connections, nodes at most, and fields at the root, which are looked up one by one."""

    requests: int
    nodes: int
    roots: int

    @property
    def points(self) -> int:
        """What is taken from the hourly limit."""
        return max(1, round(self.requests / 100))


def bill_of(document: Document, root: str, selected: tuple[Selection, ...], given: Callable[[Any], Any]) -> Bill:
    """Measure an operation that fits the schema; `given` fills variables in."""
    connections = list(_connections(document, root, selected, 1, given))
    roots = sum(1 for _ in _fields(document, selected))
    return Bill(sum(above for above, _ in connections), sum(above * size for above, size in connections), roots)


def _fields(document: Document, selected: tuple[Selection, ...]) -> Iterator[Field]:
    for each in selected:
        if isinstance(each, Field):
            yield each
        else:
            fragment = document.fragments[each.name] if isinstance(each, Spread) else each
            yield from _fields(document, fragment.selected)


def _connections(
    document: Document, kind: str, selected: tuple[Selection, ...], above: int, given: Callable[[Any], Any]
) -> Iterator[tuple[int, int]]:
    """Yield each connection: how many nodes are above it, and how many it returns at most for each of those."""
    for each in selected:
        if not isinstance(each, Field):
            fragment = document.fragments[each.name] if isinstance(each, Spread) else each
            yield from _connections(document, fragment.type or kind, fragment.selected, above, given)
            continue
        of = TYPES[kind][each.name].type
        if of.endswith("Connection"):
            size = _size(each.arguments, given)
            yield above, size
            yield from _connections(document, of, each.selected, above * size, given)
        else:
            yield from _connections(document, of, each.selected, above, given)


def _size(arguments: Mapping[str, Any], given: Callable[[Any], Any]) -> int:
    asked = [given(arguments[name]) for name in ("first", "last") if name in arguments]
    return max([each for each in asked if isinstance(each, int)], default=0)
