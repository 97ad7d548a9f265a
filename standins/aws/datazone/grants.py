"""DataZone's policy grants: who may make projects of a profile, who environments of a blueprint."""

from __future__ import annotations

import re
import string
from typing import TYPE_CHECKING

from standins.aws.calls import Record, new_id, now
from standins.aws.datazone.model import Domain, Domains, found, listed
from standins.aws.protocol import ServiceError, invalid

if TYPE_CHECKING:
    from standins.aws.calls import Call


class GrantOperations:
    """The operations, each named as the model names it."""

    def __init__(self, domains: Domains) -> None:
        """Take the domains."""
        self._domains = domains

    def add_policy_grant(self, call: Call, request: Record) -> Record:
        """AddPolicyGrant: the detail must be the one of the policy type."""
        domain = self._domains.named(request["domainIdentifier"])
        first, *rest = request["policyType"].lower().split("_")
        expected = first + "".join(word.capitalize() for word in rest)
        if list(request["detail"]) != [expected]:
            raise invalid(f"The detail of a {request['policyType']} grant must be {expected}.")
        entity = (request["entityType"], request["entityIdentifier"])
        _require_entity(domain, *entity)
        same = (entity, request["policyType"], request["principal"], request["detail"])
        for item in domain.grants:
            if (item["_entity"], item["_policy"], item["principal"], item["detail"]) == same:
                raise ServiceError("ConflictException", f"The grant exists already: {item['grantId']}.")
        self._second(domain, entity, request)
        return grant(
            self._domains,
            domain,
            entity,
            request["policyType"],
            principal=request["principal"],
            detail=request["detail"],
            by=call.caller,
        )

    def _second(self, domain: Domain, entity: tuple[str, str], request: Record) -> None:
        """Treat a principal's earlier grants as the domain's rules say. Raises ServiceError for a conflict."""
        earlier = [
            item
            for item in domain.grants
            if (item["_entity"], item["_policy"], item["principal"])
            == (entity, request["policyType"], request["principal"])
        ]
        if earlier and domain.rules.second_grants == "conflict":
            raise ServiceError("ConflictException", f"The principal has a grant already: {earlier[0]['grantId']}.")
        if earlier and domain.rules.second_grants == "replaces":
            with self._domains.lock:
                domain.grants = [item for item in domain.grants if item not in earlier]

    def list_policy_grants(self, call: Call, request: Record) -> Record:
        """ListPolicyGrants."""
        domain, entity = (
            self._domains.named(request["domainIdentifier"]),
            (request["entityType"], request["entityIdentifier"]),
        )
        found = [
            item for item in domain.grants if item["_entity"] == entity and item["_policy"] == request["policyType"]
        ]
        page = listed(found, request)
        return {"grantList": page["items"], "nextToken": page["nextToken"]}

    def remove_policy_grant(self, call: Call, request: Record) -> Record:
        """RemovePolicyGrant: the one of that id, else those of the principal."""
        domain, entity = (
            self._domains.named(request["domainIdentifier"]),
            (request["entityType"], request["entityIdentifier"]),
        )
        wanted = request.get("grantIdentifier")
        removed = [
            item
            for item in domain.grants
            if item["_entity"] == entity
            and item["_policy"] == request["policyType"]
            and (item["grantId"] == wanted if wanted else item["principal"] == request["principal"])
        ]
        if not removed:
            raise ServiceError("ResourceNotFoundException", "There is no such grant.")
        with self._domains.lock:
            domain.grants = [item for item in domain.grants if item not in removed]
        return {}


def grant(
    domains: Domains,
    domain: Domain,
    entity: tuple[str, str],
    policy: str,
    *,
    principal: Record,
    detail: Record,
    by: str,
) -> Record:
    """Record a grant and return it."""
    grant = {
        "grantId": new_id(10, alphabet=string.ascii_letters + string.digits),
        "principal": principal,
        "detail": detail,
        "createdAt": now(),
        "createdBy": by,
        "_entity": entity,
        "_policy": policy,
    }
    with domains.lock:
        domain.grants.append(grant)
    return grant


def _require_entity(domain: Domain, kind: str, identifier: str) -> None:
    if kind == "DOMAIN_UNIT":
        found(domain.units, identifier, "Domain unit")
    elif kind == "ENVIRONMENT_BLUEPRINT_CONFIGURATION":
        account, colon, _ = identifier.partition(":")
        if not colon or not re.fullmatch(r"\d{12}", account):
            raise invalid("The identifier of a blueprint configuration is <account>:<blueprint id>.")
        found(domain.configurations, identifier, "Blueprint configuration")


def granted_profiles(domain: Domain, unit: str) -> set[str]:
    """Return the profiles from which projects may be made in a domain unit, as granted on it or above it."""
    path = [unit, *domain.units[unit]["ancestorDomainUnitIds"]]
    found: set[str] = set()
    for item in domain.grants:
        detail = item["detail"].get("createProjectFromProjectProfile")
        kind, identifier = item["_entity"]
        if detail is None or kind != "DOMAIN_UNIT" or identifier not in path:
            continue
        if identifier == unit or detail.get("includeChildDomainUnits"):
            found.update(detail.get("projectProfiles", []))
    return found
