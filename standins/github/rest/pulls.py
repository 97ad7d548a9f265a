"""Pull requests between branches of one repository, and their comments; merges.py merges them."""

from __future__ import annotations

from typing import Any

from standins.github import shapes
from standins.github.access import Need, at_least
from standins.github.bare import Bare
from standins.github.messages import ApiError, Json, Response, invalid, not_found
from standins.github.model import Comment, Pull, now
from standins.github.pull_shapes import people
from standins.github.pushes import close
from standins.github.rest.merges import PULL, PULLS, mergeability, pull_of, require_pulls
from standins.github.rest.router import Call, route
from standins.github.urls import node_id

_READ = Need("pull_requests")
_WRITE = Need("pull_requests", write=True)
_LONGEST = {"title": 256, "body": 65536}  # characters


def _side(call: Call, ref: str, sha: str) -> Json:
    owner = call.owner(call.repository)
    return {
        "label": f"{owner.login}:{ref}",
        "ref": ref,
        "sha": sha,
        "user": shapes.account(call.urls, owner.login, owner.id, owner.type),
        "repo": shapes.repository(call.urls, call.repository, owner, call.role),
    }


_NOBODY: Json = {  # what pull requests here do not have
    "locked": False,
    "milestone": None,
    "author_association": "MEMBER",
    "auto_merge": None,
    "active_lock_reason": None,
}
_AS_THEY_ARE = (  # members that the record has under the same name
    *("id", "number", "state", "title", "body", "draft", "merge_commit_sha"),
    *("created_at", "updated_at", "closed_at", "merged_at"),
)


def simple(call: Call, pull: Pull) -> Json:
    """Return a pull-request-simple."""
    html = f"{call.urls.html(call.repository)}/pull/{pull.number}"
    links = _links(call, pull, html)
    return {
        **_NOBODY,
        **people(call.urls, call.store, call.repository, pull),
        **{name: getattr(pull, name) for name in _AS_THEY_ARE},
        "url": links["self"],
        "node_id": node_id("PR", pull.id),
        "html_url": html,
        "diff_url": f"{html}.diff",
        "patch_url": f"{html}.patch",
        "issue_url": links["issue"],
        "user": shapes.account(call.urls, pull.login, pull.user_id),
        "commits_url": links["commits"],
        "review_comments_url": links["review_comments"],
        "review_comment_url": links["review_comment"],
        "comments_url": links["comments"],
        "statuses_url": links["statuses"],
        "head": _side(call, pull.head, pull.head_sha),
        "base": _side(call, pull.base, pull.base_sha),
        "_links": {name: {"href": value} for name, value in links.items()},
    }


def _links(call: Call, pull: Pull, html: str) -> dict[str, str]:
    api = call.urls.repository(call.repository)
    address, issue = f"{api}/pulls/{pull.number}", f"{api}/issues/{pull.number}"
    return {
        "self": address,
        "html": html,
        "issue": issue,
        "comments": f"{issue}/comments",
        "review_comments": f"{address}/comments",
        "review_comment": f"{api}/pulls/comments{{/number}}",
        "commits": f"{address}/commits",
        "statuses": f"{api}/statuses/{pull.head_sha}",
    }


def full(call: Call, pull: Pull, *, fresh: bool = False) -> Json:
    """Return a pull-request. Right after it was made or changed, GitHub has not looked yet whether it merges."""
    bare = call.bare
    base = bare.merge_base(pull.base_sha, pull.head_sha) or pull.base_sha
    changes = bare.changes(base, pull.head_sha)
    mergeable, state = (None, "unknown") if fresh else mergeability(call, pull)
    merger = call.store.account(pull.merged_by)
    return {
        **simple(call, pull),
        "merged": pull.merged_at is not None,
        "mergeable": mergeable,
        "rebaseable": mergeable,
        "mergeable_state": state,
        "merged_by": shapes.account(call.urls, merger.login, merger.id) if merger else None,
        "comments": len(pull.comments),
        "review_comments": 0,
        "maintainer_can_modify": pull.maintainer_can_modify,
        "commits": bare.count(f"{base}..{pull.head_sha}"),
        "additions": sum(max(0, change.added) for change in changes),
        "deletions": sum(max(0, change.deleted) for change in changes),
        "changed_files": len(changes),
    }


