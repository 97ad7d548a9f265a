"""The whole chain without the product: profile, environment, blueprint template, provisioned product, its stack."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest
from botocore.exceptions import ClientError

from .conftest import ACCOUNT, REGION, World, eventually
from .test_datazone import Campus, fresh
from .test_service_catalog import template


def blueprint(product: str) -> dict[str, Any]:
    """A blueprint template of one resource: the product, launched for the project."""
    return {
        "Parameters": {
            "datazoneEnvironmentProjectId": {"Type": "String"},
            "Version": {"Type": "String", "Default": "v1"},
        },
        "Resources": {
            "Launched": {
                "Type": "AWS::ServiceCatalog::CloudFormationProvisionedProduct",
                "Properties": {
                    "ProductId": product,
                    "ProvisioningArtifactName": {"Ref": "Version"},
                    "ProvisionedProductName": {"Fn::Sub": "mlops-${datazoneEnvironmentProjectId}"},
                    "ProvisioningParameters": [{"Key": "Owner", "Value": {"Ref": "datazoneEnvironmentProjectId"}}],
                },
            }
        },
        "Outputs": {name: {"Value": {"Fn::GetAtt": ["Launched", f"Outputs.{name}"]}} for name in ("Owner", "Version")},
    }


@pytest.fixture
def campus(world: World) -> Campus:
    """A domain whose profile launches a product of two versions; the provisioning role has no access to it yet."""
    catalog, name, datazone = world.client("servicecatalog"), fresh("chain"), world.client("datazone")
    product = ""
    for version in ("v1", "v2"):
        parameters = {
            "Name": version,
            "Info": {"LoadTemplateFromURL": world.upload(f"{fresh(version)}.json", template(version))},
        }
        if product:
            catalog.create_provisioning_artifact(ProductId=product, Parameters=parameters, IdempotencyToken=fresh("t"))
            continue
        product = catalog.create_product(
            Name=name,
            Owner="us",
            ProductType="CLOUD_FORMATION_TEMPLATE",
            ProvisioningArtifactParameters=parameters,
            IdempotencyToken=fresh("t"),
        )["ProductViewDetail"]["ProductViewSummary"]["ProductId"]
    portfolio = catalog.create_portfolio(DisplayName=name, ProviderName="us", IdempotencyToken=fresh("t"))
    portfolio_id = portfolio["PortfolioDetail"]["Id"]
    catalog.associate_product_with_portfolio(ProductId=product, PortfolioId=portfolio_id)
    launch_role = world.role(fresh("launch"), "servicecatalog.amazonaws.com")
    catalog.create_constraint(
        PortfolioId=portfolio_id,
        ProductId=product,
        Type="LAUNCH",
        Parameters=json.dumps({"RoleArn": launch_role}),
        IdempotencyToken=fresh("t"),
    )
    made = world.control("domains", {"domainName": name})
    role = world.role(fresh("provisioning"), "datazone.amazonaws.com")
    blueprint_id = datazone.create_environment_blueprint(
        domainIdentifier=made["domainId"],
        name=name,
        provisioningProperties={
            "cloudFormation": {"templateUrl": world.upload(f"{fresh('blueprint')}.json", blueprint(product))}
        },
        userParameters=[{"keyName": "Version", "fieldType": "String", "defaultValue": "v1", "isUpdateSupported": True}],
    )["id"]
    datazone.put_environment_blueprint_configuration(
        domainIdentifier=made["domainId"],
        environmentBlueprintIdentifier=blueprint_id,
        enabledRegions=[REGION],
        provisioningRoleArn=role,
    )
    campus = Campus(
        world,
        datazone,
        made["domainId"],
        made["rootDomainUnitId"],
        made["toolingBlueprintId"],
        blueprint_id,
        role,
        portfolio=portfolio_id,
    )
    place = {
        "awsAccount": {"awsAccountId": ACCOUNT},
        "awsRegion": {"regionName": REGION},
        "deploymentMode": "ON_CREATE",
    }
    campus.profile = datazone.create_project_profile(
        domainIdentifier=campus.domain,
        name=name,
        status="ENABLED",
        environmentConfigurations=[
            {"name": "Tooling", "environmentBlueprintId": campus.tooling, "deploymentOrder": 0, **place},
            {"name": "MLOps", "environmentBlueprintId": blueprint_id, "deploymentOrder": 1, **place},
        ],
    )["id"]
    campus.grant_profile(campus.profile)
    campus.grant_blueprint()
    return campus


def admit(campus: Campus) -> None:
    """Let the blueprint's provisioning role launch the product."""
    campus.world.client("servicecatalog").associate_principal_with_portfolio(
        PortfolioId=campus.portfolio, PrincipalARN=campus.role, PrincipalType="IAM"
    )


