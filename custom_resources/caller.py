"""The caller that launched a stack, and what the settings say of callers (docs/decisions/0056 and 0069). Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

# Service Catalog sets these on the stack of every launch (docs/studio.md, A21). Nobody else can: AWS reserves tags that
# begin with "aws:".
PRINCIPAL_TAG = "aws:servicecatalog:provisioningPrincipalArn"
PRODUCT_TAG = "aws:servicecatalog:productArn"
LAUNCH_TAG = "aws:servicecatalog:provisionedProductArn"
SEPARATOR = " "  # between the values of one variable; none of them holds one
# direct: by CloudFormation alone. unknown: by Service Catalog, which does not name the caller.
Caller = Literal[
    "blueprint", "project setup", "administrator", "project role", "somebody else", "unknown", "direct", "not asked"
]
_ASSUMED_ROLE = re.compile(
    r"arn:(?P<partition>aws[a-z-]*):sts::(?P<account>\d{12}):assumed-role/(?P<role>[\w+=,.@-]{1,64})/[\w+=,.@-]{2,64}",
    re.ASCII,
)
_USER = re.compile(r"arn:(?P<partition>aws[a-z-]*):iam::(?P<account>\d{12}):user/([\w+=,.@-]+/)*[\w+=,.@-]+", re.ASCII)
_PRINCIPAL = re.compile(r"arn:aws[a-z-]*:(iam|sts)::\d{12}:[\w+=,.@/-]+", re.ASCII)
_ROLE = re.compile(
    r"arn:(?P<partition>aws[a-z-]*):iam::(?P<account>\d{12}):role/(?P<path>([\w+=,.@-]+/)*)(?P<name>[\w+=,.@-]{1,64})",
    re.ASCII,
)
_STUDIOS_ROLE = "datazone_usr_role_"  # it holds its project's id


@dataclass(frozen=True)
class Installation:
    """What an installation's settings say of launches. A function has it from its environment, never from an event.

    `execution_roles`: patterns of the roles that projects may have: names with their paths, or ARNs. * stands for any
    characters but /. `administrators`: the portfolio's principals, and their patterns. `glue_databases` and
    `deploy_accounts`: what a launch may name; empty: any.
    """

    blueprint_role: str = ""
    project_setup_role: str = ""
    execution_roles: tuple[str, ...] = ()
    administrators: tuple[str, ...] = ()
    project_roles_may_launch: bool = False
    direct_launches: bool = False
    classic: bool = False
    glue_databases: tuple[str, ...] = ()
    deploy_accounts: tuple[str, ...] = ()
    products: tuple[str, ...] = ()  # whose launches are ours, beside the portfolio stack's own
    portfolio_stack: str = ""
    blueprint_bucket: str = ""  # from which the domain may be offered a template

    @staticmethod
    def from_environment(environment: Mapping[str, str]) -> Installation:
        """Return what products/foundation/environment.py wrote into a function's variables."""

        def several(name: str) -> tuple[str, ...]:
            return tuple(filter(None, environment.get(name, "").split(SEPARATOR)))

        return Installation(
            blueprint_role=environment.get("BLUEPRINT_ROLE", ""),
            project_setup_role=environment.get("PROJECT_SETUP_ROLE", ""),
            execution_roles=several("EXECUTION_ROLES"),
            administrators=several("ADMINISTRATORS"),
            project_roles_may_launch=environment.get("PROJECT_ROLES_MAY_LAUNCH") == "true",
            direct_launches=environment.get("DIRECT_LAUNCHES") == "true",
            classic=environment.get("CLASSIC") == "true",
            glue_databases=several("GLUE_DATABASES"),
            deploy_accounts=several("DEPLOY_ACCOUNTS"),
            products=several("PRODUCTS"),
            portfolio_stack=environment.get("PORTFOLIO_STACK", ""),
            blueprint_bucket=environment.get("BLUEPRINT_BUCKET", ""),
        )

    def may_run_pipelines(self, role_arn: str, project_id: str) -> bool:
        """Tell whether a role is one that the settings allow projects, and not Studio's role of another project."""
        if not _ROLE.fullmatch(role_arn) or is_another_projects(role_arn, project_id):
            return False
        return any(_matches(pattern, role_arn) for pattern in self.execution_roles)

    def runs_pipelines(self, role: str) -> bool:
        """Tell whether a role of this name may be some project's: an assumed role's ARN does not show its path."""
        return any(_named(pattern.rpartition("/")[2], role) for pattern in self.execution_roles)


