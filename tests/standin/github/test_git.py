"""Git over HTTP, with git itself as the client."""

from __future__ import annotations

import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests

from standins.github.server import GitHubStandIn
from tests.standin.github.conftest import Client, Clone, Cloning


def refused(done: subprocess.CompletedProcess[str], *signs: str) -> str:
    """Check that git failed and said all the signs; return what it said."""
    said = done.stdout + done.stderr
    assert done.returncode != 0, said
    assert [sign for sign in signs if sign not in said] == [], said
    return said


def refs(client: Client, name: str) -> dict[str, str]:
    found: dict[str, str] = client.control("GET", f"/repositories/acme/{name}")["refs"]
    return found


@pytest.fixture
def clone(client: Client, cloning: Cloning) -> Clone:
    """A clone of acme/work whose first commit is pushed."""
    client.repository("work")
    made = cloning("acme/work")
    made.commit({"README.md": "# work\n"}, "first")
    made.push("HEAD:refs/heads/main")
    return made


@pytest.mark.parametrize("version", ["0", "1", "2"])
def test_push_and_clone_in_every_protocol_version(client: Client, cloning: Cloning, version: str) -> None:
    client.repository("work")
    first = cloning("acme/work")
    first.git("config", "protocol.version", version)
    sha = first.commit({"a.txt": "a\n", "folder/b.txt": "b\n"})
    first.push("main")
    second = cloning("acme/work", f"--config=protocol.version={version}")
    assert second.head() == sha
    assert (second.path / "folder/b.txt").read_text() == "b\n"
    second.commit({"a.txt": "changed\n"})
    second.push("main")
    first.git("pull", "--quiet", "origin", "main")
    assert (first.path / "a.txt").read_text() == "changed\n"


def test_modes_and_bytes_survive(client: Client, clone: Clone, cloning: Cloning) -> None:
    content = bytes(range(256)) * 40
    (clone.path / "data.bin").write_bytes(content)
    script = clone.path / "run.sh"
    script.write_text("#!/bin/sh\n")
    script.chmod(0o755)
    clone.commit({})
    clone.push("main")
    other = cloning("acme/work")
    assert (other.path / "data.bin").read_bytes() == content
    assert (other.path / "run.sh").stat().st_mode & 0o111


def test_a_large_push_is_chunked_and_taken(client: Client, clone: Clone) -> None:
    import random

    (clone.path / "noise.bin").write_bytes(random.Random(1).randbytes(3_000_000))
    clone.commit({})
    clone.git("-c", "http.postBuffer=65536", "push", "--quiet", "origin", "main")
    assert refs(client, "work")["refs/heads/main"] == clone.head()


def test_the_first_pushed_branch_becomes_the_default(client: Client, cloning: Cloning) -> None:
    client.repository("other")
    clone = cloning("acme/other")
    clone.commit({"a": "a"})
    clone.push("HEAD:refs/studio/template")
    assert client.get("/repos/acme/other")["default_branch"] == "main"
    clone.push("HEAD:refs/heads/trunk")
    assert client.get("/repos/acme/other")["default_branch"] == "trunk"
    assert cloning("acme/other").git("branch", "--show-current").stdout.strip() == "trunk"


def test_a_partial_clone_fetches_contents_on_demand(client: Client, clone: Clone, cloning: Cloning) -> None:
    (clone.path / "big.txt").write_text("line\n" * 100_000)
    clone.commit({})
    clone.push("main")
    partial = cloning("acme/work", "--bare", "--filter=blob:none", "--depth=1")
    missing = partial.git("rev-list", "--objects", "--missing=print", "HEAD").stdout
    assert "?" in missing
    blob = partial.git("rev-parse", "HEAD:big.txt").stdout.strip()
    assert partial.git("cat-file", "blob", blob).stdout == "line\n" * 100_000
    trees = cloning("acme/work", "--bare", "--filter=tree:0")
    assert trees.git("rev-list", "--count", "HEAD").stdout.strip() == "2"


def test_any_commit_can_be_fetched_by_name(client: Client, clone: Clone, cloning: Cloning) -> None:
    old = clone.head()
    clone.commit({"README.md": "rewritten\n"})
    clone.git("commit", "--quiet", "--amend", "-m", "amended")
    clone.push("main")
    fresh = cloning.empty("acme/work")
    fresh.git("fetch", "--quiet", "--depth=1", "origin", old)
    assert fresh.head("FETCH_HEAD") == old


