"""The endpoint's CloudFormation stack, in the account that serves the model."""

from __future__ import annotations

from typing import Any

from botocore.exceptions import ClientError, WaiterError

from deployment.settings import DeploymentError, Settings

_WAIT = {"Delay": 15, "MaxAttempts": 200}
_NOTHING_TO_DO = "No updates are to be performed"


def target_session(settings: Settings, stage: str, session: Any) -> Any:
    """Return a session in DEPLOY_ACCOUNT: this one, or one that assumes the stage's deploy role there."""
    import boto3

    sts = session.client("sts")
    account = sts.get_caller_identity()["Account"]
    if settings.deploy_account in ("", account):
        return session
    partition = sts.get_caller_identity()["Arn"].split(":")[1]
    role = f"arn:{partition}:iam::{settings.deploy_account}:role/{settings.deploy_role(stage)}"
    try:
        found = sts.assume_role(RoleArn=role, RoleSessionName=f"deploy-{settings.project_id}"[:64])["Credentials"]
    except ClientError as error:
        raise DeploymentError(
            f"The workflow's role may not assume {role} ({error.response['Error']['Code']}); create it in the deploy "
            "account and let it trust the workflow's role; under another name, the administrator's setting "
            "[workflow_role] deploy_role and the variable DEPLOY_ROLE_NAME have to say the same."
        ) from error
    return boto3.Session(
        found["AccessKeyId"], found["SecretAccessKey"], found["SessionToken"], region_name=settings.region
    )


def parameters(name: str, cloudformation: Any) -> dict[str, str]:
    """Return a stack's parameters, none when there is no stack."""
    found = _stack(name, cloudformation)
    return {entry["ParameterKey"]: entry["ParameterValue"] for entry in found.get("Parameters", [])}


def deploy(
    name: str, template: str, parameters: dict[str, str], tags: tuple[tuple[str, str], ...], cloudformation: Any
) -> dict[str, str]:
    """Create or update the stack and wait; return its outputs. Raises DeploymentError with the reason it failed."""
    request = {
        "StackName": name,
        "TemplateBody": template,
        "Parameters": [{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
        "Tags": [{"Key": key, "Value": value} for key, value in tags],
    }
    state = _stack(name, cloudformation).get("StackStatus", "")
    if state in ("ROLLBACK_COMPLETE", "REVIEW_IN_PROGRESS"):  # a first deployment that failed cannot be updated
        cloudformation.delete_stack(StackName=name)
        cloudformation.get_waiter("stack_delete_complete").wait(StackName=name, WaiterConfig=_WAIT)
        state = ""
    try:
        if state:
            cloudformation.update_stack(**request)
        else:
            cloudformation.create_stack(**request, OnFailure="ROLLBACK")
        waiter = "stack_update_complete" if state else "stack_create_complete"
        cloudformation.get_waiter(waiter).wait(StackName=name, WaiterConfig=_WAIT)
    except ClientError as error:
        if _NOTHING_TO_DO not in str(error):
            raise
    except WaiterError as error:
        raise DeploymentError(f"The stack {name} failed: {_reason(name, cloudformation)}") from error
    outputs = _stack(name, cloudformation).get("Outputs", [])
    return {output["OutputKey"]: output["OutputValue"] for output in outputs}


def _stack(name: str, cloudformation: Any) -> dict[str, Any]:
    try:
        return dict(cloudformation.describe_stacks(StackName=name)["Stacks"][0])
    except ClientError as error:
        if "does not exist" in str(error):
            return {}
        raise


def _reason(name: str, cloudformation: Any) -> str:
    for event in cloudformation.describe_stack_events(StackName=name)["StackEvents"]:
        if event["ResourceStatus"].endswith("_FAILED") and "cancelled" not in event.get("ResourceStatusReason", ""):
            return f"{event['LogicalResourceId']}: {event.get('ResourceStatusReason', event['ResourceStatus'])}"
    return "see the stack's events"
