"""Stacks on MiniStack of Service Catalog, DataZone and IAM resources: created, updated, rolled back, deleted."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest
from botocore.exceptions import ClientError

from .conftest import ACCOUNT, REGION, World, eventually
from .test_service_catalog import template

SC = "AWS::ServiceCatalog::"


class Stack:
    """A stack that is driven through CloudFormation."""

    def __init__(self, world: World, keys: dict[str, str] | None = None) -> None:
        self.name = f"stack-{uuid.uuid4().hex[:8]}"
        self._cloudformation = world.client("cloudformation", keys)

    def create(self, content: dict[str, Any], **parameters: str) -> str:
        self._cloudformation.create_stack(StackName=self.name, **self._request(content, parameters))
        return self._ended()

    def update(self, content: dict[str, Any], **parameters: str) -> str:
        self._cloudformation.update_stack(StackName=self.name, **self._request(content, parameters))
        return self._ended()

    def delete(self) -> str:
        identifier = self._cloudformation.describe_stacks(StackName=self.name)["Stacks"][0]["StackId"]
        self._cloudformation.delete_stack(StackName=self.name)
        return self._ended(identifier)

    @property
    def outputs(self) -> dict[str, str]:
        stack = self._cloudformation.describe_stacks(StackName=self.name)["Stacks"][0]
        return {item["OutputKey"]: item["OutputValue"] for item in stack.get("Outputs", [])}

    @property
    def reasons(self) -> str:
        events = self._cloudformation.describe_stack_events(StackName=self.name)["StackEvents"]
        return "\n".join(event["ResourceStatusReason"] for event in events if event.get("ResourceStatusReason"))

    def physical_id(self, logical_id: str) -> str:
        resource = self._cloudformation.describe_stack_resource(StackName=self.name, LogicalResourceId=logical_id)
        return str(resource["StackResourceDetail"]["PhysicalResourceId"])

    @staticmethod
    def _request(content: dict[str, Any], parameters: dict[str, str]) -> dict[str, Any]:
        given = [{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()]
        capabilities = ["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM"]
        return {"TemplateBody": json.dumps(content), "Parameters": given, "Capabilities": capabilities}

    def _ended(self, identifier: str = "") -> str:
        def status() -> str:
            stack = self._cloudformation.describe_stacks(StackName=identifier or self.name)["Stacks"][0]
            return "" if stack["StackStatus"].endswith("IN_PROGRESS") else str(stack["StackStatus"])

        return str(eventually(status, 60))


def resources(**logical: tuple[str, dict[str, Any]]) -> dict[str, Any]:
    return {
        "Resources": {name: {"Type": kind, "Properties": properties} for name, (kind, properties) in logical.items()}
    }


def ref(name: str) -> dict[str, str]:
    return {"Ref": name}


def catalog(world: World, user: str, launch_role: str) -> dict[str, Any]:
    """A whole portfolio: two versions, everything associated, two constraints, a share, a tag option."""
    both = {"PortfolioId": ref("Portfolio"), "ProductId": ref("Product")}
    versions = [
        {"Name": name, "Info": {"LoadTemplateFromURL": world.upload(f"{uuid.uuid4().hex}.json", template(name))}}
        for name in ("v1", "v2")
    ]
    content = resources(
        Portfolio=(f"{SC}Portfolio", {"DisplayName": f"p-{uuid.uuid4().hex[:6]}", "ProviderName": "us"}),
        Product=(
            f"{SC}CloudFormationProduct",
            {"Name": f"n-{uuid.uuid4().hex[:6]}", "Owner": "us", "ProvisioningArtifactParameters": versions},
        ),
        Inside=(f"{SC}PortfolioProductAssociation", both),
        Access=(
            f"{SC}PortfolioPrincipalAssociation",
            {"PortfolioId": ref("Portfolio"), "PrincipalARN": user, "PrincipalType": "IAM"},
        ),
        LaunchRole=(f"{SC}LaunchRoleConstraint", {**both, "RoleArn": launch_role}),
        Tags=(f"{SC}ResourceUpdateConstraint", {**both, "TagUpdateOnProvisionedProduct": "ALLOWED"}),
        Share=(f"{SC}PortfolioShare", {"PortfolioId": ref("Portfolio"), "AccountId": "111122223333"}),
        Option=(f"{SC}TagOption", {"Key": "team", "Value": uuid.uuid4().hex[:6], "Active": "true"}),
        Optional=(f"{SC}TagOptionAssociation", {"TagOptionId": ref("Option"), "ResourceId": ref("Portfolio")}),
    )
    for constraint in ("LaunchRole", "Tags"):
        content["Resources"][constraint]["DependsOn"] = "Inside"
    content["Outputs"] = {
        "Portfolio": {"Value": ref("Portfolio")},
        "Product": {"Value": ref("Product")},
        "Names": {"Value": {"Fn::GetAtt": ["Product", "ProvisioningArtifactNames"]}},
        "ProductName": {"Value": {"Fn::GetAtt": ["Product", "ProductName"]}},
    }
    return content


@pytest.fixture
def people(world: World) -> dict[str, str]:
    suffix = uuid.uuid4().hex[:8]
    return {
        "user": world.role(f"user-{suffix}", "cloudformation.amazonaws.com"),
        "launch_role": world.role(f"launch-{suffix}", "servicecatalog.amazonaws.com"),
    }


def launch(product: str, **changes: Any) -> dict[str, Any]:
    content = resources(
        Launched=(
            f"{SC}CloudFormationProvisionedProduct",
            {
                "ProductId": product,
                "ProvisioningArtifactName": ref("Version"),
                "ProvisioningParameters": [{"Key": "Owner", "Value": "stack"}],
                **changes,
            },
        )
    )
    content["Parameters"] = {"Version": {"Type": "String", "Default": "v1"}}
    content["Outputs"] = {
        "Version": {"Value": {"Fn::GetAtt": ["Launched", "Outputs.Version"]}},
        "Owner": {"Value": {"Fn::GetAtt": ["Launched", "Outputs.Owner"]}},
        "Stack": {"Value": {"Fn::GetAtt": ["Launched", "CloudformationStackArn"]}},
        "Id": {"Value": {"Fn::GetAtt": ["Launched", "ProvisionedProductId"]}},
        "Record": {"Value": {"Fn::GetAtt": ["Launched", "RecordId"]}},
    }
    return content


def test_a_catalog_and_a_launch_from_it(world: World, people: dict[str, str]) -> None:
    admin, shelf = world.client("servicecatalog"), Stack(world)
    content = catalog(world, **people)
    assert shelf.create(content) == "CREATE_COMPLETE", shelf.reasons
    product, portfolio = shelf.outputs["Product"], shelf.outputs["Portfolio"]
    assert shelf.outputs["Names"] == "v1,v2"
    kinds = {item["Type"] for item in admin.list_constraints_for_portfolio(PortfolioId=portfolio)["ConstraintDetails"]}
    assert kinds == {"LAUNCH", "RESOURCE_UPDATE"}
    assert admin.list_portfolio_access(PortfolioId=portfolio)["AccountIds"] == ["111122223333"]
    assert admin.describe_portfolio(Id=portfolio)["TagOptions"][0]["Key"] == "team"

    stack = Stack(world, world.keys_of(people["user"]))
    assert stack.create(launch(product)) == "CREATE_COMPLETE", stack.reasons
    first = stack.outputs
    assert (first["Version"], first["Owner"]) == ("v1", "stack")
    assert first["Id"] == stack.physical_id("Launched")
    assert f"/SC-{ACCOUNT}-{first['Id']}/" in first["Stack"]
    assert admin.describe_record(Id=first["Record"])["RecordDetail"]["LaunchRoleArn"] == people["launch_role"]

    assert stack.update(launch(product), Version="v2") == "UPDATE_COMPLETE", stack.reasons
    assert (stack.outputs["Version"], stack.outputs["Id"]) == ("v2", first["Id"])

    inner = world.client("cloudformation")
    assert stack.delete() == "DELETE_COMPLETE"
    with pytest.raises(ClientError, match="does not exist"):
        inner.describe_stacks(StackName=f"SC-{ACCOUNT}-{first['Id']}")
    assert shelf.delete() == "DELETE_COMPLETE"
    with pytest.raises(ClientError) as error:
        admin.describe_portfolio(Id=portfolio)
    assert error.value.response["Error"]["Code"] == "ResourceNotFoundException"


def test_a_caller_without_access_gets_no_launch_path(world: World, people: dict[str, str]) -> None:
    shelf = Stack(world)
    shelf.create(catalog(world, **people))
    stack = Stack(world)
    assert stack.create(launch(shelf.outputs["Product"])) == "ROLLBACK_COMPLETE"
    assert "No launch paths found" in stack.reasons
    assert shelf.delete() == "DELETE_COMPLETE"


def test_a_failed_launch_fails_the_stack_with_the_records_reason(world: World, people: dict[str, str]) -> None:
    shelf = Stack(world)
    content = catalog(world, **people)
    content["Resources"]["LaunchRole"]["Properties"]["RoleArn"] = f"arn:aws:iam::{ACCOUNT}:role/nobody"
    shelf.create(content)
    keys, name = world.keys_of(people["user"]), f"fails-{uuid.uuid4().hex[:8]}"
    stack = Stack(world, keys)
    assert stack.create(launch(shelf.outputs["Product"], ProvisionedProductName=name)) == "ROLLBACK_COMPLETE"
    assert "Access denied while assuming the role arn:aws:iam::000000000000:role/nobody" in stack.reasons
    with pytest.raises(ClientError) as error:
        world.client("servicecatalog", keys).describe_provisioned_product(Name=name)
    assert error.value.response["Error"]["Code"] == "ResourceNotFoundException"


def test_an_update_that_fails_later_brings_the_old_version_back(world: World, people: dict[str, str]) -> None:
    shelf = Stack(world)
    shelf.create(catalog(world, **people))
    product = shelf.outputs["Product"]
    stack = Stack(world, world.keys_of(people["user"]))
    assert stack.create(launch(product)) == "CREATE_COMPLETE", stack.reasons
    breaking = launch(product)
    breaking["Resources"]["Later"] = {
        "Type": "AWS::IAM::RolePolicy",
        "DependsOn": "Launched",
        "Properties": {"RoleName": "no-such-role", "PolicyName": "x", "PolicyDocument": {"Statement": []}},
    }
    assert stack.update(breaking, Version="v2") == "UPDATE_ROLLBACK_COMPLETE"
    assert "no-such-role" in stack.reasons
    user = world.client("servicecatalog", world.keys_of(people["user"]))
    outputs = user.get_provisioned_product_outputs(ProvisionedProductId=stack.physical_id("Launched"))["Outputs"]
    assert {item["OutputKey"]: item["OutputValue"] for item in outputs}["Version"] == "v1"


def test_a_products_versions_follow_the_template(world: World, people: dict[str, str]) -> None:
    admin, shelf = world.client("servicecatalog"), Stack(world)
    content = catalog(world, **people)
    shelf.create(content)
    product = shelf.outputs["Product"]
    before = {
        item["Name"]: item["Id"]
        for item in admin.list_provisioning_artifacts(ProductId=product)["ProvisioningArtifactDetails"]
    }
    properties = content["Resources"]["Product"]["Properties"]
    third = {"Name": "v3", "Info": {"LoadTemplateFromURL": world.upload("third.json", template("v3"))}}
    properties["ProvisioningArtifactParameters"] = [properties["ProvisioningArtifactParameters"][1], third]
    properties["Description"] = "newer"
    assert shelf.update(content) == "UPDATE_COMPLETE", shelf.reasons
    after = {
        item["Name"]: item["Id"]
        for item in admin.list_provisioning_artifacts(ProductId=product)["ProvisioningArtifactDetails"]
    }
    assert set(after) == {"v2", "v3"}
    assert after["v2"] == before["v2"]
    assert shelf.outputs["Product"] == product


def test_unknown_and_read_only_properties_are_refused(world: World) -> None:
    for wrong, why in (({"Colour": "red"}, "Colour"), ({"PortfolioName": "x"}, "PortfolioName is read-only")):
        stack = Stack(world)
        portfolio = (f"{SC}Portfolio", {"DisplayName": "x", "ProviderName": "us", **wrong})
        assert stack.create(resources(Portfolio=portfolio)) == "ROLLBACK_COMPLETE"
        assert why in stack.reasons
    stack = Stack(world)
    assert stack.create(resources(Portfolio=(f"{SC}Portfolio", {"DisplayName": "x"}))) == "ROLLBACK_COMPLETE"
    assert "ProviderName" in stack.reasons


def test_a_project_profile_and_its_grant(world: World) -> None:
    domain, stack = world.control("domains", {"domainName": f"d-{uuid.uuid4().hex[:6]}"}), Stack(world)
    configuration = {
        "Name": "Tooling",
        "EnvironmentBlueprintId": domain["toolingBlueprintId"],
        "DeploymentMode": "ON_CREATE",
        "DeploymentOrder": 0,
        "AwsAccount": {"AwsAccountId": ACCOUNT},
        "AwsRegion": {"RegionName": REGION},
        "ConfigurationParameters": {"ParameterOverrides": [{"Name": "x", "Value": "y", "IsEditable": "false"}]},
    }
    content = resources(
        Profile=(
            "AWS::DataZone::ProjectProfile",
            {
                "DomainIdentifier": domain["domainId"],
                "Name": f"p-{uuid.uuid4().hex[:6]}",
                "Status": "ENABLED",
                "EnvironmentConfigurations": [configuration],
            },
        ),
        Grant=(
            "AWS::DataZone::PolicyGrant",
            {
                "DomainIdentifier": domain["domainId"],
                "EntityType": "DOMAIN_UNIT",
                "EntityIdentifier": domain["rootDomainUnitId"],
                "PolicyType": "CREATE_PROJECT_FROM_PROJECT_PROFILE",
                "Principal": {"User": {"AllUsersGrantFilter": {}}},
                "Detail": {
                    "CreateProjectFromProjectProfile": {
                        "IncludeChildDomainUnits": "true",
                        "ProjectProfiles": [{"Fn::GetAtt": ["Profile", "Id"]}],
                    }
                },
            },
        ),
    )
    content["Outputs"] = {"Profile": {"Value": {"Fn::GetAtt": ["Profile", "Identifier"]}}}
    assert stack.create(content) == "CREATE_COMPLETE", stack.reasons
    datazone, profile = world.client("datazone"), stack.outputs["Profile"]
    found = datazone.get_project_profile(domainIdentifier=domain["domainId"], identifier=profile)
    assert found["environmentConfigurations"][0]["deploymentOrder"] == 0
    overrides = found["environmentConfigurations"][0]["configurationParameters"]["parameterOverrides"]
    assert overrides == [{"name": "x", "value": "y", "isEditable": False}]
    project = datazone.create_project(domainIdentifier=domain["domainId"], name="made", projectProfileId=profile)["id"]
    content["Resources"]["Profile"]["Properties"]["Description"] = "changed"
    assert stack.update(content) == "UPDATE_COMPLETE", stack.reasons
    found = datazone.get_project_profile(domainIdentifier=domain["domainId"], identifier=profile)
    assert found["description"] == "changed"
    assert stack.delete() == "DELETE_FAILED"
    assert "is used by projects" in stack.reasons
    datazone.delete_project(domainIdentifier=domain["domainId"], identifier=project)
    eventually(lambda: not datazone.list_projects(domainIdentifier=domain["domainId"])["items"])
    assert stack.delete() == "DELETE_COMPLETE"


def test_an_oidc_provider_and_a_role_policy(world: World) -> None:
    stack, iam = Stack(world), world.client("iam")
    role = world.role(f"workflow-{uuid.uuid4().hex[:8]}", "ec2.amazonaws.com").split("/")[-1]
    document = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/*"}],
    }
    content = resources(
        Provider=(
            "AWS::IAM::OIDCProvider",
            {"Url": "https://token.actions.githubusercontent.com", "ClientIdList": ["sts.amazonaws.com"]},
        ),
        Policy=(
            "AWS::IAM::RolePolicy",
            {"RoleName": role, "PolicyName": "artifacts", "PolicyDocument": document},
        ),
    )
    content["Outputs"] = {"Arn": {"Value": {"Fn::GetAtt": ["Provider", "Arn"]}}}
    assert stack.create(content) == "CREATE_COMPLETE", stack.reasons
    assert stack.outputs["Arn"] == stack.physical_id("Provider")
    provider = iam.get_open_id_connect_provider(OpenIDConnectProviderArn=stack.outputs["Arn"])
    assert provider["ClientIDList"] == ["sts.amazonaws.com"]
    assert iam.get_role_policy(RoleName=role, PolicyName="artifacts")["PolicyDocument"] == document
    document["Statement"][0]["Action"] = "s3:PutObject"  # type: ignore[index]
    content["Resources"]["Provider"]["Properties"]["ClientIdList"] = ["sts.amazonaws.com", "other"]
    assert stack.update(content) == "UPDATE_COMPLETE", stack.reasons
    assert iam.get_role_policy(RoleName=role, PolicyName="artifacts")["PolicyDocument"] == document
    provider = iam.get_open_id_connect_provider(OpenIDConnectProviderArn=stack.outputs["Arn"])
    assert provider["ClientIDList"] == ["sts.amazonaws.com", "other"]
    assert stack.delete() == "DELETE_COMPLETE"
    assert iam.list_role_policies(RoleName=role)["PolicyNames"] == []
