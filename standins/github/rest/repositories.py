"""Repositories: make, read, change, move, delete."""

from __future__ import annotations

import re
from typing import Any

from standins.github import shapes, sight
from standins.github.access import Need, inaccessible, role_in, role_of
from standins.github.messages import ApiError, Response, invalid, not_found
from standins.github.model import Account, Repository, now
from standins.github.rest.router import Call, route

_ADMIN = Need("administration", write=True, role="admin")
_ADMIN_ALWAYS = Need("administration", write=True, role="admin", archived=True)
_TOPIC = re.compile(r"[a-z0-9][a-z0-9-]{0,49}")
_FLAGS = (
    "has_issues",
    "has_projects",
    "has_wiki",
    "has_pull_requests",
    "is_template",
    "allow_merge_commit",
    "allow_squash_merge",
    "allow_rebase_merge",
    "allow_auto_merge",
    "allow_update_branch",
    "allow_forking",
    "delete_branch_on_merge",
    "web_commit_signoff_required",
)
_TAKEN = {
    "resource": "Repository",
    "code": "custom",
    "field": "name",
    "message": "name already exists on this account",
}


def shown(call: Call, repository: Repository) -> dict[str, Any]:
    """Return the repository as who asks sees it."""
    role = call.role if repository is call.found else role_of(call.token, repository)
    return shapes.full_repository(call.urls, repository, call.owner(repository), role)


def _clean_name(name: str) -> str:
    """Return the name as GitHub stores it: other characters become a dash. Raises ApiError 422."""
    cleaned = re.sub(r"[^A-Za-z0-9._-]+", "-", name).removesuffix(".git")
    if not cleaned or cleaned in (".", "..", ".git") or len(cleaned) > 100:
        code = "missing_field" if not name else "invalid"
        raise invalid("Repository creation failed.", resource="Repository", code=code, field="name")
    return cleaned


def _refused(field: str, message: str, code: str = "custom") -> ApiError:
    return invalid("Validation Failed", resource="Repository", code=code, field=field, message=message)


def _visibility(call: Call, owner: Account, default: str) -> str:
    visibility = call.value("visibility", str)
    private = call.value("private", bool)
    if visibility is None:
        return default if private is None else ("private" if private else "public")
    if visibility not in ("private", "internal", "public") or (visibility == "internal" and owner.type == "User"):
        raise invalid("Validation Failed", resource="Repository", code="invalid", field="visibility")
    return str(visibility)


def _settings(call: Call) -> dict[str, Any]:
    found = {name: call.value(name, bool) for name in _FLAGS if call.value(name, bool) is not None}
    policy = call.value("pull_request_creation_policy", str)
    if policy is not None:
        if policy not in ("all", "collaborators_only"):
            raise _refused("pull_request_creation_policy", "is not included in the list", code="invalid")
        found["pull_request_creation_policy"] = policy
    for name in ("description", "homepage"):
        if name in call.body:
            found[name] = call.value(name, str)
    description = found.get("description") or ""
    if len(description) > 350:
        raise _refused("description", "description cannot be more than 350 characters")
    if any(not character.isprintable() for character in description):
        raise _refused("description", "description control characters are not allowed")
    return found


def _auto_init(call: Call, repository: Repository) -> None:
    bare = call.store.bare(repository)
    description = f"\n{repository.description}" if repository.description else ""
    readme = bare.write_blob(f"# {repository.name}{description}".encode())
    tree = bare.write_tree("", {"README.md": ("100644", readme)})
    commit = bare.commit_tree(tree, (), "Initial commit", call.person)
    bare.update_ref(f"refs/heads/{repository.default_branch}", commit, "")


def _refuse_creation(call: Call, owner: Account) -> None:
    """Raise ApiError unless who asks may make repositories in the organization."""
    role = role_in(call.user, owner.login)
    if role == "none":
        raise not_found()
    if role != "admin":
        raise ApiError(403, "You need admin access to the organization before adding a repository to it.")
    if call.user.kind == "classic":
        if not {"repo", "public_repo"} & set(call.user.scopes):
            raise not_found()
    elif call.user.permissions.get("administration") != "write" or call.user.repositories is not None:
        raise inaccessible(call.user, _ADMIN)


def _refuse_creation_for_user(call: Call) -> None:
    """Raise ApiError unless the token may make repositories in its user's account.

    No App's token may (GitHub community discussions 116331 and 171040), and no fine-grained one whose resource owner is
    an organization.
    """
    if call.user.kind == "classic":
        if not {"repo", "public_repo"} & set(call.user.scopes):
            raise not_found()
        return
    elsewhere = call.user.kind == "installation" or bool(call.user.organizations)
    if elsewhere or call.user.permissions.get("administration") != "write":
        raise inaccessible(call.user, _ADMIN)


@route("POST", "/orgs/{org}/repos", "repos/repos#create-an-organization-repository", creates=True)
def create_in_organization(call: Call) -> Response:
    """Make a repository in an organization."""
    owner = call.store.account(call.parameters["org"])
    if owner is None or owner.type != "Organization":
        raise not_found()
    _refuse_creation(call, owner)
    return _created(call, owner)


