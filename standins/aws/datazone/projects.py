"""DataZone's projects: answered at once, deployed behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from standins.aws.calls import Record, new_id, now
from standins.aws.datazone.access import is_member, owns_unit
from standins.aws.datazone.environment_values import DeploymentFailed
from standins.aws.datazone.grants import granted_profiles
from standins.aws.datazone.model import IAM, Domain, Domains, found, listed
from standins.aws.datazone.people import owner_of_project
from standins.aws.datazone.pools import place_of
from standins.aws.protocol import ServiceError, denied, invalid

if TYPE_CHECKING:
    from standins.aws.calls import Call
    from standins.aws.datazone.deployment import Deployment
    from standins.aws.datazone.events import Events


class ProjectOperations:
    """The operations, each named as the model names it."""

    def __init__(self, domains: Domains, deployment: Deployment, events: Events) -> None:
        """Take the domains, what deploys environments, and what announces it."""
        self._domains = domains
        self._deployment = deployment
        self._events = events

    def create_project(self, call: Call, request: Record) -> Record:
        """CreateProject: answers at once; the profile's environments are deployed behind it."""
        project = self.start_project(call, request)
        self._events.project_created(call, self._domains.named(project["domainId"]), project, request)
        return project

    def start_project(self, call: Call, request: Record, project_id: str = "") -> Record:
        """Make a project and begin to deploy its environments."""
        domain = self._domains.named(request["domainIdentifier"])
        unit = request.get("domainUnitId", domain.root_unit)
        found(domain.units, unit, "Domain unit")
        profile = _granted_profile(domain, unit, request["projectProfileId"]) if "projectProfileId" in request else {}
        _check_user_parameters(profile.get("environmentConfigurations", []), request.get("userParameters", []))
        if domain.rules.unresolved_refused:
            _require_places(domain, profile, request)
        with self._domains.lock:
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
                "_execution_role": _execution_role(domain, request),
                "userParameters": request.get("userParameters", []),
                "glossaryTerms": request.get("glossaryTerms"),
                "resourceTags": [{"key": key, "value": value, "source": "PROJECT"} for key, value in tags.items()],
                "environmentDeploymentDetails": {
                    "overallDeploymentStatus": "PENDING_DEPLOYMENT",
                    "environmentFailureReasons": {},
                },
            }
            domain.projects[project["id"]] = project
            owner_of_project(domain, project["id"], call.caller)
        self._deployment.deploy_project(domain, project, profile)
        return dict(project)

    def get_project(self, call: Call, request: Record) -> Record:
        """GetProject."""
        return self._project(request)

    def list_projects(self, call: Call, request: Record) -> Record:
        """ListProjects: an owner of a domain unit sees those in it, others see theirs."""
        domain = self._domains.named(request["domainIdentifier"])
        found = [
            item
            for item in domain.projects.values()
            if request.get("name", item["name"]) == item["name"]
            and (
                not domain.rules.strict
                or owns_unit(domain, item["domainUnitId"], call.caller)
                or is_member(domain, item["id"], call.caller)
            )
        ]
        return listed(found, request)

    def update_project(self, call: Call, request: Record) -> Record:
        """UpdateProject: names at once; a profile version or user parameters redeploy the environments."""
        domain, project = self._domains.named(request["domainIdentifier"]), self._project(request)
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
        if redeploy and domain.rules.updates_redeploy:
            project["projectStatus"] = "UPDATING"
            self._deployment.update_project(domain, project, profile)
        return dict(project)

    def delete_project(self, call: Call, request: Record) -> Record:
        """DeleteProject: its environments are deleted behind it, last first, then the project."""
        domain, project = self._domains.named(request["domainIdentifier"]), self._project(request)
        if project["projectStatus"] != "DELETING":
            project["projectStatus"] = "DELETING"
            self._deployment.delete_project(domain, project)
            self._events.project_deleted(call, domain, request)
        return {}

    def _project(self, request: Record) -> Record:
        return found(self._domains.named(request["domainIdentifier"]).projects, request["identifier"], "Project")


def _granted_profile(domain: Domain, unit: str, identifier: str) -> Record:
    """Return the profile. Raises ServiceError unless projects may be made of it in the domain unit."""
    profile = found(domain.profiles, identifier, "Project profile")
    if profile["status"] != "ENABLED":
        raise invalid(f"Project profile {profile['name']} is not enabled.")
    if profile["id"] not in granted_profiles(domain, unit):
        if domain.rules.strict:
            raise denied("CreateProject")
        message = f"No grant lets projects be made from project profile {profile['name']} here."
        raise ServiceError("AccessDeniedException", message)
    return profile


def _execution_role(domain: Domain, request: Record) -> str:
    """Return the role that the creator gives to the project. Raises ServiceError in an Identity Center domain."""
    role = str(request.get("projectExecutionRole", ""))
    if role and domain.kind != IAM:
        raise invalid("projectExecutionRole can be given in an IAM-based domain only.")
    return role


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


def _require_places(domain: Domain, profile: Record, request: Record) -> None:
    """Raise ServiceError unless each environment's account is known."""
    for item in profile.get("environmentConfigurations", []):
        try:
            place_of(domain, {"userParameters": request.get("userParameters", [])}, item)
        except DeploymentFailed as error:
            raise invalid(str(error)) from error


def _merged(earlier: list[Record], later: list[Record]) -> list[Record]:
    """Return user parameters with the later ones on top, by configuration and parameter name."""
    merged: dict[Any, dict[str, str]] = {}
    resolved: dict[Any, Record] = {}
    for group in [*earlier, *later]:
        name = group.get("environmentConfigurationName")
        values = merged.setdefault(name, {})
        values.update({item["name"]: item["value"] for item in group.get("environmentParameters", [])})
        if "environmentResolvedAccount" in group:
            resolved[name] = {"environmentResolvedAccount": group["environmentResolvedAccount"]}
    return [
        {
            "environmentConfigurationName": name,
            "environmentParameters": [{"name": key, "value": value} for key, value in values.items()],
            **resolved.get(name, {}),
        }
        for name, values in merged.items()
    ]
