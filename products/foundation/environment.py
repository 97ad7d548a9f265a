"""What a function finds in its environment, and where a stack's functions find GitHub."""

from __future__ import annotations

from collections.abc import Mapping

from aws_cdk import CfnCondition, CfnParameter, Fn, Stack, Token

from custom_resources.catalogue import Entry
from products.foundation.roles import PORTFOLIO_STACK, assets_bucket, reader_role_arn
from products.foundation.storage import Storage
from products.functions import PATIENCE, any_organization, direct_launches
from products.settings import Settings

# From where a template may be offered (docs/decisions/0093), and a version's template is read (0117).
_READS_ASSETS = {"studio_blueprint": "BLUEPRINT_BUCKET", "repository_template": "VERSIONS_BUCKET"}


def environment(
    stack: Stack, entry: Entry, settings: Settings, storage: Storage, addresses: Mapping[str, str]
) -> dict[str, str]:
    """Return a function's variables, by what it needs; `addresses` are GitHub's for the function's stack."""
    direct = settings.product.allow_direct_launches or direct_launches(stack)
    variables = {"PATIENCE_SECONDS": str(PATIENCE.to_seconds()), **domain_addresses(stack, entry, settings)}
    if "github" in entry.needs:
        variables |= {**addresses, **_of_github(entry, settings, storage)}
    if entry.name == "github_repository":
        variables |= _allowances(stack, settings)
    if "archives" in entry.needs:
        variables["TEMPLATE_BUCKET"] = storage.archives.bucket_name
    if entry.in_product and entry.class_name:  # whose stacks are ours: never from an event (docs/decisions/0070)
        variables |= {
            "PORTFOLIO_STACK": PORTFOLIO_STACK,
            "PRODUCTS": " ".join(settings.portfolio.products),
            "DIRECT_LAUNCHES": _flag(direct),
        }
    if "studio" in entry.needs and entry.in_product:
        variables |= {**_launchers(settings), "PROJECTS_TABLE": storage.budget.table_name}
    if entry.name == "studio_blueprint_configuration":
        variables["PRODUCT_PARAMETER"] = settings.product_parameter
    if entry.name in _READS_ASSETS:
        variables[_READS_ASSETS[entry.name]] = assets_bucket(stack)
    if entry.name == "actions_configuration":
        # A stack that CloudFormation made without Service Catalog has any template, and any reference in it.
        listed = [f"{name}={reference}" for name, reference in sorted(settings.secrets_read.items())]
        variables["SECRET_REFERENCES"] = "*" if direct else " ".join(listed)
    if "seals" in entry.needs:
        variables["SEAL_KEY"] = storage.seal_key.key_arn
    return variables


def _of_github(entry: Entry, settings: Settings, storage: Storage) -> dict[str, str]:
    share = settings.github.budget_share
    return {
        "GITHUB_TOKEN_SECRET": settings.git_config.github_token_secret_name,
        "BUDGET_TABLE": storage.budget.table_name,
        "GITHUB_PERMISSIONS": " ".join(entry.github_permissions),
        **({"BUDGET_SHARE": str(share)} if share < 1 else {}),
    }


def domain_addresses(stack: Stack, entry: Entry, settings: Settings) -> dict[str, str]:
    """Return where a function finds the domain; nothing: in its own account and region.

    Projects are read through a role of the domain's account, the only one that DataZone has to know; what an account
    configures of the blueprint, it configures as itself.
    """
    if settings.layout != "project account" or not {"studio", "domain"} & entry.needs:
        return {}
    region = {"DATAZONE_REGION": settings.studio.domain_region}
    return {**region, "DATAZONE_ROLE_ARN": reader_role_arn(stack, settings)} if "studio" in entry.needs else region


def _launchers(settings: Settings) -> dict[str, str]:
    """Return who may launch what, and what is believed of it (docs/decisions/0056, 0069)."""
    product, portfolio = settings.product, settings.portfolio
    return {
        "BLUEPRINT_ROLE": settings.provisioning_role_name,
        "PROJECT_SETUP_ROLE": settings.project_setup_role_name,
        "EXECUTION_ROLES": " ".join(settings.workflow_role.execution_roles),
        "ADMINISTRATORS": " ".join((*portfolio.principals, *portfolio.principal_patterns)),
        "PROJECT_ROLES_MAY_LAUNCH": _flag(portfolio.project_roles_may_launch),
        "CLASSIC": _flag(product.classic),
        "GLUE_DATABASES": " ".join(product.glue_databases),
        "DEPLOY_ACCOUNTS": " ".join(product.deploy_accounts),
    }


def _flag(on: bool) -> str:
    return "true" if on else ""


def _allowances(stack: Stack, settings: Settings) -> dict[str, str]:
    """Return what launches may do with repositories; an event could name anything."""
    return {
        "ALLOWED_ORGANIZATIONS": " ".join(() if any_organization(stack) else settings.organizations),
        "ALLOWED_VISIBILITIES": " ".join(settings.product.allowed_visibilities),
        "ADOPTABLE": " ".join(settings.adoption.repositories),
    }


def github_addresses(stack: Stack, settings: Settings) -> dict[str, str]:
    """Return where a stack's functions find GitHub, by environment variable: the settings, unless given others."""
    github = settings.github
    return {
        "GITHUB_API_URL": _address(stack, "GitHubApiUrl", github.api_url),
        "GITHUB_SERVER_URL": _address(stack, "GitHubServerUrl", github.server_url),
    }


def _address(stack: Stack, name: str, setting: str) -> str:
    """Return the setting, or the stack's parameter where that is set.

    The setting is not the parameter's default: `cdk deploy` keeps a parameter's value, and a setting that is
    changed later would never arrive.
    """
    given = CfnParameter(
        stack,
        name,
        default="",
        description=f"Leave empty to use {setting} from settings.toml",
        allowed_pattern=r"^(https?://[A-Za-z0-9.:/_-]+)?$",
        constraint_description="must be an http(s) URL",
    ).value_as_string
    is_set = CfnCondition(stack, f"{name}IsSet", expression=Fn.condition_not(Fn.condition_equals(given, "")))
    return Token.as_string(Fn.condition_if(is_set.logical_id, given, setting))
