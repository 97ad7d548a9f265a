"""Branch protection and rulesets."""

from __future__ import annotations

from typing import Literal
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict, Field

from standins.github.access import Need
from standins.github.messages import ApiError, Json, Response, not_found
from standins.github.model import Protection, Ruleset, now
from standins.github.rest.router import Call, route
from standins.github.rules import RULE_TYPES, status_contexts
from standins.github.urls import node_id

_READ = Need("administration", role="admin")
_WRITE = Need("administration", write=True, role="admin")


class StatusChecks(BaseModel):
    """Checks that must have passed, by name; the newer form names them in objects."""

    strict: bool = False
    contexts: list[str] = []
    checks: list[dict[str, str | int | None]] = []


class Reviews(BaseModel):
    """Reviews that a pull request needs."""

    dismiss_stale_reviews: bool = False
    require_code_owner_reviews: bool = False
    required_approving_review_count: int = Field(default=1, ge=0, le=6)
    require_last_push_approval: bool = False


class Settings(BaseModel):
    """The body of a branch protection. The first four must be there, null or not."""

    required_status_checks: StatusChecks | None
    enforce_admins: bool | None
    required_pull_request_reviews: Reviews | None
    restrictions: dict[str, list[str]] | None
    required_linear_history: bool | None = None
    allow_force_pushes: bool | None = None
    allow_deletions: bool | None = None
    block_creations: bool | None = None
    required_conversation_resolution: bool | None = None
    lock_branch: bool | None = None
    allow_fork_syncing: bool | None = None


class RequiredCheck(BaseModel):
    """A check of the rule required_status_checks."""

    context: str
    integration_id: int | None = None


class RuleParameters(BaseModel):
    """What a rule needs to know; only the checks matter here, the rest is kept as it came."""

    model_config = ConfigDict(extra="allow")
    required_status_checks: list[RequiredCheck] = []


class Rule(BaseModel):
    """One rule of a ruleset."""

    type: str
    parameters: RuleParameters | None = None


class RefName(BaseModel):
    """The refs that a ruleset is about."""

    include: list[str] = []
    exclude: list[str] = []


class Conditions(BaseModel):
    """When a ruleset applies."""

    ref_name: RefName = RefName()


class BypassActor(BaseModel):
    """Somebody to whom a ruleset does not apply."""

    actor_id: int | None = None
    actor_type: Literal["Integration", "OrganizationAdmin", "RepositoryRole", "Team", "DeployKey", "User"]
    bypass_mode: Literal["always", "pull_request", "exempt"] = "always"


class RulesetBody(BaseModel):
    """The body of a ruleset."""

    name: str = Field(min_length=1)
    target: Literal["branch", "tag"] = "branch"
    enforcement: Literal["active", "disabled", "evaluate"]
    conditions: Conditions = Conditions()
    rules: list[Rule] = []
    bypass_actors: list[BypassActor] = []


_SWITCHES = (
    "required_linear_history",
    "allow_force_pushes",
    "allow_deletions",
    "block_creations",
    "required_conversation_resolution",
    "lock_branch",
    "allow_fork_syncing",
)
_PROTECTION = "/repos/{owner}/{repo}/branches/{branch}/protection"
_RULESETS = "/repos/{owner}/{repo}/rulesets"


def _protection(call: Call) -> Protection:
    name = call.parameters["branch"]
    if not call.bare.branch(name):
        raise ApiError(404, "Branch not found")
    found = next((it for it in call.repository.protections if it.branch == name and not it.message), None)
    if found is None:
        raise ApiError(404, "Branch not protected")
    return found


def _shown_protection(call: Call, protection: Protection) -> Json:
    settings = protection.settings
    address = f"{call.urls.repository(call.repository)}/branches/{quote(protection.branch)}/protection"
    shown: Json = {"url": address}
    if settings.get("required_status_checks"):
        contexts = status_contexts(settings)
        shown["required_status_checks"] = {
            "url": f"{address}/required_status_checks",
            "strict": bool(settings["required_status_checks"].get("strict")),
            "contexts": contexts,
            "contexts_url": f"{address}/required_status_checks/contexts",
            "checks": [{"context": name, "app_id": None} for name in contexts],
        }
    reviews = settings.get("required_pull_request_reviews")
    if reviews:
        shown["required_pull_request_reviews"] = {
            "url": f"{address}/required_pull_request_reviews",
            "dismiss_stale_reviews": bool(reviews.get("dismiss_stale_reviews")),
            "require_code_owner_reviews": bool(reviews.get("require_code_owner_reviews")),
            "required_approving_review_count": int(reviews.get("required_approving_review_count", 1)),
            "require_last_push_approval": bool(reviews.get("require_last_push_approval")),
        }
    shown["required_signatures"] = {"url": f"{address}/required_signatures", "enabled": False}
    shown["enforce_admins"] = {"url": f"{address}/enforce_admins", "enabled": bool(settings.get("enforce_admins"))}
    return {**shown, **{name: {"enabled": bool(settings.get(name))} for name in _SWITCHES}}


