"""What custom resources need of the outside world. The clients in this folder implement it, as do tests' doubles."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from contextlib import AbstractContextManager

    from custom_resources.allowances import Allowances
    from custom_resources.caller import Installation
    from custom_resources.clients.blueprints import Blueprint, Configuration, EntityType, Grant, PolicyType, Profile
    from custom_resources.clients.git import BareRepository
    from custom_resources.clients.github import PullRequest, Repository
    from custom_resources.clients.github_removal import Note
    from custom_resources.clients.secrets import GitHubCredentials
    from custom_resources.clients.service_catalog import LaunchedStack, LaunchOfStack, ProductVersion
    from custom_resources.clients.stacks import DescribedStack, StackResource
    from custom_resources.clients.studio import ClassicProject, Deployment, Project
    from custom_resources.errors import RetryLater
    from custom_resources.progress import Progress
    from custom_resources.rate_budget import Cost
    from custom_resources.seal import Seal
    from custom_resources.template_content import Archive
    from custom_resources.update_record import UpdateRecord


class Stacks(Protocol):
    """CloudFormation, as far as a request must know its own stack. Raises RetryLater, FinalError."""

    def operation(self, stack_id: str) -> str:
        """Name the operation the stack is in: another update, or its rollback, has another name."""
        ...

    def exists(self, stack_id: str) -> bool:
        """Tell whether the stack has resources still."""
        ...

    def tags(self, stack_id: str) -> Mapping[str, str]:
        """Return the stack's tags, with those that AWS reserves."""
        ...


class StackFacts(Protocol):
    """CloudFormation, as far as an event is compared with it. Raises RetryLater, FinalError."""

    def parameters(self, stack_id: str) -> Mapping[str, str]:
        """Return the values of the stack's parameters."""
        ...

    def resources(self, stack_id: str, names: Iterable[str] = ()) -> Mapping[str, StackResource]:
        """Return the stack's first 100 resources by their logical ids, or those of some logical ids."""
        ...

    def outputs(self, stack_id: str) -> Mapping[str, str]:
        """Return the stack's outputs."""
        ...

    def described(self, stack_id: str) -> DescribedStack:
        """Return the stack as it is."""
        ...

    def template(self, stack_id: str) -> Mapping[str, Any]:
        """Return the stack's template."""
        ...


class HeldProjects(Protocol):
    """Which stack holds a project. Raises RetryLater, FinalError."""

    def hold(self, project: str, stack_id: str, instead_of: str = "") -> str:
        """Hold a project that nobody holds, or only the stack `instead_of`; return who holds it now."""
        ...

    def release(self, project: str, stack_id: str) -> None:
        """Let go of a project that the stack holds."""
        ...


class Queues(Protocol):
    """The approvals' queues. Raises RetryLater, FinalError."""

    def send(self, queue: str, body: str, group: str, deduplication: str) -> None:
        """Put a message into a group of a FIFO queue."""
        ...


class Budget(Protocol):
    """The share of GitHub's rate limits that all functions use together; each call may raise RetryLater."""

    def require_room(self, request: str) -> Progress:
        """Return what a request has done and paid for already, unless it may ask GitHub for nothing now."""
        ...

    def reserve(self, cost: Cost, request: str, progress: Progress) -> None:
        """Take the cost out of the budget, and note that the request, which has got so far, has paid it."""
        ...

    def remember(self, request: str, wait: RetryLater, progress: Progress) -> None:
        """Keep a request's wait, and what it has done and paid for, for its next call; book the slot it waits for."""
        ...

    def pause(self, seconds: float, *, untold: bool = False, content: bool = False) -> None:
        """Make everyone wait; `untold`: GitHub did not say how long; `content`: it refused to create some."""
        ...


class UpdateRecords(Protocol):
    """What the last update of a resource wrote; each call may raise RetryLater."""

    def change(
        self, stack_id: str, logical_id: str, change: Callable[[UpdateRecord | None], UpdateRecord | None]
    ) -> UpdateRecord | None:
        """Change a resource's record as it is at that moment; return what `change` made of it, None = left alone."""
        ...

    def forget(self, stack_id: str, logical_id: str) -> None:
        """Make the record expire, if one exists."""
        ...


class Secrets(Protocol):
    """Secrets Manager. Raises SecretUnreadable, RetryLater."""

    def value(self, reference: str) -> str:
        """Return the value of `name-or-ARN`, or of one key of a JSON secret, `name-or-ARN#key`."""
        ...

    def github_credentials(self, reference: str) -> GitHubCredentials:
        """Return GitHub's credentials."""
        ...


