"""How a project's environments come, change and go: Tooling is built in, other blueprints are stacks on MiniStack."""

from __future__ import annotations

import json
import time
import uuid
from dataclasses import dataclass
from threading import Lock, RLock, Thread
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from standins.aws.calls import Record, new_id, now
from standins.aws.emulator import Credentials, RoleUnusable, StackFailed
from standins.aws.protocol import invalid

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from standins.aws.calls import Call
    from standins.aws.datazone import Domain
    from standins.aws.emulator import Emulator
    from standins.aws.sagemaker import SageMaker

SERVICE_PRINCIPAL = "datazone.amazonaws.com"
SCOPE_NAME = "dev"
_REDACTED = "HIDDEN_DUE_TO_SECURITY_REASONS"


@dataclass(frozen=True)
class ToolingBehaviour:
    """How the next tooling environments behave: how long they take, whether they fail, what Git they carry."""

    seconds: float = 0
    failure: str = ""
    git_full_repository_id: str = ""
    git_branch_name: str = ""
    mlflow: bool = True


class _Failed(Exception):
    def __init__(self, message: str, *, validation: bool = False) -> None:
        super().__init__(message)
        self.validation = validation


class Environments:
    """Deploys environments in threads; their state is what GetEnvironment and GetProject answer."""

    def __init__(self, emulator: Emulator, sagemaker: SageMaker) -> None:
        """Take MiniStack, for roles, buckets, stacks and events, and SageMaker for the projects' domains."""
        self._emulator = emulator
        self._sagemaker = sagemaker
        self._lock = RLock()
        self._projects: dict[str, Lock] = {}
        self.tooling: dict[str, ToolingBehaviour] = {}
        self.events = False
        self.undelivered: list[str] = []
        self.role_refusals = 0

    def require_role(self, arn: str, region: str) -> None:
        """Raise ServiceError (ValidationException) for a role that cannot be used, or not yet: IAM takes a while."""
        with self._lock:
            if self.role_refusals > 0:
                self.role_refusals -= 1
                raise invalid(f"Role {arn} cannot be assumed by {SERVICE_PRINCIPAL}.")
        try:
            self._emulator.assume(arn, SERVICE_PRINCIPAL, region, "configuration")
        except RoleUnusable as error:
            raise invalid(str(error)) from error

    # Projects

    def deploy_project(self, domain: Domain, project: Record, profile: Record) -> None:
        """Deploy the profile's environments that go with the project, one after the other by their order."""
        _in_thread(self._alone, project, lambda: self._deploy_missing(domain, project, profile))

    def update_project(self, domain: Domain, project: Record, profile: Record) -> None:
        """Update the project's environments, and deploy those that its profile got since."""
        _in_thread(self._alone, project, lambda: self._update_all(domain, project, profile))

    def delete_project(self, domain: Domain, project: Record) -> None:
        """Delete the project's environments, last first, then the project."""
        _in_thread(self._alone, project, lambda: self._delete_all(domain, project))

    def _alone(self, project: Record, work: Callable[[], object]) -> None:
        """Do one thing at a time to a project: a deletion waits for the deployment to come to its end."""
        with self._projects.setdefault(project["id"], Lock()):
            work()

    def _deploy_missing(self, domain: Domain, project: Record, profile: Record) -> bool:
        details = project["environmentDeploymentDetails"]
        details.update(overallDeploymentStatus="IN_PROGRESS", environmentFailureReasons={})
        present = {item["environmentConfigurationId"] for item in _of(domain, project)}
        missing = [
            item
            for item in profile.get("environmentConfigurations", [])
            if item["deploymentMode"] == "ON_CREATE" and item["id"] not in present
        ]
        for configuration in sorted(missing, key=lambda item: item.get("deploymentOrder", 0)):
            if project["projectStatus"] == "DELETING":
                return False
            environment = self._add(domain, project, configuration, {})
            failure = self._create(domain, project, environment)
            if failure:
                details["environmentFailureReasons"][environment["id"]] = [{"message": str(failure)}]
                status = "FAILED_VALIDATION" if failure.validation else "FAILED_DEPLOYMENT"
                details["overallDeploymentStatus"] = status
                return False
        details["overallDeploymentStatus"] = "SUCCESSFUL"
        return True

    def _update_all(self, domain: Domain, project: Record, profile: Record) -> None:
        details = project["environmentDeploymentDetails"]
        details.update(overallDeploymentStatus="IN_PROGRESS", environmentFailureReasons={})
        for environment in _of(domain, project):
            if failure := self._change(domain, project, environment):
                details["environmentFailureReasons"][environment["id"]] = [{"message": str(failure)}]
                details["overallDeploymentStatus"] = "FAILED_DEPLOYMENT"
                project["projectStatus"] = "UPDATE_FAILED"
                return
        succeeded = self._deploy_missing(domain, project, profile)
        project["projectStatus"] = "ACTIVE" if succeeded else "UPDATE_FAILED"

    def _delete_all(self, domain: Domain, project: Record) -> None:
        for environment in reversed(_of(domain, project)):
            if failure := self._remove(domain, environment):
                project["projectStatus"] = "DELETE_FAILED"
                project["failureReasons"] = [{"code": "ENVIRONMENT_DELETION_FAILED", "message": str(failure)}]
                return
        domain.projects.pop(project["id"], None)

    # Single environments

    def start(self, domain: Domain, project: Record, configuration: Record, given: dict[str, str]) -> Record:
        """Begin an environment of a configuration, with the caller's parameters; answers at once."""
        environment = self._add(domain, project, configuration, given)
        _in_thread(self._create, domain, project, environment)
        return dict(environment)

    def update(self, domain: Domain, environment: Record, given: dict[str, str]) -> None:
        """Begin an update. Raises ServiceError (ValidationException) for a parameter that cannot be updated."""
        for parameter in environment["userParameters"]:
            if parameter["keyName"] in given and parameter.get("isUpdateSupported") is False:
                raise invalid(f"Parameter {parameter['keyName']} does not support updates.")
        environment["_given"].update(given)
        project = domain.projects[environment["projectId"]]
        environment["status"] = "UPDATING"
        _in_thread(self._change, domain, project, environment)

    def delete(self, domain: Domain, environment: Record) -> None:
        """Begin a deletion."""
        environment["status"] = "DELETING"
        _in_thread(self._remove, domain, environment)

    def _add(self, domain: Domain, project: Record, configuration: Record, given: dict[str, str]) -> Record:
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
            "awsAccountId": configuration.get("awsAccount", {}).get("awsAccountId", domain.account),
            "awsAccountRegion": configuration.get("awsRegion", {}).get("regionName", domain.region),
            "provider": blueprint["provider"],
            "status": "CREATING",
            "provisionedResources": [],
            "userParameters": blueprint["userParameters"],
            "provisioningProperties": blueprint["provisioningProperties"],
            "environmentBlueprintId": blueprint["id"],
            "environmentConfigurationId": configuration.get("id"),
            "environmentConfigurationName": configuration["name"] if configuration.get("id") else None,
            "lastDeployment": _deployment("CREATE"),
            "_given": given,
            "_order": configuration.get("deploymentOrder", 0),
            "_configuration": configuration,
        }
        with self._lock:
            domain.environments[environment["id"]] = environment
        return environment

    def _create(self, domain: Domain, project: Record, environment: Record) -> _Failed | None:
        def work() -> None:
            if domain.blueprints[environment["environmentBlueprintId"]]["_managed"]:
                self._create_tooling(domain, project, environment)
            else:
                self._create_stack(domain, project, environment)

        return self._run(domain, environment, "CREATE", "Environment Deployment", work)

    def _change(self, domain: Domain, project: Record, environment: Record) -> _Failed | None:
        def work() -> None:
            if not domain.blueprints[environment["environmentBlueprintId"]]["_managed"]:
                self._update_stack(domain, project, environment)

        environment.update(status="UPDATING", lastDeployment=_deployment("UPDATE"))
        return self._run(domain, environment, "UPDATE", "Environment Deployment", work)

    def _remove(self, domain: Domain, environment: Record) -> _Failed | None:
        def work() -> None:
            if domain.blueprints[environment["environmentBlueprintId"]]["_managed"]:
                self._delete_tooling(domain, environment)
            elif "_stack" in environment:
                credentials = self._provisioning(domain, environment)
                self._emulator.delete_stack(environment["_stack"], environment["awsAccountRegion"], credentials)

        environment.update(status="DELETING", lastDeployment=_deployment("DELETE"))
        failure = self._run(domain, environment, "DELETE", "Environment Deletion", work)
        if failure is None:
            with self._lock:
                domain.environments.pop(environment["id"], None)
        return failure

    def _run(
        self, domain: Domain, environment: Record, kind: str, event: str, work: Callable[[], None]
    ) -> _Failed | None:
        """Do the work, and record and announce how it went."""
        self._announce_environment(domain, environment, f"{event} Started")
        failure: _Failed | None = None
        try:
            work()
        except _Failed as error:
            failure = error
        except (StackFailed, RoleUnusable) as error:
            failure = _Failed(str(error))
        except (ClientError, BotoCoreError) as error:
            failure = _Failed(f"MiniStack refused: {error}")
        deployment = environment["lastDeployment"]
        deployment["isDeploymentComplete"] = True
        environment["updatedAt"] = now()
        if failure:
            code = "VALIDATION_FAILED" if failure.validation else f"{kind}_FAILED"
            deployment.update(deploymentStatus="FAILED", failureReason={"code": code, "message": str(failure)})
            environment["status"] = code
            self._announce_environment(domain, environment, f"{event} Failed")
            return failure
        deployment["deploymentStatus"] = "SUCCESSFUL"
        environment["status"] = "DELETED" if kind == "DELETE" else "ACTIVE"
        self._announce_environment(domain, environment, f"{event} Completed")
        return None

    # The managed Tooling blueprint

    def _create_tooling(self, domain: Domain, project: Record, environment: Record) -> None:
        behaviour = self.tooling.get(project["id"]) or self.tooling.get(project["name"]) or self.tooling.get("*")
        behaviour = behaviour or ToolingBehaviour()
        end = time.monotonic() + behaviour.seconds
        while time.monotonic() < end and project["projectStatus"] != "DELETING":
            time.sleep(0.05)
        self._configuration(domain, environment)
        if behaviour.failure:
            raise _Failed(behaviour.failure)
        account, region = environment["awsAccountId"], environment["awsAccountRegion"]
        bucket = f"amazon-sagemaker-{account}-{region}-{domain.id.removeprefix('dzd').strip('-_')}"
        location = f"s3://{bucket}/{domain.id}/{project['id']}/{SCOPE_NAME}"
        role = self._create_user_role(environment)
        s3 = self._emulator.client("s3", region, Credentials(account))
        with self._lock:
            self._emulator.ensure_bucket(s3, bucket, region)
        tags = {
            "AmazonDataZoneDomain": domain.id,
            "AmazonDataZoneProject": project["id"],
            "AmazonDataZoneEnvironment": environment["id"],
            "AmazonDataZoneScopeName": SCOPE_NAME,
            "ProjectS3Path": location,
        }
        settings = {
            "UnifiedStudioSettings": {
                "StudioWebPortalAccess": "ENABLED",
                "DomainAccountId": account,
                "DomainRegion": region,
                "DomainId": domain.id,
                "ProjectId": project["id"],
                "EnvironmentId": environment["id"],
                "ProjectS3Path": location,
            }
        }
        name = f"SageMakerUnifiedStudio-{project['id']}-{environment['id']}".replace("_", "-")[:63].rstrip("-")
        request = {"AuthMode": "IAM", "DefaultUserSettings": {"ExecutionRole": role}}
        sagemaker_domain = self._sagemaker.open_domain(
            account, region, name, settings=settings, tags=tags, request=request
        )
        environment["_sagemaker_domain"] = sagemaker_domain["DomainId"]
        self._sagemaker.open_space(account, region, sagemaker_domain["DomainId"], f"default-{new_id(8)}", tags=tags)
        given = self._values(project, environment)
        repository = given.get("gitFullRepositoryId") or behaviour.git_full_repository_id
        branch = given.get("gitBranchName") or behaviour.git_branch_name or ("main" if repository else "")
        resources = {
            "userRoleArn": role,
            "s3BucketPath": location,
            "sageMakerDomainId": sagemaker_domain["DomainId"],
            "gitConnectionArn": given.get("gitConnectionArn", ""),
            "gitFullRepositoryId": repository,
            "gitBranchName": branch,
        }
        environment["provisionedResources"] = [
            {"provider": "Amazon SageMaker", "name": key, "value": value, "type": "String"}
            for key, value in resources.items()
            if value
        ]
        iam = {"iamProperties": {"environmentId": environment["id"]}}
        self._connect(domain, project, environment, ("default.iam", "IAM"), iam)
        shared = {"s3Properties": {"s3Uri": location}}
        self._connect(domain, project, environment, ("default.s3_shared", "S3"), shared)
        if behaviour.mlflow:
            server = f"arn:aws:sagemaker:{region}:{account}:mlflow-tracking-server/tracking-server-{project['id']}"
            props = {"mlflowProperties": {"trackingServerArn": server}}
            self._connect(domain, project, environment, ("default.mlflow", "MLFLOW"), props)

    def _create_user_role(self, environment: Record) -> str:
        """Make the project's role; roles of Studio's projects trust SageMaker and DataZone."""
        trust = {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {"Service": ["sagemaker.amazonaws.com", SERVICE_PRINCIPAL]},
                    "Action": ["sts:AssumeRole", "sts:TagSession"],
                }
            ],
        }
        name = f"datazone_usr_role_{environment['projectId']}_{environment['id']}"[:64]
        environment["_role"] = name
        iam = self._emulator.client("iam", environment["awsAccountRegion"], Credentials(environment["awsAccountId"]))
        return str(iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"])

    def _connect(
        self, domain: Domain, project: Record, environment: Record, named: tuple[str, str], props: Record
    ) -> None:
        name, kind = named
        connection = {
            "connectionId": new_id(),
            "domainId": domain.id,
            "domainUnitId": project["domainUnitId"],
            "environmentId": environment["id"],
            "environmentUserRole": self._user_role(domain, project, environment),
            "name": name,
            "physicalEndpoints": [
                {
                    "awsLocation": {
                        "awsAccountId": environment["awsAccountId"],
                        "awsRegion": environment["awsAccountRegion"],
                    }
                }
            ],
            "projectId": project["id"],
            "props": props,
            "type": kind,
            "scope": "PROJECT",
        }
        domain.connections[connection["connectionId"]] = connection

    def _delete_tooling(self, domain: Domain, environment: Record) -> None:
        for identifier in [
            key for key, item in domain.connections.items() if item["environmentId"] == environment["id"]
        ]:
            del domain.connections[identifier]
        self._sagemaker.close_domain(environment.get("_sagemaker_domain", ""))
        if "_role" in environment:
            account, region = environment["awsAccountId"], environment["awsAccountRegion"]
            iam, name = self._emulator.client("iam", region, Credentials(account)), environment["_role"]
            for policy in iam.list_role_policies(RoleName=name)["PolicyNames"]:
                iam.delete_role_policy(RoleName=name, PolicyName=policy)
            for policy in iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]:
                iam.detach_role_policy(RoleName=name, PolicyArn=policy["PolicyArn"])
            iam.delete_role(RoleName=name)

    # Custom blueprints

    def _create_stack(self, domain: Domain, project: Record, environment: Record) -> None:
        self._require_grant(domain, project, environment)
        if not self._user_role(domain, project, environment):
            raise _Failed(f"Tooling environment not found for project {project['id']}", validation=True)
        credentials = self._provisioning(domain, environment)
        url, parameters = self._template(domain, project, environment, credentials)
        environment["_stack"] = f"DataZone-Env-{environment['id']}"
        tags = {
            "AmazonDataZoneDomain": domain.id,
            "AmazonDataZoneProject": project["id"],
            "AmazonDataZoneEnvironment": environment["id"],
        }

        def started(stack_id: str) -> None:
            environment["_stack"] = stack_id

        region = environment["awsAccountRegion"]
        result = self._emulator.create_stack(
            environment["_stack"], url, parameters, region=region, credentials=credentials, tags=tags, started=started
        )
        _provisioned(environment, result.outputs)

    def _update_stack(self, domain: Domain, project: Record, environment: Record) -> None:
        credentials = self._provisioning(domain, environment)
        blueprint = domain.blueprints[environment["environmentBlueprintId"]]
        environment["userParameters"] = blueprint["userParameters"]
        environment["provisioningProperties"] = blueprint["provisioningProperties"]
        url, parameters = self._template(domain, project, environment, credentials)
        if "_stack" not in environment:
            raise _Failed("The environment was never deployed.")
        region = environment["awsAccountRegion"]
        result = self._emulator.update_stack(
            environment["_stack"], url, parameters, region=region, credentials=credentials
        )
        _provisioned(environment, result.outputs)

    def _require_grant(self, domain: Domain, project: Record, environment: Record) -> None:
        configuration = self._configuration(domain, environment)
        entity = f"{configuration['_account']}:{environment['environmentBlueprintId']}"
        for grant in domain.grants:
            if "createEnvironmentFromBlueprint" in grant["detail"] and grant["_entity"][1] == entity:
                only = grant["principal"].get("project", {}).get("projectIdentifier")
                filtered = (
                    grant["principal"].get("project", {}).get("projectGrantFilter", {}).get("domainUnitFilter", {})
                )
                unit, path = project["domainUnitId"], domain.units[project["domainUnitId"]]["ancestorDomainUnitIds"]
                below = filtered.get("includeChildDomainUnits") and filtered.get("domainUnit") in path
                if only in (None, project["id"]) and (not filtered or filtered["domainUnit"] == unit or below):
                    return
        raise _Failed(
            f"Project {project['id']} has no CREATE_ENVIRONMENT_FROM_BLUEPRINT grant on blueprint {entity}.",
            validation=True,
        )

    def _configuration(self, domain: Domain, environment: Record) -> Record:
        blueprint = domain.blueprints[environment["environmentBlueprintId"]]
        configuration = domain.configurations.get(blueprint["id"])
        if not configuration or environment["awsAccountRegion"] not in configuration["enabledRegions"]:
            raise _Failed(
                f"Blueprint {blueprint['name']} is not enabled in region {environment['awsAccountRegion']}.",
                validation=True,
            )
        return configuration

    def _provisioning(self, domain: Domain, environment: Record) -> Credentials:
        configuration = self._configuration(domain, environment)
        try:
            return self._emulator.assume(
                configuration["provisioningRoleArn"],
                SERVICE_PRINCIPAL,
                environment["awsAccountRegion"],
                environment["id"],
                tag_session=True,
            )
        except RoleUnusable as error:
            raise _Failed(str(error), validation=True) from error

    def _template(
        self, domain: Domain, project: Record, environment: Record, credentials: Credentials
    ) -> tuple[str, dict[str, str]]:
        """Return the blueprint template's URL and the values of the parameters that it declares."""
        location = environment["provisioningProperties"]["cloudFormation"]["templateUrl"]
        try:
            url, declared = self._emulator.template(location, environment["awsAccountRegion"], credentials)
        except StackFailed as error:
            raise _Failed(f"Access denied to blueprint template: {location}", validation=True) from error
        values = self._reserved(domain, project, environment) | self._values(project, environment)
        parameters = {item.name: values[item.name] for item in declared if item.name in values}
        missing = [item.name for item in declared if item.default is None and item.name not in parameters]
        if missing:
            raise _Failed(f"The template's parameters have no value: {', '.join(missing)}", validation=True)
        return url, parameters

    def _reserved(self, domain: Domain, project: Record, environment: Record) -> dict[str, str]:
        """Return the parameters that Studio fills in."""
        tooling = _tooling_resources(domain, project)
        bucket = tooling.get("s3BucketPath", "").removeprefix("s3://").partition("/")[0]
        return {
            "datazoneEnvironmentEnvironmentId": environment["id"],
            "datazoneEnvironmentProjectId": project["id"],
            "datazoneEnvironmentDomainId": domain.id,
            "datazoneEnvironmentProjectName": project["name"],
            "datazoneScopeName": SCOPE_NAME,
            "userRoleArn": tooling.get("userRoleArn", ""),
            "s3BucketArn": f"arn:aws:s3:::{bucket}",
            "privateSubnets": "",
        }

    def _user_role(self, domain: Domain, project: Record, environment: Record) -> str:
        resources = {item["name"]: item["value"] for item in environment["provisionedResources"]}
        return resources.get("userRoleArn") or _tooling_resources(domain, project).get("userRoleArn", "")

    def _values(self, project: Record, environment: Record) -> dict[str, str]:
        """Return the user parameters: the blueprint's defaults, over them the profile's, the project's, its own."""
        values = {item["keyName"]: item.get("defaultValue", "") for item in environment["userParameters"]}
        values = {name: value for name, value in values.items() if value}
        overrides = environment["_configuration"].get("configurationParameters", {}).get("parameterOverrides", [])
        values.update({item["name"]: item["value"] for item in overrides if item.get("value")})
        for group in project["userParameters"]:
            by_id = group.get("environmentId") == environment["id"]
            if by_id or group.get("environmentConfigurationName") == environment["environmentConfigurationName"]:
                values.update({item["name"]: item["value"] for item in group.get("environmentParameters", [])})
        values.update(environment["_given"])
        return values

    # Events

    def announce_creation(self, call: Call, domain: Domain, project: Record, request: Record) -> None:
        """Send CloudTrail's CreateProject and Studio's own event; names are redacted, as CloudTrail does."""
        answered = {
            "id": project["id"],
            "domainId": domain.id,
            "name": _REDACTED,
            "domainUnitId": project["domainUnitId"],
            "projectProfileId": project["projectProfileId"],
            "projectStatus": project["projectStatus"],
        }
        asked = {**request, "name": _REDACTED, "description": _REDACTED}
        self._announce_call(call, domain, "CreateProject", asked, answered)
        self._announce_native(domain, project["id"], "Project Creation Succeeded", {"projectId": project["id"]})

    def announce_deletion(self, call: Call, domain: Domain, request: Record) -> None:
        """Send CloudTrail's DeleteProject; Studio has no event of its own for it."""
        self._announce_call(call, domain, "DeleteProject", dict(request), None)

    def _announce_call(self, call: Call, domain: Domain, name: str, asked: Record, answered: Record | None) -> None:
        detail = {
            "eventVersion": "1.11",
            "eventSource": SERVICE_PRINCIPAL,
            "eventName": name,
            "eventTime": now().isoformat(),
            "awsRegion": domain.region,
            "recipientAccountId": domain.account,
            "userIdentity": {"type": "AssumedRole", "arn": call.caller, "accountId": call.account},
            "requestParameters": asked,
            "responseElements": answered,
        }
        self._announce(domain, "AWS API Call via CloudTrail", detail)

    def _announce_environment(self, domain: Domain, environment: Record, detail_type: str) -> None:
        data = {
            "environmentId": environment["id"],
            "environmentName": environment["name"],
            "projectId": environment["projectId"],
            "status": environment["status"],
        }
        self._announce_native(domain, environment["projectId"], detail_type, data)

    def _announce_native(self, domain: Domain, project_id: str, detail_type: str, data: Mapping[str, Any]) -> None:
        metadata = {
            "id": str(uuid.uuid4()),
            "version": "1.0.0",
            "domain": domain.id,
            "awsAccountId": domain.account,
            "owningProjectId": project_id,
        }
        self._announce(domain, detail_type, {"version": "1.0", "metadata": metadata, "data": dict(data)})

    def _announce(self, domain: Domain, detail_type: str, detail: Mapping[str, Any]) -> None:
        if self.events:
            entry = {"Source": "aws.datazone", "DetailType": detail_type, "Detail": json.dumps(detail, default=str)}
            refusal = self._emulator.put_event(domain.account, domain.region, entry)
            if refusal:
                self.undelivered.append(f"{detail_type}: {refusal}")


def _of(domain: Domain, project: Record) -> list[Record]:
    """Return the project's environments in the order of their deployment."""
    mine = [item for item in domain.environments.values() if item["projectId"] == project["id"]]
    return sorted(mine, key=lambda item: (item["_order"], item["createdAt"]))


def _tooling_resources(domain: Domain, project: Record) -> dict[str, str]:
    for environment in _of(domain, project):
        if domain.blueprints[environment["environmentBlueprintId"]]["_managed"] and environment["status"] == "ACTIVE":
            return {str(item["name"]): str(item["value"]) for item in environment["provisionedResources"]}
    return {}


def _provisioned(environment: Record, outputs: Mapping[str, str]) -> None:
    environment["provisionedResources"] = [
        {"provider": "AWS CloudFormation", "name": key, "value": value, "type": "String"}
        for key, value in outputs.items()
    ]


def _deployment(kind: str) -> Record:
    return {
        "deploymentId": new_id(),
        "deploymentType": kind,
        "deploymentStatus": "IN_PROGRESS",
        "messages": [],
        "isDeploymentComplete": False,
    }


def _in_thread(work: Callable[..., object], *arguments: object) -> None:
    Thread(target=work, args=arguments, daemon=True, name=f"datazone-{work.__name__}").start()
