"""What is sent to GitHub, request by request, and what a refusal says was being done."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from github.Requester import Requester
from nacl.public import PrivateKey, SealedBox

from custom_resources.clients import github_removal
from custom_resources.clients.github import GitHub
from custom_resources.clients.github_removal import CONCURRENCY
from custom_resources.clients.repeating import TRIES
from custom_resources.clients.secrets import GitHubCredentials
from custom_resources.errors import (
    EnvironmentRulesRefused,
    FinalError,
    InternalInUserAccount,
    NotPermitted,
    ObjectTooLarge,
    OrganizationNotFound,
    RepositoryNotFound,
    RepositoryReadOnly,
    RequestRefused,
    RetryLater,
    TokenTooNarrow,
)

Sent = tuple[str, str, Any]
X = "/repos/acme/x"
KEY = PrivateKey.generate()
ANSWER = {
    "id": 7,
    "full_name": "acme/x",
    "html_url": "https://github.com/acme/x",
    "number": 3,
    "state": "open",
    "head": {"sha": "a" * 40, "ref": "b"},
    "base": {"ref": "main"},
    "merge_base_commit": {"sha": "c" * 40},
    "value": "1",
    "key": base64.b64encode(bytes(KEY.public_key)).decode(),
    "key_id": "k",
    "type": "file",
    "size": 7,
    "content": base64.b64encode(b"content").decode(),
    "environments": [
        {"name": "Staging", "deployment_branch_policy": {}},
        {"name": "b", "deployment_branch_policy": {"x": 1}},
    ],
}
REVIEWED = {
    "deployment_branch_policy": {"protected_branches": False, "custom_branch_policies": True},
    "reviewers": [{"type": "Team", "id": 7}, {"type": "User", "id": 8}],
}
POLICIES, ON_MAIN = "deployment-branch-policies", {"name": "main", "type": "branch"}
PULLS = f"{X}/pulls?head=acme%3Ab&state=all&sort=created&direction=desc&per_page=30"
COMPARED = f"{X}/compare/{'c' * 40}...{'d' * 40}?per_page=1&page=2"
MADE = {
    "name": "x",
    "description": "d",
    "visibility": "internal",
    "private": True,
    "auto_init": False,
    "has_wiki": False,
    "has_projects": False,
    "delete_branch_on_merge": True,
}
OPENED = {"title": "t", "head": "b", "base": "main", "body": "text", "maintainer_can_modify": True}
CALLS: dict[str, tuple[Callable[[GitHub], Any], list[Sent], str]] = {
    "find": (lambda hub: hub.find_repository("acme/x"), [("GET", X, None)], "looking up acme/x"),
    "find by id": (
        lambda hub: hub.repository_by_id(8, "acme/x"),
        [("GET", X, None), ("GET", "/repositories/8", None)],
        "looking up acme/x",
    ),
    "create": (
        lambda hub: hub.create_repository("acme", "x", "d", "internal"),
        [("POST", "/orgs/acme/repos", MADE)],
        "creating acme/x",
    ),
    "create a public one": (
        lambda hub: hub.create_repository("acme", "x", "d", "public"),
        [("POST", "/orgs/acme/repos", {**MADE, "visibility": "public", "private": False})],
        "creating acme/x",
    ),
    "change": (
        lambda hub: hub.update_repository("acme/x", archived=True),
        [("PATCH", X, {"archived": True})],
        "changing acme/x",
    ),
    "topics": (
        lambda hub: hub.replace_topics("acme/x", ("a", "b")),
        [("PUT", f"{X}/topics", {"names": ["a", "b"]})],
        "setting the topics of acme/x",
    ),
    "compare": (
        lambda hub: hub.contains("acme/x", "c" * 40, "d" * 40),
        [("GET", COMPARED, None)],
        "comparing commits of acme/x",
    ),
    "set no secret": (lambda hub: hub.put_secrets("acme/x", {}), [], ""),
    "remove secrets": (
        lambda hub: hub.delete_secrets("acme/x", ["A"]),
        [("DELETE", f"{X}/actions/secrets/A", None)],
        "removing the secret A of acme/x",
    ),
    "set variables": (
        lambda hub: hub.put_variables("acme/x", {"A": "1"}),
        [("POST", f"{X}/actions/variables", {"name": "A", "value": "1"})],
        "setting the variable A of acme/x",
    ),
    "read a variable": (
        lambda hub: hub.variable("acme/x", "A"),
        [("GET", f"{X}/actions/variables/A", None)],
        "reading the variable A of acme/x",
    ),
    "remove variables": (
        lambda hub: hub.delete_variables("acme/x", ["A"]),
        [("DELETE", f"{X}/actions/variables/A", None)],
        "removing the variable A of acme/x",
    ),
    "open a pull request": (
        lambda hub: hub.create_pull_request("acme/x", "b", "main", "t", "text"),
        [("POST", f"{X}/pulls", OPENED)],
        "opening a pull request in acme/x",
    ),
    "change a pull request": (
        lambda hub: hub.update_pull_request("acme/x", 3, state="closed"),
        [("PATCH", f"{X}/pulls/3", {"state": "closed"})],
        "changing pull request 3 of acme/x",
    ),
    "comment": (
        lambda hub: hub.comment("acme/x", 3, "text"),
        [("POST", f"{X}/issues/3/comments", {"body": "text"})],
        "commenting on pull request 3 of acme/x",
    ),
    "start a workflow": (
        lambda hub: hub.dispatch_workflow("acme/x", "deploy.yml", "main", {"Model": "m"}),
        [("POST", f"{X}/actions/workflows/deploy.yml/dispatches", {"ref": "main", "inputs": {"Model": "m"}})],
        "starting deploy.yml in acme/x",
    ),
    "read a file": (
        lambda hub: hub.small_file("acme/x", ".github/a file.yml", 100),
        [("GET", f"{X}/contents/.github/a%20file.yml", None)],
        "reading .github/a file.yml of acme/x",
    ),
    "list environments": (
        lambda hub: hub.environments("acme/x"),
        [("GET", f"{X}/environments?per_page=100", None)],
        "listing the environments of acme/x",
    ),
    "create an environment": (
        lambda hub: hub.create_environment("acme/x", "a/b", "main", [("Team", 7), ("User", 8)]),
        [("PUT", f"{X}/environments/a%2Fb", REVIEWED), ("POST", f"{X}/environments/a%2Fb/{POLICIES}", ON_MAIN)],
        "creating the environment a/b of acme/x",
    ),
    "create an environment without reviewers": (
        lambda hub: hub.create_environment("acme/x", "staging", "main", []),
        [
            ("PUT", f"{X}/environments/staging", {**REVIEWED, "reviewers": None}),
            ("POST", f"{X}/environments/staging/{POLICIES}", ON_MAIN),
        ],
        "creating the environment staging of acme/x",
    ),
    "read a pull request": (
        lambda hub: hub.pull_request("acme/x", 3),
        [("GET", f"{X}/pulls/3", None)],
        "reading pull request 3 of acme/x",
    ),
    "look up": (lambda hub: hub.look_up("looking at it", "/meta"), [("GET", "/meta", None)], "looking at it"),
}


class Server:
    """Answers each request by what a test says, and notes it."""

    def __init__(self, answer: Callable[[str, str, Any], tuple[int, Any]]) -> None:
        self.sent: list[Sent] = []
        self._answer, self._lock = answer, threading.Lock()

    def __call__(self, verb: str, path: str, *_: Any, **more: Any) -> tuple[int, Any, str]:
        with self._lock:
            self.sent.append((verb, path, more.get("input")))
        status, data = self._answer(verb, path, more.get("input"))
        return status, {}, json.dumps(data)


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[GitHub, Server]]:
    """Return a client and its server."""

    def serve(answer: Callable[[str, str, Any], tuple[int, Any]]) -> tuple[GitHub, Server]:
        server = Server(answer)
        monkeypatch.setattr(Requester, "requestJson", server)
        return GitHub("https://api.github.com", lambda: GitHubCredentials(token="ghp_x")), server

    return serve


@pytest.mark.parametrize("name", CALLS)
def test_a_call_sends_these_requests(served: Callable[..., tuple[GitHub, Server]], name: str) -> None:
    call, expected, _ = CALLS[name]
    hub, server = served(lambda *_: (200, ANSWER))
    call(hub)
    assert server.sent == expected


@pytest.mark.parametrize("name", [name for name, (_, expected, _) in CALLS.items() if expected])
def test_a_failure_says_what_was_being_done(served: Callable[..., tuple[GitHub, Server]], name: str) -> None:
    call, _, activity = CALLS[name]
    for status, kind in ((502, RetryLater), (418, FinalError)):
        hub, _ = served(lambda *_, status=status: (status, {"message": "No."}))
        with pytest.raises(kind) as refused:
            call(hub)
        assert activity in str(refused.value)


def test_what_is_made_of_a_file_and_of_environments(served: Callable[..., tuple[GitHub, Server]]) -> None:
    hub, _ = served(lambda *_: (200, ANSWER))
    assert hub.environments("acme/x") == {"staging": False, "b": True}
    assert hub.small_file("acme/x", "a", 7) == b"content"
    with pytest.raises(ObjectTooLarge, match="The file a in the repository has 7 bytes, and the maximum is 6"):
        hub.small_file("acme/x", "a", 6)
    for nothing in ({**ANSWER, "type": "submodule"}, [ANSWER]):
        other, _ = served(lambda *_, nothing=nothing: (200, nothing))
        assert other.small_file("acme/x", "a", 7) is None
    gone, _ = served(lambda *_: (404, {"message": "Not Found"}))
    assert gone.small_file("acme/x", "a", 7) is None
    assert gone.environments("acme/x") == {}


@pytest.mark.parametrize(
    ("status", "said", "kind"),
    [
        (403, "Upgrade to GitHub Pro or make this repository public.", EnvironmentRulesRefused),
        (422, "ensure the billing plan supports it", EnvironmentRulesRefused),
        (403, "Resource not accessible by integration", NotPermitted),
        (402, "Upgrade", FinalError),
    ],
)
def test_rules_that_the_plan_lacks_are_told_from_missing_rights(
    served: Callable[..., tuple[GitHub, Server]], status: int, said: str, kind: type[FinalError]
) -> None:
    hub, _ = served(lambda *_: (status, {"message": said}))
    with pytest.raises(kind) as refused:
        hub.create_environment("acme/x", "staging", "main", [])
    assert isinstance(refused.value, EnvironmentRulesRefused) is (kind is EnvironmentRulesRefused)


def test_pull_requests_are_looked_up_newest_first(served: Callable[..., tuple[GitHub, Server]]) -> None:
    other = {**ANSWER, "number": 4, "base": {"ref": "develop"}, "body": "<!-- ours -->"}
    closed = {**other, "number": 5, "state": "closed"}
    hub, server = served(lambda *_: (200, [closed, other, ANSWER, {**ANSWER, "number": 2}]))
    found = hub.find_pull_request("acme/x", "b", "main", "<!-- ours -->")
    assert found is not None
    assert found.number == 3
    assert server.sent == [("GET", PULLS, None)]
    elsewhere = hub.find_pull_request("acme/x", "b", "trunk", "<!-- ours -->")
    assert elsewhere is not None
    assert elsewhere.number == 4, "the open one that is ours"
    assert hub.find_pull_request("acme/x", "b", "trunk") is None
    assert hub.find_pull_request("acme/x", "b", "trunk", "<!-- another -->") is None
    refusing, _ = served(lambda *_: (502, {}))
    with pytest.raises(RetryLater, match="looking up pull requests of acme/x"):
        refusing.find_pull_request("acme/x", "b", "main")


WHOM = (("template", "mlops"), ("ada",), ("bob", "ACME/ml", "other/ml"))


def test_a_pull_request_is_labelled_assigned_and_reviewed(served: Callable[..., tuple[GitHub, Server]]) -> None:
    hub, server = served(lambda *_: (201, {}))
    assert hub.address_pull_request("acme/x", 3, WHOM) == []
    assert server.sent == [
        ("POST", f"{X}/issues/3/labels", {"labels": ["template", "mlops"]}),
        ("POST", f"{X}/issues/3/assignees", {"assignees": ["ada"]}),
        ("POST", f"{X}/pulls/3/requested_reviewers", {"reviewers": ["bob"]}),
        ("POST", f"{X}/pulls/3/requested_reviewers", {"team_reviewers": ["ml"]}),
    ], "a team of another organization is left out"
    assert hub.address_pull_request("acme/x", 3, ((), (), ())) == []
    assert len(server.sent) == 4


def test_a_reviewer_who_is_refused_stops_no_other(served: Callable[..., tuple[GitHub, Server]]) -> None:
    def answer(verb: str, path: str, body: Any) -> tuple[int, Any]:
        return (422, {"message": "no collaborator"}) if body == {"reviewers": ["bob"]} else (201, {})

    hub, server = served(answer)
    [refused] = hub.address_pull_request("acme/x", 3, WHOM)
    assert "asking bob to review pull request 3 of acme/x" in refused
    assert "no collaborator" in refused
    assert server.sent[-1][2] == {"team_reviewers": ["ml"]}
    hub, _ = served(lambda *_: (502, {}))
    with pytest.raises(RetryLater):
        hub.address_pull_request("acme/x", 3, WHOM)


def test_each_secret_is_sealed_for_the_repositorys_key(served: Callable[..., tuple[GitHub, Server]]) -> None:
    hub, server = served(lambda *_: (200, ANSWER))
    hub.put_secrets("acme/x", {"B": "two", "A": "one"})
    key, *puts = server.sent
    assert key == ("GET", f"{X}/actions/secrets/public-key", None)
    box = SealedBox(KEY)
    opened = {path: box.decrypt(base64.b64decode(body["encrypted_value"])) for _, path, body in puts}
    assert opened == {f"{X}/actions/secrets/A": b"one", f"{X}/actions/secrets/B": b"two"}
    assert {(verb, body["key_id"]) for verb, _, body in puts} == {("PUT", "k")}
    refusing, _ = served(lambda verb, *_: (200 if verb == "GET" else 502, ANSWER))
    with pytest.raises(RetryLater, match="setting the secret A of acme/x"):
        refusing.put_secrets("acme/x", {"A": "one"})
    refusing, _ = served(lambda *_: (502, ANSWER))
    with pytest.raises(RetryLater, match="reading the public key of acme/x"):
        refusing.put_secrets("acme/x", {"A": "one"})


def test_a_key_that_github_replaced_is_read_again_once(served: Callable[..., tuple[GitHub, Server]]) -> None:
    """GitHub may replace a repository's key between our reading it and our setting the secrets."""
    new = PrivateKey.generate()
    replaced = {"key": base64.b64encode(bytes(new.public_key)).decode(), "key_id": "k2"}
    keys = iter([ANSWER, replaced])

    def answer(verb: str, path: str, body: Any) -> tuple[int, Any]:
        if verb == "GET":
            return 200, next(keys)
        return (201, {}) if body["key_id"] == "k2" else (422, {"message": "The key_id is not of this repository"})

    hub, server = served(answer)
    done: list[str] = []
    hub.put_secrets("acme/x", {"B": "two", "A": "one", "C": "three"}, done.append)
    assert sorted(done) == ["A", "B", "C"]
    assert [verb for verb, *_ in server.sent].count("GET") == 2, "read again once, not for each secret"
    puts = [(path, body) for verb, path, body in server.sent if verb == "PUT" and body["key_id"] == "k2"]
    opened = {SealedBox(new).decrypt(base64.b64decode(body["encrypted_value"])) for _, body in puts}
    assert opened == {b"one", b"two", b"three"}


