"""What each refusal of GitHub means, by status, words and headers: a golden file.

`GOLDEN=write` writes the file; its difference is read like code.
"""

from __future__ import annotations

import os
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from github.GithubException import GithubException

from custom_resources.clients.github_errors import exists_already, failing, is_limited, not_opened, refusal, said
from custom_resources.errors import Problem, RateLimited, RetryLater

GOLDEN = Path(__file__).parent / "golden" / "github_errors.txt"
STATUSES = (303, 400, 402, 403, 404, 407, 408, 409, 410, 422, 428, 429, 451, 499, 500, 503)
BODIES: dict[str, Any] = {
    "nothing": None,
    "other words": {"message": "No."},
    "a page": {"page": "Unicorn!"},
    "set up": {"message": "The repository is Being set up."},
    "created": {"message": "It is being created."},
    "not ready": {"message": "It is not ready yet"},
    "still": {"message": "It is still being moved"},
    "there already": {"message": "Name Already exists."},
    "there by its code": {"message": "Validation Failed", "errors": [{"code": "already_exists"}]},
    "abuse": {"message": "Validation Failed", "errors": [{"code": "abuse"}, {"code": "invalid"}]},
    "secondary limit": {"message": "You have exceeded a secondary rate limit."},
    "limit of the hour": {"message": "API rate limit exceeded for user 1."},
    "plan": {"message": "Upgrade to GitHub Pro."},
    "later": {"message": "Please try again later."},
    "archived": {"message": "Repository was archived so is read-only."},
    "permission": {"message": "Resource not accessible by integration"},
    "base": {"message": "Validation Failed", "errors": [{"field": "base", "code": "invalid"}]},
    "head": {"message": "Validation Failed", "errors": [{"field": "head", "code": "invalid"}]},
    "commits": {"message": "Validation Failed", "errors": [{"message": "No commits between main and b"}]},
    "an object of errors": {"message": "Validation Failed", "errors": {"field": "name", "code": "custom"}},
    "a text of errors": {"message": "Validation Failed.", "errors": "not allowed"},
    "single sign-on": {"message": "Resource protected by organization SAML enforcement."},
}
HEADERS: dict[str, dict[str, str] | None] = {
    "no headers": None,
    "Retry-After": {"Retry-After": "17"},
    "used up": {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1090"},
    "not used up": {"X-RateLimit-Remaining": "1", "X-RateLimit-Reset": "1090"},
    "a reset alone": {"X-RateLimit-Reset": "1090"},  # as from a proxy that drops the rest
    "sso": {"X-GitHub-SSO": "required; url=https://github.com/orgs/acme/sso?authorization_request=A"},
}


def error(status: int, body: str, headers: str) -> GithubException:
    return GithubException(status, BODIES[body], HEADERS[headers], "the library's words" if body == "nothing" else None)


def told(problem: Problem) -> str:
    """Return the class, how long it is waited for, whose limit it is, and the sentence."""
    seconds = f", {problem.seconds:g} s" if isinstance(problem, RetryLater) else ""
    content = f", of content: {problem.of_content}" if isinstance(problem, RateLimited) else ""
    return f"{type(problem).__name__}{seconds}{content}: {problem}"


def meanings(body: str, headers: str) -> Iterator[tuple[str, int]]:
    """Return what each function says of each status."""
    for status in STATUSES:
        failed = error(status, body, headers)
        yield f"refusal -> {told(refusal(failed, 'changing acme/x'))}".replace(f"{status}", "<status>"), status
        creating = refusal(failed, "changing acme/x", creates=True)
        yield f"refusal of content -> {told(creating)}".replace(f"{status}", "<status>"), status
        opened = told(not_opened(failed, "acme/x", "b"))
        yield f"not_opened -> {opened}".replace(f"{status}", "<status>"), status
        yield f"exists_already -> {exists_already(failed)}", status
        yield f"failing -> {failing(failed)}", status
        yield f"is_limited -> {is_limited(failed)}", status


def written() -> Iterator[str]:
    """Yield what is said; with headers, what is not said without them."""
    for body in BODIES:
        plain: set[tuple[str, int]] = set()
        yield f"== {body}: {said(error(499, body, 'no headers'))}"
        for headers in HEADERS:
            found: dict[str, list[int]] = defaultdict(list)
            meant = list(meanings(body, headers))
            for meaning, status in meant:
                if (meaning, status) not in plain:
                    found[meaning].append(status)
            plain = plain or set(meant)
            if found:
                yield f"  {headers}"
            yield from (f"    {', '.join(map(str, statuses))}: {meaning}" for meaning, statuses in found.items())
        yield ""


def test_what_a_refusal_means_is_what_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time", lambda: 1000.0)
    found = "\n".join(written())
    if os.environ.get("GOLDEN") == "write":
        GOLDEN.write_text(found, encoding="utf-8")
    assert found == GOLDEN.read_text(encoding="utf-8")
