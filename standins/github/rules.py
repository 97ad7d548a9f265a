"""Branch protections and rulesets, brought into one form that the push hook and REST both judge by."""

from __future__ import annotations

from typing import Any

from standins.github.messages import ApiError, Json
from standins.github.model import Protection, Repository, Role, Ruleset
from standins.github.push_hook import applies, violations

PULL_REQUEST = "Changes must be made through a pull request."
ABOUT_PROTECTION = "https://docs.github.com/articles/about-protected-branches"
NO_FORCE = "Cannot force-push to this branch"
NO_DELETE = "Cannot delete this branch"
LINEAR = "This branch must not contain merge commits."
_SIMPLE = {
    "creation": ("create", "Cannot create ref due to creations being restricted."),
    "update": ("update", "Cannot update this protected ref."),
    "deletion": ("delete", NO_DELETE),
    "non_fast_forward": ("force", NO_FORCE),
    "required_linear_history": ("merge", LINEAR),
    "required_signatures": ("update", "Commits must have verified signatures."),
    "pull_request": ("update", PULL_REQUEST),
}
RULE_TYPES = frozenset([*_SIMPLE, "required_status_checks"])


def _checks(names: list[str]) -> str:
    if len(names) == 1:
        return f'Required status check "{names[0]}" is expected.'
    return f"{len(names)} of {len(names)} required status checks are expected."


def _switch(settings: Json, name: str) -> bool:
    value = settings.get(name)
    return bool(value.get("enabled")) if isinstance(value, dict) else bool(value)


def _protection(protection: Protection, role: Role) -> list[Json]:
    settings = protection.settings
    base = {"code": "GH006", "include": [f"refs/heads/{protection.branch}"], "exclude": []}
    always: dict[str, list[str]] = {}
    if not _switch(settings, "allow_force_pushes"):
        always["force"] = [NO_FORCE]
    if not _switch(settings, "allow_deletions"):
        always["delete"] = [NO_DELETE]
    update = []
    if _switch(settings, "lock_branch"):
        update.append("Cannot change this locked branch")
    if settings.get("required_pull_request_reviews"):
        update.append(PULL_REQUEST)
    contexts = status_contexts(settings)
    if contexts:
        update.append(_checks(contexts))
    if settings.get("restrictions"):
        update.append(f"You're not authorized to push to this branch. Visit {ABOUT_PROTECTION} for more information.")
    if protection.message:
        update.append(protection.message)
    deny: dict[str, list[str]] = {"update": update}
    if _switch(settings, "required_linear_history"):
        deny["merge"] = [LINEAR]
    bypass = role == "admin" and not _switch(settings, "enforce_admins")
    return [{**base, "deny": always, "bypass": False}, {**base, "deny": deny, "bypass": bypass}]


def status_contexts(settings: Json) -> list[str]:
    """Return the names of the checks that a protection requires."""
    wanted = settings.get("required_status_checks") or {}
    return [*wanted.get("contexts", []), *(check["context"] for check in wanted.get("checks", []))]


def _patterns(names: list[str], repository: Repository, target: str) -> list[str]:
    kind = "refs/tags" if target == "tag" else "refs/heads"
    known = {"~ALL": f"{kind}/**", "~DEFAULT_BRANCH": f"refs/heads/{repository.default_branch}"}
    return [known.get(name) or (name if name.startswith("refs/") else f"{kind}/{name}") for name in names]


def _ruleset(ruleset: Ruleset, repository: Repository, role: Role) -> Json:
    deny: dict[str, list[str]] = {}
    for rule in ruleset.rules:
        if rule["type"] == "required_status_checks":
            wanted = rule.get("parameters", {}).get("required_status_checks", [])
            deny.setdefault("update", []).append(_checks([check["context"] for check in wanted]))
        else:
            action, sentence = _SIMPLE[rule["type"]]
            deny.setdefault(action, []).append(sentence)
    if ruleset.message:
        deny = {"update": [ruleset.message]}
    administrators = ("OrganizationAdmin", "RepositoryRole")
    bypass = role == "admin" and any(actor.get("actor_type") in administrators for actor in ruleset.bypass_actors)
    return {
        "code": "GH013",
        "include": _patterns(ruleset.include, repository, ruleset.target),
        "exclude": _patterns(ruleset.exclude, repository, ruleset.target),
        "deny": deny,
        "bypass": bypass,
    }


def rules_for(repository: Repository, role: Role) -> list[Json]:
    """Return the rules in force for somebody of that role, in the push hook's form."""
    found = [rule for protection in repository.protections for rule in _protection(protection, role)]
    active = [ruleset for ruleset in repository.rulesets if ruleset.enforcement == "active"]
    return [*found, *(_ruleset(ruleset, repository, role) for ruleset in active)]


def is_protected(repository: Repository, branch: str) -> bool:
    """Tell whether any rule is about the branch."""
    return any(applies(rule, f"refs/heads/{branch}") for rule in rules_for(repository, "none"))


def refuse_violation(
    repository: Repository,
    role: Role,
    ref: str,
    actions: list[str],
    *,
    status: int,
    prefix: str = "",
    merging: bool = False,
) -> None:
    """Raise ApiError when a change of a ref by REST violates a rule; a merge is itself a pull request."""
    for rule in rules_for(repository, role):
        if rule["bypass"] or not applies(rule, ref):
            continue
        sentences: list[Any] = [
            sentence for sentence in violations(rule, actions) if not (merging and sentence == PULL_REQUEST)
        ]
        if not sentences:
            continue
        if rule["code"] == "GH006":
            raise ApiError(status, prefix + "\n".join(sentences), documentation=ABOUT_PROTECTION)
        raise ApiError(status, "Repository rule violations found\n\n" + "\n\n".join(sentences) + "\n\n")
