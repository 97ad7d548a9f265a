"""The states of the machine: read the event, know the project, wait for it, launch or terminate, follow, end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from products.project_setup.elsewhere import reading
from products.project_setup.states_language import State, call, choice, expression, fails, first_of

LAUNCHED_BY = "studio-mlops:launched-by"
PROJECT_SETUP = "project-setup"
LAUNCH_NAME_PREFIX = "studio-"  # one launch a project, whichever door: the name is unique in the account
DEPLOYMENT_WAITS = 26  # 30 s doubling to 15 min: five hours
DELETION_WAITS = 4  # 30 s doubling to 4 min: seven minutes and a half
# docs/studio.md, A36.
LEAVING = "$exists($states.result.ProjectStatus) and $contains($states.result.ProjectStatus, 'DELET')"
RECORD_WAITS = 80  # 15 s doubling to 2 min: two hours and a half, more than a launch may take


@dataclass(frozen=True)
class Setup:
    """What the state machine is made for. Values may be CDK tokens."""

    domain_id: str
    profiles: Sequence[str]
    product_id: str
    version: str
    organization: str
    topic_arn: str
    reader: str = ""  # the function that reads projects where the domain is another account's


def definition(setup: Setup) -> State:
    """Return the state machine in Amazon States Language."""
    return {
        "Comment": "Launches the product for a Studio project, and terminates it when the project is deleted",
        "QueryLanguage": "JSONata",
        "TimeoutSeconds": 12 * 3600,
        "StartAt": "ReadEvent",
        "States": {
            **_reading(setup),
            **_believing_the_deletion(),
            **_recognising_the_project(setup),
            **_waiting_for_the_project(),
            **_finding_the_launch(),
            **_launching(setup),
            **_terminating(),
            **_following(),
            **_ending(setup),
            **(reading(setup.reader, setup.domain_id, setup.profiles, LAUNCH_NAME_PREFIX) if setup.reader else {}),
        },
    }


def _reading(setup: Setup) -> dict[str, State]:
    """CloudTrail's events (CreateProject, DeleteProject) and Studio's own; ids in them are never redacted.

    Where Studio's own name domain and project is not published (docs/studio.md, A10).
    """
    project = first_of(
        "responseElements.id", "requestParameters.identifier", "metadata.owningProjectId", "data.projectId"
    )
    event_name = "$exists($states.input.detail.eventName) ? $states.input.detail.eventName : ''"
    return {
        "ReadEvent": {
            "Type": "Pass",
            "Assign": {
                "domain": expression(first_of("requestParameters.domainIdentifier", "metadata.domain")),
                "project": expression(project),
                "launchName": expression(f"'{LAUNCH_NAME_PREFIX}' & ({project})"),
                "token": expression(project),
                "projectName": expression(project),
                "profile": "",
                "event": expression(event_name),
                "waits": 0,
                "launch": "",
                "record": "",
                "reason": "",
            },
            "Next": "WhatHappened",
        },
        "WhatHappened": choice(
            (f"$domain != '{setup.domain_id}' or $project = ''", "NotOurs"),
            ("$event = 'DeleteProject'", "IsItDeleted"),
            default="GetProject",
        ),
    }


def _believing_the_deletion() -> dict[str, State]:
    """An event says that a project was deleted: only when Studio says so too does its launch end (0069)."""
    return {
        "IsItDeleted": call(
            "datazone",
            "getProject",
            {"DomainIdentifier": expression("$domain"), "Identifier": expression("$project")},
            assign={"leaving": LEAVING, "waits": "$waits + 1"},
            then="IsItLeaving",
            catch={"ResourceNotFoundException": "FindLaunchToEnd"},
        ),
        "IsItLeaving": choice(
            ("$leaving", "FindLaunchToEnd"), (f"$waits > {DELETION_WAITS}", "NotDeleted"), default="WaitForTheDeletion"
        ),
        # CloudTrail tells of the request; Studio shows it a moment later.
        "WaitForTheDeletion": {
            "Type": "Wait",
            "Seconds": expression("$min([15 * $power(2, $waits), 900])"),
            "Next": "IsItDeleted",
        },
    }


def _recognising_the_project(setup: Setup) -> dict[str, State]:
    profiles = ", ".join(f"'{name}'" for name in setup.profiles)
    details = "$states.result.EnvironmentDeploymentDetails"
    reasons = f"$join([{details}.EnvironmentFailureReasons.*.Message], '; ')"
    return {
        "GetProject": call(
            "datazone",
            "getProject",
            {"DomainIdentifier": expression("$domain"), "Identifier": expression("$project")},
            assign={
                "projectName": "$states.result.Name",
                "profileId": "$exists($states.result.ProjectProfileId) ? $states.result.ProjectProfileId : ''",
                "leaving": LEAVING,
                "deployment": f"$exists({details}.OverallDeploymentStatus) ? {details}.OverallDeploymentStatus : ''",
                "reason": f"$exists({details}.EnvironmentFailureReasons) ? {reasons} : ''",
            },
            then="WhichProfile",
            catch={"ResourceNotFoundException": "ProjectGone"},
        ),
        "WhichProfile": choice(
            ("$leaving", "ProjectGone"),
            ("$profileId = ''", "NotOurs"),
            ("$profile = ''", "GetProfile"),
            default="Deployed",
        ),
        "GetProfile": call(
            "datazone",
            "getProjectProfile",
            {"DomainIdentifier": expression("$domain"), "Identifier": expression("$profileId")},
            assign={"profile": "$states.result.Name"},
            then="IsItOurs",
        ),
        "IsItOurs": choice((f"$profile in [{profiles}]", "Deployed"), default="NotOurs"),
    }


def _waiting_for_the_project() -> dict[str, State]:
    return {
        "Deployed": {
            "Type": "Choice",
            "Choices": [
                {"Condition": expression("$deployment = 'SUCCESSFUL'"), "Next": "FindLaunch"},
                # Who only looked in leaves the rest to the execution that waits.
                {"Condition": expression("$event != 'CreateProject'"), "Next": "NotYet"},
                fails(
                    "$contains($deployment, 'FAILED')",
                    "'Studio could not deploy the project (' & $deployment & '): ' & $reason",
                ),
                fails(f"$waits >= {DEPLOYMENT_WAITS}", "'Studio has not deployed the project within five hours'"),
            ],
            "Default": "WaitForTheProject",
        },
        "WaitForTheProject": {
            "Type": "Wait",
            "Seconds": expression("$min([30 * $power(2, $waits), 900])"),
            "Assign": {"waits": expression("$waits + 1")},
            "Next": "GetProject",
        },
    }


def _finding_the_launch() -> dict[str, State]:
    """A launch by the project's name may be there already; one that failed goes first, since it keeps the name."""
    return {
        "FindLaunch": _find_launch(then="IsThereOne", missing="Launch"),
        "IsThereOne": choice(
            ("$lastRecord = $record", "WaitForRecord"),
            # A launch that failed left nothing running; under its name there can be no other until it is gone.
            ("$launchStatus = 'ERROR'", "EndFailedLaunch"),
            default="Launched",
        ),
        "EndFailedLaunch": call(
            "servicecatalog",
            "terminateProvisionedProduct",
            {"ProvisionedProductId": expression("$launch"), "TerminateToken": expression("'end-' & $lastRecord")},
            assign={"token": "$project & '-' & $lastRecord", "waits": "0"},
            then="WaitForFailedLaunchToEnd",
            catch={"ResourceNotFoundException": "Launch"},
        ),
        "WaitForFailedLaunchToEnd": {"Type": "Wait", "Seconds": 15, "Next": "IsFailedLaunchGone"},
        "IsFailedLaunchGone": call(
            "servicecatalog",
            "describeProvisionedProduct",
            {"Name": expression("$launchName")},
            assign={"waits": "$waits + 1"},
            then="StillThere",
            catch={"ResourceNotFoundException": "Launch"},
        ),
        "StillThere": {
            "Type": "Choice",
            "Choices": [
                fails("$waits > 40", "'An earlier launch failed and cannot be terminated; terminate ' & $launchName")
            ],
            "Default": "WaitForFailedLaunchToEnd",
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
        "Launch": call(
            "servicecatalog",
            "provisionProduct",
            {
                "ProductId": setup.product_id,
                "ProvisioningArtifactName": setup.version,
                "ProvisionedProductName": expression("$launchName"),
                "ProvisionToken": expression("$token"),
                "ProvisioningParameters": [
                    *({"Key": key, "Value": expression(value)} for key, value in parameters.items()),
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
        "IsItANewLaunch": choice(("$launchedBefore", "IsItStillThere"), default="WaitForRecord"),
        "IsItStillThere": _find_launch(then="IsThereOne", missing="LaunchAgain"),
        # The token is the same for all executions that got this record: they launch once.
        "LaunchAgain": {
            "Type": "Pass",
            "Assign": {"token": expression("$project & '-' & $record")},
            "Next": "Launch",
        },
    }


def _find_launch(then: str, missing: str) -> State:
    """Look a launch up by its name."""
    return call(
        "servicecatalog",
        "describeProvisionedProduct",
        {"Name": expression("$launchName")},
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
        "WhoLaunchedIt": call(
            "servicecatalog",
            "searchProvisionedProducts",
            {
                # docs/studio.md, A11
                "AccessLevelFilter": {"Key": "Account", "Value": "self"},
                "Filters": {"SearchQuery": [expression("'id:' & $launch")]},
            },
            assign={"ours": f"'{PROJECT_SETUP}' in [{mine}]"},
            then="EndIt",
        ),
        "EndIt": {
            "Type": "Choice",
            "Choices": [
                {"Condition": expression("$not($ours)"), "Next": "NotOurs"},
                fails(f"$waits >= {RECORD_WAITS}", "'The launch is busy and cannot be terminated: ' & $launchName"),
                {
                    "Condition": expression("$launchStatus in ['UNDER_CHANGE', 'PLAN_IN_PROGRESS']"),
                    "Next": "WaitForLaunch",
                },
            ],
            "Default": "Terminate",
        },
        "WaitForLaunch": {
            "Type": "Wait",
            "Seconds": expression("$min([15 * $power(2, $waits), 120])"),
            "Assign": {"waits": expression("$waits + 1")},
            "Next": "FindLaunchToEnd",
        },
        "Terminate": call(
            "servicecatalog",
            "terminateProvisionedProduct",
            {"ProvisionedProductId": expression("$launch"), "TerminateToken": expression("'end-' & $lastRecord")},
            assign={"record": "$states.result.RecordDetail.RecordId", "waits": "0"},
            then="WaitForRecord",
            catch={"ResourceNotFoundException": "NotOurs"},
        ),
    }


def _following() -> dict[str, State]:
    return {
        "WaitForRecord": {
            "Type": "Wait",
            "Seconds": expression("$min([15 * $power(2, $waits), 120])"),
            "Assign": {"waits": expression("$waits + 1")},
            "Next": "DescribeRecord",
        },
        "DescribeRecord": call(
            "servicecatalog",
            "describeRecord",
            {"Id": expression("$record")},
            assign={
                "recordStatus": "$states.result.RecordDetail.Status",
                "reason": "$join([$states.result.RecordDetail.RecordErrors.Description], '; ')",
            },
            then="IsItDone",
        ),
        "IsItDone": {
            "Type": "Choice",
            "Choices": [
                {"Condition": expression("$recordStatus = 'SUCCEEDED'"), "Next": "Done"},
                {"Condition": expression("$recordStatus = 'FAILED'"), "Next": "Notify"},
                fails(f"$waits >= {RECORD_WAITS}", "'Service Catalog has not finished the record ' & $record"),
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
                "Subject": expression("'Studio project ' & $project & ': repositories need attention'"),
                "Message": expression(message),
            },
            "Retry": [{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 2, "BackoffRate": 2, "MaxAttempts": 5}],
            "Next": "Failed",
        },
        "Failed": {"Type": "Fail", "Error": "ProjectSetupFailed", "Cause": expression("$reason")},
        **{
            name: {"Type": "Succeed"} for name in ("Done", "Launched", "NotYet", "NotOurs", "NotDeleted", "ProjectGone")
        },
    }
