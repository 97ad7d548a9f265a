"""What GitHub's replicas may not show yet is waited for; what a token may not do is said before anything is written."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from github.Requester import Requester

from custom_resources.clients import github_connection
from custom_resources.clients.github import GitHub
from custom_resources.clients.replicas import Replicas
from custom_resources.clients.secrets import GitHubCredentials
from custom_resources.errors import (
    AppInUserAccount,
    EnvironmentRulesRefused,
    FinalError,
    NotSeenYet,
    OrganizationNotFound,
    RepositoryReadOnly,
    TokenLacksScope,
)
from tests import sleeping

NOW = 1_000_000.0
APP = GitHubCredentials(app_id="7", installation_id=8, private_key="key")
FOUND = {"id": 7, "full_name": "acme/x", "html_url": "https://github.com/acme/x"}
NOT_FOUND = {"message": "Not Found"}
Answer = Callable[[str, str], tuple[int, dict[str, str], Any]]
Hub = Callable[..., tuple[GitHub, Replicas]]


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Hub:
    sleeping.noted(monkeypatch)
    monkeypatch.setattr(github_connection, "_signed", lambda app: "signed")

    def made(answer: Answer, credentials: GitHubCredentials | None = None) -> tuple[GitHub, Replicas]:
        def asked(_: Requester, verb: str, path: str, **__: Any) -> tuple[int, dict[str, str], str]:
            if path.endswith("/access_tokens"):
                return 201, {}, '{"token": "ghs_number_1", "expires_at": "2099-01-01T00:00:00Z"}'
            status, headers, data = answer(verb, path)
            return status, headers, json.dumps(data)

        monkeypatch.setattr(Requester, "requestJson", asked)
        replicas = Replicas(lambda: NOW)
        known = credentials or GitHubCredentials(token="ghp_x")
        return GitHub("https://api.github.com", lambda: known, replicas=replicas), replicas

    return made


def wrote_elsewhere(replicas: Replicas) -> None:
    """Another function may have written just before."""
    replicas.begin("request", NOW)


def wrote(replicas: Replicas) -> None:
    replicas.wrote()


def wrote_to_it(replicas: Replicas) -> None:
    replicas.wrote("/repos/acme/x/topics")


def nothing(replicas: Replicas) -> None:
    """Long ago."""


WAITS = NotSeenYet
LAG: list[tuple[str, Callable[[GitHub], Any], tuple[int, Any], dict[Callable[[Replicas], None], Any]]] = [
    (
        "the name of a new repository is taken",
        lambda hub: hub.create_repository("acme", "x", "d", "private"),
        (422, {"message": "name already exists on this account"}),
        {nothing: None, wrote_elsewhere: None, wrote: WAITS, wrote_to_it: WAITS},
    ),
    (
        "commits are not found",
        lambda hub: hub.contains("acme/x", "a" * 40, "b" * 40),
        (404, NOT_FOUND),
        {nothing: False, wrote_elsewhere: WAITS, wrote: WAITS, wrote_to_it: WAITS},
    ),
    (
        "commits have nothing in common",
        lambda hub: hub.contains("acme/x", "a" * 40, "b" * 40),
        (404, {"message": "No Common ancestor between a and b"}),
        {nothing: False, wrote_elsewhere: False, wrote: False, wrote_to_it: False},
    ),
    (
        "environments are not found",
        lambda hub: hub.environments("acme/x"),
        (404, NOT_FOUND),
        {nothing: {}, wrote_elsewhere: WAITS, wrote: WAITS, wrote_to_it: {}},
    ),
    (
        "an environment is not taken",
        lambda hub: hub.create_environment("acme/x", "staging", "main", []),
        (404, NOT_FOUND),
        {
            nothing: EnvironmentRulesRefused,
            wrote_elsewhere: WAITS,
            wrote: WAITS,
            wrote_to_it: EnvironmentRulesRefused,
        },
    ),
    (
        "an environment's rules are not taken",
        lambda hub: hub.create_environment("acme/x", "staging", "main", []),
        (422, {"message": "ensure the billing plan supports it"}),
        dict.fromkeys((nothing, wrote_elsewhere, wrote, wrote_to_it), EnvironmentRulesRefused),
    ),
]


@pytest.mark.parametrize(
    ("call", "answer", "before", "expected"),
    [(call, answer, before, expected) for _, call, answer, cases in LAG for before, expected in cases.items()],
    ids=[f"{name}, {before.__name__}" for name, _, _, cases in LAG for before in cases],
)
def test_what_may_only_be_unseen_is_waited_for(
    hub: Hub,
    call: Callable[[GitHub], Any],
    answer: tuple[int, Any],
    before: Callable[[Replicas], None],
    expected: Any,
) -> None:
    github, replicas = hub(lambda verb, path: (answer[0], {}, answer[1]))
    before(replicas)
    if not isinstance(expected, type):
        assert call(github) == expected
        return
    with pytest.raises(expected) as refused:
        call(github)
    if isinstance(refused.value, NotSeenYet):
        assert refused.value.seconds == 5
        assert "visible" in str(refused.value)


@pytest.mark.parametrize("created", ["1970-01-12T13:46:40Z", "1970-01-01T00:00:00Z", None])
def test_a_repository_that_was_created_just_now_may_lack_what_it_has(hub: Hub, created: str | None) -> None:
    github, replicas = hub(lambda verb, path: (200, {}, {**FOUND, "created_at": created, "id": 8}))
    github.find_repository("acme/x")
    assert replicas.recent is (created == "1970-01-12T13:46:40Z")
    github, replicas = hub(
        lambda verb, path: (200, {}, {**FOUND, "created_at": created}) if path == "/repositories/7" else (404, {}, {})
    )
    github.repository_by_id(7, "acme/x")
    assert replicas.recent is (created == "1970-01-12T13:46:40Z")


# -- archiving --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "changes", "lag"),
    [
        (403, {"archived": True}, True),
        (409, {"archived": True}, True),
        (422, {"archived": True}, True),
        (402, {"archived": True}, False),
        (404, {"archived": True}, True),  # as every 404 may
        (410, {"archived": True}, False),
        (403, {"archived": False}, False),
        (422, {"description": "d"}, False),
        (409, {"archived": True, "description": "d"}, True),
    ],
)
def test_a_refused_archiving_may_come_too_early(hub: Hub, status: int, changes: dict[str, Any], lag: bool) -> None:
    github, _ = hub(lambda verb, path: (status, {}, {"message": "No."}))
    with pytest.raises(FinalError, match="changing acme/x") as refused:
        github.update_repository("acme/x", **changes)
    assert refused.value.may_be_lag is lag


@pytest.mark.parametrize(
    ("found", "changes", "done"),
    [
        ((200, {**FOUND, "archived": True}), {"archived": True}, True),
        ((200, {**FOUND, "archived": False}), {"archived": True}, False),
        ((404, NOT_FOUND), {"archived": True}, False),
        ((200, {**FOUND, "archived": True}), {"archived": True, "description": "d"}, False),
        ((200, {**FOUND, "archived": True}), {"archived": False}, False),
    ],
)
def test_what_is_archived_already_is_done(
    hub: Hub, found: tuple[int, Any], changes: dict[str, Any], done: bool
) -> None:
    refused: tuple[int, dict[str, str], Any] = (403, {}, {"message": "Repository was archived so is read-only."})
    github, _ = hub(lambda verb, path: refused if verb == "PATCH" else (found[0], {}, found[1]))
    if done:
        assert github.update_repository("acme/x", **changes).archived
        return
    with pytest.raises(RepositoryReadOnly):
        github.update_repository("acme/x", **changes)


# -- what a token may do ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("token", "scopes", "missing"),
    [
        ("ghp_x", "repo, workflow", ""),
        ("ghp_x", "workflow,repo , gist", ""),
        ("ghp_x", "repo", "'workflow'"),
        ("ghp_x", "workflow", "'repo'"),
        ("ghp_x", "public_repo", "'repo' and 'workflow'"),
        ("ghp_x", "", "'repo' and 'workflow'"),
        ("ghp_x", None, ""),
        ("github_pat_x", "", ""),
    ],
)
@pytest.mark.parametrize("status", [200, 404])
def test_a_classic_token_that_lacks_a_scope_is_refused(
    hub: Hub, token: str, scopes: str | None, missing: str, status: int
) -> None:
    headers = {} if scopes is None else {"x-oauth-scopes": scopes}
    github, _ = hub(lambda verb, path: (status, headers, FOUND), GitHubCredentials(token=token))
    if not missing:
        assert (github.find_repository("acme/x") is None) is (status == 404)
        return
    with pytest.raises(TokenLacksScope, match=missing):
        github.find_repository("acme/x")


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ((200, {"type": "User"}), AppInUserAccount),
        ((200, {"type": "Organization"}), OrganizationNotFound),
        ((200, {}), OrganizationNotFound),
        ((404, NOT_FOUND), OrganizationNotFound),
    ],
)
def test_an_app_creates_nothing_in_a_users_account(hub: Hub, answer: tuple[int, Any], kind: type[Exception]) -> None:
    asked: list[str] = []

    def answered(verb: str, path: str) -> tuple[int, dict[str, str], Any]:
        asked.append(f"{verb} {path}")
        return (answer[0], {}, answer[1]) if path == "/users/ada" else (404, {}, NOT_FOUND)

    github, _ = hub(answered, APP)
    with pytest.raises(kind, match="ada"):
        github.create_repository("ada", "x", "d", "private")
    assert asked == ["POST /orgs/ada/repos", "GET /users/ada"]


@pytest.mark.parametrize(
    ("user", "own"),
    [((200, {"login": "ADA"}), True), ((200, {"login": None}), False), ((200, {}), False), ((404, {}), False)],
)
def test_a_token_creates_in_the_account_of_its_own_user_only(hub: Hub, user: tuple[int, Any], own: bool) -> None:
    def answered(verb: str, path: str) -> tuple[int, dict[str, str], Any]:
        known: dict[str, tuple[int, dict[str, str], Any]] = {
            "/user": (user[0], {}, user[1]),
            "/user/repos": (201, {}, FOUND),
        }
        return known.get(path, (404, {}, NOT_FOUND))

    github, _ = hub(answered)
    if own:
        assert github.create_repository("ada", "x", "d", "private") is not None
        return
    with pytest.raises(OrganizationNotFound, match="ada"):
        github.create_repository("ada", "x", "d", "private")
