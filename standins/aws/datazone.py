"""DataZone as Studio uses it: domains, profiles, blueprints, grants, projects and their environments.

What a project's environments do while they are deployed is in environments.py.
"""

from __future__ import annotations

import re
import string
from dataclasses import dataclass, field
from threading import RLock
from typing import TYPE_CHECKING, Any

from standins.aws.calls import Record, Table, new_id, now, page
from standins.aws.protocol import ServiceError, invalid

if TYPE_CHECKING:
    from collections.abc import Iterable

    from standins.aws.calls import Call
    from standins.aws.environments import Environments

TOOLING_BLUEPRINT = "Tooling"


@dataclass
class Domain:
    """A domain and everything in it."""

    record: Record
    account: str
    region: str
    units: Table[Record] = field(default_factory=Table)
    blueprints: Table[Record] = field(default_factory=Table)
    configurations: Table[Record] = field(default_factory=Table)
    grants: list[Record] = field(default_factory=list)
    profiles: Table[Record] = field(default_factory=Table)
    projects: Table[Record] = field(default_factory=Table)
    environments: Table[Record] = field(default_factory=Table)
    connections: Table[Record] = field(default_factory=Table)

    @property
    def id(self) -> str:
        """The domain's id."""
        return str(self.record["id"])

    @property
    def root_unit(self) -> str:
        """The id of the root domain unit."""
        return str(self.record["rootDomainUnitId"])