@route("POST", "/user/repos", "repos/repos#create-a-repository-for-the-authenticated-user", creates=True)
def create_for_user(call: Call) -> Response:
    """Make a repository in the account of who asks."""
    _refuse_creation_for_user(call)
    owner = call.store.account(call.user.login)
    if owner is None:
        raise not_found()
    return _created(call, owner)


def _created(call: Call, owner: Account) -> Response:
    name = _clean_name(call.value("name", str) or "")
    visibility = _visibility(call, owner, "public")
    if visibility != "public" and call.user.kind == "classic" and "repo" not in call.user.scopes:
        raise not_found()
    repository = call.store.create(owner, name, visibility=visibility, **_settings(call))
    if repository is None:
        raise ApiError(422, "Repository creation failed.", [_TAKEN])
    sight.created(call.store, repository, call.user.installation)
    if call.value("auto_init", bool):
        with call.store.changing(repository):
            _auto_init(call, repository)
    return Response.json(201, shown(call, repository), {"location": call.urls.repository(repository)})


@route("GET", "/repos/{owner}/{repo}", "repos/repos#get-a-repository")
def get_repository(call: Call) -> Response:
    """Return a repository."""
    return Response.json(200, shown(call, call.repository))


@route("PATCH", "/repos/{owner}/{repo}", "repos/repos#update-a-repository", _ADMIN_ALWAYS)
def update_repository(call: Call) -> Response:
    """Change settings; archived ones take nothing but to be unarchived."""
    it, wish = call.repository, call.value("archived", bool)
    if it.archived and wish is not False:
        raise ApiError(403, "Repository was archived so is read-only.")
    lags = call.store.lag.lags
    if wish and call.store.lag.is_new(it, lags.set_up):
        raise ApiError(lags.set_up_status, "Repository is still being set up. Please try again in a moment.")
    settings = _settings(call)
    visibility = _visibility(call, call.owner(it), it.visibility)
    branch = call.value("default_branch", str) or it.default_branch
    if branch != it.default_branch and not call.bare.branch(branch) and call.bare.refs("refs/heads"):
        advice = "Please push that ref first or create it via the Git Data API."
        raise _refused("default_branch", f"The branch {branch} was not found. {advice}", code="invalid")
    name = call.value("name", str)
    if name is not None and not call.store.move(it, it.owner, _clean_name(name)):
        raise ApiError(422, "Validation Failed", [_TAKEN])
    if branch != it.default_branch:
        if not call.bare.is_branch_name(branch):
            raise _refused("default_branch", "is not a valid branch name", code="invalid")
        call.bare.set_head(branch)
        it.default_branch = branch
    for key, value in settings.items():
        setattr(it, key, value)
    it.visibility = visibility  # type: ignore[assignment]
    if wish is not None:
        it.archived = wish
    it.updated_at = now()
    return Response.json(200, shown(call, it))


@route("DELETE", "/repos/{owner}/{repo}", "repos/repos#delete-a-repository", _ADMIN_ALWAYS)
def delete_repository(call: Call) -> Response:
    """Delete for good; a classic token needs the scope delete_repo."""
    if call.user.kind == "classic" and "delete_repo" not in call.user.scopes:
        raise ApiError(403, "Must have admin rights to Repository.")
    call.store.delete(call.repository)
    return Response.empty()


@route("POST", "/repos/{owner}/{repo}/transfer", "repos/repos#transfer-a-repository", _ADMIN)
def transfer_repository(call: Call) -> Response:
    """Give the repository to another account; the old name leads to the new one."""
    it = call.repository
    owner = call.store.account(call.required("new_owner", str))
    if owner is None:
        raise invalid("Validation Failed", resource="Repository", code="invalid", field="new_owner")
    name = call.value("new_name", str) or it.name
    if not call.store.move(it, owner.login, _clean_name(name)):
        raise ApiError(422, "Validation Failed", [_TAKEN])
    it.updated_at = now()
    return Response.json(202, shapes.minimal_repository(call.urls, it, call.owner(it), call.role))


@route("GET", "/repos/{owner}/{repo}/topics", "repos/repos#get-all-repository-topics")
def get_topics(call: Call) -> Response:
    """Return the topics."""
    return Response.json(200, {"names": call.repository.topics})


@route("PUT", "/repos/{owner}/{repo}/topics", "repos/repos#replace-all-repository-topics", _ADMIN)
def replace_topics(call: Call) -> Response:
    """Set the topics."""
    names = call.required("names", list)
    lowered = list(dict.fromkeys(str(name).lower() for name in names))
    if len(lowered) > 20:
        raise ApiError(422, "Validation Failed", ["A repository cannot have more than 20 topics."])
    bad = [name for name in lowered if not _TOPIC.fullmatch(name)]
    if bad:
        rule = (
            "must start with a lowercase letter or number, consist of 50 characters or less, and can include hyphens."
        )
        raise ApiError(422, "Validation Failed", [f"Topic {name} is invalid. Topics {rule}" for name in bad])
    call.repository.topics = sorted(lowered)
    call.repository.updated_at = now()
    return Response.json(200, {"names": call.repository.topics})
