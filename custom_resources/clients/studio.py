"""SageMaker Unified Studio: the project in DataZone, its domain and space in SageMaker. Reads only.

DataZone answers GetProject and GetProjectProfile to everybody whom IAM permits, but ListEnvironments, GetEnvironment,
ListConnections and GetConnection to members of the project only, and our functions are none: what these tell is an
extra (docs/studio.md, A19 and A20).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from custom_resources.clients.aws import DATAZONE, SAGEMAKER, Service, translated
from custom_resources.clients.sagemaker_domains import SageMakerDomain, looked_at, sagemaker_domain
from custom_resources.errors import AwsNotFound, AwsRefused, DataZoneDenied, ProjectNotFound
from custom_resources.telemetry import logger

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mypy_boto3_datazone import DataZoneClient
    from mypy_boto3_sagemaker import SageMakerClient

ToldT = TypeVar("ToldT")
_PROJECT_FAILED = {"FAILED_VALIDATION", "FAILED_DEPLOYMENT"}
_DOMAIN_READY = {"InService", "Updating"}
_TOOLING = "tooling"
# What connections tell: their type, and the property with its group.
_TRACKING_SERVER = ("MLFLOW", "mlflowProperties", "trackingServerArn")
_WORKGROUP = ("ATHENA", "athenaProperties", "workgroupName")
_SET_UP = timedelta(minutes=15)  # before a project's SageMaker domain is created, its repository may be
_CLOCKS = timedelta(minutes=5)  # by which two services' clocks may differ


@dataclass(frozen=True)
class Tooling:
    """Whether the tooling environment, which every project needs, is there."""

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
    roles: tuple[str, ...] = ()  # that Studio and SageMaker say are the project's, best first
    artifact_location: str = ""
    mlflow_tracking_uri: str = ""
    athena_workgroup: str = ""
    git_repository: str = ""
    git_branch: str = ""
    tooling_since: str = ""  # when Studio began to set it up (ISO 8601), at the earliest


@dataclass(frozen=True)
class Deployment:
    """How far Studio is with a project, in its words; `leaving`: it is being deleted, or could not be."""

    name: str
    profile_id: str
    status: str
    failure: str
    leaving: bool


@dataclass(frozen=True)
class ClassicProject:
    """A project of SageMaker Studio classic, and the provisioned product that SageMaker made it by ("": not told)."""

    id: str
    launch: str = ""


@dataclass(frozen=True)
class _Extras:
    """What Studio shows only to members of the project."""

    role: str = ""
    resources: dict[str, str] = field(default_factory=dict)
    mlflow_tracking_uri: str = ""
    athena_workgroup: str = ""


class Studio:
    """Reads projects. Every method raises AwsThrottled, AwsUnreachable, DataZoneDenied, AwsDenied."""

    def __init__(self, datazone: DataZoneClient, sagemaker: SageMakerClient) -> None:
        """Take the boto3 clients."""
        self._datazone = datazone
        self._sagemaker = sagemaker

    def project(self, domain_id: str, project_id: str, stack_id: str, *, with_profile: bool = True) -> Project:
        """Return the project; while its tooling is not ready, only its names.

        Our own environment is part of the project's deployment, so that is never waited for: the tooling is ready when
        the project's SageMaker domain is, or everything is. `stack_id` gives partition, region and account of the
        ARNs that SageMaker does not return. Raises ProjectNotFound.
        """
        found = self._read(
            DATAZONE,
            f"reading the project {project_id}",
            lambda: self._datazone.get_project(domainIdentifier=domain_id, identifier=project_id),
        )
        profile, order_zero = self._profile(domain_id, found.get("projectProfileId", "") if with_profile else "")
        named = Project(found["name"], Tooling(ready=False), profile, found.get("domainUnitId", ""))
        domain = self._sagemaker_domain(domain_id, project_id, since=found.get("createdAt"))
        deployment = found.get("environmentDeploymentDetails", {})
        status = deployment.get("overallDeploymentStatus")
        if domain.status not in _DOMAIN_READY and status != "SUCCESSFUL":
            return replace(named, tooling=Tooling(False, _failure(deployment)))
        extras = self._extras(domain_id, project_id, order_zero)
        told = self._told_by_sagemaker(named, domain, stack_id)
        resources = extras.resources
        return replace(
            told,
            tooling=Tooling(ready=True),
            roles=_each_once(extras.role, resources.get("userRoleArn", ""), *told.roles),
            artifact_location=told.artifact_location or resources.get("s3BucketPath", ""),
            mlflow_tracking_uri=extras.mlflow_tracking_uri,
            athena_workgroup=extras.athena_workgroup,
            git_repository=resources.get("gitFullRepositoryId", ""),
            git_branch=resources.get("gitBranchName", ""),
            tooling_since=found["createdAt"].isoformat() if "createdAt" in found else told.tooling_since,
        )

    def deployment(self, domain_id: str, project_id: str) -> Deployment:
        """Return how far Studio is with a project. Raises ProjectNotFound."""
        found = self._read(
            DATAZONE,
            f"reading the project {project_id}",
            lambda: self._datazone.get_project(domainIdentifier=domain_id, identifier=project_id),
        )
        details = found.get("environmentDeploymentDetails", {})
        return Deployment(
            found["name"],
            found.get("projectProfileId", ""),
            details.get("overallDeploymentStatus", ""),
            _failure(details),
            leaving="DELET" in found.get("projectStatus", ""),
        )

    def profile_and_place(self, domain_id: str, profile_id: str) -> tuple[str, str]:
        """Return a profile's name, and the account and region of its first environment, ACCOUNT/REGION.

        "" where the profile does not tell them: account pools resolve the account of each project.
        """
        described = self._read(
            DATAZONE,
            f"reading the project profile {profile_id}",
            lambda: self._datazone.get_project_profile(domainIdentifier=domain_id, identifier=profile_id),
        )
        configurations: list[Any] = described.get("environmentConfigurations", [])
        first: dict[str, Any] = min(configurations, key=lambda item: item.get("deploymentOrder", 0), default={})
        account = first.get("awsAccount", {}).get("awsAccountId", "")
        region = first.get("awsRegion", {}).get("regionName", "")
        return described["name"], f"{account}/{region}" if account and region else ""

    def workspace(self, domain_id: str, project_id: str, stack_id: str) -> Project:
        """Return what SageMaker alone tells of a project: DataZone is not called."""
        domain = self._sagemaker_domain(domain_id, project_id, since=None)
        return self._told_by_sagemaker(Project("", Tooling(domain.status in _DOMAIN_READY)), domain, stack_id)

    def classic_project(self, name: str) -> ClassicProject:
        """Return a project of SageMaker Studio classic (DescribeProject). Raises ProjectNotFound.

        SageMaker answers ValidationException for one that does not exist, too.
        """
        activity = f"reading the classic project {name}"
        try:
            found = self._read(SAGEMAKER, activity, lambda: self._sagemaker.describe_project(ProjectName=name))
        except AwsRefused:
            raise ProjectNotFound(activity=activity) from None
        details = found.get("ServiceCatalogProvisionedProductDetails", {})
        return ClassicProject(found["ProjectId"], details.get("ProvisionedProductId", ""))

    def answered(self, domain_id: str, project_id: str) -> dict[str, bool]:
        """Tell of each operation about a project whether DataZone permits it to this function; nothing of the answers.

        For `operations prove` (docs/studio.md, A19 and A20). Raises ProjectNotFound.
        """
        about: Any = {"domainIdentifier": domain_id, "projectIdentifier": project_id}
        calls: dict[str, Callable[[], Any]] = {
            "GetProject": lambda: self._datazone.get_project(domainIdentifier=domain_id, identifier=project_id),
            "ListEnvironments": lambda: self._datazone.list_environments(**about),
            "ListConnections": lambda: self._datazone.list_connections(**about),
        }
        return {operation: self._permits(operation, call) for operation, call in calls.items()}

    def _permits(self, operation: str, call: Callable[[], Any]) -> bool:
        try:
            self._read(DATAZONE, f"asking for {operation}", call)
        except DataZoneDenied:
            return False
        return True

    def _told_by_sagemaker(self, project: Project, domain: SageMakerDomain, stack_id: str) -> Project:
        return replace(
            project,
            sagemaker_domain_arn=domain.arn,
            space_arn=self._space(domain.arn, stack_id),
            roles=domain.roles,
            artifact_location=domain.location,
            tooling_since=(domain.created - _SET_UP).isoformat() if domain.created else "",
        )

    def _profile(self, domain_id: str, profile_id: str) -> tuple[str, set[str]]:
        """Return a profile's name, and the names of the environments that it deploys first; ("", {}) for none."""
        if not profile_id:
            return "", set()
        described = self._read(
            DATAZONE,
            f"reading the project profile {profile_id}",
            lambda: self._datazone.get_project_profile(domainIdentifier=domain_id, identifier=profile_id),
        )
        return described["name"], {
            configuration["name"]
            for configuration in described.get("environmentConfigurations", [])
            if configuration.get("deploymentOrder") == 0
        }

    # -- extras: for members of the project only ------------------------------------------------------------

    def _extras(self, domain_id: str, project_id: str, order_zero: set[str]) -> _Extras:
        """Return what the environments and connections tell; nothing of what DataZone refuses, which is logged once.

        Each is asked for itself: DataZone may permit the environments and deny the connections, or the reverse.
        """
        refused: list[str] = []

        def told(read: Callable[[], ToldT], nothing: ToldT) -> ToldT:
            try:
                return read()
            except (DataZoneDenied, ProjectNotFound) as refusal:
                refused.append(refusal.why)
                return nothing

        extras = _Extras(
            resources=told(lambda: self._tooling_resources(domain_id, project_id, order_zero), {}),
            role=told(lambda: self._role(domain_id, project_id), ""),
            mlflow_tracking_uri=told(lambda: self._property(domain_id, project_id, *_TRACKING_SERVER), ""),
            athena_workgroup=told(lambda: self._property(domain_id, project_id, *_WORKGROUP), ""),
        )
        if refused:
            why = "; ".join(dict.fromkeys(refused))
            logger.info("not told: only members of the project see its environments and connections", why=why)
        return extras

    def _tooling_resources(self, domain_id: str, project_id: str, order_zero: set[str]) -> dict[str, str]:
        """Return what the tooling environment made: the profile's first environment's, else the one of that name."""
        named = [
            item
            for item in self._pages(
                "list_environments", "items", domainIdentifier=domain_id, projectIdentifier=project_id
            )
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
        return {item["name"]: item["value"] for item in environment.get("provisionedResources", [])}

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

    def _property(self, domain_id: str, project_id: str, kind: str, group: str, name: str) -> str:
        """Return what a connection of that type tells, "" for nothing; Studio's own connection comes first."""
        connections = self._connections(domain_id, project_id, kind)
        for connection in sorted(connections, key=lambda item: item.get("name") != f"project.{kind.lower()}"):
            if told := connection.get("props", {}).get(group, {}).get(name):
                return str(told)
        return ""

    # -- SageMaker ------------------------------------------------------------------------------------------

    def _sagemaker_domain(self, domain_id: str, project_id: str, *, since: datetime | None) -> SageMakerDomain:
        """Return the SageMaker domain whose settings, else whose tags, name the project and its Studio domain (A24).

        Only domains made after the project can be its own: while its domain is waited for, the others are not read.
        A principal that may create SageMaker domains can make one that names any project; so the oldest counts: the
        project's id is known to nobody before Studio makes the project with its domain (docs/decisions/0098).
        """
        listed = self._pages("list_domains", "Domains", service=SAGEMAKER)
        domains = [item for item in listed if since is None or item.get("CreationTime", since) >= since - _CLOCKS]
        tagged = SageMakerDomain()
        # Studio names a project's domain after it: that one is looked at first.
        for item in sorted(domains, key=lambda item: looked_at(item, project_id)):
            described = self._described(item["DomainId"])
            settings = described.get("DomainSettings", {}).get("UnifiedStudioSettings", {})
            if settings.get("ProjectId") == project_id and settings.get("DomainId") == domain_id:
                return sagemaker_domain(described, settings.get("ProjectS3Path", ""))
            if described and not settings and not tagged.arn:
                tags = self._tags(described["DomainArn"])
                if (tags.get("AmazonDataZoneDomain"), tags.get("AmazonDataZoneProject")) == (domain_id, project_id):
                    tagged = sagemaker_domain(described, tags.get("ProjectS3Path", ""))
        return tagged

    def _described(self, sagemaker_id: str) -> dict[str, Any]:
        """Return a SageMaker domain; {} for one that is gone meanwhile."""
        try:
            with translated(SAGEMAKER, f"reading the SageMaker domain {sagemaker_id}"):
                return dict(self._sagemaker.describe_domain(DomainId=sagemaker_id))
        except AwsNotFound:
            return {}

    def _tags(self, arn: str) -> dict[str, str]:
        return {tag["Key"]: tag["Value"] for tag in self._pages("list_tags", "Tags", SAGEMAKER, ResourceArn=arn)}

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


def _each_once(*values: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(filter(None, values)))


def _failure(deployment: dict[str, Any]) -> str:
    """Return why Studio could not deploy the project, in its words; "" while it has not failed."""
    status = deployment.get("overallDeploymentStatus")
    if status not in _PROJECT_FAILED:
        return ""
    reasons = [item for items in deployment.get("environmentFailureReasons", {}).values() for item in items]
    return "; ".join(str(item["message"]).rstrip(".") for item in reasons) or str(status)
