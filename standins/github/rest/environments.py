"""Deployment environments, with the rules that the organization's plan offers (control: PUT organizations/X/plan)."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel

from standins.github.access import Need
from standins.github.environment_shapes import branch_policy, environment
from standins.github.messages import ApiError, Response, not_found
from standins.github.model import Environment, Repository, Reviewer, now
from standins.github.rest.router import Call, route

_READ = Need("actions")
_WRITE = Need("administration", write=True, role="admin")
_ENVIRONMENTS = "/repos/{owner}/{repo}/environments"
_ONE = _ENVIRONMENTS + "/{environment_name}"
_POLICIES = _ONE + "/deployment-branch-policies"
_MOST_REVIEWERS = 6
# GitHub's sentences: terraform-provider-github issue 1311, backstage issue 28977.
_NO_BRANCHES = "Fail to create protected rule, please ensure billing plan include protected branch gate."
_NO_REVIEWERS = (
    "Failed to create the environment protection rule. Please ensure the billing plan supports the required reviewers "
    "protection rule."
)

_NO_TEAMS = "Reviewers are invalid."  # what GitHub says of a team in a user account is not published


class _BranchPolicy(BaseModel):
    protected_branches: bool
    custom_branch_policies: bool


class _Reviewer(BaseModel):
    type: Literal["User", "Team"]
    id: int


class _Wanted(BaseModel):
    wait_timer: int = 0
    prevent_self_review: bool = False
    reviewers: list[_Reviewer] | None = None
    deployment_branch_policy: _BranchPolicy | None = None


@route("GET", _ENVIRONMENTS, "deployments/environments#list-environments", _READ)
def list_environments(call: Call) -> Response:
    """Return the environments."""
    found = sorted(call.repository.environments.values(), key=lambda it: it.id)
    items, headers = call.page([environment(call.urls, call.repository, it) for it in found])
    return Response.json(200, {"total_count": len(found), "environments": items}, headers)


@route("GET", _ONE, "deployments/environments#get-an-environment", _READ)
def get_environment(call: Call) -> Response:
    """Return an environment."""
    return Response.json(200, environment(call.urls, call.repository, _found(call)))


@route("PUT", _ONE, "deployments/environments#create-or-update-an-environment", _WRITE)
def put_environment(call: Call) -> Response:
    """Create an environment, or set all of its rules anew.

    Where the plan lacks a rule GitHub refuses, and has created the environment by then (terraform-provider-github issue
    1311); the control has it refuse before.
    """
    it, name, wanted = call.repository, call.parameters["environment_name"], call.parsed(_Wanted)
    policy = wanted.deployment_branch_policy
    if policy and policy.protected_branches == policy.custom_branch_policies:
        raise ApiError(422, "protected_branches and custom_branch_policies cannot have the same value")
    if len(wanted.reviewers or []) > _MOST_REVIEWERS:
        raise ApiError(422, f"An environment can have at most {_MOST_REVIEWERS} reviewers.")
    owner = call.owner(it)
    offered, refusal = _offered(owner.plan, it), ""
    if owner.plan == "none":
        raise not_found()
    if policy and "branches" not in offered:
        refusal = _NO_BRANCHES
    if wanted.reviewers and "reviewers" not in offered:
        refusal = _NO_REVIEWERS
    elif owner.type == "User" and any(each.type == "Team" for each in wanted.reviewers or []):
        refusal = _NO_TEAMS
    if not refusal or owner.refusal_creates:
        it.environments.setdefault(name.lower(), Environment(id=call.store.new_id(), name=name))
    if refusal:
        raise ApiError(422, refusal)
    reviewers = [Reviewer(type=each.type, id=each.id) for each in wanted.reviewers or []]
    found = it.environments[name.lower()]
    found.branch_policy = None if policy is None else ("protected" if policy.protected_branches else "custom")
    found.reviewers, found.wait_timer = reviewers, wanted.wait_timer
    found.updated_at = now()
    return Response.json(200, environment(call.urls, it, found))


@route("GET", _POLICIES, "deployments/branch-policies#list-deployment-branch-policies", _READ)
def list_policies(call: Call) -> Response:
    """Return the branches that may deploy."""
    found = _found(call)
    policies = [branch_policy(number, name) for number, name in sorted(found.branches.items())]
    return Response.json(200, {"total_count": len(policies), "branch_policies": policies})


@route("POST", _POLICIES, "deployments/branch-policies#create-a-deployment-branch-policy", _WRITE)
def create_policy(call: Call) -> Response:
    """Let the branches of a name pattern deploy; 303 when they may already."""
    found, name = _found(call), call.required("name", str)
    if found.branch_policy != "custom":
        raise not_found()
    if name in found.branches.values():
        return Response(303)
    number = call.store.new_id()
    found.branches[number] = name
    return Response.json(200, branch_policy(number, name))


def _found(call: Call) -> Environment:
    found = call.repository.environments.get(call.parameters["environment_name"].lower())
    if found is None:
        raise not_found()
    return found


def _offered(plan: str, it: Repository) -> set[str]:
    """Return the rules that a plan offers: all of them for public repositories."""
    if it.visibility == "public" or plan == "enterprise":
        return {"branches", "reviewers"}
    return {"branches"} if plan in ("pro", "team") else set()
