"""Studio's side: the domain, who may write in it, our blueprint there, and the connection of its tooling to GitHub."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from custom_resources.catalogue import CATALOGUE
from custom_resources.clients.aws import CODECONNECTIONS, DATAZONE, translated
from custom_resources.errors import AwsDenied, AwsNotFound
from operations.doctor.access import Access
from operations.doctor.check import Check, NamedCheck, deploy
from operations.doctor.deployment import studio_stack

if TYPE_CHECKING:
    from products.settings import Settings


class StudioChecks:
    """The domain, and what launches from it need in it and beside it."""

    def __init__(self, aws: Access, settings: Settings) -> None:
        """Nothing is asked yet."""
        self._aws, self._settings = aws, settings

    def all(self) -> list[NamedCheck]:
        """Return the checks, in the order in which they make sense; none without a domain."""
        if not self._settings.studio.domain_id:
            return []
        # With several accounts, those who write in the domain are in the domain's account.
        owners = [("Domain unit", self.owners)] if self._settings.place is None else []
        blueprint = [*owners, ("Blueprint", self.blueprint)] if self._settings.studio.registers_blueprint else []
        return [("Domain", self.domain), *blueprint, ("Connection", self.connection)]

    def domain(self) -> Iterator[Check]:
        """The Studio domain is there and available."""
        domain = self._settings.studio.domain_id
        with translated(DATAZONE, f"reading the domain {domain}"):
            found = self._aws.client(DATAZONE).get_domain(identifier=domain)
        if found["status"] != "AVAILABLE":
            yield Check(
                "Domain", "problem", f"{domain} is {found['status']}", "Wait, or repair the domain in the console."
            )
        else:
            yield Check("Domain", "ok", f"{found.get('name', '')} ({domain})")

    def blueprint_registered(self) -> Iterator[Check]:
        """Our blueprint is registered; each account of projects enables it for itself."""
        name, studio = "Blueprint", self._settings.studio
        if self._blueprints():
            yield Check(name, "ok", f"{studio.blueprint_name!r} is registered")
        else:
            yield Check(
                name,
                "problem",
                f"the domain has no blueprint {studio.blueprint_name!r}",
                deploy("StudioDomainStack"),
            )

    def _blueprints(self) -> list[Any]:
        """Return the domain's blueprints of our name, at most one."""
        studio, client = self._settings.studio, self._aws.client(DATAZONE)
        with translated(DATAZONE, "listing the blueprints"):
            return [
                item
                for page in client.get_paginator("list_environment_blueprints").paginate(
                    domainIdentifier=studio.domain_id, managed=False, name=studio.blueprint_name
                )
                for item in page["items"]
                if item["name"] == studio.blueprint_name
            ]

    def blueprint(self) -> Iterator[Check]:
        """Our blueprint is registered and enabled in this region."""
        name, studio = "Blueprint", self._settings.studio
        client, region = self._aws.client(DATAZONE), self._aws.region
        found = self._blueprints()
        fix = deploy(studio_stack(self._settings))
        if not found:
            yield Check(name, "problem", f"the domain has no blueprint {studio.blueprint_name!r}", fix)
            return
        try:
            with translated(DATAZONE, "reading the blueprint's configuration"):
                configuration = client.get_environment_blueprint_configuration(
                    domainIdentifier=studio.domain_id, environmentBlueprintIdentifier=found[0]["id"]
                )
        except AwsNotFound:
            yield Check(name, "problem", f"{studio.blueprint_name!r} is not enabled", fix)
            return
        if region not in configuration.get("enabledRegions", []):
            yield Check(name, "problem", f"{studio.blueprint_name!r} is not enabled in {region}", fix)
            return
        yield Check(name, "ok", f"{studio.blueprint_name!r} is enabled in {region}")

    def owners(self) -> Iterator[Check]:
        """The roles that write in the domain own its domain unit: IAM's permission is not enough for DataZone."""
        name, studio = "Domain unit", self._settings.studio
        try:
            unit, owners = self._owners(studio.domain_id, studio.domain_unit_id)
            roles = [str(self._aws.function(function)["Role"]) for function in self._writers()]
            missing = [role for role in roles if not owners & self._profiles(studio.domain_id, role)]
        except AwsDenied as denied:
            yield Check(name, "unknown", f"the owners of the domain unit cannot be read: {denied}")
            return
        if missing:
            command = (
                f"aws datazone add-entity-owner --domain-identifier {studio.domain_id} --entity-type DOMAIN_UNIT "
                f"--entity-identifier {unit} --owner 'user={{userIdentifier=ROLE}}'"
            )
            yield Check(
                name,
                "problem",
                f"{' and '.join(missing)} {'is not an owner' if len(missing) == 1 else 'are not owners'} of {unit}",
                f"{command}  # as an owner of the domain unit, for ROLE use each of these ARNs",
            )
        else:
            yield Check(name, "ok", f"both functions' roles own {unit}")

    def _writers(self) -> list[str]:
        """Return the names of the functions that register the blueprint and write profiles."""
        written = ("studio_blueprint", "studio_project_profile")
        return [entry.function_name(self._settings.prefix) for entry in CATALOGUE if entry.name in written]

    def _owners(self, domain: str, unit: str) -> tuple[str, set[str]]:
        """Return the domain unit, the root unless the settings name one, and the ids of its owners."""
        client = self._aws.client(DATAZONE)
        with translated(DATAZONE, "listing the owners of the domain unit"):
            unit = unit or client.get_domain(identifier=domain)["rootDomainUnitId"]
            pages = client.get_paginator("list_entity_owners").paginate(
                domainIdentifier=domain, entityType="DOMAIN_UNIT", entityIdentifier=unit
            )
            owners = [owner for page in pages for owner in page["owners"]]
        return unit, {value for owner in owners for each in owner.values() for value in each.values()}

    def _profiles(self, domain: str, role: str) -> set[str]:
        """Return by which ids a domain may know a role: its user profile, or the group profile that came with it."""
        try:
            with translated(DATAZONE, f"reading the user profile of {role}"):
                found = self._aws.client(DATAZONE).get_user_profile(
                    domainIdentifier=domain, userIdentifier=role, type="IAM"
                )
        except AwsNotFound:
            return {role}
        known = found.get("details", {}).get("iam", {})
        return {role, found.get("id", role), known.get("groupProfileId", role)}

    def connection(self) -> Iterator[Check]:
        """Studio's tooling reaches GitHub: a Git connection whose handshake was finished."""
        name, kinds = "Connection", ("GitHub", "GitHubEnterpriseServer")
        client = self._aws.client(CODECONNECTIONS)
        found = []
        for kind in kinds:
            with translated(CODECONNECTIONS, "listing the Git connections"):
                found += client.list_connections(ProviderTypeFilter=kind, MaxResults=100)["Connections"]
        available = [item["ConnectionName"] for item in found if item["ConnectionStatus"] == "AVAILABLE"]
        if available:
            yield Check(name, "ok", f"{', '.join(sorted(available))} to GitHub")
        elif found:
            pending = ", ".join(sorted(item["ConnectionName"] for item in found))
            yield Check(
                name,
                "problem",
                f"the connection {pending} is pending",
                "Complete the connection in the console (Developer Tools > Connections).",
            )
        else:
            yield Check(
                name,
                "problem",
                "there is no connection to GitHub, which Studio's tooling needs for a project's Git",
                "Create one in the console (Developer Tools > Connections), and set it in the profile's tooling.",
            )
