"""A GitHub-compatible server for one machine: REST, Git over HTTP, and faults on demand (docs/github-standin.md)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from standins.github.server import GitHubStandIn

__all__ = ["GitHubStandIn"]


def __getattr__(name: str) -> object:
    """Import the server when it is first asked for: a push's hook imports nothing of it."""
    if name == "GitHubStandIn":
        from standins.github.server import GitHubStandIn

        return GitHubStandIn
    raise AttributeError(name)