def test_force_with_lease(client: Client, clone: Clone, cloning: Cloning) -> None:
    seen = clone.head()
    other = cloning("acme/work")
    other.commit({"b": "b"})
    other.push("main")
    clone.commit({"c": "c"})
    refused(clone.push("main", check=False), "[rejected]", "fetch first")
    refused(clone.push(f"--force-with-lease=main:{seen}", "main", check=False), "stale info")
    assert refs(client, "work")["refs/heads/main"] == other.head()
    clone.push(f"--force-with-lease=main:{other.head()}", "main")
    assert refs(client, "work")["refs/heads/main"] == clone.head()


def test_an_atomic_push_moves_all_refs_or_none(client: Client, clone: Clone) -> None:
    client.control("POST", "/repositories/acme/work/rules", {"branch": "main", "refuse_push": True})
    before = refs(client, "work")
    clone.commit({"c": "c"})
    done = clone.push("--atomic", "HEAD:refs/heads/main", "HEAD:refs/studio/template", check=False)
    refused(done, "protected branch hook declined", "atomic transaction failed")
    assert refs(client, "work") == before
    refused(clone.push("HEAD:refs/heads/main", "HEAD:refs/studio/template", check=False), "protected branch")
    assert refs(client, "work") == {**before, "refs/studio/template": clone.head()}


def test_refs_outside_heads_are_kept_and_not_cloned(client: Client, clone: Clone, cloning: Cloning) -> None:
    clone.push("HEAD:refs/studio/template")
    other = cloning("acme/work")
    assert "studio" not in other.git("for-each-ref").stdout
    assert "refs/studio/template" in other.git("ls-remote", "origin").stdout


def test_pull_request_refs_are_readable_but_not_writable(client: Client, clone: Clone, cloning: Cloning) -> None:
    clone.git("switch", "--quiet", "-c", "feature")
    sha = clone.commit({"f": "f"})
    clone.push("feature")
    client.expect(201, "POST", "/repos/acme/work/pulls", {"title": "F", "head": "feature", "base": "main"})
    assert f"{sha}\trefs/pull/1/head" in clone.git("ls-remote", "origin").stdout
    clone.git("fetch", "--quiet", "origin", "refs/pull/1/head")
    assert clone.head("FETCH_HEAD") == sha
    refused(clone.push("HEAD:refs/pull/1/head", check=False), "deny updating a hidden ref")
    refused(clone.push("HEAD:refs/pull/7/head", check=False), "deny updating a hidden ref")


def test_the_default_branch_cannot_be_deleted_by_push(clone: Clone) -> None:
    refused(clone.push(":main", check=False), "refusing to delete the current branch")


def test_an_archived_repository_takes_no_push_but_can_be_read(client: Client, clone: Clone, cloning: Cloning) -> None:
    client.expect(200, "PATCH", "/repos/acme/work", {"archived": True})
    clone.commit({"a": "a"})
    said = refused(clone.push("main", check=False), "403")
    assert "This repository was archived so it is read-only." in said
    cloning("acme/work")
    client.expect(200, "PATCH", "/repos/acme/work", {"archived": False})
    clone.push("main")


def test_branch_protection_refuses_with_gh006(client: Client, clone: Clone) -> None:
    settings = {"required_status_checks": None, "enforce_admins": True, "restrictions": None}
    reviews = {"required_pull_request_reviews": {"required_approving_review_count": 1}}
    client.expect(200, "PUT", "/repos/acme/work/branches/main/protection", {**settings, **reviews})
    clone.commit({"a": "a"})
    refused(
        clone.push("main", check=False),
        "GH006: Protected branch update failed for refs/heads/main.",
        "remote: - Changes must be made through a pull request.",
        "protected branch hook declined",
    )
    clone.push("HEAD:refs/heads/other")
    settings["enforce_admins"] = False
    client.expect(200, "PUT", "/repos/acme/work/branches/main/protection", {**settings, **reviews})
    assert "Bypassed rule violations for refs/heads/main" in clone.push("main").stderr
    clone.git("commit", "--quiet", "--amend", "-m", "rewritten")
    refused(clone.push("--force", "main", check=False), "Cannot force-push to this branch")


