"""Addresses: one base, GitHub's paths below it."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from urllib.parse import quote

from standins.github.model import Repository


@dataclass(frozen=True)
class Urls:
    """The addresses of one stand-in; `base` has no slash at its end."""

    base: str

    @property
    def api(self) -> str:
        """Root of the REST API."""
        return f"{self.base}/api/v3"

    def repository(self, repository: Repository) -> str:
        """REST address of a repository."""
        return f"{self.api}/repos/{repository.full_name}"

    def html(self, repository: Repository) -> str:
        """Page of a repository."""
        return f"{self.base}/{repository.full_name}"

    def clone(self, repository: Repository) -> str:
        """Git address of a repository."""
        return f"{self.base}/{repository.full_name}.git"


def node_id(kind: str, number: int | str) -> str:
    """Return an opaque GraphQL id, like GitHub's."""
    return f"{kind}_{base64.urlsafe_b64encode(f'standin:{number}'.encode()).decode().rstrip('=')}"


def quoted(path: str) -> str:
    """Quote a path, slashes kept."""
    return quote(path.encode("utf-8", "surrogateescape"))
