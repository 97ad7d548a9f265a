"""How a project's environments come, change and go: one after the other, behind the answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Event, Lock, RLock, Thread
from typing import Protocol

from botocore.exceptions import BotoCoreError, ClientError

from standins.aws.calls import Record, new_id, now
from standins.aws.datazone.environment_values import DeploymentFailed, environments_of
from standins.aws.datazone.events import Events
from standins.aws.datazone.model import Domain
from standins.aws.datazone.pools import place_of
from standins.aws.emulator import RoleUnusable, StackFailed


class Provisioner(Protocol):
    """Makes the environments of one kind of blueprint. Raises DeploymentFailed, or what MiniStack refuses with."""

    def create(self, domain: Domain, project: Record, environment: Record, ending: Event) -> None:
        """Make what the environment has; `ending` is set when the project is to be deleted."""

    def update(self, domain: Domain, project: Record, environment: Record) -> None:
        """Bring it up to its blueprint and parameters."""

    def delete(self, domain: Domain, environment: Record) -> None:
        """Take it away."""


@dataclass
class _Turn:
    """Whose turn it is with a project: one thing after the other, a deletion last."""

    lock: Lock = field(default_factory=Lock)
    ending: Event = field(default_factory=Event)
    latest: Thread | None = None


class Deployment:
    """Deploys environments in threads; their state is what GetEnvironment and GetProject answer."""

    def __init__(self, tooling: Provisioner, stacks: Provisioner, events: Events) -> None:
        """Take what makes the environments of the managed blueprint and of others, and what announces them."""
        self._tooling = tooling
        self._stacks = stacks
        self._events = events
        self._lock = RLock()
        self._turns: dict[str, _Turn] = {}

    def deploy_project(self, domain: Domain, project: Record, profile: Record) -> None:
        """Deploy the profile's environments that go with the project, one after the other by their order."""
        self._begin(project, lambda: self._deploy_missing(domain, project, profile))

    def update_project(self, domain: Domain, project: Record, profile: Record) -> None:
        """Update the project's environments, and deploy those that its profile got since."""
        self._begin(project, lambda: self._update_all(domain, project, profile))

    def delete_project(self, domain: Domain, project: Record) -> None:
        """Delete the project's environments, in the order that the domain's rules say, then the project."""
        self._turn(project["id"]).ending.set()
        self._begin(project, lambda: self._delete_all(domain, project))

    def wait(self, project_id: str) -> None:
        """Return when what was begun for a project is done."""
        thread = self._turn(project_id).latest
        if thread:
            thread.join()

    def _turn(self, project_id: str) -> _Turn:
        with self._lock:
            return self._turns.setdefault(project_id, _Turn())

    def _begin(self, project: Record, work: Callable[[], object]) -> None:
        """Do one thing at a time to a project, in a thread: a deletion waits for the deployment's end."""
        turn = self._turn(project["id"])

        def run() -> None:
            with turn.lock:
                work()

        turn.latest = Thread(target=run, daemon=True, name=f"datazone-{project['id']}")
        turn.latest.start()

    def _deploy_missing(self, domain: Domain, project: Record, profile: Record) -> bool:
        details = project["environmentDeploymentDetails"]
        details.update(overallDeploymentStatus="IN_PROGRESS", environmentFailureReasons={})
        present = {item["environmentConfigurationId"] for item in environments_of(domain, project)}
        missing = [
            item
            for item in profile.get("environmentConfigurations", [])
            if item["deploymentMode"] == "ON_CREATE" and item["id"] not in present
        ]
        try:
            places = {item["id"]: place_of(domain, project, item) for item in missing}
        except DeploymentFailed as error:
            _failed(details, project["id"], error)  # no environment has been begun
            return False
        for configuration in sorted(missing, key=lambda item: item.get("deploymentOrder", 0)):
            if project["projectStatus"] == "DELETING":
                return False
            environment = self._add(domain, project, configuration, places[configuration["id"]])
            failure = self._create(domain, project, environment)
            if failure:
                _failed(details, environment["id"], failure)
                return False
        details["overallDeploymentStatus"] = "SUCCESSFUL"
        return True

    def _update_all(self, domain: Domain, project: Record, profile: Record) -> None:
        details = project["environmentDeploymentDetails"]
        details.update(overallDeploymentStatus="IN_PROGRESS", environmentFailureReasons={})
        for environment in environments_of(domain, project):
            if failure := self._change(domain, project, environment):
                details["environmentFailureReasons"][environment["id"]] = [{"message": str(failure)}]
                details["overallDeploymentStatus"] = "FAILED_DEPLOYMENT"
                project["projectStatus"] = "UPDATE_FAILED"
                return
        succeeded = self._deploy_missing(domain, project, profile)
        project["projectStatus"] = "ACTIVE" if succeeded else "UPDATE_FAILED"

    def _delete_all(self, domain: Domain, project: Record) -> None:
        step = -1 if domain.rules.tooling_goes_last else 1
        for environment in environments_of(domain, project)[::step]:
            if failure := self._remove(domain, environment):
                project["projectStatus"] = "DELETE_FAILED"
                project["failureReasons"] = [{"code": "ENVIRONMENT_DELETION_FAILED", "message": str(failure)}]
                return
        domain.projects.pop(project["id"], None)
        with self._lock:
            self._turns.pop(project["id"], None)

    def _add(self, domain: Domain, project: Record, configuration: Record, place: tuple[str, str]) -> Record:
        blueprint = domain.blueprints[configuration["environmentBlueprintId"]]
        environment = {
            "id": new_id(),
            "projectId": project["id"],
            "domainId": domain.id,
            "createdBy": "SYSTEM",
            "createdAt": now(),
            "updatedAt": now(),
            "name": configuration["name"],
            "description": configuration.get("description", ""),
            "awsAccountId": place[0],
            "awsAccountRegion": place[1],
            "provider": blueprint["provider"],
            "status": "CREATING",
            "provisionedResources": [],
            "userParameters": blueprint["userParameters"],
            "provisioningProperties": blueprint["provisioningProperties"],
            "environmentBlueprintId": blueprint["id"],
            "environmentConfigurationId": configuration["id"],
            "environmentConfigurationName": configuration["name"],
            "lastDeployment": _deployment("CREATE"),
            "_order": configuration.get("deploymentOrder", 0),
            "_configuration": configuration,
        }
        with self._lock:
            domain.environments[environment["id"]] = environment
        return environment

    def _provisioner(self, domain: Domain, environment: Record) -> Provisioner:
        managed = domain.blueprints[environment["environmentBlueprintId"]]["_managed"]
        return self._tooling if managed else self._stacks

    def _create(self, domain: Domain, project: Record, environment: Record) -> DeploymentFailed | None:
        create, ending = self._provisioner(domain, environment).create, self._turn(project["id"]).ending
        event = "Environment Deployment"
        return self._run(domain, environment, "CREATE", event, lambda: create(domain, project, environment, ending))

    def _change(self, domain: Domain, project: Record, environment: Record) -> DeploymentFailed | None:
        update, event = self._provisioner(domain, environment).update, "Environment Deployment"
        environment.update(status="UPDATING", lastDeployment=_deployment("UPDATE"))
        return self._run(domain, environment, "UPDATE", event, lambda: update(domain, project, environment))

    def _remove(self, domain: Domain, environment: Record) -> DeploymentFailed | None:
        delete, event = self._provisioner(domain, environment).delete, "Environment Deletion"
        environment.update(status="DELETING", lastDeployment=_deployment("DELETE"))
        failure = self._run(domain, environment, "DELETE", event, lambda: delete(domain, environment))
        if failure is None:
            with self._lock:
                domain.environments.pop(environment["id"], None)
        return failure

    def _run(
        self, domain: Domain, environment: Record, kind: str, event: str, work: Callable[[], None]
    ) -> DeploymentFailed | None:
        """Do the work, and record and announce how it went."""
        self._events.environment_changed(domain, environment, f"{event} Started")
        failure = _failure_of(work)
        deployment = environment["lastDeployment"]
        deployment["isDeploymentComplete"] = True
        environment["updatedAt"] = now()
        if failure:
            code = "VALIDATION_FAILED" if failure.validation else f"{kind}_FAILED"
            deployment.update(deploymentStatus="FAILED", failureReason={"code": code, "message": str(failure)})
            environment["status"] = code
            self._events.environment_changed(domain, environment, f"{event} Failed")
            return failure
        deployment["deploymentStatus"] = "SUCCESSFUL"
        environment["status"] = "DELETED" if kind == "DELETE" else "ACTIVE"
        self._events.environment_changed(domain, environment, f"{event} Completed")
        return None


def _failed(details: Record, about: str, failure: DeploymentFailed) -> None:
    """Record in a project's deployment details why it failed."""
    details["environmentFailureReasons"][about] = [{"message": str(failure)}]
    details["overallDeploymentStatus"] = "FAILED_VALIDATION" if failure.validation else "FAILED_DEPLOYMENT"


def _failure_of(work: Callable[[], None]) -> DeploymentFailed | None:
    """Do the work; return why it failed, None if it did not."""
    try:
        work()
    except DeploymentFailed as error:
        return error
    except (StackFailed, RoleUnusable) as error:
        return DeploymentFailed(str(error))
    except (ClientError, BotoCoreError) as error:
        return DeploymentFailed(f"MiniStack refused: {error}")
    return None


def _deployment(kind: str) -> Record:
    return {
        "deploymentId": new_id(),
        "deploymentType": kind,
        "deploymentStatus": "IN_PROGRESS",
        "messages": [],
        "isDeploymentComplete": False,
    }
