"""Every setting, switched: what an administrator may change between two deployments, one thing at a time."""

from __future__ import annotations

from typing import Any

ACCOUNT = "123456789012"
# Everything on that one account can have. Keys as settings.toml has them, tables by dots.
EVERYTHING: dict[str, Any] = {
    "notification_email": "platform@example.com",
    "git_config.private_github_organization": "acme-ml",
    "portfolio.principals": [f"arn:aws:iam::{ACCOUNT}:role/DataScientist"],
    "portfolio.principal_patterns": ["arn:aws:iam:::role/MlTeam*"],
    "portfolio.tag_options": {"cost_center": ["1234"]},
    "profile_folders": {"Tabular models": "regression"},
    "secret_references": {"MLFLOW_TOKEN": f"arn:aws:secretsmanager:us-east-1:{ACCOUNT}:secret:mlflow-AbCdEf"},
    "variables": {"MODEL_REGION": "eu-west-1"},
    "workflow_role.environments": ["staging", "production"],
    "studio.domain_id": "dzd_1a2b3c",
    "studio.profiles": ["Regression"],
    "studio.own_profiles": {"Tabular models": {"groups": ["ml-team"]}},
    "studio.project_setup.profiles": ["By event"],
    "studio.model_approval.enabled": True,
}
NO_STUDIO: dict[str, Any] = {
    "studio.domain_id": "",
    "studio.profiles": [],
    "studio.own_profiles": {},
    "studio.project_setup.profiles": [],
    "studio.model_approval.enabled": False,
}
_SERVER = {
    "github.api_url": "https://github.example.com/api/v3",
    "github.server_url": "https://github.example.com",
    "github.oidc_issuer": "github.example.com/_services/token",
}
_PROVIDER = f"arn:aws:iam::{ACCOUNT}:oidc-provider"
# name -> what it changes in EVERYTHING. Each is compared there and back.
SWITCHES: dict[str, dict[str, Any]] = {
    # -- what is on or off
    "studio": NO_STUDIO,
    "first door": {"studio.profiles": [], "studio.own_profiles": {}},
    "second door": {"studio.project_setup.profiles": []},
    "model approval": {"studio.model_approval.enabled": False},
    "an existing profile": {"studio.profiles": []},
    "a profile of our own": {"studio.own_profiles": {}},
    "a profile moves": {"studio.profiles": ["Tabular models"], "studio.own_profiles": {"Regression": {}}},
    "profiles change": {"studio.profiles": ["Clustering", "Regression"]},
    "profiles by event change": {"studio.project_setup.profiles": ["By event", "Forecasts"]},
    "tracing": {"xray": True},
    "notifications": {"notification_email": ""},
    "principals": {"portfolio.principals": [], "portfolio.principal_patterns": []},
    "another principal": {"portfolio.principals": [f"arn:aws:iam::{ACCOUNT}:role/{n}" for n in ("A", "DataScientist")]},
    "tag options": {"portfolio.tag_options": {}},
    "more tag options": {"portfolio.tag_options": {"cost_center": ["1", "1234"], "team": ["a"]}},
    "accounts": {"portfolio.share_accounts": ["210987654321"]},
    "organizations": {"portfolio.share_organizations": ["o-abcdefghij"]},
    "only launches": {**NO_STUDIO, "portfolio.launches_only": True, "portfolio.products": ["prod-shared"]},
    "a provider that exists": {"github.oidc_provider_arn": f"{_PROVIDER}/token.actions.githubusercontent.com"},
    "one role for all workflows": {"git_config.oidc_role_github_workflow": f"arn:aws:iam::{ACCOUNT}:role/Workflows"},
    "a boundary": {"permissions_boundary": [f"arn:aws:iam::{ACCOUNT}:policy/Boundary"]},
    "a former boundary": {"permissions_boundary": ["", f"arn:aws:iam::{ACCOUNT}:policy/Boundary"]},
    "a key of the domain": {"studio.domain_key_arn": f"arn:aws:kms:us-east-1:{ACCOUNT}:key/domain"},
    "classic": {"product.classic_execution_roles": [f"arn:aws:iam::{ACCOUNT}:role/Pipelines"]},
    "retained repositories": {"product.retain_on_failure": True},
    "no secret references": {"secret_references": {}},
    "no variables": {"variables": {}},
    "other variables": {"variables": {"MODEL_REGION": "us-east-1", "STAGE": "dev"}},
    "no profile folders": {"profile_folders": {}},
    "files for project roles": {"workflow_role.grant_execution_role_files": True},
    "pull requests": {
        "pull_requests.labels": ["template"],
        "pull_requests.assignees": ["octocat"],
        "pull_requests.reviewers": ["acme/ml-platform"],
    },
    "models for projects": {"workflow_role.bedrock_models": ["amazon.nova-lite-v1:0", "anthropic.claude-*"]},
    "no environments": {"workflow_role.environments": []},
    "reviewers": {"workflow_role.reviewers": {"production": ["team:7"]}},
    "who may launch": {"portfolio.project_roles_may_launch": True},
    "classic launches": {"product.classic": True},
    "direct launches": {"product.allow_direct_launches": True},
    "listed databases and accounts": {"product.glue_databases": ["glue_db"], "product.deploy_accounts": [ACCOUNT]},
    "adoption": {"adoption.repositories": ["acme/team-*"]},
    "public repositories": {"product.allowed_visibilities": ["private", "internal", "public"]},
    # -- what has another value
    "processor": {"architecture": "x86_64"},
    "retention": {"log_retention_days": 30},
    "log level": {"log_level": "DEBUG"},
    "another address for notifications": {"notification_email": "other@example.com"},
    "Enterprise Server": _SERVER,
    "an enterprise's issuer": {"github.oidc_issuer": "token.actions.githubusercontent.com/acme"},
    "a share of GitHub's limits": {"github.budget_share": 0.25},
    "organization": {"git_config.private_github_organization": "other"},
    "default branch": {"git_config.private_deploy_repo_default_branch": "trunk"},
    "token secret": {"git_config.github_token_secret_name": "other/token"},
    "portfolio": {"portfolio.name": "Other", "portfolio.provider": "Others", "portfolio.description": "Other."},
    "product": {
        "product.name": "other",
        "product.owner": "Others",
        "product.support_email": "support@example.com",
        "product.description": "Other.",
    },
    "defaults of a launch": {
        "product.visibility": "internal",
        "product.sync_mode": "PullRequest",
        "product.glue_database": "other",
        "product.glue_table": "other",
        "product.scope_name": "prod",
        "product.topics": ["other"],
        "product.repository_names": "ml-{project}-{part}-{id}",
    },
    "workflow role": {
        "workflow_role.artifact_access": "bucket",
        "workflow_role.execution_roles": ["Other_*"],
        "workflow_role.deploy_role": "Other",
    },
    "domain": {"studio.domain_id": "dzd_other"},
    "domain unit": {"studio.domain_unit_id": "unit1"},
    "organization of Studio": {"studio.organization": "other"},
    "blueprint": {"studio.blueprint_name": "Other"},
    "environment": {"studio.environment_name": "Other", "studio.deployment_order": 3},
    "regions": {"studio.regions": ["us-east-1", "eu-west-1"]},
    "data access": {"studio.manage_access_role_arn": f"arn:aws:iam::{ACCOUNT}:role/ManageAccess"},
    "approval's workflow": {"studio.model_approval.workflow": "other.yml"},
}
_PLACES = "An installation of several accounts has other stacks: it is a new one (docs/accounts.md)."
_SOURCE = "It is read when a version is published, and is in no stack."
# Settings that no switch changes, each with the reason.
NOT_SWITCHED = {
    "prefix": "It cannot change once a version is deployed: PrefixChanged (tests/synth/test_versions.py).",
    "studio.domain_account": _PLACES,
    "studio.domain_region": _PLACES,
    "accounts": _PLACES,
    "git_config.public_aiops_templates_org": _SOURCE,
    "git_config.public_repo_branch": _SOURCE,
    "git_config.specific_folders": _SOURCE,
    "template_source.repository": _SOURCE,
    "template_source.folder": _SOURCE,
    "template_source.token_secret_name": _SOURCE,
    "template_source.build": _SOURCE,
    "template_source.deploy": _SOURCE,
}


def document(changes: dict[str, Any]) -> dict[str, Any]:
    """Return EVERYTHING with the changes, as tables in tables."""
    tables: dict[str, Any] = {}
    for key, value in {**EVERYTHING, **changes}.items():
        *path, last = key.split(".")
        table = tables
        for step in path:
            table = table.setdefault(step, {})
        table[last] = value
    return tables
