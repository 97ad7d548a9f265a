"""The IAM half of the product: the roles of a project's workflows, and the project role's access to its files."""

from __future__ import annotations

import json
from typing import Any

from aws_cdk import Aws, CustomResource, Fn, Stack
from aws_cdk import aws_iam as iam
from constructs import Construct

from products.errors import TrustPolicyTooLong
from products.functions import in_own_account
from products.settings import GITHUB_ISSUER, PRODUCTION, Settings
from products.workflow_permissions import Scene, artifact_statements, production_statements, workflow_statements

_TRUST_LENGTH = 2048  # IAM's quota for a role's trust policy, without white space
# GitHub's default subject has three colons, and it writes one in a name as %3A: more parts are a subject that a
# repository's administrator has customized, of claims whose values he chooses.
_CUSTOMIZED = "*:*:*:*:*"


class Repository:
    """A project's repository while the template is built."""

    def __init__(self, part: str, resource: CustomResource, adopt: str) -> None:
        """`part` is Build or Deploy, `resource` its Custom::GitHubRepository, `adopt` whether it may exist already."""
        self.part = part
        self.adopt = adopt
        self.id = resource.get_att_string("RepositoryId")
        self.full_name = resource.get_att_string("FullName")
        self.name_proof = resource.get_att_string("NameProof")
        self.default_branch = resource.get_att_string("DefaultBranch")
        self.status = resource.get_att_string("Status")
        self.template: CustomResource = resource  # replaced by its Custom::RepositoryTemplate


def subjects(repository: Repository, contexts: list[str]) -> list[str]:
    """Return the subjects (`sub`) of the identity tokens that a repository's jobs have in the contexts.

    Repositories made or renamed since July 2026 have GitHub's immutable form, `repo:OWNER@ID/NAME@ID:...`; older
    ones, and those on GitHub Enterprise Server, have `repo:OWNER/NAME:...`. Names cannot hold an `@`, and GitHub writes
    a `:` in a branch or environment as `%3A`, so that owner and repository id say it all: the rest, which a rename may
    change, is left open, and the policy stays below IAM's limit.
    """
    owner = Fn.select(0, Fn.split("/", repository.full_name))
    forms = [
        ["repo:", repository.full_name],
        ["repo:", owner, "@*@", repository.id],
    ]
    return [Fn.join("", [*form, context]) for form in forms for context in contexts]


def _branch(name: str) -> str:
    return f":ref:refs/heads/{name}"


def _environment(name: str) -> str:
    return f":environment:{name}"


def _conditions(settings: Settings, trusted: list[str], repository_ids: list[str]) -> dict[str, Any]:
    """Return when an identity token is trusted: for us, of such a subject as GitHub makes it, of these repositories.

    STS tells the repository's id, which no rename, transfer or customized subject changes, for GitHub's own issuer
    (IAM user guide, "Available keys for AWS OIDC federation"), in commercial regions: elsewhere the key is absent
    (docs/studio.md, A31).
    """
    issuer = settings.github.oidc_issuer
    told = issuer == GITHUB_ISSUER or issuer.startswith(f"{GITHUB_ISSUER}/")
    return {
        "StringEquals": {f"{issuer}:aud": "sts.amazonaws.com"},
        "StringLike": {f"{issuer}:sub": trusted},
        "StringNotLike": {f"{issuer}:sub": _CUSTOMIZED},
        **({"StringEqualsIfExists": {f"{issuer}:repository_id": repository_ids}} if told else {}),
    }


def _require_short_trust(settings: Settings) -> None:
    """Refuse more environments than a trust policy has room for, with repositories named as a launch names them."""
    organization = settings.git_config.private_github_organization or "o" * 20
    names = [f"{organization}/1a2b3c4d5e6f7g-dzd_1a2b3c4d5e6f7g-{part}-repo" for part in ("build", "deploy")]
    contexts = [_branch("main"), *map(_environment, settings.workflow_role.others)]
    forms = [form for name in names for form in (f"repo:{name}", f"repo:{organization}@*@{'1' * 10}")]
    trusted = [f"{form}{context}" for form in forms for context in contexts]
    document = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Action": "sts:AssumeRoleWithWebIdentity",
                "Condition": _conditions(settings, trusted, ["1" * 10] * 2),
                "Effect": "Allow",
                "Principal": {"Federated": f"arn:aws:iam::{'1' * 12}:oidc-provider/{settings.github.oidc_issuer}"},
            }
        ],
    }
    length = len(json.dumps(document, separators=(",", ":")))
    if length > _TRUST_LENGTH:
        raise TrustPolicyTooLong(count=len(settings.workflow_role.environments), length=length, limit=_TRUST_LENGTH)


