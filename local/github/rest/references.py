"""Branches, commits and git refs."""

from __future__ import annotations

from urllib.parse import quote

from local.github import shapes
from local.github.access import Need
from local.github.bare import Bare, CommitInfo, GitFailed
from local.github.messages import ApiError, Json, Response, invalid, not_found
from local.github.push_hook import ZERO
from local.github.rest.router import Call, route
from local.github.rules import is_protected, refuse_violation

READ = Need("contents")
WRITE = Need("contents", write=True, role="write")
_EMPTY = "Git Repository is empty."


def change_actions(bare: Bare, old: str, new: str) -> list[str]:
    """Name what a change of a ref is, as the push hook does; "" is absence."""
    if not new or new == ZERO:
        return ["delete"]
    if not old:
        return ["create", "update"]
    actions = ["update"] if bare.is_ancestor(old, new) else ["update", "force"]
    merges = bare.text("rev-list", "--min-parents=2", "--max-count=1", f"{old}..{new}")
    return [*actions, "merge"] if merges else actions


@route("GET", "/repos/{owner}/{repo}/branches", "branches/branches#list-branches", READ)
def list_branches(call: Call) -> Response:
    """Return the branches."""
    items, headers = call.page(sorted(call.bare.refs("refs/heads").items()))
    api = call.urls.repository(call.repository)
    found = []
    for ref, sha in items:
        name = ref.removeprefix("refs/heads/")
        protected = is_protected(call.repository, name)
        found.append({"name": name, "commit": {"sha": sha, "url": f"{api}/commits/{sha}"}, "protected": protected})
    return Response.json(200, found, headers)


@route("GET", "/repos/{owner}/{repo}/branches/{branch}", "branches/branches#get-a-branch", READ)
def get_branch(call: Call) -> Response:
    """Return a branch."""
    name, it = call.parameters["branch"], call.repository
    info = call.bare.commit(f"refs/heads/{name}") if call.bare.branch(name) else None
    if info is None:
        raise ApiError(404, "Branch not found")
    api, protected = call.urls.repository(it), is_protected(it, name)
    address = f"{api}/branches/{quote(name)}"
    checks = {"enforcement_level": "off", "contexts": [], "checks": []}
    shown = {
        "name": name,
        "commit": shapes.commit(call.urls, it, info),
        "_links": {"self": address, "html": f"{call.urls.html(it)}/tree/{quote(name)}"},
        "protected": protected,
        "protection": {"enabled": protected, "required_status_checks": checks},
        "protection_url": f"{address}/protection",
    }
    return Response.json(200, shown)


@route("GET", "/repos/{owner}/{repo}/commits", "commits/commits#list-commits", READ)
def list_commits(call: Call) -> Response:
    """Return the history of a branch, commit or tag (`sha`), of one `path` if asked."""
    bare, query = call.bare, call.request.query
    if not bare.refs("refs/heads"):
        raise ApiError(409, _EMPTY)
    start = query.get("sha") or call.repository.default_branch
    sha = bare.resolve(f"{start}^{{commit}}")
    if not sha:
        raise ApiError(404, "Not Found") if not query.get("sha") else ApiError(422, f"No commit found for SHA: {start}")
    path = query.get("path")
    names = bare.text("rev-list", sha, "--", *([f":(literal){path}"] if path else [])).split()
    wanted, headers = call.page(names)
    infos = bare.log(*wanted, options=["--no-walk=unsorted"]) if wanted else []
    return Response.json(200, [shapes.commit(call.urls, call.repository, info) for info in infos], headers)


@route("GET", "/repos/{owner}/{repo}/commits/{ref}", "commits/commits#get-a-commit", READ)
def get_commit(call: Call) -> Response:
    """Return a commit with its files."""
    bare, wanted = call.bare, call.parameters["ref"]
    if not bare.refs("refs/heads"):
        raise ApiError(409, _EMPTY)
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
    ahead, behind = bare.count(f"{base.sha}..{head.sha}"), bare.count(f"{head.sha}..{base.sha}")
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
        files.append(_file(call, new.sha, change.path, sha, status, max(0, change.added), max(0, change.deleted)))
    return files


def _file(call: Call, commit: str, path: str, sha: str, status: str, added: int, deleted: int) -> Json:
    html, api, name = call.urls.html(call.repository), call.urls.repository(call.repository), quote(path)
    return {
        "sha": sha,
        "filename": path,
        "status": status,
        "additions": added,
        "deletions": deleted,
        "changes": added + deleted,
        "blob_url": f"{html}/blob/{commit}/{name}",
        "raw_url": f"{html}/raw/{commit}/{name}",
        "contents_url": f"{api}/contents/{name}?ref={commit}",
    }


