"""The blueprint in the Studio domain, which launches the product, and the profiles that run it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from aws_cdk import CfnOutput, CfnParameter, Fn, Stack
from aws_cdk import aws_servicecatalog as servicecatalog
from constructs import Construct

from products.functions import custom_resource, in_own_account, named_id
from products.project_setup import LAUNCH_NAME_PREFIX, LAUNCHED_BY
from products.settings import Settings
from products.studio.launching import OfferedProduct
from products.studio.provisioning import ProvisioningRole

BLUEPRINT = "blueprint"  # the value of LAUNCHED_BY for launches through the first door
# Parameters of the blueprint's template that Studio fills in: each with the product's parameter that it becomes.
_RESERVED = {
    "datazoneEnvironmentDomainId": ("DomainId", "The Studio domain"),
    "datazoneEnvironmentProjectId": ("ProjectId", "The Studio project"),
    "datazoneEnvironmentProjectName": ("ProjectName", "The project's name. Leave empty to look it up"),
    "datazoneScopeName": ("ScopeName", "The Studio scope"),
    "userRoleArn": ("UserRoleArn", "The project's role. Leave empty to look it up"),
    "s3BucketArn": ("ProjectBucket", "The project's bucket. Leave empty to look it up"),
}
# The same that a project profile or its user sets: the blueprint's user parameters.
_BY_PROFILE = {
    "ProfileName": ("ProfileName", "The project profile. Leave empty to look it up"),
    "TemplateFolder": ("TemplateFolder", "The template folder. Leave empty to use the profile's name in lower case"),
    "gitFullRepositoryId": (
        "ConnectedRepository",
        "The connected repository, OWNER/NAME. Leave empty if none",
    ),
}
# With sync_mode = "Off" the versions are empty (docs/studio.md, A15).
_OUTPUTS = ("BuildRepositoryUrl", "DeployRepositoryUrl", "BuildTemplateVersion", "DeployTemplateVersion")


class LaunchBlueprint(servicecatalog.ProductStack):
    """The blueprint's template: one provisioned product, no transforms.

    Studio fills in the parameters of `_RESERVED`, and the profile those of `_BY_PROFILE`: with them a launch need not
    ask Studio for anything. That Studio fills in each of them, in every kind of domain, is not certain: all have
    defaults, and what is empty is looked up (docs/studio.md, A03).
    """

    def __init__(self, scope: Construct, construct_id: str, *, settings: Settings, version: str) -> None:
        """Build the template; `version` is in its text, so that every version has another object key."""
        super().__init__(
            scope,
            construct_id,
            analytics_reporting=False,
            description=f"Launches the project's GitHub repositories from Service Catalog (template {version})",
        )
        scope_name = settings.product.scope_name
        told = {
            key: self._parameter(name, description, scope_name if name == "datazoneScopeName" else "")
            for name, (key, description) in {**_RESERVED, **_BY_PROFILE}.items()
        }
        # Not empty: it is the value of a tag.
        environment = self._parameter("datazoneEnvironmentEnvironmentId", "The Studio environment", "unknown")
        product = (
            # Each account and region has a product of its own; the template is one for all of them.
            f"{{{{resolve:ssm:{settings.product_parameter}}}}}"
            if settings.has_accounts
            else self._parameter("ProductId", "The Service Catalog product")
        )
        artifact = self._parameter("ProductVersion", "The version of the product", version)
        launch = servicecatalog.CfnCloudFormationProvisionedProduct(
            self,
            "Repositories",
            product_id=product,
            provisioning_artifact_name=artifact,
            provisioned_product_name=Fn.join("", [LAUNCH_NAME_PREFIX, told["ProjectId"]]),
            provisioning_parameters=[
                servicecatalog.CfnCloudFormationProvisionedProduct.ProvisioningParameterProperty(key=key, value=value)
                for key, value in {**told, "Organization": settings.studio_organization}.items()
            ],
        )
        launch.tags.set_tag(LAUNCHED_BY, BLUEPRINT)
        launch.tags.set_tag("studio-mlops:environment", environment)
        for output in _OUTPUTS:
            CfnOutput(self, output, value=launch.get_att(f"Outputs.{output}").to_string())

    def _parameter(self, name: str, description: str, default: str | None = None) -> str:
        return CfnParameter(self, name, description=description, default=default).value_as_string


class BlueprintRegistration:
    """The blueprint's custom resource, and a custom resource for each profile, where all is in one account."""

    def __init__(
        self, stack: Stack, settings: Settings, product: OfferedProduct, provisioning: ProvisioningRole
    ) -> None:
        """Create them in `stack`."""
        studio = settings.studio
        regions = list(studio.regions) or [stack.region]
        url = blueprint_template_url(stack, settings, product.version)
        blueprint = custom_resource(
            stack,
            "Blueprint",
            settings,
            "studio_blueprint",
            {
                **blueprint_properties(settings, product.version, url),
                # Their defaults, and the profile's overrides, reach the template; empty ones are taken, too, and one
                # that the profile fixes (docs/studio.md, A02 and A26). A project's update takes the profile's
                # ProductVersion (A09).
                "UserParameters": [
                    _user_parameter("ProductId", product.product_id, "The Service Catalog product", editable=False),
                    *user_parameters(product.version),
                ],
                **configuration_properties(settings, provisioning.role.role_arn, regions),
            },
        )
        blueprint.node.add_dependency(provisioning.access, provisioning.role)
        blueprint_id = blueprint.get_att_string("EnvironmentBlueprintId")
        fixed = {"Name": "ProductId", "Value": product.product_id, "IsEditable": "false"}
        where = {"AwsAccount": stack.account, "AwsRegion": regions[0]}
        for name in (*studio.profiles, *sorted(studio.own_profiles)):
            parameters = [fixed, *version_parameters(settings, name, product.version)]
            profile(stack, settings, name, {"EnvironmentBlueprintId": blueprint_id, **where, "Parameters": parameters})
        CfnOutput(stack, "EnvironmentBlueprintId", value=blueprint_id)


