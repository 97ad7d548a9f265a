"""The clients that real work uses: every method of the custom resources' GitHub host, and PyGithub at large."""

from __future__ import annotations

import base64
import inspect
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import github as pygithub
import pytest

from custom_resources.clients import github as host
from custom_resources.clients.git import Git
from custom_resources.clients.github_connection import Connection
from custom_resources.clients.secrets import GitHubCredentials
from custom_resources.errors import (
    EnvironmentRulesRefused,
    FinalError,
    ObjectTooLarge,
    OrganizationNotFound,
    RetryLater,
    TokenRejected,
    TokenTooNarrow,
)
from custom_resources.template_content import TemplateFile
from standins.github.server import GitHubStandIn
from tests.standin.github.conftest import Client

DEPLOY = b"on:\n  workflow_dispatch:\n    inputs:\n      model:\n"


class Recorded:
    """Passes calls on to a GitHub host, and remembers the methods' names."""

    def __init__(self, subject: host.GitHub) -> None:
        self.subject, self.used = subject, set[str]()

    def __getattr__(self, name: str) -> Any:
        self.used.add(name)
        return getattr(self.subject, name)


def another_hub(github: GitHubStandIn) -> host.GitHub:
    """Return a GitHub host with the administrator's token, which has written nothing yet."""
    return host.GitHub(github.api_url, lambda: GitHubCredentials(token=github.token))


@pytest.fixture
def hub(github: GitHubStandIn) -> host.GitHub:
    """The GitHub host with the administrator's token."""
    return another_hub(github)


def seeded(github: GitHubStandIn, hub: host.GitHub, name: str) -> str:
    """Push a first commit to main, and one more to a branch `studio`; return the first."""
    with Git(github.server_url, hub.token_for, hub.renew).open(name) as repository:
        repository.start()
        files = [TemplateFile(".github/workflows/deploy.yml", DEPLOY, False)]
        first = repository.import_commit(files, "first")
        second = repository.import_commit([*files, TemplateFile("run.sh", b"#!/bin/sh\n", True)], "second", first)
        repository.push(repository.look(), {"refs/heads/main": first, "refs/heads/studio": second})
    return first


def test_every_method_of_the_host(github: GitHubStandIn, client: Client, hub: host.GitHub) -> None:
    it: Any = Recorded(hub)
    made = it.create_repository("acme", "work", "About work", "private")
    assert made is not None
    assert (made.full_name, made.visibility, made.default_branch) == ("acme/work", "private", "main")
    assert another_hub(github).create_repository("acme", "WORK", "", "private") is None
    assert it.find_repository("acme/Work") == made
    assert it.find_repository("acme/none") is None
    it.replace_topics("acme/work", ["studio", "mlops"])
    it.put_secrets("acme/work", {"ROLE": "arn:aws:iam::1:role/x", "PASS": "geheim ü\n"})
    it.put_variables("acme/work", {"FLAG": "false"})
    it.put_variables("acme/work", {"FLAG": "true"})
    assert it.variable("acme/work", "FLAG") == "true"
    assert it.variable("acme/work", "NONE") is None
    first = seeded(github, hub, "acme/work")
    tip = client.get("/repos/acme/work/branches/studio")["commit"]["sha"]
    assert it.contains("acme/work", first, tip)
    assert not it.contains("acme/work", tip, first)
    assert not another_hub(github).contains("acme/work", "0" * 40, first)
    assert it.find_pull_request("acme/work", "studio", "main") is None
    pull = it.create_pull_request("acme/work", "studio", "main", "Template", "What changed")
    assert pull is not None
    again = it.create_pull_request("acme/work", "studio", "main", "Again", "x")
    assert again == replace(pull, text="x")
    assert it.find_pull_request("acme/work", "studio", "main") == again == it.pull_request("acme/work", pull.number)
    assert it.find_pull_request("acme/work", "studio", "trunk") is None
    assert it.find_pull_request("acme/work", "studio", "trunk", mark="What changed") is None  # "Again" has another text
    assert it.find_pull_request("acme/work", "studio", "trunk", mark="x") == again
    assert it.update_pull_request("acme/work", pull.number, state="closed").state == "closed"
    it.comment("acme/work", pull.number, "Superseded")
    it.dispatch_workflow("acme/work", "deploy.yml", "main", {"model": "1"})
    state = client.control("GET", "/repositories/acme/work")
    assert state["secrets"] == {"ROLE": "arn:aws:iam::1:role/x", "PASS": "geheim ü\n"}
    assert state["variables"] == {"FLAG": "true"}
    assert state["topics"] == ["mlops", "studio"]
    assert state["pull_requests"][0]["title"] == "Again"
    assert state["dispatches"][0]["inputs"] == {"model": "1"}
    it.delete_secrets("acme/work", ["ROLE", "PASS", "GONE"])
    it.delete_variables("acme/work", ["FLAG", "GONE"])
    assert it.update_repository("acme/work", name="renamed", description="Renamed").name == "renamed"
    assert it.repository_by_id(made.id, "acme/work").full_name == "acme/renamed"
    assert it.update_repository("acme/work", archived=True).archived
    assert it.look_up("read", "/repos/acme/renamed")[1]["archived"] is True
    assert it.look_up("read", "/repos/acme/none")[1] is None
    assert it.token_for("acme/renamed") == github.token
    assert it.renew(github.token) is False
    state = client.control("GET", "/repositories/acme/renamed")
    assert (state["secrets"], state["variables"], state["archived"]) == ({}, {}, True)
    public = {name for name, _ in inspect.getmembers(host.GitHub) if not name.startswith("_")}
    elsewhere = {
        "small_file",
        "environments",
        "create_environment",
        "installation",
        "is_absent",
        "address_pull_request",
        "is_protected",
    }  # below, and test_narrow_tokens.py
    assert public - it.used == elsewhere


