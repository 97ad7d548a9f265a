"""Labels, assignees and reviewers of pull requests, which are issues to GitHub where labels and assignees go."""

from __future__ import annotations

from pydantic import BaseModel

from standins.github import shapes
from standins.github.access import Need, at_least, may_see, role_of
from standins.github.messages import ApiError, Json, Response, invalid
from standins.github.model import Account, Label, Pull, now
from standins.github.pull_shapes import label, people
from standins.github.rest.merges import PULL, pull_of
from standins.github.rest.pulls import simple
from standins.github.rest.router import Call, route
from standins.github.urls import node_id

_WRITE = Need("pull_requests", write=True)
_ISSUE = "/repos/{owner}/{repo}/issues/{issue_number}"
_LONGEST_LABEL = 50  # characters
_MOST_ASSIGNEES = 10
_NOT_THEIRS = (
    "Reviews may only be requested from collaborators. One or more of the users or teams you specified is not a"
)


class _Labels(BaseModel):
    labels: list[str]


class _Assignees(BaseModel):
    assignees: list[str] = []


class _Reviewers(BaseModel):
    reviewers: list[str] = []
    team_reviewers: list[str] = []


@route("POST", _ISSUE + "/labels", "issues/labels#add-labels-to-an-issue", _WRITE)
def add_labels(call: Call) -> Response:
    """Put labels on a pull request. Those that the repository lacks are made (github/docs issue 35718)."""
    pull, it = pull_of(call, "issue_number"), call.repository
    names = call.parsed(_Labels).labels
    if not at_least(call.role, "write"):
        raise ApiError(403, "Must have admin rights to Repository.")
    if any(not name.strip() or len(name) > _LONGEST_LABEL for name in names):
        message = f"name is too long (maximum is {_LONGEST_LABEL} characters)"
        raise invalid("Validation Failed", resource="Label", code="custom", field="name", message=message)
    with call.store.changing(it):
        for name in names:
            it.labels.setdefault(name.lower(), Label(id=call.store.new_id(), name=name))
            _add(pull.labels, it.labels[name.lower()].name)
        pull.updated_at = now()
    return Response.json(200, [label(call.urls, it, it.labels[name.lower()]) for name in pull.labels])


@route("POST", _ISSUE + "/assignees", "issues/assignees#add-assignees-to-an-issue", _WRITE)
def add_assignees(call: Call) -> Response:
    """Assign a pull request. Who cannot be assigned, or is the eleventh, is left out without a word."""
    pull, names = pull_of(call, "issue_number"), call.parsed(_Assignees).assignees
    with call.store.changing(call.repository):
        for name in names if at_least(call.role, "write") else []:
            found = call.store.account(name)
            if found and _sees(call, found) and len(pull.assignees) < _MOST_ASSIGNEES:
                _add(pull.assignees, found.login)
        pull.updated_at = now()
    return Response.json(201, _issue(call, pull))


@route("POST", PULL + "/requested_reviewers", "pulls/review-requests#request-reviewers-for-a-pull-request", _WRITE)
def request_reviewers(call: Call) -> Response:
    """Ask for reviews: all of them, or none where one may not be asked."""
    pull, wanted = pull_of(call), call.parsed(_Reviewers)
    if not at_least(call.role, "write"):
        raise ApiError(403, "Must have push access to repository")
    users, owner = [call.store.account(name) for name in wanted.reviewers], call.owner(call.repository)
    if any(user and user.login.lower() == pull.login.lower() for user in users):
        raise ApiError(422, "Review cannot be requested from pull request author.")
    if not all(user and _sees(call, user) for user in users) or not all(
        _reaches(call, owner, slug) for slug in wanted.team_reviewers
    ):
        raise ApiError(422, f"{_NOT_THEIRS} collaborator of the {call.repository.full_name} repository.")
    with call.store.changing(call.repository):
        for user in filter(None, users):
            _add(pull.requested_reviewers, user.login)
        for slug in wanted.team_reviewers:
            _add(pull.requested_teams, slug)
        pull.updated_at = now()
    return Response.json(201, simple(call, pull))


def _add(names: list[str], name: str) -> None:
    if name not in names:
        names.append(name)


def _sees(call: Call, user: Account) -> bool:
    """Tell whether a user is a collaborator: by one of his tokens, since people have nothing else here."""
    tokens = [token for token in call.store.tokens() if token.login.lower() == user.login.lower()]
    it = call.repository
    return any(may_see(token, it) and at_least(role_of(token, it), "read") for token in tokens)


def _reaches(call: Call, owner: Account, slug: str) -> bool:
    found = owner.teams.get(slug)
    return found is not None and bool({"*", call.repository.name} & set(found.repositories))


def _issue(call: Call, pull: Pull) -> Json:
    """Return the pull request as an issue."""
    it, urls = call.repository, call.urls
    api, html = f"{urls.repository(it)}/issues/{pull.number}", f"{urls.html(it)}/pull/{pull.number}"
    shown = people(urls, call.store, it, pull)
    return {
        **{name: getattr(pull, name) for name in ("id", "number", "state", "title", "body", "draft")},
        **{name: getattr(pull, name) for name in ("created_at", "updated_at", "closed_at")},
        **{name: shown[name] for name in ("labels", "assignee", "assignees")},
        "node_id": node_id("PR", pull.id),
        "url": api,
        "repository_url": urls.repository(it),
        "labels_url": f"{api}/labels{{/name}}",
        "comments_url": f"{api}/comments",
        "events_url": f"{api}/events",
        "html_url": html,
        "user": shapes.account(urls, pull.login, pull.user_id),
        "milestone": None,
        "locked": False,
        "active_lock_reason": None,
        "comments": len(pull.comments),
        "author_association": "MEMBER",
        "pull_request": {
            "url": f"{urls.repository(it)}/pulls/{pull.number}",
            "html_url": html,
            "diff_url": f"{html}.diff",
            "patch_url": f"{html}.patch",
        },
    }
