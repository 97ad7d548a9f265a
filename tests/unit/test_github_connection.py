"""The connection to GitHub: where it goes, what it hides, and when another token is tried."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest
import requests
from github.Requester import Requester

from custom_resources.clients.git import Git
from custom_resources.clients.github_connection import TIMEOUT_SECONDS, Connection, _Issued, _Session
from custom_resources.clients.github_tokens import Reach
from custom_resources.clients.secrets import GitHubCredentials
from custom_resources.errors import AppKeyUnusable, GitHubUnreachable, TokenRejected, TokenRotated
from custom_resources.telemetry import HIDDEN, redacted

Answer = tuple[int, Mapping[str, str], str]
Sent = tuple[str, str, str, Any]  # base address, verb, path, body


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[Sent]]:
    """Answer requests so, the last answer again and again; return the list that they are noted in."""

    def answering(*answers: Answer) -> list[Sent]:
        left, noted = list(answers), list[Sent]()

        def answer(self: Requester, verb: str, path: str, *_: Any, input: Any = None, **__: Any) -> Answer:
            noted.append((self.base_url, verb, path, input))
            return left.pop(0) if len(left) > 1 else left[0]

        monkeypatch.setattr(Requester, "requestJson", answer)
        return noted

    return answering


def connected(*tokens: str, url: str = "https://api.github.com") -> Connection:
    """Return a connection whose secret has one token after the other, the last one for ever."""
    left = list(tokens)
    return Connection(url, lambda: GitHubCredentials(token=left.pop(0) if len(left) > 1 else left[0]))


def test_an_address_may_end_with_a_slash(sent: Callable[..., list[Sent]]) -> None:
    noted = sent((200, {}, "{}"))
    connected("ghp_x", url="https://ghe.example.com/api/v3/").call("looking", "GET", "/meta")
    assert noted == [("https://ghe.example.com/api/v3", "GET", "/meta", None)]
    assert Git("https://ghe.example.com/", str, lambda token: False).url == "https://ghe.example.com"


def test_a_key_that_is_none_is_refused_before_a_request_and_read_again(sent: Callable[..., list[Sent]]) -> None:
    """The administrator mends the secret: the same function then works."""
    secrets = [GitHubCredentials(app_id="7", installation_id=8, private_key="no key"), GitHubCredentials(token="ghp_x")]
    connection = Connection("https://api.github.com", lambda: secrets.pop(0))
    noted = sent((200, {}, "{}"))
    with pytest.raises(AppKeyUnusable):
        connection.call("looking", "GET", "/meta")
    assert noted == []
    connection.call("looking", "GET", "/meta")
    assert [each[2] for each in noted] == ["/meta"]


def test_a_session_shows_neither_credentials_nor_a_token() -> None:
    session = _Session(GitHubCredentials(token="ghp_canary"))
    session.issued[Reach("acme/x")] = _Issued("ghs_canary", 0, 0)
    assert session.find("ghs_canary") is not None
    assert "canary" not in repr(session) + repr(session.issued)


def test_a_token_that_is_used_is_hidden_from_every_log_line(sent: Callable[..., list[Sent]]) -> None:
    sent((200, {}, "{}"))
    assert redacted("ghs_of_a_request and ghs_of_git") == "ghs_of_a_request and ghs_of_git"
    connected("ghs_of_a_request").call("looking", "GET", "/meta")
    assert connected("ghs_of_git").token_for("acme/x") == "ghs_of_git"
    assert redacted("ghs_of_a_request and ghs_of_git") == f"{HIDDEN} and {HIDDEN}"


def test_pygithub_neither_waits_nor_repeats_by_itself() -> None:
    """A wait belongs into the state machine; a request without an answer ends before the function does."""
    with connected("ghp_x")._client("token", "ghp_x") as requester:
        options = requester.requester.kwargs
    assert (options["retry"], options["seconds_between_requests"], options["seconds_between_writes"]) == (None,) * 3
    assert options["timeout"] == TIMEOUT_SECONDS == 20
    assert options["user_agent"] == "sagemaker-studio-project-template"


@pytest.mark.parametrize("status", [307, 308])
def test_a_write_follows_a_renamed_repository(sent: Callable[..., list[Sent]], status: int) -> None:
    noted = sent((status, {"location": "https://api.github.com/repositories/7"}, ""), (200, {}, '{"id": 7}'))
    assert connected("ghp_x").call("changing", "PATCH", "/repos/acme/x", {"a": 1}) == {"id": 7}
    assert [each[1:] for each in noted] == [
        ("PATCH", "/repos/acme/x", {"a": 1}),
        ("PATCH", "https://api.github.com/repositories/7", {"a": 1}),
    ]


def test_an_empty_answer_is_none_and_a_missing_thing_too(sent: Callable[..., list[Sent]]) -> None:
    sent((204, {}, ""))
    assert connected("ghp_x").call("deleting", "DELETE", "/x") is None
    assert connected("ghp_x").find("looking", "/x") == ({}, {})
    sent((404, {"x-oauth-scopes": "repo"}, "{}"))
    assert connected("ghp_x").find("looking", "/x") == ({"x-oauth-scopes": "repo"}, None)


def test_a_rejected_token_is_read_again_and_another_one_is_tried_later(sent: Callable[..., list[Sent]]) -> None:
    sent((401, {}, json.dumps({"message": "Bad credentials"})))
    connection = connected("ghp_old", "ghp_new")
    with pytest.raises(TokenRotated) as rotated:
        connection.call("looking", "GET", "/meta")
    assert rotated.value.seconds == 0
    with pytest.raises(TokenRejected):
        connection.call("looking", "GET", "/meta")


def test_a_token_that_cannot_be_asked_for_is_a_wait() -> None:
    def unreachable() -> GitHubCredentials:
        raise requests.ConnectionError

    with pytest.raises(GitHubUnreachable, match=r"\(authenticating; ConnectionError\)"):
        assert Connection("https://api.github.com", unreachable).token_for("acme/x")


def test_git_is_told_whether_there_is_another_token() -> None:
    connection = connected("ghp_old", "ghp_new")
    assert connection.renew("ghp_anything"), "none was read yet: the first one can be tried"
    assert connection.token_for("acme/x") == "ghp_old"
    assert connection.renew("ghp_old"), "there is another one"
    assert connection.token_for("acme/x") == "ghp_new"
    assert connection.renew("ghp_old"), "somebody was faster"
    assert not connection.renew("ghp_new")


@pytest.mark.parametrize(("token", "classic"), [("ghp_x", "ghp_x"), ("gho_x", "gho_x"), ("github_pat_x", "")])
def test_a_fine_grained_token_does_not_tell_its_scopes(token: str, classic: str) -> None:
    connection = connected(token)
    assert connection.classic_token == "", "none was read yet"
    assert connection.token_for("acme/x") == token
    assert connection.classic_token == classic
