"""Whatever comes, the stand-in answers as an HTTP server does: never with its own 500, never with a dead connection."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from standins.github.rest.router import ROUTES
from standins.github.server import GitHubStandIn
from tests.standin.github.conftest import Client

TEXT = st.one_of(
    st.sampled_from(["acme", "work", "main", "1", "a.txt", ".git/x", "../x", "x/../y", "~ALL", "-x", "HEAD", "0" * 40]),
    st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=12),
)
VALUE = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-(2**40), 2**40), TEXT),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
VALID: dict[str, Any] = {
    "name": "x",
    "private": True,
    "visibility": "private",
    "description": "about",
    "names": ["a"],
    "message": "m",
    "content": "eA==",
    "branch": "main",
    "author": {"name": "Dana", "email": "dana@example.com"},
    "committer": {"name": "Dana", "email": "dana@example.com"},
    "ref": "refs/heads/made",
    "sha": "0" * 40,
    "key_id": "1",
    "encrypted_value": "eA==",
    "value": "v",
    "inputs": {"a": "b"},
    "title": "t",
    "head": "side",
    "base": "main",
    "body": "b",
    "state": "open",
    "merge_method": "squash",
    "commit_title": "c",
    "commit_message": "c",
    "draft": False,
    "new_name": "renamed",
    "required_status_checks": {"strict": True, "contexts": ["build"]},
    "enforce_admins": True,
    "required_pull_request_reviews": {"required_approving_review_count": 1},
    "restrictions": None,
    "permissions": {"contents": "read"},
    "target": "branch",
    "enforcement": "active",
    "conditions": {"ref_name": {"include": ["~ALL"], "exclude": []}},
    "rules": [{"type": "deletion"}, {"type": "required_status_checks", "parameters": {"required_status_checks": []}}],
    "bypass_actors": [{"actor_type": "OrganizationAdmin"}],
}


@st.composite
def bodies(draw: st.DrawFn) -> dict[str, Any]:
    """Return a valid body, of which some fields are left out and some are strange, or strange somewhere within."""
    body = dict(VALID)
    for name in draw(st.lists(st.sampled_from(sorted(VALID)), max_size=4)):
        old = body[name]
        how = draw(st.sampled_from(["absent", "other", "within"]))
        if how == "absent":
            body[name] = ABSENT
        elif how == "within" and isinstance(old, dict) and old:
            body[name] = {**old, draw(st.sampled_from(sorted(old))): draw(VALUE)}
        elif how == "within" and isinstance(old, list):
            body[name] = [draw(VALUE), *old]
        else:
            body[name] = draw(VALUE)
    return {name: value for name, value in body.items() if value is not ABSENT}


ABSENT = object()
BODY = bodies()
PLAUSIBLE = {"owner": "acme", "repo": "work", "org": "acme", "pull_number": "1", "issue_number": "1", "branch": "main"}


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """A client of a stand-in that all examples share."""
    with GitHubStandIn.running(tmp_path_factory.mktemp("github")) as github:
        one = Client(github, github.token)
        with one.session:
            one.repository("work")
            one.write("acme/work", "a.txt", "a\n")
            tip = one.get("/repos/acme/work/branches/main")["commit"]["sha"]
            one.expect(201, "POST", "/repos/acme/work/git/refs", {"ref": "refs/heads/side", "sha": tip})
            one.write("acme/work", "b.txt", "b\n", branch="side")
            one.expect(201, "POST", "/repos/acme/work/pulls", {"title": "b", "head": "side", "base": "main"})
            yield one


# What would take the shared repository away is tested elsewhere.
SAFE = [it for it in ROUTES if (it.method, it.template) != ("DELETE", "/repos/{owner}/{repo}")]


@settings(max_examples=200)
@given(route=st.sampled_from(SAFE), strange=st.sampled_from(["path", "body"]), body=BODY, data=st.data())
def test_rest(client: Client, route: Any, strange: str, body: dict[str, Any], data: st.DataObject) -> None:
    if route.template.endswith(("/transfer", "{repo}")):
        body = {name: value for name, value in body.items() if name not in ("name", "new_name")}

    def filled(match: re.Match[str]) -> str:
        name = match[1]
        if name in PLAUSIBLE and (strange == "body" or name in ("owner", "repo")):
            return PLAUSIBLE[name]
        return quote(data.draw(TEXT, label=name), safe=data.draw(st.sampled_from(["", "/"])))

    path = re.sub(r"\{(\w+)\}", filled, route.template)
    response = client.call(route.method, path, body)
    assert response.status_code < 500, (route.method, path, body, response.text)
    assert client.get("/repos/acme/work")["archived"] is False


@settings(max_examples=40)
@example(method="GET", path="¹", body={})  # a digit that is no number
@given(method=st.sampled_from(["GET", "POST", "DELETE", "PUT"]), path=TEXT, body=BODY)
def test_controls_pages_and_git(client: Client, method: str, path: str, body: dict[str, Any]) -> None:
    for place in ("/_standin/", "/", "/acme/work/blob/main/", "/acme/work/tree/", "/acme/work/pull/", "/acme/"):
        address = f"{client.github.base_url}{place}{quote(path)}"
        response = client.session.request(method, address, json=body, timeout=20, allow_redirects=False)
        assert response.status_code < 500, (method, address, body, response.text)
    for place in ("/info/refs?service=git-upload-pack", "/git-upload-pack", "/git-receive-pack"):
        address = f"{client.github.base_url}/acme/work.git{place}"
        headers = {"Authorization": f"Bearer {client.token}", "Content-Type": "application/x-git-upload-pack-request"}
        response = client.session.request(method, address, data=path.encode(), headers=headers, timeout=20)
        assert response.status_code != 500, (method, address, path)
