"""The second door: a state machine that launches the product when a project was created, and terminates it after.

No function and no database: Step Functions calls DataZone and Service Catalog itself. An execution for CreateProject
waits; one for a finished environment only looks, which wakes the launch up at once; the launch's name and token make
all of them one (docs/decisions/0042). Expressions are JSONata.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

LAUNCHED_BY = "studio-mlops:launched-by"
PROJECT_SETUP = "project-setup"
LAUNCH_NAME_PREFIX = "studio-"  # one launch a project, whichever door: the name is unique in the account
DEPLOYMENT_WAITS = 26  # 30 s doubling to 15 min: five hours
RECORD_WAITS = 80  # 15 s doubling to 2 min: two hours and a half, more than a launch may take
_PREFIXES = {"datazone": "DataZone", "servicecatalog": "ServiceCatalog"}  # of Step Functions' error names
# What may pass by itself. An error that the service's model does not name, as Service Catalog's throttling, is called
# after the service: ServiceCatalog.ServiceCatalogException.
_PASSING = ("ThrottlingException", "InternalServerException", "SdkClientException", "InternalFailureException")

State = dict[str, Any]


@dataclass(frozen=True)
class Setup:
    """What the state machine is made for. Values may be CDK tokens."""

    domain_id: str
    profiles: Sequence[str]
    product_id: str
    version: str
    organization: str
    topic_arn: str


def definition(setup: Setup) -> State:
    """Return the state machine in Amazon States Language."""
    return {
        "Comment": "Launches the product for a Studio project, and terminates it when the project is deleted",
        "QueryLanguage": "JSONata",
        "TimeoutSeconds": 12 * 3600,
        "StartAt": "ReadEvent",
        "States": {
            **_reading(setup),
            **_waiting_for_the_project(setup),
            **_launching(setup),
            **_terminating(),
            **_following(),
            **_ending(setup),
        },
    }


def _expression(text: str) -> str:
    return f"{{% {text} %}}"


def _call(
    service: str,
    action: str,
    arguments: Mapping[str, Any],
    *,
    assign: Mapping[str, str],
    then: str,
    catch: Mapping[str, str] | None = None,
    explained: Mapping[str, str] | None = None,
) -> State:
    """A call of an AWS API: throttling is retried with backoff and jitter.

    `catch` maps expected errors to states, and `explained` those that may have to be told: they become the reason.
    """
    prefix = _PREFIXES[service]
    reason = {"reason": _expression("$states.errorOutput.Error & ': ' & $states.errorOutput.Cause")}
    return {
        "Type": "Task",
        "Resource": f"arn:aws:states:::aws-sdk:{service}:{action}",
        "Arguments": dict(arguments),
        "Assign": {name: _expression(text) for name, text in assign.items()},
        "Retry": [
            {
                "ErrorEquals": [f"{prefix}.{error}" for error in (*_PASSING, f"{prefix}Exception")],
                "IntervalSeconds": 2,
                "BackoffRate": 2,
                "MaxAttempts": 8,
                "MaxDelaySeconds": 120,
                "JitterStrategy": "FULL",
            }
        ],
        "Catch": [
            *({"ErrorEquals": [f"{prefix}.{error}"], "Next": state} for error, state in (catch or {}).items()),
            *(
                {"ErrorEquals": [f"{prefix}.{error}"], "Assign": reason, "Next": state}
                for error, state in (explained or {}).items()
            ),
            {"ErrorEquals": ["States.ALL"], "Assign": reason, "Next": "Notify"},
        ],
        "Next": then,
    }


def _choice(*choices: tuple[str, str], default: str) -> State:
    return {
        "Type": "Choice",
        "Choices": [{"Condition": _expression(condition), "Next": state} for condition, state in choices],
        "Default": default,
    }


def _fails(condition: str, reason: str) -> State:
    """A branch of a choice that ends in a notification."""
    return {"Condition": _expression(condition), "Assign": {"reason": _expression(reason)}, "Next": "Notify"}


def _first_of(*paths: str) -> str:
    """The first of the event's fields that is there; "" when none is."""
    text = "''"
    for path in reversed(paths):
        text = f"$exists($states.input.detail.{path}) ? $states.input.detail.{path} : ({text})"
    return text


