"""DataZone's environment blueprints and their configurations by account and region."""

from __future__ import annotations

from typing import TYPE_CHECKING

from standins.aws.calls import Record, new_id, now
from standins.aws.datazone.model import TOOLING_BLUEPRINT, Domain, Domains, configuration_id, found, listed
from standins.aws.protocol import ServiceError, invalid

if TYPE_CHECKING:
    from standins.aws.calls import Call
    from standins.aws.datazone.roles import Roles


def add_tooling(domain: Domain) -> Record:
    """Add the managed blueprint that every domain has."""
    # The model demands a template; that of a managed blueprint is DataZone's own affair.
    managed = {"cloudFormation": {"templateUrl": f"managed:{TOOLING_BLUEPRINT}"}}
    return _add(domain, {"name": TOOLING_BLUEPRINT, "provisioningProperties": managed}, managed=True)


def _add(domain: Domain, request: Record, *, managed: bool) -> Record:
    blueprint = {
        "id": new_id(),
        "name": request["name"],
        "description": request.get("description", ""),
        "provider": "Amazon SageMaker" if managed else "CUSTOM",
        "provisioningProperties": request["provisioningProperties"],
        "userParameters": request.get("userParameters", []),
        "blueprintCategory": "TOOLING" if managed else request.get("blueprintCategory"),
        "createdAt": now(),
        "updatedAt": now(),
        "_managed": managed,
    }
    domain.blueprints[blueprint["id"]] = blueprint
    return blueprint


class BlueprintOperations:
    """The operations, each named as the model names it."""

    def __init__(self, domains: Domains, roles: Roles) -> None:
        """Take the domains, and who knows the roles."""
        self._domains = domains
        self._roles = roles

    def create_environment_blueprint(self, call: Call, request: Record) -> Record:
        """CreateEnvironmentBlueprint: unusable until it has a configuration."""
        domain = self._domains.named(request["domainIdentifier"])
        if any(blueprint["name"] == request["name"] for blueprint in domain.blueprints.values()):
            raise ServiceError("ConflictException", f"A blueprint named {request['name']} already exists.")
        if "cloudFormation" not in request["provisioningProperties"]:
            raise invalid("provisioningProperties.cloudFormation must be given.")
        if not domain.rules.templates_of_callers:
            raise invalid("Access denied to blueprint template.")
        for parameter in request.get("userParameters", []):
            if not domain.rules.empty_defaults and not parameter.get("defaultValue"):
                raise invalid(f"defaultValue of {parameter['keyName']} must not be empty.")
        return _add(domain, request, managed=False)

    def get_environment_blueprint(self, call: Call, request: Record) -> Record:
        """GetEnvironmentBlueprint."""
        return self._blueprint(request)

    def list_environment_blueprints(self, call: Call, request: Record) -> Record:
        """ListEnvironmentBlueprints."""
        found = [
            blueprint
            for blueprint in self._domains.named(request["domainIdentifier"]).blueprints.values()
            if request.get("name", blueprint["name"]) == blueprint["name"]
            and request.get("managed", blueprint["_managed"]) == blueprint["_managed"]
        ]
        return listed(found, request)

    def update_environment_blueprint(self, call: Call, request: Record) -> Record:
        """UpdateEnvironmentBlueprint: everything but the name."""
        blueprint = self._blueprint(request)
        if blueprint["_managed"]:
            raise invalid("A managed blueprint cannot be changed.")
        for member in ("description", "provisioningProperties", "userParameters"):
            if member in request:
                blueprint[member] = request[member]
        blueprint["updatedAt"] = now()
        return blueprint

    def delete_environment_blueprint(self, call: Call, request: Record) -> Record:
        """DeleteEnvironmentBlueprint: with its configuration and grants; refused while environments use it."""
        domain, blueprint = self._domains.named(request["domainIdentifier"]), self._blueprint(request)
        if blueprint["_managed"]:
            raise invalid("A managed blueprint cannot be deleted.")
        if any(item["environmentBlueprintId"] == blueprint["id"] for item in domain.environments.values()):
            raise ServiceError("ConflictException", f"Blueprint {blueprint['name']} is used by environments.")
        configured = [key for key in domain.configurations if key.endswith(f":{blueprint['id']}")]
        if configured and not domain.rules.configurations_go:
            raise ServiceError("ConflictException", f"Blueprint {blueprint['name']} has a configuration.")
        with self._domains.lock:
            del domain.blueprints[blueprint["id"]]
            for key in configured:
                domain.configurations.pop(key, None)
            domain.grants = [item for item in domain.grants if not item["_entity"][1].endswith(f":{blueprint['id']}")]
        return {}

    def put_environment_blueprint_configuration(self, call: Call, request: Record) -> Record:
        """PutEnvironmentBlueprintConfiguration: the caller's account's, with roles of that account that let Studio in.

        The API takes no account: it is the caller's. At least one region must be enabled.
        """
        domain = self._domains.named(request["domainIdentifier"])
        blueprint_id = request["environmentBlueprintIdentifier"]
        blueprint = found(domain.blueprints, blueprint_id, "Environment blueprint")
        if not request["enabledRegions"]:
            raise invalid("At least one region must be enabled.")
        if "provisioningRoleArn" not in request and not blueprint["_managed"]:
            raise invalid("provisioningRoleArn must be given for a custom blueprint.")
        for member in ("provisioningRoleArn", "manageAccessRoleArn"):
            if member in request:
                self._roles.require(call, domain, request[member])
        kept = {key: value for key, value in request.items() if not key.endswith("Identifier")}
        resources = [{"identifier": new_id(), **item} for item in kept.pop("resourceConfigurations", [])]
        key = configuration_id(call.account, blueprint_id)
        earlier = domain.configurations.get(key, {})
        configuration = kept | {
            "domainId": domain.id,
            "environmentBlueprintId": blueprint_id,
            "resourceConfigurations": resources,
            "createdAt": earlier.get("createdAt", now()),
            "updatedAt": now(),
        }
        domain.configurations[key] = configuration
        return configuration

    def get_environment_blueprint_configuration(self, call: Call, request: Record) -> Record:
        """GetEnvironmentBlueprintConfiguration: the caller's account's."""
        domain = self._domains.named(request["domainIdentifier"])
        key = configuration_id(call.account, request["environmentBlueprintIdentifier"])
        return found(domain.configurations, key, "Blueprint configuration")

    def delete_environment_blueprint_configuration(self, call: Call, request: Record) -> Record:
        """DeleteEnvironmentBlueprintConfiguration: the blueprint is disabled again in the caller's account.

        Whether it is refused while environments there need it is a rule: the reference has no ConflictException, the
        only refusal that it has is ValidationException.
        """
        domain = self._domains.named(request["domainIdentifier"])
        blueprint_id = request["environmentBlueprintIdentifier"]
        used = any(
            (item["environmentBlueprintId"], item["awsAccountId"]) == (blueprint_id, call.account)
            for item in domain.environments.values()
        )
        if used and not domain.rules.used_configurations_go:
            raise invalid(f"The configuration of blueprint {blueprint_id} is used by environments.")
        domain.configurations.pop(configuration_id(call.account, blueprint_id), None)
        return {}

    def _blueprint(self, request: Record) -> Record:
        domain = self._domains.named(request["domainIdentifier"])
        return found(domain.blueprints, request["identifier"], "Environment blueprint")
