"""DataZone's project profiles: which environments a project gets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from standins.aws.calls import Record, new_id, now
from standins.aws.datazone.model import Domain, Domains, found, listed
from standins.aws.datazone.pools import require_pools
from standins.aws.protocol import ServiceError, invalid

if TYPE_CHECKING:
    from standins.aws.calls import Call


class ProfileOperations:
    """The operations, each named as the model names it."""

    def __init__(self, domains: Domains) -> None:
        """Take the domains."""
        self._domains = domains

    def create_project_profile(self, call: Call, request: Record) -> Record:
        """CreateProjectProfile: DISABLED unless a status is given."""
        domain = self._domains.named(request["domainIdentifier"])
        if any(profile["name"] == request["name"] for profile in domain.profiles.values()):
            raise ServiceError("ConflictException", f"A project profile named {request['name']} already exists.")
        unit = request.get("domainUnitIdentifier", domain.root_unit)
        found(domain.units, unit, "Domain unit")
        kept = {key: value for key, value in request.items() if not key.endswith("Identifier")}
        profile: Record = (
            {"status": "DISABLED", "description": "", "allowCustomProjectResourceTags": False}
            | kept
            | {
                "id": new_id(),
                "domainId": domain.id,
                "domainUnitId": unit,
                "environmentConfigurations": _configurations(domain, request.get("environmentConfigurations", [])),
                "createdBy": call.caller,
                "createdAt": now(),
                "lastUpdatedAt": now(),
            }
        )
        domain.profiles[profile["id"]] = profile
        return profile

    def get_project_profile(self, call: Call, request: Record) -> Record:
        """GetProjectProfile."""
        return found(
            self._domains.named(request["domainIdentifier"]).profiles, request["identifier"], "Project profile"
        )

    def list_project_profiles(self, call: Call, request: Record) -> Record:
        """ListProjectProfiles."""
        profiles = self._domains.named(request["domainIdentifier"]).profiles.values()
        return listed([item for item in profiles if request.get("name", item["name"]) == item["name"]], request)

    def update_project_profile(self, call: Call, request: Record) -> Record:
        """UpdateProjectProfile."""
        domain, profile = self._domains.named(request["domainIdentifier"]), self.get_project_profile(call, request)
        changes = {key: value for key, value in request.items() if not key.endswith(("Identifier", "identifier"))}
        if "environmentConfigurations" in changes:
            if not domain.rules.ids_sent_back and any("id" in item for item in changes["environmentConfigurations"]):
                raise invalid("environmentConfigurations must not have ids.")
            changes["environmentConfigurations"] = _configurations(domain, changes["environmentConfigurations"])
        profile.update(changes, lastUpdatedAt=now())
        return profile

    def delete_project_profile(self, call: Call, request: Record) -> Record:
        """DeleteProjectProfile: refused while projects have it."""
        domain, profile = self._domains.named(request["domainIdentifier"]), self.get_project_profile(call, request)
        if any(project.get("projectProfileId") == profile["id"] for project in domain.projects.values()):
            raise ServiceError("ConflictException", f"Project profile {profile['name']} is used by projects.")
        del domain.profiles[profile["id"]]
        return {}


def _configurations(domain: Domain, given: list[Record]) -> list[Record]:
    """Return a profile's environment configurations with ids. Raises ServiceError for what cannot be deployed."""
    names = [item["name"] for item in given]
    if len(set(names)) != len(names):
        raise invalid("The names of environment configurations must differ.")
    for item in given:
        found(domain.blueprints, item["environmentBlueprintId"], "Environment blueprint")
    require_pools(domain, given)
    return [{"deploymentMode": "ON_CREATE", **item, "id": item.get("id") or new_id()} for item in given]
