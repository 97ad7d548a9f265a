"""GitHub's published GraphQL schema (npm @octokit/graphql-schema), by which queries and answers are judged."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from graphql import (
    GraphQLError,
    GraphQLResolveInfo,
    GraphQLScalarType,
    GraphQLSchema,
    build_client_schema,
    execute_sync,
    parse,
    validate,
)

PUBLISHED = Path(__file__).parents[2] / "standin/node_modules/@octokit/graphql-schema/schema.json"


@cache
def schema() -> GraphQLSchema:
    """Read the schema. Raises FileNotFoundError with what to do when it is not installed."""
    if not PUBLISHED.exists():
        raise FileNotFoundError(
            "GitHub's GraphQL schema is not installed: `make test` installs it (npm ci --prefix tests/standin)."
        )
    found = build_client_schema(json.loads(PUBLISHED.read_bytes()), assume_valid=True)
    for name, form in {"DateTime": _time, "URI": _address, "GitObjectID": _object_name}.items():
        scalar = found.type_map[name]
        assert isinstance(scalar, GraphQLScalarType)
        scalar.serialize = form  # type: ignore[method-assign]
    return found


def _time(value: Any) -> Any:
    if datetime.fromisoformat(value).tzinfo is None:
        raise GraphQLError(f"A DateTime without a zone: {value}")
    return value


def _address(value: Any) -> Any:
    if not re.match(r"https?://|/", value):
        raise GraphQLError(f"No URI: {value}")
    return value


def _object_name(value: Any) -> Any:
    if not re.fullmatch(r"[0-9a-f]{40}", value):
        raise GraphQLError(f"No name of a Git object: {value}")
    return value


def wrong_with_query(query: str) -> list[str]:
    """Return what the schema says against a query."""
    return [error.message for error in validate(schema(), parse(query))]


def wrong_with_answer(query: str, variables: Mapping[str, Any], answer: Mapping[str, Any]) -> list[str]:
    """Return where an answer is not one that the schema allows to a query.

    The query is executed over the answer itself: types, enumerations, lists and what may not be null are checked. A
    query has to ask for __typename where the type may be one of several.
    """
    done = execute_sync(
        schema(),
        parse(query),
        answer["data"],
        variable_values=dict(variables),
        field_resolver=_told,
        type_resolver=lambda source, info, of: str(source["__typename"]),
    )
    found = [f"{error.path}: {error.message}" for error in done.errors or ()]
    return found or ([] if done.data == answer["data"] else ["The answer has more, or less, than was asked for."])


def _told(source: Mapping[str, Any], info: GraphQLResolveInfo, **_arguments: Any) -> Any:
    if info.path.key not in source:
        raise GraphQLError(f"{info.path.key} is missing")
    return source[str(info.path.key)]
