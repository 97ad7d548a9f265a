"""How deployment environments look in GitHub's answers."""

from __future__ import annotations

from standins.github import shapes
from standins.github.messages import Json
from standins.github.model import Environment, Repository, Reviewer, Team
from standins.github.pull_shapes import team
from standins.github.urls import Urls, node_id


def environment(urls: Urls, it: Repository, found: Environment) -> Json:
    """Return a deployment environment with its rules."""
    rules: list[Json] = []
    if found.wait_timer:
        rules.append({"type": "wait_timer", "wait_timer": found.wait_timer})
    if found.reviewers:
        reviewers = [{"type": each.type, "reviewer": _reviewer(urls, it, each)} for each in found.reviewers]
        rules.append({"type": "required_reviewers", "prevent_self_review": False, "reviewers": reviewers})
    if found.branch_policy:
        rules.append({"type": "branch_policy"})
    numbered = [{"id": found.id + n, "node_id": node_id("GA", found.id + n), **rule} for n, rule in enumerate(rules)]
    custom = found.branch_policy == "custom"
    return {
        "id": found.id,
        "node_id": node_id("EN", found.id),
        "name": found.name,
        "url": f"{urls.repository(it)}/environments/{found.name}",
        "html_url": f"{urls.html(it)}/deployments/activity_log?environments_filter={found.name}",
        "created_at": found.created_at,
        "updated_at": found.updated_at,
        "can_admins_bypass": True,
        "protection_rules": numbered,
        "deployment_branch_policy": {"protected_branches": not custom, "custom_branch_policies": custom}
        if found.branch_policy
        else None,
    }


def _reviewer(urls: Urls, it: Repository, who: Reviewer) -> Json:
    if who.type == "User":
        return shapes.account(urls, f"user-{who.id}", who.id)
    return team(urls, it, f"team-{who.id}", Team(id=who.id))


def branch_policy(number: int, name: str) -> Json:
    """Return a branch that may deploy to an environment."""
    return {"id": number, "node_id": node_id("GB", number), "name": name, "type": "branch"}
