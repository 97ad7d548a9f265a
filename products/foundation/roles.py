"""What a function's role allows: the catalogue's permissions, with the ARNs and conditions that they mean here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from aws_cdk import ArnFormat, DefaultStackSynthesizer, Stack
from aws_cdk import aws_iam as iam

from custom_resources.catalogue import Entry, On
from products.foundation.storage import Storage
from products.functions import execution_role_arns, statement
from products.settings import Settings

READABLE_TAG = "studio-mlops:readable"
PORTFOLIO_STACK = "PortfolioStack"
ADMIN_STACKS = (PORTFOLIO_STACK, "StudioStack*")  # their custom resources are not the product's


@dataclass(frozen=True)
class Place:
    """Where actions are allowed: ARNs (none: nowhere in this installation), and conditions by their operator."""

    arns: tuple[str, ...]
    conditions: Mapping[str, dict[str, str]] = field(default_factory=dict)


def statements(entry: Entry, stack: Stack, settings: Settings, storage: Storage) -> list[iam.PolicyStatement]:
    """Return what the catalogue permits an entry's function in `stack`, no more: one Allow statement a permission."""
    where = places(entry, stack, settings, storage)
    return [
        statement(permission.actions, where[permission.on].arns, **where[permission.on].conditions)
        for permission in entry.permissions
        if where[permission.on].arns
    ]


def domain_key_statements(settings: Settings) -> list[iam.PolicyStatement]:
    """Return the use of the domain's own key for a role that calls DataZone; nothing where the domain has none."""
    key = settings.studio.domain_key_arn
    return (
        [
            statement(["kms:Decrypt", "kms:GenerateDataKey"], [key], **_in_the_domain(settings)),
            statement(["kms:DescribeKey"], [key]),
        ]
        if key
        else []
    )


def _in_the_domain(settings: Settings) -> dict[str, dict[str, str]]:
    """Return the condition that AWS documents: DataZone names the domain in the encryption context."""
    return {"StringEquals": {"kms:EncryptionContext:aws:datazone:domainId": settings.studio.domain_id}}


def places(entry: Entry, stack: Stack, settings: Settings, storage: Storage) -> dict[On, Place]:
    """Return what each place of the catalogue means for an entry's function in `stack`."""
    return {
        # DataZone itself decides by domain and project, Service Catalog by who launched.
        "anything": Place(("*",)),
        "launches": Place(("*",)),
        "approval queues": Place(
            tuple(
                stack.format_arn(service="sqs", resource=name, arn_format=ArnFormat.NO_RESOURCE_NAME)
                for name in settings.approval_queues
            )
        ),
        "budget": Place((storage.budget.table_arn,)),
        "seal key": Place((storage.seal_key.key_arn,)),
        "products": Place((stack.format_arn(service="catalog", resource="product", resource_name="*"),)),
        **_model_packages(stack),
        **_stacks(entry, stack, settings),
        **_archives(stack, storage),
        **_secrets(stack, settings, storage),
        **_studio(stack, settings),
    }


def _model_packages(stack: Stack) -> dict[On, Place]:
    """The projects' groups, by the name that a launch gives them. Creations only set tags (docs/studio.md, A32)."""
    groups = (stack.format_arn(service="sagemaker", resource="model-package-group", resource_name="aiops-*"),)
    creation = {"StringEquals": {"sagemaker:TaggingAction": "CreateModelPackageGroup"}}
    return {"model package groups": Place(groups), "model package groups being created": Place(groups, creation)}


def _stacks(entry: Entry, stack: Stack, settings: Settings) -> dict[On, Place]:
    """Stacks by their names; the own ones are those whose requests the function serves: it reads their state."""

    def named(names: Iterable[str]) -> Place:
        return Place(
            tuple(
                stack.format_arn(service="cloudformation", resource="stack", resource_name=f"{name}/*")
                for name in names
            )
        )

    return {
        "portfolio stack": named([PORTFOLIO_STACK]),
        "own stacks": named(settings.launch_stacks if entry.in_product else ADMIN_STACKS),
        "provisioned stacks": named(["SC-*"]),
    }


def _archives(stack: Stack, storage: Storage) -> dict[On, Place]:
    qualifier = stack.synthesizer.bootstrap_qualifier or DefaultStackSynthesizer.DEFAULT_QUALIFIER
    assets = f"arn:{stack.partition}:s3:::cdk-{qualifier}-assets-{stack.account}-{stack.region}/*.zip"
    return {
        "archives": Place((storage.archives.arn_for_objects("*.zip"),)),
        "archive bucket": Place((storage.archives.bucket_arn,)),
        "bootstrap assets": Place((assets,)),
    }


def _secrets(stack: Stack, settings: Settings, storage: Storage) -> dict[On, Place]:
    """GitHub's token, and the secrets that a project's administrator has opened to us by a tag; with their keys."""

    def secret(name: str) -> str:
        return stack.format_arn(
            service="secretsmanager", resource="secret", resource_name=name, arn_format=ArnFormat.COLON_RESOURCE_NAME
        )

    via = {"kms:ViaService": f"secretsmanager.{stack.region}.amazonaws.com"}
    readable = {f"aws:ResourceTag/{READABLE_TAG}": "true"}
    keys = stack.format_arn(service="kms", resource="key", resource_name="*")
    return {
        # By its name and the six characters that Secrets Manager adds: emulators give `Ref` another form.
        "token secret": Place((secret(f"{settings.git_config.github_token_secret_name}-??????"),)),
        "data key": Place((storage.key.key_arn,), {"StringEquals": via}),
        "readable secrets": Place((secret("*"),), {"StringEquals": readable}),
        "readable keys": Place((keys,), {"StringEquals": {**readable, **via}}),
    }


def _studio(stack: Stack, settings: Settings) -> dict[On, Place]:
    provisioning = stack.format_arn(
        service="iam", region="", resource="role", resource_name=settings.provisioning_role_name
    )
    manage_access = settings.studio.manage_access_role_arn
    passed = (provisioning, *([manage_access] if manage_access else []))
    key = (settings.studio.domain_key_arn,) if settings.studio.domain_key_arn else ()
    return {
        "domain key": Place(key, _in_the_domain(settings)),
        "domain key's description": Place(key),
        "project roles": Place(tuple(execution_role_arns(stack, settings))),
        "classic projects": Place(
            (stack.format_arn(service="sagemaker", resource="project", resource_name="*"),)
            if settings.product.classic
            else ()
        ),
        "sagemaker domains": Place((stack.format_arn(service="sagemaker", resource="domain", resource_name="*"),)),
        "provisioning role": Place(passed, {"StringEquals": {"iam:PassedToService": "datazone.amazonaws.com"}}),
        "provisioning role's description": Place(passed),
    }
