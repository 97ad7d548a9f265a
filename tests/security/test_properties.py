"""Every property of the product's custom resources: what ties it to the stack, or why a made-up one does no harm.

An event's properties are chosen by whoever may invoke a function. A property that is not in this table fails the test.
"""

from __future__ import annotations

import importlib

import pytest

from custom_resources.catalogue import CATALOGUE

LAUNCHES, OWN, ADOPTION, ROLLBACKS = (
    f"tests.security.test_{name}" for name in ("launches", "own_events", "adoption", "rollbacks")
)
# What holds a property that can name something outside the stack, with the test that shows it.
TIES = {
    "the stack's project": (LAUNCHES, "test_a_direct_invocation_gets_no_further_than_its_own_stack"),
    "the stack's repository": (LAUNCHES, "test_a_direct_invocation_gets_no_further_than_its_own_stack"),
    "the repository's name": (OWN, "test_a_creation_reaches_no_repository_but_the_stacks_own"),
    "the stack's parameters": (OWN, "test_what_studio_is_said_to_have_told_is_the_stacks_parameter"),
    "Studio's connection": (ADOPTION, "test_a_connection_that_only_an_event_tells_is_no_consent"),
    "the repository's consent": (ADOPTION, "test_another_teams_repository_is_not_taken_over"),
    "the settings' organizations": (ADOPTION, "test_an_event_cannot_leave_the_organizations_of_the_settings"),
    "the settings' visibilities": (ROLLBACKS, "test_no_rollback_makes_a_repository_what_the_settings_do_not_name"),
    "the settings' secrets": (LAUNCHES, "test_readable_secrets_are_copied_where_the_settings_say"),
    "the settings' lists": (LAUNCHES, "test_an_update_reaches_no_more_than_a_launch"),
}
# What does no harm: it is about the stack's own repository or project, or only in the answer, which the caller gets
# and CloudFormation does not (docs/decisions/0070).
OWN_REPOSITORY, ANSWER = "the own repository", "the answer alone"
OWN_FILE = "a name in the project's own project.json"
PUBLISHED = "a published template, for the own repository"
PROJECT = dict.fromkeys(("domain_id", "project_id"), "the stack's project")
REPOSITORY = {
    "repository_id": "the stack's repository",
    "repository": "the repository's name",
    "name_proof": "the repository's name",
}
TABLE: dict[str, dict[str, str]] = {
    "StudioProject": {
        **PROJECT,
        **dict.fromkeys(("user_role_arn", "project_bucket", "connected_repository"), "the stack's parameters"),
        **dict.fromkeys(("glue_database", "deploy_account"), "the settings' lists"),
        "glue_table": OWN_FILE,
        **dict.fromkeys(
            (
                "project_name",
                "profile_name",
                "profile_folder",
                "profile_folders",
                "template_archive",
                "classic_execution_roles",
                "scope_name",
                "mlflow_tracking_uri",
                "organization",
                "build_repository_name",
                "repository_names",
                "adopt_existing",
                "retain_on_failure",
            ),
            ANSWER,
        ),
    },
    "GitHubRepository": {
        **PROJECT,
        "organization": "the settings' organizations",
        "visibility": "the settings' visibilities",
        **dict.fromkeys(("name", "alternative_name", "adopt_existing"), "the repository's consent"),
        **dict.fromkeys(("connected_repository", "connected_since", "connection_proof"), "Studio's connection"),
        **dict.fromkeys(
            (
                "part",
                "project_name",
                "topics",
                "default_branch",
                "secret_reference_names",
                "secret_names",
                "variable_names",
                "retain_on_failure",
            ),
            OWN_REPOSITORY,
        ),
    },
    "RepositoryTemplate": {
        **PROJECT,
        **REPOSITORY,
        **dict.fromkeys(("default_branch", "part", "sync_mode", "adopt_existing", "retain_on_failure"), OWN_REPOSITORY),
        **dict.fromkeys(
            ("template_archive", "template_version", "template_folder", "template_source", "template_notes"), PUBLISHED
        ),
        **dict.fromkeys(("pull_request_labels", "pull_request_assignees", "pull_request_reviewers"), OWN_REPOSITORY),
    },
    "ActionsConfiguration": {
        **REPOSITORY,
        "secret_references": "the settings' secrets",
        **dict.fromkeys(
            (
                "secrets",
                "variables",
                "rotate_secrets",
                "environments",
                "reviewers",
                "default_branch",
                "repository_status",
                "retain_on_failure",
            ),
            OWN_REPOSITORY,
        ),
    },
}


@pytest.mark.parametrize("entry", [each for each in CATALOGUE if each.in_product], ids=lambda entry: entry.class_name)
def test_every_property_is_tied_or_harmless(entry: object) -> None:
    table, properties = TABLE[entry.class_name], entry.load().properties  # type: ignore[attr-defined]
    assert set(table) == set(properties.model_fields)
    assert set(table.values()) <= {*TIES, OWN_REPOSITORY, OWN_FILE, ANSWER, PUBLISHED}


@pytest.mark.parametrize("tie", list(TIES))
def test_every_tie_has_its_test(tie: str) -> None:
    module, test = TIES[tie]
    assert callable(getattr(importlib.import_module(module), test))
    assert any(tie in table.values() for table in TABLE.values())
