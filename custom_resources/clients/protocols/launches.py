"""What was launched: CloudFormation, Service Catalog, and which stack holds a project."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from custom_resources.clients.service_catalog import LaunchedStack, LaunchOfStack, ProductVersion
    from custom_resources.clients.stacks import DescribedStack, StackResource


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


class VersionTemplates(Protocol):
    """The templates of the product's versions. Raises VersionTemplateUnread, RetryLater."""

    def read(self, version: str, url: str) -> Mapping[str, Any]:
        """Return the template at an address."""
        ...
