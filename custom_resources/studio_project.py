"""Custom::StudioProject: what a launch must know of the project, once its tooling environment is ready."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Annotated

from pydantic import Field, StringConstraints

from custom_resources import launching, project_file, repository_names
from custom_resources.belief import Belief, artifact_location, belief_at_create, execution_role, seal
from custom_resources.caller import Installation, Launcher
from custom_resources.clients.studio import Project, Tooling
from custom_resources.consent import connection_proof
from custom_resources.errors import (
    ClassicRoleRefused,
    DataZoneDenied,
    ProfileNotTold,
    ProfileUnknown,
    ProjectFailed,
    ToolingNotReady,
)
from custom_resources.properties import Line, LineOrNothing, Properties
from custom_resources.reconciler import CustomResource, Done, Foreseen, Request

if TYPE_CHECKING:
    from collections.abc import Callable

    from custom_resources.clients.protocols import Clients
    from custom_resources.seal import Seal

POLL_SECONDS = 10  # between two looks at a project that is not ready
_REPOSITORY = re.compile(r"(?!\.{1,2}\Z)[A-Za-z0-9._-]{1,100}")  # a repository's name on GitHub
CLASSIC = "classic"  # in place of the domain's id: a project of SageMaker Studio classic
DomainOrClassic = Annotated[str, StringConstraints(pattern=r"^(dzd[-_][a-zA-Z0-9_-]{1,36}|classic)\Z")]
ProjectId = Annotated[str, StringConstraints(pattern=r"^[a-zA-Z0-9_-]{1,36}\Z")]
FolderOrNothing = Annotated[str, StringConstraints(pattern=r"^([A-Za-z0-9][A-Za-z0-9 ._-]*)?\Z")]


class StudioProjectProperties(Properties):
    """Desired state: a project that exists, with a profile that the template knows.

    `user_role_arn`, `project_bucket`, `connected_repository` and the names are the launch's values for the project.
    """

    domain_id: DomainOrClassic
    project_id: ProjectId
    project_name: LineOrNothing = ""
    profile_name: LineOrNothing = ""
    profile_folder: FolderOrNothing = ""
    profile_folders: dict[str, str] = Field(default_factory=dict)
    template_archive: str = ""
    user_role_arn: LineOrNothing = ""
    project_bucket: LineOrNothing = ""
    connected_repository: LineOrNothing = ""
    classic_execution_roles: tuple[Line, ...] = ()
    deploy_account: str = ""
    glue_database: LineOrNothing = "glue_db"
    glue_table: LineOrNothing = ""
    scope_name: LineOrNothing = "dev"
    mlflow_tracking_uri: LineOrNothing = ""
    organization: LineOrNothing = ""
    build_repository_name: LineOrNothing = ""
    repository_names: str = Field(default="", pattern=repository_names.PATTERN)  # of repositories; "" = by their ids
    adopt_existing: bool = False


@dataclass(frozen=True)
class Observed:
    """The project as Studio describes it, and how far the launch is trusted; no project: nothing to read (Delete)."""

    project: Project | None
    belief: Belief = "nothing"
    installation: Installation = field(default_factory=Installation)
    launcher: Launcher = field(default_factory=lambda: Launcher("not asked"))
    seal: Seal | None = None  # of the launch, where Studio has connected a repository


@dataclass(frozen=True)
class Plan:
    """The attributes to report, and what the resource's name remembers of the repositories.

    `file`: the key of project.json in the project's bucket, "" where none is written.
    """

    attributes: dict[str, str]
    repository: str = ""  # that is adopted (see `adopted`)
    stem: str = ""  # of the repositories' names
    file: str = ""
    facts: bytes = b""  # what it holds


def _classic_project(properties: StudioProjectProperties, stack_id: str) -> Project:
    """Return what all classic projects share: SageMaker's own role and bucket.

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
    """Return the template folder of a profile: the told one, the settings' override, else the name in lower case."""
    return properties.profile_folder or properties.profile_folders.get(profile) or profile.lower()


def _classic_role(properties: StudioProjectProperties, project: Project) -> str:
    """Return the role of a classic project: the shared one, or another that the settings name. Raises RoleRefused."""
    given = properties.user_role_arn
    if given and given not in project.roles:
        raise ClassicRoleRefused(role=given)
    return given or project.roles[0]


def adopted(request: Request[StudioProjectProperties], connected: str) -> str:
    """Return the name of the repository that Studio's Git connection made and we take over, "" for our own.

    It has to be in our organization (and is then on our GitHub: docs/studio.md, A12), and a name that the launch chose
    comes first. It is decided when the project is launched and kept in the physical id: who connects another repository
    later does not rename this one.
    """
    properties = request.properties
    if request.type != "Create":
        return f"{request.physical_id}::".split(":")[1]
    owner, _, name = (properties.connected_repository or connected).partition("/")
    ours = owner.casefold() == properties.organization.casefold() and _REPOSITORY.fullmatch(name)
    return name if ours and not properties.build_repository_name else ""


