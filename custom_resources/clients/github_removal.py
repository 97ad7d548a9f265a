"""A few requests at a time, one for each name; and the removal of Actions secrets and variables."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Literal
from urllib.parse import quote

from github.GithubException import UnknownObjectException

from custom_resources.clients.github_answers import promised, whole
from custom_resources.clients.github_connection import Connection
from custom_resources.errors import RepositoryNotFound

CONCURRENCY = 4  # far below GitHub's 100, and gentle to its secondary limits
Note = Callable[[str], object]  # gets the name of what is done
Kind = Literal["secrets", "variables"]
_LISTED: dict[Kind, int] = {"secrets": 100, "variables": 30}  # a page, at most


def remove(
    connection: Connection, kind: Kind, path: str, full_name: str, names: Iterable[str], *, done: Note | None
) -> None:
    """Remove those of a repository; `path` is where they are listed.

    One that is gone already is fine. But a 404 is also a repository's that is not seen (yet): so the list is asked for,
    where one was answered. Raises RepositoryNotFound for what is listed nevertheless, and where nothing is.
    """
    missing: list[str] = []

    def delete(name: str) -> None:
        with connection.translated(_removing(kind, name, full_name)):
            try:
                connection.request("DELETE", f"{path}/{quote(name, safe='')}")
            except UnknownObjectException:
                missing.append(name)
                return
        if done:
            done(name)

    each(delete, sorted(names))
    if not missing:
        return
    there = _listed(connection, kind, path, full_name)
    for name in sorted(missing):
        if name.upper() in there:
            raise RepositoryNotFound(activity=_removing(kind, name, full_name))
        if done:
            done(name)


def _listed(connection: Connection, kind: Kind, path: str, full_name: str) -> set[str]:
    """Return the names of the first page, in capitals as GitHub keeps them (GET .../actions/{kind})."""
    activity = f"listing the {kind} of {full_name}"
    found = connection.call(activity, "GET", f"{path}?per_page={_LISTED[kind]}")
    with whole(activity):
        return {promised(entry, "name").upper() for entry in found[kind]}


def _removing(kind: Kind, name: str, full_name: str) -> str:
    return f"removing the {kind.removesuffix('s')} {name} of {full_name}"


def each(act: Callable[[str], None], names: list[str], done: Note | None = None) -> None:
    """Act on each, a few at a time, and note each that is done. Calls in progress finish, also after a failure."""

    def act_on(name: str) -> None:
        act(name)
        if done:
            done(name)

    if len(names) < 2:
        for name in names:
            act_on(name)
        return
    with ThreadPoolExecutor(CONCURRENCY) as pool:
        futures = [pool.submit(act_on, name) for name in names]
        try:
            for future in futures:
                future.result()
        except BaseException:
            pool.shutdown(cancel_futures=True)  # no further request after the first refusal
            raise
