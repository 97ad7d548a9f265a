"""Tokens, scopes, permissions, Apps, redirects, archived repositories, names: who may do what, in GitHub's words."""

from __future__ import annotations

import time
from typing import Any

import jwt
import pytest

from standins.github.server import GitHubStandIn
from tests.standin.github.conftest import Client


def test_classic_tokens_tell_their_scopes(github: GitHubStandIn, client: Client) -> None:
    response = client.call("GET", "/user", token=github.make_token(["repo", "workflow"]))
    assert response.headers["x-oauth-scopes"] == "repo, workflow"
    assert response.headers["x-ratelimit-limit"] == "5000"
    assert response.headers["x-github-request-id"].count("-") == 2
    fine = client.call("GET", "/repos/acme/none", token=github.make_token(fine_grained=True))
    assert "x-oauth-scopes" not in fine.headers


def test_bad_and_missing_credentials(client: Client) -> None:
    assert client.expect(401, "GET", "/user", token="nonsense")["message"] == "Bad credentials"
    assert client.expect(401, "GET", "/user", token="")["message"] == "Requires authentication"
    client.control("DELETE", "/tokens", {"token": client.token})
    assert client.expect(401, "GET", "/user")["message"] == "Bad credentials"


def test_a_private_repository_is_invisible_to_others(github: GitHubStandIn, client: Client) -> None:
    client.repository("work")
    stranger = github.make_token(login="eve", organizations=[])
    assert client.expect(404, "GET", "/repos/acme/work", token=stranger)["message"] == "Not Found"
    client.expect(404, "GET", "/repos/acme/work", token=github.make_token([]))
    client.expect(404, "GET", "/repos/acme/work", token="")
    client.expect(404, "POST", "/orgs/acme/repos", {"name": "x"}, token=stranger)
    client.expect(200, "PATCH", "/repos/acme/work", {"visibility": "public"})
    client.expect(200, "GET", "/repos/acme/work", token="")
    client.expect(401, "PATCH", "/repos/acme/work", {"description": "x"}, token="")


def test_roles(github: GitHubStandIn, client: Client) -> None:
    client.repository("work")
    reader, writer = github.make_token(login="ray", role="read"), github.make_token(login="wil", role="write")
    answer = client.expect(403, "PATCH", "/repos/acme/work", {"archived": True}, token=writer)
    assert answer["message"] == "Must have admin rights to Repository."
    client.expect(403, "PUT", "/repos/acme/work/contents/a.txt", {"message": "m", "content": ""}, token=reader)
    client.expect(201, "PUT", "/repos/acme/work/contents/a.txt", {"message": "m", "content": ""}, token=writer)
    answer = client.expect(403, "POST", "/orgs/acme/repos", {"name": "x"}, token=reader)
    assert "admin access to the organization" in answer["message"]
    assert client.expect(200, "GET", "/repos/acme/work", token=writer)["permissions"]["admin"] is False
    client.expect(403, "DELETE", "/repos/acme/work", token=github.make_token(["repo"]))


def test_fine_grained_tokens_are_refused_by_permission(github: GitHubStandIn, client: Client) -> None:
    client.repository("work")
    narrow = github.make_token(fine_grained=True, permissions={"metadata": "read", "contents": "write"})
    response = client.call("PATCH", "/repos/acme/work", {"archived": True}, token=narrow)
    assert response.status_code == 403
    assert response.json()["message"] == "Resource not accessible by personal access token"
    assert response.headers["x-accepted-github-permissions"] == "administration=write"
    client.expect(403, "GET", "/repos/acme/work/actions/secrets/public-key", token=narrow)
    client.expect(403, "POST", "/orgs/acme/repos", {"name": "x"}, token=narrow)
    client.expect(201, "PUT", "/repos/acme/work/contents/a.txt", {"message": "m", "content": ""}, token=narrow)
    body = {"message": "m", "content": ""}
    client.expect(403, "PUT", "/repos/acme/work/contents/.github/workflows/a.yml", body, token=narrow)


