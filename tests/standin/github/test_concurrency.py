"""Many requests at once: nothing is lost, and what can only happen once happens once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from standins.github.server import GitHubStandIn
from standins.github.store import Store
from tests.standin.github.conftest import Client


def clients(github: GitHubStandIn, count: int) -> list[Client]:
    return [Client(github, github.token) for _ in range(count)]


def test_one_of_many_creates_the_repository(github: GitHubStandIn) -> None:
    with ThreadPoolExecutor(8) as pool:
        body = {"name": "work", "private": True}
        made = list(pool.map(lambda one: one.call("POST", "/orgs/acme/repos", body).status_code, clients(github, 16)))
    assert sorted(made) == [201] + [422] * 15


def test_one_of_many_opens_the_pull_request(github: GitHubStandIn, client: Client) -> None:
    client.repository("work")
    client.write("acme/work", "a", "a")
    sha = client.get("/repos/acme/work/branches/main")["commit"]["sha"]
    client.expect(201, "POST", "/repos/acme/work/git/refs", {"ref": "refs/heads/b", "sha": sha})
    client.write("acme/work", "b", "b", branch="b")
    body = {"title": "b", "head": "b", "base": "main"}
    with ThreadPoolExecutor(8) as pool:
        path = "/repos/acme/work/pulls"
        made = list(pool.map(lambda one: one.call("POST", path, body).status_code, clients(github, 8)))
    assert sorted(made) == [201] + [422] * 7
    assert len(client.get("/repos/acme/work/pulls")) == 1


def test_variables_set_at_once_are_all_kept_on_disk(github: GitHubStandIn, client: Client) -> None:
    client.repository("work")

    def put(number: int) -> int:
        body = {"name": f"V{number}", "value": str(number)}
        return Client(github, github.token).call("POST", "/repos/acme/work/actions/variables", body).status_code

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(put, range(40))) == {201}
    again = Store(github.store.root).by_name("acme", "work")
    assert again is not None
    assert {name: it.value for name, it in again.variables.items()} == {f"V{n}": str(n) for n in range(40)}


def test_commits_made_at_once_follow_each_other(github: GitHubStandIn, client: Client) -> None:
    client.repository("work")
    client.write("acme/work", "a", "a")

    def write(number: int) -> None:
        Client(github, github.token).write("acme/work", f"{number}", "x")

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, range(8)))
    commits = client.get("/repos/acme/work/commits")
    assert len(commits) == 9
    assert all(len(commit["parents"]) <= 1 for commit in commits)