def provider_arn(settings: Settings) -> str:
    """Return the ARN of the account's identity provider for GitHub Actions."""
    return settings.github.oidc_provider_arn or (
        f"arn:{Aws.PARTITION}:iam::{Aws.ACCOUNT_ID}:oidc-provider/{settings.github.oidc_issuer}"
    )


def shipped_boundary_arn(settings: Settings) -> str:
    """Return the ARN of the boundary that we ship for the workflows' roles."""
    return f"arn:{Aws.PARTITION}:iam::{Aws.ACCOUNT_ID}:policy/{settings.workflow_boundary_name}"


class WorkflowRoles:
    """The roles that only the project's two repositories can assume, for only the project's things."""

    def __init__(
        self,
        scope: Construct,
        settings: Settings,
        project: CustomResource,
        project_id: str,
        *,
        domain_id: str,
        repositories: list[Repository],
    ) -> None:
        """Create the workflow role and, if the settings name the environment, production's. Raises SettingsError."""
        _require_short_trust(settings)
        self._scope = scope
        self._settings = settings
        self._boundary = iam.ManagedPolicy.from_managed_policy_arn(
            scope, "WorkflowRoleBoundary", in_own_account(settings, settings.boundary) or shipped_boundary_arn(settings)
        )
        scene = Scene(Stack.of(scope), settings, project, project_id, domain_id)
        others = [_environment(each) for each in settings.workflow_role.others]
        self.workflow = self._role(
            "WorkflowRole",
            # IAM's names are the account's: the project's id keeps them apart.
            Fn.join("", [settings.workflow_role_prefix, project_id]),
            "GitHub workflows of a SageMaker Unified Studio project",
            {each: [_branch(each.default_branch), *others] for each in repositories},
            workflow_statements(scene),
        )
        self.production: iam.Role | None = None
        if settings.workflow_role.has_production:
            self.production = self._role(
                "ProductionRole",
                Fn.join("", [settings.production_role_prefix, project_id]),
                "Production deployments of a SageMaker Unified Studio project",
                {each: [_environment(PRODUCTION)] for each in repositories if each.part == "Deploy"},
                production_statements(scene),
            )

    def _role(
        self,
        logical_id: str,
        name: str,
        description: str,
        trusted: dict[Repository, list[str]],
        statements: list[iam.PolicyStatement],
    ) -> iam.Role:
        """Return a role that the repositories' jobs in their contexts assume."""
        conditions = _conditions(
            self._settings,
            [subject for repository, contexts in trusted.items() for subject in subjects(repository, contexts)],
            [repository.id for repository in trusted],
        )
        role = iam.Role(
            self._scope,
            logical_id,
            role_name=name,
            description=description,
            assumed_by=iam.WebIdentityPrincipal(provider_arn(self._settings), conditions),
            permissions_boundary=self._boundary,
            inline_policies={"project": iam.PolicyDocument(statements=statements)},
        )
        role.node.default_child.override_logical_id(logical_id)  # type: ignore[union-attr]
        return role


def execution_role_policy(
    scope: Construct, settings: Settings, project: CustomResource, project_id: str, domain_id: str
) -> iam.CfnPolicy:
    """Give the project's role its files, and its models; the policy goes with the stack."""
    scene = Scene(Stack.of(scope), settings, project, project_id, domain_id)
    return iam.CfnPolicy(
        scope,
        "ExecutionRolePolicy",
        policy_name=Fn.join("-", [settings.prefix, project_id, "artifacts"]),
        roles=[project.get_att_string("ExecutionRoleName")],
        policy_document=iam.PolicyDocument(statements=[*artifact_statements(scene), *scene.models()]),
    )
