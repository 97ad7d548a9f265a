"""What a function's role allows: the catalogue's permissions, with the ARNs and conditions that they mean here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from aws_cdk import ArnFormat, DefaultStackSynthesizer, Stack
from aws_cdk import aws_iam as iam

from custom_resources.catalogue import Entry, Layout, On
from custom_resources.project_file import NAME as PROJECT_FILE
from products.foundation.storage import Storage
from products.functions import execution_role_arns, in_own_account, statement
from products.settings import Settings

READABLE_TAG = "studio-mlops:readable"
PORTFOLIO_STACK = "PortfolioStack"
# Those whose custom resources are not the product's.
ADMIN_STACKS: Mapping[Layout, tuple[str, ...]] = {
    "one account": (PORTFOLIO_STACK, "StudioStack*"),
    "project account": (PORTFOLIO_STACK, "StudioAccountStack"),
    "domain account": ("StudioDomainStack", "StudioProfilesStack"),
}


@dataclass(frozen=True)
class Place:
    """Where actions are allowed: ARNs (none: nowhere in this installation), and conditions by their operator."""

    arns: tuple[str, ...]
    conditions: Mapping[str, dict[str, Any]] = field(default_factory=dict)


NOWHERE = Place(())


def statements(entry: Entry, stack: Stack, settings: Settings, storage: Storage | None) -> list[iam.PolicyStatement]:
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


def places(entry: Entry, stack: Stack, settings: Settings, storage: Storage | None) -> dict[On, Place]:
    """Return what each place of the catalogue means for an entry's function in `stack`.

    Without a storage, which the domain's account has none of in an installation of several, what is kept there is left
    out.
    """
    return {
        # DataZone itself decides by domain and project, Service Catalog by who launched.
        "anything": Place(("*",)),
        "launches": Place(("*",)),
        **_by_layout(stack, settings),
        "approval queues": Place(
            tuple(
                stack.format_arn(service="sqs", resource=name, arn_format=ArnFormat.NO_RESOURCE_NAME)
                for name in settings.approval_queues
            )
        ),
        "products of all regions": Place((product_parameter_arn(stack, settings, "*"),)),
        "products": Place((stack.format_arn(service="catalog", resource="product", resource_name="*"),)),
        **_model_packages(stack),
        **_project_files(stack),
        **_stacks(entry, stack, settings),
        **_templates(stack, settings),
        **(_kept(stack, settings, storage) if storage else {}),
        **_studio(entry, stack, settings),
    }


def _kept(stack: Stack, settings: Settings, storage: Storage) -> dict[On, Place]:
    """What launches keep."""
    return {
        "budget": Place((storage.budget.table_arn,)),
        "seal key": Place((storage.seal_key.key_arn,)),
        "archives": Place((storage.archives.arn_for_objects("*.zip"),)),
        "archive bucket": Place((storage.archives.bucket_arn,)),
        **_secrets(stack, settings, storage),
    }


def _by_layout(stack: Stack, settings: Settings) -> dict[On, Place]:
    """What a function does itself where all is in one account, and another one elsewhere (docs/accounts.md)."""
    anything, there = Place(("*",)), settings.layout
    alone, with_domain = there == "one account", there != "project account"
    return {
        "domain": anything if with_domain else NOWHERE,
        "reader role": NOWHERE if with_domain else Place((reader_role_arn(stack, settings),)),
        "configurations": anything if alone else NOWHERE,
        "launches of the blueprint": anything if alone else NOWHERE,
        "account pools": anything if there == "domain account" else NOWHERE,
    }


def product_parameter_arn(stack: Stack, settings: Settings, region: str | None = None) -> str:
    """Return the ARN of the parameter that names the product of a region (None: the stack's) of the stack's account."""
    name = settings.product_parameter.removeprefix("/")
    return stack.format_arn(service="ssm", region=region, resource="parameter", resource_name=name)


def reader_role_arn(stack: Stack, settings: Settings) -> str:
    """Return the ARN of the domain account's role by which functions of other accounts read projects."""
    return f"arn:{stack.partition}:iam::{settings.studio.domain_account}:role/{settings.reader_role_name}"


def reading_role_name(settings: Settings, entry: Entry) -> str | None:
    """Return the name of the role of a function that reads the projects of another account's domain.

    The domain account's role trusts it by this name; None: no other account's policy names the role.
    """
    if settings.place is None or settings.place.is_domain or "studio" not in entry.needs:
        return None
    return f"{entry.function_name(settings.prefix)}-{settings.place.region}"


def _model_packages(stack: Stack) -> dict[On, Place]:
    """The projects' groups, by the name that a launch gives them. Creations only set tags (docs/studio.md, A32)."""
    groups = (stack.format_arn(service="sagemaker", resource="model-package-group", resource_name="aiops-*"),)
    creation = {"StringEquals": {"sagemaker:TaggingAction": "CreateModelPackageGroup"}}
    return {"model package groups": Place(groups), "model package groups being created": Place(groups, creation)}


def _project_files(stack: Stack) -> dict[On, Place]:
    """project.json in Studio's buckets of the account: below domain, project and scope, and nothing else there.

    A bucket's key is not known here. What S3 tells KMS is the object, or for a bucket that saves such calls the bucket
    (docs/studio.md, A16).
    """
    bucket = f"arn:{stack.partition}:s3:::amazon-sagemaker-*"
    objects = f"{bucket}/*/*/*/{PROJECT_FILE}"
    keys = stack.format_arn(service="kms", resource="key", resource_name="*")
    through_s3: dict[str, dict[str, Any]] = {
        "StringEquals": {"kms:ViaService": f"s3.{stack.region}.amazonaws.com"},
        "StringLike": {"kms:EncryptionContext:aws:s3:arn": [bucket, objects]},
    }
    return {
        "project files": Place((objects,), {"StringEquals": {"s3:ResourceAccount": stack.account}}),
        "project files' keys": Place((keys,), through_s3),
    }


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
        "own stacks": named(settings.launch_stacks if entry.in_product else ADMIN_STACKS[settings.layout]),
        "provisioned stacks": named(["SC-*"]),
        "environment stacks": named(["DataZone*"]),
    }


