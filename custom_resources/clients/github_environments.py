"""GitHub's deployment environments. They are made with their rules, and not changed afterwards."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import quote

from github.GithubException import GithubException

from custom_resources.clients.github_answers import promised, whole
from custom_resources.clients.github_connection import Connection
from custom_resources.clients.github_errors import WAIT_SECONDS, is_limited, said
from custom_resources.errors import EnvironmentRulesRefused, NotSeenYet


def environments(connection: Connection, full_name: str) -> dict[str, bool]:
    """Return the names, in lower case as GitHub compares them, with whether each is for some branches only.

    (GET /repos/{owner}/{repo}/environments)
    """
    activity = f"listing the environments of {full_name}"
    _, data = connection.find(activity, f"/repos/{full_name}/environments?per_page=100")
    if data is None:  # a GitHub without environments, or a replica without the repository
        _require_settled(connection, full_name)
        return {}
    with whole(activity):
        return {
            promised(each, "name").lower(): bool(each.get("deployment_branch_policy")) for each in data["environments"]
        }


def _require_settled(connection: Connection, full_name: str) -> None:
    """Raise NotSeenYet while it may be the repository that is not seen, and not its environments that are missing."""
    if connection.replicas.recent and not connection.replicas.has_written_to(full_name):
        raise NotSeenYet(WAIT_SECONDS, why=f"the environments of {full_name} are not visible")


def create_environment(
    connection: Connection, full_name: str, name: str, branch: str, reviewers: Sequence[tuple[str, int]]
) -> None:
    """Create an environment that only jobs on `branch` can use. Two requests; one where GitHub refuses.

    On a plan that lacks a rule, GitHub answers 422 ("ensure the billing plan supports ..."), older ones and Enterprise
    Servers 404, and for other rules of branches 403 ("Upgrade to GitHub Pro"): terraform-provider-github issue 1311,
    backstage issue 28977. Raises EnvironmentRulesRefused.
    """
    path = f"/repos/{full_name}/environments/{quote(name, safe='')}"
    rules = {
        "deployment_branch_policy": {"protected_branches": False, "custom_branch_policies": True},
        "reviewers": [{"type": kind, "id": number} for kind, number in reviewers] or None,
    }
    with connection.translated(f"creating the environment {name} of {full_name}"):
        try:
            connection.request("PUT", path, rules)
            connection.request("POST", f"{path}/deployment-branch-policies", {"name": branch, "type": "branch"})
        except GithubException as error:
            message = said(error)
            if error.status == 303:  # an earlier try had come so far
                return
            if is_limited(error):  # some are 422, too
                raise
            if error.status == 404:
                _require_settled(connection, full_name)
            if error.status not in (404, 422) and not (error.status == 403 and "upgrade" in message.lower()):
                raise
            raise EnvironmentRulesRefused(environment=name, repository=full_name, message=message) from None
