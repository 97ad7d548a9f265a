"""Repositories, their owners and pull requests as GraphQL shows them, made from what REST answers."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache, partial
from typing import Any

from standins.github import graphql_git, shapes
from standins.github.access import Need, require, role_in, role_of
from standins.github.bare import Bare
from standins.github.messages import ApiError, Json
from standins.github.model import Account, Pull, Repository, Review
from standins.github.rest.merges import require_pulls, reviews_wanted
from standins.github.rest.pulls import full, simple
from standins.github.rest.router import Call
from standins.github.urls import node_id

Arguments = Mapping[str, Any]
_MOST = 100  # nodes of a connection
_PERMISSIONS = {"admin": "ADMIN", "write": "WRITE", "read": "READ", "none": None}


class Refused(Exception):
    """A field that GitHub answers with null and an error of this type."""

    def __init__(self, kind: str, message: str) -> None:
        """`kind` is GitHub's: NOT_FOUND, FORBIDDEN, MISSING_PAGINATION_BOUNDARIES ..."""
        super().__init__(message)
        self.kind, self.message = kind, message


def query(call: Call, told: Json) -> Json:
    """Return the root of all queries; `told` is what the query costs, and what is left."""
    return {
        "__typename": "Query",
        "rateLimit": {"__typename": "RateLimit", **told},
        "viewer": lambda _: _account(call, call.user.login),
        "organization": partial(_organization, call),
        "repository": partial(_named, call),
    }


def _account(call: Call, login: str) -> Json | None:
    found = call.store.account(login)
    return _shown_account(call, found) if found else None


def _shown_account(call: Call, account: Account) -> Json:
    simple = shapes.account(call.urls, account.login, account.id, account.type)
    return {
        "__typename": account.type,
        "id": simple["node_id"],
        "databaseId": account.id,
        "login": account.login,
        "name": account.name,
        "email": "",
        "description": None,
        "createdAt": account.created_at,
        "url": simple["html_url"],
        "avatarUrl": simple["avatar_url"],
        "resourcePath": f"/{account.login}",
    }


def _organization(call: Call, arguments: Arguments) -> Json:
    found = call.store.account(str(arguments.get("login")))
    if found is None or found.type != "Organization":
        message = f"Could not resolve to an Organization with the login of '{arguments.get('login')}'."
        raise Refused("NOT_FOUND", message)
    return _shown_account(call, found)


def _named(call: Call, arguments: Arguments) -> Json:
    owner, name = str(arguments.get("owner")), str(arguments.get("name"))
    found = call.store.by_name(owner, name)
    if found is None and arguments.get("followRenames", True):
        found = call.store.moved(owner, name)
    try:
        if found is not None:
            require(call.token, found, Need())
            return repository(replace(call, found=found), found)
    except ApiError as error:
        if error.status != 404:
            raise Refused("FORBIDDEN", error.message) from None
    raise Refused("NOT_FOUND", f"Could not resolve to a Repository with the name '{owner}/{name}'.")


def repository(call: Call, it: Repository) -> Json:
    """Return a repository; `call` is about it."""
    owner, rest = call.owner(it), shapes.full_repository(call.urls, it, call.owner(it), call.role)
    tip = call.bare.branch(it.default_branch)
    return {
        "__typename": "Repository",
        **{name: rest[other] for name, other in _SAME_AS_REST.items()},
        "visibility": it.visibility.upper(),
        "isInOrganization": owner.type == "Organization",
        "isEmpty": not tip,
        "viewerPermission": _PERMISSIONS[role_of(call.token, it)],
        "viewerCanAdminister": role_in(call.token, it.owner, of_user=it.of_user) == "admin",
        "owner": _shown_account(call, owner),
        "parent": None,  # nothing is a fork here
        "defaultBranchRef": _ref(call, f"refs/heads/{it.default_branch}"),
        "object": lambda arguments: graphql_git.named(_contents(call), arguments),
        "ref": lambda arguments: _ref(call, str(arguments.get("qualifiedName"))),
        "pullRequest": partial(_numbered, call),
        "pullRequests": partial(_pulls, call),
    }


def _contents(call: Call) -> Bare:
    """Return the repository's Git, if the token may read it. Raises Refused."""
    try:
        require(call.token, call.repository, Need("contents"))
    except ApiError as error:
        raise Refused("NOT_FOUND" if error.status == 404 else "FORBIDDEN", error.message) from None
    return call.bare


