"""Pull requests between branches of one repository, and their comments."""

from __future__ import annotations

from typing import Any

from standins.github import shapes
from standins.github.access import Need, at_least
from standins.github.bare import Bare, CommitInfo, Person
from standins.github.messages import ApiError, Json, Response, invalid, not_found
from standins.github.model import Comment, Pull, now
from standins.github.pushes import close, mark_merged
from standins.github.rest.contents import refuse_workflow
from standins.github.rest.router import Call, route
from standins.github.rules import refuse_violation
from standins.github.urls import node_id

_READ = Need("pull_requests")
_WRITE = Need("pull_requests", write=True)
_PULLS = "/repos/{owner}/{repo}/pulls"
_PULL = _PULLS + "/{pull_number}"
_MERGE = Need("contents", write=True, role="write")


def _pull(call: Call, name: str = "pull_number") -> Pull:
    text = call.parameters[name]
    pull = call.repository.pull(int(text)) if text.isdigit() else None
    if pull is None:
        raise not_found()
    return pull


def _side(call: Call, ref: str, sha: str) -> Json:
    owner = call.owner(call.repository)
    return {
        "label": f"{owner.login}:{ref}",
        "ref": ref,
        "sha": sha,
        "user": shapes.account(call.urls, owner.login, owner.id, owner.type),
        "repo": shapes.repository(call.urls, call.repository, owner, call.role),
    }


def simple(call: Call, pull: Pull) -> Json:
    """Return a pull-request-simple."""
    urls, it = call.urls, call.repository
    api, html = urls.repository(it), f"{urls.html(it)}/pull/{pull.number}"
    address, issue = f"{api}/pulls/{pull.number}", f"{api}/issues/{pull.number}"
    links = {
        "self": address,
        "html": html,
        "issue": issue,
        "comments": f"{issue}/comments",
        "review_comments": f"{address}/comments",
        "review_comment": f"{api}/pulls/comments{{/number}}",
        "commits": f"{address}/commits",
        "statuses": f"{api}/statuses/{pull.head_sha}",
    }
    return {
        "url": address,
        "id": pull.id,
        "node_id": node_id("PR", pull.id),
        "html_url": html,
        "diff_url": f"{html}.diff",
        "patch_url": f"{html}.patch",
        "issue_url": issue,
        "number": pull.number,
        "state": pull.state,
        "locked": False,
        "title": pull.title,
        "user": shapes.account(urls, pull.login, pull.user_id),
        "body": pull.body,
        "created_at": pull.created_at,
        "updated_at": pull.updated_at,
        "closed_at": pull.closed_at,
        "merged_at": pull.merged_at,
        "merge_commit_sha": pull.merge_commit_sha,
        "assignee": None,
        "assignees": [],
        "requested_reviewers": [],
        "requested_teams": [],
        "labels": [],
        "milestone": None,
        "draft": pull.draft,
        "commits_url": links["commits"],
        "review_comments_url": links["review_comments"],
        "review_comment_url": links["review_comment"],
        "comments_url": links["comments"],
        "statuses_url": links["statuses"],
        "head": _side(call, pull.head, pull.head_sha),
        "base": _side(call, pull.base, pull.base_sha),
        "_links": {name: {"href": value} for name, value in links.items()},
        "author_association": "MEMBER",
        "auto_merge": None,
        "active_lock_reason": None,
    }


def _mergeable(call: Call, pull: Pull) -> tuple[bool | None, str]:
    if pull.state != "open":
        return None, "unknown"
    base = call.bare.branch(pull.base)
    if not base or not call.bare.merge(base, pull.head_sha):
        return False, "dirty"
    try:
        _refuse_merge(call, pull, ["update"])
    except ApiError:
        return True, "blocked"
    return True, "draft" if pull.draft else "clean"


def full(call: Call, pull: Pull, *, fresh: bool = False) -> Json:
    """Return a pull-request. Right after it was made or changed, GitHub has not looked yet whether it merges."""
    bare = call.bare
    base = bare.merge_base(pull.base_sha, pull.head_sha) or pull.base_sha
    changes = bare.changes(base, pull.head_sha)
    mergeable, state = (None, "unknown") if fresh else _mergeable(call, pull)
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


@route("GET", _PULLS, "pulls/pulls#list-pull-requests", _READ)
def list_pulls(call: Call) -> Response:
    """Return pull requests: state, head (owner:branch), base, sort and direction as on GitHub."""
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


