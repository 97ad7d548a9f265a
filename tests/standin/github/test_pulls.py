"""Pull requests: GitHub's rules for opening, listing, merging and closing, with git's own merges behind them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.standin.github.conftest import Client


@pytest.fixture
def work(client: Client) -> str:
    """A repository with one file, and a branch `feature` with two commits more."""
    name = client.repository("work")
    client.write(name, "a.txt", "one\ntwo\nthree\n")
    branch(client, "feature")
    client.write(name, "b.txt", "b\n", branch="feature")
    client.write(name, "a.txt", "ONE\ntwo\nthree\n", branch="feature")
    return name


def tip(client: Client, name: str) -> str:
    return str(client.get(f"/repos/acme/work/branches/{name}")["commit"]["sha"])


def branch(client: Client, name: str) -> None:
    body = {"ref": f"refs/heads/{name}", "sha": tip(client, "main")}
    client.expect(201, "POST", "/repos/acme/work/git/refs", body)


def opened(client: Client, head: str = "feature") -> dict[str, Any]:
    body = {"title": f"Bring {head}", "head": head, "base": "main", "body": "Why"}
    found: dict[str, Any] = client.expect(201, "POST", "/repos/acme/work/pulls", body)
    return found


def text(client: Client, path: str) -> str:
    response = client.call("GET", f"/repos/acme/work/contents/{path}", Accept="application/vnd.github.raw+json")
    assert response.status_code == 200
    return response.text


@pytest.mark.parametrize(("method", "parents", "commits"), [("merge", 2, 4), ("squash", 1, 2), ("rebase", 1, 3)])
def test_merge_methods(client: Client, work: str, method: str, parents: int, commits: int) -> None:
    client.write(work, "a.txt", "one\ntwo\nTHREE\n")
    pull = opened(client)
    assert (pull["mergeable"], pull["commits"], pull["changed_files"], pull["additions"]) == (None, 2, 2, 2)
    shown = client.get(f"/repos/acme/work/pulls/{pull['number']}")
    assert (shown["mergeable"], shown["mergeable_state"]) == (True, "clean")
    before = tip(client, "main")
    done = client.expect(200, "PUT", f"/repos/acme/work/pulls/{pull['number']}/merge", {"merge_method": method})
    assert done["sha"] == tip(client, "main")
    commit = client.get(f"/repos/acme/work/commits/{done['sha']}")
    assert len(commit["parents"]) == parents
    assert text(client, "a.txt") == "ONE\ntwo\nTHREE\n"
    assert text(client, "b.txt") == "b\n"
    compared = client.get(f"/repos/acme/work/compare/{before}...main")
    assert compared["ahead_by"] == commits - 1
    shown = client.get(f"/repos/acme/work/pulls/{pull['number']}")
    assert (shown["merged"], shown["merge_commit_sha"], shown["merged_by"]["login"]) == (
        True,
        done["sha"],
        "studio-admin",
    )


@pytest.mark.parametrize("method", ["merge", "squash", "rebase"])
def test_a_conflict_is_dirty_and_not_merged(client: Client, work: str, method: str) -> None:
    client.write(work, "a.txt", "uno\ntwo\nthree\n")
    pull = opened(client)
    shown = client.get(f"/repos/acme/work/pulls/{pull['number']}")
    assert (shown["mergeable"], shown["mergeable_state"]) == (False, "dirty")
    before = tip(client, "main")
    path = f"/repos/acme/work/pulls/{pull['number']}/merge"
    answer = client.expect(405, "PUT", path, {"merge_method": method})
    assert answer["message"] == "Pull Request is not mergeable" or method == "rebase"
    assert tip(client, "main") == before


def test_a_second_pull_request_of_a_branch_is_refused(client: Client, work: str) -> None:
    opened(client)
    body = {"title": "Again", "head": "acme:feature", "base": "main"}
    answer = client.expect(422, "POST", "/repos/acme/work/pulls", body)
    assert answer["errors"][0]["message"] == "A pull request already exists for acme:feature."
    branch(client, "same")
    answer = client.expect(422, "POST", "/repos/acme/work/pulls", {"title": "x", "head": "same", "base": "main"})
    assert answer["errors"][0]["message"] == "No commits between main and same"


def test_unrelated_histories_have_nothing_in_common(client: Client, work: str) -> None:
    from standins.github.bare import Person

    it = client.github.store.by_name("acme", "work")
    assert it
    bare = client.github.store.bare(it)
    orphan = bare.commit_tree("main^{tree}", (), "orphan", Person("Dana", "dana@example.com"))
    client.expect(201, "POST", "/repos/acme/work/git/refs", {"ref": "refs/heads/orphan", "sha": orphan})
    answer = client.expect(422, "POST", "/repos/acme/work/pulls", {"title": "x", "head": "orphan", "base": "main"})
    assert answer["errors"][0]["message"] == "The orphan branch has no history in common with main"


def test_listing_filters_sorts_and_pages(client: Client, work: str) -> None:
    first = opened(client)
    client.expect(200, "PATCH", f"/repos/acme/work/pulls/{first['number']}", {"state": "closed"})
    branch(client, "other")
    client.write(work, "c.txt", "c\n", branch="other")
    second = opened(client, "other")
    path = "/repos/acme/work/pulls"
    assert [it["number"] for it in client.get(path)] == [second["number"]]
    assert [it["number"] for it in client.get(f"{path}?state=all")] == [second["number"], first["number"]]
    assert client.get(f"{path}?state=all&direction=asc")[0]["number"] == first["number"]
    assert [it["number"] for it in client.get(f"{path}?state=closed&head=ACME:feature")] == [first["number"]]
    assert client.get(f"{path}?head=somebody:other") == []
    page = client.call("GET", f"{path}?state=all&per_page=1")
    following = client.get(page.links["next"]["url"])
    assert [it["number"] for it in following] == [first["number"]]


def test_a_closed_one_can_be_reopened_unless_its_branch_is_gone(client: Client, work: str) -> None:
    number = opened(client)["number"]
    path = f"/repos/acme/work/pulls/{number}"
    client.expect(200, "PATCH", path, {"state": "closed"})
    assert client.expect(200, "PATCH", path, {"state": "open", "title": "Again"})["title"] == "Again"
    client.expect(204, "DELETE", "/repos/acme/work/git/refs/heads/feature")
    assert client.get(path)["state"] == "closed"
    answer = client.expect(422, "PATCH", path, {"state": "open"})
    assert "has been deleted" in answer["errors"][0]["message"]


def test_the_branch_is_deleted_on_merge_when_the_repository_says_so(client: Client, work: str) -> None:
    client.expect(200, "PATCH", "/repos/acme/work", {"delete_branch_on_merge": True})
    number = opened(client)["number"]
    client.expect(200, "PUT", f"/repos/acme/work/pulls/{number}/merge", {})
    client.get("/repos/acme/work/branches/feature", status=404)
    shown = client.get(f"/repos/acme/work/pulls/{number}")
    assert (shown["merged"], shown["head"]["ref"]) == (True, "feature")
    assert "refs/pull/1/head" in client.control("GET", "/repositories/acme/work")["refs"]


def test_reviews_and_rules_block_a_merge(client: Client, work: str) -> None:
    number = opened(client)["number"]
    settings = {"required_status_checks": None, "enforce_admins": True, "restrictions": None}
    reviews = {"required_pull_request_reviews": {"required_approving_review_count": 2}}
    protection = "/repos/acme/work/branches/main/protection"
    client.expect(200, "PUT", protection, {**settings, **reviews})
    assert client.get(f"/repos/acme/work/pulls/{number}")["mergeable_state"] == "blocked"
    answer = client.expect(405, "PUT", f"/repos/acme/work/pulls/{number}/merge", {})
    assert answer["message"] == "At least 2 approving reviews are required by reviewers with write access."
    reviews["required_pull_request_reviews"]["required_approving_review_count"] = 0
    client.expect(200, "PUT", protection, {**settings, **reviews})
    body = {"message": "m", "content": "eA=="}
    answer = client.expect(409, "PUT", "/repos/acme/work/contents/direct.txt", body)
    assert "Changes must be made through a pull request." in answer["message"]
    client.expect(200, "PUT", f"/repos/acme/work/pulls/{number}/merge", {"merge_method": "squash"})


def test_a_pull_request_is_retargeted_and_commented(client: Client, work: str) -> None:
    number = opened(client)["number"]
    branch(client, "next")
    assert client.expect(200, "PATCH", f"/repos/acme/work/pulls/{number}", {"base": "next"})["base"]["ref"] == "next"
    client.expect(422, "PATCH", f"/repos/acme/work/pulls/{number}", {"base": "none"})
    client.expect(201, "POST", f"/repos/acme/work/issues/{number}/comments", {"body": "Look"})
    assert client.get(f"/repos/acme/work/pulls/{number}")["comments"] == 1
    client.expect(422, "POST", f"/repos/acme/work/issues/{number}/comments", {"body": " "})


def test_a_renamed_default_branch_takes_pull_requests_along(client: Client, work: str) -> None:
    number = opened(client)["number"]
    client.expect(201, "POST", "/repos/acme/work/branches/main/rename", {"new_name": "trunk"})
    assert client.get("/repos/acme/work")["default_branch"] == "trunk"
    assert client.get(f"/repos/acme/work/pulls/{number}")["base"]["ref"] == "trunk"


@pytest.mark.parametrize(("field", "most"), [("title", 256), ("body", 65536)])
def test_a_text_that_is_too_long_is_refused(client: Client, work: str, field: str, most: int) -> None:
    fits = {"title": "Bring it", "head": "feature", "base": "main", field: "x" * most}
    said = client.expect(422, "POST", "/repos/acme/work/pulls", {**fits, field: "x" * (most + 1)})
    assert said["errors"][0]["message"] == f"{field} is too long (maximum is {most} characters)"
    pull = client.expect(201, "POST", "/repos/acme/work/pulls", fits)
    client.expect(422, "PATCH", f"/repos/acme/work/pulls/{pull['number']}", {field: "x" * (most + 1)})
    assert client.get(f"/repos/acme/work/pulls/{pull['number']}")[field] == "x" * most
