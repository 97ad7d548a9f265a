"""StudioStack: blueprint and profiles, project setup, model approval; each only where the settings ask for it."""

from __future__ import annotations

from typing import Any

from aws_cdk import Stack
from constructs import Construct

from products.foundation import FoundationStack
from products.functions import Functions
from products.settings import Settings
from products.studio.approvals import ModelApprovals
from products.studio.blueprint import BlueprintRegistration
from products.studio.events import ProjectSetup
from products.studio.launching import OfferedProduct
from products.studio.provisioning import ProvisioningRole

STUDIO_STACK = "StudioStack"


class StudioStack(Stack):
    """How SageMaker Unified Studio launches the product."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: Settings,
        foundation: FoundationStack,
        product: OfferedProduct,
        **kwargs: Any,
    ) -> None:
        """Build what the settings ask for."""
        super().__init__(scope, construct_id, **kwargs)
        studio = settings.studio
        if studio.domain_id:
            provisioning = ProvisioningRole(self, settings, product)
            if studio.registers_blueprint:
                BlueprintRegistration(self, settings, product, provisioning)
        if studio.project_setup.profiles:
            ProjectSetup(self, settings, product, foundation)
        if studio.model_approval.enabled:
            functions = Functions(self, settings, foundation.dead_letters, foundation.storage.requests_key)
            ModelApprovals(self, settings, product, foundation, functions)

    @staticmethod
    def wanted(settings: Settings) -> bool:
        """Tell whether the settings ask for anything of it."""
        return bool(settings.studio.domain_id) or settings.studio.model_approval.enabled
