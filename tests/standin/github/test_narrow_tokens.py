"""A GitHub App's tokens reach one repository each, and a token that was made just now is given time."""

from __future__ import annotations

from typing import Any

import pytest

from custom_resources.clients import github as host
from custom_resources.clients import github_connection
from custom_resources.clients.git import Git
from custom_resources.clients.github_tokens import CREATE, LOOK_UP, Reach, permissions_in, reach_of
from custom_resources.clients.secrets import GitHubCredentials
from custom_resources.errors import (
    AppLacksPermission,
    AppNotInstalled,
    RepositoryUnreachable,
    RetryLater,
    TokenNotSpread,
    TokenTooNarrow,
)
from standins.github.lag import Lags
from standins.github.server import GitHubStandIn
from tests.standin.github.conftest import Client

ALL = (("administration", "write"), ("contents", "write"), ("secrets", "write"))


class App:
    """A GitHub App in the organization, and the hosts of functions that use it."""

    def __init__(self, github: GitHubStandIn, client: Client, permissions: dict[str, str] | None = None) -> None:
        self.github, self.client = github, client
        self.app = client.control("POST", "/apps", {"slug": "studio"})
        wanted = {"organization": "acme", "permissions": permissions}
        installed = client.control("POST", f"/apps/{self.app['id']}/installations", wanted)
        self.credentials = GitHubCredentials(
            app_id=str(self.app["id"]), installation_id=installed["id"], private_key=self.app["private_key"]
        )

    def hub(self, permissions: tuple[tuple[str, str], ...] | None = ALL) -> host.GitHub:
        return host.GitHub(self.github.api_url, lambda: self.credentials, permissions)

    def git(self, hub: host.GitHub) -> Git:
        return Git(self.github.server_url, hub.token_for, hub.renew)

    def delay(self, **requests: int) -> None:
        self.client.control("PUT", f"/apps/{self.app['id']}/delay", requests)

    def made(self) -> int:
        log = self.client.control("GET", "/requests")["requests"]
        self.client.control("DELETE", "/requests")
        return sum("access_tokens" in entry["path"] for entry in log)


@pytest.fixture
def app(github: GitHubStandIn, client: Client) -> App:
    made = App(github, client)
    for name in ("ours", "victim"):
        client.repository(name, auto_init=True)
    return made


@pytest.mark.parametrize(
    ("verb", "path", "reach"),
    [
        ("GET", "/repos/acme/x", LOOK_UP),
        ("GET", "/repos/acme/x?y=1", LOOK_UP),
        ("GET", "/repositories/7", LOOK_UP),
        ("GET", "/orgs/acme", LOOK_UP),
        ("GET", "/installation/repositories?per_page=1", LOOK_UP),
        ("POST", "/orgs/acme/repos", CREATE),
        ("PATCH", "/repos/acme/x", Reach("acme/x", ALL)),
        ("GET", "/repos/acme/x/contents/.github/y.yml", Reach("acme/x", ALL)),
        ("PUT", "/repos/acme/x/actions/secrets/A", Reach("acme/x", ALL)),
        ("POST", "/repos/acme/x/actions/variables", Reach("acme/x")),
        ("DELETE", "/repos/acme/x/actions/variables/A", Reach("acme/x")),
    ],
)
def test_a_request_gets_the_least_token(verb: str, path: str, reach: Reach) -> None:
    assert reach_of(verb, path, ALL) == reach


def test_permissions_come_from_the_environment() -> None:
    assert permissions_in("administration=write contents=read") == (("administration", "write"), ("contents", "read"))
    assert permissions_in("") is None
    assert Reach("acme/x", ALL).body() == {"repositories": ["x"], "permissions": dict(ALL)}
    assert Reach("acme/x").body() == {"repositories": ["x"]}


def test_a_token_for_one_repository_reaches_no_other(app: App) -> None:
    token = app.hub().token_for("acme/ours")

    def status(method: str, path: str, body: Any = None) -> int:
        return app.client.call(method, path, body, token=token).status_code

    assert status("PUT", "/repos/acme/ours/topics", {"names": ["a"]}) == 200
    assert status("GET", "/repos/acme/victim") == 404
    assert status("PUT", "/repos/acme/victim/topics", {"names": ["a"]}) == 404
    assert status("POST", "/orgs/acme/repos", {"name": "new"}) == 403
    assert status("PUT", "/repos/acme/ours/actions/variables/A", {}) in (403, 404)
    assert status("POST", "/repos/acme/ours/actions/variables", {"name": "A", "value": "1"}) == 403
    app.client.expect(200, "PATCH", "/repos/acme/victim", {"visibility": "public"})
    assert status("GET", "/repos/acme/victim") == 200
    assert status("PUT", "/repos/acme/victim/topics", {"names": ["a"]}) == 403
    hub = app.hub()
    with Git(app.github.server_url, lambda _: token, hub.renew).open("acme/ours") as repository:
        assert repository.look().tip
    app.client.expect(200, "PATCH", "/repos/acme/victim", {"visibility": "private"})
    with (
        Git(app.github.server_url, lambda _: token, hub.renew).open("acme/victim") as repository,
        pytest.raises(RepositoryUnreachable),
    ):
        repository.look()


