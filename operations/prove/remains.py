"""What a project's workflows have left in the account: they run on GitHub, so only what they made can be seen."""

from __future__ import annotations

from typing import Any

from custom_resources.clients.aws import CLOUDFORMATION, DATAZONE, SAGEMAKER, Service
from custom_resources.clients.service_catalog import PROJECT_TAG
from custom_resources.errors import AwsNotFound, FinalError
from operations.prove.facts import Waiters, Workflows
from operations.prove.looking import Proof, stack_parameters, stack_tags
from products.settings import PRODUCTION

FOUNDATION_STACK = "FoundationStack"
S3 = Service("S3", "s3")
_ADD_TAGS = "sagemaker:AddTags"


def foundation(proof: Proof) -> None:
    """See FoundationStack's state machines and their key."""
    with proof.aws.about("A33"):
        if not proof.described_stack(FOUNDATION_STACK):
            return
        listed = proof.aws.pages(
            CLOUDFORMATION, "list_stack_resources", "StackResourceSummaries", StackName=FOUNDATION_STACK
        )
        events = proof.aws.pages(CLOUDFORMATION, "describe_stack_events", "StackEvents", StackName=FOUNDATION_STACK)
    of_type = [item for item in listed if item["ResourceType"] == "AWS::StepFunctions::StateMachine"]
    key = [item for item in listed if item["LogicalResourceId"].startswith("RequestsKey")]
    proof.facts.waiters = Waiters(
        key=next((item["ResourceStatus"] for item in key if item["ResourceType"] == "AWS::KMS::Key"), ""),
        machines={item["LogicalResourceId"]: item["ResourceStatus"] for item in of_type},
        refused=_refused(events, "kms:Decrypt"),
    )


def environment_stacks(proof: Proof) -> None:
    """See whether the stacks of the project's environments say whose they are."""
    domain, project = proof.state.domain, proof.state.project
    with proof.aws.about("A38"):
        for item in proof.aws.pages(DATAZONE, "list_environments", "items", **proof.of_project()):
            stack = proof.described_stack(f"DataZone-Env-{item['id']}")
            if not stack:
                continue
            tags, parameters = stack_tags(stack), stack_parameters(stack)
            filled_in = (
                parameters.get("datazoneEnvironmentDomainId"),
                parameters.get("datazoneEnvironmentProjectId"),
            )
            told = {"tags": (tags.get("AmazonDataZoneDomain"), tags.get(PROJECT_TAG)), "parameters": filled_in}
            found = [where for where, names in told.items() if names == (domain, project)]
            proof.facts.stacks[item["name"]] = " and ".join(found)


def workflows(proof: Proof) -> None:
    """See the project's pipeline, its last execution, and the stacks that its deployments made."""
    found = proof.facts.workflows = Workflows()
    with proof.aws.about("A14", "A16", "A30", "A31", "A32"):
        pipelines = proof.aws.ask(
            SAGEMAKER,
            "search",
            Resource="Pipeline",
            SearchExpression={
                "Filters": [{"Name": f"Tags.{PROJECT_TAG}", "Operator": "Equals", "Value": proof.state.project}]
            },
            SortBy="CreationTime",
            SortOrder="Descending",
        )["Results"]
        if pipelines:
            pipeline = pipelines[0]["Pipeline"]
            found.pipeline = pipeline["PipelineName"]
            found.created_by = pipeline.get("CreatedBy", {}).get("IamIdentity", {}).get("Arn", "")
            _execution(proof, found)
            found.bucket_key = _bucket_key(proof)
        for stage in sorted({"staging", PRODUCTION, *proof.settings.workflow_role.environments}):
            _deployed(proof, found, f"studio-{proof.state.project}-{stage}")


def _execution(proof: Proof, found: Workflows) -> None:
    executions = proof.aws.ask(
        SAGEMAKER,
        "list_pipeline_executions",
        PipelineName=found.pipeline,
        SortBy="CreationTime",
        SortOrder="Descending",
    )["PipelineExecutionSummaries"]
    if not executions:
        return
    found.execution = executions[0]["PipelineExecutionArn"]
    tags = proof.aws.pages(SAGEMAKER, "list_tags", "Tags", ResourceArn=found.execution)
    found.execution_tagged = {"Key": PROJECT_TAG, "Value": proof.state.project} in tags
    steps = proof.aws.pages(
        SAGEMAKER, "list_pipeline_execution_steps", "PipelineExecutionSteps", PipelineExecutionArn=found.execution
    )
    found.steps = sum(any(kind.endswith("Job") for kind in step.get("Metadata", {})) for step in steps)
    found.step_refused = next((why for step in steps if _ADD_TAGS in (why := str(step.get("FailureReason", "")))), "")


def _bucket_key(proof: Proof) -> str:
    """Return the key that the project's bucket encrypts with by default, "" for S3's own or where it is unknown."""
    location = proof.facts.workspace.location if proof.facts.workspace else ""
    if not location or not proof.facts.domain_key:
        return ""
    try:
        answer = proof.aws.ask(S3, "get_bucket_encryption", Bucket=location.split("/")[2])
    except FinalError:
        return ""
    rules = answer["ServerSideEncryptionConfiguration"]["Rules"]
    return str(rules[0].get("ApplyServerSideEncryptionByDefault", {}).get("KMSMasterKeyID", "")) if rules else ""


def _deployed(proof: Proof, found: Workflows, stack: str) -> None:
    """See what a deployment's stack has, and whether setting tags was ever denied to it."""
    try:
        events = proof.aws.pages(CLOUDFORMATION, "describe_stack_events", "StackEvents", StackName=stack)
    except AwsNotFound:
        return
    made = {event["ResourceType"] for event in events if event["ResourceStatus"] == "CREATE_COMPLETE"}
    of_sagemaker = {kind for kind in made if kind.startswith("AWS::SageMaker::")}
    found.deployed = sorted({*found.deployed, *of_sagemaker})
    found.deploy_refused = found.deploy_refused or _refused(events, _ADD_TAGS)


def _refused(events: list[dict[str, Any]], action: str) -> str:
    """Return the newest reason of a failed event that names the action."""
    failed = [event for event in events if event["ResourceStatus"].endswith("_FAILED")]
    reasons = [str(event.get("ResourceStatusReason", "")) for event in failed]
    return next((reason for reason in reasons if action in reason), "")