@dataclass(frozen=True)
class Launcher:
    """The caller that launched a stack: `arn` as Service Catalog wrote it, `role` the name of the assumed role."""

    kind: Caller
    arn: str = ""
    role: str = ""


def caller(principal: str, stack_id: str, installation: Installation) -> Launcher:
    """Return who launched a stack, of the principal that Service Catalog names.

    Roles are those of the stack's own partition and account; the session's name says nothing. An administrator is whom
    the settings list as a principal of the portfolio. Service Catalog has looked at groups: where one is listed, each
    user whom it let launch is taken for a member. A pattern never makes an administrator of a project's role.
    """
    if not _PRINCIPAL.fullmatch(principal):
        return Launcher("unknown")
    user, assumed, place = _USER.fullmatch(principal), _ASSUMED_ROLE.fullmatch(principal), _place(stack_id)
    if user and (user["partition"], user["account"]) == place:
        known = _user_is_listed(principal, installation.administrators)
        return Launcher("administrator" if known else "somebody else", principal)
    if not assumed or (assumed["partition"], assumed["account"]) != place:
        return Launcher("somebody else", principal)
    return Launcher(_kind(assumed["role"], place, installation), principal, assumed["role"])


def _kind(role: str, place: tuple[str, str], installation: Installation) -> Caller:
    """Return what a role of the stack's account is."""
    if installation.blueprint_role and role == installation.blueprint_role:
        return "blueprint"
    if installation.project_setup_role and role == installation.project_setup_role:
        return "project setup"
    if f"arn:{place[0]}:iam::{place[1]}:role/{role}" in installation.administrators:
        return "administrator"
    if installation.runs_pipelines(role):
        return "project role"
    patterns = [each for each in installation.administrators if ":iam:::role/" in each]
    return "administrator" if any(_named(each.rpartition("/")[2], role) for each in patterns) else "somebody else"


def _user_is_listed(principal: str, administrators: tuple[str, ...]) -> bool:
    account, name = principal.split(":")[4], principal.rpartition("/")[2]
    for each in administrators:
        _, _, resource = each.partition(":iam:")
        if resource.startswith((f":{account}:group/", "::group/")) or principal == each:
            return True
        if resource.startswith("::user/") and _named(each.rpartition("/")[2], name):
            return True
    return False


def is_another_projects(role: str, project_id: str) -> bool:
    """Tell whether a role's ARN or name is that of Studio's role of another project: the name holds whose it is.

    Anybody who may create SageMaker domains has SageMaker tell any role that they may pass as any project's.
    """
    name = role.rpartition("/")[2]
    return name.startswith(_STUDIOS_ROLE) and not name.startswith(f"{_STUDIOS_ROLE}{project_id}_")


def is_role_here(role_arn: str, stack_id: str) -> bool:
    """Tell whether a text is the ARN of a role in a stack's partition and account."""
    found = _ROLE.fullmatch(role_arn)
    return bool(found) and found is not None and (found["partition"], found["account"]) == _place(stack_id)


def _place(stack_id: str) -> tuple[str, str]:
    parts = f"{stack_id}:::::".split(":")
    return parts[1], parts[4]


def _matches(pattern: str, role_arn: str) -> bool:
    whole = pattern if pattern.startswith("arn:") else f"arn:*:iam::*:role/{pattern}"
    return bool(re.fullmatch("[^/]*".join(map(re.escape, whole.split("*"))), role_arn))


def _named(pattern: str, name: str) -> bool:
    """Tell whether a name fits the last part of a pattern: * is any characters, ? is one."""
    expression = "".join({"*": "[^/]*", "?": "[^/]"}.get(each, re.escape(each)) for each in pattern)
    return bool(re.fullmatch(expression, name))