@route("GET", _PROTECTION, "branches/branch-protection#get-branch-protection", _READ)
def get_protection(call: Call) -> Response:
    """Return a branch's protection."""
    return Response.json(200, _shown_protection(call, _protection(call)))


@route("PUT", _PROTECTION, "branches/branch-protection#update-branch-protection", _WRITE)
def put_protection(call: Call) -> Response:
    """Protect a branch. Four fields must be there, null or not."""
    name, it = call.parameters["branch"], call.repository
    if not call.bare.branch(name):
        raise ApiError(404, "Branch not found")
    settings = call.parsed(Settings).model_dump(mode="json", exclude_none=True)
    it.protections = [old for old in it.protections if old.branch != name or old.message]
    protection = Protection(branch=name, settings=settings)
    it.protections.append(protection)
    return Response.json(200, _shown_protection(call, protection))


@route("DELETE", _PROTECTION, "branches/branch-protection#delete-branch-protection", _WRITE)
def delete_protection(call: Call) -> Response:
    """Take a branch's protection away."""
    call.repository.protections.remove(_protection(call))
    return Response.empty()


def _shown_ruleset(call: Call, ruleset: Ruleset) -> Json:
    it = call.repository
    return {
        "id": ruleset.id,
        "name": ruleset.name,
        "target": ruleset.target,
        "source_type": "Repository",
        "source": it.full_name,
        "enforcement": ruleset.enforcement,
        "node_id": node_id("RRS", ruleset.id),
        "bypass_actors": ruleset.bypass_actors,
        "current_user_can_bypass": "always" if ruleset.bypass_actors and call.role == "admin" else "never",
        "conditions": {"ref_name": {"include": ruleset.include, "exclude": ruleset.exclude}},
        "rules": ruleset.rules,
        "created_at": ruleset.created_at,
        "updated_at": ruleset.updated_at,
        "_links": {
            "self": {"href": f"{call.urls.repository(it)}/rulesets/{ruleset.id}"},
            "html": {"href": f"{call.urls.html(it)}/rules/{ruleset.id}"},
        },
    }


def _ruleset(call: Call) -> Ruleset:
    found = next((it for it in call.repository.rulesets if str(it.id) == call.parameters["ruleset_id"]), None)
    if found is None:
        raise not_found()
    return found


def _fields(body: RulesetBody) -> Json:
    """Return a ruleset's fields. Raises ApiError 422 for rules that this server would not enforce."""
    unknown = [rule.type for rule in body.rules if rule.type not in RULE_TYPES]
    if unknown:
        refused = [f"Invalid rule '{name}': not enforced by this server" for name in unknown]
        raise ApiError(422, "Validation Failed", refused)
    shown = body.model_dump(mode="json", exclude_none=True)
    return {**shown.pop("conditions")["ref_name"], **shown}


@route("POST", _RULESETS, "repos/rules#create-a-repository-ruleset", _WRITE, creates=True)
def create_ruleset(call: Call) -> Response:
    """Make a ruleset."""
    fields = _fields(call.parsed(RulesetBody))
    if any(it.name == fields["name"] for it in call.repository.rulesets):
        raise ApiError(422, "Validation Failed", ["Name must be unique"])
    ruleset = Ruleset(id=call.store.new_id(), **fields)
    call.repository.rulesets.append(ruleset)
    return Response.json(201, _shown_ruleset(call, ruleset))


@route("GET", _RULESETS + "/{ruleset_id}", "repos/rules#get-a-repository-ruleset")
def get_ruleset(call: Call) -> Response:
    """Return a ruleset."""
    return Response.json(200, _shown_ruleset(call, _ruleset(call)))


@route("PUT", _RULESETS + "/{ruleset_id}", "repos/rules#update-a-repository-ruleset", _WRITE)
def update_ruleset(call: Call) -> Response:
    """Change a ruleset: the fields that are sent."""
    ruleset = _ruleset(call)
    call.body.setdefault("name", ruleset.name)
    call.body.setdefault("enforcement", ruleset.enforcement)
    sent = set(call.body) | ({"include", "exclude"} if "conditions" in call.body else set())
    for name, value in _fields(call.parsed(RulesetBody)).items():
        if name in sent:
            setattr(ruleset, name, value)
    ruleset.updated_at = now()
    return Response.json(200, _shown_ruleset(call, ruleset))


@route("DELETE", _RULESETS + "/{ruleset_id}", "repos/rules#delete-a-repository-ruleset", _WRITE)
def delete_ruleset(call: Call) -> Response:
    """Take a ruleset away."""
    call.repository.rulesets.remove(_ruleset(call))
    return Response.empty()
