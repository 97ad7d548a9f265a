"""From a model package to an endpoint that answers, and back again."""

import pytest
from botocore.stub import ANY
from example import ROOT
from project_facts import ENVIRONMENT, GROUP, PACKAGES, SMOKE, Cloud, package, stack

from deployment import model_package
from deployment.configuration import load
from deployment.release import Stage
from deployment.settings import DeploymentError, from_environment
from deployment.stack import target_session

CONFIGURATION = load(ROOT / "config.toml")
NONE = "Stack with id studio-p1-staging does not exist"


@pytest.fixture
def cloud():
    made = Cloud()
    yield made
    made.all_used()


def stage(cloud, name="staging", **environment):
    return Stage(name, from_environment({**ENVIRONMENT, **environment}), CONFIGURATION, cloud)


def creates(cloud, expected=None):
    stub = cloud.stubs["cloudformation"]
    for _ in range(2):
        stub.add_client_error("describe_stacks", "ValidationError", NONE)
    stub.add_response("create_stack", {"StackId": "s"}, expected)
    for _ in range(2):
        stub.add_response("describe_stacks", stack("CREATE_COMPLETE"))


def updates(cloud, before, expected=None, *, known=True):
    stub = cloud.stubs["cloudformation"]
    for _ in range(2 if known else 1):
        stub.add_response("describe_stacks", before)
    stub.add_response("update_stack", {"StackId": "s"}, expected)
    for _ in range(2):
        stub.add_response("describe_stacks", before)


def request(stage, current, previous, **more):
    """The stack's request: the model now, the model before, this stage's tags."""
    settings = from_environment(ENVIRONMENT)
    given = {
        "ModelPackageArn": f"{PACKAGES}/{current}",
        "ExecutionRoleArn": ENVIRONMENT["SAGEMAKER_PIPELINE_ROLE_ARN"],
        "EndpointName": f"studio-p1-{stage}",
        "CaptureUri": f"s3://artifacts/dzd_1/p1/dev/capture/{stage}",
        **CONFIGURATION.parameters(stage),
        "PreviousModelPackageArn": f"{PACKAGES}/{previous}" if previous else "",
    }
    tags = settings.tags(stage)
    return {
        "StackName": f"studio-p1-{stage}",
        "TemplateBody": ANY,
        "Parameters": [{"ParameterKey": key, "ParameterValue": value} for key, value in given.items()],
        "Tags": [{"Key": key, "Value": value} for key, value in tags],
        **more,
    }


def test_the_latest_approved_model_goes_to_a_new_staging(cloud):
    cloud.will(
        "sagemaker",
        "list_model_packages",
        {
            "ModelPackageSummaryList": [
                {"ModelPackageArn": f"{PACKAGES}/3", "CreationTime": 0, "ModelPackageStatus": "Completed"}
            ]
        },
        {
            "ModelPackageGroupName": GROUP,
            "ModelApprovalStatus": "Approved",
            "SortBy": "CreationTime",
            "SortOrder": "Descending",
            "MaxResults": 1,
        },
    )
    cloud.has_package(3)
    creates(cloud, request("staging", 3, None, OnFailure="ROLLBACK"))
    cloud.answers(9.5, 7.2500001)
    release = stage(cloud).release("")
    assert (release.package, release.previous, release.asked) == (f"{PACKAGES}/3", "", 2)
    assert "2 known rows answered" in release.summary()


def test_production_gets_what_staging_serves_and_remembers_what_it_served(cloud):
    cloud.will("cloudformation", "describe_stacks", stack(ModelPackageArn=f"{PACKAGES}/4"))
    cloud.has_package(4)
    updates(cloud, stack(ModelPackageArn=f"{PACKAGES}/3"), request("production", 4, 3))
    cloud.answers(9.5, 7.25)
    assert stage(cloud, "production").release("").previous == f"{PACKAGES}/3"


def test_production_needs_staging(cloud):
    cloud.stubs["cloudformation"].add_client_error("describe_stacks", "ValidationError", NONE)
    with pytest.raises(DeploymentError, match="Staging serves no model yet"):
        stage(cloud, "production").release("")