class DataZone:
    """The operations, each named as the model names it."""

    def __init__(self, environments: Environments) -> None:
        """Take what deploys environments."""
        self.domains: Table[Domain] = Table()
        self.lock = RLock()
        self._environments = environments

    # Domains and domain units

    def create_domain(self, call: Call, request: Record) -> Record:
        """CreateDomain: available at once, with the managed Tooling blueprint and a root domain unit."""
        if any(domain.record["name"] == request["name"] for domain in self._mine(call)):
            raise ServiceError("ConflictException", f"A domain named {request['name']} already exists.")
        return self.open_domain(call, request).record

    def open_domain(self, call: Call, request: Record, domain_id: str = "") -> Domain:
        """Make a domain; `request` is CreateDomain's, its execution role may be missing."""
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
        domain = Domain(record, call.account, call.region)
        domain.units[domain.root_unit] = _unit(domain_id, domain.root_unit, "Root", None, ancestors=[], by=call.caller)
        # The model demands a template; that of a managed blueprint is DataZone's own affair.
        managed = {"cloudFormation": {"templateUrl": f"managed:{TOOLING_BLUEPRINT}"}}
        tooling = {"name": TOOLING_BLUEPRINT, "provisioningProperties": managed}
        self._add_blueprint(domain, tooling, managed=True)
        with self.lock:
            self.domains[domain_id] = domain
        return domain

    def get_domain(self, call: Call, request: Record) -> Record:
        """GetDomain."""
        return self.domain(request["identifier"]).record

    def list_domains(self, call: Call, request: Record) -> Record:
        """ListDomains."""
        mine = [domain.record for domain in self._mine(call)]
        return _listed([item for item in mine if request.get("status", item["status"]) == item["status"]], request)

    def delete_domain(self, call: Call, request: Record) -> Record:
        """DeleteDomain: refused while there are projects."""
        domain = self.domain(request["identifier"])
        if domain.projects and not (request.get("skipDeletionCheck") or request.get("cascadeDelete")):
            raise ServiceError("ConflictException", f"Domain {domain.id} still has projects.")
        with self.lock:
            del self.domains[domain.id]
        return {"status": "DELETING"}

    def create_domain_unit(self, call: Call, request: Record) -> Record:
        """CreateDomainUnit."""
        domain = self.domain(request["domainIdentifier"])
        parent = _found(domain.units, request["parentDomainUnitIdentifier"], "Domain unit")
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

    def get_domain_unit(self, call: Call, request: Record) -> Record:
        """GetDomainUnit."""
        return _found(self.domain(request["domainIdentifier"]).units, request["identifier"], "Domain unit")

    def list_domain_units_for_parent(self, call: Call, request: Record) -> Record:
        """ListDomainUnitsForParent."""
        domain, parent = self.domain(request["domainIdentifier"]), request["parentDomainUnitIdentifier"]
        return _listed([unit for unit in domain.units.values() if unit["parentDomainUnitId"] == parent], request)

    def delete_domain_unit(self, call: Call, request: Record) -> Record:
        """DeleteDomainUnit: refused for the root and while something is in it."""
        domain = self.domain(request["domainIdentifier"])
        unit = _found(domain.units, request["identifier"], "Domain unit")
        children = [item for item in domain.units.values() if item["parentDomainUnitId"] == unit["id"]]
        if (
            unit["id"] == domain.root_unit
            or children
            or any(project["domainUnitId"] == unit["id"] for project in domain.projects.values())
        ):
            raise ServiceError("ConflictException", f"Domain unit {unit['name']} cannot be deleted: it is in use.")
        del domain.units[unit["id"]]
        return {}

    # Environment blueprints

    def create_environment_blueprint(self, call: Call, request: Record) -> Record:
        """CreateEnvironmentBlueprint: unusable until it has a configuration."""
        domain = self.domain(request["domainIdentifier"])
        if any(blueprint["name"] == request["name"] for blueprint in domain.blueprints.values()):
            raise ServiceError("ConflictException", f"A blueprint named {request['name']} already exists.")
        if "cloudFormation" not in request["provisioningProperties"]:
            raise invalid("provisioningProperties.cloudFormation must be given.")
        return self._add_blueprint(domain, request, managed=False)

    def _add_blueprint(self, domain: Domain, request: Record, *, managed: bool) -> Record:
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

    def get_environment_blueprint(self, call: Call, request: Record) -> Record:
        """GetEnvironmentBlueprint."""
        return self._blueprint(request)

    def list_environment_blueprints(self, call: Call, request: Record) -> Record:
        """ListEnvironmentBlueprints."""
        found = [
            blueprint
            for blueprint in self.domain(request["domainIdentifier"]).blueprints.values()
            if request.get("name", blueprint["name"]) == blueprint["name"]
            and request.get("managed", blueprint["_managed"]) == blueprint["_managed"]
        ]
        return _listed(found, request)

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
        domain, blueprint = self.domain(request["domainIdentifier"]), self._blueprint(request)
        if blueprint["_managed"]:
            raise invalid("A managed blueprint cannot be deleted.")
        if any(item["environmentBlueprintId"] == blueprint["id"] for item in domain.environments.values()):
            raise ServiceError("ConflictException", f"Blueprint {blueprint['name']} is used by environments.")
        with self.lock:
            del domain.blueprints[blueprint["id"]]
            domain.configurations.pop(blueprint["id"], None)
            domain.grants = [item for item in domain.grants if not item["_entity"][1].endswith(f":{blueprint['id']}")]
        return {}

    def put_environment_blueprint_configuration(self, call: Call, request: Record) -> Record:
        """PutEnvironmentBlueprintConfiguration: roles must exist in MiniStack, at least one region must be enabled."""
        domain = self.domain(request["domainIdentifier"])
        blueprint_id = request["environmentBlueprintIdentifier"]
        blueprint = _found(domain.blueprints, blueprint_id, "Environment blueprint")
        if not request["enabledRegions"]:
            raise invalid("At least one region must be enabled.")
        if "provisioningRoleArn" not in request and not blueprint["_managed"]:
            raise invalid("provisioningRoleArn must be given for a custom blueprint.")
        for member in ("provisioningRoleArn", "manageAccessRoleArn"):
            if member in request:
                self._environments.require_role(request[member], call.region)
        kept = {key: value for key, value in request.items() if not key.endswith("Identifier")}
        resources = [{"identifier": new_id(), **item} for item in kept.pop("resourceConfigurations", [])]
        earlier = domain.configurations.get(blueprint_id, {})
        configuration = kept | {
            "domainId": domain.id,
            "environmentBlueprintId": blueprint_id,
            "resourceConfigurations": resources,
            "createdAt": earlier.get("createdAt", now()),
            "updatedAt": now(),
            "_account": call.account,
        }
        domain.configurations[blueprint_id] = configuration
        return configuration

    def get_environment_blueprint_configuration(self, call: Call, request: Record) -> Record:
        """GetEnvironmentBlueprintConfiguration."""
        domain = self.domain(request["domainIdentifier"])
        return _found(domain.configurations, request["environmentBlueprintIdentifier"], "Blueprint configuration")

    def list_environment_blueprint_configurations(self, call: Call, request: Record) -> Record:
        """ListEnvironmentBlueprintConfigurations."""
        return _listed(self.domain(request["domainIdentifier"]).configurations.values(), request)

    def delete_environment_blueprint_configuration(self, call: Call, request: Record) -> Record:
        """DeleteEnvironmentBlueprintConfiguration: the blueprint is disabled again."""
        domain = self.domain(request["domainIdentifier"])
        domain.configurations.pop(request["environmentBlueprintIdentifier"], None)
        return {}

    # Policy grants

    def add_policy_grant(self, call: Call, request: Record) -> Record:
        """AddPolicyGrant: the detail must be the one of the policy type."""
        domain = self.domain(request["domainIdentifier"])
        first, *rest = request["policyType"].lower().split("_")
        expected = first + "".join(word.capitalize() for word in rest)
        if list(request["detail"]) != [expected]:
            raise invalid(f"The detail of a {request['policyType']} grant must be {expected}.")
        entity = (request["entityType"], request["entityIdentifier"])
        self._require_entity(domain, *entity)
        same = (entity, request["policyType"], request["principal"], request["detail"])
        for grant in domain.grants:
            if (grant["_entity"], grant["_policy"], grant["principal"], grant["detail"]) == same:
                raise ServiceError("ConflictException", f"The grant exists already: {grant['grantId']}.")
        return self.grant(
            domain,
            entity,
            request["policyType"],
            principal=request["principal"],
            detail=request["detail"],
            by=call.caller,
        )

    def grant(
        self, domain: Domain, entity: tuple[str, str], policy: str, *, principal: Record, detail: Record, by: str
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
        with self.lock:
            domain.grants.append(grant)
        return grant

    def _require_entity(self, domain: Domain, kind: str, identifier: str) -> None:
        if kind == "DOMAIN_UNIT":
            _found(domain.units, identifier, "Domain unit")
        elif kind == "ENVIRONMENT_BLUEPRINT_CONFIGURATION":
            account, colon, blueprint = identifier.partition(":")
            if not colon or not re.fullmatch(r"\d{12}", account):
                raise invalid("The identifier of a blueprint configuration is <account>:<blueprint id>.")
            _found(domain.configurations, blueprint, "Blueprint configuration")

    def list_policy_grants(self, call: Call, request: Record) -> Record:
        """ListPolicyGrants."""
        domain, entity = self.domain(request["domainIdentifier"]), (request["entityType"], request["entityIdentifier"])
        found = [
            item for item in domain.grants if item["_entity"] == entity and item["_policy"] == request["policyType"]
        ]
        listed = _listed(found, request)
        return {"grantList": listed["items"], "nextToken": listed["nextToken"]}

    def remove_policy_grant(self, call: Call, request: Record) -> Record:
        """RemovePolicyGrant: the one of that id, else those of the principal."""
        domain, entity = self.domain(request["domainIdentifier"]), (request["entityType"], request["entityIdentifier"])
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
        with self.lock:
            domain.grants = [item for item in domain.grants if item not in removed]
        return {}

    def granted_profiles(self, domain: Domain, unit: str) -> set[str]:
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

    # Project profiles

    def create_project_profile(self, call: Call, request: Record) -> Record:
        """CreateProjectProfile: DISABLED unless a status is given."""
        domain = self.domain(request["domainIdentifier"])
        if any(profile["name"] == request["name"] for profile in domain.profiles.values()):
            raise ServiceError("ConflictException", f"A project profile named {request['name']} already exists.")
        unit = request.get("domainUnitIdentifier", domain.root_unit)
        _found(domain.units, unit, "Domain unit")
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
        return _found(self.domain(request["domainIdentifier"]).profiles, request["identifier"], "Project profile")

    def list_project_profiles(self, call: Call, request: Record) -> Record:
        """ListProjectProfiles."""
        profiles = self.domain(request["domainIdentifier"]).profiles.values()
        return _listed([item for item in profiles if request.get("name", item["name"]) == item["name"]], request)

    def update_project_profile(self, call: Call, request: Record) -> Record:
        """UpdateProjectProfile."""
        domain, profile = self.domain(request["domainIdentifier"]), self.get_project_profile(call, request)
        changes = {key: value for key, value in request.items() if not key.endswith(("Identifier", "identifier"))}
        if "environmentConfigurations" in changes:
            changes["environmentConfigurations"] = _configurations(domain, changes["environmentConfigurations"])
        profile.update(changes, lastUpdatedAt=now())
        return profile

    def delete_project_profile(self, call: Call, request: Record) -> Record:
        """DeleteProjectProfile: refused while projects have it."""
        domain, profile = self.domain(request["domainIdentifier"]), self.get_project_profile(call, request)
        if any(project.get("projectProfileId") == profile["id"] for project in domain.projects.values()):
            raise ServiceError("ConflictException", f"Project profile {profile['name']} is used by projects.")
        del domain.profiles[profile["id"]]
        return {}

    # Projects

    def create_project(self, call: Call, request: Record) -> Record:
        """CreateProject: answers at once; the profile's environments are deployed behind it."""
        project = self.start_project(call, request)
        self._environments.announce_creation(call, self.domain(project["domainId"]), project, request)
        return project

    def start_project(self, call: Call, request: Record, project_id: str = "") -> Record:
        """Make a project and begin to deploy its environments."""
        domain = self.domain(request["domainIdentifier"])
        unit = request.get("domainUnitId", domain.root_unit)
        _found(domain.units, unit, "Domain unit")
        profile: Record = {}
        if "projectProfileId" in request:
            profile = _found(domain.profiles, request["projectProfileId"], "Project profile")
            if profile["status"] != "ENABLED":
                raise invalid(f"Project profile {profile['name']} is not enabled.")
            if profile["id"] not in self.granted_profiles(domain, unit):
                raise ServiceError(
                    "AccessDeniedException",
                    f"No grant lets projects be made from project profile {profile['name']} here.",
                )
        _check_user_parameters(profile.get("environmentConfigurations", []), request.get("userParameters", []))
        with self.lock:
            if any(item["name"] == request["name"] for item in domain.projects.values()):
                raise ServiceError("ConflictException", f"A project named {request['name']} already exists.")
            tags = request.get("resourceTags", {})
            project = {
                "id": project_id or new_id(),
                "domainId": domain.id,
                "name": request["name"],
                "description": request.get("description", ""),
                "projectStatus": "ACTIVE",
                "createdBy": call.caller,
                "createdAt": now(),
                "lastUpdatedAt": now(),
                "updatedAt": now(),
                "domainUnitId": unit,
                "projectProfileId": profile.get("id"),
                "userParameters": request.get("userParameters", []),
                "glossaryTerms": request.get("glossaryTerms"),
                "resourceTags": [{"key": key, "value": value, "source": "PROJECT"} for key, value in tags.items()],
                "environmentDeploymentDetails": {
                    "overallDeploymentStatus": "PENDING_DEPLOYMENT",
                    "environmentFailureReasons": {},
                },
            }
            domain.projects[project["id"]] = project
        self._environments.deploy_project(domain, project, profile)
        return dict(project)

    def get_project(self, call: Call, request: Record) -> Record:
        """GetProject."""
        return self._project(request)

    def list_projects(self, call: Call, request: Record) -> Record:
        """ListProjects."""
        projects = self.domain(request["domainIdentifier"]).projects.values()
        return _listed([item for item in projects if request.get("name", item["name"]) == item["name"]], request)

    def update_project(self, call: Call, request: Record) -> Record:
        """UpdateProject: names at once; a profile version or user parameters redeploy the environments."""
        domain, project = self.domain(request["domainIdentifier"]), self._project(request)
        profile = domain.profiles.get(project["projectProfileId"] or "", {})
        if request.get("projectProfileVersion", "latest") != "latest":
            raise invalid("projectProfileVersion can only be latest.")
        _check_user_parameters(profile.get("environmentConfigurations", []), request.get("userParameters", []))
        redeploy = "projectProfileVersion" in request or "userParameters" in request
        if redeploy and project["projectStatus"] != "ACTIVE":
            raise ServiceError("ConflictException", f"The project is {project['projectStatus']}.")
        for member in ("name", "description", "glossaryTerms"):
            if member in request:
                project[member] = request[member]
        if "userParameters" in request:
            project["userParameters"] = _merged(project["userParameters"], request["userParameters"])
        project.update(lastUpdatedAt=now(), updatedAt=now())
        if redeploy:
            project["projectStatus"] = "UPDATING"
            self._environments.update_project(domain, project, profile)
        return dict(project)

    def delete_project(self, call: Call, request: Record) -> Record:
        """DeleteProject: its environments are deleted behind it, last first, then the project."""
        domain, project = self.domain(request["domainIdentifier"]), self._project(request)
        if project["projectStatus"] != "DELETING":
            project["projectStatus"] = "DELETING"
            self._environments.delete_project(domain, project)
            self._environments.announce_deletion(call, domain, request)
        return {}

    # Environments

    def create_environment(self, call: Call, request: Record) -> Record:
        """CreateEnvironment: of a configuration of the project's profile, or of a blueprint."""
        domain = self.domain(request["domainIdentifier"])
        project = _found(domain.projects, request["projectIdentifier"], "Project")
        profile = domain.profiles.get(project["projectProfileId"] or "", {})
        wanted: set[object] = {
            request.get("environmentConfigurationId"),
            request.get("environmentConfigurationName"),
        } - {None}
        configuration = next(
            (item for item in profile.get("environmentConfigurations", []) if {item["id"], item["name"]} & wanted), None
        )
        if wanted and configuration is None:
            raise ServiceError(
                "ResourceNotFoundException", "The project profile has no such environment configuration."
            )
        if configuration is None:
            blueprint = _found(
                domain.blueprints, request.get("environmentBlueprintIdentifier", ""), "Environment blueprint"
            )
            configuration = {"name": request["name"], "id": None, "environmentBlueprintId": blueprint["id"]}
            configuration["deploymentOrder"] = request.get("deploymentOrder", 0)
        given = {item["name"]: item["value"] for item in request.get("userParameters", [])}
        return self._environments.start(domain, project, {**configuration, "name": request["name"]}, given)

    def get_environment(self, call: Call, request: Record) -> Record:
        """GetEnvironment."""
        return self._environment(request)

    def list_environments(self, call: Call, request: Record) -> Record:
        """ListEnvironments."""
        domain = self.domain(request["domainIdentifier"])
        _found(domain.projects, request["projectIdentifier"], "Project")
        filters = {
            "projectId": request["projectIdentifier"],
            "name": request.get("name"),
            "provider": request.get("provider"),
            "awsAccountId": request.get("awsAccountId"),
            "awsAccountRegion": request.get("awsAccountRegion"),
            "environmentBlueprintId": request.get("environmentBlueprintIdentifier"),
        }
        found = [
            item
            for item in domain.environments.values()
            if all(value is None or item[member] == value for member, value in filters.items())
            and request.get("status", item["status"]) == item["status"]
        ]
        return _listed(found, request)

    def update_environment(self, call: Call, request: Record) -> Record:
        """UpdateEnvironment: a new blueprint version ("latest") or user parameters update its stack."""
        domain, environment = self.domain(request["domainIdentifier"]), self._environment(request)
        if request.get("blueprintVersion", "latest") != "latest":
            raise invalid("blueprintVersion can only be latest.")
        if environment["status"] not in ("ACTIVE", "UPDATE_FAILED"):
            raise ServiceError("ConflictException", f"The environment is {environment['status']}.")
        for member in ("name", "description", "glossaryTerms"):
            if member in request:
                environment[member] = request[member]
        if "blueprintVersion" in request or "userParameters" in request:
            given = {item["name"]: item["value"] for item in request.get("userParameters", [])}
            self._environments.update(domain, environment, given)
        return dict(environment)

    def delete_environment(self, call: Call, request: Record) -> Record:
        """DeleteEnvironment."""
        domain, environment = self.domain(request["domainIdentifier"]), self._environment(request)
        self._environments.delete(domain, environment)
        return {}

    # Connections

    def list_connections(self, call: Call, request: Record) -> Record:
        """ListConnections."""
        domain = self.domain(request["domainIdentifier"])
        found = [
            item
            for item in domain.connections.values()
            if request.get("projectIdentifier", item["projectId"]) == item["projectId"]
            and request.get("environmentIdentifier", item["environmentId"]) == item["environmentId"]
            and request.get("name", item["name"]) == item["name"]
            and request.get("type", item["type"]) == item["type"]
        ]
        return _listed(found, request)

    def get_connection(self, call: Call, request: Record) -> Record:
        """GetConnection: without credentials, whatever is asked."""
        return _found(self.domain(request["domainIdentifier"]).connections, request["identifier"], "Connection")

    # What the operations look up

    def domain(self, identifier: str) -> Domain:
        """Return the domain. Raises ServiceError (ResourceNotFoundException)."""
        if identifier not in self.domains:
            raise ServiceError("ResourceNotFoundException", f"Domain {identifier} does not exist.")
        return self.domains[identifier]

    def _mine(self, call: Call) -> list[Domain]:
        return [item for item in self.domains.values() if (item.account, item.region) == (call.account, call.region)]

    def _blueprint(self, request: Record) -> Record:
        domain = self.domain(request["domainIdentifier"])
        return _found(domain.blueprints, request["identifier"], "Environment blueprint")

    def _project(self, request: Record) -> Record:
        return _found(self.domain(request["domainIdentifier"]).projects, request["identifier"], "Project")

    def _environment(self, request: Record) -> Record:
        return _found(self.domain(request["domainIdentifier"]).environments, request["identifier"], "Environment")


def _found(records: dict[str, Record], identifier: str, what: str) -> Record:
    if identifier not in records:
        raise ServiceError("ResourceNotFoundException", f"{what} {identifier} does not exist.")
    return records[identifier]


def _listed(items: Iterable[Record], request: Record) -> Record:
    found, token = page(items, request.get("maxResults"), request.get("nextToken"))
    return {"items": found, "nextToken": token}


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


def _configurations(domain: Domain, given: list[Record]) -> list[Record]:
    """Return a profile's environment configurations with ids. Raises ServiceError for what cannot be deployed."""
    names = [item["name"] for item in given]
    if len(set(names)) != len(names):
        raise invalid("The names of environment configurations must differ.")
    for item in given:
        _found(domain.blueprints, item["environmentBlueprintId"], "Environment blueprint")
    return [{"deploymentMode": "ON_CREATE", **item, "id": item.get("id") or new_id()} for item in given]


def _check_user_parameters(configurations: list[Record], given: list[Record]) -> None:
    """Refuse parameters for unknown configurations, and those that the profile does not let people edit."""
    by_name = {item["name"]: item for item in configurations}
    for group in given:
        name = group.get("environmentConfigurationName")
        if name is None:
            continue
        if name not in by_name:
            raise invalid(f"The project profile has no environment configuration named {name}.")
        overrides = by_name[name].get("configurationParameters", {}).get("parameterOverrides", [])
        fixed = {item["name"] for item in overrides if item.get("isEditable") is False}
        for parameter in group.get("environmentParameters", []):
            if parameter.get("name") in fixed:
                raise invalid(f"Parameter {parameter['name']} of {name} is not editable.")


def _merged(earlier: list[Record], later: list[Record]) -> list[Record]:
    """Return user parameters with the later ones on top, by configuration and parameter name."""
    merged: dict[Any, dict[str, str]] = {}
    for group in [*earlier, *later]:
        values = merged.setdefault(group.get("environmentConfigurationName"), {})
        values.update({item["name"]: item["value"] for item in group.get("environmentParameters", [])})
    return [
        {
            "environmentConfigurationName": name,
            "environmentParameters": [{"name": key, "value": value} for key, value in values.items()],
        }
        for name, values in merged.items()
    ]