def blueprint_properties(settings: Settings, version: str, template_url: str) -> dict[str, Any]:
    """Return what a blueprint is, wherever it is registered."""
    return {
        "DomainId": settings.studio.domain_id,
        "Name": settings.studio.blueprint_name,
        "Description": f"{settings.product.name}: GitHub repositories for the project",
        "TemplateUrl": template_url,
        "UserParameters": user_parameters(version),
    }


def configuration_properties(settings: Settings, role_arn: str, regions: Sequence[str]) -> dict[str, Any]:
    """Return by which role, in which regions and for which projects a blueprint is enabled in an account."""
    return {
        "ProvisioningRoleArn": role_arn,
        "ManageAccessRoleArn": in_own_account(settings, settings.studio.manage_access_role_arn),
        "EnabledRegions": list(regions),
        "DomainUnitId": settings.studio.domain_unit_id,
    }


def user_parameters(version: str) -> list[dict[str, str]]:
    """Return the blueprint's parameters that a profile or its user sets, beside the product."""
    return [
        _user_parameter("ProductVersion", version, "The version of the template", editable=True),
        *(
            _user_parameter(name, "", description, editable=name == "gitFullRepositoryId")
            for name, (_, description) in _BY_PROFILE.items()
        ),
    ]


def blueprint_template_url(stack: Stack, settings: Settings, version: str) -> str:
    """Return the address of the blueprint's template among the CDK's assets."""
    template = LaunchBlueprint(stack, "LaunchBlueprint", settings=settings, version=version)
    return servicecatalog.CloudFormationTemplate.from_product_stack(template).bind(stack).http_url


def version_parameters(settings: Settings, profile_name: str, version: str) -> list[dict[str, str]]:
    """Return what a profile tells its launches; its own name is the custom resource's to tell, since Studio has it."""
    folder = settings.profile_folders.get(profile_name) or profile_name.lower()
    return [
        {"Name": "ProductVersion", "Value": version, "IsEditable": "true"},
        {"Name": "TemplateFolder", "Value": folder, "IsEditable": "false"},
    ]


def profile(
    stack: Stack,
    settings: Settings,
    name: str,
    environment: Mapping[str, Any],
) -> None:
    """Put the environment into a profile: one that exists, or one of our own. `environment`: its blueprint and place.

    Both have the same logical id: a profile that becomes the other kind is updated, not deleted.
    """
    studio = settings.studio
    own = studio.own_profiles.get(name)
    tooling = own.tooling if own else {}
    custom_resource(
        stack,
        named_id("Profile", name),
        settings,
        "studio_project_profile",
        {
            "DomainId": studio.domain_id,
            "ProfileName": name,
            "Own": "true" if own else "false",
            "Description": own.description if own else "",
            "EnvironmentName": studio.environment_name,
            "DeploymentOrder": str(studio.deployment_order),
            **environment,
            "DomainUnitId": studio.domain_unit_id,
            "ToolingParameters": [{"Name": key, "Value": value} for key, value in sorted(tooling.items())],
            "Groups": list(own.groups) if own else [],
        },
    )


def _user_parameter(name: str, default: str, description: str, *, editable: bool) -> dict[str, str]:
    return {
        "KeyName": name,
        "FieldType": "string",
        "DefaultValue": default,
        "Description": description,
        "IsEditable": "true" if editable else "false",
        "IsOptional": "true",
        "IsUpdateSupported": "true",
    }
