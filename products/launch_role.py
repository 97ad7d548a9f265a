"""What Service Catalog's launches may do: the product's stacks, functions and roles, nothing besides."""

from __future__ import annotations

from aws_cdk import Stack
from aws_cdk import aws_iam as iam

from products.functions import behind_providers, function_arn, provider_name, statement
from products.settings import Settings


def launch_role_statements(stack: Stack, settings: Settings) -> list[iam.PolicyStatement]:
    """Return the statements of the launch role."""
    providers = [
        function_arn(stack, provider_name(settings, entry)) for entry in behind_providers() if entry.in_product
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

    workflow_roles = role(f"{settings.workflow_role_prefix}*")
    boundary = settings.permissions_boundary
    bounded = {"StringEquals": {"iam:PermissionsBoundary": boundary}} if boundary else {}
    return [
        statement(
            ["iam:CreateRole", "iam:PutRolePolicy", *(["iam:PutRolePermissionsBoundary"] if bounded else [])],
            [workflow_roles],
            **bounded,
        ),
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
            [workflow_roles],
        ),
        *_project_role_statements(stack, settings),
    ]


def _project_role_statements(stack: Stack, settings: Settings) -> list[iam.PolicyStatement]:
    """Return access to the project roles' inline policies, where launches write one; without that, only its end.

    Launched projects lose the policy with their next update, or their deletion, after the setting was switched off.
    """
    roles = [
        pattern
        if pattern.startswith("arn:")
        else stack.format_arn(service="iam", region="", resource="role", resource_name=pattern)
        for pattern in settings.workflow_role.execution_roles
    ]
    writes = ["iam:PutRolePolicy"] if settings.workflow_role.grant_execution_role_files else []
    return [statement([*writes, "iam:GetRolePolicy", "iam:DeleteRolePolicy"], roles)]