def test_a_refused_secret_of_the_same_key_is_refused(served: Callable[..., tuple[GitHub, Server]]) -> None:
    hub, server = served(lambda verb, *_: (200, ANSWER) if verb == "GET" else (422, {"message": "Too large"}))
    with pytest.raises(RequestRefused, match="Too large"):
        hub.put_secrets("acme/x", {"A": "one"})
    assert [verb for verb, *_ in server.sent] == ["GET", "PUT", "GET"]


def test_a_variable_that_is_there_is_changed(served: Callable[..., tuple[GitHub, Server]]) -> None:
    hub, server = served(lambda verb, *_: (409 if verb == "POST" else 204, None))
    hub.put_variables("acme/x", {"A": "1"})
    assert server.sent[1:] == [("PATCH", f"{X}/actions/variables/A", {"name": "A", "value": "1"})]
    refusing, server = served(lambda *_: (422, {"message": "No."}))
    with pytest.raises(RequestRefused):
        refusing.put_variables("acme/x", {"A": "1"})
    assert len(server.sent) == 1, "no other refusal is answered with a change"


def test_what_is_not_there_is_nothing(served: Callable[..., tuple[GitHub, Server]]) -> None:
    hub, _ = served(lambda *_: (404, {"message": "Not Found"}))
    assert hub.variable("acme/x", "A") is None
    assert hub.contains("acme/x", "c" * 40, "d" * 40) is False, "gone, or without a common ancestor"