def test_the_token_for_creating_is_used_for_that_only(app: App) -> None:
    hub = app.hub()
    assert hub.create_repository("acme", "new", "", "private") is not None
    hub.replace_topics("acme/new", ["a"])
    hub.put_secrets("acme/new", {"A": "1", "B": "2", "C": "3", "D": "4"})
    with app.git(hub).open("acme/new") as repository:
        repository.look()
    assert app.made() == 2, "one to create it, one for all that is done to it"
    assert hub.find_repository("acme/new") is not None
    assert hub.find_repository("acme/victim") is not None
    assert app.made() == 1, "look-ups share one"


def test_variables_need_a_token_of_their_own(app: App) -> None:
    hub = app.hub()
    hub.put_secrets("acme/ours", {"A": "1"})
    hub.put_variables("acme/ours", {"A": "1"})
    assert app.made() == 2
    hub = app.hub(None)
    hub.put_secrets("acme/ours", {"A": "1"})
    hub.put_variables("acme/ours", {"A": "1"})
    assert app.made() == 1, "a function without named permissions has one token for a repository"


@pytest.mark.parametrize("delay", [{"unknown": 2}, {"unready": 2}, {"unknown": 1, "unready": 1}])
def test_a_token_that_replicas_do_not_know_yet_is_tried_again(app: App, delay: dict[str, int]) -> None:
    app.delay(**delay)
    hub = app.hub()
    for _ in range(2):
        with pytest.raises(TokenNotSpread, match="does not accept the App's new token yet"):
            hub.replace_topics("acme/ours", ["a"])
    hub.replace_topics("acme/ours", ["a"])
    assert app.made() == 1


def test_git_tries_a_new_token_again(app: App) -> None:
    app.delay(unknown=2)
    hub = app.hub()
    for _ in range(2):
        with app.git(hub).open("acme/ours") as repository, pytest.raises(TokenNotSpread):
            repository.look()
    with app.git(hub).open("acme/ours") as repository:
        assert repository.look().tip
    assert app.made() == 1


def test_a_permission_that_is_really_missing_is_said_after_a_while(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    app.delay(unready=1000)
    hub = app.hub()
    with pytest.raises(TokenNotSpread):
        hub.replace_topics("acme/ours", ["a"])
    monkeypatch.setattr(github_connection, "FRESH_SECONDS", 0)
    with pytest.raises(TokenTooNarrow, match="Resource not accessible by integration"):
        hub.replace_topics("acme/ours", ["a"])


def test_what_the_app_was_not_granted_is_named(github: GitHubStandIn, client: Client) -> None:
    client.repository("ours")
    poor = App(github, client, {"metadata": "read", "contents": "write"})
    with pytest.raises(AppLacksPermission, match="administration: write, contents: write, secrets: write"):
        poor.hub().replace_topics("acme/ours", ["a"])
    with pytest.raises(AppLacksPermission, match="administration: write"):
        poor.hub().create_repository("acme", "new", "", "private")


def test_an_app_that_is_not_installed_is_said(app: App) -> None:
    app.credentials = GitHubCredentials(
        app_id=app.credentials.app_id, installation_id=1, private_key=app.credentials.private_key
    )
    with pytest.raises(AppNotInstalled, match="does not have an installation with the ID 1"):
        app.hub().find_repository("acme/ours")
    with pytest.raises(AppNotInstalled, match="does not have an installation with the ID 1"):
        app.hub().installation()


def test_doctor_reads_what_the_app_may_do(app: App) -> None:
    found = app.hub().installation()
    assert (found.account, found.permissions["administration"]) == ("acme", "write")


@pytest.mark.parametrize("name", ["none", "former"])
def test_a_repository_that_is_not_there_has_no_token(app: App, name: str) -> None:
    if name == "former":
        app.client.repository("former")
        app.client.expect(200, "PATCH", "/repos/acme/former", {"name": "renamed"})
    hub = app.hub()
    with app.git(hub).open(f"acme/{name}") as repository, pytest.raises(RepositoryUnreachable):
        repository.look()
    assert app.made() == 2


def test_a_repository_that_replicas_do_not_know_yet_is_waited_for(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    """GitHub refuses its name, and shows it to who looks."""
    hub = app.hub()
    with monkeypatch.context() as patch:
        patch.setattr(Reach, "body", lambda reach: {"repositories": ["none"]} if reach.repository else {})
        with pytest.raises(TokenNotSpread):
            hub.replace_topics("acme/ours", ["a"])
    hub.replace_topics("acme/ours", ["a"])


def test_whether_a_repository_is_new_is_asked_with_a_token_that_is_new_too(app: App, client: Client) -> None:
    """GitHub makes no token for it yet, and the look that tells why is answered 401."""
    now = [1000.0]
    app.github.store.lag.clock = lambda: now[0]
    app.github.store.lag.configure(Lags(app_tokens=3))
    client.repository("new", auto_init=True)
    hub = app.hub()
    with pytest.raises(TokenNotSpread):
        hub.token_for("acme/new")
    now[0] += 4
    assert hub.token_for("acme/new")


@pytest.mark.parametrize("fault", ["503", "limit-429-bare"])
def test_a_look_that_fails_says_nothing_about_the_repository(app: App, client: Client, fault: str) -> None:
    app.github.store.lag.configure(Lags(app_tokens=60))
    app.github.store.lag.clock = lambda: 1000.0
    client.repository("new", auto_init=True)
    client.control("POST", "/faults", {"match": {"path": "/repos/acme/new"}, "fault": fault, "times": None})
    with pytest.raises(RetryLater) as waits:
        app.hub().token_for("acme/new")
    assert not isinstance(waits.value, TokenNotSpread)