@route("GET", PULLS, "pulls/pulls#list-pull-requests", _READ)
def list_pulls(call: Call) -> Response:
    """Return pull requests: state, head (owner:branch), base, sort and direction as on GitHub."""
    require_pulls(call)
    query, it = call.request.query, call.repository
    found, state = list(it.pulls), query.get("state", "open")
    if state not in ("open", "closed", "all"):
        raise invalid("Validation Failed", resource="PullRequest", code="invalid", field="state")
    if state != "all":
        found = [pull for pull in found if pull.state == state]
    if query.get("head"):
        owner, _, branch = query["head"].partition(":")
        if branch:  # without an owner, GitHub ignores the filter
            found = [pull for pull in found if pull.head == branch and owner.lower() == it.owner.lower()]
    if query.get("base"):
        found = [pull for pull in found if pull.base == query["base"]]
    by_time = query.get("sort", "created")
    descending = query.get("direction", "desc" if by_time == "created" else "asc") == "desc"
    found.sort(key=lambda pull: (pull.updated_at if by_time == "updated" else "", pull.number), reverse=descending)
    items, headers = call.page(found)
    return Response.json(200, [simple(call, pull) for pull in items], headers)


@route("POST", PULLS, "pulls/pulls#create-a-pull-request", _WRITE, creates=True)
def create_pull(call: Call) -> Response:
    """Open a pull request."""
    require_pulls(call)
    it, bare, user = call.repository, call.bare, call.user
    head, base = str(call.required("head", str)), str(call.required("base", str))
    owner, _, branch = head.rpartition(":")
    title = call.value("title", str) or ""
    if not title.strip():
        raise invalid("Validation Failed", resource="PullRequest", code="missing_field", field="title")
    tips = {"head": bare.branch(branch) if owner.lower() in ("", it.owner.lower()) else "", "base": bare.branch(base)}
    for field, name in (("base", base), ("head", branch)):
        known = call.store.lag.unknown_branch(it, name)
        if not tips[field] or known == "invalid":
            raise invalid("Validation Failed", resource="PullRequest", field=field, code="invalid")
        if known == "empty":
            message = f"No commits between {base} and {branch}"
            raise invalid("Validation Failed", resource="PullRequest", code="custom", message=message)
    _refuse_text(call)
    _refuse_pull(call, bare, branch, base)
    with call.store.changing(it):
        pull = Pull(
            id=call.store.new_id(),
            number=it.next_number,
            title=title,
            body=call.value("body", str),
            login=user.login,
            user_id=user.user_id,
            head=branch,
            base=base,
            head_sha=tips["head"],
            base_sha=tips["base"],
            draft=bool(call.value("draft", bool)),
            maintainer_can_modify=bool(call.value("maintainer_can_modify", bool)),
        )
        it.next_number += 1
        it.pulls.append(pull)
        bare.update_ref(f"refs/pull/{pull.number}/head", pull.head_sha)
    location = {"location": f"{call.urls.repository(it)}/pulls/{pull.number}"}
    return Response.json(201, full(call, pull, fresh=True), location)


def _refuse_text(call: Call) -> None:
    """Refuse a title or a body that is too long, in GitHub's words."""
    for field, most in _LONGEST.items():
        if len(call.value(field, str) or "") > most:
            message = f"{field} is too long (maximum is {most} characters)"
            raise invalid("Validation Failed", resource="Issue", code="custom", field=field, message=message)


def _refuse_pull(call: Call, bare: Bare, head: str, base: str) -> None:
    def refuse(message: str) -> ApiError:
        return invalid("Validation Failed", resource="PullRequest", code="custom", message=message)

    if any(pull.head == head and pull.base == base and pull.state == "open" for pull in call.repository.pulls):
        raise refuse(f"A pull request already exists for {call.repository.owner}:{head}.")
    if not bare.merge_base(bare.branch(base), bare.branch(head)):
        raise refuse(f"The {head} branch has no history in common with {base}")
    if bare.is_ancestor(bare.branch(head), bare.branch(base)):
        raise refuse(f"No commits between {base} and {head}")


@route("GET", PULL, "pulls/pulls#get-a-pull-request", _READ)
def get_pull(call: Call) -> Response:
    """Return a pull request."""
    return Response.json(200, full(call, pull_of(call)))