def test_a_name_that_is_taken_is_told_from_an_organization_that_is_not_there(
    served: Callable[..., tuple[GitHub, Server]],
) -> None:
    taken = {"message": "Repository creation failed.", "errors": [{"message": "name already exists on this account"}]}
    assert served(lambda *_: (422, taken))[0].create_repository("acme", "x", "d", "private") is None
    with pytest.raises(OrganizationNotFound, match="acme"):
        served(lambda *_: (404, {"message": "Not Found"}))[0].create_repository("acme", "x", "d", "private")
    with pytest.raises(RequestRefused):
        served(lambda *_: (422, {"message": "Validation Failed"}))[0].create_repository("acme", "x", "d", "private")


OF_ADA = {"name": "x", "description": "d", "private": True, "auto_init": False, "has_wiki": False}
OF_ADA |= {"has_projects": False, "delete_branch_on_merge": True}


def in_an_account(verb: str, path: str, created: tuple[int, Any] = (201, ANSWER)) -> tuple[int, Any]:
    """Answer as GitHub does where there is no organization, and the token is ada's."""
    known = {"/user": (200, {"login": "ada"}), "/user/repos": created}
    return known.get(path, (404, {"message": "Not Found"}))


def test_where_there_is_no_organization_the_tokens_own_account_will_do(
    served: Callable[..., tuple[GitHub, Server]],
) -> None:
    hub, server = served(lambda verb, path, _: in_an_account(verb, path))
    assert hub.create_repository("Ada", "x", "d", "private") is not None
    assert [(verb, path) for verb, path, _ in server.sent] == [
        ("POST", "/orgs/Ada/repos"),
        ("GET", "/user"),
        ("POST", "/user/repos"),
    ]
    assert server.sent[-1][2] == OF_ADA, "a visibility is not among what GitHub takes there"


