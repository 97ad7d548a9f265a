"""Branches and git refs."""

from __future__ import annotations

import re
from urllib.parse import quote

from standins.github import shapes
from standins.github.access import Need
from standins.github.bare import GitFailed
from standins.github.messages import ApiError, Response, invalid, not_found
from standins.github.rest.router import Call, route
from standins.github.rules import is_protected, refuse_violation

READ = Need("contents")
WRITE = Need("contents", write=True, role="write")
EMPTY = "Git Repository is empty."


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
    info = call.bare.commit(f"refs/heads/{name}")
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


@route("GET", "/repos/{owner}/{repo}/git/ref/{ref}", "git/refs#get-a-reference", READ)
def get_ref(call: Call) -> Response:
    """Return a ref, named without `refs/`."""
    ref = f"refs/{call.parameters['ref']}"
    found = call.bare.refs()
    if not found:
        raise ApiError(409, EMPTY)
    if ref not in found:
        raise not_found()
    return Response.json(200, shapes.reference(call.urls, call.repository, call.bare, ref, found[ref]))


def _commit_sha(call: Call) -> str:
    sha = str(call.required("sha", str))
    if not re.fullmatch(r"[0-9a-f]{40}", sha) or not call.bare.resolve(f"{sha}^{{object}}"):
        raise ApiError(422, "Object does not exist")
    return sha


def _move(call: Call, ref: str, new: str, old: str) -> None:
    """Make (old = "") or delete (new = "") a ref, after the rules have had their say."""
    refuse_violation(call.repository, call.role, ref, ["create", "update"] if new else ["delete"], status=422)
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
        raise ApiError(409, EMPTY)
    if ref in call.bare.refs():
        raise ApiError(422, "Reference already exists")
    _move(call, ref, sha, "")
    return Response.json(201, shapes.reference(call.urls, call.repository, call.bare, ref, sha))


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


_RENAME = "/repos/{owner}/{repo}/branches/{branch}/rename"


@route("POST", _RENAME, "branches/branches#rename-a-branch", WRITE, creates=True)
def rename_branch(call: Call) -> Response:
    """Rename a branch; pull requests and the default branch go with it."""
    old, new = call.parameters["branch"], str(call.required("new_name", str))
    it, bare = call.repository, call.bare
    sha = bare.branch(old)
    if not sha:
        raise ApiError(404, "Branch not found")
    if bare.branch(new) or not bare.is_branch_name(new):
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
