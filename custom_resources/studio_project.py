"""Custom::StudioProject: what a launch must know of the project, once its tooling environment is ready."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import Field

from custom_resources.clients.studio import Project, Tooling
from custom_resources.errors import (
    ClassicRoleRefused,
    ProfileUnknown,
    ProjectFailed,
    RoleRefused,
    RoleUnknown,
    ToolingNotReady,
)
from custom_resources.properties import Line, LineOrNothing, Properties
from custom_resources.reconciler import CustomResource, Done, Foreseen, Request

if TYPE_CHECKING:
    from collections.abc import Callable

    from custom_resources.clients.protocols import Clients

POLL_SECONDS = 10
CLASSIC = "classic"  # in place of the domain's id: a project of SageMaker Studio classic


class StudioProjectProperties(Properties):
    """Desired state: a project that exists, with a profile that the template knows."""

    domain_id: Line
    project_id: Line
    project_name: LineOrNothing = ""
    profile_name: LineOrNothing = ""
    profile_folders: dict[str, str] = Field(default_factory=dict)
    template_archive: str = ""
    user_role_arn: LineOrNothing = ""
    classic_execution_roles: tuple[Line, ...] = ()
    deploy_account: str = ""
    glue_database: LineOrNothing = "glue_db"
    scope_name: LineOrNothing = "dev"
    mlflow_tracking_uri: LineOrNothing = ""
    organization: LineOrNothing = ""
    build_repository_name: LineOrNothing = ""
    adopt_existing: bool = False


@dataclass(frozen=True)
class Observed:
    """The project as Studio tells it; None when there is nothing to look at (Delete)."""

    project: Project | None


@dataclass(frozen=True)
class Plan:
    """The attributes to report, and the resource's name: it remembers an adopted repository (see `adopted`)."""

    attributes: dict[str, str]
    physical_id: str = ""


def _classic_project(properties: StudioProjectProperties, stack_id: str) -> Project:
    """Return what SageMaker Studio classic has no service to ask for: its own role and bucket, which projects share.

    The location ends as templates expect it, with what the secrets tell them: domain, project, scope. Raises
    ProfileUnknown: classic projects have no profile, so that the launch must name one.
    """
    if not properties.profile_name:
        raise ProfileUnknown
    partition, _, region, account = [*f"{stack_id}::::".split(":")][1:5]
    role = f"arn:{partition}:iam::{account}:role/service-role/AmazonSageMakerServiceCatalogProductsUseRole"
    return Project(
        name=properties.project_name or properties.project_id,
        tooling=Tooling(ready=True),
        profile_name=properties.profile_name,
        roles=(role, *properties.classic_execution_roles),
        artifact_location=(
            f"s3://sagemaker-{region}-{account}/{CLASSIC}/{properties.project_id}/{properties.scope_name or 'dev'}"
        ),
    )


def profile_folder(properties: StudioProjectProperties, profile: str) -> str:
    """Return the template folder of a profile: the override, else the name in lower case."""
    return properties.profile_folders.get(profile) or profile.lower()


def execution_role(properties: StudioProjectProperties, project: Project) -> str:
    """Return the ARN of the role that pipelines run as. Only Studio and the administrator say which may be.

    A launch's UserRoleArn, which in launches from Studio is what Studio filled in, chooses among those: who launches
    could name any role otherwise, and the workflows may pass it to SageMaker. Raises RoleUnknown, RoleRefused.
    """
    if not project.roles:
        raise RoleUnknown(project=properties.project_id)
    given = properties.user_role_arn
    if not given or given in project.roles:
        return given or project.roles[0]
    if properties.domain_id == CLASSIC:
        raise ClassicRoleRefused(role=given)
    raise RoleRefused(role=given, project=properties.project_id, allowed=project.roles[0])


def adopted(request: Request[StudioProjectProperties], connected: str) -> str:
    """Return the name of the repository that Studio's Git connection made and we take over, "" for our own.

    It has to be in our organization, and a name that the launch chose comes first. It is decided when the project is
    launched and kept in the physical id: who connects another repository later does not rename this one.
    """
    properties = request.properties
    if request.type != "Create":
        return request.physical_id.partition(":")[2]
    owner, _, name = connected.partition("/")
    if properties.build_repository_name or "/" in name or owner.casefold() != properties.organization.casefold():
        return ""
    return name


