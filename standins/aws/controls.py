"""The stand-in's own controls, at /_standin/...: what a person would click in a console, what a test wants to be so."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from standins.aws.calls import Call, Record, now
from standins.aws.datazone.grants import grant
from standins.aws.datazone.model import IDENTITY_CENTER, KINDS, TOOLING_BLUEPRINT, Domain, configuration_id
from standins.aws.datazone.service import DataZone
from standins.aws.datazone.tooling import ToolingBehaviour
from standins.aws.emulator import Emulator
from standins.aws.protocol import ServiceError
from standins.aws.sagemaker import SageMaker
from standins.aws.service_catalog.service import ServiceCatalog

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, MutableSequence

    Put = Callable[[str, str, Record], Any]
    Control = Callable[[Record], Any]
    Operations = Callable[[], dict[str, list[str]]]

DEFAULT_ACCOUNT = "000000000000"
DEFAULT_REGION = "us-east-1"


class Controls:
    """Answers the controls; every body and answer is JSON.

    `placed`: by the control's name, what takes a thing that a control puts into an account and region.
    """

    def __init__(
        self,
        datazone: DataZone,
        catalog: ServiceCatalog,
        emulator: Emulator,
        calls: MutableSequence[Record],
        operations: Operations,
        *,
        sagemaker: SageMaker,
        placed: Mapping[str, Put],
    ) -> None:
        """Take what is controlled, the log of calls, and who names the operations that there are."""
        self._datazone = datazone
        self._sagemaker = sagemaker
        self._reserved_tags = catalog.reserved_tags
        self._emulator = emulator
        self._calls = calls
        self._routes: dict[tuple[str, str], Control] = {
            ("POST", "domains"): self._make_domain,
            ("POST", "associations"): self._associate,
            ("POST", "projects"): self._make_project,
            ("POST", "classic-projects"): self._make_classic_project,
            ("POST", "rules"): self._set_rules,
            ("POST", "tooling"): self._set_tooling,
            ("POST", "events"): self._set_events,
            ("GET", "events"): self._tell_events,
            ("POST", "iam-propagation"): self._set_iam_propagation,
            ("POST", "callers"): self._name_caller,
            ("POST", "reserved-tags"): self._set_reserved_tags,
            ("POST", "launches"): catalog.behaviour.change,
            ("POST", "stacks"): self._set_lateness,
            ("POST", "stack-history"): self._set_history,
            **{("POST", name): _placed(put) for name, put in placed.items()},
            ("GET", "calls"): self._list_calls,
            ("DELETE", "calls"): self._forget_calls,
            ("GET", "operations"): lambda _: operations(),
            ("GET", "health"): lambda _: {"status": "ok"},
        }

    def handle(self, method: str, path: str, body: bytes, query: Mapping[str, str]) -> tuple[int, Any]:
        """Return HTTP status and answer of a control."""
        route = self._routes.get((method, path.removeprefix("/_standin/").strip("/")))
        if route is None:
            return 404, {"message": f"There is no control {method} {path}."}
        try:
            return 200, route({**query, **(json.loads(body) if body.strip() else {})})
        except ServiceError as error:
            return 400, {"code": error.code, "message": error.message}
        except (KeyError, TypeError, ValueError) as error:
            return 400, {"message": f"The control's body is wrong: {error!r}"}

    def _call(self, request: Record) -> Call:
        account, region = request.get("account", DEFAULT_ACCOUNT), request.get("region", DEFAULT_REGION)
        return Call("datazone", "control", f"arn:aws:iam::{account}:root", account, region, request)

    def _make_domain(self, request: Record) -> Record:
        """A domain as the console's quick setup leaves it: Tooling enabled in the region."""
        domain = self._domain(request)
        tooling = self._tooling_blueprint(domain)
        return {
            "domainId": domain.id,
            "rootDomainUnitId": domain.root_unit,
            "toolingBlueprintId": tooling["id"],
            "kind": domain.kind,
            "rules": domain.rules.document(),
        }

    def _set_rules(self, request: Record) -> Record:
        """How strict a domain is; without one, those are that are made from now on, and the absent ones."""
        domains = self._datazone.domains
        if "domainId" not in request:
            domains.rules = domains.rules.changed(request)
            return domains.rules.document()
        domain = domains.named(request["domainId"])
        domain.rules = domain.rules.changed(request)
        return domain.rules.document()

    def _domain(self, request: Record) -> Domain:
        datazone, call = self._datazone, self._call(request)
        wanted, name = request.get("domainId", ""), request.get("domainName", request.get("name", "studio"))
        if wanted and wanted in datazone.domains:
            return datazone.domains[wanted]
        for domain in datazone.domains.of(call):
            if not wanted and ("domainName" not in request or domain.record["name"] == name):
                return domain
        if wanted and not re.fullmatch(r"dzd[-_][a-zA-Z0-9_-]{1,36}", wanted):
            raise ValueError(f"{wanted} is not a domain id, such as dzd-abc123")
        kind = request.get("kind", IDENTITY_CENTER)
        if kind not in KINDS:
            raise ValueError(f"a domain's kind is {' or '.join(KINDS)}")
        made = {"name": name} | ({"kmsKeyIdentifier": request["kmsKey"]} if request.get("kmsKey") else {})
        domain = datazone.domain_operations.open_domain(call, made, wanted, kind)
        domain.rules = domain.rules.changed(request.get("rules", {}))
        self._enable_tooling(domain, call.account, [call.region])
        return domain

    def _enable_tooling(self, domain: Domain, account: str, regions: list[str]) -> None:
        blueprint = self._tooling_blueprint(domain)["id"]
        domain.configurations[configuration_id(account, blueprint)] = {
            "domainId": domain.id,
            "environmentBlueprintId": blueprint,
            "enabledRegions": regions,
            "createdAt": now(),
            "updatedAt": now(),
        }

    def _associate(self, request: Record) -> Record:
        """Share a domain with an account, or no longer: what no API of DataZone does; and enable Tooling there.

        The domain's own account needs no share.
        """
        domain = self._datazone.domains.named(request["domainId"])
        account, regions = str(request["account"]), [str(region) for region in request.get("regions", [])]
        if not re.fullmatch(r"\d{12}", account):
            raise ValueError(f"{account} is not an account's id")
        with self._datazone.domains.lock:
            if not request.get("associated", True):
                domain.associated.discard(account)
            elif account != domain.account:
                domain.associated.add(account)
            if regions:
                self._enable_tooling(domain, account, regions)
        return {"domainId": domain.id, "associated": sorted(domain.associated)}

    @staticmethod
    def _tooling_blueprint(domain: Domain) -> Record:
        return next(
            item for item in domain.blueprints.values() if item["name"] == TOOLING_BLUEPRINT and item["_managed"]
        )

    def _make_project(self, request: Record) -> Record:
        """A project, and what it needs: a domain, and a profile of that name with Tooling alone, granted to all."""
        datazone, call = self._datazone, self._call(request)
        domain = self._domain({key: value for key, value in request.items() if key != "name"})
        profile = self._profile(domain, call, request.get("profile", "regression"))
        if request.get("tooling"):
            self._set_tooling({**request["tooling"], "project": request.get("projectId") or request["name"]})
        existing = [item for item in domain.projects.values() if item["name"] == request["name"]]
        if existing and request.get("projectId", existing[0]["id"]) == existing[0]["id"]:
            project = existing[0]
        else:
            made = {"domainIdentifier": domain.id, "name": request["name"], "projectProfileId": profile["id"]}
            made |= {key: request[key] for key in ("userParameters", "projectExecutionRole") if key in request}
            project = datazone.project_operations.start_project(call, made, request.get("projectId", ""))
            datazone.events.project_created(call, domain, project, made)
        if request.get("wait"):
            datazone.deployment.wait(project["id"])
        details = domain.projects[project["id"]]["environmentDeploymentDetails"]
        return {
            "domainId": domain.id,
            "projectId": project["id"],
            "projectName": project["name"],
            "profileId": profile["id"],
            "profileName": profile["name"],
            "status": details["overallDeploymentStatus"],
        }

    def _profile(self, domain: Domain, call: Call, name: str) -> Record:
        """Find the profile of that name, or make it and let everybody make projects of it."""
        for profile in domain.profiles.values():
            if profile["name"] == name:
                return profile
        tooling = {
            "name": TOOLING_BLUEPRINT,
            "environmentBlueprintId": self._tooling_blueprint(domain)["id"],
            "deploymentMode": "ON_CREATE",
            "deploymentOrder": 0,
            "awsAccount": {"awsAccountId": call.account},
            "awsRegion": {"regionName": call.region},
        }
        made = {
            "domainIdentifier": domain.id,
            "name": name,
            "status": "ENABLED",
            "environmentConfigurations": [tooling],
        }
        profile = self._datazone.profile_operations.create_project_profile(call, made)
        allowed = {"includeChildDomainUnits": True, "projectProfiles": [profile["id"]]}
        grant(
            self._datazone.domains,
            domain,
            ("DOMAIN_UNIT", domain.root_unit),
            "CREATE_PROJECT_FROM_PROJECT_PROFILE",
            principal={"user": {"allUsersGrantFilter": {}}},
            detail={"createProjectFromProjectProfile": allowed},
            by=call.caller,
        )
        return profile

    def _set_tooling(self, request: Record) -> Record:
        """How tooling behaves for one project (its name or id), else for all that nothing is said about."""
        behaviour = ToolingBehaviour(
            seconds=float(request.get("seconds", 0)),
            failure=str(request.get("failure", "")),
            git_full_repository_id=str(request.get("gitFullRepositoryId", "")),
            git_branch_name=str(request.get("gitBranchName", "")),
            mlflow=bool(request.get("mlflow", True)),
            held=bool(request.get("held", False)),
        )
        self._datazone.tooling.behaviours[request.get("project", "*")] = behaviour
        return {"project": request.get("project", "*"), "seconds": behaviour.seconds, "failure": behaviour.failure}

    def _set_events(self, request: Record) -> Record:
        events = self._datazone.events
        events.enabled = bool(request["enabled"])
        events.names_project = bool(request.get("namesProject", True))
        return self._tell_events(request)

    def _tell_events(self, _: Record) -> Record:
        events = self._datazone.events
        return {"enabled": events.enabled, "undelivered": events.undelivered}

    def _set_iam_propagation(self, request: Record) -> Record:
        self._datazone.roles.refusals = int(request["refusals"])
        return {"refusals": self._datazone.roles.refusals}

    def _name_caller(self, request: Record) -> Record:
        self._emulator.name_caller(request["accessKey"], request["arn"], request.get("session", ""))
        return {"arn": request["arn"]}

    def _set_reserved_tags(self, request: Record) -> Record:
        """Whether launches carry Service Catalog's own tags, whose principal an update leaves, and UserArn is told."""
        tags = self._reserved_tags
        tags.enabled = bool(request.get("enabled", tags.enabled))
        tags.updates_name_the_updater = bool(request.get("updatesNameTheUpdater", tags.updates_name_the_updater))
        tags.tells_users = bool(request.get("userArns", tags.tells_users))
        return {
            "enabled": tags.enabled,
            "updatesNameTheUpdater": tags.updates_name_the_updater,
            "userArns": tags.tells_users,
        }

    def _set_lateness(self, request: Record) -> Record:
        """By how many seconds CloudFormation tells of stacks' resources late."""
        self._emulator.tell_late(float(request["late"]))
        return {"late": float(request["late"])}

    def _set_history(self, request: Record) -> Record:
        """What CloudFormation once recorded of a `stack`: events with logicalId, type, status, reason, physicalId."""
        self._emulator.tell_history(*_where(request), request["stack"], request["events"])
        return {"stack": request["stack"], "events": len(request["events"])}

    def _make_classic_project(self, request: Record) -> Record:
        """Make a project of SageMaker Studio classic."""
        account, region = request.get("account", DEFAULT_ACCOUNT), request.get("region", DEFAULT_REGION)
        made = self._sagemaker.make_project(
            account, region, request["name"], request["projectId"], request.get("launch", "")
        )
        return {"arn": made["ProjectArn"]}

    def _list_calls(self, request: Record) -> list[Record]:
        return [
            entry
            for entry in list(self._calls)
            if all(entry.get(key) == value for key, value in request.items() if key in ("service", "operation"))
        ]

    def _forget_calls(self, _: Record) -> Record:
        self._calls.clear()
        return {}


def _placed(put: Put) -> Control:
    """Return the control of what is put into an account and region."""
    return lambda request: put(*_where(request), request)


def _where(request: Record) -> tuple[str, str]:
    """Return the account and the region that a control's body names."""
    return request.get("account", DEFAULT_ACCOUNT), request.get("region", DEFAULT_REGION)
