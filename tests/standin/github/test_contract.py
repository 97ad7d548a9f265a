"""Every REST route answers as GitHub's OpenAPI description says, in success and in failure."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jwt
import pytest
from nacl.public import PublicKey, SealedBox

from standins.github.messages import Request, Response
from standins.github.rest.router import ROUTES
from standins.github.server import GitHubStandIn
from tests.standin.github import contract
from tests.standin.github.conftest import Client

UNPUBLISHED = {("GET", "/repos/{owner}/{repo}/contents"): "/repos/{owner}/{repo}/contents/{path}"}

# GitHub sends it and does not publish it (tests/standin/recordings).
RECORDED_ONLY = {"can_admins_bypass"}


@dataclass(frozen=True)
class Exchange:
    """A recorded request and its answer."""

    method: str
    route: str
    status: int
    sent: Any
    answer: Any

    def __str__(self) -> str:
        return f"{self.method} {self.route} -> {self.status}"


@pytest.fixture(scope="module")
def exchanges(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Exchange]]:
    """Everything that the story below made the stand-in answer."""
    recorded: list[Exchange] = []

    def record(method: str, route: str, request: Request, response: Response) -> None:
        request.body.seek(0)
        sent, body = request.body.read(), response.content()
        is_json = response.headers.get("content-type", "").startswith("application/json")
        sent_json = json.loads(sent) if sent else None
        recorded.append(Exchange(method, route, response.status, sent_json, json.loads(body) if is_json else None))

    with GitHubStandIn.running(tmp_path_factory.mktemp("github")) as github:
        github.observers.append(record)
        client = Client(github, github.token)
        with client.session:
            _accounts(client)
            _repositories(client)
            _contents(client)
            _actions(client)
            _pulls(client)
            _rules(client)
            _environments(client)
            _apps(client)
            _ends(client)
        yield recorded


def _accounts(client: Client) -> None:
    client.get("/user")
    client.expect(401, "GET", "/user", token="wrong")
    client.expect(401, "GET", "/user", token="")
    client.get("/orgs/acme")
    client.get("/orgs/nobody", status=404)
    client.get("/user/memberships/orgs/acme")
    client.get("/user/memberships/orgs/nobody", status=404)
    client.get("/users/studio-admin")
    client.get("/users/acme")
    client.get("/users/nobody", status=404)
    all_of_it = client.control("POST", "/tokens", {"scopes": ["repo", "user"]})["token"]
    assert client.expect(200, "GET", "/user", token=all_of_it)["plan"]["name"] == "free"
    client.get("/rate_limit")


def _repositories(client: Client) -> None:
    client.repository("story", description="A story", auto_init=True)
    client.expect(422, "POST", "/orgs/acme/repos", {"name": "STORY"})
    client.expect(404, "POST", "/orgs/nobody/repos", {"name": "story"})
    client.get("/orgs/acme/repos")
    client.expect(201, "POST", "/user/repos", {"name": "own", "private": True})
    client.expect(422, "POST", "/user/repos", {"name": "OWN"})
    client.expect(401, "POST", "/user/repos", {"name": "own"}, token="")
    client.get("/repos/acme/story")
    client.get("/repos/acme/none", status=404)
    client.expect(200, "PUT", "/repos/acme/story/topics", {"names": ["studio", "mlops"]})
    client.expect(422, "PUT", "/repos/acme/story/topics", {"names": ["not a topic"]})
    client.get("/repos/acme/story/topics")
    client.expect(200, "PATCH", "/repos/acme/story", {"description": "Told again", "delete_branch_on_merge": True})
    client.expect(422, "PATCH", "/repos/acme/story", {"default_branch": "none"})
    client.expect(200, "PATCH", "/repos/acme/story", {"name": "tale"})
    client.get("/repos/acme/story", status=301)
    client.expect(307, "PATCH", "/repos/acme/story", {"description": "x"})
    client.expect(307, "DELETE", "/repos/acme/story")


def _contents(client: Client) -> None:
    path = "/repos/acme/tale"
    client.write("acme/tale", "src/train.py", "print('training')\n")
    client.write("acme/tale", "src/train.py", "print('training more')\n")
    client.expect(409, "PUT", f"{path}/contents/src/train.py", {"message": "m", "content": "eA==", "sha": "0" * 40})
    client.get(f"{path}/contents")
    client.get(f"{path}/contents/src")
    sha = client.get(f"{path}/contents/src/train.py")["sha"]
    client.get(f"{path}/contents/none", status=404)
    client.expect(200, "DELETE", f"{path}/contents/src/train.py", {"message": "gone", "sha": sha})
    client.get(f"{path}/branches")
    tip = client.get(f"{path}/branches/main")["commit"]["sha"]
    client.get(f"{path}/branches/none", status=404)
    client.get(f"{path}/commits?per_page=2")
    client.get(f"{path}/commits/{tip}")
    client.get(f"{path}/commits/none", status=422)
    client.expect(201, "POST", f"{path}/git/refs", {"ref": "refs/heads/work", "sha": tip})
    client.expect(422, "POST", f"{path}/git/refs", {"ref": "refs/heads/work", "sha": tip})
    client.get(f"{path}/git/ref/heads/work")
    client.get(f"{path}/git/ref/heads/none", status=404)
    client.write("acme/tale", "notes.md", "notes\n", branch="work")
    client.get(f"{path}/compare/main...work")
    client.expect(201, "POST", f"{path}/branches/work/rename", {"new_name": "done"})
    client.expect(204, "DELETE", f"{path}/git/refs/heads/done")
    client.expect(422, "DELETE", f"{path}/git/refs/heads/done")
    client.control("PUT", "/repositories/acme/tale/push-protection", {"enabled": True})
    held = base64.b64encode(b"ghp_" + b"a1B2" * 9).decode()
    client.expect(409, "PUT", f"{path}/contents/held.txt", {"message": "m", "content": held})
    client.repository("empty")
    client.get("/repos/acme/empty/commits", status=409)


def _actions(client: Client) -> None:
    path = "/repos/acme/tale/actions"
    key = client.get(f"{path}/secrets/public-key")
    sealed = base64.b64encode(SealedBox(PublicKey(base64.b64decode(key["key"]))).encrypt(b"value")).decode()
    client.expect(201, "PUT", f"{path}/secrets/ROLE", {"encrypted_value": sealed, "key_id": key["key_id"]})
    client.expect(204, "PUT", f"{path}/secrets/ROLE", {"encrypted_value": sealed, "key_id": key["key_id"]})
    client.get(f"{path}/secrets")
    client.expect(204, "DELETE", f"{path}/secrets/ROLE")
    client.expect(201, "POST", f"{path}/variables", {"name": "FLAG", "value": "false"})
    client.expect(409, "POST", f"{path}/variables", {"name": "FLAG", "value": "false"})
    client.expect(204, "PATCH", f"{path}/variables/FLAG", {"value": "true"})
    client.get(f"{path}/variables")
    client.get(f"{path}/variables/FLAG")
    client.expect(204, "DELETE", f"{path}/variables/FLAG")
    client.write("acme/tale", ".github/workflows/deploy.yml", "on:\n  workflow_dispatch:\n    inputs:\n      a:\n")
    client.expect(204, "POST", f"{path}/workflows/deploy.yml/dispatches", {"ref": "main", "inputs": {"a": "b"}})


def _branch(client: Client, name: str, file: str) -> None:
    tip = client.get("/repos/acme/tale/branches/main")["commit"]["sha"]
    client.expect(201, "POST", "/repos/acme/tale/git/refs", {"ref": f"refs/heads/{name}", "sha": tip})
    client.write("acme/tale", file, f"{name}\n", branch=name)


def _pulls(client: Client) -> None:
    path = "/repos/acme/tale/pulls"
    _branch(client, "one", "one.txt")
    _branch(client, "two", "two.txt")
    body = {"title": "One", "head": "one", "base": "main", "body": "Please"}
    number = client.expect(201, "POST", path, body)["number"]
    client.expect(422, "POST", path, body)
    client.expect(422, "POST", path, {"title": "None", "head": "none", "base": "main"})
    client.get(path)
    client.get(f"{path}/{number}")
    client.get(f"{path}/99", status=404)
    client.get(f"{path}/{number}/commits")
    client.expect(200, "PATCH", f"{path}/{number}", {"title": "One, better"})
    client.expect(201, "POST", f"/repos/acme/tale/issues/{number}/comments", {"body": "Fine"})
    client.get(f"/repos/acme/tale/issues/{number}/comments")
    _people(client, number)
    client.expect(409, "PUT", f"{path}/{number}/merge", {"sha": "0" * 40})
    client.expect(200, "PUT", f"{path}/{number}/merge", {"merge_method": "squash"})
    client.expect(405, "PUT", f"{path}/{number}/merge", {})
    client.get(f"{path}/{number}")
    client.get(f"{path}?state=all&head=acme:one")


def _people(client: Client, number: int) -> None:
    issue, pull = f"/repos/acme/tale/issues/{number}", f"/repos/acme/tale/pulls/{number}"
    client.control("PUT", "/organizations/acme/teams", {"ml": ["*"], "other": ["x"]})
    client.control("POST", "/tokens", {"login": "bob", "scopes": ["repo"], "role": "read"})
    assert [each["name"] for each in client.expect(200, "POST", f"{issue}/labels", {"labels": ["new"]})] == ["new"]
    client.expect(422, "POST", f"{issue}/labels", {"labels": ["x" * 51]})
    client.expect(404, "POST", "/repos/acme/tale/issues/99/labels", {"labels": ["new"]})
    assigned = client.expect(201, "POST", f"{issue}/assignees", {"assignees": ["bob", "nobody"]})
    assert [each["login"] for each in assigned["assignees"]] == ["bob"]
    path = f"{pull}/requested_reviewers"
    client.expect(201, "POST", path, {"reviewers": ["bob"], "team_reviewers": ["ml"]})
    for refused in (
        {"reviewers": ["nobody"]},
        {"team_reviewers": ["other"]},
        {"reviewers": [client.get("/user")["login"]]},
    ):
        client.expect(422, "POST", path, refused)
    found = client.get(pull)
    assert [each["slug"] for each in found["requested_teams"]] == ["ml"]
    assert [each["login"] for each in found["requested_reviewers"]] == ["bob"]


def _rules(client: Client) -> None:
    path = "/repos/acme/tale/branches/main/protection"
    client.get(path, status=404)
    reviews = {"required_approving_review_count": 1}
    checks = {"strict": True, "contexts": ["build"]}
    settings = {"required_status_checks": checks, "enforce_admins": True, "restrictions": None}
    client.expect(200, "PUT", path, {**settings, "required_pull_request_reviews": reviews})
    client.get(path)
    client.get("/repos/acme/tale/branches/main")
    client.expect(204, "DELETE", path)
    body = {
        "name": "no direct pushes",
        "target": "branch",
        "enforcement": "active",
        "conditions": {"ref_name": {"include": ["~DEFAULT_BRANCH"], "exclude": []}},
        "rules": [{"type": "deletion"}, {"type": "non_fast_forward"}],
    }
    made = client.expect(201, "POST", "/repos/acme/tale/rulesets", body)
    client.get(f"/repos/acme/tale/rulesets/{made['id']}")
    client.expect(200, "PUT", f"/repos/acme/tale/rulesets/{made['id']}", {"name": "calm", "enforcement": "disabled"})
    client.expect(204, "DELETE", f"/repos/acme/tale/rulesets/{made['id']}")
    client.get(f"/repos/acme/tale/rulesets/{made['id']}", status=404)


def _environments(client: Client) -> None:
    path = "/repos/acme/tale/environments"
    policy = {"protected_branches": False, "custom_branch_policies": True}
    reviewers = [{"type": "Team", "id": 1}, {"type": "User", "id": 2}]
    client.get(f"{path}/staging", status=404)
    client.expect(200, "PUT", f"{path}/staging", {})
    client.expect(404, "POST", f"{path}/staging/deployment-branch-policies", {"name": "main"})
    rules = {"wait_timer": 5, "reviewers": reviewers, "deployment_branch_policy": policy}
    client.expect(200, "PUT", f"{path}/production", rules)
    client.expect(200, "POST", f"{path}/production/deployment-branch-policies", {"name": "main"})
    client.expect(303, "POST", f"{path}/production/deployment-branch-policies", {"name": "main"})
    client.get(f"{path}/production/deployment-branch-policies")
    client.get(f"{path}/production")
    client.get(path)
    both = {"protected_branches": True, "custom_branch_policies": True}
    client.expect(422, "PUT", f"{path}/production", {"deployment_branch_policy": both})
    client.expect(422, "PUT", f"{path}/production", {"reviewers": reviewers * 4})
    for plan, wanted, status in (
        ("team", {"deployment_branch_policy": policy}, 200),
        ("team", {"reviewers": reviewers}, 422),
        ("free", {"deployment_branch_policy": policy}, 422),
        ("none", {}, 404),
    ):
        client.control("PUT", "/organizations/acme/plan", {"plan": plan})
        client.expect(status, "PUT", f"{path}/other", wanted)
    client.control("PUT", "/organizations/acme/plan", {"plan": "enterprise"})


def _apps(client: Client) -> None:
    app = client.control("POST", "/apps", {"slug": "studio"})
    installed = client.control("POST", f"/apps/{app['id']}/installations", {"organization": "acme"})
    moment = int(time.time())
    token = jwt.encode({"iat": moment - 60, "exp": moment + 300, "iss": str(app["id"])}, app["private_key"], "RS256")
    path = f"/app/installations/{installed['id']}/access_tokens"
    made = client.expect(201, "POST", path, token=token)
    client.expect(200, "GET", "/installation/repositories", token=made["token"])
    client.expect(403, "GET", "/installation/repositories")
    client.expect(201, "POST", path, {"permissions": {"contents": "read"}}, token=token)
    number = client.get("/repos/acme/tale")["id"]
    client.expect(201, "POST", path, {"repositories": ["tale"]}, token=token)
    client.expect(201, "POST", path, {"repository_ids": [number], "permissions": {"contents": "read"}}, token=token)
    client.expect(422, "POST", path, {"repositories": ["tale", "none"]}, token=token)
    client.expect(200, "GET", f"/app/installations/{installed['id']}", token=token)
    client.expect(404, "GET", "/app/installations/1", token=token)
    client.expect(422, "POST", path, {"permissions": {"members": "write"}}, token=token)
    client.expect(401, "POST", path, token="a.b.c")
    client.expect(404, "POST", "/app/installations/1/access_tokens", token=token)


def _ends(client: Client) -> None:
    client.expect(200, "PATCH", "/repos/acme/tale", {"archived": True})
    client.expect(403, "PATCH", "/repos/acme/tale", {"description": "no"})
    client.expect(403, "PUT", "/repos/acme/tale/topics", {"names": []})
    client.expect(200, "PATCH", "/repos/acme/tale", {"archived": False})
    client.control("POST", "/organizations", {"login": "globex"})
    client.expect(202, "POST", "/repos/acme/tale/transfer", {"new_owner": "globex"})
    client.get("/repos/acme/tale", status=301)
    client.expect(204, "DELETE", "/repos/globex/tale")


def test_every_route_was_asked_and_answered_well(exchanges: list[Exchange]) -> None:
    done = {(one.method, one.route) for one in exchanges if one.status < 300}
    assert [(it.method, it.template) for it in ROUTES if (it.method, it.template) not in done] == []


def test_answers_are_as_published(exchanges: list[Exchange]) -> None:
    published, wrong = contract.load(), []
    for one in exchanges:
        template = UNPUBLISHED.get((one.method, one.route), one.route)
        operation = published.operation(one.method, template)
        assert operation is not None, f"{one} is not published by GitHub"
        schema = published.response_schema(operation, one.status)
        if schema is None:  # any operation may answer so; the description does not repeat it everywhere
            assert one.status in (301, 307, 401, 403, 404, 409, 422), f"{one} is not published"
        if not schema and one.status >= 300 and one.status != 303:
            schema = published.error()
        if not schema:
            assert one.answer is None, f"{one} has no body at GitHub"
            continue
        answer = one.answer
        if one.status >= 400:  # GitHub sends the status with every error, published or not
            answer = {name: value for name, value in answer.items() if name != "status"}
        problems = published.violations(schema, answer)
        known = {f"unknown field {name}" for name in RECORDED_ONLY}
        wrong += [f"{one}: {problem}" for problem in problems if problem not in known]
    assert not wrong, "\n".join(wrong)


def test_what_the_story_sends_is_as_published(exchanges: list[Exchange]) -> None:
    published, wrong = contract.load(), []
    for one in exchanges:
        operation = published.operation(one.method, one.route)
        if one.sent and operation and one.status < 300:
            wrong += [f"{one}: {it}" for it in published.violations(published.request_schema(operation), one.sent)]
    assert not wrong, "\n".join(wrong)


def test_errors_carry_message_page_and_status(exchanges: list[Exchange]) -> None:
    errors = [one for one in exchanges if one.status >= 400 and one.answer]
    assert len(errors) > 25
    for one in errors:
        assert one.answer["message"]
        assert one.answer["documentation_url"].startswith("https://docs.github.com/")
        assert one.answer["status"] == str(one.status)


def test_the_description_is_the_pinned_one() -> None:
    package = json.loads((Path(__file__).parents[1] / "package.json").read_bytes())
    installed = json.loads((contract.DESCRIPTION.parents[1] / "package.json").read_bytes())
    assert installed["version"] == package["devDependencies"]["@octokit/openapi"]
