"""The one translator of GitHub's refusals: limits and its own failures are waits, the rest one class a kind. Pure."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import suppress
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from custom_resources.errors import (
    GitHubUnavailable,
    Problem,
    RateLimited,
    RepositoryNotFound,
    RequestRefused,
    TokenTooNarrow,
)

if TYPE_CHECKING:
    from github.GithubException import GithubException

WAIT_SECONDS = 5
_LIMIT_SECONDS = 60.0  # GitHub: without retry-after, wait at least a minute


def refusal(error: GithubException, activity: str) -> Problem:
    """Return what an answer above 299 means; `activity` is what was being done, such as "changing acme/demo".

    A 401 is not among them: whether another token can be tried is for the connection to find out.
    """
    message, _ = _said(error)
    if (seconds := _limit(error, message)) is not None:
        return RateLimited(seconds, message=message)
    if error.status >= 500 or error.status == 408:
        return GitHubUnavailable(WAIT_SECONDS, status=error.status, activity=activity)
    if error.status == 404:
        return RepositoryNotFound(activity=activity)
    return (TokenTooNarrow if error.status == 403 else RequestRefused)(activity=activity, message=said(error))


def said(error: GithubException) -> str:
    """Return GitHub's own words: the message, with its details in brackets."""
    message, details = _said(error)
    return f"{message} ({details})" if details else message


def _said(error: GithubException) -> tuple[str, str]:
    """Return the message of a refusal, without a full stop, and its details; either may be missing in many ways."""
    data = error.data if isinstance(error.data, dict) else {}
    message = str(data.get("message") or error.message or f"status {error.status}").strip().rstrip(".")
    errors = data.get("errors") or []
    return message, "; ".join(filter(None, map(_detail, errors if isinstance(errors, list) else [errors])))


def _limit(error: GithubException, message: str) -> float | None:
    """Return how many seconds a limit asks to wait, None for an answer that is no limit."""
    if error.status not in (403, 429):
        return None
    wait = _seconds_to_wait(error.headers or {})
    if wait is None and (error.status == 429 or "secondary rate limit" in message.lower()):
        return _LIMIT_SECONDS
    return wait


def _seconds_to_wait(headers: Mapping[str, Any]) -> float | None:
    """Return how long GitHub asks to wait, or None when the answer is no rate limit (GitHub: rate limits)."""
    after = headers.get("retry-after")
    if after is not None:
        return max(1.0, _seconds(str(after)))
    if str(headers.get("x-ratelimit-remaining", "")) == "0" and headers.get("x-ratelimit-reset"):
        try:
            return max(1.0, float(headers["x-ratelimit-reset"]) - time.time())
        except ValueError:
            return 60.0
    return None


def _seconds(after: str) -> float:
    """Read Retry-After: seconds, or a date (RFC 9110); a minute for what is neither."""
    with suppress(ValueError):
        return float(after)
    try:
        return parsedate_to_datetime(after).timestamp() - time.time()
    except (ValueError, TypeError):
        return 60.0


def _detail(item: Any) -> str:
    """Return one entry of an error's `errors`: a text, or an object whose fields may be null."""
    if not isinstance(item, dict):
        return str(item or "")
    return str(item.get("message") or ": ".join(str(item[key]) for key in ("field", "code") if item.get(key)))
