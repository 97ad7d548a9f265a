"""GitHub's answers that hold null, lack something, or are not GitHub's: read, refused in a sentence, or a wait."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from github.Requester import Requester

from custom_resources.clients.github import GitHub, PullRequest, Repository
from custom_resources.clients.secrets import GitHubCredentials
from custom_resources.errors import (
    AccessDenied,
    FinalError,
    GitHubUnavailable,
    PullRequestsOff,
    RateLimited,
    RepositoryNotFound,
    RequestRefused,
    RetryLater,
    TokenRejected,
    TokenRotated,
)
from standins.github.refusals import ANSWERS, LIMITS

HTML = "<html><body>Unicorn!</body></html>"
BARE = {"id": 7, "full_name": "acme/x", "html_url": "https://github.com/acme/x"}
Answer = tuple[int, dict[str, Any], str]


@pytest.fixture
def answered(monkeypatch: pytest.MonkeyPatch) -> Callable[..., GitHub]:
    """Return a host whose requests are answered so, the last answer again and again."""

    def hub(*answers: Answer) -> GitHub:
        left = list(answers)

        def answer(*_: Any, **__: Any) -> Answer:
            return left.pop(0) if len(left) > 1 else left[0]

        monkeypatch.setattr(Requester, "requestJson", answer)
        return GitHub("https://api.github.com", lambda: GitHubCredentials(token="ghp_x"))

    return hub


def ok(data: Any, status: int = 200) -> Answer:
    return status, {}, json.dumps(data)


def test_what_github_calls_nullable_may_be_null_or_absent(answered: Callable[..., GitHub]) -> None:
    nulls = dict.fromkeys(("description", "default_branch", "clone_url", "topics", "visibility", "license", "homepage"))
    for data in (BARE, BARE | nulls):
        found = answered(ok(data)).find_repository("acme/x")
        assert found is not None
        assert (found.description, found.default_branch, found.topics) == ("", "main", ())
        assert (found.clone_url, found.visibility) == ("https://github.com/acme/x.git", "public")
    assert answered(ok({"name": "A", "value": ""})).variable("acme/x", "A") == ""


WHOLE = {
    **BARE,
    "clone_url": "https://git.example.com/x.git",
    "default_branch": "trunk",
    "description": "Mine",
    "archived": True,
    "private": True,
    "visibility": "internal",
    "topics": ["a", "b"],
}


def test_a_repository_is_read_as_github_describes_it(answered: Callable[..., GitHub]) -> None:
    found = answered(ok(WHOLE)).find_repository("acme/x")
    assert found == Repository(
        7,
        "acme/x",
        "https://github.com/acme/x",
        "https://git.example.com/x.git",
        "trunk",
        "Mine",
        archived=True,
        private=True,
        visibility="internal",
        topics=("a", "b"),
    )
    assert (found.owner, found.name) == ("acme", "x")
    without = {key: value for key, value in WHOLE.items() if key != "visibility"}
    hidden = answered(ok(without)).find_repository("acme/x")
    assert hidden is not None
    assert hidden.visibility == "private"


@pytest.mark.parametrize(
    ("merged_at", "commit", "merged", "landed"),
    [(None, "c" * 40, False, ""), ("2026-11-01T10:00:00Z", "c" * 40, True, "c" * 40), ("2026-11-01", None, True, "")],
)
def test_a_pull_request_is_read_as_github_describes_it(
    answered: Callable[..., GitHub], merged_at: str | None, commit: str | None, merged: bool, landed: str
) -> None:
    more = {"state": "closed", "merged_at": merged_at, "merge_commit_sha": commit, "body": "text"}
    found = answered(ok({**PULL, **more})).create_pull_request("acme/x", "b", "main", "t", "text")
    url = "https://github.com/acme/x/pull/3"
    assert found == PullRequest(3, url, "closed", merged, "a" * 40, "b", landed, "main", "text")
    assert "text" not in repr(found), "a description may hold what users wrote"


def test_a_pull_request_may_have_no_text(answered: Callable[..., GitHub]) -> None:
    assert answered(ok({**PULL, "body": None})).create_pull_request("acme/x", "b", "main", "t", "text").text == ""


REQUESTS: list[Callable[[GitHub], Any]] = [
    lambda hub: hub.find_repository("acme/x"),
    lambda hub: hub.variable("acme/x", "A"),
    lambda hub: hub.create_repository("acme", "x", "", "private"),
    lambda hub: hub.update_repository("acme/x", archived=True),
    lambda hub: hub.create_pull_request("acme/x", "b", "main", "t", "b"),
    lambda hub: hub.update_pull_request("acme/x", 1, title="t"),
    lambda hub: hub.contains("acme/x", "a" * 40, "b" * 40),
    lambda hub: hub.put_secrets("acme/x", {"A": "b"}),
]


@pytest.mark.parametrize(
    "body", ["", "null", "{}", "[]", '{"id": null}', '{"head": null, "key": null}', HTML, '"text"']
)
@pytest.mark.parametrize("request_", REQUESTS)
def test_an_answer_that_is_not_complete_is_a_wait(
    answered: Callable[..., GitHub], request_: Callable[[GitHub], Any], body: str
) -> None:
    with pytest.raises(RetryLater) as wait:
        request_(answered((200, {}, body)))
    assert wait.value.seconds == 5


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (301, RequestRefused),
        (307, RequestRefused),
        (401, TokenRejected),
        (403, AccessDenied),
        (404, RepositoryNotFound),
        (408, RetryLater),
        (409, RequestRefused),
        (422, RequestRefused),
        (429, RateLimited),
        (451, AccessDenied),
        (500, RetryLater),
        (502, RetryLater),
    ],
)
@pytest.mark.parametrize(
    "body", [HTML, "", "null", "[]", '{"message": null, "errors": null}', '{"errors": [null, {"field": null}]}']
)
def test_an_error_page_is_understood_by_its_status(
    answered: Callable[..., GitHub], status: int, expected: type[Exception], body: str
) -> None:
    with pytest.raises(expected) as said:
        answered((status, {}, body)).update_repository("acme/x", archived=True)
    if expected is RetryLater:
        assert vars(said.value)["seconds"] == 5
    assert HTML not in str(said.value)
    assert "()" not in str(said.value)
    assert "None" not in str(said.value)


@pytest.mark.parametrize(
    ("errors", "said"),
    [
        ("not allowed", "(not allowed)"),
        (["one", {"message": "two"}], "(one; two)"),
        ([{"resource": "Repository", "field": "name", "code": "invalid", "message": None}], "(name: invalid)"),
        ([{"field": None, "code": "custom"}], "(custom)"),
    ],
)
def test_the_details_of_a_refusal_have_many_shapes(answered: Callable[..., GitHub], errors: Any, said: str) -> None:
    with pytest.raises(FinalError) as refused:
        answered(ok({"message": "Validation Failed", "errors": errors}, 422)).update_repository("acme/x", name="y")
    assert f"Validation Failed {said}. " in str(refused.value)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (408, GitHubUnavailable),
        (499, RequestRefused),
        (500, GitHubUnavailable),
        (599, GitHubUnavailable),
        (403, AccessDenied),
        (404, RepositoryNotFound),
        (300, RequestRefused),
    ],
)
def test_githubs_own_failures_pass_and_its_refusals_do_not(
    answered: Callable[..., GitHub], status: int, kind: type[Exception]
) -> None:
    with pytest.raises(kind) as refused:
        answered(ok({"message": "No."}, status)).update_repository("acme/x", name="y")
    assert type(refused.value) is kind
    assert getattr(refused.value, "seconds", 5) == 5


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({"message": " Not now. "}, "Not now. "),
        ({"message": "Not now...", "errors": []}, "Not now. "),
        ({"message": None}, "status 422. "),
        ({}, "status 422. "),
        ([], "status 422. "),
        ({"message": "Not now.", "errors": [None, "", "a", {"message": "b"}, {}]}, "Not now (a; b). "),
    ],
)
def test_githubs_word_is_a_part_of_our_sentence(answered: Callable[..., GitHub], data: Any, said: str) -> None:
    with pytest.raises(RequestRefused) as refused:
        answered(ok(data, 422)).update_repository("acme/x", name="y")
    assert said in str(refused.value)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7),
        ({"retry-after": "soon"}, 60),
        ({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}, 1),
        ({"retry-after": "Wed, 99 Oct 2015 07:28:00 GMT"}, 60),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "never"}, 60),
    ],
)
def test_a_limit_that_cannot_be_read_is_a_minute(
    answered: Callable[..., GitHub], headers: dict[str, Any], seconds: float
) -> None:
    with pytest.raises(RateLimited) as wait:
        answered((403, headers, "{}")).find_repository("acme/x")
    assert wait.value.seconds == seconds


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (409, {"message": "Already exists - Variable already exists"}),
        (422, {"message": "Variable already exists"}),
        (422, {"message": "Validation Failed", "errors": [{"code": "already_exists", "field": "name"}]}),
        (422, {"message": "Validation Failed", "errors": ["name already exists on this account"]}),
    ],
)
def test_what_is_there_already_is_told_in_many_ways(
    answered: Callable[..., GitHub], status: int, body: dict[str, Any]
) -> None:
    answered(ok(body, status), ok({}, 204)).put_variables("acme/x", {"A": "1"})
    assert answered(ok(body, status)).create_repository("acme", "x", "", "private") is None


def test_another_refusal_of_a_variable_is_none_of_them(answered: Callable[..., GitHub]) -> None:
    with pytest.raises(RequestRefused, match="limit reached"):
        answered(ok({"message": "Variable limit reached"}, 422), ok({})).put_variables("acme/x", {"A": "1"})


PULL = {
    "number": 3,
    "html_url": "https://github.com/acme/x/pull/3",
    "state": "open",
    "head": {"sha": "a" * 40, "ref": "b"},
    "base": {"ref": "main"},
}


def test_a_pull_request_that_is_open_already_is_taken(answered: Callable[..., GitHub]) -> None:
    taken = ok({"message": "A pull request already exists for acme:b."}, 422)
    found = answered(taken, ok([PULL]), ok(PULL)).create_pull_request("acme/x", "b", "main", "t", "text")
    assert (found.number, found.state, found.branch) == (3, "open", "b")
    for nothing in ([], [{**PULL, "state": "closed"}], [{**PULL, "base": {"ref": "develop"}}]):
        with pytest.raises(RequestRefused, match="already exists"):
            answered(taken, ok(nothing), ok(WHOLE)).create_pull_request("acme/x", "b", "main", "t", "text")
    with pytest.raises(RequestRefused, match="Conflict"):
        answered(ok({"message": "Conflict"}, 409), ok([PULL])).create_pull_request("acme/x", "b", "main", "t", "text")


@pytest.mark.parametrize("name", LIMITS)
def test_each_spelling_of_a_refusal_is_a_wait_of_one_request_that_teaches(
    answered: Callable[..., GitHub], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Nothing more is asked. The limit of all requests of an hour says nothing about content, nor does a read."""
    refused, asked = ANSWERS[name].response("rest"), []
    answer = (refused.status, dict(refused.headers), refused.content().decode())
    acts: list[Callable[[GitHub], object]] = [
        lambda hub: hub.create_pull_request("acme/x", "b", "main", "t", "text"),
        lambda hub: hub.comment("acme/x", 3, "text"),
        lambda hub: hub.find_repository("acme/x"),
    ]
    taught = []
    for act in acts:
        hub = answered(answer)
        reply = Requester.requestJson

        def counting(*given: Any, reply: Any = reply, **named: Any) -> Any:
            asked.append(given[1:3])
            return reply(*given, **named)

        monkeypatch.setattr(Requester, "requestJson", counting)
        with pytest.raises(RateLimited) as limited:
            act(hub)
        taught.append(limited.value.of_content)
    assert len(asked) == 3
    creates = "primary" not in name
    assert taught == [creates, creates, refused.status == 422]


