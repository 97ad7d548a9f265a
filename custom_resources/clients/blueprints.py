"""DataZone's side of an installation: blueprints, project profiles and policy grants. Reads and writes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeVar, cast

from custom_resources.clients.aws import DATAZONE, DATAZONE_OF_OWNERS, DATAZONE_OF_SHARERS, translated
from custom_resources.errors import (
    AwsConflict,
    AwsNotFound,
    AwsRefused,
    DataZoneDenied,
    InUse,
    NameTaken,
    Problem,
    RoleNotReady,
)

if TYPE_CHECKING:
    from mypy_boto3_datazone import DataZoneClient

_ROLE_WORDS = ("role", "assume")  # in DataZone's refusal of a role (docs/studio.md, A08)
_GONE = {"DELETING", "DELETED"}
EntityType = Literal["DOMAIN_UNIT", "ENVIRONMENT_BLUEPRINT_CONFIGURATION"]
PolicyType = Literal["CREATE_ENVIRONMENT_FROM_BLUEPRINT", "CREATE_PROJECT_FROM_PROJECT_PROFILE"]
AnswerT = TypeVar("AnswerT")


@dataclass(frozen=True)
class Blueprint:
    """A custom blueprint. `parameters` are DataZone's userParameters, sorted as given."""

    id: str
    name: str
    description: str
    template_url: str
    parameters: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True)
class Configuration:
    """What makes a blueprint usable: who provisions it, and where."""

    provisioning_role: str
    regions: tuple[str, ...]
    manage_access_role: str = ""
    regional_parameters: Mapping[str, Mapping[str, str]] | None = None


@dataclass(frozen=True)
class Grant:
    """A policy grant; `principal` and `detail` as DataZone spells them."""

    id: str
    principal: Mapping[str, Any]
    detail: Mapping[str, Any]


@dataclass(frozen=True)
class Profile:
    """A project profile. `environments` are DataZone's environmentConfigurations, handed back untouched."""

    id: str
    name: str
    environments: tuple[Mapping[str, Any], ...]
    description: str = ""
    enabled: bool = True