def test_files_environments_and_whom_a_pull_request_asks(
    github: GitHubStandIn, client: Client, hub: host.GitHub
) -> None:
    client.repository("work")
    seeded(github, hub, "acme/work")
    assert hub.small_file("acme/work", ".github/workflows/deploy.yml", 100) == DEPLOY
    assert hub.small_file("acme/work", ".github/workflows", 100) is None
    assert hub.small_file("acme/work", "none", 100) is None
    with pytest.raises(ObjectTooLarge, match="has 50 bytes, and the maximum is 10"):
        hub.small_file("acme/work", ".github/workflows/deploy.yml", 10)
    assert hub.is_protected("acme/work", "main") is False
    pull = hub.create_pull_request("acme/work", "studio", "main", "Template", "What changed")
    assert hub.address_pull_request("acme/work", pull.number, (["template"], [], [])) == []
    assert [each["name"] for each in client.get(f"/repos/acme/work/pulls/{pull.number}")["labels"]] == ["template"]
    hub.create_environment("acme/work", "Staging", "main", [])
    hub.create_environment("acme/work", "Staging", "main", [("User", 7)])
    client.expect(200, "PUT", "/repos/acme/work/environments/open", {})
    assert hub.environments("acme/work") == {"staging": True, "open": False}
    with pytest.raises(EnvironmentRulesRefused, match="at most 6 reviewers"):
        hub.create_environment("acme/work", "production", "main", [("Team", number) for number in range(1, 8)])


