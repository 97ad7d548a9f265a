"""SageMaker by its own protocol: domains, spaces, tags."""

from __future__ import annotations

import uuid

import pytest
from botocore.exceptions import ClientError

from .conftest import World


def test_domains_spaces_and_tags(world: World) -> None:
    sagemaker, name = world.client("sagemaker"), f"domain-{uuid.uuid4().hex[:8]}"
    created = sagemaker.create_domain(
        DomainName=name,
        AuthMode="IAM",
        DefaultUserSettings={},
        Tags=[{"Key": "AmazonDataZoneProject", "Value": "p1"}],
    )
    domain, arn = created["DomainId"], created["DomainArn"]
    assert sagemaker.describe_domain(DomainId=domain)["Status"] == "InService"
    pages = sagemaker.get_paginator("list_domains").paginate()
    assert name in {item["DomainName"] for page in pages for item in page["Domains"]}
    sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": "more", "Value": "yes"}])
    tags = {tag["Key"]: tag["Value"] for tag in sagemaker.list_tags(ResourceArn=arn)["Tags"]}
    assert tags == {"AmazonDataZoneProject": "p1", "more": "yes"}
    space = sagemaker.create_space(DomainId=domain, SpaceName="shared")["SpaceArn"]
    assert space.endswith(f":space/{domain}/shared")
    assert sagemaker.describe_space(DomainId=domain, SpaceName="shared")["Status"] == "InService"
    assert [item["SpaceName"] for item in sagemaker.list_spaces(DomainIdEquals=domain)["Spaces"]] == ["shared"]
    with pytest.raises(ClientError) as error:
        sagemaker.create_space(DomainId=domain, SpaceName="shared")
    assert error.value.response["Error"]["Code"] == "ResourceInUse"
    sagemaker.delete_domain(DomainId=domain)
    with pytest.raises(sagemaker.exceptions.ResourceNotFound):
        sagemaker.describe_domain(DomainId=domain)