@pytest.mark.parametrize(("remaining", "taught"), [("0", False), ("4711", True)])
def test_a_header_tells_which_limit_it_is(answered: Callable[..., GitHub], remaining: str, taught: bool) -> None:
    headers = {"x-ratelimit-remaining": remaining, "x-ratelimit-reset": "1"}
    with pytest.raises(RateLimited) as limited:
        answered((403, headers, json.dumps({"message": "rate limit"}))).comment("acme/x", 3, "text")
    assert limited.value.of_content == taught


OFF = {**WHOLE, "has_pull_requests": False}


@pytest.mark.parametrize("status", [403, 404, 410, 422])
def test_a_repository_without_pull_requests_has_none_and_takes_none(
    answered: Callable[..., GitHub], status: int
) -> None:
    """However GitHub says no: the repository tells the cause."""
    no = ok({"message": "Not Found"}, status)
    assert answered(no, ok(OFF)).find_pull_request("acme/x", "b", "main") is None
    with pytest.raises(FinalError) as other:
        answered(no, ok(WHOLE)).find_pull_request("acme/x", "b", "main")
    assert not isinstance(other.value, PullRequestsOff)
    looked_up = [no, ok(OFF)] if status == 422 else []
    with pytest.raises(PullRequestsOff, match=r"^Pull requests are turned off in acme/x.* General, Features"):
        answered(no, *looked_up, ok(OFF)).create_pull_request("acme/x", "b", "main", "t", "text")
    with pytest.raises(FinalError) as other:
        answered(no, ok([]) if status == 422 else ok(WHOLE), ok(WHOLE)).create_pull_request(
            "acme/x", "b", "main", "t", "text"
        )
    assert not isinstance(other.value, PullRequestsOff)