def _reading(setup: Setup) -> dict[str, State]:
    """CloudTrail's events (CreateProject, DeleteProject) and Studio's own; ids in them are never redacted."""
    project = _first_of(
        "responseElements.id", "requestParameters.identifier", "metadata.owningProjectId", "data.projectId"
    )
    event_name = "$exists($states.input.detail.eventName) ? $states.input.detail.eventName : ''"
    return {
        "ReadEvent": {
            "Type": "Pass",
            "Assign": {
                "domain": _expression(_first_of("requestParameters.domainIdentifier", "metadata.domain")),
                "project": _expression(project),
                "launchName": _expression(f"'{LAUNCH_NAME_PREFIX}' & ({project})"),
                "token": _expression(project),
                "projectName": _expression(project),
                "profile": "",
                "event": _expression(event_name),
                "waits": 0,
                "launch": "",
                "record": "",
                "reason": "",
            },
            "Next": "WhatHappened",
        },
        "WhatHappened": _choice(
            (f"$domain != '{setup.domain_id}' or $project = ''", "NotOurs"),
            ("$event = 'DeleteProject'", "FindLaunchToEnd"),
            default="GetProject",
        ),
    }


def _waiting_for_the_project(setup: Setup) -> dict[str, State]:
    profiles = ", ".join(f"'{name}'" for name in setup.profiles)
    details = "$states.result.EnvironmentDeploymentDetails"
    reasons = f"$join([{details}.EnvironmentFailureReasons.*.Message], '; ')"
    return {
        "GetProject": _call(
            "datazone",
            "getProject",
            {"DomainIdentifier": _expression("$domain"), "Identifier": _expression("$project")},
            assign={
                "projectName": "$states.result.Name",
                "profileId": "$exists($states.result.ProjectProfileId) ? $states.result.ProjectProfileId : ''",
                "leaving": "$exists($states.result.ProjectStatus) and $contains($states.result.ProjectStatus, 'DELET')",
                "deployment": f"$exists({details}.OverallDeploymentStatus) ? {details}.OverallDeploymentStatus : ''",
                "reason": f"$exists({details}.EnvironmentFailureReasons) ? {reasons} : ''",
            },
            then="WhichProfile",
            catch={"ResourceNotFoundException": "ProjectGone"},
        ),
        "WhichProfile": _choice(
            ("$leaving", "ProjectGone"),
            ("$profileId = ''", "NotOurs"),
            ("$profile = ''", "GetProfile"),
            default="Deployed",
        ),
        "GetProfile": _call(
            "datazone",
            "getProjectProfile",
            {"DomainIdentifier": _expression("$domain"), "Identifier": _expression("$profileId")},
            assign={"profile": "$states.result.Name"},
            then="IsItOurs",
        ),
        "IsItOurs": _choice((f"$profile in [{profiles}]", "Deployed"), default="NotOurs"),
        "Deployed": {
            "Type": "Choice",
            "Choices": [
                {"Condition": _expression("$deployment = 'SUCCESSFUL'"), "Next": "FindLaunch"},
                # Who only looked in leaves the rest to the execution that waits.
                {"Condition": _expression("$event != 'CreateProject'"), "Next": "NotYet"},
                _fails(
                    "$contains($deployment, 'FAILED')",
                    "'Studio could not deploy the project (' & $deployment & '): ' & $reason",
                ),
                _fails(f"$waits >= {DEPLOYMENT_WAITS}", "'Studio has not deployed the project within five hours'"),
            ],
            "Default": "WaitForTheProject",
        },
        "WaitForTheProject": {
            "Type": "Wait",
            "Seconds": _expression("$min([30 * $power(2, $waits), 900])"),
            "Assign": {"waits": _expression("$waits + 1")},
            "Next": "GetProject",
        },
    }


