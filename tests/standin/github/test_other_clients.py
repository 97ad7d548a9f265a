"""What users do with other programs than ours: git itself, octokit, gh."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from standins.github.server import GitHubStandIn
from tests.standin import tunnel
from tests.standin.gh import PROGRAM
from tests.standin.github.conftest import Client, Cloning

STORY = Path(__file__).with_name("octokit_story.mjs")


def test_git_clones_pushes_and_fetches(client: Client, cloning: Cloning) -> None:
    client.repository("work", auto_init=True)
    ours, theirs = cloning("acme/work"), cloning("acme/work")
    first = ours.commit({"src/a.py": "a = 1\n"})
    assert "[new branch]" not in ours.push("main").stdout
    ours.git("checkout", "--quiet", "-b", "topic")
    second = ours.commit({"src/a.py": "a = 2\n"})
    assert "[new branch]" in ours.push("--set-upstream", "topic").stdout
    ours.git("tag", "v1")
    ours.push("v1")
    theirs.git("fetch", "--quiet", "--tags")
    assert (theirs.head("origin/main"), theirs.head("origin/topic"), theirs.head("v1")) == (first, second, second)
    theirs.commit({"src/b.py": "b = 1\n"})
    behind = theirs.push("main", check=False)
    assert behind.returncode == 1
    assert "[rejected] (non-fast-forward)" in behind.stdout
    theirs.git("pull", "--quiet", "--rebase", "origin", "main")
    theirs.push("main")
    assert client.get("/repos/acme/work/branches/main")["commit"]["sha"] == theirs.head()
    theirs.push("--delete", "topic")
    ours.git("fetch", "--quiet", "--prune")
    assert "origin/topic" not in ours.git("branch", "--remotes").stdout
    shallow = cloning("acme/work", "--depth=1")
    assert shallow.git("rev-list", "--count", "HEAD").stdout.strip() == "1"


def test_a_day_with_octokit(github: GitHubStandIn, client: Client) -> None:
    client.repository("work", auto_init=True)
    tip = client.get("/repos/acme/work/branches/main")["commit"]["sha"]
    for name in ("a", "b", "c", "d"):
        client.expect(201, "POST", "/repos/acme/work/git/refs", {"ref": f"refs/heads/{name}", "sha": tip})
    asked = {"baseUrl": github.api_url, "token": github.token, "owner": "acme", "repo": "work"}
    done = subprocess.run(
        ["node", str(STORY)], input=json.dumps(asked), capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    saw = json.loads(done.stdout)
    assert saw["login"] == "studio-admin"
    assert saw["repository"] == {"name": "acme/work", "private": True, "branch": "main"}
    assert saw["branches"] == ["a", "b", "c", "d", "main"]
    assert (saw["firstPage"], 'rel="next"' in saw["link"], 'rel="last"' in saw["link"]) == (2, True, True)
    assert (saw["written"], saw["read"]) == (201, "from octokit\n")
    assert saw["pull"] == {"status": 201, "number": 1}
    assert saw["twice"]["status"] == 422
    assert saw["twice"]["errors"][0]["message"] == "A pull request already exists for acme:octo."
    assert (saw["comments"], saw["open"], saw["merged"]) == (["Fine"], ["Octo"], True)
    assert saw["compared"] == {"status": "ahead", "files": ["@@ -0,0 +1 @@\n+from octokit"]}
    assert (saw["key"], saw["unsealed"]["status"], saw["variables"]) == (32, 422, ["on"])
    assert saw["unchanged"] == 304
    assert (saw["renamed"], saw["followed"]) == ("acme/work-renamed", "acme/work-renamed")
    assert (saw["none"]["status"], saw["unknown"]["status"]) == (404, 401)
    assert saw["unknown"]["message"].startswith("Bad credentials")
    state = client.control("GET", "/repositories/acme/work-renamed")
    assert (state["variables"], state["secrets"], state["topics"]) == ({"FLAG": "on"}, {}, ["octo"])


Gh = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def gh(github: GitHubStandIn, tmp_path: Path) -> Iterator[Gh]:
    """Run gh as a user does who has signed in to an own GitHub server; the program does not ask anything."""
    if not PROGRAM.exists():
        pytest.skip("gh is not installed: `make tools` fetches it where apt has Debian's sources")
    home = tmp_path / "home"
    home.mkdir()
    with tunnel.opened(tmp_path, github.base_url) as reach:
        named = {"HOME": str(home), "GH_HOST": tunnel.HOST, "GH_ENTERPRISE_TOKEN": github.token}
        quiet = {"NO_COLOR": "1", "GH_PROMPT_DISABLED": "1", "GIT_TERMINAL_PROMPT": "0", "GH_NO_UPDATE_NOTIFIER": "1"}

        def run(*arguments: str, token: str = "", stdin: str = "", cwd: Path = home) -> Any:
            environment = {**reach, **named, **quiet, **({"GH_ENTERPRISE_TOKEN": token} if token else {})}
            command = [str(PROGRAM), *arguments]
            return subprocess.run(
                command, env=environment, input=stdin, capture_output=True, text=True, timeout=60, check=False, cwd=cwd
            )

        yield run


def ok(done: subprocess.CompletedProcess[str]) -> str:
    """Return what a program wrote, after it ended well."""
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def with_pulls(client: Client, *names: str) -> None:
    """Make a repository with a pull request for each name."""
    client.repository("work", auto_init=True, description="Work with gh")
    tip = client.get("/repos/acme/work/branches/main")["commit"]["sha"]
    for name in names:
        client.expect(201, "POST", "/repos/acme/work/git/refs", {"ref": f"refs/heads/{name}", "sha": tip})
        client.write("acme/work", f"{name}.txt", name, branch=name)
        client.expect(201, "POST", "/repos/acme/work/pulls", {"title": f"Add {name}", "head": name, "base": "main"})


def test_gh_reads_by_rest(gh: Gh, client: Client) -> None:
    client.repository("work", auto_init=True)
    assert ok(gh("api", "user", "--jq", ".login")) == "studio-admin"
    assert ok(gh("api", "repos/acme/work", "--jq", ".visibility")) == "private"
    tip = client.get("/repos/acme/work/branches/main")["commit"]["sha"]
    for name in ("a", "b", "c"):
        ok(
            gh(
                "api",
                "repos/{owner}/{repo}/git/refs".format(owner="acme", repo="work"),
                "-f",
                f"ref=refs/heads/{name}",
                "-f",
                f"sha={tip}",
            )
        )
    paged = ok(gh("api", "--paginate", "repos/acme/work/branches?per_page=2", "--jq", ".[].name"))
    assert paged.split() == ["a", "b", "c", "main"]
    missing = gh("api", "repos/acme/none")
    assert (missing.returncode, "Not Found (HTTP 404)" in missing.stderr) == (1, True)
    wrong = gh("api", "user", token="ghp_wrong")
    assert (wrong.returncode, "Bad credentials (HTTP 401)" in wrong.stderr) == (1, True)


def test_gh_sets_secrets_and_variables(gh: Gh, client: Client) -> None:
    client.repository("work", auto_init=True)
    ok(gh("secret", "set", "ROLE", "--repo", "acme/work", "--body", "arn:aws:iam::1:role/ü"))
    ok(gh("secret", "set", "PASS", "--repo", "acme/work", stdin="line 1\nline 2"))
    assert ok(gh("secret", "list", "--repo", "acme/work")).split()[::2] == ["PASS", "ROLE"]
    ok(gh("secret", "delete", "PASS", "--repo", "acme/work"))
    assert client.control("GET", "/repositories/acme/work")["secrets"] == {"ROLE": "arn:aws:iam::1:role/ü"}
    refused = gh("secret", "set", "GITHUB_TOKEN", "--repo", "acme/work", "--body", "x")
    assert (refused.returncode, "HTTP 422" in refused.stderr) == (1, True)


def test_gh_lists_pull_requests_by_graphql(gh: Gh, client: Client) -> None:
    with_pulls(client, "one", "two", "three")
    client.expect(200, "PUT", "/repos/acme/work/pulls/1/merge", {})
    client.expect(200, "PATCH", "/repos/acme/work/pulls/2", {"state": "closed"})
    assert ok(gh("pr", "list", "--repo", "acme/work")).split("\t")[:4] == ["3", "Add three", "three", "OPEN"]
    every = json.loads(
        ok(gh("pr", "list", "--repo", "acme/work", "--state", "all", "--json", "number,state,title,author"))
    )
    assert [(it["number"], it["state"]) for it in every] == [(3, "OPEN"), (2, "CLOSED"), (1, "MERGED")]
    assert every[0]["author"]["login"] == "studio-admin"
    of_head = ok(gh("pr", "list", "--repo", "acme/work", "--head", "two", "--state", "closed", "--json", "number"))
    assert json.loads(of_head) == [{"number": 2}]
    one = json.loads(
        ok(gh("pr", "view", "3", "--repo", "acme/work", "--json", "title,mergeable,additions,headRefName"))
    )
    assert one == {"title": "Add three", "mergeable": "MERGEABLE", "additions": 1, "headRefName": "three"}
    missing = gh("pr", "view", "9", "--repo", "acme/work", "--json", "title")
    assert "Could not resolve to a PullRequest with the number of 9" in missing.stderr
    unknown = gh("pr", "view", "3", "--repo", "acme/work", "--json", "reviews")
    assert "Field 'reviews' doesn't exist on type 'PullRequest'" in unknown.stderr


def test_gh_views_and_clones_a_repository(gh: Gh, client: Client, tmp_path: Path) -> None:
    with_pulls(client)
    assert "description:\tWork with gh" in ok(gh("repo", "view", "acme/work"))
    shown = json.loads(ok(gh("repo", "view", "acme/work", "--json", "nameWithOwner,isPrivate,defaultBranchRef,owner")))
    assert (shown["nameWithOwner"], shown["isPrivate"]) == ("acme/work", True)
    assert (shown["defaultBranchRef"]["name"], shown["owner"]["login"]) == ("main", "acme")
    missing = gh("repo", "view", "acme/none")
    assert "Could not resolve to a Repository with the name 'acme/none'." in missing.stderr
    ok(gh("auth", "setup-git"))
    ok(gh("repo", "clone", "acme/work", str(tmp_path / "work")))
    assert (tmp_path / "work/README.md").read_text(encoding="utf-8").startswith("# work")
