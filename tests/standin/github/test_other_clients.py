"""What users do with other programs than ours: git itself, octokit."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from standins.github.server import GitHubStandIn
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
