"""Addresses of repositories, as people write them into settings and arguments."""

from __future__ import annotations

import re


def shows_a_secret(address: str) -> bool:
    """Tell whether an address names a password, or a user where that is the usual place of a token.

    ssh's user is nobody's secret; in every other scheme GitHub and GitLab take a token in the user's place (RFC 3986,
    section 3.2.1: what stands before the last @ of the authority).
    """
    scheme, separator, rest = address.partition("://")
    user, at, _ = re.split(r"[/?#\\]", rest, maxsplit=1)[0].rpartition("@")
    return bool(separator and at) and (scheme.lower() != "ssh" or ":" in user)
