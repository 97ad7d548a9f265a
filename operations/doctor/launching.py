"""Whether the caller may launch and update, and whether what is published has the profiles that the settings name."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from custom_resources.clients.aws import SERVICE_CATALOG, STS, translated
from custom_resources.clients.service_catalog import ServiceCatalog
from custom_resources.clients.stacks import CloudFormationStacks
from custom_resources.errors import AwsNotFound, InvalidTemplate
from custom_resources.template_content import Archive
from operations.deployed import PORTFOLIO_STACK, offered_product
from operations.doctor.check import Check, NamedCheck, deploy
from products.versions import ARCHIVE_FILE, versions_directory

if TYPE_CHECKING:
    import boto3

    from products.settings import Settings
    from products.versions import Version


class LaunchingChecks:
    """The caller's launch path, the product's namesakes, and the folders of profiles."""

    def __init__(
        self, session: boto3.Session, settings: Settings, published: Sequence[Version], directory: Path | None
    ) -> None:
        """`directory` is that of the published versions. Nothing is asked yet."""
        self._session, self._settings = session, settings
        self._published, self._directory = published, directory or versions_directory()

    def all(self) -> list[NamedCheck]:
        """Return the checks."""
        return [("Launch path", self.path), ("Profile folders", self.folders)]

    def path(self) -> Iterator[Check]:
        """The caller is a principal of the portfolio: an update and a launch by hand take the caller's launch path.

        Also told: other products of the same name, whose launches no command here reaches.
        """
        name, client = "Launch path", self._client("servicecatalog")
        catalog, product = self._product()
        with translated(STS, "reading the caller"):
            caller = str(self._client("sts").get_caller_identity()["Arn"])
        try:
            with translated(SERVICE_CATALOG, f"listing the launch paths to {product}"):
                paths = client.list_launch_paths(ProductId=product).get("LaunchPathSummaries", [])
        except AwsNotFound:  # "No launch paths found for resource"
            paths = []
        if paths:
            yield Check(name, "ok", f"{caller} can launch, update and repair")
        else:
            yield Check(
                name,
                "risk",  # somebody else may be the one who rolls out
                f"{caller} is not a principal of the portfolio: launches and updates as this caller fail with 'No "
                f"launch paths found'. Add its role or user to [portfolio] principals in settings.toml",
                deploy(PORTFOLIO_STACK),
            )
        yield from self._namesakes(catalog, product)

    def _namesakes(self, catalog: ServiceCatalog, product: str) -> Iterator[Check]:
        others = [each for each in catalog.products(self._settings.product.name) if each != product]
        if others:
            left = ", ".join(others)
            yield Check(
                "Products",
                "risk",
                f"{left} has the same name as {product} of PortfolioStack: status and rollout do not include its "
                "provisioned products",
                f"aws servicecatalog search-provisioned-products --filters SearchQuery=productId:{others[0]}"
                "  # terminate these, then delete the product",
            )

    def _product(self) -> tuple[ServiceCatalog, str]:
        stacks = CloudFormationStacks(self._client("cloudformation"))
        catalog = ServiceCatalog(self._client("servicecatalog"), stacks)
        return catalog, offered_product(catalog, stacks, self._settings.product.name)

    def _client(self, service: str) -> Any:
        with translated(SERVICE_CATALOG, "opening a client"):
            return self._session.client(service)  # type: ignore[call-overload]  # not a literal

    def folders(self) -> Iterator[Check]:
        """Each folder that [profile_folders] names is in the newest published version."""
        name, wanted = "Profile folders", self._settings.profile_folders
        if not self._published or not wanted:
            return
        newest = self._published[-1].version
        try:
            known = Archive.open(self._directory / newest / ARCHIVE_FILE).profiles()
        except (OSError, InvalidTemplate) as error:
            yield Check(name, "problem", f"{newest} cannot be read: {error}", "git checkout -- products/versions")
            return
        missing = {profile: folder for profile, folder in wanted.items() if folder not in known}
        if missing:
            said = ", ".join(f"{folder!r} (of the profile {profile!r})" for profile, folder in missing.items())
            yield Check(
                name,
                "problem",
                f"{newest} does not have the folder {said}; it has {', '.join(known)}. Launches with these "
                "profiles fail",
                "python -m operations publish  # first: correct [profile_folders], or add the folder to the template",
            )
        else:
            yield Check(name, "ok", ", ".join(sorted(set(wanted.values()))))
