"""Addresses of repositories, as people write them into settings and arguments. Pure."""

from __future__ import annotations

import re

# What stands before the last @ of an address's authority, or of a word that could be one.
_USER = re.compile(r"(^|//|/|\s|['\"])[^/\s'\"]+@(?=[^/@\s'\"])")


def shows_a_secret(address: str) -> bool:
    """Tell whether an address names a password, or a user where that is the usual place of a token.

    ssh's user is nobody's secret; in every other scheme GitHub and GitLab take a token in the user's place (RFC 3986,
    section 3.2.1: what stands before the last @ of the authority).
    """
    scheme, separator, rest = address.partition("://")
    user, at, _ = re.split(r"[/?#\\]", rest, maxsplit=1)[0].rpartition("@")
    return bool(separator and at) and (scheme.lower() != "ssh" or ":" in user)


def without_user(text: str) -> str:
    """Return a text in which nothing stands before the @ of an address: it may be a token."""
    return _USER.sub(r"\1***@", text)


def shown(address: str) -> str:
    """Return an address as a commit may show it: unchanged if it shows no secret, else with *** for the user."""
    if not shows_a_secret(address):
        return address
    scheme, separator, rest = address.partition("://")
    end = re.search(r"[/?#\\]|\Z", rest)
    authority = rest[: end.start()] if end else rest
    return f"{scheme}{separator}***@{authority.rpartition('@')[2]}{rest.removeprefix(authority)}"
