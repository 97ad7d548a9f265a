"""SageMaker Unified Studio: its projects and what they get, the domain's blueprints and profiles."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from custom_resources.clients.blueprints import Blueprint, Configuration, EntityType, Grant, PolicyType, Profile
    from custom_resources.clients.studio import ClassicProject, Deployment, Project


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


class Queues(Protocol):
    """The approvals' queues. Raises RetryLater, FinalError."""

    def send(self, queue: str, body: str, group: str, deduplication: str) -> None:
        """Put a message into a group of a FIFO queue."""
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


class BlueprintTemplates(Protocol):
    """The blueprint's templates, by content. Raises TemplateAssetMissing, TemplateAltered, FinalError, RetryLater."""

    def has(self, key: str) -> bool:
        """Tell whether the template is there."""
        ...

    def copy_in(self, source_bucket: str, key: str) -> None:
        """Copy a template in, checked against its name."""
        ...