def _physical_id(properties: StudioProjectProperties, repository: str = "") -> str:
    project = f"{properties.domain_id}/{properties.project_id}"
    return f"{project}:{repository}" if repository else project


def _default_location(account: str, region: str, properties: StudioProjectProperties) -> str:
    """Return where Studio puts a project's files unless the domain says otherwise (studio.md)."""
    return f"s3://amazon-sagemaker-{account}-{region}-{properties.domain_id}/{properties.domain_id}/{properties.project_id}/dev"


class StudioProject(CustomResource[StudioProjectProperties, Observed, Plan]):
    """Custom::StudioProject: reads the project; writes nothing."""

    properties = StudioProjectProperties

    def __init__(self, clients: Clients) -> None:
        """Take the clients."""
        self._clients = clients

    def provisional_id(self, properties: StudioProjectProperties) -> str:
        """Name it before it exists."""
        return _physical_id(properties)

    @contextmanager
    def observe(self, request: Request[StudioProjectProperties]) -> Iterator[Observed]:
        """Read the project, and check that the template has its profile before anything is created."""
        properties = request.properties
        if request.type == "Delete":
            yield Observed(None)
            return
        if properties.domain_id == CLASSIC:
            project = _classic_project(properties, request.stack_id)
        else:
            project = self._clients.studio.project(properties.domain_id, properties.project_id, request.stack_id)
        if properties.template_archive:
            profile = profile_folder(properties, properties.profile_name or project.profile_name)
            with self._clients.archives.open(properties.template_archive) as archive:
                archive.require_profile(profile)
        yield Observed(project)

    def plan(self, request: Request[StudioProjectProperties], observed: Observed) -> Plan:
        """Wait for the tooling environment, refuse a failed one, else report what is known."""
        project, properties = observed.project, request.properties
        if project is None:
            return Plan({})
        if project.tooling.failure:
            raise ProjectFailed(project=properties.project_id, reason=project.tooling.failure)
        if not project.tooling.ready:
            raise ToolingNotReady(POLL_SECONDS, project=properties.project_id)
        role = execution_role(properties, project)
        profile = properties.profile_name or project.profile_name
        _, _, _, region, account, *_ = f"{request.stack_id}:::::".split(":")
        location = project.artifact_location or _default_location(account, region, properties)
        bucket, _, prefix = location.removeprefix("s3://").partition("/")
        repository = adopted(request, project.git_repository)
        default_name = f"{properties.project_id}-{properties.domain_id}-build-repo"
        return Plan(
            {
                "ProjectName": properties.project_name or project.name,
                "ProfileName": profile,
                "ProfileFolder": profile_folder(properties, profile),
                "DomainUnitId": project.domain_unit_id,
                "DomainArn": project.sagemaker_domain_arn,
                "SpaceArn": project.space_arn,
                "ExecutionRoleArn": role,
                "ExecutionRoleName": role.rpartition("/")[2],
                "ArtifactLocation": location.rstrip("/"),
                "ArtifactBucket": bucket,
                "ArtifactPrefix": prefix.rstrip("/"),
                "GlueDatabase": properties.glue_database,
                "ScopeName": properties.scope_name or "dev",
                "DeployAccount": properties.deploy_account or account,
                "ModelPackageGroupName": f"aiops-{properties.project_id}-models",
                "MlflowTrackingUri": properties.mlflow_tracking_uri or project.mlflow_tracking_uri,
                "GitFullRepositoryId": project.git_repository,
                "GitBranchName": project.git_branch,
                "ToolingSince": project.tooling_since,
                "BuildRepositoryName": repository or properties.build_repository_name or default_name,
                "BuildAdoptExisting": "true" if repository or properties.adopt_existing else "false",
            },
            _physical_id(properties, repository),
        )

    def apply(self, plan: Plan, request: Request[StudioProjectProperties], ensure_current: Callable[[], None]) -> Done:
        """Nothing is written: the attributes are the result."""
        if request.type != "Create":
            return Done(plan.attributes)
        return Done(plan.attributes, plan.physical_id, metrics=("Launches",))

    def foresee(self, request: Request[StudioProjectProperties], observed: Observed, plan: Plan) -> Foreseen:
        """Report what the next resources are given."""
        return Foreseen(plan.attributes)