class Seals(Protocol):
    """The secrets under which proofs are made, one request each, remembered. Raises FinalError, RetryLater."""

    def of_repository(self, repository_id: int) -> Seal:
        """Return the seal of the repository with that id of GitHub's."""
        ...

    def of_stack(self, stack_id: str, full_name: str) -> Seal:
        """Return the seal of a repository that a stack creates: its id is not known before."""
        ...

    def of_launch(self, stack_id: str) -> Seal:
        """Return the seal of what one resource of a stack tells another one."""
        ...


class Archives(Protocol):
    """The template archives, addressed by content. Raises ArchiveMissing, InvalidTemplate, RetryLater."""

    def open(self, name: str) -> AbstractContextManager[Archive]:
        """Yield the archive `<sha256>.zip`, checked against its name."""
        ...

    def has(self, name: str) -> bool:
        """Tell whether the bucket holds the archive."""
        ...

    def copy_in(self, source_bucket: str, source_key: str, name: str) -> None:
        """Copy a published asset under its content address."""
        ...


class VersionTemplates(Protocol):
    """The templates of the product's versions. Raises VersionTemplateUnread, RetryLater."""

    def read(self, version: str, url: str) -> Mapping[str, Any]:
        """Return the template at an address."""
        ...


class Studio(Protocol):
    """SageMaker Unified Studio's projects. Raises ProjectNotFound, FinalError, RetryLater."""

    def project(self, domain_id: str, project_id: str, stack_id: str, *, with_profile: bool = True) -> Project:
        """Return what DataZone and SageMaker tell of the project; while it is not deployed, only its names."""
        ...

    def deployment(self, domain_id: str, project_id: str) -> Deployment:
        """Return how far Studio is with the project."""
        ...

    def profile_and_place(self, domain_id: str, profile_id: str) -> tuple[str, str]:
        """Return a profile's name, and the account and region of its projects, "" where it does not tell them."""
        ...

    def workspace(self, domain_id: str, project_id: str, stack_id: str) -> Project:
        """Return what SageMaker alone tells of the project: its domain, space, roles and location."""
        ...

    def classic_project(self, name: str) -> ClassicProject:
        """Return a project of SageMaker Studio classic by its name."""
        ...

    def answered(self, domain_id: str, project_id: str) -> dict[str, bool]:
        """Tell of each operation about the project whether DataZone permits it to this function."""
        ...


class ModelPackageGroups(Protocol):
    """SageMaker's model package groups. Raises ModelPackageGroupTaken, FinalError, RetryLater."""

    def ensure(self, name: str, domain_id: str, project_id: str, stack_id: str, repositories: str = "") -> str:
        """Create the project's group; one that is the project's already stays. Return the `repositories` it keeps."""
        ...


class ProjectFiles(Protocol):
    """What launches write into projects' files. Raises RetryLater."""

    def write(self, bucket: str, key: str, content: bytes, account: str) -> str:
        """Write project.json into a bucket of that account; tell what became of it."""
        ...


class BlueprintTemplates(Protocol):
    """The blueprint's templates, by content. Raises TemplateAssetMissing, TemplateAltered, FinalError, RetryLater."""

    def has(self, key: str) -> bool:
        """Tell whether the template is there."""
        ...

    def copy_in(self, source_bucket: str, key: str) -> None:
        """Copy a template in, checked against its name."""
        ...


