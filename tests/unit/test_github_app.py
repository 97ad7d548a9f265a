"""A GitHub App's tokens: what they are asked for with, which refusal means what, and when another one is made."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
import requests
from github.Requester import Requester

from custom_resources.clients import github_connection
from custom_resources.clients.github_connection import FRESH_SECONDS, LEAST_SECONDS, Connection
from custom_resources.clients.secrets import GitHubCredentials
from custom_resources.errors import (
    AccessDenied,
    AnswerIncomplete,
    AppLacksPermission,
    AppNotInstalled,
    FinalError,
    GitHubUnavailable,
    RepositoryUnreachable,
    RetryLater,
    TokenNotSpread,
    TokenRejected,
    TokenRotated,
    TokenTooNarrow,
)
from custom_resources.telemetry import HIDDEN, redacted
from tests import sleeping

APP = GitHubCredentials(app_id="7", installation_id=8, private_key="key")
TOKENS = "/app/installations/8/access_tokens"
PERMISSIONS = (("contents", "write"), ("metadata", "read"))
Answered = tuple[int, Any]


@dataclass
class Server:
    """Makes tokens that last an hour, and answers every other request so."""

    tokens: list[Answered] = field(default_factory=list)  # instead of making one, in turn
    others: list[Answered] = field(default_factory=lambda: [(200, {"full_name": "Acme/x"})])
    sent: list[tuple[str, str, str]] = field(default_factory=list)  # the header, what is asked, and with which body
    made: int = 0
    lasts: float = 3600.0

    def answer(self, asked: Requester, verb: str, path: str, body: Any) -> tuple[int, dict[str, Any], str]:
        auth: Any = asked.auth
        self.sent.append((f"{auth.token_type} {auth.token}", f"{verb} {path}", json.dumps(body, sort_keys=True)))
        status, data = self._token() if path == TOKENS else self._other()
        return status, {}, data if isinstance(data, str) else json.dumps(data)

    def _token(self) -> Answered:
        if self.tokens:
            return self.tokens.pop(0)
        self.made += 1
        ends = datetime.fromtimestamp(time.time() + self.lasts, UTC)
        return 201, {"token": f"ghs_number_{self.made}", "expires_at": ends.isoformat()}

    def _other(self) -> Answered:
        return self.others.pop(0) if len(self.others) > 1 else self.others[0]


@dataclass
class Clock:
    """Both of the machine's clocks."""

    now: float = 1_000_000.0


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    found = Clock()
    clocks = SimpleNamespace(time=lambda: found.now, monotonic=lambda: found.now)
    monkeypatch.setattr(github_connection, "time", clocks)
    monkeypatch.setattr(time, "time", lambda: found.now)
    return found


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Server:
    found = Server()

    def answer(self: Requester, verb: str, path: str, *_: Any, input: Any = None, **__: Any) -> Any:
        return found.answer(self, verb, path, input)

    monkeypatch.setattr(Requester, "requestJson", answer)
    monkeypatch.setattr(github_connection, "_signed", lambda app: f"signed-by-{app.app_id}")
    sleeping.noted(monkeypatch)
    return found


def connected(permissions: Any = PERMISSIONS, *credentials: GitHubCredentials) -> Connection:
    left = list(credentials or (APP,))
    return Connection("https://api.github.com", lambda: left.pop(0) if len(left) > 1 else left[0], permissions)


def test_a_token_is_for_one_repository_and_what_the_function_may(server: Server, clock: Clock) -> None:
    assert connected().token_for("acme/x") == "ghs_number_1"
    wanted = {"permissions": dict(PERMISSIONS), "repositories": ["x"]}
    assert server.sent == [("Bearer signed-by-7", f"POST {TOKENS}", json.dumps(wanted))]
    assert redacted("a ghs_number_1") == f"a {HIDDEN}", "no log shows it"


def test_without_permissions_a_token_has_those_of_the_installation(server: Server, clock: Clock) -> None:
    assert connected(None).token_for("acme/x") == "ghs_number_1"
    assert json.loads(server.sent[0][2]) == {"repositories": ["x"]}


def test_each_repository_has_a_token_of_its_own_until_it_expires_soon(server: Server, clock: Clock) -> None:
    connection = connected()
    assert [connection.token_for(name) for name in ("acme/x", "acme/y", "acme/x")] == [
        "ghs_number_1",
        "ghs_number_2",
        "ghs_number_1",
    ]
    clock.now += 3600 - LEAST_SECONDS
    assert connection.token_for("acme/x") == "ghs_number_1", "it lasts as long as a function runs"
    clock.now += 1
    assert connection.token_for("acme/x") == "ghs_number_3"


def test_a_request_goes_with_its_token(server: Server, clock: Clock) -> None:
    assert connected().call("looking", "GET", "/repos/acme/x") == {"full_name": "Acme/x"}
    assert json.loads(server.sent[0][2]) == {"permissions": {"metadata": "read"}}
    assert server.sent[1] == ("token ghs_number_1", "GET /repos/acme/x", "null")


