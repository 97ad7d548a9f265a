"""What a Git server, or git, said when it failed, and what that means."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from custom_resources.clients.denials import LIMIT_SECONDS, denied, is_for_later, is_limit
from custom_resources.clients.git.model import LARGEST_ALLOCATION
from custom_resources.errors import (
    AccessDenied,
    ContentHasSecrets,
    ContentRefused,
    CredentialsRejected,
    GitDenied,
    GitFailing,
    GitLimited,
    GitServerLacks,
    ObjectNotFetched,
    ObjectsRefused,
    Problem,
    PushTooLarge,
    RepositoryTooLarge,
    RepositoryUnreachable,
    TokenRotated,
    TokenTooNarrow,
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
_SECRETS = ("push cannot contain secrets", "gh009", "github push protection")
_REFUSED_FOR_GOOD = (
    "workflow` scope",
    "without `workflow",
    "refusing to allow a",
    "gh001",
    "exceeds github's file size limit",
    "gh007",
)
_PUSH_TOO_LARGE = ("pack exceeds maximum", "pack exceeds the maximum")
_NOT_STORED = ("fsck error", "unpack failed", "unpacker error", "index-pack abnormal exit", "unpack-objects abnormal")
# What the server says besides when it could not store a push for a reason that passes.
_PASSES = (
    "early eof",
    "hung up",
    "disconnect",
    "timed out",
    "no space left",
    "unable to create temporary",
    "internal server error",
    "out of memory",
)
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
_TOO_MANY, _DENIED = "returned error: 429", ("returned error: 403", "returned error: 451")
_GITS_OWN = re.compile(r"Cloning into .*|Cloning|To \S+|Done\.?")  # "To access this repository, ..." is the server's
_STATUS = re.compile(r"fatal: unable to access\S*(?: '\S*)?|The requested URL returned error: \d+")
_LONGEST = 600  # characters of what is repeated
_FINDING = re.compile(
    r"^[ \t]*[—-]{2,}[ \t]+(?P<kind>\S.*?)[ \t]+[—-]{2,}[ \t]*$|path:[ \t]*(?P<path>\S.*?)[ \t]*$|"
    r"(?P<url>https?://\S+/unblock-secret/\S+)",
    re.MULTILINE,
)
_MOST_FINDINGS = 12  # lines


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
        self.status = 0
        self.seconds = 0.0


class RequestFailed(Exception):
    """A request to the Git server brought no whole answer, or one that is an error.

    `status` is HTTP's, 0 when there was none; `seconds` is the wait that the server asked for.
    """

    def __init__(self, said: str, status: int = 0, seconds: float = 0) -> None:
        """`said` is the server's word, or what happened to the connection."""
        super().__init__(f"{clean(said)} ({status})" if status else clean(said))
        self.said = f"{said}\nThe requested URL returned error: {status}" if status else said
        self.status = status
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
        if "returned error: 4" in said and _limited(failed, said):  # a report of refs may quote "rate limit" of a file
            return self._failure(failed, "pushing to the repository")
        if refused := _refused_for_good(failed, said):
            return refused
        if any(sign in said for sign in _REFUSED):
            return PushRejected(stale=False, message=clean(failed.said))
        if any(sign in said for sign in _STALE):
            return PushRejected(stale=True, message=clean(failed.said))
        return self._failure(failed, "pushing to the repository")

    def _plain(self, failed: GitFailed | RequestFailed) -> str:
        return failed.said.replace(self.url, "").lower()

    def _failure(self, failed: GitFailed | RequestFailed, activity: str) -> Exception:
        said = self._plain(failed)
        if _limited(failed, said):
            return GitLimited(failed.seconds or LIMIT_SECONDS, activity=activity, message=_words(failed))
        if any(sign in said for sign in _TOO_LARGE):
            return RepositoryTooLarge() if _TOO_LARGE[0] in said else ObjectNotFetched(limit=LARGEST_ALLOCATION)
        if any(sign in said for sign in _DENIED):
            return _denied(failed, activity)
        if any(sign in said for sign in _UNAUTHORIZED):
            return TokenRotated(0) if self.renew() else CredentialsRejected()
        if any(sign in said for sign in _MISSING):
            return RepositoryUnreachable(activity=activity)
        return GitFailing(5, activity=activity, message=_words(failed))


def passes(failed: GitFailed | RequestFailed, meaning: Callable[[GitFailed | RequestFailed], Exception]) -> bool:
    """Tell whether the same may go well in a moment; what a server answers 4xx, it answers again."""
    final = 400 <= failed.status < 500 and failed.status != 408
    return not final and type(meaning(failed)) is GitFailing


def _limited(failed: GitFailed | RequestFailed, said: str) -> bool:
    """Tell whether the server wants fewer requests."""
    return failed.seconds > 0 or _TOO_MANY in said or is_limit(said)


def _denied(failed: GitFailed | RequestFailed, activity: str) -> Exception:
    """Return what a 403 means: a missing permission of the contents, or another cause that the server names."""
    words = _words(failed)
    cause = denied(words, activity)
    if type(cause) is AccessDenied and is_for_later(words):
        return GitFailing(5, activity=activity, message=words)
    silent = not _STATUS.sub("", words).strip()
    return GitDenied(activity=activity, message=words) if silent or isinstance(cause, TokenTooNarrow) else cause


def _refused_for_good(failed: GitFailed | RequestFailed, said: str) -> Problem | None:
    """Return what a server says that takes this push at no time and on no branch, None for what may pass."""
    for signs, problem in _FOR_GOOD:
        if any(sign in said for sign in signs):
            return problem(failed)
    if any(sign in said for sign in _NOT_STORED) and not any(sign in said for sign in _PASSES):
        return ObjectsRefused(message=_words(failed))
    return None


def _findings(text: str) -> str:
    """Return what push protection found: each kind of secret, its path and line, and where it can be allowed."""
    plain = "\n".join(line.strip().removeprefix("remote:") for line in text.splitlines())
    found = [(each.lastgroup or "", each[each.lastgroup or 0]) for each in _FINDING.finditer(plain)]
    if not any(name == "path" for name, _ in found):
        return ""
    words = {"kind": "{}", "path": "in {}", "url": "allow it at {}"}
    shown = list(dict.fromkeys(clean(words[name].format(value)) for name, value in found))
    more = [f"and {len(shown) - _MOST_FINDINGS} more lines"] if len(shown) > _MOST_FINDINGS else []
    return ", ".join([*shown[:_MOST_FINDINGS], *more])


def _words(failed: GitFailed | RequestFailed) -> str:
    return clean(failed.said).rstrip(".")


def clean(text: str) -> str:
    """Return what the server said, on one line, without credentials of a URL."""
    lines = [re.sub(r"//[^/@\s]+@", "//", line).replace("remote:", "").strip(" \t*!") for line in text.splitlines()]
    return " ".join(line for line in lines if line and not _GITS_OWN.fullmatch(line))[:_LONGEST]


_FOR_GOOD: tuple[tuple[tuple[str, ...], Callable[[GitFailed | RequestFailed], Problem]], ...] = (
    (_SECRETS, lambda failed: ContentHasSecrets(message=_findings(failed.said) or _words(failed))),
    (_REFUSED_FOR_GOOD, lambda failed: ContentRefused(message=_words(failed))),
    (_PUSH_TOO_LARGE, lambda failed: PushTooLarge(message=_words(failed))),
    (("shallow update not allowed",), lambda _: GitServerLacks(capabilities="pushes from a shallow repository")),
    (("does not support --atomic",), lambda _: GitServerLacks(capabilities="atomic pushes")),
)