def test_an_app_gets_installation_tokens_for_its_signed_web_token(github: GitHubStandIn, client: Client) -> None:
    client.repository("work")
    client.control("POST", "/organizations", {"login": "globex"})
    client.expect(201, "POST", "/orgs/globex/repos", {"name": "theirs", "private": True})
    app = client.control("POST", "/apps", {"slug": "studio"})
    other = client.control("POST", "/apps", {"slug": "other"})
    installed = client.control("POST", f"/apps/{app['id']}/installations", {"organization": "acme"})
    path = f"/app/installations/{installed['id']}/access_tokens"
    moment = int(time.time())
    claims = {"iat": moment - 60, "exp": moment + 540, "iss": str(app["id"])}

    def signed(key: str = app["private_key"], **changes: object) -> str:
        return jwt.encode({**claims, **changes}, key, "RS256")

    made = client.expect(201, "POST", path, token=signed())
    assert made["token"].startswith("ghs_")
    client.expect(200, "GET", "/repos/acme/work", token=made["token"])
    client.expect(404, "GET", "/repos/globex/theirs", token=made["token"])
    client.expect(403, "GET", "/user", token=made["token"])
    client.expect(401, "POST", path, token=signed(other["private_key"]))
    client.expect(401, "POST", path, token=signed(exp=moment - 10))
    client.expect(401, "POST", path, token=signed(exp=moment + 3600))
    client.expect(401, "POST", path, token=jwt.encode(claims, "secret" * 8, "HS256"))
    client.expect(404, "POST", path, token=signed(other["private_key"], iss=str(other["id"])))
    client.expect(401, "POST", path)  # a personal token is no App


def test_a_token_tells_when_it_expires(client: Client) -> None:
    made = client.control("POST", "/tokens", {"expires_at": "2099-01-02T03:04:05Z", "scopes": ["repo"]})
    response = client.call("GET", "/user", token=made["token"])
    assert response.headers["github-authentication-token-expiration"] == "2099-01-02 03:04:05 UTC"
    assert "github-authentication-token-expiration" not in client.call("GET", "/user").headers


def test_expired_tokens_are_rejected(github: GitHubStandIn, client: Client) -> None:
    github.store.add_token("ghs_old", kind="installation", login="x", user_id=1, expires_at="2020-01-01T00:00:00Z")
    client.expect(401, "GET", "/repos/acme/work", token="ghs_old")


def test_renamed_and_transferred_repositories_redirect(client: Client) -> None:
    client.repository("work")
    identifier = client.get("/repos/ACME/Work")["id"]
    client.expect(200, "PATCH", "/repos/acme/work", {"name": "second"})
    client.control("POST", "/organizations", {"login": "globex"})
    client.expect(202, "POST", "/repos/acme/second/transfer", {"new_owner": "globex"})
    for old in ("acme/work", "acme/second"):
        response = client.call("GET", f"/repos/{old}/branches?per_page=5")
        assert response.status_code == 301
        assert response.headers["location"].endswith(f"/repositories/{identifier}/branches?per_page=5")
        assert client.get(response.headers["location"]) == []
    assert client.get(f"/repositories/{identifier}")["full_name"] == "globex/second"
    response = client.call("PUT", "/repos/acme/work/topics", {"names": []})
    assert (response.status_code, response.json()["message"]) == (307, "Temporary Redirect")
    client.repository("work")
    assert client.get("/repos/acme/work")["id"] != identifier
    answer = client.expect(422, "POST", "/orgs/acme/repos", {"name": "WORK"})
    assert answer["errors"][0]["message"] == "name already exists on this account"
    client.expect(201, "POST", "/orgs/globex/repos", {"name": "taken"})
    answer = client.expect(422, "PATCH", f"/repositories/{identifier}", {"name": "Taken"})
    assert answer["errors"][0]["message"] == "name already exists on this account"
    client.expect(404, "GET", "/repositories/99999")