class Blueprints(Protocol):
    """DataZone's blueprints, profiles and grants. Raises NameTaken, InUse, RoleNotReady, FinalError, RetryLater."""

    def blueprint(self, domain_id: str, blueprint_id: str) -> Blueprint | None:
        """Return a blueprint, or None."""
        ...

    def blueprint_id(self, domain_id: str, name: str, managed: bool = False) -> str:
        """Return the id of the blueprint of that name, "" if there is none."""
        ...

    def create_blueprint(self, domain_id: str, wanted: Blueprint) -> str:
        """Create a blueprint; return its id."""
        ...

    def update_blueprint(self, domain_id: str, wanted: Blueprint) -> None:
        """Change a blueprint."""
        ...

    def delete_blueprint(self, domain_id: str, blueprint_id: str) -> None:
        """Delete a blueprint; one that is gone is fine."""
        ...

    def configuration(self, domain_id: str, blueprint_id: str) -> Configuration | None:
        """Return how a blueprint is enabled, None if it is not."""
        ...

    def configure(self, domain_id: str, blueprint_id: str, wanted: Configuration) -> None:
        """Enable a blueprint."""
        ...

    def delete_configuration(self, domain_id: str, blueprint_id: str) -> None:
        """Disable a blueprint."""
        ...

    def projects_with(self, domain_id: str, blueprint_id: str) -> list[str]:
        """Return the names of the projects with environments of the blueprint, of those that the caller may see."""
        ...

    def domain_is_gone(self, domain_id: str) -> bool:
        """Tell whether the account has no such domain any more."""
        ...

    def root_domain_unit(self, domain_id: str) -> str:
        """Return the id of the domain's root unit."""
        ...

    def grants(self, domain_id: str, entity: EntityType, identifier: str, policy: PolicyType) -> list[Grant]:
        """Return the grants of a policy on an entity."""
        ...

    def add_grant(self, domain_id: str, entity: EntityType, identifier: str, policy: PolicyType, grant: Grant) -> str:
        """Add a grant; return its id."""
        ...

    def remove_grant(
        self, domain_id: str, entity: EntityType, identifier: str, policy: PolicyType, grant: Grant
    ) -> None:
        """Remove a grant; one that is gone is fine."""
        ...

    def profile(self, domain_id: str, profile_id: str) -> Profile | None:
        """Return a project profile, or None."""
        ...

    def profile_id(self, domain_id: str, name: str) -> str:
        """Return the id of the project profile of that name, "" if there is none."""
        ...

    def create_profile(self, domain_id: str, wanted: Profile, domain_unit_id: str) -> str:
        """Create a project profile; return its id."""
        ...

    def update_profile(self, domain_id: str, wanted: Profile) -> None:
        """Change a project profile."""
        ...

    def delete_profile(self, domain_id: str, profile_id: str) -> None:
        """Delete a project profile; one that is gone is fine."""
        ...

    def accounts_of_pool(self, domain_id: str, pool_id: str) -> list[tuple[str, str]]:
        """Return the accounts of a pool, each with one of its regions."""
        ...


class ServiceCatalog(Protocol):
    """The product in Service Catalog, and what was launched from it. Raises FinalError, RetryLater."""

    def outputs_with(self, product_id: str, key: str, value: str, likely_name: str) -> dict[str, str] | None:
        """Return the outputs of the product's launch that put out `key` = `value`, or None."""
        ...

    def launch_of(self, stack_id: str) -> LaunchOfStack:
        """Return the launch that made a stack; nothing of a stack that no launch made."""
        ...

    def launched_stack(self, launch_id: str) -> LaunchedStack | None:
        """Return what a provisioned product is, by its id; None where there is none."""
        ...

    def version_template(self, product_id: str, version_id: str) -> tuple[str, str]:
        """Return a version's name and the address of its template."""
        ...

    def launched_by(self, product_id: str, door: str) -> list[str]:
        """Return the names of the launches from the product by the blueprint or by the project setup."""
        ...

    def versions(self, product_id: str) -> list[ProductVersion]:
        """Return the product's versions."""
        ...

    def set_guidance(self, product_id: str, version: ProductVersion) -> None:
        """Write a version's advice and activity."""
        ...


class RegionalLaunches(Protocol):
    """What was launched in the regions of the function's account. Raises FinalError, RetryLater."""

    def launched_by(self, region: str, door: str) -> list[str]:
        """Return the names of a region's launches by the blueprint or by the project setup; none without a product."""
        ...


