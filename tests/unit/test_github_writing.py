"""What a connection to GitHub notes of its writes, and which requests it makes again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import requests
from github.Requester import Requester

from custom_resources.clients.github_connection import Connection
from custom_resources.clients.replicas import Replicas
from custom_resources.clients.request_limit import RequestLimit
from custom_resources.clients.secrets import GitHubCredentials
from custom_resources.errors import FinalError, GitHubUnreachable, RetryLater, TooManyRequests
from tests import sleeping

X = "/repos/acme/x"
Answer = tuple[int, dict[str, str], str] | Exception


@pytest.fixture
def answered(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """Answer so, the last answer again and again; return the list that the requests are noted in."""
    sleeping.noted(monkeypatch)

    def answering(*answers: Answer) -> list[str]:
        left, noted = list(answers), list[str]()

        def answer(_: Requester, verb: str, path: str, **__: Any) -> tuple[int, dict[str, str], str]:
            noted.append(f"{verb} {path}")
            found = left.pop(0) if len(left) > 1 else left[0]
            if isinstance(found, Exception):
                raise found
            return found

        monkeypatch.setattr(Requester, "requestJson", answer)
        return noted

    return answering


def connected(limit: RequestLimit | None = None) -> Connection:
    return Connection(
        "https://api.github.com", lambda: GitHubCredentials(token="ghp_x"), limit=limit, replicas=Replicas(lambda: 9e9)
    )


@pytest.mark.parametrize(
    ("verb", "answer", "noted"),
    [
        ("GET", (200, {}, "{}"), (False, False, False)),
        ("GET", (404, {}, "{}"), (False, False, False)),
        ("GET", (502, {}, ""), (False, False, False)),
        ("GET", requests.ConnectionError(), (False, False, False)),
        ("PATCH", (200, {}, "{}"), (True, True, True)),
        ("PATCH", (204, {}, ""), (True, True, True)),
        ("PATCH", (399, {}, "{}"), (False, False, True)),
        ("PATCH", (400, {}, "{}"), (False, False, False)),
        ("PATCH", (499, {}, "{}"), (False, False, False)),
        ("PATCH", (500, {}, ""), (True, False, True)),
        ("PATCH", requests.ConnectionError(), (True, False, True)),
        ("POST", (422, {}, "{}"), (False, False, False)),
        ("PUT", (502, {}, ""), (True, False, True)),
        ("DELETE", (204, {}, ""), (True, True, True)),
    ],
)
def test_what_a_write_may_have_done_is_noted(
    answered: Callable[..., list[str]], verb: str, answer: Answer, noted: tuple[bool, bool, bool]
) -> None:
    answered(answer)
    limit = RequestLimit()
    connection = connected(limit)
    limit.writes.begin()
    try:
        connection.call("doing it", verb, X, {"a": 1})
    except (FinalError, RetryLater) as failed:
        assert not isinstance(answer, tuple) or answer[0] >= 300, failed
    found = connection.replicas
    assert (found.has_written, found.has_written_to("acme/x"), limit.writes.landed) == noted


TWICE = (
    "/orgs/acme/repos",
    "/user/repos",
    f"{X}/pulls",
    f"{X}/actions/variables",
    f"{X}/environments/a%2Fb/deployment-branch-policies",
)
ONCE = (
    f"{X}/issues/3/comments",
    f"{X}/actions/workflows/d.yml/dispatches",
    f"{X}/pulls/3/requested_reviewers",
    f"{X}/environments/a",
    f"{X}/pulls/more",
    "/orgs/acme/repos/more",
    "/a/repos",
)
CHANGES = ("GET", "PUT", "PATCH", "DELETE")


@pytest.mark.parametrize(
    ("verb", "path", "times"),
    [
        *(("POST", path, 4) for path in TWICE),
        *(("POST", path, 1) for path in ONCE),
        *((verb, f"{X}/issues/3/comments", 4) for verb in CHANGES),
    ],
)
@pytest.mark.parametrize("answer", [(502, {}, ""), requests.ConnectionError(), ValueError(), AssertionError()])
def test_a_request_without_an_answer_is_made_again_where_it_may_come_twice(
    answered: Callable[..., list[str]], answer: Answer, verb: str, path: str, times: int
) -> None:
    noted = answered(answer)
    with pytest.raises(RetryLater) as wait:
        connected().call("doing it", verb, path)
    assert noted == [f"{verb} {path}"] * times
    assert wait.value.seconds == 5
    if isinstance(answer, Exception):
        assert isinstance(wait.value, GitHubUnreachable)
        assert type(answer).__name__ in str(wait.value)


@pytest.mark.parametrize(("verb", "times"), [("GET", 1), ("POST", 1), ("PUT", 4), ("PATCH", 4), ("DELETE", 4)])
def test_a_change_that_collides_is_made_again(answered: Callable[..., list[str]], verb: str, times: int) -> None:
    noted = answered((409, {}, '{"message": "Conflict"}'))
    with pytest.raises(FinalError):
        connected().call("doing it", verb, f"{X}/pulls")
    assert len(noted) == times


@pytest.mark.parametrize("status", [307, 308])
def test_a_renamed_repositorys_write_goes_to_where_it_is(answered: Callable[..., list[str]], status: int) -> None:
    noted = answered((status, {"location": "/repositories/7"}, ""), (200, {}, '{"id": 7}'))
    assert connected().call("doing it", "PATCH", X) == {"id": 7}
    assert noted == [f"PATCH {X}", "PATCH /repositories/7"]
    noted = answered((status, {}, "{}"))
    with pytest.raises(FinalError):
        connected().call("doing it", "PATCH", X)
    assert noted == [f"PATCH {X}"]


def test_each_try_counts_among_a_calls_requests(answered: Callable[..., list[str]]) -> None:
    answered((200, {}, "{}"))
    limit = RequestLimit()
    limit.begin()
    connection = connected(limit)
    for _ in range(200):
        connection.call("doing it", "GET", X)
    with pytest.raises(TooManyRequests):
        connection.call("doing it", "GET", X)


def test_what_is_found_comes_with_its_headers(answered: Callable[..., list[str]]) -> None:
    answered((200, {"a": "b"}, '{"id": 7}'), (200, {}, ""), (404, {"c": "d"}, ""), (410, {}, ""))
    connection = connected()
    assert connection.find("looking", X) == ({"a": "b"}, {"id": 7})
    assert connection.find("looking", X) == ({}, {}), "an empty answer is not a missing thing"
    assert connection.find("looking", X) == ({"c": "d"}, None)
    with pytest.raises(FinalError, match="looking"):
        connection.find("looking", X)