class Blueprints:
    """The calls that an installation makes.

    Every method raises AwsThrottled and AwsUnreachable, which pass, DataZoneDenied, AwsNotFound, AwsRefused.
    """

    def __init__(self, datazone: DataZoneClient, *, elsewhere: bool = False) -> None:
        """Take a boto3 DataZone client. `elsewhere`: the domain is another account's, which shares it with this one."""
        self._datazone = datazone
        self._writing = DATAZONE_OF_SHARERS if elsewhere else DATAZONE_OF_OWNERS
        self._reading = DATAZONE_OF_SHARERS if elsewhere else DATAZONE

    # -- blueprints -----------------------------------------------------------------------------------------

    def blueprint(self, domain_id: str, blueprint_id: str) -> Blueprint | None:
        """Return the blueprint, or None when it is gone."""
        found = self._find(
            f"reading the blueprint {blueprint_id}",
            lambda: self._datazone.get_environment_blueprint(domainIdentifier=domain_id, identifier=blueprint_id),
        )
        return _blueprint(found) if found else None

    def blueprint_id(self, domain_id: str, name: str, managed: bool = False) -> str:
        """Return the id of the blueprint of that name, "" when there is none."""
        items = self._pages(
            "list_environment_blueprints", "items", domainIdentifier=domain_id, name=name, managed=managed
        )
        return next((item["id"] for item in items if item["name"] == name), "")

    def create_blueprint(self, domain_id: str, wanted: Blueprint) -> str:
        """Register a blueprint and return its id. Raises NameTaken."""
        created = self._call(
            f"creating the blueprint {wanted.name!r}",
            lambda: self._datazone.create_environment_blueprint(
                domainIdentifier=domain_id,
                name=wanted.name,
                description=wanted.description,
                provisioningProperties={"cloudFormation": {"templateUrl": wanted.template_url}},
                userParameters=cast("Any", list(wanted.parameters)),
            ),
            taken=True,
        )
        return str(created["id"])

    def update_blueprint(self, domain_id: str, wanted: Blueprint) -> None:
        """Change everything but the name, which DataZone cannot change."""
        self._call(
            f"changing the blueprint {wanted.name!r}",
            lambda: self._datazone.update_environment_blueprint(
                domainIdentifier=domain_id,
                identifier=wanted.id,
                description=wanted.description,
                provisioningProperties={"cloudFormation": {"templateUrl": wanted.template_url}},
                userParameters=cast("Any", list(wanted.parameters)),
            ),
        )

    def delete_blueprint(self, domain_id: str, blueprint_id: str) -> None:
        """Delete the blueprint, with its configuration; one that is gone is fine. Raises InUse."""
        self._gone(
            f"deleting the blueprint {blueprint_id}",
            lambda: self._datazone.delete_environment_blueprint(domainIdentifier=domain_id, identifier=blueprint_id),
            InUse(kind="blueprint", name=blueprint_id),
        )

    def configuration(self, domain_id: str, blueprint_id: str) -> Configuration | None:
        """Return the blueprint's configuration in this account, or None."""
        found = self._find(
            f"reading the configuration of the blueprint {blueprint_id}",
            lambda: self._datazone.get_environment_blueprint_configuration(
                domainIdentifier=domain_id, environmentBlueprintIdentifier=blueprint_id
            ),
        )
        if not found:
            return None
        return Configuration(
            found.get("provisioningRoleArn", ""),
            tuple(sorted(found.get("enabledRegions", []))),
            found.get("manageAccessRoleArn", ""),
            found.get("regionalParameters") or {},
        )

    def configure(self, domain_id: str, blueprint_id: str, wanted: Configuration) -> None:
        """Enable the blueprint in this account. Raises RoleNotReady when DataZone cannot use the role."""
        arguments: dict[str, Any] = {
            "domainIdentifier": domain_id,
            "environmentBlueprintIdentifier": blueprint_id,
            "provisioningRoleArn": wanted.provisioning_role,
            "enabledRegions": list(wanted.regions),
        }
        if wanted.manage_access_role:
            arguments["manageAccessRoleArn"] = wanted.manage_access_role
        if wanted.regional_parameters:
            arguments["regionalParameters"] = wanted.regional_parameters
        try:
            with translated(self._writing, f"configuring the blueprint {blueprint_id}"):
                self._datazone.put_environment_blueprint_configuration(**arguments)
        except (AwsConflict, AwsNotFound, AwsRefused, DataZoneDenied) as refused:
            message = str(refused.holes["message"])
            if any(word in message.lower() for word in _ROLE_WORDS):
                raise RoleNotReady(role=wanted.provisioning_role, message=message) from None
            raise

    def delete_configuration(self, domain_id: str, blueprint_id: str) -> None:
        """Disable the blueprint in this account; a configuration that is gone is fine."""
        self._gone(
            f"deleting the configuration of the blueprint {blueprint_id}",
            lambda: self._datazone.delete_environment_blueprint_configuration(
                domainIdentifier=domain_id, environmentBlueprintIdentifier=blueprint_id
            ),
            InUse(kind="configuration of the blueprint", name=blueprint_id),
        )

    def projects_with(self, domain_id: str, blueprint_id: str) -> list[str]:
        """Return the names of the projects that have an environment of the blueprint. Slow: one request a project.

        DataZone shows a project's environments to its members: those of other projects are not found.
        """
        try:
            projects = list(self._pages("list_projects", "items", domainIdentifier=domain_id))
        except DataZoneDenied:
            return []
        return [project["name"] for project in projects if self._has_environment(domain_id, project, blueprint_id)]

    def _has_environment(self, domain_id: str, project: Mapping[str, Any], blueprint_id: str) -> bool:
        try:
            environments = self._pages(
                "list_environments",
                "items",
                domainIdentifier=domain_id,
                projectIdentifier=project["id"],
                environmentBlueprintIdentifier=blueprint_id,
            )
        except (AwsNotFound, DataZoneDenied):
            return False
        return any(item.get("status") != "DELETED" for item in environments)

    # -- the domain -----------------------------------------------------------------------------------------

    def domain_is_gone(self, domain_id: str) -> bool:
        """Tell whether the account's domains, and those shared with it, lack this one (ListDomains).

        DataZone answers "denied" for a domain that does not exist, too: its list is what tells the two apart
        (docs/studio.md, A25).
        """
        domains = self._pages("list_domains", "items")
        return not any(item["id"] == domain_id and item.get("status") not in _GONE for item in domains)

    # -- grants ---------------------------------------------------------------------------------------------

    def root_domain_unit(self, domain_id: str) -> str:
        """Return the id of the domain's root domain unit."""
        found = self._read(f"reading the domain {domain_id}", lambda: self._datazone.get_domain(identifier=domain_id))
        return str(found.get("rootDomainUnitId", ""))

    def grants(self, domain_id: str, entity: EntityType, identifier: str, policy: PolicyType) -> list[Grant]:
        """Return the grants of one policy on one entity; none when that is gone."""
        answer = self._find(
            f"reading the grants {policy} on {identifier}",
            lambda: self._every(
                "list_policy_grants",
                "grantList",
                domainIdentifier=domain_id,
                entityType=entity,
                entityIdentifier=identifier,
                policyType=policy,
            ),
        )
        items = answer["grantList"] if answer else []
        return [Grant(item.get("grantId", ""), item["principal"], item["detail"]) for item in items]

    def add_grant(self, domain_id: str, entity: EntityType, identifier: str, policy: PolicyType, grant: Grant) -> str:
        """Add a grant; return its id. Raises NameTaken when the principal has one already."""
        added = self._call(
            f"granting {policy} on {identifier}",
            lambda: self._datazone.add_policy_grant(
                domainIdentifier=domain_id,
                entityType=entity,
                entityIdentifier=identifier,
                policyType=policy,
                principal=cast("Any", grant.principal),
                detail=cast("Any", grant.detail),
            ),
            taken=True,
        )
        return str(added.get("grantId", ""))

    def remove_grant(
        self, domain_id: str, entity: EntityType, identifier: str, policy: PolicyType, grant: Grant
    ) -> None:
        """Remove a grant; one that is gone is fine."""
        arguments: dict[str, Any] = {"grantIdentifier": grant.id} if grant.id else {}
        self._gone(
            f"removing the grant {policy} on {identifier}",
            lambda: self._datazone.remove_policy_grant(
                domainIdentifier=domain_id,
                entityType=entity,
                entityIdentifier=identifier,
                policyType=policy,
                principal=cast("Any", grant.principal),
                **arguments,
            ),
        )

    # -- project profiles -----------------------------------------------------------------------------------

    def profile(self, domain_id: str, profile_id: str) -> Profile | None:
        """Return the profile, or None when it is gone."""
        found = self._find(
            f"reading the project profile {profile_id}",
            lambda: self._datazone.get_project_profile(domainIdentifier=domain_id, identifier=profile_id),
        )
        if not found:
            return None
        return Profile(
            found["id"],
            found["name"],
            tuple(found.get("environmentConfigurations", [])),
            found.get("description", ""),
            found.get("status", "DISABLED") == "ENABLED",
        )

    def profile_id(self, domain_id: str, name: str) -> str:
        """Return the id of the profile of that name, "" when there is none."""
        items = self._pages("list_project_profiles", "items", domainIdentifier=domain_id, name=name)
        return next((item["id"] for item in items if item["name"] == name), "")

    def create_profile(self, domain_id: str, wanted: Profile, domain_unit_id: str) -> str:
        """Create an enabled profile and return its id. Raises NameTaken."""
        created = self._call(
            f"creating the project profile {wanted.name!r}",
            lambda: self._datazone.create_project_profile(
                domainIdentifier=domain_id,
                name=wanted.name,
                description=wanted.description,
                status="ENABLED",  # left out, it is DISABLED
                environmentConfigurations=cast("Any", list(wanted.environments)),
                domainUnitIdentifier=domain_unit_id,
            ),
            taken=True,
        )
        return str(created["id"])

    def update_profile(self, domain_id: str, wanted: Profile) -> None:
        """Replace the profile's environments; the description and status only of a profile of our own."""
        extra: dict[str, Any] = {"description": wanted.description, "status": "ENABLED"} if wanted.enabled else {}
        self._call(
            f"changing the project profile {wanted.name!r}",
            lambda: self._datazone.update_project_profile(
                domainIdentifier=domain_id,
                identifier=wanted.id,
                environmentConfigurations=cast("Any", list(wanted.environments)),
                **extra,
            ),
        )

    def delete_profile(self, domain_id: str, profile_id: str) -> None:
        """Delete a profile; one that is gone is fine. Raises InUse while projects use it."""
        self._gone(
            f"deleting the project profile {profile_id}",
            lambda: self._datazone.delete_project_profile(domainIdentifier=domain_id, identifier=profile_id),
            InUse(kind="project profile", name=profile_id),
        )

    # -- account pools --------------------------------------------------------------------------------------

    def accounts_of_pool(self, domain_id: str, pool_id: str) -> list[tuple[str, str]]:
        """Return a pool's accounts, each with one of its regions; none for a pool whose accounts a function chooses."""
        found = self._read(
            f"reading the account pool {pool_id}",
            lambda: self._datazone.get_account_pool(domainIdentifier=domain_id, identifier=pool_id),
        )
        accounts = found.get("accountSource", {}).get("accounts", [])
        return [(each["awsAccountId"], region) for each in accounts for region in each["supportedRegions"]]

    # -- one way to call ------------------------------------------------------------------------------------

    def _call(self, activity: str, call: Callable[[], AnswerT], taken: bool = False) -> dict[str, Any]:
        """Write: what DataZone permits to owners of the domain unit (docs/studio.md, A04)."""
        try:
            with translated(self._writing, activity):
                return cast("dict[str, Any]", call())
        except AwsConflict:
            if taken:
                raise NameTaken(activity=activity) from None
            raise

    def _find(self, activity: str, call: Callable[[], AnswerT]) -> dict[str, Any] | None:
        try:
            return self._read(activity, call)
        except AwsNotFound:
            return None

    def _read(self, activity: str, call: Callable[[], AnswerT]) -> dict[str, Any]:
        with translated(self._reading, activity):
            return cast("dict[str, Any]", call())

    def _gone(self, activity: str, call: Callable[[], object], in_use: Problem | None = None) -> None:
        try:
            self._call(activity, call)
        except AwsNotFound:
            return
        except AwsConflict:
            if in_use:
                raise in_use from None
            raise

    def _pages(self, operation: str, key: str, **arguments: Any) -> Iterator[dict[str, Any]]:
        activity = operation.replace("list_", "listing ").replace("_", " ")
        return iter(self._read(activity, lambda: self._every(operation, key, **arguments))[key])

    def _every(self, operation: str, key: str, **arguments: Any) -> dict[str, Sequence[dict[str, Any]]]:
        """Return the answer with the items of all pages in it. Raises what boto3 raises."""
        paginator = cast("Any", self._datazone).get_paginator(operation)
        return {key: [item for page in paginator.paginate(**arguments) for item in page.get(key, [])]}


def _blueprint(found: Mapping[str, Any]) -> Blueprint:
    return Blueprint(
        found["id"],
        found["name"],
        found.get("description", ""),
        found.get("provisioningProperties", {}).get("cloudFormation", {}).get("templateUrl", ""),
        tuple(found.get("userParameters", [])),
    )