def _seal(properties: StudioProjectProperties) -> str:
    """Return the digest of the launch's role and location that the physical id holds, "" if it was given neither."""
    if properties.domain_id == CLASSIC or not (properties.user_role_arn or properties.project_bucket):
        return ""
    told = (properties.domain_id, properties.project_id, properties.user_role_arn, properties.project_bucket)
    return seal(*told)


def _physical_id(properties: StudioProjectProperties, repository: str = "", told: str = "", stem: str = "") -> str:
    """Return `<domain>/<project>[:<adopted repository>[:<seal of the launch's values>[:<stem of the names>]]]`."""
    project = f"{properties.domain_id}/{properties.project_id}"
    return ":".join([project, repository, told, stem]).rstrip(":")


def _stem(request: Request[StudioProjectProperties], project: Project) -> str:
    """Return the stem of the repositories' names: decided when the project is launched, and kept in the physical id."""
    properties = request.properties
    if request.type != "Create":
        return repository_names.remembered(f"{request.physical_id}:::".split(":")[3])
    name = properties.project_name or project.name
    return repository_names.stem(properties.repository_names, properties.domain_id, properties.project_id, name)


def _belief(request: Request[StudioProjectProperties], launcher: Launcher) -> Belief:
    """Return how far the launch is believed.

    Service Catalog names the caller of the launch; whether it renames it for an update is not known (docs/studio.md,
    A22). So an update is believed where it tells what was accepted before, or goes back to it.
    """
    if request.type == "Create":
        return belief_at_create(launcher.kind)
    told = _seal(request.properties)
    kept = told == f"{request.physical_id}::".split(":")[2] or request.goes_back
    return "kept" if told and kept else "nothing"


class StudioProject(CustomResource[StudioProjectProperties, Observed, Plan]):
    """Custom::StudioProject: decides who may launch; reads and holds the project; creates what a project has once."""

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
        launcher = launching.launcher(request, self._clients)
        belief: Belief = "nothing"
        if properties.domain_id == CLASSIC:
            if request.type == "Create":
                launching.require_classic(request, launcher, self._clients)
            project = _classic_project(properties, request.stack_id)
        else:
            belief = _belief(request, launcher)
            project = self._project(request, belief, launcher)
        if properties.template_archive:
            profile = profile_folder(properties, properties.profile_name or project.profile_name)
            if not profile:
                raise ProfileNotTold(project=properties.project_id)
            with self._clients.archives.open(properties.template_archive) as archive:
                archive.require_profile(profile)
        connected = properties.connected_repository or project.git_repository
        proving = self._clients.seals.of_launch(request.stack_id) if connected else None
        yield Observed(project, belief, self._clients.installation, launcher, proving)

    def _project(self, request: Request[StudioProjectProperties], belief: Belief, launcher: Launcher) -> Project:
        """Return the project. Does not call DataZone where the launch has everything from Studio.

        Studio deploys the tooling before our environment, and a project that is launched had it: neither waits. What
        the project setup passes is read again.
        """
        properties, studio = request.properties, self._clients.studio
        domain_id, project_id = properties.domain_id, properties.project_id
        named = bool(properties.project_name and properties.profile_name)
        told = named and bool(properties.user_role_arn and properties.project_bucket)
        waits = belief != "studio" and request.type == "Create"
        if told and belief in ("studio", "kept"):
            project = studio.workspace(domain_id, project_id, request.stack_id)
        else:
            with_profile = not properties.profile_name
            try:
                project = studio.project(domain_id, project_id, request.stack_id, with_profile=with_profile)
            except DataZoneDenied:
                project = studio.workspace(domain_id, project_id, request.stack_id)
                if launcher.kind == "project setup" or not (named and project.tooling.ready):
                    raise
        if waits or project.tooling.failure:
            return project
        return replace(project, tooling=Tooling(ready=True))

    def plan(self, request: Request[StudioProjectProperties], observed: Observed) -> Plan:
        """Wait for the project's deployment, refuse a failed one, else report what is known."""
        project, properties = observed.project, request.properties
        if project is None:
            return Plan({})
        if project.tooling.failure:
            raise ProjectFailed(project=properties.project_id, reason=project.tooling.failure)
        if not project.tooling.ready:
            raise ToolingNotReady(POLL_SECONDS, project=properties.project_id)
        launching.require_own_role(request.properties.project_id, observed.launcher, project.roles)
        known = observed.launcher.kind != "unknown"
        repository = adopted(request, project.git_repository) if known else ""
        attributes = {
            **_names(request, project),
            **_role(request, observed, project),
            **_location(properties, observed.belief, project),
            **_connection(properties, observed, project),
            "BuildAdoptExisting": "true" if repository or properties.adopt_existing else "false",
        }
        stem = _stem(request, project)
        attributes |= _repositories(properties, repository, stem)
        return Plan(attributes, repository, stem, *_file(request, attributes))

    def apply(self, plan: Plan, request: Request[StudioProjectProperties], ensure_current: Callable[[], None]) -> Done:
        """Hold the project for the stack, or let go of it, and create its model package group, which is never deleted.

        So nobody takes the group's name before the first pipeline run does. project.json tells Studio's spaces what the
        launch knows; it stays with the project's files. The attributes are the result.
        """
        if request.type == "Delete":
            if request.stack_ends:  # else an update gave the resource another id, and the project stays the stack's
                launching.release(request, self._clients)
            return Done()
        launching.hold(request, self._clients)
        ensure_current()
        properties, attributes, stem = request.properties, plan.attributes, plan.stem
        kept = self._clients.model_packages.ensure(
            attributes["ModelPackageGroupName"], properties.domain_id, properties.project_id, request.stack_id, stem
        )
        if plan.file:
            account = f"{request.stack_id}:::::".split(":")[4]
            self._clients.project_files.write(attributes["ArtifactBucket"], plan.file, plan.facts, account)
        if request.type == "Create" and kept != stem:  # the project was launched before
            stem = repository_names.remembered(kept)
            attributes = {**attributes, **_repositories(properties, plan.repository, stem)}
        id_ = _physical_id(properties, plan.repository, _seal(properties), stem)
        return Done(attributes, id_, metrics=("Launches",) if request.type == "Create" else ())

    def foresee(self, request: Request[StudioProjectProperties], observed: Observed, plan: Plan) -> Foreseen:
        """Report what the next resources are given."""
        return Foreseen(plan.attributes)