def test_a_ruleset_refuses_with_gh013(client: Client, clone: Clone) -> None:
    body = {
        "name": "calm",
        "target": "branch",
        "enforcement": "active",
        "conditions": {"ref_name": {"include": ["~DEFAULT_BRANCH", "refs/heads/release/*"], "exclude": []}},
        "rules": [{"type": "pull_request"}, {"type": "required_linear_history"}],
    }
    made = client.expect(201, "POST", "/repos/acme/work/rulesets", body)
    clone.commit({"a": "a"})
    said = refused(clone.push("main", check=False), "GH013: Repository rule violations found for refs/heads/main.")
    assert "push declined due to repository rule violations" in said
    assert "Changes must be made through a pull request." in said
    refused(clone.push("HEAD:refs/heads/release/1", check=False), "GH013")
    clone.push("HEAD:refs/heads/release/1/fix")  # a star stops at a slash
    body["rules"] = [{"type": "required_linear_history"}]
    client.expect(200, "PUT", f"/repos/acme/work/rulesets/{made['id']}", body)
    clone.push("main")
    clone.git("switch", "--quiet", "-c", "side", "HEAD~1")
    clone.commit({"b": "b"})
    clone.git("switch", "--quiet", "main")
    clone.git("merge", "--quiet", "--no-ff", "-m", "merge", "side")
    refused(clone.push("main", check=False), "This branch must not contain merge commits.")


def test_the_control_refuses_pushes_in_words_of_choice(client: Client, clone: Clone) -> None:
    path = "/repositories/acme/work/rules"
    client.control("POST", path, {"branch": "main", "refuse_push": True, "message": "Ask Dana.", "kind": "ruleset"})
    clone.commit({"a": "a"})
    refused(clone.push("main", check=False), "GH013", "- Ask Dana.")
    client.control("POST", path, {"branch": "main", "refuse_push": False})
    clone.push("main")


WORKFLOW = {".github/workflows/build.yml": "on: push\n"}


def test_workflow_files_need_the_scope(github: GitHubStandIn, client: Client, cloning: Cloning) -> None:
    client.repository("work")
    token = github.make_token(["repo"])
    clone = cloning("acme/work", token=token)
    clone.commit({"README.md": "x\n"})
    clone.push("main")
    clone.commit(WORKFLOW)
    refused(
        clone.push("main", check=False),
        "refusing to allow a Personal Access Token to create or update workflow "
        "`.github/workflows/build.yml` without `workflow` scope",
    )
    allowed = cloning("acme/work")
    allowed.commit(WORKFLOW)
    allowed.push("main")
    clone.git("pull", "--quiet", "--rebase", "origin", "main")
    clone.commit({"README.md": "y\n"})
    clone.push("main")  # the file is there already, in this form
    assert client.call("PUT", "/repos/acme/work/contents/.github/workflows/x.yml", {}, token=token).status_code == 404


def test_an_app_needs_the_workflows_permission(github: GitHubStandIn, client: Client, cloning: Cloning) -> None:
    client.repository("work")
    rights = {"contents": "write", "metadata": "read"}
    clone = cloning("acme/work", token=github.make_token(fine_grained=True, permissions=rights))
    clone.commit(WORKFLOW)
    refused(clone.push("main", check=False), "refusing to allow a Personal Access Token to create or update workflow")


def test_a_file_over_100_megabytes_is_refused(client: Client, clone: Clone) -> None:
    with (clone.path / "model.bin").open("wb") as file:
        file.truncate(101 * 1024 * 1024)
    clone.git("-c", "core.bigFileThreshold=200m", "add", "--all")
    clone.git("commit", "--quiet", "-m", "model")
    refused(
        clone.push("main", check=False),
        "GH001: Large files detected.",
        "File model.bin is 101.00 MB; this exceeds GitHub's file size limit of 100.00 MB",
        "pre-receive hook declined",
    )


def test_who_may_read_and_push(github: GitHubStandIn, client: Client, clone: Clone, cloning: Cloning) -> None:
    anonymous = cloning.empty("acme/work", token="")
    refused(anonymous.git("fetch", "origin", check=False), "could not read Username")
    wrong = cloning.empty("acme/work", token="wrong")
    refused(wrong.git("fetch", "origin", check=False), "could not read Username")  # git asks again after a 401
    answer = requests.get(f"{wrong.url}/info/refs?service=git-upload-pack", auth=("x", "wrong"), timeout=10)
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, 'Basic realm="GitHub"')
    stranger = cloning.empty("acme/work", token=github.make_token(login="eve", organizations=[]))
    refused(stranger.git("fetch", "origin", check=False), "Repository not found.", "not found")
    reader = cloning("acme/work", token=github.make_token(login="ray", role="read"))
    reader.commit({"a": "a"})
    refused(reader.push("main", check=False), "Permission to acme/work.git denied to ray.", "403")
    narrow = cloning("acme/work", token=github.make_token(fine_grained=True, permissions={"contents": "read"}))
    narrow.commit({"a": "a"})
    refused(narrow.push("main", check=False), "Write access to repository not granted.", "403")
    missing = cloning.empty("acme/none")
    refused(missing.git("fetch", "origin", check=False), "Repository not found.")
    client.expect(200, "PATCH", "/repos/acme/work", {"visibility": "public"})
    anonymous.git("fetch", "--quiet", "origin")