def _launching(setup: Setup) -> dict[str, State]:
    parameters = {
        "DomainId": "$domain",
        "ProjectId": "$project",
        "ProjectName": "$projectName",
        "ProfileName": "$profile",
    }
    created, begun = "$states.result.RecordDetail.CreatedTime", "$states.context.Execution.StartTime"
    return {
        "FindLaunch": _find_launch(then="IsThereOne", missing="Launch"),
        "IsThereOne": _choice(
            ("$lastRecord = $record", "WaitForRecord"),
            # A launch that failed left nothing running; under its name there can be no other until it is gone.
            ("$launchStatus = 'ERROR'", "EndFailedLaunch"),
            default="Launched",
        ),
        "EndFailedLaunch": _call(
            "servicecatalog",
            "terminateProvisionedProduct",
            {"ProvisionedProductId": _expression("$launch"), "TerminateToken": _expression("'end-' & $lastRecord")},
            assign={"token": "$project & '-' & $lastRecord", "waits": "0"},
            then="WaitForFailedLaunchToEnd",
            catch={"ResourceNotFoundException": "Launch"},
        ),
        "WaitForFailedLaunchToEnd": {"Type": "Wait", "Seconds": 15, "Next": "IsFailedLaunchGone"},
        "IsFailedLaunchGone": _call(
            "servicecatalog",
            "describeProvisionedProduct",
            {"Name": _expression("$launchName")},
            assign={"waits": "$waits + 1"},
            then="StillThere",
            catch={"ResourceNotFoundException": "Launch"},
        ),
        "StillThere": {
            "Type": "Choice",
            "Choices": [
                _fails("$waits > 40", "'An earlier launch failed and cannot be terminated; terminate ' & $launchName")
            ],
            "Default": "WaitForFailedLaunchToEnd",
        },
        "Launch": _call(
            "servicecatalog",
            "provisionProduct",
            {
                "ProductId": setup.product_id,
                "ProvisioningArtifactName": setup.version,
                "ProvisionedProductName": _expression("$launchName"),
                "ProvisionToken": _expression("$token"),
                "ProvisioningParameters": [
                    *({"Key": key, "Value": _expression(value)} for key, value in parameters.items()),
                    {"Key": "Organization", "Value": setup.organization},
                ],
                "Tags": [{"Key": LAUNCHED_BY, "Value": PROJECT_SETUP}],
            },
            assign={
                "record": "$states.result.RecordDetail.RecordId",
                "launchedBefore": f"$exists({created}) and $toMillis({created}) < $toMillis({begun})",
                "waits": "0",
            },
            then="IsItANewLaunch",
            # The name is taken ("A stack named ... already exists"), or the launch is refused for good.
            explained=dict.fromkeys(("InvalidParametersException", "DuplicateResourceException"), "WhoHasTheName"),
        ),
        "WhoHasTheName": _find_launch(then="IsThereOne", missing="Notify"),
        # A token that was used is answered with its record, also when that launch was terminated since.
        "IsItANewLaunch": _choice(("$launchedBefore", "IsItStillThere"), default="WaitForRecord"),
        "IsItStillThere": _find_launch(then="IsThereOne", missing="LaunchAgain"),
        # The token is the same for all executions that got this record: they launch once.
        "LaunchAgain": {
            "Type": "Pass",
            "Assign": {"token": _expression("$project & '-' & $record")},
            "Next": "Launch",
        },
    }


def _find_launch(then: str, missing: str) -> State:
    """Look a launch up by its name."""
    return _call(
        "servicecatalog",
        "describeProvisionedProduct",
        {"Name": _expression("$launchName")},
        assign={
            "launch": "$states.result.ProvisionedProductDetail.Id",
            "launchStatus": "$states.result.ProvisionedProductDetail.Status",
            "lastRecord": "$states.result.ProvisionedProductDetail.LastRecordId",
        },
        then=then,
        catch={"ResourceNotFoundException": missing},
    )


