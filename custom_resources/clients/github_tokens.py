"""How far a GitHub App's tokens reach: one repository each, with the permissions that the function needs there.

A personal access token cannot be narrowed. Pure.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

Permissions = tuple[tuple[str, str], ...]
_OF_A_REPOSITORY = re.compile(r"/repos/([^/]+/[^/?]+)(.*)")


@dataclass(frozen=True)
class Reach:
    """One repository by its full name ("" = all), and permissions (None = all that the installation has)."""

    repository: str = ""
    permissions: Permissions | None = None

    def body(self) -> dict[str, object]:
        """Return what the token is asked for with (POST /app/installations/{installation_id}/access_tokens)."""
        named: dict[str, object] = {"repositories": [self.repository.partition("/")[2]]} if self.repository else {}
        return named if self.permissions is None else {**named, "permissions": dict(self.permissions)}


# Every repository, but none of its contents or settings: whether it is there, and what it is called.
LOOK_UP = Reach(permissions=(("metadata", "read"),))
# What a query reads of all repositories at once (GraphQL), for operations.
READ = Reach(permissions=(("contents", "read"), ("metadata", "read"), ("pull_requests", "read")))
CREATE = Reach(permissions=(("administration", "write"),))


def reach_of(verb: str, path: str, permissions: Permissions | None) -> Reach:
    """Return the least that a request needs of a function with these permissions.

    GitHub's description of its API has no name for the permission to write variables (rest-api-description issue 5437):
    a token for them takes what the installation has, in that one repository.
    """
    if path.endswith("/graphql"):
        return READ
    found = _OF_A_REPOSITORY.fullmatch(path)
    if found is None:
        return CREATE if verb == "POST" and re.fullmatch(r"/orgs/[^/]+/repos", path) else LOOK_UP
    repository, rest = found.groups()
    if verb == "GET" and not rest.startswith("/"):
        return LOOK_UP
    return Reach(repository, None if rest.startswith("/actions/variables") else permissions)


def permissions_in(text: str) -> Permissions | None:
    """Read the variable GITHUB_PERMISSIONS, `administration=write contents=write`; None where it is empty."""
    pairs = tuple((name, level) for name, _, level in (each.partition("=") for each in text.split()))
    return pairs or None
