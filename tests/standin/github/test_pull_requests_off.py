"""A repository whose pull requests are switched off: nothing about them is answered, everything else is."""

from __future__ import annotations

import pytest

from tests.standin.github.conftest import Client

BODY = {"title": "Bring it", "head": "feature", "base": "main"}
PATH = "/repos/acme/work/pulls"


@pytest.fixture
def number(client: Client) -> int:
    """A pull request that was there before."""
    client.repository("work", auto_init=True)
    tip = client.get("/repos/acme/work/branches/main")["commit"]["sha"]
    client.expect(201, "POST", "/repos/acme/work/git/refs", {"ref": "refs/heads/feature", "sha": tip})
    client.write("acme/work", "b.txt", "b\n", branch="feature")
    return int(client.expect(201, "POST", PATH, BODY)["number"])


def test_by_rest_they_are_switched_off_and_on_again(client: Client, number: int) -> None:
    assert client.get("/repos/acme/work")["has_pull_requests"] is True
    off = client.expect(200, "PATCH", "/repos/acme/work", {"has_pull_requests": False})
    assert off["has_pull_requests"] is False
    comments = f"/repos/acme/work/issues/{number}/comments"
    for method, path, body in (
        ("GET", PATH, None),
        ("GET", f"{PATH}?state=all&head=acme:feature", None),
        ("GET", f"{PATH}/{number}", None),
        ("GET", f"{PATH}/{number}/commits", None),
        ("GET", comments, None),
        ("POST", PATH, BODY),
        ("PATCH", f"{PATH}/{number}", {"title": "x"}),
        ("PUT", f"{PATH}/{number}/merge", {}),
        ("POST", comments, {"body": "x"}),
    ):
        client.expect(404, method, path, body)
    client.write("acme/work", "c.txt", "c\n")
    client.expect(200, "PATCH", "/repos/acme/work", {"has_pull_requests": True})
    assert [pull["number"] for pull in client.get(PATH)] == [number]


@pytest.mark.parametrize("status", [403, 404, 410, 422])
def test_what_github_answers_is_not_known_so_a_control_says(client: Client, number: int, status: int) -> None:
    wish = {"enabled": False, "status": status}
    client.control("PUT", "/repositories/acme/work/pull-requests", wish)
    assert client.get("/repos/acme/work")["has_pull_requests"] is False
    client.get(PATH, status=status)
    client.expect(status, "POST", PATH, BODY)
    client.control("PUT", "/repositories/acme/work/pull-requests", {"enabled": True})
    client.get(f"{PATH}/{number}")


def test_who_may_open_them_is_a_setting(client: Client, number: int) -> None:
    assert client.get("/repos/acme/work")["pull_request_creation_policy"] == "all"
    limited = {"pull_request_creation_policy": "collaborators_only"}
    answer = client.expect(200, "PATCH", "/repos/acme/work", limited)
    assert answer["pull_request_creation_policy"] == "collaborators_only"
    client.expect(422, "PATCH", "/repos/acme/work", {"pull_request_creation_policy": "nobody"})


def test_a_comment_has_a_longest_text(client: Client, number: int) -> None:
    path = f"/repos/acme/work/issues/{number}/comments"
    client.expect(422, "POST", path, {"body": "x" * 65537})
    client.expect(201, "POST", path, {"body": "x" * 65536})
