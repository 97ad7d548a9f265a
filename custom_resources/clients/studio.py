"""SageMaker Unified Studio: the project in DataZone, its domain and space in SageMaker. Reads only."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from custom_resources.clients.aws import DATAZONE, SAGEMAKER, Service, translated
from custom_resources.errors import AwsNotFound, ProjectNotFound

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mypy_boto3_datazone import DataZoneClient
    from mypy_boto3_sagemaker import SageMakerClient

_FAILED = {"CREATE_FAILED", "UPDATE_FAILED", "DELETE_FAILED", "VALIDATION_FAILED", "INACCESSIBLE", "DELETED"}
_SWITCHED_OFF = {"SUSPENDED", "DISABLED", "EXPIRED"}
_PROJECT_FAILED = {"FAILED_VALIDATION", "FAILED_DEPLOYMENT"}
_TOOLING = "tooling"


@dataclass(frozen=True)
class Tooling:
    """The state of the tooling environment, which every project needs."""

    ready: bool
    failure: str = ""


@dataclass(frozen=True)
class Project:
    """What Studio and SageMaker tell about a project; what they do not tell is ""."""

    name: str
    tooling: Tooling
    profile_name: str = ""
    domain_unit_id: str = ""
    sagemaker_domain_arn: str = ""
    space_arn: str = ""
    roles: tuple[str, ...] = ()  # that Studio says are the project's, best first
    artifact_location: str = ""
    mlflow_tracking_uri: str = ""
    git_repository: str = ""
    git_branch: str = ""
    tooling_since: str = ""  # when the tooling environment was created (ISO 8601)


class Studio:
    """Reads projects. Every method raises AwsThrottled, AwsUnreachable, DataZoneDenied, AwsDenied."""

    def __init__(self, datazone: DataZoneClient, sagemaker: SageMakerClient) -> None:
        """Take the boto3 clients."""
        self._datazone = datazone
        self._sagemaker = sagemaker

    def project(self, domain_id: str, project_id: str, stack_id: str) -> Project:
        """Return the project; while its tooling is not ready, only its names.

        `stack_id` gives partition, region and account of the ARNs that SageMaker does not return. Raises
        ProjectNotFound.
        """
        found = self._read(
            DATAZONE,
            f"reading the project {project_id}",
            lambda: self._datazone.get_project(domainIdentifier=domain_id, identifier=project_id),
        )
        profile_id, profile = found.get("projectProfileId"), ""
        order_zero: set[str] = set()
        if profile_id:
            described = self._read(
                DATAZONE,
                f"reading the project profile {profile_id}",
                lambda: self._datazone.get_project_profile(domainIdentifier=domain_id, identifier=profile_id),
            )
            profile = described["name"]
            order_zero = {
                configuration["name"]
                for configuration in described.get("environmentConfigurations", [])
                if configuration.get("deploymentOrder") == 0
            }
        environment = self._tooling(domain_id, project_id, order_zero)
        tooling = _tooling_state(environment, found.get("environmentDeploymentDetails", {}))
        if not tooling.ready:
            return Project(found["name"], tooling, profile, found.get("domainUnitId", ""))
        resources = {item["name"]: item["value"] for item in environment.get("provisionedResources", [])}
        domain_arn, project_path, domain_role = self._sagemaker_domain(domain_id, project_id)
        roles = filter(None, (self._role(domain_id, project_id), resources.get("userRoleArn", "")))
        return Project(
            name=found["name"],
            tooling=tooling,
            profile_name=profile,
            domain_unit_id=found.get("domainUnitId", ""),
            sagemaker_domain_arn=domain_arn,
            space_arn=self._space(domain_arn, stack_id),
            roles=tuple(dict.fromkeys(roles)) or tuple(filter(None, [domain_role])),
            artifact_location=project_path or resources.get("s3BucketPath", ""),
            mlflow_tracking_uri=self._tracking_server(domain_id, project_id),
            git_repository=resources.get("gitFullRepositoryId", ""),
            git_branch=resources.get("gitBranchName", ""),
            tooling_since=environment["createdAt"].isoformat() if "createdAt" in environment else "",
        )

    def _tooling(self, domain_id: str, project_id: str, order_zero: set[str]) -> dict[str, Any]:
        """Return the tooling environment, {} while there is none: the profile's first, else the one of that name."""
        summaries = list(
            self._pages("list_environments", "items", domainIdentifier=domain_id, projectIdentifier=project_id)
        )
        named = [
            item
            for item in summaries
            if {item.get("environmentConfigurationName"), item["name"]} & order_zero
            or item["name"].lower().startswith(_TOOLING)
        ]
        if not named:
            return {}
        chosen = min(named, key=lambda item: not item["name"].lower().startswith(_TOOLING))
        environment = self._read(
            DATAZONE,
            f"reading the environment {chosen['name']}",
            lambda: self._datazone.get_environment(domainIdentifier=domain_id, identifier=chosen["id"]),
        )
        return dict(environment)

    def _connections(self, domain_id: str, project_id: str, kind: str) -> Iterator[dict[str, Any]]:
        return self._pages(
            "list_connections", "items", domainIdentifier=domain_id, projectIdentifier=project_id, type=kind
        )

    def _role(self, domain_id: str, project_id: str) -> str:
        """Return the role of the project's IAM connection, as AWS's own sagemaker_studio library looks it up."""
        found = {item["name"]: item["connectionId"] for item in self._connections(domain_id, project_id, "IAM")}
        for name in ("default.iam", "project.iam"):
            if name in found:
                connection = self._read(
                    DATAZONE,
                    f"reading the connection {name}",
                    partial(self._datazone.get_connection, domainIdentifier=domain_id, identifier=found[name]),
                )
                if connection.get("environmentUserRole"):
                    return str(connection["environmentUserRole"])
        return ""

    def _tracking_server(self, domain_id: str, project_id: str) -> str:
        for connection in self._connections(domain_id, project_id, "MLFLOW"):
            arn = connection.get("props", {}).get("mlflowProperties", {}).get("trackingServerArn")
            if arn:
                return str(arn)
        return ""

    def _sagemaker_domain(self, domain_id: str, project_id: str) -> tuple[str, str, str]:
        """Return the ARN of the project's SageMaker domain, its S3 path and its users' role; "" where there is none."""
        domains = list(self._pages("list_domains", "Domains", service=SAGEMAKER))
        # Studio names a project's domain after it: that one is looked at first.
        for domain in sorted(domains, key=lambda item: project_id not in item["DomainName"]):
            described = self._read(
                SAGEMAKER,
                f"reading the SageMaker domain {domain['DomainId']}",
                partial(self._sagemaker.describe_domain, DomainId=domain["DomainId"]),
            )
            settings = described.get("DomainSettings", {}).get("UnifiedStudioSettings", {})
            role = described.get("DefaultUserSettings", {}).get("ExecutionRole", "")
            if settings.get("ProjectId") == project_id and settings.get("DomainId", domain_id) == domain_id:
                return domain["DomainArn"], settings.get("ProjectS3Path", ""), role
            if not settings:
                pages = self._pages("list_tags", "Tags", service=SAGEMAKER, ResourceArn=domain["DomainArn"])
                tags = {tag["Key"]: tag["Value"] for tag in pages}
                if tags.get("AmazonDataZoneProject") == project_id:
                    return domain["DomainArn"], tags.get("ProjectS3Path", ""), role
        return "", "", ""

    def _space(self, domain_arn: str, stack_id: str) -> str:
        """Return the ARN of the domain's first space in service, "" if the project has none yet."""
        if not domain_arn:
            return ""
        sagemaker_id = domain_arn.rpartition("/")[2]
        spaces = self._pages("list_spaces", "Spaces", service=SAGEMAKER, DomainIdEquals=sagemaker_id)
        names = sorted(space["SpaceName"] for space in spaces if space.get("Status") == "InService")
        partition, _, region, account = [*f"{stack_id}::::".split(":")][1:5]
        return f"arn:{partition}:sagemaker:{region}:{account}:space/{sagemaker_id}/{names[0]}" if names else ""

    def _pages(
        self, operation: str, key: str, service: Service = DATAZONE, **arguments: Any
    ) -> Iterator[dict[str, Any]]:
        client: Any = self._sagemaker if service is SAGEMAKER else self._datazone
        paginator = client.get_paginator(operation)
        return iter(
            self._read(
                service,
                operation.replace("list_", "listing ").replace("_", " "),
                lambda: [item for page in paginator.paginate(**arguments) for item in page[key]],
            )
        )

    @staticmethod
    def _read(service: Service, activity: str, call: Callable[[], Any]) -> Any:
        try:
            with translated(service, activity):
                return call()
        except AwsNotFound:
            raise ProjectNotFound(activity=activity) from None


def _tooling_state(environment: dict[str, Any], deployment: dict[str, Any]) -> Tooling:
    """Judge the tooling environment by itself; the project's own state only says why there is none.

    Our environment is part of the project's deployment, so that is never waited for (docs/studio.md).
    """
    status = environment.get("status")
    if status in _FAILED:
        reason = environment.get("lastDeployment", {}).get("failureReason") or {}
        return Tooling(False, str(reason.get("message") or status).rstrip("."))
    if status in _SWITCHED_OFF:
        return Tooling(False, f"it is {str(status).lower()}")
    if not status and deployment.get("overallDeploymentStatus") in _PROJECT_FAILED:
        reasons = [item for items in deployment.get("environmentFailureReasons", {}).values() for item in items]
        message = "; ".join(str(item["message"]).rstrip(".") for item in reasons)
        return Tooling(False, message or deployment["overallDeploymentStatus"])
    return Tooling(status in ("ACTIVE", "UPDATING"))