def outputs(campus: Campus, project: str) -> dict[str, str]:
    found = campus.environments(project)["MLOps"]["provisionedResources"]
    return {item["name"]: item["value"] for item in found}


def test_without_access_the_project_says_that_there_is_no_launch_path(campus: Campus) -> None:
    project = campus.project("closed")
    state = campus.deployed(project)
    assert state["overallDeploymentStatus"] == "FAILED_DEPLOYMENT"
    assert "No launch paths found" in json.dumps(state["environmentFailureReasons"])


def test_two_projects_at_once_their_update_and_their_end(campus: Campus) -> None:
    admit(campus)
    names = {name: campus.project(name) for name in (fresh("a"), fresh("b"))}
    for project in names.values():
        assert campus.deployed(project)["overallDeploymentStatus"] == "SUCCESSFUL", campus.state(project)
        assert outputs(campus, project) == {"Owner": project, "Version": "v1"}
    first, second = names.values()
    campus.datazone.update_project(
        domainIdentifier=campus.domain,
        identifier=first,
        userParameters=[
            {"environmentConfigurationName": "MLOps", "environmentParameters": [{"name": "Version", "value": "v2"}]}
        ],
    )
    eventually(lambda: outputs(campus, first)["Version"] == "v2", 60)
    assert outputs(campus, second)["Version"] == "v1"

    catalog = campus.world.client("servicecatalog", campus.world.keys_of(campus.role))
    launched = catalog.describe_provisioned_product(Name=f"mlops-{first}")["ProvisionedProductDetail"]
    assert launched["Status"] == "AVAILABLE"
    eventually(
        lambda: (
            campus.datazone.get_project(domainIdentifier=campus.domain, identifier=first)["projectStatus"] == "ACTIVE"
        )
    )
    for project in (first, second):
        campus.datazone.delete_project(domainIdentifier=campus.domain, identifier=project)
    eventually(lambda: not campus.datazone.list_projects(domainIdentifier=campus.domain)["items"], 60)
    for project in (first, second):
        with pytest.raises(ClientError) as error:
            catalog.describe_provisioned_product(Name=f"mlops-{project}")
        assert error.value.response["Error"]["Code"] == "ResourceNotFoundException"
    with pytest.raises(ClientError, match="does not exist"):
        campus.world.client("cloudformation").describe_stacks(StackName=f"SC-{ACCOUNT}-{launched['Id']}")


def test_a_project_deleted_while_its_tooling_comes_leaves_nothing(campus: Campus) -> None:
    admit(campus)
    name = f"short-{uuid.uuid4().hex[:6]}"
    campus.world.control("tooling", {"project": name, "seconds": 20})
    project = campus.project(name)
    eventually(lambda: campus.environments(project).get("Tooling"))
    campus.datazone.delete_project(domainIdentifier=campus.domain, identifier=project)
    eventually(lambda: not campus.datazone.list_projects(domainIdentifier=campus.domain)["items"], 10)
    roles = campus.world.client("iam").get_paginator("list_roles").paginate()
    assert not [role for page in roles for role in page["Roles"] if project in role["RoleName"]]
