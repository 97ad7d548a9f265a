"""Paths of GitHub's REST API."""

from __future__ import annotations

from urllib.parse import quote


def api_path(*segments: str) -> str:
    """Return a path of these segments: what they hold of `/`, `?`, `#`, `%` or `+` is part of their names."""
    return "".join(f"/{quote(segment, safe='')}" for segment in segments)


def in_repository(full_name: str, *segments: str) -> str:
    """Return the path of something in a repository."""
    return api_path("repos", *full_name.split("/", 1), *segments)
