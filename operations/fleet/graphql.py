"""GitHub's GraphQL API: one query, its data and the errors that come with them.

GitHub answers most failures with 200 and errors in the document: limits, and null for each field that cannot be read
(https://docs.github.com/graphql/overview/rate-limits-and-query-limits-for-the-graphql-api). A query that takes longer
than ten seconds is a 502 or 504: a smaller one may do.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import requests
from github.GithubException import GithubException

from custom_resources.clients.denials import LIMIT_SECONDS, is_limit, within
from custom_resources.clients.github_connection import Connection
from custom_resources.clients.github_errors import WAIT_SECONDS
from custom_resources.clients.secrets import GitHubCredentials
from custom_resources.errors import LimitUntold, RateLimited, RequestRefused
from operations.errors import QueryTookTooLong

_TOO_LONG = (502, 504)
_LIMITED = ("RATE_LIMITED", "RATE_LIMIT")
_TIMED_OUT = "something went wrong while executing your query"


@dataclass(frozen=True)
class Answer:
    """The data, and the type and message of each error by the first name in its path."""

    data: Mapping[str, Any]
    errors: Mapping[str, tuple[str, str]]


class GraphQL:
    """Asks GitHub. Every method raises what a request to GitHub raises (github_errors.py)."""

    def __init__(self, api_url: str, credentials: Callable[[], GitHubCredentials]) -> None:
        """`api_url` is that of the REST API; `credentials` is called before the first query."""
        self._connection = Connection(api_url, credentials)
        self._url = graphql_url(api_url)

    def ask(self, activity: str, query: str, variables: Mapping[str, Any]) -> Answer:
        """Send one query: one request. Raises QueryTookTooLong."""
        body = {"query": query, "variables": dict(variables)}
        with self._connection.translated(activity):
            try:
                headers, found = self._connection.request("POST", self._url, body)
            except GithubException as error:
                if error.status in _TOO_LONG:
                    raise QueryTookTooLong(WAIT_SECONDS, activity=activity) from None
                raise
            except requests.Timeout:
                raise QueryTookTooLong(WAIT_SECONDS, activity=activity) from None
        return _read(activity, headers, found if isinstance(found, dict) else {})


def graphql_url(api_url: str) -> str:
    """Return where GraphQL is served: beside REST on github.com, at /api/graphql on a server of one's own."""
    base = api_url.rstrip("/")
    return f"{base.removesuffix('/v3')}/graphql"


def _read(activity: str, headers: Mapping[str, Any], found: Mapping[str, Any]) -> Answer:
    errors = [each for each in found.get("errors") or () if isinstance(each, dict)]
    for error in errors:
        _refuse_limit(headers, error)
    data = found.get("data")
    if not isinstance(data, dict):
        said = "; ".join(str(each.get("message", "")) for each in errors)
        said = said or str(found.get("message") or "an answer without data")
        if _TIMED_OUT in said.lower():
            raise QueryTookTooLong(WAIT_SECONDS, activity=activity)
        raise RequestRefused(activity=activity, message=said)
    return Answer(data, dict(_by_name(errors)))


def _refuse_limit(headers: Mapping[str, Any], error: Mapping[str, Any]) -> None:
    """Raise what a limit raises on REST: GraphQL says it in a 200, with the time in the headers, if at all."""
    message = str(error.get("message", ""))
    if error.get("type") not in _LIMITED and not (is_limit(message) and not error.get("path")):
        return
    told = {str(name).lower(): str(value) for name, value in headers.items()}
    for name, since in (("retry-after", 0.0), ("x-ratelimit-reset", time.time())):
        try:
            raise RateLimited(within(float(told[name]) - since), message=message)
        except (KeyError, ValueError):
            continue
    raise LimitUntold(LIMIT_SECONDS, message=message)


def _by_name(errors: list[dict[str, Any]]) -> Iterator[tuple[str, tuple[str, str]]]:
    """Yield what could not be read at a field of the root. What is not found below it is just not there."""
    for each in errors:
        path = each.get("path") or []
        if len(path) == 1 or (path and each.get("type") != "NOT_FOUND"):
            yield str(path[0]), (str(each.get("type", "")), str(each.get("message", "")))