@route("PATCH", PULL, "pulls/pulls#update-a-pull-request", _WRITE)
def update_pull(call: Call) -> Response:
    """Change title, body, base or state."""
    pull, bare = pull_of(call), call.bare
    _refuse_text(call)
    base, state = call.value("base", str), call.value("state", str)
    if base is not None and base != pull.base:
        if not bare.branch(base):
            message = f"Proposed base branch '{base}' was not found"
            raise invalid("Validation Failed", message=message, resource="PullRequest", field="base", code="invalid")
        _refuse_pull(call, bare, pull.head, base)
        pull.base, pull.base_sha = base, bare.branch(base)
    if state not in (None, "open", "closed"):
        raise invalid("Validation Failed", resource="PullRequest", code="invalid", field="state")
    if state == "closed" and pull.state == "open":
        close(pull)
    elif state == "open" and pull.state == "closed":
        _reopen(call, pull)
    title = call.value("title", str)
    if title is not None and not title.strip():
        raise invalid("Validation Failed", resource="PullRequest", code="missing_field", field="title")
    pull.title = title or pull.title
    if "body" in call.body:
        pull.body = call.value("body", str)
    pull.updated_at = now()
    return Response.json(200, full(call, pull, fresh=True))


def _reopen(call: Call, pull: Pull) -> None:
    head, base = call.bare.branch(pull.head), call.bare.branch(pull.base)
    others = [other for other in call.repository.pulls if other is not pull and other.state == "open"]
    twin = any((other.head, other.base) == (pull.head, pull.base) for other in others)
    if pull.merged_at or not head or not base or twin:
        message = "state cannot be changed."
        if twin:
            message += f" There is already an open pull request from {pull.head} to {pull.base}."
        elif not head:
            message += f" The {pull.head} branch has been deleted."
        raise invalid("Validation Failed", resource="PullRequest", code="invalid", field="state", message=message)
    pull.state, pull.closed_at, pull.head_sha, pull.base_sha = "open", None, head, base
    call.bare.update_ref(f"refs/pull/{pull.number}/head", head)


# -- files, commits, comments ---------------------------------------------------------------------------------------


@route("GET", PULL + "/commits", "pulls/pulls#list-commits-on-a-pull-request", _READ)
def list_commits(call: Call) -> Response:
    """Return the commits, oldest first."""
    pull = pull_of(call)
    base = call.bare.merge_base(pull.base_sha, pull.head_sha) or pull.base_sha
    infos = list(reversed(call.bare.log(f"{base}..{pull.head_sha}", options=["--topo-order"])))
    items, headers = call.page(infos)
    return Response.json(200, [shapes.commit(call.urls, call.repository, info) for info in items], headers)


def _author(call: Call) -> dict[str, Any]:
    return {"login": call.user.login, "user_id": call.user.user_id}


@route("GET", "/repos/{owner}/{repo}/issues/{issue_number}/comments", "issues/comments#list-issue-comments", _READ)
def list_comments(call: Call) -> Response:
    """Return what was said about a pull request; with `since`, what was changed at that time or later."""
    pull = pull_of(call, "issue_number")
    since = call.request.query.get("since", "")  # ISO 8601 in UTC, as the comments' own times
    items, headers = call.page([said for said in pull.comments if said.updated_at >= since])
    shown = [shapes.comment(call.urls, call.repository, pull.number, said) for said in items]
    return Response.json(200, shown, headers)


@route(
    "POST",
    "/repos/{owner}/{repo}/issues/{issue_number}/comments",
    "issues/comments#create-an-issue-comment",
    _WRITE,
    creates=True,
)
def create_comment(call: Call) -> Response:
    """Say something about a pull request."""
    pull, body = pull_of(call, "issue_number"), call.value("body", str) or ""
    if not body.strip():
        raise invalid("Validation Failed", resource="IssueComment", code="missing_field", field="body")
    if not at_least(call.role, "read"):
        raise not_found()
    _refuse_text(call)
    said = Comment(id=call.store.new_id(), body=body, **_author(call))
    pull.comments.append(said)
    pull.updated_at = now()
    shown = shapes.comment(call.urls, call.repository, pull.number, said)
    return Response.json(201, shown, {"location": shown["url"]})