def test_the_same_model_again_keeps_what_was_before_it(cloud):
    cloud.has_package(4)
    before = stack(ModelPackageArn=f"{PACKAGES}/4", PreviousModelPackageArn=f"{PACKAGES}/3")
    updates(cloud, before, request("staging", 4, 3))
    cloud.answers(9.5, 7.25)
    assert stage(cloud).release(f"{PACKAGES}/4").previous == f"{PACKAGES}/3"


def test_a_rollback_deploys_the_model_before(cloud):
    before = stack(ModelPackageArn=f"{PACKAGES}/4", PreviousModelPackageArn=f"{PACKAGES}/3")
    cloud.will("cloudformation", "describe_stacks", before)
    cloud.has_package(3)
    updates(cloud, before, request("production", 3, 4))
    cloud.answers(9.5, 7.25)
    assert stage(cloud, "production").roll_back().package == f"{PACKAGES}/3"


def test_without_a_model_before_there_is_no_rollback(cloud):
    cloud.will("cloudformation", "describe_stacks", stack(ModelPackageArn=f"{PACKAGES}/4"))
    with pytest.raises(DeploymentError, match="has served no other model before"):
        stage(cloud).roll_back()


@pytest.mark.parametrize("answer", ["9.6", "nan", "error"])
def test_a_wrong_answer_fails_staging(cloud, answer):
    cloud.has_package(3)
    creates(cloud)
    cloud.answers(answer)
    with pytest.raises(DeploymentError, match=r"the evaluated model answered 9\.5"):
        stage(cloud).release(f"{PACKAGES}/3")


def test_a_wrong_answer_puts_production_back(cloud):
    cloud.has_package(4)
    before = stack(ModelPackageArn=f"{PACKAGES}/3", PreviousModelPackageArn=f"{PACKAGES}/2")
    updates(cloud, before, request("production", 4, 3))
    cloud.answers(1.0)
    updates(cloud, before, request("production", 3, 2), known=False)
    with pytest.raises(DeploymentError, match=f"Production serves {PACKAGES}/3 again"):
        stage(cloud, "production").release(f"{PACKAGES}/4")


def test_an_endpoint_that_does_not_answer_says_why(cloud):
    cloud.has_package(3)
    creates(cloud)
    cloud.stubs["sagemaker-runtime"].add_client_error("invoke_endpoint", "ModelError", "worker died")
    with pytest.raises(DeploymentError, match="does not answer: worker died"):
        stage(cloud).release(f"{PACKAGES}/3")


def test_a_model_without_known_rows_is_not_deployed(cloud):
    cloud.has_package(3, rows=SMOKE | {"rows": [], "predictions": []})
    creates(cloud)
    with pytest.raises(DeploymentError, match="known rows are empty"):
        stage(cloud).release(f"{PACKAGES}/3")


def test_known_rows_that_are_gone_are_named(cloud):
    cloud.will("sagemaker", "describe_model_package", package())
    cloud.stubs["s3"].add_client_error("get_object", "NoSuchKey")
    with pytest.raises(DeploymentError, match=r"cannot be read \(NoSuchKey\): s3://artifacts/.*/smoke\.json"):
        stage(cloud).release(f"{PACKAGES}/3")


def test_a_model_that_was_registered_by_hand_has_no_known_rows(cloud):
    cloud.will("sagemaker", "describe_model_package", {**package(), "ModelMetrics": {}})
    with pytest.raises(DeploymentError, match="has no metrics"):
        stage(cloud).release(f"{PACKAGES}/3")


@pytest.mark.parametrize(
    ("facts", "sentence"),
    [({"status": "PendingManualApproval"}, "is not approved"), ({"group": "others"}, "is not in this project's")],
)
def test_unfit_model_packages_are_refused(facts, sentence):
    cloud = Cloud()
    cloud.has_package(3, **facts)
    with pytest.raises(DeploymentError, match=sentence):
        model_package.choose(f"{PACKAGES}/3", GROUP, cloud.client("sagemaker"))


def test_no_approved_model():
    cloud = Cloud()
    cloud.will("sagemaker", "list_model_packages", {"ModelPackageSummaryList": []})
    with pytest.raises(DeploymentError, match="has no approved model"):
        model_package.choose("", GROUP, cloud.client("sagemaker"))


