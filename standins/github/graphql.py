"""GraphQL queries about repositories and pull requests, for clients as `gh`; the fields are in graphql_schema.py.

What is not there is refused with the error that GitHub gives for a field that its schema lacks: nothing is made up.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from standins.github.access import Need, authenticate
from standins.github.answer_headers import complete
from standins.github.graphql_cost import MOST_NODES, bill_of
from standins.github.graphql_document import (
    Document,
    Field,
    Fragment,
    NotReadable,
    Operation,
    Selection,
    Spread,
    Variable,
    read,
)
from standins.github.graphql_objects import Refused, query
from standins.github.graphql_schema import TYPES, fits
from standins.github.limits import Accounting
from standins.github.messages import ApiError, Json, Request, Response
from standins.github.rest.router import Call
from standins.github.store import Store
from standins.github.urls import Urls

_TIMED_OUT = (
    "Something went wrong while executing your query. This may be the result of a timeout, or it could be a GitHub "
    "bug. Please include `0400:3DC3:1A2B3C:2D4E5F:65A0B1C2` when reporting this issue."
)
_HEADERS = {"limit": "limit", "remaining": "remaining", "used": "used", "reset": "reset"}


def serve(store: Store, urls: Urls, accounting: Accounting, request: Request) -> Response:
    """Answer a request to GraphQL: 200 with errors in the document, but for who asks and what is no query."""
    token, told = None, dict[str, Any]()
    try:
        token = authenticate(store, request.headers)
        if token is None:
            raise ApiError(401, "This endpoint requires you to be authenticated.", documentation="graphql")
        if request.method != "POST":
            raise ApiError(404, "Not Found")
        call = Call(store, urls, request, token, {}, accounting)
        response, told = _answered(call, request.json())
    except ApiError as error:
        response = error.response()
    headers = accounting.anonymous()
    headers |= {f"x-ratelimit-{name}": str(told[key]) for name, key in _HEADERS.items() if key in told}
    response.headers = {**headers, **response.headers, "x-ratelimit-resource": "graphql"}
    return complete(request, response, token, Need())


def _answered(call: Call, sent: Json) -> tuple[Response, Json]:
    """Return the answer, and what the query costs of the limit. Raises ApiError for a secondary limit."""
    asked = _read(sent)
    if isinstance(asked, list):
        return Response.json(200, {"errors": asked}), {}
    run, operation = asked
    root = operation.kind.capitalize()
    bill = bill_of(run.document, root, operation.selected, run.given)
    if bill.nodes > MOST_NODES:
        message = f"This query requests up to {bill.nodes:,} possible nodes which exceeds the maximum limit of 500,000."
        return Response.json(200, {"errors": [{"type": "MAX_NODE_LIMIT_EXCEEDED", "message": message}]}), {}
    limits = call.accounting.limits
    try:
        told, refused = call.accounting.query(call.user.user_id, bill.points)
        if refused:
            message = f"API rate limit already exceeded for user ID {call.user.user_id}."
            error = {"type": limits.graphql_type, "code": "graphql_rate_limit", "message": message}
            return Response.json(200, {"errors": [error]}), told
        if 0 < limits.graphql_heaviest < bill.nodes + bill.roots:
            return Response.json(502, {"data": None, "errors": [{"message": _TIMED_OUT}]}), told
        told["nodeCount"] = bill.nodes
        data = run.selected(query(call, told), operation.selected, ())
    finally:
        call.accounting.leave()
    return Response.json(200, {"data": data, **({"errors": run.errors} if run.errors else {})}), told


def _read(sent: Json) -> tuple[_Run, Operation] | list[Json]:
    """Return what is to be executed, or the errors of what does not fit the schema."""
    try:
        document = read(str(sent.get("query") or ""))
        operation = _chosen(document, sent.get("operationName"))
    except NotReadable as error:
        return [{"message": str(error)}]
    wrong = list(_wrong(document, operation.kind.capitalize(), operation.selected, (operation.kind,)))
    if wrong:
        return wrong
    given = sent.get("variables")
    return _Run(document, {**operation.defaults, **(given if isinstance(given, dict) else {})}), operation


def _chosen(document: Document, name: Any) -> Operation:
    found = [each for each in document.operations if not name or each.name == name]
    if len(found) != 1:
        raise NotReadable(f'No operation named "{name}"' if name else "An operation name is required")
    return found[0]


def _wrong(document: Document, kind: str, selected: tuple[Selection, ...], path: tuple[str, ...]) -> Iterator[Json]:
    """Yield an error for each field and argument that the schema lacks, and each fragment that is not there."""
    for each in selected:
        if isinstance(each, Spread):
            fragment = document.fragments.get(each.name)
            if fragment is None or f"...{each.name}" in path:
                yield {"path": list(path), "message": f"Fragment {each.name} was used, but not defined"}
                continue
            yield from _wrong(document, fragment.type, fragment.selected, (*path, f"...{each.name}"))
        elif isinstance(each, Fragment):
            yield from _wrong(document, each.type or kind, each.selected, path)
        else:
            yield from _wrong_field(document, kind, each, path)


def _wrong_field(document: Document, kind: str, field: Field, path: tuple[str, ...]) -> Iterator[Json]:
    known, here = TYPES.get(kind, {}).get(field.name), (*path, field.key)
    place = {"path": list(here), "locations": [{"line": field.line, "column": field.column}]}
    if known is None:
        codes = {"code": "undefinedField", "typeName": kind, "fieldName": field.name}
        yield {**place, "extensions": codes, "message": f"Field '{field.name}' doesn't exist on type '{kind}'"}
        return
    for name in field.arguments.keys() - known.arguments:
        codes = {"code": "argumentNotAccepted", "name": field.name, "argumentName": name}
        message = f"Field '{field.name}' doesn't accept argument '{name}'"
        yield {**place, "extensions": codes, "message": message}
    if bool(known.type) != bool(field.selected):
        codes = {"code": "selectionMismatch", "nodeName": f"field '{field.name}'"}
        must = "must have selections" if known.type else "can't have selections"
        yield {**place, "extensions": codes, "message": f"Field {must} (field '{field.name}')"}
        return
    yield from _wrong(document, known.type, field.selected, here)


class _Run:
    """The execution of one operation."""

    def __init__(self, document: Document, variables: Mapping[str, Any]) -> None:
        self.errors: list[Json] = []
        self.document, self._variables = document, variables

    def selected(self, node: Json, selected: tuple[Selection, ...], path: tuple[str | int, ...]) -> Json:
        """Return what is selected of an object."""
        found: Json = {}
        for field in self._fields(node["__typename"], selected):
            value = self._value(node, field, (*path, field.key))
            known = found.get(field.key)
            if isinstance(known, dict) and isinstance(value, dict):  # asked for twice: by a fragment, too
                value = {**known, **value}
            found[field.key] = value
        return found

    def _fields(self, kind: str, selected: tuple[Selection, ...]) -> Iterator[Field]:
        """Yield the fields for an object of a type, those of fragments in their places."""
        for each in selected:
            if not self._included(each):
                continue
            if isinstance(each, Field):
                yield each
                continue
            fragment = self.document.fragments[each.name] if isinstance(each, Spread) else each
            if fits(fragment.type, kind):
                yield from self._fields(kind, fragment.selected)

    def _included(self, each: Selection) -> bool:
        skip, include = each.directives.get("skip"), each.directives.get("include")
        skipped = skip is not None and self.given(skip.get("if"))
        return not skipped and (include is None or bool(self.given(include.get("if"))))

    def _value(self, node: Json, field: Field, path: tuple[str | int, ...]) -> Any:
        value = node[field.name]
        if callable(value):
            try:
                value = value({name: self.given(given) for name, given in field.arguments.items()})
            except Refused as refused:
                place = {"path": list(path), "locations": [{"line": field.line, "column": field.column}]}
                self.errors.append({"type": refused.kind, **place, "message": refused.message})
                return None
        if isinstance(value, list):
            return [self.selected(item, field.selected, (*path, number)) for number, item in enumerate(value)]
        return self.selected(value, field.selected, path) if isinstance(value, dict) else value

    def given(self, value: Any) -> Any:
        """Return an argument with its variables filled in."""
        if isinstance(value, Variable):
            return self._variables.get(value.name)
        if isinstance(value, list):
            return [self.given(item) for item in value]
        return {name: self.given(item) for name, item in value.items()} if isinstance(value, dict) else value
