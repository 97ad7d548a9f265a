"""What a Git server, or git, said when it failed, and what that means."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from custom_resources.errors import FinalError, RetryLater

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
_LIMITED = ("rate limit", "too many requests", "returned error: 429")
_LIMITED_SECONDS = 60


class RepositoryUnreachable(FinalError):
    """The Git URL leads to no repository that the token may see."""


class CredentialsRejected(FinalError):
    """GitHub's Git service does not accept the token."""


class PushRejected(Exception):
    """The push was not taken: `stale` = a ref has moved on, else a rule of the branch refuses it."""

    def __init__(self, stale: bool, message: str) -> None:
        """`message` is what the server said."""
        super().__init__(message)
        self.stale = stale


class RepositoryArchived(Exception):
    """The repository takes no push while it is archived."""


class ContentRefused(FinalError):
    """GitHub will not take this content, on any branch."""


class RepositoryTooLarge(FinalError):
    """What a merge has to read does not fit into the function's disk or memory."""


class ServerTooOld(FinalError):
    """The Git server lacks a part of the protocol without which a push is not safe."""


class GitFailed(Exception):
    """A git process ended with an unexpected status."""

    def __init__(self, command: str, code: int, said: str) -> None:
        """`said` is what it wrote."""
        super().__init__(f"git {command} ended with {code}: {clean(said)}")
        self.said = said


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
        return self._failure(failed, "read")

    def of_pushing(self, failed: GitFailed | RequestFailed) -> Exception:
        """Return the exception for a failure of a push."""
        said = self._plain(failed)
        if any(sign in said for sign in _ARCHIVED):
            return RepositoryArchived(clean(failed.said))
        if any(sign in said for sign in _REFUSED_FOR_GOOD):
            return ContentRefused(f"GitHub refuses the template's content: {clean(failed.said)}")
        if any(sign in said for sign in _REFUSED):
            return PushRejected(stale=False, message=clean(failed.said))
        if any(sign in said for sign in _STALE):
            return PushRejected(stale=True, message=clean(failed.said))
        return self._failure(failed, "push to")

    def _plain(self, failed: GitFailed | RequestFailed) -> str:
        return failed.said.replace(self.url, "").lower()

    def _failure(self, failed: GitFailed | RequestFailed, action: str) -> Exception:
        said, text = self._plain(failed), clean(failed.said)
        if "no space left on device" in said:
            return RepositoryTooLarge(
                "What has to be compared in the repository does not fit on the function's disk; "
                "raise its ephemeral storage, or keep large data out of the repository."
            )
        if any(sign in said for sign in _UNAUTHORIZED):
            return self._unauthorized()
        if any(sign in said for sign in _MISSING):
            return RepositoryUnreachable(f"There is no Git repository that the token may {action}; check its name.")
        if "returned error: 403" in said and not _limited(failed, said):
            return RepositoryUnreachable(f"GitHub does not let the token {action} the repository: {text}")
        return RetryLater(_wait(failed, said), f"Git could not {action} the repository: {text}")

    def _unauthorized(self) -> Exception:
        if self.renew():
            return RetryLater(0, "GitHub's token was rotated; the new one is tried.")
        return CredentialsRejected("GitHub's Git service rejects the token; put a valid one into the token secret.")


def _limited(failed: GitFailed | RequestFailed, said: str) -> bool:
    """Tell whether the server wants fewer requests."""
    asked = isinstance(failed, RequestFailed) and failed.seconds > 0
    return asked or any(sign in said for sign in _LIMITED)


def _wait(failed: GitFailed | RequestFailed, said: str) -> float:
    """Return the seconds to wait: what the server asked for, else by what it said."""
    asked = failed.seconds if isinstance(failed, RequestFailed) else 0
    return asked or (_LIMITED_SECONDS if _limited(failed, said) else 5)


def clean(text: str) -> str:
    """Return what the server said, on one line, without credentials of a URL."""
    lines = [re.sub(r"//[^/@\s]+@", "//", line).replace("remote:", "").strip(" \t*!") for line in text.splitlines()]
    return " ".join(line for line in lines if line and not line.startswith(("Cloning", "To ", "Done")))[:600]