@route("POST", _PULLS, "pulls/pulls#create-a-pull-request", _WRITE, creates=True)
def create_pull(call: Call) -> Response:
    """Open a pull request."""
    it, bare, user = call.repository, call.bare, call.user
    head, base = str(call.required("head", str)), str(call.required("base", str))
    owner, _, branch = head.rpartition(":")
    title = call.value("title", str) or ""
    if not title.strip():
        raise invalid("Validation Failed", resource="PullRequest", code="missing_field", field="title")
    tips = {"head": bare.branch(branch) if owner.lower() in ("", it.owner.lower()) else "", "base": bare.branch(base)}
    for field in ("base", "head"):
        if not tips[field]:
            raise invalid("Validation Failed", resource="PullRequest", field=field, code="invalid")
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


def _refuse_pull(call: Call, bare: Bare, head: str, base: str) -> None:
    def refuse(message: str) -> ApiError:
        return invalid("Validation Failed", resource="PullRequest", code="custom", message=message)

    if any(pull.head == head and pull.base == base and pull.state == "open" for pull in call.repository.pulls):
        raise refuse(f"A pull request already exists for {call.repository.owner}:{head}.")
    if not bare.merge_base(bare.branch(base), bare.branch(head)):
        raise refuse(f"The {head} branch has no history in common with {base}")
    if bare.is_ancestor(bare.branch(head), bare.branch(base)):
        raise refuse(f"No commits between {base} and {head}")


@route("GET", _PULL, "pulls/pulls#get-a-pull-request", _READ)
def get_pull(call: Call) -> Response:
    """Return a pull request."""
    return Response.json(200, full(call, _pull(call)))


@route("PATCH", _PULL, "pulls/pulls#update-a-pull-request", _WRITE)
def update_pull(call: Call) -> Response:
    """Change title, body, base or state."""
    pull, bare = _pull(call), call.bare
    base, state = call.value("base", str), call.value("state", str)
    if base is not None and base != pull.base:
        if not bare.branch(base):
            raise invalid("Validation Failed", resource="PullRequest", field="base", code="invalid")
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


# -- merging ----------------------------------------------------------------------------------------------------


def _refuse_merge(call: Call, pull: Pull, actions: list[str]) -> None:
    """Raise ApiError 405 when the base branch's rules are not met."""
    ref = f"refs/heads/{pull.base}"
    for protection in call.repository.protections:
        reviews = protection.settings.get("required_pull_request_reviews") or {}
        count = reviews.get("required_approving_review_count", 0) if protection.branch == pull.base else 0
        bypass = call.role == "admin" and not protection.settings.get("enforce_admins")
        if count and not bypass:
            noun = "review is" if count == 1 else "reviews are"
            raise ApiError(405, f"At least {count} approving {noun} required by reviewers with write access.")
    refuse_violation(call.repository, call.role, ref, actions, status=405, merging=True)


@route("PUT", _PULL + "/merge", "pulls/pulls#merge-a-pull-request", _MERGE)
def merge_pull(call: Call) -> Response:
    """Merge by `merge_method`: merge, squash or rebase, with git itself."""
    pull, bare = _pull(call), call.bare
    method = call.value("merge_method", str) or "merge"
    _refuse_method(call, pull, method)
    base = bare.branch(pull.base)
    _refuse_merge(call, pull, ["update", "merge"] if method == "merge" else ["update"])
    for change in bare.changes(bare.merge_base(base, pull.head_sha) or base, pull.head_sha):
        refuse_workflow(call, change.path)
    commit = _merged(call, pull, base, method)
    if not commit:
        raise ApiError(405, "This branch can't be rebased" if method == "rebase" else "Pull Request is not mergeable")
    mark_merged(pull, commit, call.user.login)
    before = bare.refs()
    bare.update_ref(f"refs/heads/{pull.base}", commit, base)
    _delete_merged_head(call, pull)
    call.moved_refs(before)
    return Response.json(200, {"sha": commit, "merged": True, "message": "Pull Request successfully merged"})