def test_not_an_arn():
    with pytest.raises(DeploymentError, match="not the ARN"):
        model_package.choose("; rm -rf /", GROUP, Cloud().client("sagemaker"))


def test_unchanged_stacks_are_fine(cloud):
    cloud.has_package(3)
    for _ in range(2):
        cloud.will("cloudformation", "describe_stacks", stack(ModelPackageArn=f"{PACKAGES}/3"))
    message = "No updates are to be performed."
    cloud.stubs["cloudformation"].add_client_error("update_stack", "ValidationError", message)
    cloud.will("cloudformation", "describe_stacks", stack(ModelPackageArn=f"{PACKAGES}/3"))
    cloud.answers(9.5, 7.25)
    assert stage(cloud).release(f"{PACKAGES}/3").endpoint == "studio-p1-staging"


def test_a_failed_stack_says_which_resource_and_why(cloud):
    cloud.has_package(3)
    stub = cloud.stubs["cloudformation"]
    for _ in range(2):
        stub.add_response("describe_stacks", stack())
    stub.add_response("update_stack", {"StackId": "s"})
    stub.add_response("describe_stacks", stack("UPDATE_ROLLBACK_COMPLETE"))
    event = {
        "StackId": "s",
        "EventId": "e",
        "StackName": "s",
        "Timestamp": 0,
        "LogicalResourceId": "Endpoint",
        "ResourceStatus": "UPDATE_FAILED",
        "ResourceStatusReason": "alarm studio-p1-staging-errors",
    }
    stub.add_response("describe_stack_events", {"StackEvents": [event]})
    with pytest.raises(DeploymentError, match="Endpoint: alarm studio-p1-staging-errors"):
        stage(cloud).release(f"{PACKAGES}/3")


def test_another_account_is_entered_by_the_stages_role(cloud):
    role = "arn:aws:iam::444455556666:role/studio-deploy-p1-production"
    identity = {"Account": "111122223333", "Arn": "arn:aws:sts::111122223333:assumed-role/wf/1", "UserId": "u"}
    cloud.will("sts", "get_caller_identity", identity)
    found = {"AccessKeyId": "A" * 16, "SecretAccessKey": "s", "SessionToken": "t", "Expiration": 0}
    cloud.will("sts", "assume_role", {"Credentials": found}, {"RoleArn": role, "RoleSessionName": "deploy-p1"})
    settings = from_environment({**ENVIRONMENT, "DEPLOY_ACCOUNT": "444455556666"})
    assert target_session(settings, "production", cloud).get_credentials().token == "t"


def test_a_role_that_may_not_be_assumed_is_named(cloud):
    identity = {"Account": "111122223333", "Arn": "arn:aws:sts::111122223333:assumed-role/wf/1", "UserId": "u"}
    cloud.will("sts", "get_caller_identity", identity)
    cloud.stubs["sts"].add_client_error("assume_role", "AccessDenied")
    settings = from_environment({**ENVIRONMENT, "DEPLOY_ACCOUNT": "444455556666"})
    with pytest.raises(DeploymentError, match="role/studio-deploy-p1-staging"):
        target_session(settings, "staging", cloud)


def test_missing_settings_are_named():
    with pytest.raises(DeploymentError, match="REGION"):
        from_environment({**ENVIRONMENT, "REGION": ""})


def test_a_stage_has_its_own_tag_and_its_own_role_elsewhere():
    settings = from_environment(ENVIRONMENT)
    assert dict(settings.tags("production"))["studio:stage"] == "production"
    assert dict(settings.tags("production"))["AmazonDataZoneProject"] == "p1"
    named = from_environment({**ENVIRONMENT, "DEPLOY_ROLE_NAME": "Deployer-{project}"})
    assert named.deploy_role("staging") == "Deployer-p1"
    given = from_environment({**ENVIRONMENT, "ARTIFACT_BUCKET": "s3://artifacts/own/place/"})
    assert given.capture_uri("staging") == "s3://artifacts/own/place/capture/staging"