@route("GET", "/repos/{owner}/{repo}/git/ref/{ref}", "git/refs#get-a-reference", READ)
def get_ref(call: Call) -> Response:
    """Return a ref, named without `refs/`."""
    ref = f"refs/{call.parameters['ref']}"
    found = call.bare.refs()
    if not found:
        raise ApiError(409, _EMPTY)
    if ref not in found:
        raise not_found()
    return Response.json(200, shapes.reference(call.urls, call.repository, call.bare, ref, found[ref]))


@route("GET", "/repos/{owner}/{repo}/git/matching-refs/{ref}", "git/refs#list-matching-references", READ)
def matching_refs(call: Call) -> Response:
    """Return the refs that begin so."""
    prefix = f"refs/{call.parameters['ref']}"
    found = sorted((ref, sha) for ref, sha in call.bare.refs().items() if ref.startswith(prefix))
    items, headers = call.page(found)
    shown = [shapes.reference(call.urls, call.repository, call.bare, ref, sha) for ref, sha in items]
    return Response.json(200, shown, headers)


def _commit_sha(call: Call) -> str:
    sha = str(call.required("sha", str))
    if not call.bare.resolve(f"{sha}^{{object}}") or len(sha) != 40:
        raise ApiError(422, "Object does not exist")
    return sha


def _move(call: Call, ref: str, new: str, old: str) -> None:
    """Change a ref, after the rules have had their say."""
    actions = change_actions(call.bare, old, new)
    refuse_violation(call.repository, call.role, ref, actions, status=422)
    before = call.bare.refs()
    try:
        call.bare.update_ref(ref, new, old)
    except GitFailed as error:
        raise ApiError(422, f"Reference update failed: {error}") from None
    call.moved_refs(before)


@route("POST", "/repos/{owner}/{repo}/git/refs", "git/refs#create-a-reference", WRITE, creates=True)
def create_ref(call: Call) -> Response:
    """Make a ref."""
    ref, sha = str(call.required("ref", str)), _commit_sha(call)
    if not ref.startswith("refs/") or ref.count("/") < 2 or call.bare.run("check-ref-format", ref, status=(0, 1))[0]:
        raise ApiError(422, f"{ref} is not a valid ref name.")
    if ref.startswith("refs/pull/"):
        raise ApiError(422, "Reference namespace refs/pull is reserved.")
    if not call.bare.refs():
        raise ApiError(409, _EMPTY)
    if ref in call.bare.refs():
        raise ApiError(422, "Reference already exists")
    _move(call, ref, sha, "")
    return Response.json(201, shapes.reference(call.urls, call.repository, call.bare, ref, sha))


@route("PATCH", "/repos/{owner}/{repo}/git/refs/{ref}", "git/refs#update-a-reference", WRITE)
def update_ref(call: Call) -> Response:
    """Move a ref, forward only unless `force`."""
    ref, sha = f"refs/{call.parameters['ref']}", _commit_sha(call)
    old = call.bare.refs().get(ref, "")
    if not old:
        raise ApiError(422, "Reference does not exist")
    if not call.value("force", bool) and not call.bare.is_ancestor(old, sha):
        raise ApiError(422, "Update is not a fast forward")
    _move(call, ref, sha, old)
    return Response.json(200, shapes.reference(call.urls, call.repository, call.bare, ref, sha))


@route("DELETE", "/repos/{owner}/{repo}/git/refs/{ref}", "git/refs#delete-a-reference", WRITE)
def delete_ref(call: Call) -> Response:
    """Delete a ref; not the default branch."""
    ref = f"refs/{call.parameters['ref']}"
    old = call.bare.refs().get(ref, "")
    if not old:
        raise ApiError(422, "Reference does not exist")
    if ref == f"refs/heads/{call.repository.default_branch}":
        raise ApiError(422, "Cannot delete the default branch")
    _move(call, ref, "", old)
    return Response.empty()


@route(
    "POST", "/repos/{owner}/{repo}/branches/{branch}/rename", "branches/branches#rename-a-branch", WRITE, creates=True
)
def rename_branch(call: Call) -> Response:
    """Rename a branch; pull requests and the default branch go with it."""
    old, new = call.parameters["branch"], str(call.required("new_name", str))
    it, bare = call.repository, call.bare
    sha = bare.branch(old)
    if not sha:
        raise ApiError(404, "Branch not found")
    if bare.branch(new) or bare.run("check-ref-format", f"refs/heads/{new}", status=(0, 1))[0]:
        raise invalid("Validation Failed", resource="Branch", code="invalid", field="new_name")
    bare.update_ref(f"refs/heads/{new}", sha, "")
    for pull in it.pulls:
        pull.base = new if pull.base == old else pull.base
        if pull.head == old and pull.state == "open":
            pull.head = new
    if it.default_branch == old:
        it.default_branch = new
        bare.set_head(new)
    bare.update_ref(f"refs/heads/{old}", "", sha)
    call.parameters = {**call.parameters, "branch": new}
    response = get_branch(call)
    response.status = 201
    return response
