"""StudioAccountStack: how Studio launches the product in an account and region of projects (docs/accounts.md)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from aws_cdk import CfnOutput, CustomResource, Stack
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_ssm as ssm
from constructs import Construct

from products.foundation import FoundationStack
from products.foundation.environment import environment
from products.foundation.roles import reading_role_name, statements
from products.functions import Functions, custom_resource, entry_of
from products.settings import Settings
from products.studio.approvals import ModelApprovals
from products.studio.blueprint import configuration_properties
from products.studio.events import ProjectSetup
from products.studio.launching import OfferedProduct
from products.studio.provisioning import FurtherRegion, ProvisioningRole

STUDIO_ACCOUNT_STACK = "StudioAccountStack"


class StudioAccountStack(Stack):
    """The product's id for the blueprint's template, who launches with it, and what events start."""

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
        self._settings = settings
        place = settings.place
        assert place is not None
        parameter = ssm.StringParameter(
            self,
            "ProductId",
            parameter_name=settings.product_parameter,
            string_value=product.product_id,
            description="The product ID that the blueprint's template launches in this account",
        )
        if place.is_home:
            self._enable(product, parameter)
        else:
            self._guard(product, parameter)
        functions = Functions(self, settings, foundation.dead_letters, foundation.storage.requests_key)
        if settings.studio.project_setup.profiles:
            ProjectSetup(self, settings, product, foundation, self._reader(foundation, functions))
        if settings.studio.model_approval.enabled:
            ModelApprovals(self, settings, product, foundation, functions)

    def _reader(self, foundation: FoundationStack, functions: Functions) -> lambda_.Function:
        """Return the function by which the project setup reads the projects of the domain."""
        settings, storage = self._settings, foundation.storage
        entry = entry_of("project_reader")
        return functions.function(
            entry,
            statements(entry, self, settings, storage),
            environment(self, entry, settings, storage, {}),
            reading_role_name(settings, entry),
        )

    def _enable(self, product: OfferedProduct, parameter: ssm.StringParameter) -> None:
        """Enable the blueprint, once for all regions: an account has one configuration and one role for it."""
        settings = self._settings
        assert settings.place is not None
        provisioning = ProvisioningRole(self, settings, product)
        enabled = self._configuration(provisioning.role.role_arn, settings.place.regions)
        enabled.node.add_dependency(provisioning.access, provisioning.role, parameter)
        CfnOutput(self, "EnvironmentBlueprintId", value=enabled.get_att_string("EnvironmentBlueprintId"))
        CfnOutput(self, "ProvisioningRoleArn", value=provisioning.role.role_arn)

    def _guard(self, product: OfferedProduct, parameter: ssm.StringParameter) -> None:
        """Permit the home region's role to launch here, as long as projects of this region have the environment."""
        further = FurtherRegion(self, self._settings, product)
        guard = self._configuration(further.role_arn, [self.region], Home="false")
        guard.node.add_dependency(further.access, further.policy, parameter)

    def _configuration(self, role_arn: str, regions: Sequence[str], **more: str) -> CustomResource:
        studio = self._settings.studio
        return custom_resource(
            self,
            "BlueprintConfiguration",
            self._settings,
            "studio_blueprint_configuration",
            {
                "DomainId": studio.domain_id,
                "BlueprintName": studio.blueprint_name,
                **configuration_properties(self._settings, role_arn, regions),
                **more,
            },
        )