@pytest.mark.parametrize(
    ("owner", "visibility", "error"),
    [("bob", "private", OrganizationNotFound), ("ada", "internal", InternalInUserAccount)],
)
def test_what_an_account_cannot_do_is_refused_before_anything_is_written(
    served: Callable[..., tuple[GitHub, Server]], owner: str, visibility: str, error: type[FinalError]
) -> None:
    hub, server = served(lambda verb, path, _: in_an_account(verb, path))
    with pytest.raises(error, match=owner):
        hub.create_repository(owner, "x", "d", visibility)
    assert [path for _, path, _ in server.sent] == [f"/orgs/{owner}/repos", "/user"]


@pytest.mark.parametrize(
    ("status", "message", "error"),
    [
        (404, "Not Found", OrganizationNotFound),
        (403, "Resource not accessible by personal access token", TokenTooNarrow),
        (422, "Validation Failed", RequestRefused),
        (422, "name already exists on this account", None),
        (502, "", RetryLater),
    ],
)
def test_what_github_says_to_a_creation_in_an_account(
    served: Callable[..., tuple[GitHub, Server]], status: int, message: str, error: type[Exception] | None
) -> None:
    hub, _ = served(lambda verb, path, _: in_an_account(verb, path, (status, {"message": message})))
    if error is None:
        assert hub.create_repository("ada", "x", "d", "private") is None
        return
    with pytest.raises(error):
        hub.create_repository("ada", "x", "d", "private")


