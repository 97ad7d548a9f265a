"""From a model package to a stage that uses its configuration, and back again."""

from dataclasses import replace

import pytest
from botocore.stub import ANY
from example import ROOT
from project_facts import (
    ENVIRONMENT,
    GROUP,
    PACKAGES,
    PREFIX,
    PROFILE,
    SMOKE,
    Cloud,
    body,
    content,
    outputs,
    package,
    stack,
)

from deployment import evaluated, model_package
from deployment.configuration import StageModel, load
from deployment.release import Stage, template
from deployment.settings import DeploymentError, from_environment
from deployment.stack import target_session

CONFIGURATION = load(ROOT / "config.toml")
NONE = "Stack with id studio-p1-staging does not exist"
RIGHT = ("It is 60 DAYS.", "We are.")


@pytest.fixture
def cloud():
    made = Cloud()
    yield made
    made.all_used()


def stage(cloud, name="staging", configuration=CONFIGURATION, **environment):
    return Stage(name, from_environment({**ENVIRONMENT, **environment}), configuration, cloud)


def creates(cloud, number, expected=None):
    stub = cloud.stubs["cloudformation"]
    for _ in range(2):
        stub.add_client_error("describe_stacks", "ValidationError", NONE)
    stub.add_response("create_stack", {"StackId": "s"}, expected)
    for _ in range(2):
        stub.add_response("describe_stacks", stack("CREATE_COMPLETE", outputs(number)))


def updates(cloud, before, number, expected=None):
    stub = cloud.stubs["cloudformation"]
    for _ in range(2):
        stub.add_response("describe_stacks", before)
    stub.add_response("update_stack", {"StackId": "s"}, expected)
    for _ in range(2):
        stub.add_response("describe_stacks", stack(shown=outputs(number)))


def request(stage, current, previous, model_id=PROFILE, **more):
    """The stack's request: the package now, the package before, this stage's tags."""
    given = outputs(current, model_id)
    before = {"PreviousModelPackageArn": f"{PACKAGES}/{previous}" if previous else ""}
    tags = from_environment(ENVIRONMENT).tags(stage)
    return {
        "StackName": f"studio-p1-{stage}",
        "TemplateBody": template(given),
        "Parameters": [{"ParameterKey": key, "ParameterValue": value} for key, value in (given | before).items()],
        "Tags": [{"Key": key, "Value": value} for key, value in tags],
        **more,
    }


def test_the_latest_approved_configuration_goes_to_a_new_staging(cloud):
    summary = {"ModelPackageArn": f"{PACKAGES}/3", "CreationTime": 0, "ModelPackageStatus": "Completed"}
    cloud.will(
        "sagemaker",
        "list_model_packages",
        {"ModelPackageSummaryList": [summary]},
        {
            "ModelPackageGroupName": GROUP,
            "ModelApprovalStatus": "Approved",
            "SortBy": "CreationTime",
            "SortOrder": "Descending",
            "MaxResults": 1,
        },
    )
    cloud.has_package(3)
    cloud.answers(*RIGHT)
    creates(cloud, 3, request("staging", 3, None, OnFailure="ROLLBACK"))
    release = stage(cloud).release("")
    assert (release.package, release.previous, release.answered, release.asked) == (f"{PACKAGES}/3", "", 2, 2)
    assert "2 of 2 known prompts answered" in release.summary()


def test_production_gets_what_staging_uses_and_remembers_what_it_used(cloud):
    cloud.will("cloudformation", "describe_stacks", stack(ModelPackageArn=f"{PACKAGES}/4"))
    cloud.has_package(4)
    cloud.answers(*RIGHT)
    updates(cloud, stack(ModelPackageArn=f"{PACKAGES}/3"), 4, request("production", 4, 3))
    assert stage(cloud, "production").release("").previous == f"{PACKAGES}/3"


def test_production_needs_staging(cloud):
    cloud.stubs["cloudformation"].add_client_error("describe_stacks", "ValidationError", NONE)
    with pytest.raises(DeploymentError, match="Staging uses no configuration yet"):
        stage(cloud, "production").release("")


def test_the_same_configuration_again_keeps_what_was_before_it(cloud):
    cloud.has_package(4)
    cloud.answers(*RIGHT)
    before = stack(ModelPackageArn=f"{PACKAGES}/4", PreviousModelPackageArn=f"{PACKAGES}/3")
    updates(cloud, before, 4, request("staging", 4, 3))
    assert stage(cloud).release(f"{PACKAGES}/4").previous == f"{PACKAGES}/3"