def test_an_archived_repository_refuses_every_write(client: Client) -> None:
    client.repository("work")
    client.write("acme/work", "a.txt", "a\n")
    sha = client.get("/repos/acme/work/branches/main")["commit"]["sha"]
    client.expect(200, "PATCH", "/repos/acme/work", {"archived": True})
    writes = [
        ("PATCH", "", {"description": "x"}),
        ("PUT", "/topics", {"names": []}),
        ("PUT", "/contents/b.txt", {"message": "m", "content": ""}),
        ("POST", "/git/refs", {"ref": "refs/heads/x", "sha": sha}),
        ("PUT", "/actions/secrets/A", {}),
        ("DELETE", "/actions/secrets/A", None),
        ("POST", "/actions/variables", {"name": "A", "value": "a"}),
        ("POST", "/pulls", {"title": "x", "head": "x", "base": "main"}),
        ("POST", "/issues/1/comments", {"body": "x"}),
        ("POST", "/actions/workflows/a.yml/dispatches", {"ref": "main"}),
    ]
    for method, path, body in writes:
        answer = client.expect(403, method, f"/repos/acme/work{path}", body)
        assert answer["message"] == "Repository was archived so is read-only.", path
    client.get("/repos/acme/work/contents/a.txt")
    client.expect(200, "PATCH", "/repos/acme/work", {"archived": False, "description": "back"})


@pytest.mark.parametrize(
    ("method", "path", "body", "message"),
    [
        ("POST", "/orgs/acme/repos", {}, "Repository creation failed."),
        ("POST", "/orgs/acme/repos", {"name": 5}, "Invalid request."),
        ("POST", "/orgs/acme/repos", {"name": "x", "description": "a\nb"}, "Validation Failed"),
        ("POST", "/orgs/acme/repos", {"name": "x", "visibility": "secret"}, "Validation Failed"),
        ("PUT", "/repos/acme/work/actions/secrets/1A", {"key_id": "x", "encrypted_value": "eA=="}, "Secret names"),
        ("PUT", "/repos/acme/work/actions/secrets/GITHUB_A", {"key_id": "x"}, "Secret names"),
        ("PUT", "/repos/acme/work/actions/secrets/A", {"key_id": "x", "encrypted_value": "eA=="}, "The key_id"),
        ("POST", "/repos/acme/work/actions/variables", {"name": "a b", "value": "x"}, "Variable names"),
        ("POST", "/repos/acme/work/git/refs", {"ref": "heads/x", "sha": "0" * 40}, "Object does not exist"),
    ],
)
def test_bad_input_is_refused(client: Client, method: str, path: str, body: object, message: str) -> None:
    client.repository("work")
    assert client.expect(422, method, path, body)["message"].startswith(message)


def test_malformed_json_is_refused(client: Client) -> None:
    url, headers = f"{client.github.api_url}/orgs/acme/repos", {"Authorization": f"token {client.token}"}
    response = client.session.post(url, data=b"{", headers=headers, timeout=10)
    assert (response.status_code, response.json()["message"]) == (400, "Problems parsing JSON")
    response = client.session.post(url, data=b"[1]", headers=headers, timeout=10)
    assert (response.status_code, response.json()["message"]) == (400, "Body should be a JSON object")


def test_a_name_is_cleaned_as_github_does(client: Client) -> None:
    assert client.repository("my project (1).git") == "acme/my-project-1-"


def test_secrets_must_be_sealed_for_the_repository(client: Client) -> None:
    import base64

    from nacl.public import PrivateKey, SealedBox

    client.repository("work")
    key = client.get("/repos/acme/work/actions/secrets/public-key")
    wrong = base64.b64encode(SealedBox(PrivateKey.generate().public_key).encrypt(b"x")).decode()
    body = {"encrypted_value": wrong, "key_id": key["key_id"]}
    client.expect(422, "PUT", "/repos/acme/work/actions/secrets/A", body)
    client.expect(422, "PUT", "/repos/acme/work/actions/secrets/A", {**body, "encrypted_value": "not base64"})
    assert client.get("/repos/acme/work/actions/secrets")["total_count"] == 0