REFUSED: dict[str, tuple[Answered, type[Exception], str]] = {
    "not installed": ((404, {"message": "Not Found"}), AppNotInstalled, "8"),
    "a permission": (
        (422, {"message": "The permissions requested are not granted."}),
        AppLacksPermission,
        "contents: ",
    ),
    "nothing said": ((422, {}), AppLacksPermission, "contents: write, metadata: read"),
    "denied": ((403, {"message": "No."}), AccessDenied, "authenticating"),
    "a redirect": ((300, {"message": "No."}), FinalError, "authenticating"),
    "failing": ((502, ""), GitHubUnavailable, "authenticating"),
    "no token in it": ((201, {"expires_at": "2026-11-01T00:00:00Z"}), AnswerIncomplete, "getting a token"),
    "no end": ((201, {"token": "ghs_x"}), AnswerIncomplete, "getting a token"),
    "a strange end": ((201, {"token": "ghs_x", "expires_at": "soon"}), AnswerIncomplete, "getting a token"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_github_says_to_a_request_for_a_token(server: Server, clock: Clock, name: str) -> None:
    answer, kind, said = REFUSED[name]
    server.tokens = [answer] * 4
    with pytest.raises(kind) as refused:
        connected().token_for("acme/x")
    assert said in str(refused.value)


def test_a_missing_permission_of_all_is_said(server: Server, clock: Clock) -> None:
    server.tokens = [(422, {"message": "No."})]
    with pytest.raises(AppLacksPermission, match="those of the installation"):
        connected(None).token_for("acme/x")


TOKEN = (201, {"token": "ghs_number_1", "expires_at": "2030-01-01T00:00:00Z"})
UNKNOWN = (422, {"message": "There is at least one Repository that does not exist."})


@pytest.mark.parametrize(
    ("looked", "kind"),
    [
        ((200, {"full_name": "Acme/X"}), TokenNotSpread),
        ((200, {"full_name": "acme/renamed"}), RepositoryUnreachable),
        ((200, {}), RepositoryUnreachable),
        ((200, ""), RepositoryUnreachable),
        ((301, {"full_name": "acme/x"}), RepositoryUnreachable),
        ((404, {"message": "Not Found"}), RepositoryUnreachable),
        ((403, {"message": "No."}), AccessDenied),
        ((400, {"message": "No."}), FinalError),
        ((502, {}), GitHubUnavailable),
    ],
)
def test_a_name_that_is_not_known_yet_is_told_from_a_wrong_one(
    server: Server, clock: Clock, looked: Answered, kind: type[Exception]
) -> None:
    server.tokens, server.others = [UNKNOWN], [looked]
    if looked[0] == 502:  # then all of it is asked again, but the token that looks
        server.tokens = [UNKNOWN, TOKEN, UNKNOWN, UNKNOWN, UNKNOWN]
    connection = connected()
    with pytest.raises(kind) as refused:
        connection.token_for("acme/x")
    if kind is TokenNotSpread:
        assert vars(refused.value)["seconds"] == 5
    if kind is RepositoryUnreachable:
        assert "getting a token for acme/x" in str(refused.value)
    assert json.loads(server.sent[1][2]) == {"permissions": {"metadata": "read"}}
    assert server.sent[2][:2] == ("token ghs_number_1", "GET /repos/acme/x")


# -- a token that GitHub rejects --------------------------------------------------------------------------------------


def test_a_token_that_was_made_just_now_may_not_be_known_yet(server: Server, clock: Clock) -> None:
    connection, server.others = connected(), [(401, {"message": "Bad credentials"})]
    with pytest.raises(TokenNotSpread) as wait:
        connection.call("looking", "GET", "/repos/acme/x")
    assert wait.value.seconds == 5
    clock.now += FRESH_SECONDS - 1
    with pytest.raises(TokenNotSpread):
        connection.renew("ghs_number_1")
    clock.now += 1
    with pytest.raises(TokenRotated) as again:
        connection.call("looking", "GET", "/repos/acme/x")
    assert again.value.seconds == 0
    with pytest.raises(TokenNotSpread):
        connection.call("looking", "GET", "/repos/acme/x")
    clock.now += FRESH_SECONDS
    with pytest.raises(TokenRejected):
        connection.call("looking", "GET", "/repos/acme/x")
    assert server.made == 2, "an App has another token made once"


@pytest.mark.parametrize(
    ("after", "message", "kind"),
    [
        (0.0, "Resource not accessible by integration", TokenNotSpread),
        (0.0, "No.", AccessDenied),
        (FRESH_SECONDS, "Resource not accessible by integration", TokenTooNarrow),
    ],
)
def test_a_new_tokens_permissions_may_not_be_known_yet(
    server: Server, clock: Clock, after: float, message: str, kind: type[Exception]
) -> None:
    connection = connected()
    connection.call("looking", "GET", "/repos/acme/x/topics")
    clock.now += after
    server.others = [(403, {"message": message})]
    with pytest.raises(kind) as refused:
        connection.call("looking", "GET", "/repos/acme/x/topics")
    assert type(refused.value) is kind
    assert getattr(refused.value, "seconds", 5) == 5


@pytest.mark.parametrize(
    ("then", "another"), [(APP, True), (GitHubCredentials(token="ghp_x"), True)], ids=["the same App", "a token"]
)
def test_git_is_told_whether_an_apps_token_has_a_successor(
    server: Server, clock: Clock, then: GitHubCredentials, another: bool
) -> None:
    connection = connected(PERMISSIONS, APP, then)
    assert connection.renew("whatever") is True, "none was in use"
    token = connection.token_for("acme/x")
    assert connection.renew("a former one") is True
    clock.now += FRESH_SECONDS
    assert connection.renew(token) is another


@pytest.mark.parametrize(("credentials", "app"), [(APP, True), (GitHubCredentials(token="ghp_x"), False)])
def test_an_app_is_told_from_a_token(server: Server, credentials: GitHubCredentials, app: bool) -> None:
    assert connected(PERMISSIONS, credentials).is_app is app
    assert server.sent == []


# -- the App's installation, and where a name leads -------------------------------------------------------------------


def test_an_installation_is_read_as_the_app(server: Server) -> None:
    server.others = [(502, {}), (200, {"id": 8})]
    assert connected().installation() == {"id": 8}
    assert server.sent[-1] == ("Bearer signed-by-7", "GET /app/installations/8", "null")


@pytest.mark.parametrize(
    ("answer", "kind", "said"),
    [
        ((404, {}), AppNotInstalled, "8"),
        ((403, {"message": "No."}), AccessDenied, "reading the App's installation"),
        ((300, {"message": "No."}), FinalError, "reading the App's installation"),
        ((502, {}), RetryLater, "reading the App's installation"),
    ],
)
def test_an_installation_that_cannot_be_read(
    server: Server, answer: Answered, kind: type[Exception], said: str
) -> None:
    server.others = [answer]
    with pytest.raises(kind) as refused:
        connected().installation()
    assert said in str(refused.value)


@dataclass
class Redirecting:
    """What `requests` answers to one look, and what it was asked."""

    status_code: int = 404
    location: str = ""
    text: str = '{"message": "No."}'
    asked: list[tuple[str, Mapping[str, Any]]] = field(default_factory=list)

    @property
    def headers(self) -> dict[str, str]:
        return {"location": self.location} if self.location else {}

    @property
    def is_redirect(self) -> bool:
        return bool(self.location) and self.status_code in (301, 302, 307, 308)

    def get(self, url: str, **how: Any) -> Redirecting:
        self.asked.append((url, how))
        return self


@pytest.fixture
def leading(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Redirecting]:
    def lead(status: int, location: str = "") -> Redirecting:
        found = Redirecting(status, location)
        monkeypatch.setattr(requests, "get", found.get)
        return found

    return lead


@pytest.mark.parametrize(
    ("status", "location", "leads_to"),
    [
        (301, "https://api.github.com/repositories/42", 42),
        (301, "https://api.github.com/repositories/42/", 42),
        (302, "https://github.com/login", -1),
        (200, "", 0),
        (200, "https://api.github.com/repositories/42", 0),
        (404, "", 0),
    ],
)
def test_where_a_former_name_leads(
    leading: Callable[..., Redirecting], status: int, location: str, leads_to: int
) -> None:
    answer = leading(status, location)
    assert connected(None, GitHubCredentials(token="ghp_x")).redirect("acme/x") == leads_to
    how = {"headers": {"Authorization": "token ghp_x"}, "timeout": 20, "allow_redirects": False}
    assert answer.asked == [("https://api.github.com/repos/acme/x", how)]


def test_the_token_of_a_look_is_hidden_from_every_log_line(leading: Callable[..., Redirecting]) -> None:
    leading(404)
    connected(None, GitHubCredentials(token="ghp_of_a_look")).redirect("acme/x")
    assert redacted("ghp_of_a_look") == HIDDEN


@pytest.mark.parametrize(("status", "kind"), [(400, FinalError), (403, AccessDenied), (503, GitHubUnavailable)])
def test_a_look_that_is_refused_says_what_was_being_done(
    leading: Callable[..., Redirecting], status: int, kind: type[Exception]
) -> None:
    leading(status)
    with pytest.raises(kind, match="looking up acme/x"):
        connected(None, GitHubCredentials(token="ghp_x")).redirect("acme/x")


def test_a_look_counts_among_the_requests_and_waits_where_no_answer_comes(
    leading: Callable[..., Redirecting], monkeypatch: pytest.MonkeyPatch
) -> None:
    leading(404)
    connection = connected(None, GitHubCredentials(token="ghp_x"))
    taken: list[int] = []
    monkeypatch.setattr(connection._limit, "take", lambda requests=1: taken.append(requests))
    connection.redirect("acme/x")
    assert taken == [1]

    def silent(url: str, **_: Any) -> Any:
        raise requests.ConnectTimeout

    monkeypatch.setattr(requests, "get", silent)
    with pytest.raises(RetryLater, match="looking up acme/x"):
        connection.redirect("acme/x")