def _ref(call: Call, qualified: str) -> Json | None:
    """Return a ref by its whole name; null for none."""
    tip = call.bare.resolve(qualified) if qualified.startswith("refs/") else ""
    kinds = [f"refs/{kind}/" for kind in ("heads", "tags", "pull") if qualified.startswith(f"refs/{kind}/")]
    prefix = kinds[0] if kinds else f"{qualified.rpartition('/')[0]}/"
    ref = {"__typename": "Ref", "name": qualified.removeprefix(prefix), "prefix": prefix}
    return {**ref, "target": lambda _: graphql_git.shown(call.bare, tip)} if tip else None


_SAME_AS_REST = {
    "id": "node_id",
    "databaseId": "id",
    "name": "name",
    "nameWithOwner": "full_name",
    "description": "description",
    "url": "html_url",
    "homepageUrl": "homepage",
    "sshUrl": "ssh_url",
    "isPrivate": "private",
    "isArchived": "archived",
    "isFork": "fork",
    "isTemplate": "is_template",
    "isDisabled": "disabled",
    "createdAt": "created_at",
    "updatedAt": "updated_at",
    "pushedAt": "pushed_at",
    "hasIssuesEnabled": "has_issues",
    "hasProjectsEnabled": "has_projects",
    "hasWikiEnabled": "has_wiki",
    "mergeCommitAllowed": "allow_merge_commit",
    "squashMergeAllowed": "allow_squash_merge",
    "rebaseMergeAllowed": "allow_rebase_merge",
    "autoMergeAllowed": "allow_auto_merge",
    "deleteBranchOnMerge": "delete_branch_on_merge",
}


def _readable(call: Call) -> list[Pull]:
    """Return the repository's pull requests, if the token may read them."""
    try:
        require(call.token, call.repository, Need("pull_requests"))
        require_pulls(call)
    except ApiError as error:
        raise Refused("NOT_FOUND" if error.status == 404 else "FORBIDDEN", error.message) from None
    return list(call.repository.pulls)


def _numbered(call: Call, arguments: Arguments) -> Json:
    number = arguments.get("number")
    found = next((pull for pull in _readable(call) if pull.number == number), None)
    if found is None:
        raise Refused("NOT_FOUND", f"Could not resolve to a PullRequest with the number of {number}.")
    return _pull(call, found)


def _state(pull: Pull) -> str:
    return "MERGED" if pull.merged_at else pull.state.upper()


def _pulls(call: Call, arguments: Arguments) -> Json:
    found = _readable(call)
    if arguments.get("states"):
        states = arguments["states"] if isinstance(arguments["states"], list) else [arguments["states"]]
        found = [pull for pull in found if _state(pull) in states]
    for name, wanted in (("head", arguments.get("headRefName")), ("base", arguments.get("baseRefName"))):
        found = [pull for pull in found if wanted in (None, getattr(pull, name))]
    asked = arguments.get("orderBy")
    order = asked if isinstance(asked, dict) else {}
    by_change = order.get("field") == "UPDATED_AT"
    descending = order.get("direction") == "DESC"
    found.sort(key=lambda pull: (pull.updated_at if by_change else "", pull.number), reverse=descending)
    return _connection("PullRequest", found, partial(_pull, call), "pullRequests", arguments)


def _connection(kind: str, items: list[Any], shown: Callable[[Any], Json], field: str, arguments: Arguments) -> Json:
    """Return the page of a list that `first` and `after`, or `last` and `before`, ask for."""
    first, last = arguments.get("first"), arguments.get("last")
    wanted = last if first is None else first
    if not isinstance(wanted, int):
        message = f"You must provide a `first` or `last` value to properly paginate the `{field}` connection."
        raise Refused("MISSING_PAGINATION_BOUNDARIES", message)
    if not 0 < wanted <= _MOST:
        message = f"Requesting {wanted} records on the `{field}` connection exceeds the limit of {_MOST} records."
        raise Refused("EXCESSIVE_PAGINATION", message)
    start, end = _place(arguments.get("after"), 0), _place(arguments.get("before"), len(items) + 1) - 1
    begin, stop = (start, min(end, start + wanted)) if first is not None else (max(start, end - wanted), end)
    edges = {"startCursor": _cursor(begin + 1), "endCursor": _cursor(stop)} if begin < stop else {}
    info = {"hasNextPage": stop < len(items), "hasPreviousPage": begin > 0, "startCursor": None, "endCursor": None}
    return {
        "__typename": f"{kind}Connection",
        "totalCount": len(items),
        "nodes": [shown(item) for item in items[begin:stop]],
        "pageInfo": {"__typename": "PageInfo", **info, **edges},
    }


def _cursor(number: int) -> str:
    return base64.b64encode(f"cursor:{number}".encode()).decode()


