"""Environments of the managed Tooling blueprint, which every project begins with: role, bucket, SageMaker domain."""

from __future__ import annotations

from dataclasses import dataclass
from threading import Event, Lock

from standins.aws.calls import Record, new_id
from standins.aws.datazone.environment_values import (
    SCOPE_NAME,
    DeploymentFailed,
    configuration_of,
    given_values,
    stack_tags,
    user_role,
)
from standins.aws.datazone.model import IDENTITY_CENTER, Domain
from standins.aws.datazone.project_roles import delete_role, make_role
from standins.aws.datazone.tooling_stack import open_stack
from standins.aws.emulator import Credentials, Emulator
from standins.aws.sagemaker import SageMaker

_HELD_SECONDS = 0.1  # between two looks if it is still held


@dataclass(frozen=True)
class ToolingBehaviour:
    """How the next tooling environments behave: how long they take, whether they fail, what Git they carry.

    held: they go on only when that is said no more.
    """

    seconds: float = 0
    failure: str = ""
    git_full_repository_id: str = ""
    git_branch_name: str = ""
    mlflow: bool = True
    held: bool = False


class Tooling:
    """Makes Tooling environments. `behaviours`: by a project's name or id; "*" for those that are not named."""

    def __init__(self, emulator: Emulator, sagemaker: SageMaker) -> None:
        """Take MiniStack, for roles and buckets, and SageMaker for the projects' domains."""
        self.behaviours: dict[str, ToolingBehaviour] = {}
        self._emulator = emulator
        self._sagemaker = sagemaker
        self._lock = Lock()

    def create(self, domain: Domain, project: Record, environment: Record, ending: Event) -> None:
        """Make what a project has from its beginning; a project that is deleted meanwhile is not waited for."""
        behaviour = self._behaviour(project)
        ending.wait(behaviour.seconds)
        while self._behaviour(project).held and not ending.wait(_HELD_SECONDS):
            continue
        configuration_of(domain, environment)
        if behaviour.failure:
            raise DeploymentFailed(behaviour.failure)
        account, region = environment["awsAccountId"], environment["awsAccountRegion"]
        bucket = f"amazon-sagemaker-{account}-{region}-{domain.bucket_end}"
        path = domain.rules.files_at.format(domain=domain.id, project=project["id"], scope=SCOPE_NAME)
        location = f"s3://{bucket}/{path}"
        role = make_role(self._emulator, domain, project, environment)
        with self._lock:
            self._emulator.ensure_bucket(self._emulator.client("s3", region, Credentials(account)), bucket, region)
        self._open_sagemaker_domain(domain, environment, role, location)
        given = given_values(project, environment)
        repository = given.get("gitFullRepositoryId") or behaviour.git_full_repository_id
        branch = given.get("gitBranchName") or behaviour.git_branch_name or ("main" if repository else "")
        resources = {
            "userRoleArn": role,
            "s3BucketPath": location,
            "sageMakerDomainId": environment["_sagemaker_domain"],
            "gitConnectionArn": given.get("gitConnectionArn", ""),
            "gitFullRepositoryId": repository,
            "gitBranchName": branch,
        }
        environment["provisionedResources"] = [
            {"provider": "Amazon SageMaker", "name": key, "value": value, "type": "String"}
            for key, value in resources.items()
            if value
        ]
        _connect_all(domain, project, environment, location, mlflow=behaviour.mlflow)
        open_stack(self._emulator, domain, environment)

    def update(self, domain: Domain, project: Record, environment: Record) -> None:
        """Leave it as it is: its template is AWS's own affair."""

    def _behaviour(self, project: Record) -> ToolingBehaviour:
        named = [self.behaviours.get(key) for key in (project["id"], project["name"], "*")]
        return next((one for one in named if one), ToolingBehaviour())

    def _open_sagemaker_domain(self, domain: Domain, environment: Record, role: str, location: str) -> None:
        """Make the project's SageMaker domain and its default space, with tags as Studio sets them."""
        account, region, project_id = (environment[key] for key in ("awsAccountId", "awsAccountRegion", "projectId"))
        left_out = domain.rules.left_out
        more_tags = {"AmazonDataZoneScopeName": SCOPE_NAME, "ProjectS3Path": location}
        tags = stack_tags(domain, environment) | more_tags
        tags = {key: value for key, value in tags.items() if key not in left_out}
        settings = {"UnifiedStudioSettings": _studio_settings(domain, environment, location)}
        name = f"SageMakerUnifiedStudio-{project_id}-{environment['id']}".replace("_", "-")[:63].rstrip("-")
        if "UnifiedStudioSettings" in left_out:
            settings = {}
        more = {"AuthMode": "IAM", "DefaultUserSettings": {"ExecutionRole": role}}
        if "DefaultSpaceSettings" not in left_out:
            more["DefaultSpaceSettings"] = {"ExecutionRole": role}
        opened = self._sagemaker.open_domain(account, region, name, settings=settings, tags=tags, more=more)
        environment["_sagemaker_domain"] = opened["DomainId"]
        self._sagemaker.open_space(account, region, opened["DomainId"], f"default-{new_id(8)}", tags=tags)

    def delete(self, domain: Domain, environment: Record) -> None:
        """Take away the stack, the connections, the SageMaker domain and the role."""
        if "_stack" in environment:
            account = Credentials(environment["awsAccountId"])
            self._emulator.delete_stack(environment["_stack"], environment["awsAccountRegion"], account)
        for identifier in [
            key for key, item in domain.connections.items() if item["environmentId"] == environment["id"]
        ]:
            del domain.connections[identifier]
        self._sagemaker.close_domain(environment.get("_sagemaker_domain", ""))
        delete_role(self._emulator, domain, environment)