class GitHub(Protocol):
    """GitHub's REST API. Raises the errors of errors.py, or RetryLater."""

    def find_repository(self, full_name: str) -> Repository | None:
        """Return the repository of that name (a renamed one is followed), or None."""
        ...

    def repository_by_id(self, repository_id: int, full_name: str) -> Repository | None:
        """Return the repository with that id, wherever it was renamed or transferred to, or None."""
        ...

    def is_absent(self, full_name: str, repository_id: int = 0) -> bool:
        """Tell whether it is proven that there is no such repository (id 0: of that name), after it was not found."""
        ...

    def create_repository(self, organization: str, name: str, description: str, visibility: str) -> Repository | None:
        """Create an empty repository; None when the name is taken."""
        ...

    def update_repository(self, full_name: str, **changes: Any) -> Repository:
        """Change a repository's settings."""
        ...

    def replace_topics(self, full_name: str, topics: Iterable[str]) -> None:
        """Set the topics."""
        ...

    def small_file(self, full_name: str, path: str, limit: int) -> bytes | None:
        """Return a file of the default branch, None where there is none. Raises ObjectTooLarge."""
        ...

    def is_protected(self, full_name: str, branch: str) -> bool:
        """Tell whether rules protect a branch."""
        ...

    def contains(self, full_name: str, commit: str, tip: str) -> bool:
        """Tell whether a commit is in a branch's history."""
        ...

    def put_secrets(self, full_name: str, secrets: Mapping[str, str], done: Note | None = None) -> None:
        """Seal and set Actions secrets; `done` gets the name of each as it is set."""
        ...

    def delete_secrets(self, full_name: str, names: Iterable[str], done: Note | None = None) -> None:
        """Remove secrets; one that is gone already is fine."""
        ...

    def put_variables(self, full_name: str, variables: Mapping[str, str], done: Note | None = None) -> None:
        """Create the variables, or change those that exist."""
        ...

    def variable(self, full_name: str, name: str) -> str | None:
        """Return a variable's value, or None."""
        ...

    def delete_variables(self, full_name: str, names: Iterable[str], done: Note | None = None) -> None:
        """Remove variables; one that is gone already is fine."""
        ...

    def environments(self, full_name: str) -> dict[str, bool]:
        """Return the environments' names, in lower case, with whether each is for some branches only."""
        ...

    def create_environment(self, full_name: str, name: str, branch: str, reviewers: Sequence[tuple[str, int]]) -> None:
        """Create an environment for one branch, with reviewers if there are any. Raises EnvironmentRulesRefused."""
        ...

    def find_pull_request(self, full_name: str, branch: str, base: str, mark: str = "") -> PullRequest | None:
        """Return the newest pull request from a branch into `base`, else the newest open one that has the mark."""
        ...

    def create_pull_request(self, full_name: str, branch: str, base: str, title: str, body: str) -> PullRequest:
        """Open a pull request; the open one, if there is one already."""
        ...

    def update_pull_request(self, full_name: str, number: int, **changes: str) -> PullRequest:
        """Change a pull request's title, body, base or state."""
        ...

    def address_pull_request(
        self, full_name: str, number: int, whom: tuple[Sequence[str], Sequence[str], Sequence[str]]
    ) -> list[str]:
        """Put labels, assignees and reviewers on it; return what GitHub refused of that."""
        ...

    def comment(self, full_name: str, number: int, text: str) -> None:
        """Comment on a pull request."""
        ...

    def dispatch_workflow(self, full_name: str, workflow: str, ref: str, inputs: Mapping[str, str]) -> None:
        """Start a workflow that has a workflow_dispatch trigger."""
        ...


class Git(Protocol):
    """GitHub's Git service."""

    def open(self, full_name: str, when: float = 0) -> AbstractContextManager[BareRepository]:
        """Yield an empty bare repository whose remote is `full_name`; it is gone after the block."""
        ...


class Clients(Protocol):
    """All that a custom resource may reach; each is made when it is first used."""

    @property
    def allowances(self) -> Allowances: ...
    @property
    def installation(self) -> Installation: ...
    @property
    def stacks(self) -> Stacks: ...
    @property
    def stack_facts(self) -> StackFacts: ...
    @property
    def held_projects(self) -> HeldProjects | None: ...
    @property
    def queues(self) -> Queues: ...
    @property
    def budget(self) -> Budget | None: ...
    @property
    def update_records(self) -> UpdateRecords | None: ...
    @property
    def secrets(self) -> Secrets: ...
    @property
    def seals(self) -> Seals: ...
    @property
    def archives(self) -> Archives: ...
    @property
    def version_templates(self) -> VersionTemplates: ...
    @property
    def studio(self) -> Studio: ...
    @property
    def model_packages(self) -> ModelPackageGroups: ...
    @property
    def project_files(self) -> ProjectFiles: ...
    @property
    def blueprints(self) -> Blueprints: ...
    @property
    def blueprint_templates(self) -> BlueprintTemplates: ...
    @property
    def service_catalog(self) -> ServiceCatalog: ...
    @property
    def regional_launches(self) -> RegionalLaunches: ...
    @property
    def github(self) -> GitHub: ...
    @property
    def git(self) -> Git: ...
