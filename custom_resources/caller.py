"""Who launched a stack, as Service Catalog wrote it there, and what the settings say of callers (decision 0056)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

# Service Catalog sets it on the stack of every launch (docs/studio.md, A21). Nobody else can: AWS reserves tags that
# begin with "aws:".
PRINCIPAL_TAG = "aws:servicecatalog:provisioningPrincipalArn"
PATTERN_SEPARATOR = " "  # between the patterns in EXECUTION_ROLES; neither names nor paths of roles hold one
Caller = Literal["blueprint", "project setup", "principal", "unknown"]
_ASSUMED_ROLE = re.compile(
    r"arn:(?P<partition>aws[a-z-]*):sts::(?P<account>\d{12}):assumed-role/(?P<role>[\w+=,.@-]{1,64})/[\w+=,.@-]{2,64}",
    re.ASCII,
)
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
    characters but /.
    """

    blueprint_role: str = ""
    project_setup_role: str = ""
    execution_roles: tuple[str, ...] = ()

    @staticmethod
    def from_environment(environment: Mapping[str, str]) -> Installation:
        """Return what products/foundation/environment.py wrote into a function's variables."""
        return Installation(
            environment.get("BLUEPRINT_ROLE", ""),
            environment.get("PROJECT_SETUP_ROLE", ""),
            tuple(environment.get("EXECUTION_ROLES", "").split(PATTERN_SEPARATOR)),
        )

    def may_run_pipelines(self, role_arn: str, project_id: str) -> bool:
        """Tell whether a role is one that the settings allow projects, and not Studio's role of another project."""
        found = _ROLE.fullmatch(role_arn)
        if not found:
            return False
        if found["name"].startswith(_STUDIOS_ROLE) and not found["name"].startswith(f"{_STUDIOS_ROLE}{project_id}_"):
            return False
        return any(_matches(pattern, role_arn) for pattern in self.execution_roles if pattern)


def caller(tags: Mapping[str, str], stack_id: str, installation: Installation) -> Caller:
    """Return who launched the stack that has these tags.

    Roles are those of the stack's own partition and account; the session's name says nothing. A user, or a role of
    another name or account, is a principal of the portfolio. Without Service Catalog's tag nobody is known.
    """
    arn = tags.get(PRINCIPAL_TAG, "")
    if not _PRINCIPAL.fullmatch(arn):
        return "unknown"
    found, place = _ASSUMED_ROLE.fullmatch(arn), _place(stack_id)
    if found and (found["partition"], found["account"]) == place:
        if installation.blueprint_role and found["role"] == installation.blueprint_role:
            return "blueprint"
        if installation.project_setup_role and found["role"] == installation.project_setup_role:
            return "project setup"
    return "principal"


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
