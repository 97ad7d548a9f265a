"""Choosing the model package and the stack's life, against botocore's own stubs."""

import boto3
import pytest
from botocore.stub import Stubber

from deployment import model_package, stack
from deployment.settings import DeploymentError, from_environment

GROUP = "aiops-p1-models"
ARN = "arn:aws:sagemaker:eu-west-1:111122223333:model-package/aiops-p1-models/3"
ENVIRONMENT = {
    "REGION": "eu-west-1",
    "MODEL_PACKAGE_GROUP_NAME": GROUP,
    "SAGEMAKER_PIPELINE_ROLE_ARN": "arn:aws:iam::111122223333:role/pipeline",
    "AMAZON_DATAZONE_PROJECT": "p1",
}


def client(service):
    return boto3.client(service, region_name="eu-west-1", aws_access_key_id="key", aws_secret_access_key="secret")


def test_missing_settings_are_named():
    with pytest.raises(DeploymentError, match="REGION"):
        from_environment({**ENVIRONMENT, "REGION": ""})


def test_names_are_the_projects():
    assert from_environment(ENVIRONMENT).name("staging") == "studio-p1-staging"


def test_a_stage_has_its_own_tag_and_its_own_role_elsewhere():
    settings = from_environment(ENVIRONMENT)
    assert dict(settings.tags("production")) == {"AmazonDataZoneProject": "p1", "studio:stage": "production"}
    assert settings.deploy_role("production") == "studio-deploy-p1-production"
    named = from_environment({**ENVIRONMENT, "DEPLOY_ROLE_NAME": "Deployer-{project}"})
    assert named.deploy_role("staging") == "Deployer-p1"


def described(status="Approved", group=GROUP):
    return {
        "ModelPackageName": "m",
        "ModelPackageArn": ARN,
        "ModelPackageGroupName": group,
        "ModelApprovalStatus": status,
        "CreationTime": 0,
        "ModelPackageStatus": "Completed",
        "ModelPackageStatusDetails": {"ValidationStatuses": []},
    }


def test_latest_approved_model():
    sagemaker = client("sagemaker")
    with Stubber(sagemaker) as stub:
        summary = {
            "ModelPackageName": "m",
            "ModelPackageArn": ARN,
            "CreationTime": 0,
            "ModelPackageStatus": "Completed",
        }
        stub.add_response("list_model_packages", {"ModelPackageSummaryList": [summary]})
        assert model_package.choose("", GROUP, sagemaker) == ARN


def test_no_approved_model():
    sagemaker = client("sagemaker")
    with Stubber(sagemaker) as stub:
        stub.add_response("list_model_packages", {"ModelPackageSummaryList": []})
        with pytest.raises(DeploymentError, match="no approved model"):
            model_package.choose("", GROUP, sagemaker)


@pytest.mark.parametrize("answer", [described(status="Rejected"), described(group="someone-elses")])
def test_unfit_model_package_is_refused(answer):
    sagemaker = client("sagemaker")
    with Stubber(sagemaker) as stub:
        stub.add_response("describe_model_package", answer)
        with pytest.raises(DeploymentError, match="not approved|not in this project"):
            model_package.choose(ARN, GROUP, sagemaker)


def test_not_an_arn():
    with pytest.raises(DeploymentError, match="not the ARN"):
        model_package.choose("; rm -rf /", GROUP, client("sagemaker"))


def test_unchanged_stack_is_fine():
    cloudformation = client("cloudformation")
    existing = {"StackName": "s", "CreationTime": 0, "StackStatus": "UPDATE_COMPLETE"}
    existing["Outputs"] = [{"OutputKey": "EndpointName", "OutputValue": "studio-p1-staging"}]
    with Stubber(cloudformation) as stub:
        stub.add_response("describe_stacks", {"Stacks": [existing]})
        stub.add_client_error("update_stack", "ValidationError", "No updates are to be performed.")
        stub.add_response("describe_stacks", {"Stacks": [existing]})
        assert stack.deploy("s", "{}", {}, (), cloudformation) == {"EndpointName": "studio-p1-staging"}


def test_production_gets_what_staging_serves():
    cloudformation = client("cloudformation")
    staging = {"StackName": "s", "CreationTime": 0, "StackStatus": "UPDATE_COMPLETE"}
    staging["Parameters"] = [{"ParameterKey": "ModelPackageArn", "ParameterValue": ARN}]
    with Stubber(cloudformation) as stub:
        stub.add_response("describe_stacks", {"Stacks": [staging]})
        stub.add_response("describe_stacks", {"Stacks": [staging]})
        assert stack.parameter("s", "ModelPackageArn", cloudformation) == ARN