def _studio_settings(domain: Domain, environment: Record, location: str) -> Record:
    """Return what a project's SageMaker domain tells of it."""
    account, region = environment["awsAccountId"], environment["awsAccountRegion"]
    settings = {
        "StudioWebPortalAccess": "ENABLED",
        "DomainAccountId": domain.account,
        "DomainRegion": domain.region,
        "DomainId": domain.id,
        "ProjectId": environment["projectId"],
        "EnvironmentId": environment["id"],
        "ProjectS3Path": location,
    }
    if domain.kind == IDENTITY_CENTER:
        place = f"arn:aws:sso::{account}:application/ssoins-{region}"
        settings["SingleSignOnApplicationArn"] = f"{place}/apl-{environment['id']}"
    return {name: value for name, value in settings.items() if name not in domain.rules.left_out}


def _connect_all(domain: Domain, project: Record, environment: Record, location: str, *, mlflow: bool) -> None:
    """Make the connections that a project begins with."""
    iam = {"iamProperties": {"environmentId": environment["id"]}}
    _connect(domain, project, environment, ("default.iam", "IAM"), iam)
    shared = {"s3Properties": {"s3Uri": location}}
    _connect(domain, project, environment, ("default.s3_shared", "S3"), shared)
    workgroup = {"athenaProperties": {"workgroupName": f"workgroup-{project['id']}-{environment['id']}"}}
    _connect(domain, project, environment, ("project.athena", "ATHENA"), workgroup)
    if mlflow:
        place = f"arn:aws:sagemaker:{environment['awsAccountRegion']}:{environment['awsAccountId']}"
        server = f"{place}:mlflow-tracking-server/tracking-server-{project['id']}"
        props = {"mlflowProperties": {"trackingServerArn": server}}
        _connect(domain, project, environment, ("default.mlflow", "MLFLOW"), props)


def _connect(domain: Domain, project: Record, environment: Record, named: tuple[str, str], props: Record) -> None:
    name, kind = named
    connection = {
        "connectionId": new_id(),
        "domainId": domain.id,
        "domainUnitId": project["domainUnitId"],
        "environmentId": environment["id"],
        "environmentUserRole": user_role(domain, project, environment),
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
