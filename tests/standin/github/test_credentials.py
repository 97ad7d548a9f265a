"""What becomes of credentials that GitHub does not accept, in a function that has used them already."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from github.GithubException import GithubException

from custom_resources.clients import github as host
from custom_resources.clients import github_connection
from custom_resources.clients.git import Git
from custom_resources.clients.secrets import GitHubCredentials
from custom_resources.errors import CredentialsRejected, FinalError, RetryLater, TokenRejected
from standins.github.server import GitHubStandIn
from tests.standin.github.conftest import Client


def another_key() -> str:
    key = rsa.generate_private_key(65537, 2048)
    form = serialization.PrivateFormat.TraditionalOpenSSL
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode()


WORK = "acme/work"


class App:
    """A GitHub App, its secret, and a warm function's host."""

    def __init__(self, github: GitHubStandIn, client: Client) -> None:
        app = client.control("POST", "/apps", {"slug": "studio"})
        installed = client.control("POST", f"/apps/{app['id']}/installations", {"organization": "acme"})
        self.id, self.installation, self.key = str(app["id"]), installed["id"], app["private_key"]
        self.secret: Any = self.key
        self.reads = 0
        self.hub = host.GitHub(github.api_url, self.read)
        self.git = Git(github.server_url, self.hub.token_for, self.hub.renew)
        self.client = client
        client.repository("work")

    def topics(self) -> None:
        """Make a request that needs a token for one repository."""
        self.hub.replace_topics(WORK, ["studio"])

    def read(self) -> GitHubCredentials:
        self.reads += 1
        if isinstance(self.secret, Exception):
            raise self.secret
        return GitHubCredentials(app_id=self.id, installation_id=self.installation, private_key=self.secret)

    def look(self) -> Any:
        return self.hub.find_repository("acme/none")

    def made_tokens(self) -> int:
        log = self.client.control("GET", "/requests")["requests"]
        return sum("access_tokens" in entry["path"] for entry in log)


@pytest.fixture
def app(github: GitHubStandIn, client: Client) -> App:
    return App(github, client)


def test_an_apps_rotated_key_is_read_again(app: App) -> None:
    """GitHub's sentence for it is not "Bad credentials"."""
    app.secret = another_key()
    for _ in range(2):
        with pytest.raises(TokenRejected, match="Put a valid token into the token secret"):
            app.look()
    app.secret = app.key
    with pytest.raises(RetryLater, match="rotated"):
        app.look()
    assert app.look() is None


def test_a_rotated_key_is_noticed_where_git_asks_for_the_token(app: App) -> None:
    app.secret = another_key()
    with pytest.raises(TokenRejected):
        assert app.hub.token_for(WORK)
    app.secret = app.key
    with pytest.raises(RetryLater, match="rotated"):
        assert app.hub.token_for(WORK)
    assert app.hub.token_for(WORK).startswith("ghs_")


def test_what_cannot_be_read_again_is_said_as_it_is(app: App) -> None:
    app.secret = another_key()
    with pytest.raises(TokenRejected):
        app.look()
    for failure in (FinalError("The secret cannot be read."), RetryLater(5, "Later.")):
        app.secret = failure
        with pytest.raises(type(failure), match=str(failure)):
            app.look()


@pytest.mark.parametrize(
    "key", ["no key", "", "-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----\n"]
)
def test_a_key_that_is_none_is_said(app: App, key: str) -> None:
    app.secret = key
    with pytest.raises(TokenRejected, match="private_key in the token secret is not valid") as said:
        app.look()
    assert "AAAA" not in str(said.value)


def test_an_apps_token_that_is_revoked_is_made_anew_once(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(github_connection, "FRESH_SECONDS", 0)
    app.topics()
    app.client.control("DELETE", "/tokens", {"token": app.hub.token_for(WORK)})
    with pytest.raises(RetryLater, match="rotated"):
        app.topics()
    app.topics()
    assert (app.reads, app.made_tokens()) == (2, 2)
    app.client.control("DELETE", "/tokens", {"token": app.hub.token_for(WORK)})
    with pytest.raises(TokenRejected):
        app.topics()


def test_git_has_a_revoked_token_made_anew(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(github_connection, "FRESH_SECONDS", 0)
    with app.git.open(WORK) as repository:
        app.client.control("DELETE", "/tokens", {"token": app.hub.token_for(WORK)})
        with pytest.raises(RetryLater, match="rotated"):
            repository.look()
    with app.git.open(WORK) as repository:
        assert repository.look().branch == ""


def test_git_reads_a_rotated_token_again_and_says_when_there_is_no_other(github: GitHubStandIn, client: Client) -> None:
    tokens = [github.token]
    hub = host.GitHub(github.api_url, lambda: GitHubCredentials(token=tokens[-1]))
    git = Git(github.server_url, hub.token_for, hub.renew)
    client.repository("work")
    with git.open("acme/work") as repository:
        repository.look()
        tokens.append(github.make_token())
        client.control("DELETE", "/tokens", {"token": github.token})
        with pytest.raises(RetryLater):
            repository.look()
        with pytest.raises(RetryLater):  # the same clone, which has the old one still
            repository.look()
    client.control("DELETE", "/tokens", {"token": tokens[-1]})
    with git.open("acme/work") as repository, pytest.raises(CredentialsRejected):
        repository.look()


def test_requests_at_once_read_a_rotated_token_once(github: GitHubStandIn, client: Client) -> None:
    tokens, reads = [github.token], list[str]()

    def read() -> GitHubCredentials:
        reads.append(tokens[-1])
        return GitHubCredentials(token=tokens[-1])

    hub = host.GitHub(github.api_url, read)
    hub.find_repository("acme/none")
    tokens.append(github.make_token())
    client.control("DELETE", "/tokens", {"token": github.token})
    ready, said = threading.Barrier(4), list[BaseException]()

    def look() -> None:
        hub._connection._authenticate()
        ready.wait(10)
        try:
            with hub._connection.translated("looking"):
                raise GithubException(401, {"message": "Bad credentials"}, {})
        except RetryLater as wait:
            said.append(wait)

    threads = [threading.Thread(target=look) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(said) == 4
    assert reads == tokens