def test_names_are_case_insensitive_and_old_names_redirect(client: Client, clone: Clone, cloning: Cloning) -> None:
    cloning("ACME/Work")
    client.expect(200, "PATCH", "/repos/acme/work", {"name": "renamed"})
    clone.commit({"a": "a"})
    assert "redirecting to" in clone.push("main").stderr
    assert refs(client, "renamed")["refs/heads/main"] == clone.head()
    client.repository("work")  # the old name is free, and leads no further
    assert refs(client, "work") == {}


def test_a_push_closes_merges_and_deletes(client: Client, clone: Clone) -> None:
    def pull(branch: str) -> dict[str, object]:
        clone.git("switch", "--quiet", "-c", branch, "main")
        clone.commit({f"{branch}.txt": branch})
        clone.push(branch)
        body = {"title": branch, "head": branch, "base": "main"}
        found: dict[str, object] = client.expect(201, "POST", "/repos/acme/work/pulls", body)
        return found

    merged, deleted, moved = pull("merged"), pull("deleted"), pull("moved")
    clone.git("switch", "--quiet", "main")
    clone.git("merge", "--quiet", "--no-ff", "-m", "by hand", "merged")
    clone.push("main")
    shown = client.get(f"/repos/acme/work/pulls/{merged['number']}")
    assert (shown["merged"], shown["state"], shown["merge_commit_sha"]) == (True, "closed", clone.head())
    clone.push(":deleted")
    shown = client.get(f"/repos/acme/work/pulls/{deleted['number']}")
    assert (shown["merged"], shown["state"]) == (False, "closed")
    clone.git("switch", "--quiet", "moved")
    clone.commit({"more.txt": "more"})
    clone.push("moved")
    shown = client.get(f"/repos/acme/work/pulls/{moved['number']}")
    assert (shown["state"], shown["head"]["sha"], shown["commits"]) == ("open", clone.head(), 2)
    assert f"{clone.head()}\trefs/pull/{moved['number']}/head" in clone.git("ls-remote", "origin").stdout


def test_pushes_at_the_same_time_are_one_after_the_other(client: Client, clone: Clone, cloning: Cloning) -> None:
    clones = [cloning("acme/work") for _ in range(4)]
    for number, one in enumerate(clones):
        one.commit({f"{number}.txt": "x"}, f"{number}")
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda one: one.push("main", check=False).returncode, clones))
    assert results.count(0) == 1
    winner = clones[results.index(0)]
    assert refs(client, "work")["refs/heads/main"] == winner.head()


def test_git_directories_and_broken_objects_are_refused(client: Client, clone: Clone) -> None:
    blob = clone.git("hash-object", "-w", "--stdin", stdin=b"x").stdout.strip()
    inner = clone.git("mktree", stdin=f"100644 blob {blob}\tconfig\n".encode()).stdout.strip()
    entry = f"040000 tree {inner}\t.git\n"
    tree = clone.git("mktree", stdin=entry.encode()).stdout.strip()
    commit = clone.git("commit-tree", "-p", "HEAD", "-m", "evil", tree).stdout.strip()
    refused(clone.push(f"{commit}:refs/heads/evil", check=False), "hasDotgit")


def test_the_dumb_protocol_is_refused(github: GitHubStandIn, client: Client) -> None:
    client.repository("work")
    answer = requests.get(f"{github.base_url}/acme/work.git/info/refs", timeout=10)
    assert answer.status_code == 403


def test_state_survives_a_restart(tmp_path: Path) -> None:
    with GitHubStandIn.running(tmp_path / "github") as github:
        client = Client(github, github.token)
        client.repository("kept", description="kept")
        client.write("acme/kept", "a.txt", "a\n")
        client.expect(200, "PATCH", "/repos/acme/kept", {"name": "stays"})
        token = github.token
        identifier = client.get("/repos/acme/stays")["id"]
    with GitHubStandIn.running(tmp_path / "github") as again:
        client = Client(again, token)
        assert client.get("/repos/acme/stays")["id"] == identifier
        assert client.get("/repos/acme/kept", status=301)["url"].endswith(f"/repositories/{identifier}")
        assert client.get("/repos/acme/stays/contents/a.txt")["size"] == 2
        client.repository("new")
    private = list((tmp_path / "github").rglob("*.json"))
    assert len(private) == 3
    assert all(path.stat().st_mode & 0o077 == 0 for path in private)
    assert all(token.encode() not in path.read_bytes() for path in private)