def assets_bucket(stack: Stack) -> str:
    """Return the name of the bucket that the CDK's bootstrap makes for what is deployed in a stack's place."""
    qualifier = stack.synthesizer.bootstrap_qualifier or DefaultStackSynthesizer.DEFAULT_QUALIFIER
    return f"cdk-{qualifier}-assets-{stack.account}-{stack.region}"


def _templates(stack: Stack, settings: Settings) -> dict[On, Place]:
    """The CDK's assets, and the blueprint's template where the accounts of projects read it."""
    assets = f"arn:{stack.partition}:s3:::{assets_bucket(stack)}"
    bucket = f"arn:{stack.partition}:s3:::{settings.blueprint_bucket_name}"
    return {
        "bootstrap assets": Place((f"{assets}/*.zip",)),
        "bootstrap templates": Place((f"{assets}/*.json",)),
        "blueprint bucket": Place((bucket,)),
        "blueprint templates": Place((f"{bucket}/*.json",)),
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


def _uses_domain_key(entry: Entry, settings: Settings) -> bool:
    """Tell whether a function calls DataZone as itself, with the domain's own key if it has one."""
    reads_for_itself = settings.layout != "project account" or "studio" not in entry.needs
    return bool(settings.studio.domain_key_arn) and reads_for_itself


def _studio(entry: Entry, stack: Stack, settings: Settings) -> dict[On, Place]:
    provisioning = stack.format_arn(
        service="iam", region="", resource="role", resource_name=settings.provisioning_role_name
    )
    manage_access = in_own_account(settings, settings.studio.manage_access_role_arn)
    passed = (provisioning, *([manage_access] if manage_access else []))
    if settings.layout == "domain account":  # each account passes its own
        passed = ()
    key = (settings.studio.domain_key_arn,) if _uses_domain_key(entry, settings) else ()
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