def _refuse_method(call: Call, pull: Pull, method: str) -> None:
    """Raise ApiError when the repository does not merge so, or the pull request is not as the request has it."""
    it = call.repository
    if method not in ("merge", "squash", "rebase"):
        raise ApiError(422, "Invalid merge_method")
    allowed = {"merge": it.allow_merge_commit, "squash": it.allow_squash_merge, "rebase": it.allow_rebase_merge}
    names = {"merge": "Merge commits", "squash": "Squash merges", "rebase": "Rebase merges"}
    if not allowed[method]:
        raise ApiError(405, f"{names[method]} are not allowed on this repository.")
    if pull.draft:
        raise ApiError(405, "Pull Request is still a draft")
    if pull.state != "open":
        raise ApiError(405, "Pull Request is not mergeable")
    wanted = call.value("sha", str)
    if wanted is not None and wanted != pull.head_sha:
        raise ApiError(409, "Head branch was modified. Review and try the merge again.")


def _delete_merged_head(call: Call, pull: Pull) -> None:
    """Delete the merged branch where the repository wants that; pull requests into it go to its base."""
    it, bare = call.repository, call.bare
    if it.delete_branch_on_merge and pull.head != it.default_branch and bare.branch(pull.head):
        for other in it.pulls:
            if other.state == "open" and other.base == pull.head:
                other.base = pull.base
        bare.update_ref(f"refs/heads/{pull.head}", "")


def _merged(call: Call, pull: Pull, base: str, method: str) -> str:
    """Return the commit that the base branch gets, "" for a conflict."""
    bare, who = call.bare, call.person
    title, message = call.value("commit_title", str), call.value("commit_message", str)
    tree = bare.merge(base, pull.head_sha)
    if not tree:
        return ""
    commits = list(reversed(bare.log(f"{base}..{pull.head_sha}", options=["--no-merges", "--topo-order"])))
    if method == "merge":
        text = title or f"Merge pull request #{pull.number} from {call.repository.owner}/{pull.head}"
        return bare.commit_tree(tree, (base, pull.head_sha), f"{text}\n\n{message or pull.title}\n", who)
    if method == "squash":
        subject, body = f"{pull.title} (#{pull.number})", "\n\n".join(f"* {it.message}" for it in commits)
        if len(commits) == 1:
            first, _, rest = commits[0].message.partition("\n")
            subject, body = f"{first} (#{pull.number})", rest.strip()
        author = commits[0].author if len(commits) == 1 else who
        text = f"{title or subject}\n\n{_with_coauthors(body, commits, author) if message is None else message}"
        return bare.commit_tree(tree, (base,), text.strip() + "\n", author, who)
    tip = base
    for commit in commits:
        tip = bare.pick(commit, tip, who) if tip and commit.parents else ""
    return tip


def _with_coauthors(body: str, commits: list[CommitInfo], author: Person) -> str:
    """Append who else wrote the commits, as GitHub does when it squashes: a paragraph of its own, below a line."""
    others = {it.author.email: it.author.name for it in commits if it.author.email != author.email}
    lines = "\n".join(f"Co-authored-by: {name} <{email}>" for email, name in others.items())
    return f"{body}\n\n---------\n\n{lines}" if others else body


# -- files, commits, comments ---------------------------------------------------------------------------------------


@route("GET", _PULL + "/commits", "pulls/pulls#list-commits-on-a-pull-request", _READ)
def list_commits(call: Call) -> Response:
    """Return the commits, oldest first."""
    pull = _pull(call)
    base = call.bare.merge_base(pull.base_sha, pull.head_sha) or pull.base_sha
    infos = list(reversed(call.bare.log(f"{base}..{pull.head_sha}", options=["--topo-order"])))
    items, headers = call.page(infos)
    return Response.json(200, [shapes.commit(call.urls, call.repository, info) for info in items], headers)


def _author(call: Call) -> dict[str, Any]:
    return {"login": call.user.login, "user_id": call.user.user_id}


@route("GET", "/repos/{owner}/{repo}/issues/{issue_number}/comments", "issues/comments#list-issue-comments", _READ)
def list_comments(call: Call) -> Response:
    """Return what was said about a pull request."""
    pull = _pull(call, "issue_number")
    items, headers = call.page(pull.comments)
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
    pull, body = _pull(call, "issue_number"), call.value("body", str) or ""
    if not body.strip():
        raise invalid("Validation Failed", resource="IssueComment", code="missing_field", field="body")
    if not at_least(call.role, "read"):
        raise not_found()
    said = Comment(id=call.store.new_id(), body=body, **_author(call))
    pull.comments.append(said)
    pull.updated_at = now()
    shown = shapes.comment(call.urls, call.repository, pull.number, said)
    return Response.json(201, shown, {"location": shown["url"]})