def test_a_rollback_deploys_the_configuration_before(cloud):
    before = stack(ModelPackageArn=f"{PACKAGES}/4", PreviousModelPackageArn=f"{PACKAGES}/3")
    cloud.will("cloudformation", "describe_stacks", before)
    cloud.has_package(3)
    cloud.answers(*RIGHT)
    updates(cloud, before, 3, request("production", 3, 4))
    assert stage(cloud, "production").roll_back().package == f"{PACKAGES}/3"


def test_without_a_configuration_before_there_is_no_rollback(cloud):
    cloud.will("cloudformation", "describe_stacks", stack(ModelPackageArn=f"{PACKAGES}/4"))
    with pytest.raises(DeploymentError, match="has used no other configuration before"):
        stage(cloud).roll_back()


@pytest.mark.parametrize("name", ["staging", "production"])
def test_wrong_answers_change_nothing(cloud, name):
    """No call of CloudFormation is expected: the stage stays as it was."""
    cloud.has_package(3)
    cloud.answers("It is 90 days.", "We are.")
    with pytest.raises(DeploymentError, match=r"answered 1 of 2 known prompts.*wrong: q-1\. The stage stays as it was"):
        stage(cloud, name).release(f"{PACKAGES}/3")


@pytest.mark.parametrize("stop", ["max_tokens", "guardrail_intervened", "content_filtered"])
def test_an_answer_that_was_stopped_is_wrong(cloud, stop):
    cloud.has_package(3)
    cloud.answers(*RIGHT, stop=stop)
    with pytest.raises(DeploymentError, match="answered 0 of 2"):
        stage(cloud).release(f"{PACKAGES}/3")


def test_how_many_have_to_be_right_is_a_setting(cloud):
    lenient = replace(CONFIGURATION, smoke_test=replace(CONFIGURATION.smoke_test, share=0.5))
    cloud.has_package(3)
    cloud.answers("It is 90 days.", "We are.")
    creates(cloud, 3)
    assert stage(cloud, configuration=lenient).release(f"{PACKAGES}/3").answered == 1


def test_another_account_asks_its_own_profile_of_the_model(cloud):
    theirs = "arn:aws:bedrock:eu-west-1:444455556666:application-inference-profile/xyz"
    configuration = replace(CONFIGURATION, staging=StageModel(theirs))
    cloud.has_package(3)
    cloud.answers(*RIGHT, model_id=theirs)
    stub = cloud.stubs["cloudformation"]
    for _ in range(2):
        stub.add_client_error("describe_stacks", "ValidationError", NONE)
    stub.add_response("create_stack", {"StackId": "s"}, request("staging", 3, None, theirs, OnFailure="ROLLBACK"))
    for _ in range(2):
        stub.add_response("describe_stacks", stack("CREATE_COMPLETE", outputs(3, theirs)))
    assert stage(cloud, configuration=configuration).release(f"{PACKAGES}/3").model_id == theirs


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        ("AccessDeniedException", r"\[workflow_role\] bedrock_models.*Model catalog"),
        ("ThrottlingException", "Run this again later"),
        ("ValidationException", r"set the stage's model_id"),
    ],
)
def test_a_model_that_does_not_answer_says_why(cloud, code, sentence):
    cloud.has_package(3)
    cloud.stubs["bedrock-runtime"].add_client_error("converse", code, "No.")
    with pytest.raises(DeploymentError, match=rf"\({code}: No\)\. .*{sentence}"):
        stage(cloud).release(f"{PACKAGES}/3")


def test_without_known_prompts_nothing_is_deployed(cloud):
    cloud.has_package(3, smoke={"prompts": []})
    with pytest.raises(DeploymentError, match="There are no known prompts"):
        stage(cloud).release(f"{PACKAGES}/3")


def test_known_prompts_that_are_gone_are_named(cloud):
    cloud.has_package(3, smoke=None)
    cloud.stubs["s3"].add_client_error("get_object", "NoSuchKey")
    with pytest.raises(DeploymentError, match=r"cannot be read \(NoSuchKey\): s3://artifacts/.*/smoke\.json"):
        stage(cloud).release(f"{PACKAGES}/3")


def test_a_configuration_that_was_changed_after_its_evaluation_is_refused(cloud):
    """Whoever may write the project's files could change it; the registry knows its hash."""
    cloud.has_package(3, smoke=None, file=content(system="Say yes to everything."))
    with pytest.raises(DeploymentError, match="was changed after it was evaluated"):
        stage(cloud).release(f"{PACKAGES}/3")


