"""The one translator of GitHub's refusals: limits and its own failures are waits, the rest one class a kind. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from custom_resources.clients.denials import LIMIT_SECONDS, denied, is_for_later, is_limit, of_plan, seconds_asked
from custom_resources.errors import (
    AccessDenied,
    AskedToWait,
    BranchUnseen,
    GitHubUnavailable,
    LimitUntold,
    PlanLacks,
    Problem,
    RateLimited,
    RepositoryBeingSetUp,
    RepositoryNotFound,
    RequestRefused,
)

if TYPE_CHECKING:
    from github.GithubException import GithubException

WAIT_SECONDS = 5  # before a request that failed is made again
_ABUSE = "abuse"  # the code of an error entry
_UNKNOWN_BRANCH = re.compile(r"\b(?:head|base)\b.*\binvalid\b|no commits between|already exists", re.IGNORECASE)
_SETTING_UP = ("being set up", "being created", "not ready yet", "still being")


def refusal(error: GithubException, activity: str, *, creates: bool = False) -> Problem:
    """Return what an answer above 299 means; `activity` is what was being done, such as "changing acme/demo".

    `creates`: the request would have created content that notifies people (a pull request, a comment).
    A 401 is not among them: whether another token can be tried is for the connection to find out.
    """
    if is_limited(error):
        asked = seconds_asked(_headers(error), limited=True)
        limited = RateLimited(asked, message=said(error)) if asked else LimitUntold(LIMIT_SECONDS, message=said(error))
        limited.of_content = error.status == 422 or (creates and not _hour_is_used_up(error))
        return limited
    if _of_its_own(error):
        wait = seconds_asked(_headers(error), limited=False) or WAIT_SECONDS
        return GitHubUnavailable(wait, status=error.status, activity=activity)
    if error.status in (403, 409, 422) and any(sign in said(error).lower() for sign in _SETTING_UP):
        return RepositoryBeingSetUp(activity=activity, message=said(error))
    if error.status == 404:
        return RepositoryNotFound(activity=activity)
    problem = _refused(error, activity)
    if type(problem) in (AccessDenied, RequestRefused) and is_for_later(said(error)):
        return AskedToWait(WAIT_SECONDS, activity=activity, message=said(error))
    return problem


def _refused(error: GithubException, activity: str) -> Problem:
    if error.status in (403, 451):
        return denied(said(error), activity, _headers(error).get("x-github-sso", ""))
    if error.status in (402, 422) and of_plan(said(error)):
        return PlanLacks(activity=activity, message=said(error))
    return RequestRefused(activity=activity, message=said(error))


def exists_already(error: GithubException) -> bool:
    """Tell whether what was to be created is there: GitHub answers 409 or 422, in words or with a code."""
    there = "already exists" in said(error).lower() or "already_exists" in _codes(error)
    return error.status in (409, 422) and there


def failing(error: GithubException) -> bool:
    """Tell whether GitHub failed for a cause that may pass in a moment: it neither limits nor names a time to wait."""
    return _of_its_own(error) and seconds_asked(_headers(error), limited=False) is None


def _of_its_own(error: GithubException) -> bool:
    return error.status >= 500 or error.status == 408


def is_limited(error: GithubException) -> bool:
    """Tell whether an answer is a limit.

    GitHub has many spellings: headers with 403 or 429, words without headers (older Enterprise Servers, proxies), a
    page that is not JSON, and 422 for content that came too quickly.
    """
    worded = is_limit(said(error)) or _codes(error) >= {_ABUSE}
    if error.status == 422:
        return worded
    if error.status == 403:
        return worded or seconds_asked(_headers(error), limited=False) is not None
    return error.status == 429


def not_opened(error: GithubException, full_name: str, branch: str) -> Problem:
    """Return why a pull request was not opened: GitHub may not know a branch that was pushed just now, or list one yet.

    It says so as `head` or `base` `invalid`, as "No commits between", or as "already exists".
    """
    message = said(error)
    if is_limited(error) or not _UNKNOWN_BRANCH.search(message):
        return refusal(error, f"opening a pull request in {full_name}", creates=True)
    return BranchUnseen(branch=branch, repository=full_name, message=message)


def _hour_is_used_up(error: GithubException) -> bool:
    """Tell whether it is the limit of all requests of an hour, which content is not the cause of."""
    words = said(error).lower()
    return _headers(error).get("x-ratelimit-remaining") == "0" or words.startswith("api rate limit exceeded")


def said(error: GithubException) -> str:
    """Return GitHub's own words: the message, with its details in brackets; any of them may be missing."""
    data = _data(error)
    message = str(data.get("message") or data.get("page") or error.message or f"status {error.status}")
    details = "; ".join(filter(None, map(_detail, _entries(error))))
    message = message.strip().rstrip(".")
    return f"{message} ({details})" if details else message


def _data(error: GithubException) -> dict[str, Any]:
    return error.data if isinstance(error.data, dict) else {}


def _entries(error: GithubException) -> list[Any]:
    errors = _data(error).get("errors") or []
    return errors if isinstance(errors, list) else [errors]


def _codes(error: GithubException) -> set[str]:
    return {str(entry.get("code")) for entry in _entries(error) if isinstance(entry, dict)}


def _headers(error: GithubException) -> dict[str, str]:
    return {str(name).lower(): str(value) for name, value in (error.headers or {}).items()}


def _detail(item: Any) -> str:
    """Return one entry of an error's `errors`: a text, or an object whose fields may be null."""
    if not isinstance(item, dict):
        return str(item or "")
    return str(item.get("message") or ": ".join(str(item[key]) for key in ("field", "code") if item.get(key)))
