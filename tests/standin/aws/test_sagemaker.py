"""SageMaker by its own protocol: what it tells of a project's domain and space, and model package groups."""

from __future__ import annotations

import uuid

import pytest
from botocore.exceptions import ClientError

from .conftest import ACCOUNT, REGION, World


def test_domains_spaces_and_tags(world: World) -> None:
    sagemaker, ours, name = world.client("sagemaker"), world.stand_in.sagemaker, f"domain-{uuid.uuid4().hex[:8]}"
    tags = {"AmazonDataZoneProject": "p1"}
    opened = ours.open_domain(ACCOUNT, REGION, name, settings={}, tags=tags, more={"AuthMode": "IAM"})
    domain, arn = opened["DomainId"], opened["DomainArn"]
    described = sagemaker.describe_domain(DomainId=domain)
    assert (described["Status"], described["AuthMode"]) == ("InService", "IAM")
    pages = sagemaker.get_paginator("list_domains").paginate()
    assert name in {item["DomainName"] for page in pages for item in page["Domains"]}
    assert sagemaker.list_tags(ResourceArn=arn)["Tags"] == [{"Key": "AmazonDataZoneProject", "Value": "p1"}]
    space = ours.open_space(ACCOUNT, REGION, domain, "shared", tags={})["SpaceArn"]
    assert space.endswith(f":space/{domain}/shared")
    assert [item["SpaceName"] for item in sagemaker.list_spaces(DomainIdEquals=domain)["Spaces"]] == ["shared"]
    ours.close_domain(domain)
    with pytest.raises(sagemaker.exceptions.ResourceNotFound):
        sagemaker.describe_domain(DomainId=domain)
    assert sagemaker.list_spaces(DomainIdEquals=domain)["Spaces"] == []


def test_a_model_package_group_is_created_once_with_its_tags(world: World) -> None:
    sagemaker, name = world.client("sagemaker"), f"aiops-{uuid.uuid4().hex[:8]}-models"
    tags = [{"Key": "AmazonDataZoneProject", "Value": "p1"}]
    arn = sagemaker.create_model_package_group(ModelPackageGroupName=name, Tags=tags)["ModelPackageGroupArn"]
    assert sagemaker.list_tags(ResourceArn=arn)["Tags"] == tags
    with pytest.raises(ClientError, match=f"Model Package Group already exists: {arn}"):
        sagemaker.create_model_package_group(ModelPackageGroupName=name)
    assert sagemaker.list_tags(ResourceArn=arn)["Tags"] == tags
