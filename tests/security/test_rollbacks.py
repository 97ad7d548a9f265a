"""A rollback must not fail because the settings have become narrower, and gives nobody what they do not name.

That a stack rolls back is CloudFormation's word; what it had before is only told by the event.
"""

from __future__ import annotations

from typing import Any

import pytest

from custom_resources.actions_configuration import ActionsConfiguration, ActionsConfigurationProperties
from custom_resources.actions_configuration import Observed as ConfigurationObserved
from custom_resources.clients import FunctionClients
from custom_resources.clients.github import Repository
from custom_resources.errors import OrganizationChanged, OrganizationNotAllowed, SecretNotListed, VisibilityNotAllowed
from custom_resources.github_repository import GitHubRepository
from custom_resources.reconciler import Request
from custom_resources.repository_plan import GitHubRepositoryProperties, Observed, Plan

UPDATE, BACK = "UPDATE_IN_PROGRESS 1", "UPDATE_ROLLBACK_IN_PROGRESS 1"
REPOSITORY: dict[str, Any] = {
    "organization": "acme",
    "name": "build",
    "part": "model_build",
    "domain_id": "d1",
    "project_id": "p1",
}


def planned(old: dict[str, str], new: dict[str, str], found: str, operation: str, physical_id: str = "7") -> Plan:
    """Plan an update while the settings permit private repositories of acme only; `found` is what GitHub tells."""
    resource = GitHubRepository(FunctionClients({"ALLOWED_VISIBILITIES": "private", "ALLOWED_ORGANIZATIONS": "acme"}))
    typed = [GitHubRepositoryProperties(**{**REPOSITORY, **values}) for values in (new, old)]
    request = Request("Update", typed[0], typed[1], physical_id, "stack", "BuildRepository", operation=operation)
    there = Repository(7, "acme/build", "", "", "main", "", False, True, found)
    return resource.plan(request, Observed(there if physical_id == "7" else None))


@pytest.mark.parametrize("visibility", ["public", "internal"])
def test_a_rollback_keeps_what_the_repository_still_has(visibility: str) -> None:
    back = planned({"visibility": "private"}, {"visibility": visibility}, visibility, BACK)
    assert (back.action, back.changes) == ("keep", {})


@pytest.mark.parametrize("visibility", ["public", "internal"])
def test_no_rollback_makes_a_repository_what_the_settings_do_not_name(visibility: str) -> None:
    """An honest one neither: it succeeds, and the repository stays as narrow as the administrator wants it."""
    back = planned({"visibility": "private"}, {"visibility": visibility}, "private", BACK)
    assert (back.action, back.changes) == ("keep", {})
    with pytest.raises(VisibilityNotAllowed):
        planned({"visibility": "private"}, {"visibility": visibility}, "private", UPDATE)


def test_a_rollback_brings_back_what_the_settings_name() -> None:
    assert planned({"visibility": "public"}, {"visibility": "private"}, "public", BACK).changes == {
        "visibility": "private"
    }


def test_a_rollback_from_another_organization_stays_where_the_repository_is() -> None:
    assert planned({"organization": "other"}, {}, "private", BACK).action == "keep"
    for operation in (BACK, UPDATE):
        with pytest.raises(OrganizationChanged):
            planned({}, {"organization": "other"}, "private", operation)


def test_no_rollback_creates_where_the_settings_do_not_allow_it() -> None:
    """A resource that CloudFormation knows by no id would be made anew, wherever the event says."""
    with pytest.raises(OrganizationNotAllowed):
        planned({}, {"organization": "other"}, "", BACK, "other/build")


def configured(old: dict[str, str], new: dict[str, str], operation: str) -> dict[str, str]:
    """Return the references whose secrets an update reads; the settings list the secret `listed` as A."""
    resource = ActionsConfiguration(FunctionClients({"SECRET_REFERENCES": "A=listed"}))
    typed = [
        ActionsConfigurationProperties(repository_id=7, repository="acme/build", secret_references=values)
        for values in (new, old)
    ]
    request = Request("Update", typed[0], typed[1], "configuration", "stack", "BuildConfiguration", operation=operation)
    plan = resource.plan(request, ConfigurationObserved("acme/build"))
    assert plan.secrets_removed == (), "what the repository has stays"
    return dict(plan.references)


def test_a_rollback_reads_no_secret_that_the_settings_do_not_list() -> None:
    assert configured({"A": "listed"}, {"A": "payroll"}, BACK) == {}
    assert configured({"A": "payroll"}, {"A": "listed"}, BACK) == {"A": "listed"}
    with pytest.raises(SecretNotListed):
        configured({"A": "listed"}, {"A": "payroll"}, UPDATE)
