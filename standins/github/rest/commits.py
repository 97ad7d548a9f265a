"""Commits: the history, one of them, two compared."""

from __future__ import annotations

from standins.github import shapes
from standins.github.bare import CommitInfo, FileChange
from standins.github.messages import ApiError, Json, Response, not_found
from standins.github.rest.references import EMPTY, READ
from standins.github.rest.router import Call, route
from standins.github.urls import quoted


@route("GET", "/repos/{owner}/{repo}/commits", "commits/commits#list-commits", READ)
def list_commits(call: Call) -> Response:
    """Return the history of a branch, commit or tag (`sha`), of one `path` if asked."""
    bare, query = call.bare, call.request.query
    if not bare.refs("refs/heads"):
        raise ApiError(409, EMPTY)
    start = query.get("sha") or call.repository.default_branch
    sha = bare.resolve(f"{start}^{{commit}}")
    if not sha:
        raise ApiError(404, "Not Found") if not query.get("sha") else ApiError(422, f"No commit found for SHA: {start}")
    path = query.get("path")
    names = bare.text("rev-list", sha, "--", *([path] if path else [])).split()
    wanted, headers = call.page(names)
    infos = bare.log(*wanted, options=["--no-walk=unsorted"]) if wanted else []
    return Response.json(200, [shapes.commit(call.urls, call.repository, info) for info in infos], headers)


@route("GET", "/repos/{owner}/{repo}/commits/{ref}", "commits/commits#get-a-commit", READ)
def get_commit(call: Call) -> Response:
    """Return a commit with its files."""
    bare, wanted = call.bare, call.parameters["ref"]
    if not bare.refs("refs/heads"):
        raise ApiError(409, EMPTY)
    info = bare.commit(wanted)
    if info is None:
        raise ApiError(422, f"No commit found for SHA: {wanted}")
    parent = info.parents[0] if info.parents else bare.text("hash-object", "-t", "tree", "--stdin")
    files = _files(call, parent, info)
    added, deleted = sum(file["additions"] for file in files), sum(file["deletions"] for file in files)
    stats = {"total": added + deleted, "additions": added, "deletions": deleted}
    return Response.json(200, {**shapes.commit(call.urls, call.repository, info), "stats": stats, "files": files})


@route("GET", "/repos/{owner}/{repo}/compare/{basehead}", "commits/commits#compare-two-commits", READ)
def compare(call: Call) -> Response:
    """Compare BASE...HEAD; the files come with the first page of commits only."""
    bare, (one, dots, other) = call.bare, call.parameters["basehead"].partition("...")
    base, head = bare.commit(one), bare.commit(other)
    common = bare.commit(bare.merge_base(base.sha, head.sha)) if dots and base and head else None
    if base is None or head is None:
        raise not_found()
    if common is None:
        raise ApiError(404, f"No common ancestor between {one} and {other}.")
    behind, ahead = bare.apart(base.sha, head.sha)
    names = bare.text("rev-list", "--reverse", f"{base.sha}..{head.sha}", "--").split()
    wanted, headers = call.page(names)
    infos = bare.log(*wanted, options=["--no-walk=unsorted"]) if wanted else []
    html = f"{call.urls.html(call.repository)}/compare/{call.parameters['basehead']}"
    first = call.request.query.get("page", "1") == "1"
    shown = {
        "url": f"{call.urls.repository(call.repository)}/compare/{call.parameters['basehead']}",
        "html_url": html,
        "permalink_url": f"{call.urls.html(call.repository)}/compare/{base.sha}...{head.sha}",
        "diff_url": f"{html}.diff",
        "patch_url": f"{html}.patch",
        "base_commit": shapes.commit(call.urls, call.repository, base),
        "merge_base_commit": shapes.commit(call.urls, call.repository, common),
        "status": "diverged" if ahead and behind else "ahead" if ahead else "behind" if behind else "identical",
        "ahead_by": ahead,
        "behind_by": behind,
        "total_commits": ahead,
        "commits": [shapes.commit(call.urls, call.repository, info) for info in infos],
        "files": _files(call, common.sha, head) if first else [],
    }
    return Response.json(200, shown, headers)


def _files(call: Call, old: str, new: CommitInfo) -> list[Json]:
    """Return what changed from a tree to a commit's."""
    bare, files, old_tree = call.bare, [], call.bare.resolve(f"{old}^{{tree}}")
    before = {entry.path: entry.sha for entry in bare.entries(old_tree, recursive=True)} if old_tree else {}
    after = {entry.path: entry for entry in bare.entries(new.tree, recursive=True)}
    for change in bare.changes(old, new.sha):
        status = "removed" if change.path not in after else "modified" if change.path in before else "added"
        sha = after[change.path].sha if change.path in after else before[change.path]
        patch = bare.hunks(old, new.sha, change.path) if change.added >= 0 else ""
        files.append(_file(call, new.sha, change, sha, status) | ({"patch": patch} if patch else {}))
    return files


def _file(call: Call, commit: str, change: FileChange, sha: str, status: str) -> Json:
    html, api, name = call.urls.html(call.repository), call.urls.repository(call.repository), quoted(change.path)
    added, deleted = max(0, change.added), max(0, change.deleted)
    return {
        "sha": sha,
        "filename": change.path,
        "status": status,
        "additions": added,
        "deletions": deleted,
        "changes": added + deleted,
        "blob_url": f"{html}/blob/{commit}/{name}",
        "raw_url": f"{html}/raw/{commit}/{name}",
        "contents_url": f"{api}/contents/{name}?ref={commit}",
    }