@pytest.mark.parametrize(
    ("properties", "sentence"),
    [
        (
            {"configuration": "s3://artifacts/dzd_1/p2/dev/code/c3/configuration.json"},
            "is not in this project's S3 location",
        ),
        (
            {"configuration": "s3://artifacts/dzd_1/p1/development/configuration.json"},
            "is not in this project's S3 location",
        ),
        ({"configuration": ""}, "names no configuration"),
        ({"configuration_sha256": ""}, "names no configuration"),
    ],
)
def test_a_package_of_something_else_is_refused(cloud, properties, sentence):
    found = package(3, **properties)
    found["CustomerMetadataProperties"] = {
        key: value for key, value in found["CustomerMetadataProperties"].items() if value
    }
    cloud.will("sagemaker", "describe_model_package", found)
    with pytest.raises(DeploymentError, match=sentence):
        stage(cloud).release(f"{PACKAGES}/3")


def test_a_package_of_a_trained_model_is_refused(cloud):
    found = {key: value for key, value in package(3).items() if key != "CustomerMetadataProperties"}
    cloud.will("sagemaker", "describe_model_package", found)
    with pytest.raises(DeploymentError, match="names no configuration"):
        stage(cloud).release(f"{PACKAGES}/3")


def test_a_configuration_of_another_format_is_refused(cloud):
    import hashlib

    later = content(format=2)
    digest = hashlib.sha256(later).hexdigest()
    cloud.has_package(3, smoke=None, file=later, configuration_sha256=digest)
    with pytest.raises(DeploymentError, match="has a format that this version does not know"):
        stage(cloud).release(f"{PACKAGES}/3")


def test_a_stack_that_shows_something_else_is_no_deployment(cloud):
    cloud.has_package(3)
    cloud.answers(*RIGHT)
    creates(cloud, 4)
    with pytest.raises(DeploymentError, match="does not show what was deployed"):
        stage(cloud).release(f"{PACKAGES}/3")


@pytest.mark.parametrize(
    ("facts", "sentence"),
    [({"status": "PendingManualApproval"}, "is not approved"), ({"group": "others"}, "is not in this project's")],
)
def test_unfit_model_packages_are_refused(facts, sentence):
    cloud = Cloud()
    cloud.will("sagemaker", "describe_model_package", package(3, **facts))
    with pytest.raises(DeploymentError, match=sentence):
        model_package.choose(f"{PACKAGES}/3", GROUP, cloud.client("sagemaker"))


def test_no_approved_configuration():
    cloud = Cloud()
    cloud.will("sagemaker", "list_model_packages", {"ModelPackageSummaryList": []})
    with pytest.raises(DeploymentError, match="has no approved model"):
        model_package.choose("", GROUP, cloud.client("sagemaker"))


def test_not_an_arn():
    with pytest.raises(DeploymentError, match="not the ARN"):
        model_package.choose("; rm -rf /", GROUP, Cloud().client("sagemaker"))


def test_a_failed_stack_says_which_resource_and_why(cloud):
    cloud.has_package(3)
    cloud.answers(*RIGHT)
    stub = cloud.stubs["cloudformation"]
    for _ in range(2):
        stub.add_response("describe_stacks", stack())
    stub.add_response("update_stack", {"StackId": "s"}, {**request("staging", 3, None), "TemplateBody": ANY})
    stub.add_response("describe_stacks", stack("UPDATE_ROLLBACK_COMPLETE"))
    event = {
        "StackId": "s",
        "EventId": "e",
        "StackName": "s",
        "Timestamp": 0,
        "LogicalResourceId": "Release1",
        "ResourceStatus": "CREATE_FAILED",
        "ResourceStatusReason": "limit exceeded",
    }
    stub.add_response("describe_stack_events", {"StackEvents": [event]})
    with pytest.raises(DeploymentError, match="Release1: limit exceeded"):
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
    assert given.location == "s3://artifacts/own/place"


def test_an_application_asks_as_the_evaluation_did():
    cloud = Cloud()
    cloud.will("s3", "get_object", {"Body": body(content())})
    shown = outputs(3)
    found = evaluated.read(shown["ConfigurationUri"], shown["ConfigurationSha256"], cloud.client("s3"))
    text = found.question("Say {context}", "see {prompt}")
    assert text == "Say {context}\nsee {prompt}"
    assert found.request(text)["modelId"] == PROFILE
    assert found.request(text, "theirs")["modelId"] == "theirs"
    assert f"/{PREFIX}/" in found.uri
    assert len(SMOKE["prompts"]) == 2
