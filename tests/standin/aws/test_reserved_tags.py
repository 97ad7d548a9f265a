"""What Service Catalog itself says of a launch: its tags on the stack, who launched, records, TagOptions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from .conftest import ACCOUNT, REGION, World
from .test_service_catalog import Shop, refused, shop, template, token

__all__ = ["shop"]
PREFIX = "aws:servicecatalog:"


@pytest.fixture(autouse=True)
def as_aws(world: World) -> Iterator[None]:
    yield
    world.control("reserved-tags", {"enabled": True, "updatesNameTheUpdater": False, "userArns": True})


def launched(shop: Shop, name: str, **more: Any) -> dict[str, str]:
    """Launch; return the tags of the stack."""
    done = shop.finished(shop.launch(name, **more))
    assert done["RecordDetail"]["Status"] == "SUCCEEDED", done
    return stack_tags(shop, name)


def stack_tags(shop: Shop, name: str) -> dict[str, str]:
    identifier = shop.user.describe_provisioned_product(Name=name)["ProvisionedProductDetail"]["Id"]
    stacks = shop.world.client("cloudformation").describe_stacks(StackName=f"SC-{ACCOUNT}-{identifier}")["Stacks"]
    return {tag["Key"]: tag["Value"] for tag in stacks[0]["Tags"]}


def searched(shop: Shop, name: str) -> dict[str, Any]:
    whole = {"Key": "Account", "Value": "self"}
    found = shop.user.search_provisioned_products(Filters={"SearchQuery": [f"name:{name}"]}, AccessLevelFilter=whole)
    return dict(found["ProvisionedProducts"][0])


def test_a_launch_carries_who_launched_what_from_where(shop: Shop) -> None:
    name = f"who-{token()[:8]}"
    tags = launched(shop, name, Tags=[{"Key": "team", "Value": "a"}])
    session = f"arn:aws:sts::{ACCOUNT}:assumed-role/{shop.user_arn.rpartition('/')[2]}/test"
    detail = shop.user.describe_provisioned_product(Name=name)["ProvisionedProductDetail"]
    assert tags == {
        "team": "a",
        f"{PREFIX}provisioningPrincipalArn": session,
        f"{PREFIX}productArn": f"arn:aws:catalog:{REGION}:{ACCOUNT}:product/{shop.product}",
        f"{PREFIX}portfolioArn": f"arn:aws:catalog:{REGION}:{ACCOUNT}:portfolio/{shop.portfolio}",
        f"{PREFIX}provisionedProductArn": detail["Arn"],
        f"{PREFIX}provisioningArtifactIdentifier": shop.artifact,
    }
    found = searched(shop, name)
    assert (found["UserArn"], found["UserArnSession"]) == (shop.user_arn, session)
    assert {item["Key"]: item["Value"] for item in found["Tags"]} == tags


@pytest.mark.parametrize("named_by", ["launcher", "updater"])
def test_an_update_leaves_the_principal_or_names_the_updater(shop: Shop, named_by: str) -> None:
    shop.world.control("reserved-tags", {"updatesNameTheUpdater": named_by == "updater"})
    name = f"update-{token()[:8]}"
    before = launched(shop, name)
    other = shop.world.role(f"other-{token()[:8]}", "x.amazonaws.com")
    shop.admin.associate_principal_with_portfolio(PortfolioId=shop.portfolio, PrincipalARN=other, PrincipalType="IAM")
    version = shop.version("v2", "two")
    updated = shop.world.client("servicecatalog", shop.world.keys_of(other)).update_provisioned_product(
        ProvisionedProductName=name,
        ProductId=shop.product,
        ProvisioningArtifactId=version,
        ProvisioningParameters=[{"Key": "Owner", "UsePreviousValue": True}],
        UpdateToken=token(),
    )
    assert shop.finished(updated["RecordDetail"])["RecordDetail"]["Status"] == "SUCCEEDED"
    after = stack_tags(shop, name)
    principal = f"{PREFIX}provisioningPrincipalArn"
    assert after[f"{PREFIX}provisioningArtifactIdentifier"] == version
    assert (after[principal] == before[principal]) == (named_by == "launcher")
    assert searched(shop, name)["UserArn"] == shop.user_arn


def test_neither_tags_nor_search_may_name_the_caller(shop: Shop) -> None:
    shop.world.control("reserved-tags", {"enabled": False, "userArns": False})
    name = f"nobody-{token()[:8]}"
    assert launched(shop, name) == {}
    assert not {"UserArn", "UserArnSession"} & searched(shop, name).keys()


def test_nobody_else_sets_a_tag_of_aws(shop: Shop) -> None:
    forged = [{"Key": f"{PREFIX}provisioningPrincipalArn", "Value": "arn:aws:iam::000000000000:role/admin"}]
    with pytest.raises(ClientError, match="aws: prefixed") as error:
        shop.launch(f"forged-{token()[:8]}", Tags=forged)
    assert refused(error) == "InvalidParametersException"
    with pytest.raises(ClientError, match="aws: prefixed"):
        shop.admin.update_product(Id=shop.product, AddTags=forged)
    template = '{"Resources": {"Nothing": {"Type": "AWS::CloudFormation::WaitConditionHandle"}}}'
    cloudformation = shop.world.client("cloudformation")
    with pytest.raises(ClientError, match="reserved"):
        cloudformation.create_stack(StackName=f"forged-{token()[:8]}", TemplateBody=template, Tags=forged)


def test_a_user_of_iam_is_named_as_such(shop: Shop) -> None:
    iam, user = shop.world.client("iam"), f"cli-{token()[:8]}"
    arn = iam.create_user(UserName=user)["User"]["Arn"]
    key = iam.create_access_key(UserName=user)["AccessKey"]
    shop.admin.associate_principal_with_portfolio(PortfolioId=shop.portfolio, PrincipalARN=arn, PrincipalType="IAM")
    keys = {"aws_access_key_id": key["AccessKeyId"], "aws_secret_access_key": key["SecretAccessKey"]}
    shop.user = shop.world.client("servicecatalog", keys)
    assert launched(shop, f"user-{token()[:8]}")[f"{PREFIX}provisioningPrincipalArn"] == arn


def test_records_of_a_product_are_told_apart(shop: Shop) -> None:
    name = f"records-{token()[:8]}"
    first = shop.launch(name, Tags=[{"Key": "team", "Value": "a"}])
    assert first["RecordTags"] == [{"Key": "team", "Value": "a"}]
    shop.finished(first)
    content = template("two")
    content["Resources"]["Entry"]["Properties"]["Value"] = {"Fn::GetAtt": ["Other", "Nothing"]}
    content["Resources"]["Other"] = {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": "x"}}
    url = shop.world.upload(f"{name}.json", content)
    version = shop.admin.create_provisioning_artifact(
        ProductId=shop.product,
        Parameters={"Name": "v2", "Info": {"LoadTemplateFromURL": url}},
        IdempotencyToken=token(),
    )["ProvisioningArtifactDetail"]["Id"]
    broken = shop.user.update_provisioned_product(
        ProvisionedProductName=name,
        ProductId=shop.product,
        ProvisioningArtifactId=version,
        ProvisioningParameters=[{"Key": "Owner", "UsePreviousValue": True}],
        UpdateToken=token(),
    )["RecordDetail"]
    assert shop.finished(broken)["RecordDetail"]["Status"] == "FAILED"
    detail = shop.user.describe_provisioned_product(Name=name)["ProvisionedProductDetail"]
    assert detail["LastRecordId"] == detail["LastProvisioningRecordId"] == broken["RecordId"]
    assert detail["LastSuccessfulProvisioningRecordId"] == first["RecordId"]


def offer(shop: Shop, resource: str, key: str, *values: str) -> None:
    for value in values:
        option = shop.admin.create_tag_option(Key=key, Value=value)["TagOptionDetail"]["Id"]
        shop.admin.associate_tag_option_with_resource(ResourceId=resource, TagOptionId=option)


def test_a_launch_takes_its_tag_options(shop: Shop) -> None:
    one, two, both = (f"{name}-{token()[:6]}" for name in ("one", "two", "both"))
    offer(shop, shop.portfolio, one, "finance")
    offer(shop, shop.portfolio, two, "a", "b")
    offer(shop, shop.portfolio, both, "x", "y", "z")
    described = shop.user.describe_provisioning_parameters(
        ProductId=shop.product, ProvisioningArtifactId=shop.artifact
    )["TagOptions"]
    assert {item["Key"]: item["Values"] for item in described}[two] == ["a", "b"]
    chosen = [{"Key": two, "Value": "b"}, {"Key": both, "Value": "y"}]
    wrong: tuple[list[dict[str, str]], ...] = (
        [],
        chosen[:1],
        [{"Key": two, "Value": "c"}, chosen[1]],
        [*chosen, {"Key": one, "Value": "sales"}],
    )
    for tags in wrong:
        with pytest.raises(ClientError, match="must have a value of its TagOptions") as error:
            shop.launch(f"tagged-{token()[:8]}", Tags=tags)
        assert refused(error) == "InvalidParametersException"
    found = launched(shop, f"tagged-{token()[:8]}", Tags=chosen)
    assert {key: found[key] for key in (one, two, both)} == {one: "finance", two: "b", both: "y"}


def test_tag_options_of_portfolio_and_product_are_taken_together(shop: Shop) -> None:
    common, conflict = (f"{name}-{token()[:6]}" for name in ("common", "conflict"))
    first, second = token()[:6], token()[:6]
    offer(shop, shop.portfolio, common, first)
    option = shop.admin.create_tag_option(Key=common, Value=second)["TagOptionDetail"]["Id"]
    for resource in (shop.portfolio, shop.product):
        shop.admin.associate_tag_option_with_resource(ResourceId=resource, TagOptionId=option)
    offer(shop, shop.portfolio, conflict, first)
    offer(shop, shop.product, conflict, second)
    tags = launched(shop, f"both-{token()[:8]}")
    assert tags[common] == second
    assert tags[conflict] == f"sc-tagconflict-{shop.portfolio}-{shop.product}"
