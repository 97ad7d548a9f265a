"""What Service Catalog's launches may do: the product's stacks, functions and roles, nothing besides."""

from __future__ import annotations

from aws_cdk import Stack
from aws_cdk import aws_iam as iam

from products.functions import (
    behind_providers,
    execution_role_arns,
    function_arn,
    in_own_account,
    provider_name,
    statement,
)
from products.settings import Settings
from products.workflow_role import shipped_boundary_arn


def launch_role_statements(stack: Stack, settings: Settings) -> list[iam.PolicyStatement]:
    """Return the statements of the launch role."""
    providers = [
        function_arn(stack, provider_name(settings, entry)) for entry in behind_providers(settings) if entry.in_product
    ]
    return [
        *_stack_statements(stack),
        statement(["lambda:InvokeFunction"], providers),
        *_role_statements(stack, settings),
    ]


def _stack_statements(stack: Stack) -> list[iam.PolicyStatement]:
    return [
        statement(
            [
                "cloudformation:CreateStack",
                "cloudformation:UpdateStack",
                "cloudformation:DeleteStack",
                "cloudformation:DescribeStacks",
                "cloudformation:DescribeStackEvents",
                "cloudformation:DescribeStackResources",
                "cloudformation:GetTemplate",
                "cloudformation:SetStackPolicy",
                "cloudformation:CreateChangeSet",
                "cloudformation:ExecuteChangeSet",
                "cloudformation:DeleteChangeSet",
                "cloudformation:DescribeChangeSet",
                "cloudformation:ListChangeSets",
                "cloudformation:TagResource",
                "cloudformation:UntagResource",
            ],
            [stack.format_arn(service="cloudformation", resource="stack", resource_name="SC-*/*")],
        ),
        # Asked before there is a stack.
        statement(["cloudformation:GetTemplateSummary", "cloudformation:ValidateTemplate"], ["*"]),
        # Service Catalog's own copies of the templates.
        statement(["s3:GetObject"], ["*"], StringEquals={"s3:ExistingObjectTag/servicecatalog:provisioning": "true"}),
    ]


def _role_statements(stack: Stack, settings: Settings) -> list[iam.PolicyStatement]:
    """Return the life of the projects' workflow roles, and the project roles' access to the projects' files."""

    def role(name: str) -> str:
        return stack.format_arn(service="iam", region="", resource="role", resource_name=name)

    workflow_roles = [role(f"{settings.workflow_role_prefix}*"), role(f"{settings.production_role_prefix}*")]
    return [
        *_boundary_statements(settings, workflow_roles),
        statement(
            [
                "iam:GetRole",
                "iam:DeleteRole",
                "iam:UpdateRole",
                "iam:UpdateRoleDescription",
                "iam:UpdateAssumeRolePolicy",
                "iam:GetRolePolicy",
                "iam:DeleteRolePolicy",
                "iam:ListRolePolicies",
                "iam:ListAttachedRolePolicies",
                "iam:TagRole",
                "iam:UntagRole",
            ],
            workflow_roles,
        ),
        *_project_role_statements(stack, settings),
    ]


def _boundary_statements(settings: Settings, workflow_roles: list[str]) -> list[iam.PolicyStatement]:
    """Return who may be created and written to: roles with a boundary that the settings list, or with ours.

    IAM's key iam:PermissionsBoundary is the boundary that the request sets, else the one that the role has. An update
    from one boundary to another, and its rollback, write to the role under both (docs/decisions/0057, 0068).
    """
    listed = [in_own_account(settings, each) for each in settings.permissions_boundary]
    boundaries = [shipped_boundary_arn(settings), *(each for each in listed if each)]
    bounding, removing = "iam:PutRolePermissionsBoundary", "iam:DeleteRolePermissionsBoundary"
    writing = ["iam:CreateRole", "iam:PutRolePolicy"]
    bounded = statement([*writing, bounding], workflow_roles, StringEquals={"iam:PermissionsBoundary": boundaries})
    if "" not in listed:
        return [bounded]
    # Roles of older versions have none. A rollback to such a version takes the boundary off again.
    return [
        bounded,
        statement(writing, workflow_roles, Null={"iam:PermissionsBoundary": "true"}),
        statement([removing], workflow_roles),
    ]


def _project_role_statements(stack: Stack, settings: Settings) -> list[iam.PolicyStatement]:
    """Return access to the project roles' inline policies, where launches write one; without that, only its end.

    Launched projects lose the policy with their next update, or their deletion, after the setting was turned off.
    """
    roles = execution_role_arns(stack, settings)
    writes = ["iam:PutRolePolicy"] if settings.workflow_role.grant_execution_role_files else []
    return [statement([*writes, "iam:GetRolePolicy", "iam:DeleteRolePolicy"], roles)]