def _file(request: Request[StudioProjectProperties], attributes: dict[str, str]) -> tuple[str, bytes]:
    """Return the key of project.json and what it holds; nothing for classic, which has no location of its own."""
    properties = request.properties
    if properties.domain_id == CLASSIC:
        return "", b""
    ids = {"domain_id": properties.domain_id, "project_id": properties.project_id}
    region = f"{request.stack_id}:::::".split(":")[3]
    held = project_file.content(attributes, region=region, glue_table=properties.glue_table, **ids)
    return project_file.key(attributes["ArtifactPrefix"], **ids), held


def _names(request: Request[StudioProjectProperties], project: Project) -> dict[str, str]:
    properties = request.properties
    account = f"{request.stack_id}:::::".split(":")[4]
    profile = properties.profile_name or project.profile_name
    return {
        "ProjectName": properties.project_name or project.name,
        "ProfileName": profile,
        "ProfileFolder": profile_folder(properties, profile),
        "DomainUnitId": project.domain_unit_id,
        "DomainArn": project.sagemaker_domain_arn,
        "SpaceArn": project.space_arn,
        "GlueDatabase": properties.glue_database,
        "ScopeName": _scope(properties),
        "DeployAccount": properties.deploy_account or account,
        "ModelPackageGroupName": f"aiops-{properties.project_id}-models",
        "MlflowTrackingUri": properties.mlflow_tracking_uri or project.mlflow_tracking_uri,
        "AthenaWorkgroup": project.athena_workgroup,
    }


def _scope(properties: StudioProjectProperties) -> str:
    return properties.scope_name or "dev"


def _role(request: Request[StudioProjectProperties], observed: Observed, project: Project) -> dict[str, str]:
    properties = request.properties
    if properties.domain_id == CLASSIC:
        role = _classic_role(properties, project)
    else:
        role = execution_role(
            properties.user_role_arn,
            project.roles,
            observed.belief,
            project_id=properties.project_id,
            stack_id=request.stack_id,
            installation=observed.installation,
        )
    return {"ExecutionRoleArn": role, "ExecutionRoleName": role.rpartition("/")[2]}


def _location(properties: StudioProjectProperties, belief: Belief, project: Project) -> dict[str, str]:
    location = artifact_location(
        properties.project_bucket,
        project.artifact_location,
        belief,
        domain_id=properties.domain_id,
        project_id=properties.project_id,
        scope=_scope(properties),
    )
    bucket, _, prefix = location.removeprefix("s3://").partition("/")
    return {"ArtifactLocation": location, "ArtifactBucket": bucket, "ArtifactPrefix": prefix}


def _connection(properties: StudioProjectProperties, observed: Observed, project: Project) -> dict[str, str]:
    """Return what Studio has connected, with the proof that Custom::GitHubRepository of the stack asks for."""
    # Only Studio says what Studio has made (docs/decisions/0062).
    told = observed.belief in ("studio", "kept") or project.git_repository
    name, since = properties.connected_repository or project.git_repository, project.tooling_since if told else ""
    owner = properties.domain_id, properties.project_id
    return {
        "GitFullRepositoryId": name,
        "GitBranchName": project.git_branch,
        "ConnectedSince": since,
        "ConnectionProof": connection_proof(observed.seal, *owner, name, since) if observed.seal else "",
    }


def _repositories(properties: StudioProjectProperties, adopted_one: str, stem: str) -> dict[str, str]:
    """Return what both repositories are called, and what each is called where somebody else has the name."""
    owner = properties.domain_id, properties.project_id
    chosen = adopted_one or properties.build_repository_name
    other = {part: repository_names.alternative(stem, part, *owner) for part in ("build", "deploy")}
    return {
        "BuildRepositoryName": chosen or repository_names.default(stem, "build", *owner),
        "BuildAlternativeName": "" if chosen else other["build"],
        "DeployRepositoryName": repository_names.default(stem, "deploy", *owner),
        "DeployAlternativeName": other["deploy"],
    }
