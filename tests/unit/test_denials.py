"""Each of GitHub's spellings alone has its meaning: one that a longer sentence holds up is not held."""

from __future__ import annotations

import pytest

from custom_resources.clients.denials import denied, is_for_later, is_limit, of_plan
from custom_resources.clients.git.failures import GitFailed, PushRejected, Translator
from custom_resources.errors import (
    AccessDenied,
    AccountSuspended,
    AddressNotAllowed,
    ContentHasSecrets,
    ContentRefused,
    CredentialsRejected,
    GitFailing,
    GitServerLacks,
    ObjectNotFetched,
    ObjectsRefused,
    PlanLacks,
    PushTooLarge,
    RepositoryBlocked,
    RepositoryLocked,
    RepositoryReadOnly,
    RepositoryTooLarge,
    RepositoryUnreachable,
    TokenForbidden,
    TokenNotAuthorized,
    TokenTooNarrow,
)

PLAN = (
    "Upgrade to GitHub Pro",
    "Upgrade your plan",
    "upgrade your subscription",
    "not on this billing plan",
    "your current plan has none",
)
CAUSES: dict[type[Exception], tuple[str, ...]] = {
    AddressNotAllowed: ("the owner has an IP allow list", "your IP address is not permitted"),
    TokenForbidden: ("`acme` forbids access via a classic token", "OAuth App access restrictions"),
    RepositoryReadOnly: ("it was archived so no", "it is archived"),
    AccountSuspended: ("your account was suspended",),
    RepositoryLocked: ("locked for migration", "it has been locked", "it is locked"),
    RepositoryBlocked: (
        "access blocked",
        "this repository has been disabled",
        "it is blocked",
        "it has been blocked",
        "DMCA takedown",
    ),
    PlanLacks: PLAN,
    TokenNotAuthorized: ("protected by SAML enforcement",),
    TokenTooNarrow: (
        "Resource not accessible by integration",
        *(f"Must have {right} rights" for right in ("admin", "maintain", "push", "write", "pull", "read")),
        "Must be an owner",
        "Must be a member",
        "admin rights",
        "you need more",
        "the scope repo",
        "these scopes",
        "the permission",
        "no permissions",
        "not granted",
        "denied to ada",
        "write access",
        "refusing to allow it",
    ),
    AccessDenied: ("no", "telescopes", "the locksmith", "impermissible"),
}
LIMITS = (
    *("rate limit", "rate-limit", "ratelimit", "rate limiting", "rate exceeded", "quota exhausted", "quota exceeded"),
    *("abuse detection", "too many requests", "submitted too quickly", "throttled", "slow down"),
)
LATER = (
    "try again later",
    "retry later",
    "Try it in a few minutes",
    "try in a moment",
    "try in a minute",
    "try in a second",
    "temporarily unavailable",
)
PUSHES: dict[type[Exception], tuple[str, ...]] = {
    PushRejected: ("stale info",),
    ContentHasSecrets: ("Push cannot contain secrets", "GH009", "GitHub Push Protection"),
    ContentRefused: (
        "the `workflow` scope is missing",
        "cannot update without `workflows`",
        "refusing to allow a GitHub App to update it",
        "GH001",
        "this exceeds GitHub's file size limit",
        "GH007",
    ),
    PushTooLarge: ("pack exceeds maximum allowed size", "pack exceeds the maximum"),
    GitServerLacks: ("shallow update not allowed", "the receiving end does not support --atomic push"),
    ObjectsRefused: (
        "fsck error in packed object",
        "unpack failed",
        "unpacker error",
        "index-pack abnormal exit",
        "unpack-objects abnormal exit",
    ),
}
PASSING = (
    "early EOF",
    "hung up",
    "disconnect",
    "timed out",
    "no space left here",
    "unable to create temporary object directory",
    "Internal Server Error",
    "out of memory",
)
READING: dict[type[Exception], tuple[str, ...]] = {
    RepositoryUnreachable: ("it was not found", "returned error: 404", "/x does not exist"),
    CredentialsRejected: ("authentication failed", "returned error: 401", "could not read Username"),
    RepositoryTooLarge: ("no space left on device",),
    ObjectNotFetched: ("fatal: attempting to allocate",),
    GitFailing: ("it found nothing", "error: 40"),
}


def pairs(table: dict[type[Exception], tuple[str, ...]]) -> list[tuple[str, type[Exception]]]:
    return [(said, meaning) for meaning, sentences in table.items() for said in sentences]


@pytest.mark.parametrize(("said", "meaning"), pairs(CAUSES))
def test_a_403_has_the_meaning_of_its_words(said: str, meaning: type[Exception]) -> None:
    assert type(denied(said, "looking")) is meaning
    assert of_plan(said) is (meaning is PlanLacks)


@pytest.mark.parametrize(
    ("said", "sso", "page"),
    [
        ("No.", "required; url=https://github.com/orgs/a/sso?r=A1&url=b", "https://github.com/orgs/a/sso?r=A1&url=b"),
        ("SAML: see https://github.com/orgs/b/sso.", "", "https://github.com/orgs/b/sso"),
        ("SAML: see https://github.com/b.", "", "the token's page in GitHub's settings, under Configure SSO"),
    ],
)
def test_a_token_is_authorized_on_the_page_that_github_names(said: str, sso: str, page: str) -> None:
    problem = denied(said, "looking", sso)
    assert type(problem) is TokenNotAuthorized
    assert f"Authorize the token for single sign-on ({page})," in str(problem)


@pytest.mark.parametrize("said", LIMITS)
def test_each_spelling_of_a_limit_is_one(said: str) -> None:
    assert is_limit(f"You see: {said.upper()}.")
    assert not is_limit(said[1:])


@pytest.mark.parametrize("said", LATER)
def test_each_spelling_of_later_is_one(said: str) -> None:
    assert is_for_later(said)
    assert not is_for_later(said.replace("r", "x"))


@pytest.mark.parametrize(("said", "meaning"), pairs(PUSHES))
def test_a_push_has_the_meaning_of_its_words(said: str, meaning: type[Exception]) -> None:
    assert type(translator().of_pushing(GitFailed("push", 1, said))) is meaning


@pytest.mark.parametrize("said", PASSING)
def test_a_server_that_could_not_store_a_push_for_a_while_is_tried_again(said: str) -> None:
    assert type(translator().of_pushing(GitFailed("push", 1, f"unpack failed: {said}"))) is GitFailing


@pytest.mark.parametrize(("said", "meaning"), pairs(READING))
def test_a_failed_fetch_has_the_meaning_of_its_words(said: str, meaning: type[Exception]) -> None:
    assert type(translator().of_reading(GitFailed("fetch", 128, said))) is meaning


def translator() -> Translator:
    return Translator("https://github.com/acme/x.git", lambda: False)
