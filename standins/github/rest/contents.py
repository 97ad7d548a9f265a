"""Files, as a person reads and edits them on GitHub's pages."""

from __future__ import annotations

import base64
import binascii
from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field

from standins.github import shapes
from standins.github.bare import Entry, Person
from standins.github.messages import ApiError, Json, Response, invalid, not_found
from standins.github.push_hook import WORKFLOWS, secrets_in
from standins.github.rest.references import READ, WRITE
from standins.github.rest.router import Call, route
from standins.github.rules import refuse_violation

_EMPTY = "This repository is empty."
_LARGEST_INLINE = 1024 * 1024


class Named(BaseModel):
    """An author or committer that the request names."""

    name: str = Field(min_length=1)
    email: str = Field(min_length=1)
    date: datetime | None = None


class Signed(BaseModel):
    """Who wrote and who commits, in a request's body."""

    author: Named | None = None
    committer: Named | None = None


def _person(call: Call, named: Named | None) -> Person:
    """Return the author: as named, else who asks."""
    if named is None:
        return call.person
    return Person(named.name, named.email, named.date.isoformat() if named.date else "")


def refuse_workflow(call: Call, path: str) -> None:
    """Raise ApiError when the token may not write this path because it is a workflow."""
    if path.startswith(WORKFLOWS) and not call.user.may_write_workflows():
        if call.user.kind == "classic":
            raise not_found()
        who = "integration" if call.user.kind == "installation" else "personal access token"
        raise ApiError(403, f"Resource not accessible by {who}")


def _entry(call: Call, tree: str, path: str) -> Entry | None:
    return next(iter(call.bare.entries(tree, path)), None)


@route("GET", "/repos/{owner}/{repo}/contents/{path}", "repos/contents#get-repository-content", READ)
@route("GET", "/repos/{owner}/{repo}/contents", "repos/contents#get-repository-content", READ)
def get_contents(call: Call) -> Response:
    """Return a file with its content, or what a folder holds."""
    bare, path = call.bare, call.parameters.get("path", "").strip("/")
    ref = call.request.query.get("ref") or call.repository.default_branch
    commit = bare.commit(ref)
    if commit is None:
        raise ApiError(404, _EMPTY if not bare.refs("refs/heads") else f"No commit found for the ref {ref}")
    entry = _entry(call, commit.tree, path) if path else None
    if path and entry is None:
        raise not_found()
    if entry is None or entry.type == "tree":
        entries = bare.entries(commit.tree, f"{path}/" if path else "")
        return Response.json(200, [shapes.content(call.urls, call.repository, item, ref) for item in entries])
    data = bare.blob(entry.sha)
    if "raw" in call.request.headers.get("accept", ""):
        return Response(200, data, {"content-type": "application/vnd.github.raw; charset=utf-8"})
    shown = shapes.content(call.urls, call.repository, entry, ref)
    if entry.mode == "120000":
        return Response.json(200, {**shown, "target": data.decode("utf-8", "replace")})
    inline = len(data) <= _LARGEST_INLINE
    content = {"content": shapes.encoded(data) if inline else "", "encoding": "base64" if inline else "none"}
    return Response.json(200, {**shown, **content})


def _target(call: Call) -> tuple[str, str, str]:
    """Return path, branch and the branch's commit ("" in an empty repository)."""
    path = call.parameters["path"]
    parts = path.split("/")
    if "" in parts or {".", "..", ".git"} & {part.lower() for part in parts}:
        raise invalid("path contains a malformed path component", resource="Commit", code="invalid", field="path")
    branch = call.value("branch", str) or call.repository.default_branch
    tip = call.bare.branch(branch)
    if not tip and call.bare.refs("refs/heads"):
        raise ApiError(404, f"Branch {branch} not found")
    refuse_workflow(call, path)
    return path, branch, tip


def _commit(call: Call, branch: str, tip: str, changes: dict[str, tuple[str, str] | None], verb: str) -> Json:
    """Commit changes to a branch, and return the commit."""
    bare, repository, ref = call.bare, call.repository, f"refs/heads/{branch}"
    prefix = f"Could not {verb} file: "
    refuse_violation(repository, call.role, ref, ["update" if tip else "create"], status=409, prefix=prefix)
    signed = call.parsed(Signed)
    author = _person(call, signed.author or signed.committer)
    committer = _person(call, signed.committer) if signed.committer else author
    tree = bare.write_tree(f"{tip}^{{tree}}" if tip else "", changes)
    sha = bare.commit_tree(tree, [tip] if tip else [], call.required("message", str), author, committer)
    before = bare.refs()
    bare.update_ref(ref, sha, tip)
    call.moved_refs(before)
    info = bare.commit(sha)
    if info is None:
        raise not_found()
    return shapes.git_commit(call.urls, repository, info)


def _refuse_secrets(call: Call, data: bytes) -> None:
    """Raise ApiError where push protection is on and the content holds a secret that nobody allowed."""
    it = call.repository
    found = [each for each in secrets_in(data) if each.placeholder not in it.allowed_secrets]
    if it.push_protection and found:
        held = [{"placeholder_id": each.placeholder, "token_type": each.kind} for each in found]
        message = "Repository rule violations found\n\nSecret detected in content\n\n"
        raise ApiError(409, message, extra={"metadata": {"secret_scanning": {"bypass_placeholders": held}}})


@route(
    "PUT",
    "/repos/{owner}/{repo}/contents/{path}",
    "repos/contents#create-or-update-file-contents",
    WRITE,
    creates=True,
)
def put_contents(call: Call) -> Response:
    """Create a file, or replace the one whose blob is `sha`."""
    path, branch, tip = _target(call)
    try:
        data = base64.b64decode(call.required("content", str), validate=False)
    except binascii.Error:
        raise ApiError(422, "content is not valid Base64") from None
    old = _entry(call, f"{tip}^{{tree}}", path) if tip else None
    if old and old.type == "tree":
        raise ApiError(422, f"{path} is a directory")
    given = call.value("sha", str)
    if old and given is None:
        raise ApiError(422, 'Invalid request.\n\n"sha" wasn\'t supplied.')
    if given is not None and given != (old.sha if old else ""):
        raise ApiError(409, f"{path} does not match {given}")
    _refuse_secrets(call, data)
    blob = call.bare.write_blob(data)
    mode = old.mode if old else "100644"
    commit = _commit(call, branch, tip, {path: (mode, blob)}, "update" if old else "create")
    entry = Entry(mode, "blob", blob, len(data), path)
    shown = {"content": shapes.content(call.urls, call.repository, entry, branch), "commit": commit}
    return Response.json(200 if old else 201, shown)


@route("DELETE", "/repos/{owner}/{repo}/contents/{path}", "repos/contents#delete-a-file", WRITE, creates=True)
def delete_contents(call: Call) -> Response:
    """Delete the file whose blob is `sha`."""
    path, branch, tip = _target(call)
    old = _entry(call, f"{tip}^{{tree}}", path) if tip else None
    if old is None:
        raise not_found()
    given = call.required("sha", str)
    if given != old.sha:
        raise ApiError(409, f"{path} does not match {given}")
    commit = _commit(call, branch, tip, {path: None}, "delete")
    answer: dict[str, Any] = {"content": None, "commit": commit}
    return Response.json(200, answer)
