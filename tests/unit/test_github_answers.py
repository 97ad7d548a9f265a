"""What GitHub answers in every known spelling, what it means, and the page that says so (docs/github-answers.md)."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from pathlib import Path

import pytest
from github.GithubException import GithubException

from custom_resources import catalogue
from custom_resources.clients.denials import LIMIT_SECONDS, denied, is_limit, page_text, seconds_asked
from custom_resources.clients.git import conversation, processes
from custom_resources.clients.git.failures import GitFailed, RequestFailed, Translator, clean
from custom_resources.clients.github_connection import _error_document
from custom_resources.clients.github_errors import refusal
from custom_resources.errors import (
    AccessDenied,
    AccountSuspended,
    AddressNotAllowed,
    AskedToWait,
    ContentHasSecrets,
    ContentRefused,
    FinalError,
    GitDenied,
    GitFailing,
    GitHubUnavailable,
    GitLimited,
    GitServerLacks,
    LimitUntold,
    NotPermitted,
    ObjectsRefused,
    PlanLacks,
    Problem,
    PushTooLarge,
    RateLimited,
    RepositoryBlocked,
    RepositoryLocked,
    RepositoryReadOnly,
    RequestRefused,
    RetryLater,
    TokenForbidden,
    TokenNotAuthorized,
    TokenTooNarrow,
)
from standins.github.refusals import ANSWERS, COLLISIONS, DENIALS, LATER, LIMITS, PUSHES

PAGE = Path(__file__).parents[2] / "docs" / "github-answers.md"
ADVICE = "Grant the token that permission"


def on_rest(status: int, body: str, headers: Mapping[str, str] | None = None) -> Problem:
    return refusal(GithubException(status, _error_document(body), dict(headers or {})), "changing acme/x")


def on_git(said: str, status: int = 0, seconds: float = 0, *, pushing: bool = False) -> Exception:
    translator = Translator("https://github.com/acme/x.git", lambda: False)
    failed = RequestFailed(said, status, seconds)
    return translator.of_pushing(failed) if pushing else translator.of_reading(failed)


def rest(name: str) -> Problem:
    answer = ANSWERS[name].response("rest")
    return on_rest(answer.status, answer.content().decode(), answer.headers)


def git(name: str, *, pushing: bool = False) -> Exception:
    answer = ANSWERS[name].response("git")
    text = answer.content().decode()
    return on_git(page_text(text) if ANSWERS[name].page else text, answer.status, pushing=pushing)


def push(name: str) -> Exception:
    told = PUSHES[name]
    unpack = f"remote unpack failed: {told.unpack}\n" if told.unpack != "ok" else ""
    return on_git(f"{told.words}\n{unpack}! [remote rejected] refs/heads/main ({told.reason})", pushing=True)


# -- limits ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", LIMITS)
def test_every_spelling_of_a_limit_is_a_wait_of_a_minute(name: str) -> None:
    found = rest(name)
    assert isinstance(found, LimitUntold)
    assert found.seconds == LIMIT_SECONDS
    for pushing in (False, True):
        limited = git(name, pushing=pushing)
        assert isinstance(limited, GitLimited)
        assert limited.seconds == LIMIT_SECONDS


@pytest.mark.parametrize(
    ("headers", "limited", "seconds"),
    [
        ({"retry-after": "7", "x-ratelimit-reset": "1"}, True, 7),
        ({"retry-after": "inf"}, True, 3600),
        ({"retry-after": "nan"}, True, 3600),
        ({"retry-after": "86400"}, True, 3600),
        ({"retry-after": "-1"}, True, 1),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1090"}, False, 90),
        ({"x-ratelimit-reset": "1090"}, True, 90),
        ({"x-ratelimit-reset": "1090"}, False, None),
        ({"x-ratelimit-remaining": "12", "x-ratelimit-reset": "1090"}, True, None),
        ({}, True, None),
    ],
)
def test_the_headers_say_how_long(
    monkeypatch: pytest.MonkeyPatch, headers: dict[str, str], limited: bool, seconds: float | None
) -> None:
    monkeypatch.setattr(time, "time", lambda: 1000.0)
    assert seconds_asked(headers, limited=limited) == seconds


def test_a_limit_asks_for_its_own_time_in_each_spelling() -> None:
    body = json.dumps({"message": "Validation Failed", "errors": [{"code": "abuse"}]})
    for status in (403, 422, 429):
        found = on_rest(status, body, {"Retry-After": "90"})
        assert isinstance(found, RateLimited)
        assert found.seconds == 90


def test_githubs_own_failure_is_waited_for_as_long_as_it_asks() -> None:
    found = on_rest(503, "", {"Retry-After": "17"})
    assert isinstance(found, GitHubUnavailable)
    assert found.seconds == 17


@pytest.mark.parametrize(
    "body", ['{"message": "Validation Failed", "errors": [{"code": "invalid"}]}', "<p>Invalid</p>"]
)
def test_another_422_is_no_limit(body: str) -> None:
    assert type(on_rest(422, body)) is RequestRefused


@pytest.mark.parametrize("name", LATER)
def test_what_github_wants_at_another_time_is_a_wait(name: str) -> None:
    assert type(rest(name)) is AskedToWait
    if LATER[name].status != 409:  # Git knows none
        assert type(git(name)) is GitFailing


def test_a_permission_that_is_missing_is_missing_later_too() -> None:
    found = on_rest(403, '{"message": "Resource not accessible by integration. Ask an owner and try again later."}')
    assert type(found) is TokenTooNarrow


# -- a 403, by its cause -----------------------------------------------------------------------------------------------

CAUSES: dict[str, type[Problem]] = {
    "saml": TokenNotAuthorized,
    "saml-text": TokenNotAuthorized,
    "ip-allow-list": AddressNotAllowed,
    "token-lifetime": TokenForbidden,
    "token-classic": TokenForbidden,
    "suspended": AccountSuspended,
    "blocked": RepositoryBlocked,
    "blocked-by-law": RepositoryBlocked,
    "locked": RepositoryLocked,
    "plan": PlanLacks,
    "plan-private": PlanLacks,
    "proxy": AccessDenied,
}


def test_every_cause_is_expected() -> None:
    assert CAUSES.keys() == DENIALS.keys()


@pytest.mark.parametrize("name", CAUSES)
def test_a_403_is_told_by_its_cause(name: str) -> None:
    for found in (rest(name), git(name), git(name, pushing=True)):
        assert type(found) is CAUSES[name]
        assert ADVICE not in str(found)
        assert isinstance(found, NotPermitted), "a deletion that may leave things behind does"


# Each of a cause's words alone: servers word the rest of a sentence as they like.
WORDS: dict[str, type[Problem]] = {
    "Your address is not on the IP allow list.": AddressNotAllowed,
    "This IP address is not permitted here.": AddressNotAllowed,
    "The enterprise forbids access via such tokens.": TokenForbidden,
    "There are access restrictions for OAuth apps.": TokenForbidden,
    "It was archived so it cannot change.": RepositoryReadOnly,
    "The repository is archived.": RepositoryReadOnly,
    "Your account was suspended.": AccountSuspended,
    "It is being locked for migration.": RepositoryLocked,
    "It has been locked.": RepositoryLocked,
    "It is locked.": RepositoryLocked,
    "Access blocked.": RepositoryBlocked,
    "This repository has been disabled.": RepositoryBlocked,
    "It is blocked.": RepositoryBlocked,
    "It has been blocked.": RepositoryBlocked,
    "A DMCA takedown notice came.": RepositoryBlocked,
}


@pytest.mark.parametrize("said", WORDS)
def test_each_word_of_a_cause_is_enough(said: str) -> None:
    assert type(denied(said, "reading the repository")) is WORDS[said]


def test_an_archived_repository_is_no_missing_permission() -> None:
    found = on_rest(403, '{"message": "Repository was archived so is read-only."}')
    assert type(found) is RepositoryReadOnly
    assert ADVICE not in str(found)


@pytest.mark.parametrize(
    "message",
    [
        "Resource not accessible by integration",
        "Resource not accessible by personal access token",
        "Must have admin rights to Repository.",
        "You need admin access to the organization before adding a repository to it.",
        "You need at least read:org scope",
        "Must be an organization owner",
    ],
)
def test_a_missing_permission_is_told_as_one(message: str) -> None:
    found = on_rest(403, json.dumps({"message": message}))
    assert type(found) is TokenTooNarrow
    assert ADVICE in str(found)


@pytest.mark.parametrize(
    "said", ["", "Write access to repository not granted.", "Permission to acme/x.git denied to me."]
)
def test_a_403_of_git_without_another_cause_is_the_access_to_contents(said: str) -> None:
    assert type(on_git(said, 403)) is GitDenied


def test_a_page_that_leads_through_single_sign_on_is_shown() -> None:
    url = "https://github.com/orgs/acme/sso?authorization_request=AAAA1111"
    for found in (rest("saml"), git("saml"), git("saml", pushing=True)):
        assert f"({url})" in str(found)
    bare = on_rest(403, '{"message": "Resource protected by organization SAML enforcement."}')
    assert "Configure SSO" in str(bare)
    evil = on_rest(403, "{}", {"x-github-sso": "required; url=javascript:alert(1)"})
    assert "javascript" not in str(evil)


def test_the_line_that_helps_is_kept() -> None:
    said = (
        "remote: SAML.\nremote: To access this repository, you must re-authorize it.\nTo https://github.com/acme/x.git"
    )
    assert clean(said) == "SAML. To access this repository, you must re-authorize it."


# -- pushes ------------------------------------------------------------------------------------------------------------

FOR_GOOD: dict[str, type[Problem]] = {
    "push-protection": ContentHasSecrets,
    "push-secrets-old": ContentHasSecrets,
    "push-integration": ContentRefused,
    "push-fsck": ObjectsRefused,
    "push-too-large": PushTooLarge,
    "push-shallow": GitServerLacks,
}


def test_every_refusal_of_a_push_is_expected() -> None:
    assert FOR_GOOD.keys() == PUSHES.keys()


@pytest.mark.parametrize("name", FOR_GOOD)
def test_a_push_that_is_refused_for_good_is_final_at_once(name: str) -> None:
    found = push(name)
    assert type(found) is FOR_GOOD[name]
    assert isinstance(found, FinalError)


def test_push_protection_keeps_kind_path_line_and_address() -> None:
    assert (
        "secrets in the content: Amazon AWS Access Key ID, in config/settings.py:4, "
        "allow it at https://github.com/acme/work/security/secret-scanning/unblock-secret/2hAbCdEf. Remove"
    ) in str(push("push-protection"))


def test_push_protection_is_read_with_gits_mark_of_what_the_server_says() -> None:
    said = "remote: Push cannot contain secrets\nremote: —— A Key ————\nremote:   path: a.py:3\n"
    assert "secrets in the content: A Key, in a.py:3. Remove" in str(on_git(said, pushing=True))


def test_a_files_name_is_no_limit() -> None:
    found = on_git("Push cannot contain secrets\n path: docs/rate limits.md:3\n", pushing=True)
    assert type(found) is ContentHasSecrets
    assert "in docs/rate limits.md:3." in str(found)


def test_of_many_secrets_the_first_are_named() -> None:
    lines = "".join(f"   path: a.py:{number}\n" for number in range(20))
    assert "in a.py:11, and 8 more lines." in str(on_git(f"Push cannot contain secrets\n{lines}", pushing=True))


def test_an_atomic_push_that_is_not_supported_is_final() -> None:
    failed = GitFailed("push", 128, "fatal: the receiving end does not support --atomic push")
    found = Translator("https://github.com/acme/x.git", lambda: False).of_pushing(failed)
    assert type(found) is GitServerLacks


@pytest.mark.parametrize("why", ["fatal: early EOF", "No space left on device", "fatal: the remote end hung up"])
def test_a_push_that_was_cut_off_is_no_refusal(why: str) -> None:
    found = on_git(f"{why}\nremote unpack failed: index-pack abnormal exit", pushing=True)
    assert not isinstance(found, ContentRefused)
    assert isinstance(found, GitFailing) or "disk" in str(type(found).__doc__)


# -- time limits -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "entry", [each for each in catalogue.CATALOGUE if "git" in each.needs], ids=lambda each: each.name
)
def test_git_ends_before_the_function_does(entry: catalogue.Entry) -> None:
    for limit in (processes.TIME_LIMIT_SECONDS, conversation.TRANSFER_SECONDS, conversation.SILENCE_SECONDS):
        assert limit <= entry.timeout - 60


# -- the page ----------------------------------------------------------------------------------------------------------


def row(answer: str, found: Exception) -> str:
    assert isinstance(found, Problem)
    kind = "waits" if isinstance(found, RetryLater) else "fails"
    cells = (answer, f"`{type(found).__name__}`, {kind}", found.happened, found.remedy)
    return f"| {' | '.join(cells)} |"


def brief(text: str) -> str:
    return " ".join(text[:90].split()) + ("..." if len(text) > 90 else "")


def rows() -> list[str]:
    """Return the table's lines, in the stand-in's order."""
    made = []
    for name, answer in ANSWERS.items():
        if name in COLLISIONS:  # the general refusal, once it has been repeated
            continue
        text = page_text(answer.page) if answer.page else answer.message
        made.append(row(f"REST {answer.status}, `{name}`: {brief(text)}", rest(name)))
        text, status = page_text(answer.page) or answer.git or text, answer.response("git").status
        made.append(row(f"Git {status}, `{name}`: {brief(text)}", git(name)))
    archived = on_rest(403, '{"message": "Repository was archived so is read-only."}')
    narrow = on_rest(403, '{"message": "Resource not accessible by integration"}')
    made += [row("REST 403, archived", archived), row("REST 403, a permission is missing", narrow)]
    made += [row("Git 403, a permission is missing", on_git("Write access to repository not granted.", 403))]
    return [*made, *(row(f"push, `{name}`", push(name)) for name in PUSHES)]


def test_the_page_has_every_answer_and_no_other() -> None:
    """On a difference, put the lines of `rows()` there."""
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    shown = [line for line in lines if line.startswith(("| REST", "| Git ", "| push"))]
    assert shown == rows()


def test_words_about_something_else_are_no_limit() -> None:
    assert not is_limit("Resource not accessible by integration")
    assert page_text("<head><title>x</title></head><script>var a</script><p>a &amp;\n b</p>") == "a & b"
