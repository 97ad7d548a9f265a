"""The first door: a blueprint in the Studio domain, which launches the product, and the profiles that run it."""

from __future__ import annotations

from aws_cdk import CfnOutput, CfnParameter, CustomResource, Fn, Stack
from aws_cdk import aws_servicecatalog as servicecatalog
from constructs import Construct

from products.functions import custom_resource, named_id
from products.project_setup import LAUNCH_NAME_PREFIX, LAUNCHED_BY
from products.settings import OwnProfile, Settings
from products.studio.launching import OfferedProduct
from products.studio.provisioning import ProvisioningRole

BLUEPRINT = "blueprint"  # the value of LAUNCHED_BY for launches through the first door
# Parameters of the blueprint's template that Studio fills in: each with the product's parameter that it becomes.
_RESERVED = {
    "datazoneEnvironmentDomainId": ("DomainId", "The Studio domain"),
    "datazoneEnvironmentProjectId": ("ProjectId", "The Studio project"),
    "datazoneEnvironmentProjectName": ("ProjectName", "The project's name. Empty: looked up"),
    "datazoneScopeName": ("ScopeName", "Studio's scope"),
    "userRoleArn": ("UserRoleArn", "The project's role. Empty: looked up"),
    "s3BucketArn": ("ProjectBucket", "The project's bucket. Empty: looked up"),
}
# The same that a project profile or its user sets: the blueprint's user parameters.
_BY_PROFILE = {
    "ProfileName": ("ProfileName", "The project profile. Empty: looked up"),
    "TemplateFolder": ("TemplateFolder", "The template folder. Empty: the profile's name in lower case"),
    "gitFullRepositoryId": ("ConnectedRepository", "OWNER/NAME of the connected repository. Empty: none"),
}
# With sync_mode = "Off" the versions are empty (docs/studio.md, A15).
_OUTPUTS = ("BuildRepositoryUrl", "DeployRepositoryUrl", "BuildTemplateVersion", "DeployTemplateVersion")