def test_what_the_host_says_when_refused(
    github: GitHubStandIn, client: Client, hub: host.GitHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(OrganizationNotFound):
        hub.create_repository("nobody", "x", "", "private")
    client.repository("work")
    client.expect(200, "PATCH", "/repos/acme/work", {"archived": True})
    with pytest.raises(FinalError, match="archived"):
        hub.replace_topics("acme/work", ["x"])
    narrow = host.GitHub(github.api_url, lambda: GitHubCredentials(token=github.make_token(["repo"])))
    with pytest.raises(TokenTooNarrow, match="workflow"):
        narrow.find_repository("acme/work")
    # GitHub may send the header without a scope to tokens that have permissions instead.
    monkeypatch.setattr(Connection, "find", lambda *_: ({"x-oauth-scopes": ""}, None))
    fine = host.GitHub(github.api_url, lambda: GitHubCredentials(token="github_pat_1"))
    assert fine.find_repository("acme/none") is None
    monkeypatch.undo()
    wrong = host.GitHub(github.api_url, lambda: GitHubCredentials(token="wrong"))
    with pytest.raises(TokenRejected):
        wrong.find_repository("acme/work")


def test_a_rotated_token_is_read_again(github: GitHubStandIn, client: Client) -> None:
    tokens = [github.token]
    hub = host.GitHub(github.api_url, lambda: GitHubCredentials(token=tokens[-1]))
    assert hub.find_repository("acme/none") is None
    tokens.append(github.make_token())
    client.control("DELETE", "/tokens", {"token": github.token})
    with pytest.raises(RetryLater, match="rotated"):
        hub.find_repository("acme/none")
    assert hub.find_repository("acme/none") is None


def test_the_host_as_an_app(github: GitHubStandIn, client: Client) -> None:
    app = client.control("POST", "/apps", {"slug": "studio"})
    installed = client.control("POST", f"/apps/{app['id']}/installations", {"organization": "acme"})
    credentials = GitHubCredentials(
        app_id=str(app["id"]), installation_id=installed["id"], private_key=app["private_key"]
    )
    hub = host.GitHub(github.api_url, lambda: credentials)
    assert hub.create_repository("acme", "work", "", "private") is not None
    seeded(github, hub, "acme/work")
    assert hub.token_for("acme/work").startswith("ghs_")
    log = client.control("GET", "/requests")["requests"]
    assert sum("access_tokens" in entry["path"] for entry in log) == 2, "to create it, and for it"


_AT_ONCE: dict[str, Any] = {"seconds_between_requests": None, "seconds_between_writes": None}


@pytest.fixture
def library(github: GitHubStandIn) -> Iterator[pygithub.Github]:
    """PyGithub."""
    auth = pygithub.Auth.Token(github.token)
    with pygithub.Github(auth=auth, base_url=github.api_url, retry=None, **_AT_ONCE) as made:
        yield made


def test_a_day_with_pygithub(library: pygithub.Github, client: Client) -> None:
    assert library.get_user().login == "studio-admin"
    organization = library.get_organization("acme")
    repository = organization.create_repo("day", private=True, auto_init=True, description="A day")
    assert repository.get_topics() == []
    repository.replace_topics(["one"])
    repository.create_file("src/a.py", "add a", "a = 1\n")
    file = repository.get_contents("src/a.py")
    assert not isinstance(file, list)
    assert file.decoded_content == b"a = 1\n"
    repository.create_git_ref("refs/heads/work", repository.get_branch("main").commit.sha)
    dana = pygithub.InputGitAuthor("Dana", "dana@example.com", "2026-01-02T03:04:05Z")
    repository.update_file("src/a.py", "change a", "a = 2\n", file.sha, branch="work", author=dana)
    pull = repository.create_pull(base="main", head="work", title="Change a", body="")
    assert [commit.commit.message for commit in pull.get_commits()] == ["change a"]
    assert next(iter(pull.get_commits())).commit.author.name == "Dana"
    pull.create_issue_comment("good")
    assert repository.get_pull(pull.number).mergeable is True
    assert pull.merge(merge_method="rebase").merged
    assert repository.get_pull(pull.number).merged
    assert [commit.commit.message for commit in repository.get_commits()] == ["change a", "add a", "Initial commit"]
    repository.create_secret("TOKEN", "hidden")
    assert [secret.name for secret in repository.get_secrets()] == ["TOKEN"]
    repository.create_variable("FLAG", "on")
    assert {variable.name: variable.value for variable in repository.get_variables()} == {"FLAG": "on"}
    repository.get_branch("main").edit_protection(required_approving_review_count=1, enforce_admins=True)
    assert repository.get_branch("main").protected
    repository.get_branch("main").remove_protection()
    assert {branch.name for branch in repository.get_branches()} == {"main", "work"}
    repository.get_git_ref("heads/work").delete()
    repository.edit(name="night", archived=True)
    assert library.get_repo("acme/day").full_name == "acme/night"
    assert [it.full_name for it in organization.get_repos()] == ["acme/night"]
    assert library.get_rate_limit().resources.core.limit == 5000
    assert client.control("GET", "/repositories/acme/night")["secrets"] == {"TOKEN": "hidden"}


def test_lists_are_paged(library: pygithub.Github, client: Client) -> None:
    for number in range(35):
        client.repository(f"r{number:02}")
    assert library.get_organization("acme").get_repos().totalCount == 35
    assert len(list(library.get_organization("acme").get_repos())) == 35


def test_a_launch_of_many_secrets_is_unsealed_value_by_value(client: Client, hub: host.GitHub) -> None:
    client.repository("work")
    values = {f"NAME_{number}": base64.b64encode(bytes([number] * 40)).decode() for number in range(30)}
    began = time.monotonic()
    hub.put_secrets("acme/work", values)
    assert client.control("GET", "/repositories/acme/work")["secrets"] == values
    assert client.control("GET", "/requests")["count"] == 32  # the repository, the key, thirty secrets
    assert time.monotonic() - began < 30