def test_a_wait_says_what_was_not_complete(answered: Callable[..., GitHub]) -> None:
    with pytest.raises(RetryLater, match="reading the public key of acme/x"):
        answered(ok({})).put_secrets("acme/x", {"A": "b"})


# -- connections -------------------------------------------------------------------------------------------------------


@pytest.fixture
def used(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Requester, str]]:
    """Return a list: what made each request, with its token. One that looks at acme/both waits for another."""
    made: list[tuple[Requester, str]] = []
    both = threading.Barrier(2, timeout=10)

    def answer(requester: Requester, verb: str, path: str, **_: Any) -> Answer:
        made.append((requester, token_of(requester)))
        if path.endswith("/both"):
            both.wait()
        return (401, {}, "{}") if path.endswith("/rejected") else ok(BARE)

    monkeypatch.setattr(Requester, "requestJson", answer)
    return made


def token_of(requester: Requester) -> str:
    assert requester.auth
    return requester.auth.token


def test_a_thread_uses_the_connection_that_another_has_left(used: list[tuple[Requester, str]]) -> None:
    hub = GitHub("https://api.github.com", lambda: GitHubCredentials(token="ghp_x"))
    for _ in range(2):
        with ThreadPoolExecutor(1) as pool:
            pool.submit(hub.find_repository, "acme/x").result()
    hub.find_repository("acme/x")
    assert len(used) == 3
    assert len({id(requester) for requester, _ in used}) == 1


