"""Replica lag: by kind of request, for so many seconds, and then what is there is seen."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from standins.github.server import GitHubStandIn
from tests.standin.github.conftest import Client


@dataclass
class Clock:
    """A clock that a test turns."""

    now: float = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(github: GitHubStandIn) -> Iterator[Clock]:
    made = Clock()
    github.store.lag.clock = made
    yield made
    assert made.now > 1_000_000.0, "a test of lag turns the clock"


def advertised(github: GitHubStandIn, name: str) -> str:
    url = github.server_url.replace("//", f"//x:{github.token}@") + f"/acme/{name}.git"
    done = subprocess.run(["git", "ls-remote", url], capture_output=True, text=True, check=False)
    return done.stdout or done.stderr


def test_a_new_repository_is_unknown_to_reads_for_a_while(github: GitHubStandIn, client: Client, clock: Clock) -> None:
    client.control("PUT", "/lag", {"rest_reads": 3})
    made = client.expect(201, "POST", "/orgs/acme/repos", {"name": "new", "private": True})
    client.get("/repos/acme/new", status=404)
    client.get(f"/repositories/{made['id']}", status=404)
    client.expect(200, "PUT", "/repos/acme/new/topics", {"names": ["studio"]})  # writes do not lag
    client.expect(422, "POST", "/orgs/acme/repos", {"name": "new", "private": True})
    clock.now += 3
    assert client.get("/repos/acme/new")["topics"] == ["studio"]


def test_reads_show_the_old_state_for_a_while(github: GitHubStandIn, client: Client, clock: Clock) -> None:
    client.repository("work", auto_init=True)
    first = client.get("/repos/acme/work/git/ref/heads/main")["object"]["sha"]
    client.control("PUT", "/lag", {"rest_reads": 3})
    client.expect(200, "PATCH", "/repos/acme/work", {"description": "new"})
    client.write("acme/work", "file.txt", "text")
    assert client.get("/repos/acme/work")["description"] is None
    assert client.get("/repos/acme/work/git/ref/heads/main")["object"]["sha"] == first
    clock.now += 3
    second = client.get("/repos/acme/work/git/ref/heads/main")["object"]["sha"]
    assert client.get("/repos/acme/work")["description"] == "new"
    assert second != first
    client.control("PUT", "/lag", {"rest_reads": 3})
    client.write("acme/work", "other.txt", "text")
    third = client.control("GET", "/repositories/acme/work")["refs"]["refs/heads/main"]
    client.get(f"/repos/acme/work/compare/{second}...{third}", status=404)
    clock.now += 3
    assert client.get(f"/repos/acme/work/compare/{second}...{third}")["ahead_by"] == 1


def test_an_old_name_leads_away_for_a_while(github: GitHubStandIn, client: Client, clock: Clock) -> None:
    old = client.get(f"/repos/{client.repository('old')}")["id"]
    client.expect(200, "PATCH", "/repos/acme/old", {"name": "renamed"})
    client.control("PUT", "/lag", {"rest_reads": 3, "git": 3})
    new = client.expect(201, "POST", "/orgs/acme/repos", {"name": "old", "private": True})["id"]
    assert client.get("/repos/acme/old", status=301)["url"].endswith(f"/repositories/{old}")
    clock.now += 3
    assert client.get("/repos/acme/old")["id"] == new


def test_writes_find_no_new_repository_for_a_while(github: GitHubStandIn, client: Client, clock: Clock) -> None:
    client.control("PUT", "/lag", {"rest_writes": 3, "set_up": 5})
    client.expect(201, "POST", "/orgs/acme/repos", {"name": "new", "private": True})
    client.get("/repos/acme/new")
    client.expect(404, "PUT", "/repos/acme/new/topics", {"names": []})
    clock.now += 3
    client.expect(200, "PUT", "/repos/acme/new/topics", {"names": []})
    assert "set up" in client.expect(403, "PATCH", "/repos/acme/new", {"archived": True})["message"]
    clock.now += 2
    client.expect(200, "PATCH", "/repos/acme/new", {"archived": True})


def test_git_knows_nothing_new_for_a_while(github: GitHubStandIn, client: Client, clock: Clock) -> None:
    client.control("PUT", "/lag", {"git": 3})
    client.expect(201, "POST", "/orgs/acme/repos", {"name": "new", "private": True})
    assert "not found" in advertised(github, "new").lower()
    clock.now += 3
    client.write("acme/new", "file.txt", "text")
    assert "refs/heads/main" not in advertised(github, "new")
    clock.now += 3
    assert "refs/heads/main" in advertised(github, "new")


def test_a_pushed_branch_is_unknown_to_pull_requests(github: GitHubStandIn, client: Client, clock: Clock) -> None:
    client.repository("work", auto_init=True)
    main = client.get("/repos/acme/work/git/ref/heads/main")["object"]["sha"]
    client.control("PUT", "/lag", {"pull_request_heads": 4})
    client.expect(201, "POST", "/repos/acme/work/git/refs", {"ref": "refs/heads/topic", "sha": main})
    client.write("acme/work", "file.txt", "text", branch="topic")
    asked = {"title": "t", "head": "topic", "base": "main"}
    refused = client.expect(422, "POST", "/repos/acme/work/pulls", asked)["errors"][0]
    assert (refused["field"], refused["code"]) == ("head", "invalid")
    clock.now += 2
    refused = client.expect(422, "POST", "/repos/acme/work/pulls", asked)["errors"][0]
    assert refused["message"] == "No commits between main and topic"
    clock.now += 2
    client.expect(201, "POST", "/repos/acme/work/pulls", asked)