def _terminating() -> dict[str, State]:
    mine = f"$states.result.ProvisionedProducts[Id = $launch].Tags[Key = '{LAUNCHED_BY}'].Value"
    return {
        "FindLaunchToEnd": _find_launch(then="WhoLaunchedIt", missing="NotOurs"),
        # A launch by the blueprint has the same name; Studio ends that one with its environment.
        "WhoLaunchedIt": _call(
            "servicecatalog",
            "searchProvisionedProducts",
            {
                "AccessLevelFilter": {"Key": "Account", "Value": "self"},
                "Filters": {"SearchQuery": [_expression("'id:' & $launch")]},
            },
            assign={"ours": f"'{PROJECT_SETUP}' in [{mine}]"},
            then="EndIt",
        ),
        "EndIt": {
            "Type": "Choice",
            "Choices": [
                {"Condition": _expression("$not($ours)"), "Next": "NotOurs"},
                _fails(f"$waits >= {RECORD_WAITS}", "'The launch is busy and cannot be terminated: ' & $launchName"),
                {
                    "Condition": _expression("$launchStatus in ['UNDER_CHANGE', 'PLAN_IN_PROGRESS']"),
                    "Next": "WaitForLaunch",
                },
            ],
            "Default": "Terminate",
        },
        "WaitForLaunch": {
            "Type": "Wait",
            "Seconds": _expression("$min([15 * $power(2, $waits), 120])"),
            "Assign": {"waits": _expression("$waits + 1")},
            "Next": "FindLaunchToEnd",
        },
        "Terminate": _call(
            "servicecatalog",
            "terminateProvisionedProduct",
            {"ProvisionedProductId": _expression("$launch"), "TerminateToken": _expression("'end-' & $lastRecord")},
            assign={"record": "$states.result.RecordDetail.RecordId", "waits": "0"},
            then="WaitForRecord",
            catch={"ResourceNotFoundException": "NotOurs"},
        ),
    }


def _following() -> dict[str, State]:
    return {
        "WaitForRecord": {
            "Type": "Wait",
            "Seconds": _expression("$min([15 * $power(2, $waits), 120])"),
            "Assign": {"waits": _expression("$waits + 1")},
            "Next": "DescribeRecord",
        },
        "DescribeRecord": _call(
            "servicecatalog",
            "describeRecord",
            {"Id": _expression("$record")},
            assign={
                "recordStatus": "$states.result.RecordDetail.Status",
                "reason": "$join([$states.result.RecordDetail.RecordErrors.Description], '; ')",
            },
            then="IsItDone",
        ),
        "IsItDone": {
            "Type": "Choice",
            "Choices": [
                {"Condition": _expression("$recordStatus = 'SUCCEEDED'"), "Next": "Done"},
                {"Condition": _expression("$recordStatus = 'FAILED'"), "Next": "Notify"},
                _fails(f"$waits >= {RECORD_WAITS}", "'Service Catalog has not finished the record ' & $record"),
            ],
            "Default": "WaitForRecord",
        },
    }


def _ending(setup: Setup) -> dict[str, State]:
    message = (
        "'The Studio project ' & $projectName & ' (' & $project & ', domain ' & $domain & ') '"
        " & ($event = 'DeleteProject' ? 'was deleted, but its product could not be terminated: '"
        " : 'did not get its repositories: ') & $reason & '. See the execution ' & $states.context.Execution.Id"
    )
    return {
        "Notify": {
            "Type": "Task",
            "Resource": "arn:aws:states:::sns:publish",
            "Arguments": {
                "TopicArn": setup.topic_arn,
                "Subject": _expression("'Studio project ' & $project & ': repositories need attention'"),
                "Message": _expression(message),
            },
            "Retry": [{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 2, "BackoffRate": 2, "MaxAttempts": 5}],
            "Next": "Failed",
        },
        "Failed": {"Type": "Fail", "Error": "ProjectSetupFailed", "Cause": _expression("$reason")},
        **{name: {"Type": "Succeed"} for name in ("Done", "Launched", "NotYet", "NotOurs", "ProjectGone")},
    }