def _place(cursor: Any, default: int) -> int:
    if cursor is None:
        return default
    try:
        return int(base64.b64decode(str(cursor), validate=True).decode().removeprefix("cursor:"))
    except (binascii.Error, ValueError):
        raise Refused("INVALID_CURSOR_ARGUMENTS", f"`{cursor}` does not appear to be a valid cursor.") from None


def _pull(call: Call, pull: Pull) -> Json:
    rest, it = simple(call, pull), call.repository
    shown = partial(repository, call, it)

    @cache
    def looked() -> Json:  # by git, which takes its time: only where it is asked for
        fresh, pull.unjudged = pull.unjudged > 0, max(0, pull.unjudged - 1)  # the question has GitHub look
        return full(call, pull, fresh=fresh)

    return {
        "__typename": "PullRequest",
        **{name: rest[other] for name, other in _PULL_AS_REST.items()},
        "state": _state(pull),
        "body": pull.body or "",
        "maintainerCanModify": pull.maintainer_can_modify,
        "isCrossRepository": False,
        **{name: partial(_looked, looked, other) for name, other in _PULL_AS_GIT_SAYS.items()},
        "merged": pull.merged_at is not None,
        "mergeable": lambda _: _MERGEABLE[looked()["mergeable"]],
        "mergeStateStatus": lambda _: str(looked()["mergeable_state"]).upper(),
        "reviewDecision": _decision(call, pull),
        "latestOpinionatedReviews": partial(_reviews, call, pull),
        "headRef": _ref(call, f"refs/heads/{pull.head}"),
        "headRefName": pull.head,
        "headRefOid": pull.head_sha,
        "baseRefName": pull.base,
        "baseRefOid": pull.base_sha,
        "author": _account(call, pull.login),
        "mergedBy": _account(call, pull.merged_by) if pull.merged_by else None,
        "headRepository": lambda _: shown(),
        "baseRepository": lambda _: shown(),
        "headRepositoryOwner": _shown_account(call, call.owner(it)),
        "commits": lambda _: {"__typename": "PullRequestCommitConnection", "totalCount": looked()["commits"]},
        "comments": partial(_comments, call, pull),
    }


def _looked(looked: Callable[[], Json], name: str, _: Arguments) -> Any:
    return looked()[name]


_MERGEABLE = {True: "MERGEABLE", False: "CONFLICTING", None: "UNKNOWN"}
_PULL_AS_GIT_SAYS = {"additions": "additions", "deletions": "deletions", "changedFiles": "changed_files"}
_PULL_AS_REST = {
    "id": "node_id",
    "databaseId": "id",
    "number": "number",
    "title": "title",
    "url": "html_url",
    "isDraft": "draft",
    "createdAt": "created_at",
    "updatedAt": "updated_at",
    "closedAt": "closed_at",
    "mergedAt": "merged_at",
    "authorAssociation": "author_association",
    "locked": "locked",
}


def _decision(call: Call, pull: Pull) -> str | None:
    """Return what the reviews come to; null where no rule of the base branch asks for any."""
    latest = [review.state for review in pull.latest_reviews()]
    if "CHANGES_REQUESTED" in latest:
        return "CHANGES_REQUESTED"
    wanted = reviews_wanted(call, pull)
    if not wanted:
        return None
    return "APPROVED" if latest.count("APPROVED") >= wanted else "REVIEW_REQUIRED"


def _reviews(call: Call, pull: Pull, arguments: Arguments) -> Json:
    def shown(review: Review) -> Json:
        return {
            "__typename": "PullRequestReview",
            "id": node_id("PRR", review.id),
            "databaseId": review.id,
            "state": review.state,
            "body": review.body,
            "submittedAt": review.submitted_at,
            "author": _account(call, review.login),
            "commit": lambda _: graphql_git.commit(call.bare, review.commit),
        }

    found = [each for each in pull.latest_reviews() if each.writer or not arguments.get("writersOnly")]
    return _connection("PullRequestReview", found, shown, "latestOpinionatedReviews", arguments)


def _comments(call: Call, pull: Pull, arguments: Arguments) -> Json:
    def shown(said: Any) -> Json:
        rest = shapes.comment(call.urls, call.repository, pull.number, said)
        names = {"id": "node_id", "databaseId": "id", "body": "body", "url": "html_url", "createdAt": "created_at"}
        names |= {"updatedAt": "updated_at", "authorAssociation": "author_association"}
        values = {name: rest[other] for name, other in names.items()}
        return {"__typename": "IssueComment", **values, "author": _account(call, said.login)}

    return _connection("IssueComment", pull.comments, shown, "comments", arguments)
