"""Loss of sight: what a token does not see any more is answered as if it were not there."""

from __future__ import annotations

import time
from typing import Any

import jwt
import pytest

from standins.github.server import GitHubStandIn
from standins.github.store import FULL_PERMISSIONS
from tests.standin.github.conftest import Client


class App:
    """A GitHub App that is installed in the organization."""

    def __init__(self, github: GitHubStandIn, client: Client) -> None:
        self.github, self.client = github, client
        self.app = client.control("POST", "/apps", {"slug": "studio"})
        place = f"/apps/{self.app['id']}/installations"
        self.number = client.control("POST", place, {"organization": "acme"})["id"]

    def become(self, **sight: Any) -> None:
        self.client.control("PUT", f"/apps/{self.app['id']}/installations/{self.number}", sight)

    def ask(self, method: str, path: str, status: int, body: Any = None) -> Any:
        now = int(time.time())
        claims = {"iat": now - 30, "exp": now + 300, "iss": str(self.app["id"])}
        signed = jwt.encode(claims, self.app["private_key"], "RS256")
        return self.client.expect(status, method, path, body, token=signed)

    def token(self, status: int = 201, **body: Any) -> Any:
        return self.ask("POST", f"/app/installations/{self.number}/access_tokens", status, body)


@pytest.fixture
def app(github: GitHubStandIn, client: Client) -> App:
    for name in ("one", "two"):
        client.repository(name, auto_init=True)
    return App(github, client)


def test_a_repository_out_of_sight(client: Client, github: GitHubStandIn) -> None:
    client.repository("one")
    ada = github.make_token(login="ada")
    client.control("PUT", "/repositories/acme/one/sight", {"seen": False, "login": "ada"})
    client.expect(404, "GET", "/repos/acme/one", token=ada)
    client.get("/repos/acme/one")
    client.control("PUT", "/repositories/acme/one/sight", {"seen": False})
    client.get("/repos/acme/one", status=404)
    client.control("PUT", "/repositories/acme/one/sight", {"seen": True})
    client.get("/repos/acme/one")


@pytest.mark.parametrize("profile", [True, False])
def test_an_organization_that_the_user_has_left(client: Client, github: GitHubStandIn, profile: bool) -> None:
    client.repository("one")
    assert client.get("/user/memberships/orgs/acme")["role"] == "admin"
    client.control("PUT", "/organizations/acme/sight", {"seen": False, "profile": profile})
    client.get("/repos/acme/one", status=404)
    client.get("/user/memberships/orgs/acme", status=404)
    client.expect(404, "POST", "/orgs/acme/repos", {"name": "two"})
    client.get("/orgs/acme", status=200 if profile else 404)
    later = github.make_token()
    client.expect(404, "GET", "/repos/acme/one", token=later)
    client.control("PUT", "/organizations/acme/sight", {"seen": True})
    client.get("/repos/acme/one")


def test_an_app_that_is_narrowed(app: App, client: Client) -> None:
    before = app.token()
    assert before["repository_selection"] == "all"
    app.become(selection="selected", repositories=["one"])
    assert app.token()["repository_selection"] == "selected"
    assert app.ask("GET", f"/app/installations/{app.number}", 200)["repository_selection"] == "selected"
    client.expect(200, "GET", "/repos/acme/one", token=before["token"])
    client.expect(404, "GET", "/repos/acme/two", token=before["token"])
    app.token(422, repositories=["two"])
    made = client.expect(201, "POST", "/orgs/acme/repos", {"name": "own", "private": True}, token=before["token"])
    client.expect(200, "GET", f"/repositories/{made['id']}", token=before["token"])
    app.become(selection="selected", repositories=["one"], adds_created=False)
    client.expect(201, "POST", "/orgs/acme/repos", {"name": "lost", "private": True}, token=before["token"])
    client.expect(404, "GET", "/repos/acme/lost", token=before["token"])
    app.become(selection="all")
    client.expect(200, "GET", "/repos/acme/lost", token=before["token"])


def test_an_app_that_is_suspended_or_gone(app: App, client: Client) -> None:
    before = app.token()["token"]
    app.become(state="suspended")
    assert "suspended" in app.token(403)["message"]
    client.expect(403, "GET", "/repos/acme/one", token=before)
    assert app.ask("GET", f"/app/installations/{app.number}", 200)["suspended_at"]
    app.become(state="active")
    client.expect(200, "GET", "/repos/acme/one", token=before)
    app.become(state="uninstalled")
    app.token(404)
    client.expect(401, "GET", "/repos/acme/one", token=before)


def test_a_fine_grained_token_for_some_repositories(client: Client, github: GitHubStandIn) -> None:
    one, two = (client.get(f"/repos/{client.repository(name)}")["id"] for name in ("one", "two"))
    asked = {"fine_grained": True, "repositories": [one], "permissions": FULL_PERMISSIONS}
    token = client.control("POST", "/tokens", asked)["token"]
    client.expect(200, "GET", f"/repositories/{one}", token=token)
    client.expect(404, "GET", f"/repositories/{two}", token=token)


def test_a_former_name_can_lead_out_of_sight(client: Client, github: GitHubStandIn) -> None:
    client.repository("one")
    ada = github.make_token(login="ada")
    client.expect(200, "PATCH", "/repos/acme/one", {"name": "renamed"})
    client.control("PUT", "/repositories/acme/renamed/sight", {"seen": False, "login": "ada"})
    client.expect(404, "GET", "/repos/acme/one", token=ada)
    client.control("PUT", "/redirects", {"unseen": True})
    leads = client.expect(301, "GET", "/repos/acme/one", token=ada)["url"]
    client.expect(404, "GET", leads.removeprefix(github.api_url), token=ada)
