"""What GitHub's words mean, on REST and on Git alike: a limit, or the cause of a 403. Pure.

Sources of the words: PyGithub's RateLimitExceededException, octokit/plugin-throttling.js, GitHub's pages about SAML
single sign-on, IP allow lists and token policies, and users' reports (docs/github-answers.md has the table).
"""

from __future__ import annotations

import html
import re
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from email.utils import parsedate_to_datetime
from typing import Any

from custom_resources.errors import (
    AccessDenied,
    AccountSuspended,
    AddressNotAllowed,
    PlanLacks,
    Problem,
    RepositoryBlocked,
    RepositoryLocked,
    RepositoryReadOnly,
    TokenForbidden,
    TokenNotAuthorized,
    TokenTooNarrow,
)

LIMIT_SECONDS = 60.0  # GitHub: without retry-after, wait at least a minute
LONGEST_SECONDS = 3600.0  # the longest that any of GitHub's limits lasts: a header that asks for more is wrong
_LIMITS = (
    *("rate limit", "rate-limit", "ratelimit", "rate exceeded", "quota exhausted", "quota exceeded"),
    *("abuse detection", "too many requests", "submitted too quickly", "throttl", "slow down"),
)
# GitHub, or what stands before it, is not ready to do it, and says that it will be.
_LATER = re.compile(r"\b(?:re)?try\b[^.]{0,40}\b(?:later|in a (?:few|moment|minute|second))|temporarily unavailable")
_PLAN = ("upgrade to github", "upgrade your plan", "upgrade your subscription", "billing plan", "your current plan")
_PAGE = 300  # characters of a page or address that are repeated
_SSO = re.compile(r"https?://[^\s'\"<>]+/sso\b[^\s'\"<>]*")
# How GitHub words a permission that the token, its user or its App lacks.
_MISSING = re.compile(
    r"not accessible by|must have (?:admin|maintain|push|write|pull|read)|must be an? |admin rights|you need |"
    r"\bscopes?\b|\bpermissions?\b|not granted|denied to|write access|refusing to allow"
)


def is_limit(text: str) -> bool:
    """Tell whether a refusal's words ask for fewer requests."""
    said = text.lower()
    return any(sign in said for sign in _LIMITS)


def is_for_later(text: str) -> bool:
    """Tell whether a refusal's words ask for the same request at another time."""
    return _LATER.search(text.lower()) is not None


def seconds_asked(headers: Mapping[str, Any], *, limited: bool) -> float | None:
    """Return how long GitHub asks to wait, None where the headers ask for nothing (GitHub: rate limits).

    `limited`: whether the answer is known to be a limit; a proxy may drop the header that tells what remains.
    """
    after = headers.get("retry-after")
    if after is not None:
        return within(_seconds(str(after)))
    remaining, reset = str(headers.get("x-ratelimit-remaining", "")), headers.get("x-ratelimit-reset")
    if remaining == "0" or (limited and not remaining and reset):
        try:
            return within(float(str(reset)) - time.time())
        except ValueError:
            return LIMIT_SECONDS
    return None


def within(seconds: float) -> float:
    """Return a wait between a second and an hour."""
    return max(1.0, min(LONGEST_SECONDS, seconds))


def _seconds(after: str) -> float:
    """Read Retry-After: seconds, or a date (RFC 9110); a minute for what is neither."""
    with suppress(ValueError):
        return float(after)
    try:
        return parsedate_to_datetime(after).timestamp() - time.time()
    except (ValueError, TypeError):
        return LIMIT_SECONDS


def page_text(page: str) -> str:
    """Return the beginning of a page's text without its markup, on one line."""
    visible = re.sub(r"(?is)<(script|style|head)\b.*?</\1>|<[^>]*>", " ", page)
    return " ".join(html.unescape(visible).split())[:_PAGE]


def of_plan(text: str) -> bool:
    """Tell whether a refusal's words are about what the plan includes."""
    return any(sign in text.lower() for sign in _PLAN)


def denied(message: str, activity: str, sso: str = "") -> Problem:
    """Return the error for a 403 that is not a rate limit. `sso` is the header x-github-sso.

    Only the error for a missing permission advises granting it.
    """
    said = message.lower()
    if sso.startswith("required") or "saml" in said:
        place = _SSO.search(sso.partition("url=")[2]) or _SSO.search(message)
        url = place[0].rstrip(".,)")[:_PAGE] if place else "the token's page in GitHub's settings, under Configure SSO"
        return TokenNotAuthorized(activity=activity, message=message, url=url)
    for signs, problem in _CAUSES:
        if any(sign in said for sign in signs):
            return problem(activity, message)
    if _MISSING.search(said):
        return TokenTooNarrow(activity=activity, message=message)
    return AccessDenied(activity=activity, message=message)


_CAUSES: tuple[tuple[tuple[str, ...], Callable[[str, str], Problem]], ...] = (
    (("ip allow list", "ip address is not permitted"), lambda a, m: AddressNotAllowed(activity=a, message=m)),
    (("forbids access via", "access restrictions"), lambda a, m: TokenForbidden(activity=a, message=m)),
    (("archived so", "is archived"), lambda a, m: RepositoryReadOnly(activity=a, message=m)),
    (("suspended",), lambda a, m: AccountSuspended(activity=a, message=m)),
    (("locked for migration", "been locked", "is locked"), lambda a, m: RepositoryLocked(activity=a, message=m)),
    (
        ("access blocked", "repository has been disabled", "is blocked", "been blocked", "dmca takedown"),
        lambda a, m: RepositoryBlocked(activity=a, message=m),
    ),
    (_PLAN, lambda a, m: PlanLacks(activity=a, message=m)),
)
