"""Service Catalog as a whole."""

from __future__ import annotations

from standins.aws.emulator import Emulator
from standins.aws.service_catalog.behaviour import Behaviour
from standins.aws.service_catalog.constraints import ConstraintOperations
from standins.aws.service_catalog.launches import LaunchOperations
from standins.aws.service_catalog.model import Catalog
from standins.aws.service_catalog.paths import PathOperations
from standins.aws.service_catalog.portfolios import PortfolioOperations
from standins.aws.service_catalog.products import ProductOperations, VersionOperations
from standins.aws.service_catalog.provisioned import Provisioned, ProvisionedOperations
from standins.aws.service_catalog.reserved_tags import ReservedTags
from standins.aws.service_catalog.shares import ShareOperations
from standins.aws.service_catalog.tag_options import TagOptionOperations


class ServiceCatalog:
    """The service: what it remembers, and its operations by subject, the administrator's and then the user's."""

    def __init__(self, emulator: Emulator) -> None:
        """Take MiniStack, which holds the templates and runs the stacks."""
        catalog, provisioned = Catalog(), Provisioned()
        self.reserved_tags, self.behaviour = ReservedTags(), Behaviour()
        paths = PathOperations(catalog, emulator)
        self.operations: tuple[object, ...] = (
            PortfolioOperations(catalog),
            ProductOperations(catalog, emulator),
            VersionOperations(catalog, emulator),
            ConstraintOperations(catalog),
            ShareOperations(catalog),
            TagOptionOperations(catalog),
            paths,
            LaunchOperations(emulator, catalog, paths, provisioned, self.reserved_tags, behaviour=self.behaviour),
            ProvisionedOperations(provisioned, catalog, self.reserved_tags, self.behaviour),
        )