def test_two_requests_at_the_same_time_have_a_connection_each(used: list[tuple[Requester, str]]) -> None:
    hub = GitHub("https://api.github.com", lambda: GitHubCredentials(token="ghp_x"))
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(hub.find_repository, ["acme/both"] * 2))
    assert used[0][0] is not used[1][0]


def test_a_connection_is_for_one_token(used: list[tuple[Requester, str]]) -> None:
    tokens = iter(["ghp_former", "ghp_present"])
    hub = GitHub("https://api.github.com", lambda: GitHubCredentials(token=next(tokens)))
    hub.find_repository("acme/x")
    with pytest.raises(TokenRotated):
        hub.find_repository("acme/rejected")
    hub.find_repository("acme/x")
    assert [token for _, token in used] == ["ghp_former", "ghp_former", "ghp_present"]


ODD = "v2+1%25#a&b=c d/ä"


@pytest.mark.parametrize(
    ("ask", "path"),
    [
        (lambda hub: hub.variable("acme/x", ODD), "/repos/acme/x/actions/variables/{}"),
        (lambda hub: hub.delete_secrets("acme/x", [ODD]), "/repos/acme/x/actions/secrets/{}"),
        (lambda hub: hub.delete_variables("acme/x", [ODD]), "/repos/acme/x/actions/variables/{}"),
        (lambda hub: hub.contains("acme/x", ODD, "tip"), "/repos/acme/x/compare/{}...tip?per_page=1&page=2"),
        (lambda hub: hub.dispatch_workflow("acme/x", ODD, "main", {}), "/repos/acme/x/actions/workflows/{}/dispatches"),
        (lambda hub: hub.find_repository(f"acme/{ODD}"), "/repos/acme/{}"),
    ],
)
def test_names_are_quoted_in_paths(monkeypatch: pytest.MonkeyPatch, ask: Callable[[GitHub], Any], path: str) -> None:
    assert paths_of(monkeypatch, ask) == [path.format("v2%2B1%2525%23a%26b%3Dc%20d%2F%C3%A4")]


@pytest.mark.parametrize("branch", ["studio/template-v2.0.0-rc.1+build.5", f"studio/{ODD}"])
def test_names_are_quoted_in_queries(monkeypatch: pytest.MonkeyPatch, branch: str) -> None:
    [path] = paths_of(monkeypatch, lambda hub: hub.find_pull_request("acme/x", branch, "main"))
    query = parse_qs(urlsplit(path).query, strict_parsing=True)
    assert query["head"] == [f"acme:{branch}"]
    assert set(query) == {"head", "state", "sort", "direction", "per_page"}


def paths_of(monkeypatch: pytest.MonkeyPatch, ask: Callable[[GitHub], Any]) -> list[str]:
    """Return the paths that are asked for; nothing is there."""
    paths: list[str] = []

    def answer(_: Any, verb: str, path: str, **__: Any) -> Answer:
        paths.append(path)
        return 200 if "pulls" in path else 404, {}, "[]" if "pulls" in path else "{}"

    monkeypatch.setattr(Requester, "requestJson", answer)
    hub = GitHub("https://api.github.com", lambda: GitHubCredentials(token="ghp_x"))
    with suppress(RepositoryNotFound):
        ask(hub)
    return paths