def test_after_the_first_refusal_of_many_no_further_request_is_made(
    served: Callable[..., tuple[GitHub, Server]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those that are on their way are waited for."""
    cancelled = threading.Event()

    class Pool(ThreadPoolExecutor):
        def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
            if cancel_futures:
                super().shutdown(wait=False, cancel_futures=True)
                cancelled.set()
            super().shutdown(wait)

    def answer(verb: str, path: str, body: Any) -> tuple[int, Mapping[str, Any]]:
        if path.endswith("/N00"):
            return 422, {"message": "No."}
        cancelled.wait(5)
        return 204, {}

    monkeypatch.setattr(github_removal, "ThreadPoolExecutor", Pool)
    hub, server = served(answer)
    with pytest.raises(RequestRefused):
        hub.delete_secrets("acme/x", [f"N{number:02}" for number in range(50)])
    assert len(server.sent) <= CONCURRENCY + 1


def test_few_requests_are_made_at_once(served: Callable[..., tuple[GitHub, Server]]) -> None:
    """GitHub's secondary limits count requests that run at the same time."""
    at_once, most, lock, full = 0, 0, threading.Lock(), threading.Barrier(CONCURRENCY)

    def answer(verb: str, path: str, body: Any) -> tuple[int, Mapping[str, Any]]:
        nonlocal at_once, most
        with lock:
            at_once += 1
            most = max(most, at_once)
        full.wait(60)
        with lock:
            at_once -= 1
        return 204, {}

    hub, _ = served(answer)
    hub.delete_secrets("acme/x", [f"N{number}" for number in range(4 * CONCURRENCY)])
    assert (most, CONCURRENCY) == (4, 4)


# -- what is removed ----------------------------------------------------------------------------------------------


def hidden(listed: list[str] | None) -> Callable[[str, str, Any], tuple[int, Mapping[str, Any]]]:
    """Answer 404 to the removal of A, and list these names; None = the list is hidden as well."""

    def answer(verb: str, path: str, body: Any) -> tuple[int, Mapping[str, Any]]:
        if verb == "DELETE":
            return (404, {"message": "Not Found"}) if path.endswith("/A") else (204, {})
        if listed is None:
            return 404, {"message": "Not Found"}
        entries = [{"name": name} for name in listed]
        return 200, {"total_count": len(entries), path.partition("?")[0].rpartition("/")[2]: entries}

    return answer


REMOVALS: list[Callable[..., None]] = [GitHub.delete_secrets, GitHub.delete_variables]


@pytest.mark.parametrize("remove", REMOVALS)
@pytest.mark.parametrize("listed", [None, ["A"], ["OTHER", "A"]])
def test_what_is_not_found_is_not_gone_where_it_is_listed_or_nothing_is(
    served: Callable[..., tuple[GitHub, Server]], remove: Callable[..., None], listed: list[str] | None
) -> None:
    """A replica that does not know the repository yet, or a token that lost sight of it, answers 404, too."""
    hub, _ = served(hidden(listed))
    noted: list[str] = []
    with pytest.raises(RepositoryNotFound):
        remove(hub, "acme/x", ["A", "B"], noted.append)
    assert noted == ["B"], "what was removed is not removed again"


@pytest.mark.parametrize("remove", REMOVALS)
def test_what_is_gone_already_costs_one_look(
    served: Callable[..., tuple[GitHub, Server]], remove: Callable[..., None]
) -> None:
    hub, server = served(hidden(["B", "OTHER"]))
    noted: list[str] = []
    remove(hub, "acme/x", ["A", "B"], noted.append)
    assert sorted(noted) == ["A", "B"]
    assert [verb for verb, _, _ in server.sent] == ["DELETE", "DELETE", "GET"]


# -- what is repeated ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", CALLS)
def test_what_may_come_twice_is_repeated_and_nothing_else(
    served: Callable[..., tuple[GitHub, Server]], name: str
) -> None:
    act, _, _ = CALLS[name]
    hub, server = served(lambda *_: (502, {}))
    if name != "set no secret":
        with pytest.raises(RetryLater):
            act(hub)
        verb, path, _ = server.sent[0]
        first = [each for each in server.sent if each[:2] == (verb, path)]
        once = path.endswith(("/dispatches", "/comments"))  # a comment that cannot be looked for is not made again
        assert len(first) == (1 if once else TRIES)


def test_a_change_that_meets_another_one_is_made_again(served: Callable[..., tuple[GitHub, Server]]) -> None:
    hub, server = served(lambda *_: (409, {"message": "Conflict"}))
    with pytest.raises(RequestRefused, match="Conflict"):
        hub.replace_topics("acme/x", ["a"])
    assert len(server.sent) == TRIES
    hub, server = served(lambda *_: (409, {"message": "Actions has been disabled for this repository."}))
    with pytest.raises(RequestRefused, match="disabled"):
        hub.put_secrets("acme/x", {"A": "1"})
    assert len(server.sent) == 1, "a read meets nothing"


@pytest.mark.parametrize("status", [403, 404, 422, 429])
def test_a_refusal_and_a_limit_are_not_repeated(served: Callable[..., tuple[GitHub, Server]], status: int) -> None:
    hub, server = served(lambda *_: (status, {"message": "No."}))
    with pytest.raises((FinalError, RetryLater)):
        hub.update_repository("acme/x", archived=False)
    assert len(server.sent) == 1


@pytest.mark.parametrize(("heard", "said"), [(True, 1), (False, 2)])
def test_a_comment_without_an_answer_is_looked_for_before_it_is_made_again(
    served: Callable[..., tuple[GitHub, Server]], heard: bool, said: int
) -> None:
    posts: list[str] = []

    def answer(verb: str, path: str, body: Any) -> tuple[int, Any]:
        if verb == "GET":
            return 200, [{"body": "text\r\n"}] if heard else [{"body": "another"}, {"body": None}]
        posts.append(path)
        return (502, {}) if len(posts) == 1 else (201, {})

    hub, server = served(answer)
    hub.comment("acme/x", 3, "text")
    assert len(posts) == said
    assert server.sent[1][1].startswith(f"{X}/issues/3/comments?since=")


@pytest.mark.parametrize(("archived", "error"), [(True, None), (False, RepositoryReadOnly)])
def test_a_repository_that_is_archived_already_is(
    served: Callable[..., tuple[GitHub, Server]], archived: bool, error: type[Exception] | None
) -> None:
    """By a request whose answer was lost: the second one is refused."""

    def answer(verb: str, path: str, body: Any) -> tuple[int, Any]:
        if verb == "GET":
            return 200, {**ANSWER, "archived": archived}
        return 403, {"message": "Repository was archived so is read-only."}

    hub, server = served(answer)
    if error is None:
        assert hub.update_repository("acme/x", archived=True).archived
    else:
        with pytest.raises(error):
            hub.update_repository("acme/x", archived=True)
    with pytest.raises(RepositoryReadOnly):
        hub.update_repository("acme/x", description="d")
    assert [verb for verb, _, _ in server.sent] == ["PATCH", "GET", "PATCH"]


def test_what_was_set_is_told_also_when_another_fails(served: Callable[..., tuple[GitHub, Server]]) -> None:
    asked = threading.Event()  # after a refusal nothing more is sent: here C was before it

    def answer(verb: str, path: str, sent: Any) -> tuple[int, Any]:
        if path.endswith("/C"):
            asked.set()
        return (502, {}) if path.endswith("/B") and asked.wait(10) else (200, ANSWER)

    hub, server = served(answer)
    done: list[str] = []
    with pytest.raises(RetryLater):
        hub.put_secrets("acme/x", {"A": "1", "B": "2", "C": "3"}, done.append)
    assert sorted(done) == ["A", "C"]
    assert sum(path.endswith("/B") for _, path, _ in server.sent) == TRIES
