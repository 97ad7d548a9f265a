"""DataZone's domains and their units."""

from __future__ import annotations

from typing import TYPE_CHECKING

from standins.aws.calls import Record, new_id, now
from standins.aws.datazone.blueprints import add_tooling
from standins.aws.datazone.model import IAM, IDENTITY_CENTER, Domain, Domains, found, listed
from standins.aws.datazone.people import owner_of_unit
from standins.aws.protocol import ServiceError

if TYPE_CHECKING:
    from standins.aws.calls import Call


class DomainOperations:
    """The operations, each named as the model names it."""

    def __init__(self, domains: Domains) -> None:
        """Take the domains."""
        self._domains = domains

    def create_domain(self, call: Call, request: Record) -> Record:
        """CreateDomain: available at once, with the managed Tooling blueprint and a root domain unit."""
        if any(domain.record["name"] == request["name"] for domain in self._domains.of(call)):
            raise ServiceError("ConflictException", f"A domain named {request['name']} already exists.")
        return self.open_domain(call, request).record

    def open_domain(self, call: Call, request: Record, domain_id: str = "", kind: str = "") -> Domain:
        """Make a domain, which the caller owns; `request` is CreateDomain's, its execution role may be missing.

        Without single sign-on it is an IAM-based one, unless `kind` says otherwise.
        """
        domain_id = domain_id or new_id(prefix="dzd-")
        role = f"arn:aws:iam::{call.account}:role/service-role/AmazonSageMakerDomainExecution"
        record = (
            {"domainExecutionRole": role, "domainVersion": "V2", "description": ""}
            | request
            | {
                "id": domain_id,
                "arn": f"arn:aws:datazone:{call.region}:{call.account}:domain/{domain_id}",
                "rootDomainUnitId": new_id(),
                "status": "AVAILABLE",
                "managedAccountId": call.account,
                "portalUrl": f"https://{domain_id}.sagemaker.{call.region}.on.aws",
                "createdAt": now(),
                "lastUpdatedAt": now(),
            }
        )
        on = request.get("singleSignOn", {}).get("type", "DISABLED") == "IAM_IDC"
        kind = kind or (IDENTITY_CENTER if on or "singleSignOn" not in request else IAM)
        record.setdefault("singleSignOn", {"type": "IAM_IDC" if kind == IDENTITY_CENTER else "DISABLED"})
        domain = Domain(record, call.account, call.region, kind=kind, rules=self._domains.rules)
        domain.units[domain.root_unit] = _unit(domain_id, domain.root_unit, "Root", None, ancestors=[], by=call.caller)
        owner_of_unit(domain, domain.units[domain.root_unit], call.caller)
        add_tooling(domain)
        with self._domains.lock:
            self._domains[domain_id] = domain
        return domain

    def get_domain(self, call: Call, request: Record) -> Record:
        """GetDomain."""
        return self._domains.named(request["identifier"]).record

    def list_domains(self, call: Call, request: Record) -> Record:
        """ListDomains: the account's own, and those that are shared with it."""
        mine = [domain.record for domain in self._domains.seen_by(call)]
        return listed([item for item in mine if request.get("status", item["status"]) == item["status"]], request)

    def create_domain_unit(self, call: Call, request: Record) -> Record:
        """CreateDomainUnit."""
        domain = self._domains.named(request["domainIdentifier"])
        parent = found(domain.units, request["parentDomainUnitIdentifier"], "Domain unit")
        if any(
            unit["name"] == request["name"] and unit["parentDomainUnitId"] == parent["id"]
            for unit in domain.units.values()
        ):
            raise ServiceError("ConflictException", f"A domain unit named {request['name']} already exists there.")
        ancestors = [parent["id"], *parent["ancestorDomainUnitIds"]]
        unit = _unit(domain.id, new_id(), request["name"], parent["id"], ancestors=ancestors, by=call.caller)
        unit["description"] = request.get("description", "")
        domain.units[unit["id"]] = unit
        return unit

    def list_domain_units_for_parent(self, call: Call, request: Record) -> Record:
        """ListDomainUnitsForParent."""
        domain = self._domains.named(request["domainIdentifier"])
        parent = found(domain.units, request["parentDomainUnitIdentifier"], "Domain unit")
        return listed([unit for unit in domain.units.values() if unit["parentDomainUnitId"] == parent["id"]], request)

    def delete_domain_unit(self, call: Call, request: Record) -> Record:
        """DeleteDomainUnit: one that nothing is in; its grants go with it."""
        domain = self._domains.named(request["domainIdentifier"])
        unit = found(domain.units, request["identifier"], "Domain unit")
        inside = [each["id"] for each in domain.units.values() if unit["id"] in each["ancestorDomainUnitIds"]]
        inside += [each["id"] for each in domain.projects.values() if each["domainUnitId"] == unit["id"]]
        if inside or unit["parentDomainUnitId"] is None:
            raise ServiceError("ConflictException", f"Domain unit {unit['name']} is in use.")
        with self._domains.lock:
            domain.units.pop(unit["id"])
            domain.grants = [item for item in domain.grants if item["_entity"] != ("DOMAIN_UNIT", unit["id"])]
        return {}


def _unit(domain_id: str, unit_id: str, name: str, parent: str | None, *, ancestors: list[str], by: str) -> Record:
    return {
        "id": unit_id,
        "domainId": domain_id,
        "name": name,
        "description": "",
        "parentDomainUnitId": parent,
        "ancestorDomainUnitIds": ancestors,
        "owners": [],
        "createdAt": now(),
        "createdBy": by,
        "lastUpdatedAt": now(),
        "lastUpdatedBy": by,
    }
