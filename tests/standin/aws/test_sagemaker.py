"""SageMaker and CodeConnections by their protocols: a project's domain and space, groups, pipelines, connections."""

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


def test_a_pipeline_is_found_by_its_tags_with_its_last_execution(world: World) -> None:
    sagemaker, project = world.client("sagemaker"), uuid.uuid4().hex[:8]
    where = {"projectId": project, "createdBy": "arn:aws:sts::1:assumed-role/wf/job", "account": ACCOUNT}
    world.control("pipelines", {**where, "region": REGION})
    search = {"Filters": [{"Name": "Tags.AmazonDataZoneProject", "Operator": "Equals", "Value": project}]}
    (found,) = sagemaker.search(Resource="Pipeline", SearchExpression=search)["Results"]
    assert found["Pipeline"]["CreatedBy"]["IamIdentity"]["Arn"] == where["createdBy"]
    name, tags = found["Pipeline"]["PipelineName"], found["Pipeline"]["Tags"]
    (execution,) = sagemaker.list_pipeline_executions(PipelineName=name)["PipelineExecutionSummaries"]
    arn = execution["PipelineExecutionArn"]
    assert sagemaker.list_tags(ResourceArn=arn)["Tags"] == tags
    (step,) = sagemaker.list_pipeline_execution_steps(PipelineExecutionArn=arn)["PipelineExecutionSteps"]
    assert (step["StepStatus"], list(step["Metadata"])) == ("Succeeded", ["ProcessingJob"])
    world.control("pipelines", {**where, "region": REGION, "executionsTagged": False, "jobsTagged": False})
    (execution,) = sagemaker.list_pipeline_executions(PipelineName=name)["PipelineExecutionSummaries"]
    arn = execution["PipelineExecutionArn"]
    assert sagemaker.list_tags(ResourceArn=arn)["Tags"] == []
    (step,) = sagemaker.list_pipeline_execution_steps(PipelineExecutionArn=arn)["PipelineExecutionSteps"]
    assert "sagemaker:AddTags" in step["FailureReason"]
    with pytest.raises(sagemaker.exceptions.ResourceNotFound):
        sagemaker.list_pipeline_executions(PipelineName="another")


def test_a_git_connection_tells_its_kind(world: World) -> None:
    connections = world.client("codeconnections")
    made = {"name": "acme", "provider": "GitLab", "account": ACCOUNT, "region": REGION}
    arn = world.control("git-connections", made)["arn"]
    assert connections.get_connection(ConnectionArn=arn)["Connection"]["ProviderType"] == "GitLab"
    with pytest.raises(connections.exceptions.ResourceNotFoundException):
        connections.get_connection(ConnectionArn=f"{arn}-another")


def test_git_connections_are_listed_by_provider_account_and_region(world: World) -> None:
    place = {"account": ACCOUNT, "region": REGION}
    for name, provider, where in (
        ("here", "GitHub", place),
        ("other-kind", "Bitbucket", place),
        ("elsewhere", "GitHub", {**place, "region": "eu-west-3"}),
        ("somebody-elses", "GitHub", {**place, "account": "999999999999"}),
    ):
        world.control("git-connections", {"name": name, "provider": provider, **where})
    connections = world.client("codeconnections")
    found = connections.list_connections(ProviderTypeFilter="GitHub", MaxResults=100)["Connections"]
    assert [each["ConnectionName"] for each in found] == ["here"]
    assert {"here", "other-kind"} <= {each["ConnectionName"] for each in connections.list_connections()["Connections"]}
    assert (
        connections.list_connections(HostArnFilter="arn:aws:codeconnections:eu-west-1:111111111111:host/h")[
            "Connections"
        ]
        == []
    )
