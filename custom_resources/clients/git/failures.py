"""What a Git server, or git, said when it failed, and what that means."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from custom_resources.clients.git.model import LARGEST_ALLOCATION
from custom_resources.errors import (
    ContentRefused,
    CredentialsRejected,
    GitDenied,
    GitFailing,
    GitLimited,
    ObjectNotFetched,
    RepositoryTooLarge,
    RepositoryUnreachable,
    TokenRotated,
)

_MISSING = ("repository not found", "not found", "returned error: 404", "does not exist")
_REFUSED = (
    "protected branch",
    "gh006",
    "gh013",
    "repository rule violations",
    "pre-receive hook declined",
    "exists; cannot create",  # a ref is where the name needs a folder, or the other way round
    "directory file conflict",
)
_REFUSED_FOR_GOOD = ("workflow` scope", "without `workflow", "gh001", "exceeds github's file size limit", "gh007")
_ARCHIVED = ("was archived so",)
_UNAUTHORIZED = ("authentication failed", "returned error: 401", "could not read username")
_STALE = (
    "stale info",
    "fetch first",
    "non-fast-forward",
    "cannot lock ref",
    "failed to update ref",
    "reference already exists",
    "incorrect old",
)
_TOO_LARGE = ("no space left on device", "fatal: attempting to allocate")
_LIMITED = ("rate limit", "too many requests", "returned error: 429")
_LIMITED_SECONDS = 60


class PushRejected(Exception):
    """The push was not taken: `stale` = a ref has moved on, else a rule of the branch refuses it."""

    def __init__(self, stale: bool, message: str) -> None:
        """`message` is what the server said."""
        super().__init__(message)
        self.stale = stale


class RepositoryArchived(Exception):
    """The repository takes no push while it is archived."""


class GitFailed(Exception):
    """A git process ended with an unexpected status."""

    def __init__(self, command: str, code: int, said: str) -> None:
        """`said` is what it wrote."""
        super().__init__(f"git {command} ended with {code}: {clean(said)}")
        self.said = said
        self.seconds = 0.0


class RequestFailed(Exception):
    """A request to the Git server brought no whole answer, or one that is an error.

    `status` is HTTP's, 0 when there was none; `seconds` is the wait that the server asked for.
    """

    def __init__(self, said: str, status: int = 0, seconds: float = 0) -> None:
        """`said` is the server's word, or what happened to the connection."""
        super().__init__(f"{clean(said)} ({status})" if status else clean(said))
        self.said = f"{said}\nThe requested URL returned error: {status}" if status else said
        self.seconds = seconds


class ServerRefused(RequestFailed):
    """The server understood the request and says no, in the protocol's own words."""


@dataclass(frozen=True)
class Translator:
    """Makes of a failure what the caller can act on. `renew` tells whether another token can be tried."""

    url: str
    renew: Callable[[], bool]

    def of_reading(self, failed: GitFailed | RequestFailed) -> Exception:
        """Return the exception for a failure while the remote was read."""
        return self._failure(failed, "reading the repository")

    def of_pushing(self, failed: GitFailed | RequestFailed) -> Exception:
        """Return the exception for a failure of a push."""
        said = self._plain(failed)
        if any(sign in said for sign in _ARCHIVED):
            return RepositoryArchived(clean(failed.said))
        if any(sign in said for sign in _REFUSED_FOR_GOOD):
            return ContentRefused(message=_words(failed))
        if any(sign in said for sign in _REFUSED):
            return PushRejected(stale=False, message=clean(failed.said))
        if any(sign in said for sign in _STALE):
            return PushRejected(stale=True, message=clean(failed.said))
        return self._failure(failed, "pushing to the repository")

    def _plain(self, failed: GitFailed | RequestFailed) -> str:
        return failed.said.replace(self.url, "").lower()

    def _failure(self, failed: GitFailed | RequestFailed, activity: str) -> Exception:
        said = self._plain(failed)
        if any(sign in said for sign in _TOO_LARGE):
            return RepositoryTooLarge() if _TOO_LARGE[0] in said else ObjectNotFetched(limit=LARGEST_ALLOCATION)
        if any(sign in said for sign in _UNAUTHORIZED):
            return TokenRotated(0) if self.renew() else CredentialsRejected()
        if any(sign in said for sign in _MISSING):
            return RepositoryUnreachable(activity=activity)
        if _limited(failed, said):
            return GitLimited(failed.seconds or _LIMITED_SECONDS, activity=activity, message=_words(failed))
        if "returned error: 403" in said:
            return GitDenied(activity=activity, message=_words(failed))
        return GitFailing(5, activity=activity, message=_words(failed))


def _limited(failed: GitFailed | RequestFailed, said: str) -> bool:
    """Tell whether the server wants fewer requests."""
    return failed.seconds > 0 or any(sign in said for sign in _LIMITED)


def _words(failed: GitFailed | RequestFailed) -> str:
    return clean(failed.said).rstrip(".")


def clean(text: str) -> str:
    """Return what the server said, on one line, without credentials of a URL."""
    lines = [re.sub(r"//[^/@\s]+@", "//", line).replace("remote:", "").strip(" \t*!") for line in text.splitlines()]
    return " ".join(line for line in lines if line and not line.startswith(("Cloning", "To ", "Done")))[:600]
