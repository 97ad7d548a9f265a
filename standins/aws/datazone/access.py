"""Whom DataZone answers: IAM is the first gate, membership and ownership are the second, a domain's own key the third.

A domain is one of its region, for its own account and associated ones (sharing.py); elsewhere there is none.

Sources: aws/CICD-for-SageMakerUnifiedStudio (ListConnections and GetConnection are a member's),
aws/modern-data-architecture-accelerator (a function becomes a project's owner before it lists environments; every role
needs the domain's key), terraform-provider-aws (403 for a domain that does not exist), public logs of live domains
(CreateProject and CreateProjectMembership refused; a domain's IAM administrator is no member of its projects).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from standins.aws.calls import Record
from standins.aws.datazone.environment_values import environments_of
from standins.aws.datazone.model import Domain, Domains
from standins.aws.datazone.people import OWNER
from standins.aws.datazone.rules import DENIED
from standins.aws.datazone.sharing import is_of_the_account, is_user, require_shared
from standins.aws.protocol import ServiceError, denied

if TYPE_CHECKING:
    from standins.aws.calls import Call
    from standins.aws.datazone.domain_keys import DomainKeys

_MEMBERS = {"ListEnvironments", "GetEnvironment", "ListConnections", "GetConnection", "ListProjectMemberships"}
_PROJECT_OWNERS = {"UpdateProject", "DeleteProject", "CreateProjectMembership", "DeleteProjectMembership"}
_READABLE = {"GetProject", "GetProjectProfile", "GetDomain"}
_UNIT_OWNERS = {
    *(f"{verb}EnvironmentBlueprint" for verb in ("Create", "Update", "Delete")),
    *(f"{verb}EnvironmentBlueprintConfiguration" for verb in ("Put", "Delete")),
    *(f"{verb}ProjectProfile" for verb in ("Create", "Update", "Delete")),
    *("AddPolicyGrant", "RemovePolicyGrant", "AddEntityOwner", "RemoveEntityOwner", "CreateDomainUnit"),
    "DeleteDomainUnit",
    *("CreateGroupProfile", "CreateUserProfile"),
}


class Access:
    """Judges calls before they are answered."""

    def __init__(self, domains: Domains, keys: DomainKeys) -> None:
        """Take the domains, and who knows which role may use a domain's key."""
        self._domains = domains
        self._keys = keys

    def answered(self, handler: Callable[[Call, Record], Record], call: Call, request: Record) -> Record:
        """Return the operation's answer. Raises ServiceError, AccessDeniedException for those who may not have it."""
        name = request.get("domainIdentifier") or (request["identifier"] if call.operation == "GetDomain" else "")
        if not name:
            return handler(call, request)
        domain = self._reached(call, name)
        require_shared(domain, call)
        self._keys.require(call, domain)
        if not domain.rules.strict:
            return handler(call, request)
        if not _permitted(domain, call, request):
            raise denied(call.operation)
        try:
            return handler(call, request)
        except ServiceError as error:
            if error.code == "ResourceNotFoundException" and domain.rules.absent_in_domain == DENIED:
                raise denied(call.operation) from error
            raise

    def _reached(self, call: Call, name: str) -> Domain:
        """Return the domain. Raises ServiceError where the caller's account and region have none of that id."""
        domain = self._domains.get(name)
        if domain is not None and domain.is_reached_from(call.account, call.region):
            return domain
        rules = self._domains.rules
        if rules.strict and rules.absent_domain == DENIED:
            raise denied(call.operation)
        raise ServiceError("ResourceNotFoundException", f"Domain {name} does not exist.")


def _permitted(domain: Domain, call: Call, request: Record) -> bool:
    if call.account == domain.account:
        return _user_is_permitted(domain, call, request)
    if is_of_the_account(domain, call, request):
        return True
    return is_user(domain, call.caller) and _user_is_permitted(domain, call, request)


def _user_is_permitted(domain: Domain, call: Call, request: Record) -> bool:
    if call.operation in _UNIT_OWNERS:
        may_write = domain.rules.owners_write or call.caller.endswith(":root")
        return may_write and owns_unit(domain, _unit(domain, request), call.caller)
    if call.operation in _MEMBERS | _PROJECT_OWNERS:
        project = _project(domain, call.operation, request)
        if call.operation in _MEMBERS:
            return is_member(domain, project, call.caller)
        return is_member(domain, project, call.caller, OWNER) or owns_unit(domain, domain.root_unit, call.caller)
    if call.operation in _READABLE and not domain.rules.non_members_read:
        project = str(request["identifier"]) if call.operation == "GetProject" else ""
        return owns_unit(domain, domain.root_unit, call.caller) or is_member(domain, project, call.caller)
    return True


def _unit(domain: Domain, request: Record) -> str:
    """Return the domain unit that the request is about; what is in none is the root's."""
    if request.get("entityType") == "DOMAIN_UNIT":
        return str(request["entityIdentifier"])
    profile = domain.profiles.get(str(request.get("identifier", "")))
    given = request.get("domainUnitIdentifier") or request.get("parentDomainUnitIdentifier")
    return str(given or (profile or {}).get("domainUnitId") or domain.root_unit)


def _project(domain: Domain, operation: str, request: Record) -> str:
    """Return the project that the request is about, "" where there is none."""
    identifier = str(request.get("identifier", ""))
    if operation == "GetEnvironment":
        return str(domain.environments.get(identifier, {}).get("projectId", ""))
    if operation == "GetConnection":
        return str(domain.connections.get(identifier, {}).get("projectId", ""))
    environment = domain.environments.get(str(request.get("environmentIdentifier", "")), {})
    named = request.get("projectIdentifier") or environment.get("projectId")
    return str(named or identifier)


def owns_unit(domain: Domain, unit_id: str, caller: str) -> bool:
    """Tell whether the caller owns a domain unit, or one above it."""
    unit = domain.units.get(unit_id)
    path = [unit_id, *unit["ancestorDomainUnitIds"]] if unit else [domain.root_unit]
    return any(owner["_arn"] == caller for each in path for owner in domain.units[each]["owners"])


def is_member(domain: Domain, project_id: str, caller: str, designation: str = "") -> bool:
    """Tell whether the caller is a member of a project, as one of these if given, or is the project's own role."""
    for member in domain.members.get(project_id, []):
        if member["_arn"] == caller and designation in ("", member["designation"]):
            return True
    project = domain.projects.get(project_id)
    if project is None or designation:
        return False
    resources = [item for each in environments_of(domain, project) for item in each["provisionedResources"]]
    return any(item["name"] == "userRoleArn" and item["value"] == caller for item in resources)