def test_etags_save_the_body(client: Client) -> None:
    client.repository("work")
    first = client.call("GET", "/repos/acme/work")
    again = client.call("GET", "/repos/acme/work", **{"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    client.expect(200, "PATCH", "/repos/acme/work", {"description": "other"})
    changed = client.call("GET", "/repos/acme/work", **{"If-None-Match": first.headers["etag"]})
    assert changed.status_code == 200


def test_a_user_account_is_no_organization(github: GitHubStandIn, client: Client) -> None:
    ada, eve = (github.make_token(login=name) for name in ("ada", "eve"))
    made = client.expect(201, "POST", "/user/repos", {"name": "own", "private": True}, token=ada)
    assert (made["full_name"], made["owner"]["type"], made["visibility"]) == ("ada/own", "User", "private")
    assert "organization" not in made
    for path in ("/orgs/ada", "/orgs/ada/repos", "/user/memberships/orgs/ada"):
        client.expect(404, "GET", path, token=ada)
    client.expect(404, "POST", "/orgs/ada/repos", {"name": "x"}, token=ada)
    client.expect(404, "GET", "/repos/ada/own", token=eve)
    client.expect(404, "PATCH", "/repos/ada/own", {"description": "x"}, token=eve)
    client.expect(200, "PATCH", "/repos/ada/own", {"visibility": "public"}, token=ada)
    assert client.expect(200, "GET", "/repos/ada/own", token=eve)["permissions"]["push"] is False
    assert client.get("/users/ADA")["type"] == "User"
    assert client.get("/users/acme")["type"] == "Organization"


def test_a_repository_that_is_given_to_a_user_is_only_theirs(github: GitHubStandIn, client: Client) -> None:
    client.repository("work")
    ada = github.make_token(login="ada")
    client.expect(202, "POST", "/repos/acme/work/transfer", {"new_owner": "ada"})
    client.expect(404, "GET", "/repos/ada/work")
    client.expect(202, "POST", "/repos/ada/work/transfer", {"new_owner": "acme"}, token=ada)
    client.get("/repos/acme/work")


def test_internal_is_no_visibility_of_a_user_account(github: GitHubStandIn, client: Client) -> None:
    client.expect(422, "POST", "/user/repos", {"name": "own", "visibility": "internal"})
    client.expect(201, "POST", "/user/repos", {"name": "own", "private": True})
    client.expect(422, "PATCH", "/repos/studio-admin/own", {"visibility": "internal"})


@pytest.mark.parametrize(
    ("token", "status"),
    [
        ({"scopes": ["workflow"]}, 404),
        ({"scopes": ["public_repo"]}, 404),
        ({"fine_grained": True, "permissions": {"metadata": "read"}}, 403),
        ({"fine_grained": True, "organizations": ["acme"]}, 403),
        ({"fine_grained": True}, 201),
    ],
)
def test_which_tokens_make_a_users_repositories(client: Client, token: dict[str, Any], status: int) -> None:
    value = client.control("POST", "/tokens", token)["token"]
    client.expect(status, "POST", "/user/repos", {"name": "own", "private": True}, token=value)


def test_teams_review_in_no_user_account(github: GitHubStandIn, client: Client) -> None:
    client.expect(201, "POST", "/user/repos", {"name": "own", "private": True})
    path = "/repos/studio-admin/own/environments/production"
    branches = {"deployment_branch_policy": {"protected_branches": False, "custom_branch_policies": True}}
    assert "billing plan" in client.expect(422, "PUT", path, branches)["message"]
    client.control("PUT", "/organizations/studio-admin/plan", {"plan": "pro"})
    client.expect(200, "PUT", path, branches)
    assert "billing plan" in client.expect(422, "PUT", path, {"reviewers": [{"type": "User", "id": 7}]})["message"]
    client.expect(200, "PATCH", "/repos/studio-admin/own", {"visibility": "public"})
    client.expect(200, "PUT", path, {"reviewers": [{"type": "User", "id": 7}]})
    client.expect(422, "PUT", path, {"reviewers": [{"type": "Team", "id": 7}]})
