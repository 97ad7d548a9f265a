"""Service Catalog by its own protocol: what administrators publish, what users launch."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from botocore.exceptions import ClientError

from .conftest import ACCOUNT, REGION, World, eventually


def token() -> str:
    return uuid.uuid4().hex


def template(value: str, *, default: str | None = None) -> dict[str, Any]:
    """A template with one parameter and one output."""
    parameter = {"Type": "String", "Description": "Who it is for"} | ({} if default is None else {"Default": default})
    return {
        "Parameters": {"Owner": parameter},
        "Resources": {"Entry": {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": value}}},
        "Outputs": {
            "Version": {"Value": value},
            "Owner": {"Value": {"Ref": "Owner"}},
            "Entry": {"Value": {"Ref": "Entry"}},
        },
    }


@dataclass
class Shop:
    """A portfolio with a product of one version, and a user who may launch it."""

    world: World
    admin: Any
    user: Any
    user_arn: str
    portfolio: str
    product: str
    artifact: str

    def version(self, name: str, value: str, **extra: str) -> str:
        parameters = {
            "Name": name,
            "Info": {"LoadTemplateFromURL": self.world.upload(f"{token()}.json", template(value, **extra))},
        }
        answer = self.admin.create_provisioning_artifact(
            ProductId=self.product, Parameters=parameters, IdempotencyToken=token()
        )
        return str(answer["ProvisioningArtifactDetail"]["Id"])

    def launch(self, name: str, artifact: str = "", **more: Any) -> dict[str, Any]:
        request = {"ProvisioningParameters": [{"Key": "Owner", "Value": "me"}], "ProvisionToken": token()} | more
        record = self.user.provision_product(
            ProductId=self.product,
            ProvisioningArtifactId=artifact or self.artifact,
            ProvisionedProductName=name,
            **request,
        )["RecordDetail"]
        return dict(record)

    def finished(self, record: dict[str, Any]) -> dict[str, Any]:
        def done() -> Any:
            answer = self.user.describe_record(Id=record["RecordId"])
            return answer if answer["RecordDetail"]["Status"] in ("SUCCEEDED", "FAILED") else None

        return dict(eventually(done))


@pytest.fixture
def shop(world: World) -> Iterator[Shop]:
    name = f"shop-{token()[:8]}"
    user_arn = world.role(name, "servicecatalog.amazonaws.com")
    admin = world.client("servicecatalog")
    portfolio = admin.create_portfolio(DisplayName=name, ProviderName="us", IdempotencyToken=token())
    portfolio_id = portfolio["PortfolioDetail"]["Id"]
    product = admin.create_product(
        Name=name,
        Owner="us",
        ProductType="CLOUD_FORMATION_TEMPLATE",
        ProvisioningArtifactParameters={
            "Name": "v1",
            "Info": {"LoadTemplateFromURL": world.upload(f"{name}.json", template("one"))},
        },
        IdempotencyToken=token(),
    )
    product_id = product["ProductViewDetail"]["ProductViewSummary"]["ProductId"]
    admin.associate_product_with_portfolio(ProductId=product_id, PortfolioId=portfolio_id)
    admin.associate_principal_with_portfolio(PortfolioId=portfolio_id, PrincipalARN=user_arn, PrincipalType="IAM")
    user = world.client("servicecatalog", world.keys_of(user_arn))
    artifact = product["ProvisioningArtifactDetail"]["Id"]
    yield Shop(world, admin, user, user_arn, portfolio_id, product_id, artifact)


def refused(error: pytest.ExceptionInfo[ClientError]) -> str:
    return str(error.value.response["Error"]["Code"])


def test_create_is_idempotent_by_its_token(world: World) -> None:
    admin, once = world.client("servicecatalog"), token()
    first = admin.create_portfolio(DisplayName="again", ProviderName="us", IdempotencyToken=once)
    second = admin.create_portfolio(DisplayName="again", ProviderName="us", IdempotencyToken=once)
    assert first["PortfolioDetail"]["Id"] == second["PortfolioDetail"]["Id"]


def test_administration_reads_back_what_was_written(shop: Shop) -> None:
    admin = shop.admin
    assert shop.portfolio in {item["Id"] for item in admin.list_portfolios(PageSize=20)["PortfolioDetails"]} | {
        item["Id"] for page in admin.get_paginator("list_portfolios").paginate() for item in page["PortfolioDetails"]
    }
    admin.update_portfolio(Id=shop.portfolio, Description="for tests", AddTags=[{"Key": "team", "Value": "ml"}])
    described = admin.describe_portfolio(Id=shop.portfolio)
    assert described["PortfolioDetail"]["Description"] == "for tests"
    assert described["Tags"] == [{"Key": "team", "Value": "ml"}]
    admin.update_product(Id=shop.product, Description="a product", AddTags=[{"Key": "kind", "Value": "test"}])
    product = admin.describe_product_as_admin(Id=shop.product)
    assert product["ProductViewDetail"]["ProductViewSummary"]["ShortDescription"] == "a product"
    assert [item["Name"] for item in product["ProvisioningArtifactSummaries"]] == ["v1"]
    found = admin.search_products_as_admin(PortfolioId=shop.portfolio)["ProductViewDetails"]
    assert [item["ProductViewSummary"]["ProductId"] for item in found] == [shop.product]
    principals = admin.list_principals_for_portfolio(PortfolioId=shop.portfolio)["Principals"]
    assert principals == [{"PrincipalARN": shop.user_arn, "PrincipalType": "IAM"}]
    artifact = admin.describe_provisioning_artifact(
        ProductId=shop.product, ProvisioningArtifactName="v1", IncludeProvisioningArtifactParameters=True
    )
    assert artifact["ProvisioningArtifactDetail"]["Id"] == shop.artifact
    assert [item["ParameterKey"] for item in artifact["ProvisioningArtifactParameters"]] == ["Owner"]
    assert "TemplateUrl" in artifact["Info"]


def test_what_is_in_use_cannot_be_deleted(shop: Shop) -> None:
    for delete in (shop.admin.delete_portfolio, shop.admin.delete_product):
        with pytest.raises(ClientError) as error:
            delete(Id=shop.portfolio if delete == shop.admin.delete_portfolio else shop.product)
        assert refused(error) == "ResourceInUseException"
    with pytest.raises(ClientError) as error:
        shop.admin.delete_provisioning_artifact(ProductId=shop.product, ProvisioningArtifactId=shop.artifact)
    assert refused(error) == "ResourceInUseException"
    shop.admin.disassociate_principal_from_portfolio(PortfolioId=shop.portfolio, PrincipalARN=shop.user_arn)
    shop.admin.disassociate_product_from_portfolio(PortfolioId=shop.portfolio, ProductId=shop.product)
    shop.admin.delete_product(Id=shop.product)
    shop.admin.delete_portfolio(Id=shop.portfolio)
    with pytest.raises(ClientError) as error:
        shop.admin.describe_portfolio(Id=shop.portfolio)
    assert refused(error) == "ResourceNotFoundException"


def test_a_template_that_is_not_there_is_no_version(shop: Shop) -> None:
    gone = {"Name": "x", "Info": {"LoadTemplateFromURL": f"https://templates.s3.{REGION}.amazonaws.com/gone.json"}}
    with pytest.raises(ClientError) as error:
        shop.admin.create_provisioning_artifact(ProductId=shop.product, Parameters=gone, IdempotencyToken=token())
    assert refused(error) == "InvalidParametersException"


def test_a_version_keeps_the_template_it_was_made_from(shop: Shop) -> None:
    url = shop.world.upload("moving.json", template("before"))
    answer = shop.admin.create_provisioning_artifact(
        ProductId=shop.product,
        Parameters={"Name": "v2", "Info": {"LoadTemplateFromURL": url}},
        IdempotencyToken=token(),
    )
    shop.world.upload("moving.json", template("after"))
    record = shop.launch(f"kept-{token()[:8]}", answer["ProvisioningArtifactDetail"]["Id"])
    outputs = {item["OutputKey"]: item["OutputValue"] for item in shop.finished(record)["RecordOutputs"]}
    assert outputs["Version"] == "before"


def test_launch_update_terminate(shop: Shop) -> None:
    name = f"life-{token()[:8]}"
    record = shop.launch(name)
    assert record["Status"] in ("CREATED", "IN_PROGRESS")
    assert record["RecordType"] == "PROVISION_PRODUCT"
    done = shop.finished(record)
    assert done["RecordDetail"]["Status"] == "SUCCEEDED", done
    detail = shop.user.describe_provisioned_product(Name=name)["ProvisionedProductDetail"]
    assert (detail["Status"], detail["ProvisioningArtifactId"]) == ("AVAILABLE", shop.artifact)
    stack = f"SC-{ACCOUNT}-{detail['Id']}"
    cloudformation = shop.world.client("cloudformation")
    assert cloudformation.describe_stacks(StackName=stack)["Stacks"][0]["StackStatus"] == "CREATE_COMPLETE"

    second = shop.version("v2", "two")
    updated = shop.user.update_provisioned_product(
        ProvisionedProductName=name,
        ProductId=shop.product,
        ProvisioningArtifactId=second,
        ProvisioningParameters=[{"Key": "Owner", "UsePreviousValue": True}],
        UpdateToken=token(),
    )["RecordDetail"]
    assert shop.finished(updated)["RecordDetail"]["Status"] == "SUCCEEDED"
    pages = shop.user.get_provisioned_product_outputs(ProvisionedProductName=name)
    outputs = {item["OutputKey"]: item["OutputValue"] for item in pages["Outputs"]}
    assert (outputs["Version"], outputs["Owner"]) == ("two", "me")
    assert outputs["CloudformationStackARN"].split("/")[1] == stack
    only = shop.user.get_provisioned_product_outputs(ProvisionedProductId=detail["Id"], OutputKeys=["Version"])
    assert [item["OutputKey"] for item in only["Outputs"]] == ["Version"]
    history = shop.user.list_record_history(SearchFilter={"Key": "provisionedproduct", "Value": detail["Id"]})
    assert [item["RecordType"] for item in history["RecordDetails"]] == [
        "UPDATE_PROVISIONED_PRODUCT",
        "PROVISION_PRODUCT",
    ]

    ended = shop.user.terminate_provisioned_product(ProvisionedProductId=detail["Id"], TerminateToken=token())
    assert shop.finished(ended["RecordDetail"])["RecordDetail"]["Status"] == "SUCCEEDED"
    with pytest.raises(ClientError) as error:
        shop.user.describe_provisioned_product(Name=name)
    assert refused(error) == "ResourceNotFoundException"
    with pytest.raises(ClientError, match="does not exist"):
        cloudformation.describe_stacks(StackName=stack)


def test_the_same_token_is_the_same_launch_and_a_name_is_taken_once(shop: Shop) -> None:
    name, once = f"once-{token()[:8]}", token()
    first, second = shop.launch(name, ProvisionToken=once), shop.launch(name, ProvisionToken=once)
    assert first["RecordId"] == second["RecordId"]
    shop.finished(first)
    with pytest.raises(ClientError, match=r"A stack named .* already exists") as error:
        shop.launch(name)
    assert refused(error) == "InvalidParametersException"
    ended = shop.user.terminate_provisioned_product(ProvisionedProductName=name, TerminateToken=token())
    shop.finished(ended["RecordDetail"])
    third = shop.launch(name, ProvisionToken=once)  # the record of a launch that is no more
    assert (third["RecordId"], third["Status"]) == (first["RecordId"], "SUCCEEDED")
    with pytest.raises(ClientError, match="not found"):
        shop.user.describe_provisioned_product(Name=name)


def test_a_principal_without_access_has_no_launch_path(shop: Shop) -> None:
    stranger = shop.world.client(
        "servicecatalog", shop.world.keys_of(shop.world.role(f"stranger-{token()[:8]}", "x.amazonaws.com"))
    )
    attempts: tuple[Callable[[], object], ...] = (
        lambda: stranger.list_launch_paths(ProductId=shop.product),
        lambda: stranger.provision_product(
            ProductId=shop.product,
            ProvisioningArtifactId=shop.artifact,
            ProvisionedProductName="x",
            ProvisionToken=token(),
        ),
    )
    for attempt in attempts:
        with pytest.raises(ClientError, match="No launch paths found") as error:
            attempt()
        assert refused(error) == "ResourceNotFoundException"
    pattern = "arn:aws:iam:::role/stranger-*"
    shop.admin.associate_principal_with_portfolio(
        PortfolioId=shop.portfolio, PrincipalARN=pattern, PrincipalType="IAM_PATTERN"
    )
    paths = stranger.list_launch_paths(ProductId=shop.product)["LaunchPathSummaries"]
    described = shop.admin.describe_portfolio(Id=shop.portfolio)["PortfolioDetail"]
    assert [path["Name"] for path in paths] == [described["DisplayName"]]


def test_several_paths_must_be_chosen_from(shop: Shop) -> None:
    other = shop.admin.create_portfolio(DisplayName="other", ProviderName="us", IdempotencyToken=token())
    other_id = other["PortfolioDetail"]["Id"]
    shop.admin.associate_product_with_portfolio(ProductId=shop.product, PortfolioId=other_id)
    shop.admin.associate_principal_with_portfolio(PortfolioId=other_id, PrincipalARN=shop.user_arn, PrincipalType="IAM")
    with pytest.raises(ClientError, match="several launch paths"):
        shop.launch(f"path-{token()[:8]}")
    path = next(
        item
        for item in shop.user.list_launch_paths(ProductId=shop.product)["LaunchPathSummaries"]
        if item["Name"] == "other"
    )
    record = shop.launch(f"path-{token()[:8]}", PathId=path["Id"])
    assert shop.finished(record)["RecordDetail"]["PathId"] == path["Id"]


def test_deprecated_versions_update_and_inactive_ones_do_neither(shop: Shop) -> None:
    name, second = f"guide-{token()[:8]}", shop.version("v2", "two")
    shop.finished(shop.launch(name))
    shop.admin.update_provisioning_artifact(
        ProductId=shop.product, ProvisioningArtifactId=second, Guidance="DEPRECATED"
    )
    with pytest.raises(ClientError) as error:
        shop.launch(f"new-{token()[:8]}", second)
    assert refused(error) == "InvalidParametersException"

    def update() -> dict[str, Any]:
        answer = shop.user.update_provisioned_product(
            ProvisionedProductName=name,
            ProvisioningArtifactId=second,
            ProvisioningParameters=[{"Key": "Owner", "UsePreviousValue": True}],
            UpdateToken=token(),
        )
        return dict(answer["RecordDetail"])

    assert shop.finished(update())["RecordDetail"]["Status"] == "SUCCEEDED"
    shop.admin.update_provisioning_artifact(ProductId=shop.product, ProvisioningArtifactId=second, Active=False)
    with pytest.raises(ClientError) as error:
        update()
    assert refused(error) == "InvalidParametersException"
    versions = shop.admin.list_provisioning_artifacts(ProductId=shop.product)["ProvisioningArtifactDetails"]
    assert [(item["Guidance"], item["Active"]) for item in versions if item["Id"] == second] == [("DEPRECATED", False)]


def with_size(value: str, default: str) -> dict[str, Any]:
    found = template(value)
    found["Parameters"]["Size"] = {"Type": "String", "Default": default}
    found["Outputs"]["Size"] = {"Value": {"Ref": "Size"}}
    return found


def test_a_previous_value_is_what_the_stack_has_whoever_gave_it(shop: Shop) -> None:
    """A launch that gave no value has the default of its version, and keeps it where the next one has another."""
    places = {name: shop.world.upload(f"{name}-{token()[:8]}.json", with_size(name, name)) for name in ("small", "big")}
    ids = {
        name: shop.admin.create_provisioning_artifact(
            ProductId=shop.product,
            Parameters={"Name": name, "Info": {"LoadTemplateFromURL": place}},
            IdempotencyToken=token(),
        )["ProvisioningArtifactDetail"]["Id"]
        for name, place in places.items()
    }
    name = f"keeps-{token()[:8]}"
    shop.finished(shop.launch(name, ids["small"]))

    def updated(version: str, *kept: str) -> tuple[str, str]:
        record = shop.user.update_provisioned_product(
            ProvisionedProductName=name,
            ProvisioningArtifactId=version,
            ProvisioningParameters=[{"Key": key, "UsePreviousValue": True} for key in kept],
            UpdateToken=token(),
        )["RecordDetail"]
        detail = shop.finished(record)
        outputs = {item["OutputKey"]: item["OutputValue"] for item in detail["RecordOutputs"]}
        errors = " ".join(item["Description"] for item in detail["RecordDetail"]["RecordErrors"])
        return outputs.get("Size", ""), errors

    assert updated(ids["big"], "Owner", "Size") == ("small", "")
    _, error = updated(ids["big"], "Owner", "Nobody")
    assert "Cannot specify usePreviousValue as true for a parameter key not in the previous template" in error
    assert updated(ids["big"], "Owner") == ("big", "")


def test_a_failed_launch_says_why(shop: Shop) -> None:
    broken = template("x")
    broken["Resources"]["Entry"]["Properties"] = {"Type": "String", "Value": {"Fn::GetAtt": ["Entry2", "Nothing"]}}
    broken["Resources"]["Entry2"] = {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": "x"}}
    answer = shop.admin.create_provisioning_artifact(
        ProductId=shop.product,
        Parameters={"Name": "bad", "Info": {"LoadTemplateFromURL": shop.world.upload("bad.json", broken)}},
        IdempotencyToken=token(),
    )
    name = f"bad-{token()[:8]}"
    done = shop.finished(shop.launch(name, answer["ProvisioningArtifactDetail"]["Id"]))["RecordDetail"]
    assert done["Status"] == "FAILED"
    assert "Entry" in done["RecordErrors"][0]["Description"]
    detail = shop.user.describe_provisioned_product(Name=name)["ProvisionedProductDetail"]
    assert detail["Status"] == "ERROR"


def test_a_launch_role_must_exist_and_trust_service_catalog(shop: Shop) -> None:
    missing = json.dumps({"RoleArn": f"arn:aws:iam::{ACCOUNT}:role/nobody"})
    constraint = shop.admin.create_constraint(
        PortfolioId=shop.portfolio, ProductId=shop.product, Type="LAUNCH", Parameters=missing, IdempotencyToken=token()
    )["ConstraintDetail"]["ConstraintId"]
    with pytest.raises(ClientError) as error:
        shop.admin.create_constraint(
            PortfolioId=shop.portfolio,
            ProductId=shop.product,
            Type="LAUNCH",
            Parameters=missing,
            IdempotencyToken=token(),
        )
    assert refused(error) == "DuplicateResourceException"
    done = shop.finished(shop.launch(f"role-{token()[:8]}"))["RecordDetail"]
    assert done["Status"] == "FAILED"
    assert "nobody" in done["RecordErrors"][0]["Description"]
    good = json.dumps({"RoleArn": shop.world.role(f"launch-{token()[:8]}", "servicecatalog.amazonaws.com")})
    assert shop.admin.update_constraint(Id=constraint, Parameters=good)["ConstraintParameters"] == good
    done = shop.finished(shop.launch(f"role-{token()[:8]}"))["RecordDetail"]
    assert (done["Status"], done["LaunchRoleArn"]) == ("SUCCEEDED", json.loads(good)["RoleArn"])
    listed = shop.admin.list_constraints_for_portfolio(PortfolioId=shop.portfolio)["ConstraintDetails"]
    assert [item["Type"] for item in listed] == ["LAUNCH"]
    with pytest.raises(ClientError) as error:
        shop.admin.disassociate_product_from_portfolio(PortfolioId=shop.portfolio, ProductId=shop.product)
    assert refused(error) == "ResourceInUseException"
    shop.admin.delete_constraint(Id=constraint)


def test_tags_change_only_where_a_constraint_allows_it(shop: Shop) -> None:
    name = f"tags-{token()[:8]}"
    shop.finished(shop.launch(name, Tags=[{"Key": "team", "Value": "a"}]))

    def retag() -> Any:
        return shop.user.update_provisioned_product(
            ProvisionedProductName=name,
            Tags=[{"Key": "team", "Value": "b"}],
            ProvisioningParameters=[{"Key": "Owner", "UsePreviousValue": True}],
            UpdateToken=token(),
        )

    with pytest.raises(ClientError) as error:
        retag()
    assert refused(error) == "InvalidParametersException"
    parameters = {"Version": "2.0", "Properties": {"TagUpdateOnProvisionedProduct": "ALLOWED"}}
    shop.admin.create_constraint(
        PortfolioId=shop.portfolio,
        ProductId=shop.product,
        Type="RESOURCE_UPDATE",
        Parameters=json.dumps(parameters),
        IdempotencyToken=token(),
    )
    assert shop.finished(retag()["RecordDetail"])["RecordDetail"]["Status"] == "SUCCEEDED"
    found = shop.user.search_provisioned_products(Filters={"SearchQuery": [f"name:{name}"]})["ProvisionedProducts"]
    assert {"Key": "team", "Value": "b"} in found[0]["Tags"]


def test_search_shows_the_callers_own_unless_the_account_is_asked_for(shop: Shop) -> None:
    name = f"find-{token()[:8]}"
    shop.finished(shop.launch(name))
    query = {"SearchQuery": [f"productId:{shop.product}"]}
    own = shop.user.search_provisioned_products(Filters=query)
    assert [item["Name"] for item in own["ProvisionedProducts"]] == [name]
    assert own["TotalResultsCount"] == 1
    assert shop.admin.search_provisioned_products(Filters=query)["ProvisionedProducts"] == []
    whole = {"Key": "Account", "Value": "self"}
    found = shop.admin.search_provisioned_products(Filters=query, AccessLevelFilter=whole)["ProvisionedProducts"]
    assert [(item["Name"], item["ProductName"] != "") for item in found] == [(name, True)]


def test_a_portfolio_is_shared_and_accepted(shop: Shop) -> None:
    other = {"aws_access_key_id": "111122223333", "aws_secret_access_key": "x"}
    guest = shop.world.client("servicecatalog", other)
    with pytest.raises(ClientError) as error:
        guest.describe_portfolio(Id=shop.portfolio)
    assert refused(error) == "ResourceNotFoundException"
    shop.admin.create_portfolio_share(PortfolioId=shop.portfolio, AccountId="111122223333", ShareTagOptions=True)
    assert shop.admin.list_portfolio_access(PortfolioId=shop.portfolio)["AccountIds"] == ["111122223333"]
    guest.accept_portfolio_share(PortfolioId=shop.portfolio)
    assert guest.describe_portfolio(Id=shop.portfolio)["PortfolioDetail"]["Id"] == shop.portfolio
    with pytest.raises(ClientError) as error:
        guest.update_provisioning_artifact(
            ProductId=shop.product, ProvisioningArtifactId=shop.artifact, Guidance="DEPRECATED"
        )
    assert refused(error) == "InvalidParametersException"
    shop.admin.update_portfolio_share(PortfolioId=shop.portfolio, AccountId="111122223333", ShareTagOptions=False)
    shop.admin.delete_portfolio_share(PortfolioId=shop.portfolio, AccountId="111122223333")
    with pytest.raises(ClientError) as error:
        guest.describe_portfolio(Id=shop.portfolio)
    assert refused(error) == "ResourceNotFoundException"


def test_an_organization_share_has_a_token(shop: Shop) -> None:
    node = {"Type": "ORGANIZATION", "Value": "arn:aws:organizations::000000000000:organization/o-abcdefghij"}
    node["Value"] = "o-abcdefghij"
    share = shop.admin.create_portfolio_share(PortfolioId=shop.portfolio, OrganizationNode=node)["PortfolioShareToken"]
    gone = shop.admin.delete_portfolio_share(PortfolioId=shop.portfolio, OrganizationNode=node)
    assert gone["PortfolioShareToken"] == share
    with pytest.raises(ClientError) as error:
        shop.admin.delete_portfolio_share(PortfolioId=shop.portfolio, OrganizationNode=node)
    assert refused(error) == "ResourceNotFoundException"


def test_tag_options(shop: Shop) -> None:
    value = token()[:8]
    option = shop.admin.create_tag_option(Key="team", Value=value)["TagOptionDetail"]["Id"]
    with pytest.raises(ClientError) as error:
        shop.admin.create_tag_option(Key="team", Value=value)
    assert refused(error) == "DuplicateResourceException"
    shop.admin.associate_tag_option_with_resource(ResourceId=shop.portfolio, TagOptionId=option)
    assert shop.admin.describe_portfolio(Id=shop.portfolio)["TagOptions"][0]["Value"] == value
    with pytest.raises(ClientError) as error:
        shop.admin.delete_tag_option(Id=option)
    assert refused(error) == "ResourceInUseException"
    assert shop.admin.update_tag_option(Id=option, Active=False)["TagOptionDetail"]["Active"] is False
    shop.admin.disassociate_tag_option_from_resource(ResourceId=shop.portfolio, TagOptionId=option)
    shop.admin.delete_tag_option(Id=option)


def test_provisioning_parameters_are_the_templates(shop: Shop) -> None:
    answer = shop.user.describe_provisioning_parameters(ProductId=shop.product, ProvisioningArtifactId=shop.artifact)
    assert [(item["ParameterKey"], item["Description"]) for item in answer["ProvisioningArtifactParameters"]] == [
        ("Owner", "Who it is for")
    ]


def test_a_shared_product_is_launched_in_the_other_account_with_its_local_role(shop: Shop) -> None:
    guest = "111122223333"
    keys = {"aws_access_key_id": guest, "aws_secret_access_key": "x"}
    iam, catalog = shop.world.client("iam", keys), shop.world.client("servicecatalog", keys)
    roles = {}
    for name in ("local-launch", "local-user"):
        trust = {
            "Effect": "Allow",
            "Principal": {"Service": "servicecatalog.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
        document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
        roles[name] = iam.create_role(RoleName=name, AssumeRolePolicyDocument=document)["Role"]["Arn"]
    shop.admin.create_constraint(
        PortfolioId=shop.portfolio,
        ProductId=shop.product,
        Type="LAUNCH",
        Parameters=json.dumps({"LocalRoleName": "local-launch"}),
        IdempotencyToken=token(),
    )
    shop.admin.create_portfolio_share(PortfolioId=shop.portfolio, AccountId=guest)
    catalog.accept_portfolio_share(PortfolioId=shop.portfolio)
    catalog.associate_principal_with_portfolio(
        PortfolioId=shop.portfolio, PrincipalARN=roles["local-user"], PrincipalType="IAM"
    )
    session = shop.world.client("sts", keys).assume_role(RoleArn=roles["local-user"], RoleSessionName="guest")[
        "Credentials"
    ]
    shop.user = shop.world.client(
        "servicecatalog",
        {
            "aws_access_key_id": session["AccessKeyId"],
            "aws_secret_access_key": session["SecretAccessKey"],
            "aws_session_token": session["SessionToken"],
        },
    )
    record = shop.finished(shop.launch(f"guest-{token()[:8]}"))["RecordDetail"]
    assert record["Status"] == "SUCCEEDED", record
    assert record["LaunchRoleArn"] == roles["local-launch"]
    stacks = shop.world.client("cloudformation", keys).describe_stacks()["Stacks"]
    assert [stack["StackName"] for stack in stacks] == [f"SC-{guest}-{record['ProvisionedProductId']}"]


@pytest.mark.parametrize("behaves", [True, False])
def test_what_no_source_settles_can_be_either(shop: Shop, behaves: bool) -> None:
    chosen: dict[str, object] = {
        **dict.fromkeys(("searchesIds", "updatesTainted", "keepsParameters"), behaves),
        "unchangedFails": False,
        "sourceAccount": "own" if behaves else "absent",
        "emptied": ["Owner"],
        "tellsEmpty": behaves,
    }
    before = shop.world.control("launches", {})
    name = f"either-{token()[:8]}"
    shop.finished(shop.launch(name))
    identifier = shop.user.describe_provisioned_product(Name=name)["ProvisionedProductDetail"]["Id"]
    bad = template("bad")
    bad["Resources"]["Entry"]["Properties"] = {"Type": "String", "Value": {"Fn::GetAtt": ["Entry2", "Nothing"]}}
    bad["Resources"]["Entry2"] = {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": "x"}}
    answer = shop.admin.create_provisioning_artifact(
        ProductId=shop.product,
        Parameters={"Name": "bad", "Info": {"LoadTemplateFromURL": shop.world.upload(f"{name}.json", bad)}},
        IdempotencyToken=token(),
    )
    broken = answer["ProvisioningArtifactDetail"]["Id"]

    def update(version: str, **more: Any) -> str:
        answer = shop.user.update_provisioned_product(
            ProvisionedProductId=identifier, ProvisioningArtifactId=version, UpdateToken=token(), **more
        )
        return str(shop.finished(answer["RecordDetail"])["RecordDetail"]["Status"])

    try:
        assert shop.world.control("launches", chosen) == chosen
        found = shop.user.search_provisioned_products(Filters={"SearchQuery": [f"id:{identifier}"]})
        assert [item["Name"] for item in found["ProvisionedProducts"]] == ([name] if behaves else [])
        told = shop.user.get_provisioned_product_outputs(ProvisionedProductId=identifier)["Outputs"]
        owner = [item["OutputValue"] for item in told if item["OutputKey"] == "Owner"]
        assert (owner, len(told) > 1) == ([""] if behaves else [], True)
        # The owner is left out, and the template has no default for it: it is kept, or missing.
        assert update(shop.version("v2", "two")) == ("SUCCEEDED" if behaves else "FAILED")
        if behaves:
            assert update(broken) == "FAILED"
            assert update(shop.version("v3", "three")) == "SUCCEEDED"
        else:
            with pytest.raises(ClientError, match="is tainted"):
                update(shop.artifact, ProvisioningParameters=[{"Key": "Owner", "Value": "me"}])
    finally:
        shop.world.control("launches", before)
