"""What the recorded exchanges with GitHub were about, made to happen on the stand-in."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable
from typing import Any

import jwt
import requests
from nacl.public import PublicKey, SealedBox

from tests.standin.github.conftest import Client

REPOSITORY = "/repos/acme/work"
SITUATIONS: dict[str, Callable[[Client], requests.Response]] = {}
Act = Callable[[Client], requests.Response]


def situation(name: str) -> Callable[[Act], Act]:
    """Register how a situation of the recordings is made; the function returns the answer that was recorded."""

    def register(act: Act) -> Act:
        SITUATIONS[name] = act
        return act

    return register


def _simple(name: str, method: str, path: str, body: Any = None) -> None:
    SITUATIONS[name] = lambda client: client.call(method, path, body)


_simple("no such repository", "GET", "/repos/acme/none")
_simple("an organization", "GET", "/orgs/acme")
_simple("no such organization", "GET", "/orgs/none")
_simple("the token's user", "GET", "/user")
_simple("a user", "GET", "/users/studio-admin")
_simple("no such user", "GET", "/users/none")
_simple("own membership", "GET", "/user/memberships/orgs/acme")
_simple("a new repository of an organization", "POST", "/orgs/acme/repos", {"name": "new", "auto_init": True})
_simple("a new repository of a user", "POST", "/user/repos", {"name": "new", "private": True})


def _public(client: Client) -> str:
    """Make a public repository, as most of those recorded were, with a first commit."""
    return client.repository("work", private=False, auto_init=True, description="Work")


@situation("a token that GitHub does not know")
def _unknown_token(client: Client) -> requests.Response:
    return client.call("GET", "/user", token="wrong")


@situation("a client without a name")
def _nameless(client: Client) -> requests.Response:
    client.session.headers["User-Agent"] = ""
    return client.call("GET", "/user")


@situation("a repository")
def _repository(client: Client) -> requests.Response:
    _public(client)
    client.expect(200, "PUT", f"{REPOSITORY}/topics", {"names": ["one"]})
    return client.call("GET", REPOSITORY)


@situation("a repository by its number")
def _by_number(client: Client) -> requests.Response:
    number = _repository(client).json()["id"]
    return client.call("GET", f"/repositories/{number}")


def _renamed(client: Client) -> None:
    client.repository("old")
    client.expect(200, "PATCH", "/repos/acme/old", {"name": "work"})


@situation("a repository under its old name")
def _old_name(client: Client) -> requests.Response:
    _renamed(client)
    return client.call("GET", "/repos/acme/old")


@situation("a change under the old name")
def _old_name_changed(client: Client) -> requests.Response:
    _renamed(client)
    return client.call("PATCH", "/repos/acme/old", {"description": "x"})


@situation("a changed repository")
def _changed(client: Client) -> requests.Response:
    _public(client)
    return client.call("PATCH", REPOSITORY, {"description": "Changed"})


@situation("new topics")
def _new_topics(client: Client) -> requests.Response:
    _public(client)
    return client.call("PUT", f"{REPOSITORY}/topics", {"names": ["one", "two"]})


@situation("topics")
def _topics(client: Client) -> requests.Response:
    _new_topics(client)
    return client.call("GET", f"{REPOSITORY}/topics")


@situation("a file")
def _file(client: Client) -> requests.Response:
    _public(client)
    return client.call("GET", f"{REPOSITORY}/contents/README.md")


@situation("no such file")
def _no_file(client: Client) -> requests.Response:
    _public(client)
    return client.call("GET", f"{REPOSITORY}/contents/none")


@situation("a folder")
def _folder(client: Client) -> requests.Response:
    _public(client)
    client.write("acme/work", "src/train.py", "print()\n")
    return client.call("GET", f"{REPOSITORY}/contents/src")


def _two_commits_on_a_branch(client: Client) -> None:
    _public(client)
    tip = client.get(f"{REPOSITORY}/branches/main")["commit"]["sha"]
    client.expect(201, "POST", f"{REPOSITORY}/git/refs", {"ref": "refs/heads/topic", "sha": tip})
    client.write("acme/work", "one.txt", "1\n", branch="topic")
    client.write("acme/work", "two.txt", "2\n", branch="topic")


@situation("two commits compared")
def _compared(client: Client) -> requests.Response:
    _two_commits_on_a_branch(client)
    return client.call("GET", f"{REPOSITORY}/compare/main...topic?per_page=1&page=1")


@situation("two commits compared, a page of them")
def _compared_by_page(client: Client) -> requests.Response:
    return _compared(client)


def _key(client: Client) -> requests.Response:
    _public(client)
    return client.call("GET", f"{REPOSITORY}/actions/secrets/public-key")


SITUATIONS["the public key"] = _key


@situation("a new secret")
def _new_secret(client: Client) -> requests.Response:
    key = _key(client).json()
    sealed = base64.b64encode(SealedBox(PublicKey(base64.b64decode(key["key"]))).encrypt(b"value")).decode()
    body = {"encrypted_value": sealed, "key_id": key["key_id"]}
    return client.call("PUT", f"{REPOSITORY}/actions/secrets/ROLE", body)


@situation("a secret removed")
def _secret_removed(client: Client) -> requests.Response:
    _new_secret(client)
    return client.call("DELETE", f"{REPOSITORY}/actions/secrets/ROLE")


@situation("a new variable")
def _new_variable(client: Client) -> requests.Response:
    _public(client)
    return client.call("POST", f"{REPOSITORY}/actions/variables", {"name": "FLAG", "value": "on"})


def _with_variable(name: str, method: str, body: Any = None, *, path: str = "/FLAG") -> None:
    def act(client: Client) -> requests.Response:
        _new_variable(client)
        return client.call(method, f"{REPOSITORY}/actions/variables{path}", body)

    SITUATIONS[name] = act


_with_variable("a changed variable", "PATCH", {"value": "off"})
_with_variable("a variable", "GET")
_with_variable("a variable removed", "DELETE")


_with_variable("variables", "GET", path="")


@situation("secrets")
def _secrets(client: Client) -> requests.Response:
    _new_secret(client)
    return client.call("GET", f"{REPOSITORY}/actions/secrets")


@situation("no such variable")
def _no_variable(client: Client) -> requests.Response:
    _public(client)
    return client.call("GET", f"{REPOSITORY}/actions/variables/NONE")


@situation("a new environment")
def _new_environment(client: Client) -> requests.Response:
    _public(client)
    body = {"wait_timer": 0, "reviewers": [], "deployment_branch_policy": None, "prevent_self_review": False}
    return client.call("PUT", f"{REPOSITORY}/environments/open", body)


@situation("environments")
def _environments(client: Client) -> requests.Response:
    _public(client)
    policy = {"protected_branches": True, "custom_branch_policies": False}
    rules = {"wait_timer": 15, "reviewers": [{"type": "User", "id": 1}], "deployment_branch_policy": policy}
    client.expect(200, "PUT", f"{REPOSITORY}/environments/dev", rules)
    return client.call("GET", f"{REPOSITORY}/environments")


@situation("a new pull request")
def _new_pull(client: Client) -> requests.Response:
    _two_commits_on_a_branch(client)
    body = {"title": "Topic", "head": "topic", "base": "main", "body": "## test", "maintainer_can_modify": True}
    return client.call("POST", f"{REPOSITORY}/pulls", body)


def _with_pull(name: str, method: str, path: str, body: Any = None) -> None:
    def act(client: Client) -> requests.Response:
        _new_pull(client)
        return client.call(method, f"{REPOSITORY}{path}", body)

    SITUATIONS[name] = act


_with_pull("open pull requests", "GET", "/pulls?state=open")
_with_pull("a pull request", "GET", "/pulls/1")
_with_pull("a second pull request of a branch", "POST", "/pulls", {"title": "x", "head": "topic", "base": "main"})
_with_pull("a closed pull request", "PATCH", "/pulls/1", {"state": "closed"})
_with_pull("a pull request to no branch", "PATCH", "/pulls/1", {"base": "none"})
_with_pull("a new comment", "POST", "/issues/1/comments", {"body": "Fine"})


def _comments(path: str) -> Act:
    def act(client: Client) -> requests.Response:
        _new_pull(client)
        for text in ("one", "two", "three"):
            client.expect(201, "POST", f"{REPOSITORY}/issues/1/comments", {"body": text})
        return client.call("GET", f"{REPOSITORY}/issues/1/comments{path}")

    return act


SITUATIONS["comments"] = _comments("")
SITUATIONS["comments, the first page"] = _comments("?per_page=1")


def _started(trigger: str) -> Act:
    def act(client: Client) -> requests.Response:
        _public(client)
        client.write("acme/work", ".github/workflows/deploy.yml", trigger)
        body = {"ref": "main", "inputs": {}}
        return client.call("POST", f"{REPOSITORY}/actions/workflows/deploy.yml/dispatches", body)

    return act


_REQUIRED = "on:\n  workflow_dispatch:\n    inputs:\n      model:\n        required: true\n"
SITUATIONS["a workflow started"] = _started("on: workflow_dispatch\n")
SITUATIONS["a workflow that lacks an input"] = _started(_REQUIRED)
SITUATIONS["a workflow that nobody may start"] = _started("on: push\n")


def _app(path: str = "/access_tokens", body: Any = None, *, seconds: int = 300, installation: int = 0) -> Act:
    def act(client: Client) -> requests.Response:
        _public(client)
        made = client.control("POST", "/apps", {"slug": "studio"})
        installed = client.control("POST", f"/apps/{made['id']}/installations", {"organization": "acme"})
        moment = int(time.time())
        claims = {"iat": moment - 60, "exp": moment + seconds, "iss": str(made["id"])}
        token = jwt.encode(claims, made["private_key"], "RS256")
        number, method = installation or installed["id"], "POST" if path else "GET"
        return client.call(method, f"/app/installations/{number}{path}", body, token=token)

    return act


SITUATIONS |= {
    "an App's token": _app(),
    "an App's token for one repository": _app(body={"repositories": ["work"]}),
    "no such installation": _app(installation=1),
    "an App that has expired": _app(seconds=-30),
    "permissions that are no object": _app(body={"permissions": "read"}),
    "permissions that the App lacks": _app(body={"permissions": {"members": "write"}}),
    "an installation": _app(path=""),
}
