"""GraphQL queries about repositories and pull requests, for clients as `gh`; the fields are in graphql_schema.py.

What is not there is refused with the error that GitHub gives for a field that its schema lacks: nothing is made up.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from standins.github.access import Need, authenticate
from standins.github.answer_headers import complete
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


def serve(store: Store, urls: Urls, accounting: Accounting, request: Request) -> Response:
    """Answer a request to GraphQL: 200 with errors in the document, but for who asks and what is no query."""
    token, headers = None, accounting.anonymous()
    try:
        token = authenticate(store, request.headers)
        if token is None:
            raise ApiError(401, "This endpoint requires you to be authenticated.", documentation="graphql")
        headers = accounting.enter(token.user_id, "POST", creates=False, free=False)
        try:
            if request.method != "POST":
                raise ApiError(404, "Not Found")
            call = Call(store, urls, request, token, {}, accounting)
            response = Response.json(200, answer(call, request.json()))
        finally:
            accounting.leave()
    except ApiError as error:
        response = error.response()
    response.headers = {**headers, **response.headers, "x-ratelimit-resource": "graphql"}
    return complete(request, response, token, Need())


def answer(call: Call, sent: Json) -> Json:
    """Return the data or the errors, in the form that GraphQL gives them."""
    try:
        document = read(str(sent.get("query") or ""))
        operation = _chosen(document, sent.get("operationName"))
    except NotReadable as error:
        return {"errors": [{"message": str(error)}]}
    root = operation.kind.capitalize()
    wrong = list(_wrong(document, root, operation.selected, (operation.kind,)))
    if wrong:
        return {"errors": wrong}
    given = sent.get("variables")
    run = _Run(document, {**operation.defaults, **(given if isinstance(given, dict) else {})})
    data = run.selected(query(call), operation.selected, ())
    return {"data": data, **({"errors": run.errors} if run.errors else {})}


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
        self._document, self._variables = document, variables

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
            fragment = self._document.fragments[each.name] if isinstance(each, Spread) else each
            if fits(fragment.type, kind):
                yield from self._fields(kind, fragment.selected)

    def _included(self, each: Selection) -> bool:
        skip, include = each.directives.get("skip"), each.directives.get("include")
        skipped = skip is not None and self._given(skip.get("if"))
        return not skipped and (include is None or bool(self._given(include.get("if"))))

    def _value(self, node: Json, field: Field, path: tuple[str | int, ...]) -> Any:
        value = node[field.name]
        if callable(value):
            try:
                value = value({name: self._given(given) for name, given in field.arguments.items()})
            except Refused as refused:
                place = {"path": list(path), "locations": [{"line": field.line, "column": field.column}]}
                self.errors.append({"type": refused.kind, **place, "message": refused.message})
                return None
        if isinstance(value, list):
            return [self.selected(item, field.selected, (*path, number)) for number, item in enumerate(value)]
        return self.selected(value, field.selected, path) if isinstance(value, dict) else value

    def _given(self, value: Any) -> Any:
        """Return an argument with its variables filled in."""
        if isinstance(value, Variable):
            return self._variables.get(value.name)
        if isinstance(value, list):
            return [self._given(item) for item in value]
        return {name: self._given(item) for name, item in value.items()} if isinstance(value, dict) else value