class LaunchBlueprint(servicecatalog.ProductStack):
    """The blueprint's template: one provisioned product, no transforms.

    Studio fills in the parameters of `_RESERVED`, and the profile those of `_BY_PROFILE`: with them a launch need not
    ask Studio for anything. That Studio fills in each of them, in every kind of domain, is not certain: all have
    defaults, and what is empty is looked up (docs/studio.md, A03).
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, version: str, organization: str, scope_name: str = "dev"
    ) -> None:
        """Build the template; `version` is in its text, so that every version has another object key."""
        super().__init__(
            scope,
            construct_id,
            analytics_reporting=False,
            description=f"Launches the project's GitHub repositories from Service Catalog (template {version})",
        )
        told = {
            key: self._parameter(name, description, scope_name if name == "datazoneScopeName" else "")
            for name, (key, description) in {**_RESERVED, **_BY_PROFILE}.items()
        }
        # Not empty: it is the value of a tag.
        environment = self._parameter("datazoneEnvironmentEnvironmentId", "The Studio environment", "unknown")
        product = self._parameter("ProductId", "The Service Catalog product")
        artifact = self._parameter("ProductVersion", "The version of the product", version)
        launch = servicecatalog.CfnCloudFormationProvisionedProduct(
            self,
            "Repositories",
            product_id=product,
            provisioning_artifact_name=artifact,
            provisioned_product_name=Fn.join("", [LAUNCH_NAME_PREFIX, told["ProjectId"]]),
            provisioning_parameters=[
                servicecatalog.CfnCloudFormationProvisionedProduct.ProvisioningParameterProperty(key=key, value=value)
                for key, value in {**told, "Organization": organization}.items()
            ],
        )
        launch.tags.set_tag(LAUNCHED_BY, BLUEPRINT)
        launch.tags.set_tag("studio-mlops:environment", environment)
        for output in _OUTPUTS:
            CfnOutput(self, output, value=launch.get_att(f"Outputs.{output}").to_string())

    def _parameter(self, name: str, description: str, default: str | None = None) -> str:
        return CfnParameter(self, name, description=description, default=default).value_as_string


class BlueprintRegistration:
    """The blueprint's custom resource, and a custom resource for each profile."""

    def __init__(
        self, stack: Stack, settings: Settings, product: OfferedProduct, provisioning: ProvisioningRole
    ) -> None:
        """Create them in `stack`."""
        self._stack = stack
        self._settings = settings
        self._product = product
        self._provisioning = provisioning
        studio = settings.studio
        regions = list(studio.regions) or [stack.region]
        blueprint_id = self._blueprint(regions).get_att_string("EnvironmentBlueprintId")
        for name in studio.profiles:
            self._profile(name, blueprint_id, regions[0], None)
        for name, own in sorted(studio.own_profiles.items()):
            self._profile(name, blueprint_id, regions[0], own)
        CfnOutput(stack, "EnvironmentBlueprintId", value=blueprint_id)

    def _blueprint(self, regions: list[str]) -> CustomResource:
        studio, product = self._settings.studio, self._product
        role, access = self._provisioning.role, self._provisioning.access
        blueprint = custom_resource(
            self._stack,
            "Blueprint",
            self._settings,
            "studio_blueprint",
            {
                "DomainId": studio.domain_id,
                "Name": studio.blueprint_name,
                "Description": f"{self._settings.product.name}: GitHub repositories for the project",
                "TemplateUrl": self._template_url(),
                # Their defaults, and the profile's overrides, reach the template; empty ones are taken, too, and one
                # that the profile fixes (docs/studio.md, A02 and A26). A project's update takes the profile's
                # ProductVersion (A09).
                "UserParameters": [
                    _user_parameter("ProductId", product.product_id, "The Service Catalog product", editable=False),
                    _user_parameter("ProductVersion", product.version, "The version of the template", editable=True),
                    *(
                        _user_parameter(name, "", description, editable=name == "gitFullRepositoryId")
                        for name, (_, description) in _BY_PROFILE.items()
                    ),
                ],
                "ProvisioningRoleArn": role.role_arn,
                "ManageAccessRoleArn": studio.manage_access_role_arn,
                "EnabledRegions": regions,
                "DomainUnitId": studio.domain_unit_id,
            },
        )
        blueprint.node.add_dependency(access, role)
        return blueprint

    def _template_url(self) -> str:
        template = LaunchBlueprint(
            self._stack,
            "LaunchBlueprint",
            version=self._product.version,
            organization=self._settings.studio_organization,
            scope_name=self._settings.product.scope_name,
        )
        return servicecatalog.CloudFormationTemplate.from_product_stack(template).bind(self._stack).http_url

    def _profile(self, name: str, blueprint_id: str, region: str, own: OwnProfile | None) -> None:
        """Put the environment into a profile: one that exists, or one of our own.

        Both have the same logical id: a profile that becomes the other kind is updated, not deleted.
        """
        studio = self._settings.studio
        tooling = own.tooling if own else {}
        custom_resource(
            self._stack,
            named_id("Profile", name),
            self._settings,
            "studio_project_profile",
            {
                "DomainId": studio.domain_id,
                "ProfileName": name,
                "Own": "true" if own else "false",
                "Description": own.description if own else "",
                "EnvironmentBlueprintId": blueprint_id,
                "EnvironmentName": studio.environment_name,
                "DeploymentOrder": str(studio.deployment_order),
                "AwsAccount": self._stack.account,
                "AwsRegion": region,
                "Parameters": [
                    {"Name": "ProductId", "Value": self._product.product_id, "IsEditable": "false"},
                    {"Name": "ProductVersion", "Value": self._product.version, "IsEditable": "true"},
                    # The profile's name comes from the custom resource: somebody may have renamed it in Studio.
                    {"Name": "TemplateFolder", "Value": self._template_folder(name), "IsEditable": "false"},
                ],
                "DomainUnitId": studio.domain_unit_id,
                "ToolingParameters": [{"Name": key, "Value": value} for key, value in sorted(tooling.items())],
                "Groups": list(own.groups) if own else [],
            },
        )

    def _template_folder(self, profile: str) -> str:
        return self._settings.profile_folders.get(profile) or profile.lower()


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
