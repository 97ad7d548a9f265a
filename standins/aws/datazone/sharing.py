"""What a domain answers to associated accounts: the actions of the share, and those of them that need no profile.

An association is a share of the domain in Resource Access Manager, with a permission that AWS manages and nobody can
change: AWSRAMPermissionsAmazonDatazoneDomainExtendedServiceAccess. AWS publishes its actions by
ram:GetPermission only (152 of them, in its version 10). `_SHARED` are those that a source shows to be in it:

- the AWS managed policy AmazonDataZoneCrossAccountAdmin, made for associated accounts: blueprints, their
  configurations, GetDomain, environments;
- stacks of associated accounts that were deployed, or that DataZone itself refused, so that the share let them pass
  (aws/modern-data-architecture-accelerator, issues 57, 60, 61): projects, their memberships, profiles, policy grants;
- CloudTrail of associated accounts, where projects' own roles read connections and profiles.

`_WITHHELD` are those that a source shows to be missing (the same, issue 39). All others are as a rule says.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from standins.aws.calls import Record
from standins.aws.datazone.model import Domain
from standins.aws.protocol import ServiceError

if TYPE_CHECKING:
    from standins.aws.calls import Call

_CONFIGURING = {
    *("GetDomain", "GetEnvironmentBlueprint", "ListEnvironmentBlueprints"),
    *(f"{verb}EnvironmentBlueprintConfiguration" for verb in ("Get", "Put", "Delete")),
    "ListEnvironmentBlueprintConfigurations",
}
_GRANTING = {"AddPolicyGrant", "ListPolicyGrants", "RemovePolicyGrant"}
_SHARED = {
    *_CONFIGURING,
    *_GRANTING,
    *(f"{verb}Project" for verb in ("Create", "Get", "Update", "Delete")),
    *(f"{verb}ProjectMembership" for verb in ("Create", "Delete")),
    *("ListProjects", "ListProjectMemberships", "GetProjectProfile", "ListProjectProfiles", "GetUserProfile"),
    *("GetEnvironment", "ListEnvironments", "GetConnection", "ListConnections"),
}
_WITHHELD = {"GetGroupProfile"}


def require_shared(domain: Domain, call: Call) -> None:
    """Raise ServiceError (AccessDeniedException) for what the share does not let an associated account do.

    The message is the one of modern-data-architecture-accelerator, issue 39.
    """
    if call.account == domain.account:
        return
    unlisted = domain.rules.unlisted_actions_shared and call.operation not in _WITHHELD
    if call.operation not in _SHARED and not unlisted:
        action = f"datazone:{call.operation}"
        raise ServiceError(
            "AccessDeniedException",
            f"User: {call.session or call.caller} is not authorized to perform: {action} on resource: "
            f"{domain.record['arn']} because no resource-based policy allows the {action} action",
        )


def is_of_the_account(domain: Domain, call: Call, request: Record) -> bool:
    """Tell whether the request is about the associated account itself, which needs no profile in the domain.

    That is its configurations of blueprints, and the grants on them.
    """
    if call.operation in _CONFIGURING:
        return True
    about_own = str(request.get("entityIdentifier", "")).startswith(f"{call.account}:")
    kind = request.get("entityType") == "ENVIRONMENT_BLUEPRINT_CONFIGURATION"
    return call.operation in _GRANTING and kind and about_own and domain.rules.accounts_grant


def is_user(domain: Domain, arn: str) -> bool:
    """Tell whether an identity of another account is a user of the domain: with an activated profile.

    A project's own role needs none.
    """
    profiles = [item for item in (*domain.users.values(), *domain.groups.values()) if item["_arn"] == arn]
    return any(item["_active"] for item in profiles) or arn in _project_roles(domain)


def _project_roles(domain: Domain) -> set[str]:
    resources = [item for each in domain.environments.values() for item in each["provisionedResources"]]
    return {str(item["value"]) for item in resources if item["name"] == "userRoleArn"}
