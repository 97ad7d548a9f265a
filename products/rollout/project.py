"""The machine that updates one project: it always succeeds, and writes the project's result to S3.

It calls Service Catalog three times at most: to update (a token makes that one update, however often it is sent), for
the record when the stack is stable, and, where that refused, for the launch's last record. All other reads are
CloudFormation's, which cost nothing.
"""

from __future__ import annotations

from products.project_setup.states_language import State, expression
from products.rollout.names import Places
from products.rollout.outcome import HEALTHY, judging, reporting
from products.rollout.pace import STUCK_SECONDS, asking_whether, waiting_its_turn
from products.rollout.states import NOW, any_of, assigned, chosen, result_key, stuck, task, wait

DEADLINE_SECONDS = 3 * 3600  # of an update: each of the stack's resources may take an hour
UNCHANGED_POLLS = 4  # about two minutes in which CloudFormation has nothing to do: then the record knows
TIMEOUT_SECONDS = 90 * 24 * 3600  # of an execution, which may wait for an opening time
UPDATABLE = ("CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "IMPORT_COMPLETE")
DELETED = ("DELETE_IN_PROGRESS", "DELETE_COMPLETE")
_STACK = "$states.result.Stacks[0]"
_IS_THERE = "$outputs.BuildTemplateVersion = $version and $outputs.DeployTemplateVersion = $version"


def project_definition(places: Places) -> State:
    """Return the machine in Amazon States Language. Its input is a wave's item, the rollout's id and its execution.

    `failed` in the input means that an execution for the project failed: then only that is noted.
    """
    return {
        "Comment": "Updates one project to the version of the rollout, and writes what became of it",
        "QueryLanguage": "JSONata",
        "TimeoutSeconds": TIMEOUT_SECONDS,
        "StartAt": "Begin",
        "States": {
            **_beginning(places),
            **asking_whether(places),
            **waiting_its_turn(places),
            **_looking_at_the_stack(),
            **_updating(),
            **_waiting_for_others(),
            **_following(places),
            **judging(),
            **reporting(places),
        },
    }


def _beginning(places: Places) -> dict[str, State]:
    given = "$states.input"
    return {
        "Begin": assigned(
            "HasResult",
            rollout=f"{given}.rollout",
            run=f"{given}.run",
            launch=f"{given}.project.launch",
            name=f"{given}.project.name",
            stack=f"{given}.project.stack",
            record=f"{given}.project.record",
            failure=f"$exists({given}.failed) ? $string({given}.failed) : ''",
            path="''",
            looked="false",
            told="false",
            slot="0",
            begun="0",
            polls="0",
            asks="0",
            waited="false",
            reason="''",
            outcome="''",
            outputs="{}",
        ),
        # Who has a result is through with this rollout, whoever wrote it: nothing is done twice.
        "HasResult": task(
            "aws-sdk:s3",
            "listObjectsV2",
            {"Bucket": places.bucket, "Prefix": expression(result_key()), "MaxKeys": 1},
            "IsItThere",
            assign={"there": "$states.result.KeyCount > 0"},
            otherwise="Failed",
        ),
        "IsItThere": chosen(("$there", "Done"), default="Look"),
        "BrokeOff": assigned("Failed", reason="'Its execution broke off: ' & $failure"),
    }


def _stack_read() -> dict[str, str]:
    return {
        "status": f"{_STACK}.StackStatus",
        "updated": f"$exists({_STACK}.LastUpdatedTime) ? {_STACK}.LastUpdatedTime : ''",
        "outputs": f"$exists({_STACK}.Outputs) ? {_STACK}.Outputs{{OutputKey: OutputValue}} : {{}}",
        "kept": f"[{_STACK}.Parameters.ParameterKey]",
    }


def _looking_at_the_stack() -> dict[str, State]:
    return {
        "DescribeStack": task(
            "aws-sdk:cloudformation",
            "describeStacks",
            {"StackName": expression("$stack")},
            "WhatIsThere",
            assign=_stack_read(),
            otherwise="Failed",
        ),
        "WhatIsThere": chosen(
            # An earlier run, or somebody else, brought it there.
            (f"$status in {any_of(HEALTHY)} and {_IS_THERE}", "Succeeded"),
            (f"$status in {any_of(DELETED)}", "Gone"),
            (f"$status in {any_of(UPDATABLE)} or $contains($status, 'IN_PROGRESS')", "HowManyPaths"),
            default="Stopped",
        ),
        "Stopped": assigned("Skipped", reason="'Its stack is ' & $status & '; repair it'"),
        "HowManyPaths": chosen(("$severalPaths and $not($looked)", "LookAtLastRecord"), default="Update"),
    }


def _updating() -> dict[str, State]:
    parameters = "[$map($names[$ in $kept], function($name) {{'Key': $name, 'UsePreviousValue': true}})]"
    request = (
        "$merge([{'ProvisionedProductId': $launch, 'ProductId': $product, 'ProvisioningArtifactId': $versionId,"
        # A parameter that is new takes its default.
        f" 'ProvisioningParameters': {parameters},"
        " 'UpdateToken': $substring('rollout-' & $versionId & '-' & $record, 0, 128)},"
        " $path = '' ? {} : {'PathId': $path}])"
    )
    return {
        "Update": task(
            "aws-sdk:servicecatalog",
            "updateProvisionedProduct",
            expression(request),
            "WaitForStack",
            assign={
                "recordId": "$states.result.RecordDetail.RecordId",
                "before": "$updated",
                "begun": NOW,
                "polls": "0",
            },
            catch={"InvalidParametersException": "Refused", "ResourceNotFoundException": "Refused"},
            otherwise="Failed",
        ),
        # The launch is being changed, is gone, or the product is there by several paths: its last record tells.
        "Refused": chosen(("$looked", "SeeWhetherItIsBusy"), default="LookAtLastRecord"),
        "LookAtLastRecord": task(
            "aws-sdk:servicecatalog",
            "describeRecord",
            {"Id": expression("$record")},
            "WhatIsKnown",
            assign={
                "looked": "true",
                "path": "$exists($states.result.RecordDetail.PathId) ? $states.result.RecordDetail.PathId : ''",
                "running": "$states.result.RecordDetail.Status in ['CREATED', 'IN_PROGRESS', 'IN_PROGRESS_IN_ERROR']",
                "isOurs": "$states.result.RecordDetail.ProvisioningArtifactId = $versionId",
                "recordId": "$record",
                "begun": NOW,
            },
            otherwise="Failed",
        ),
        "WhatIsKnown": chosen(
            ("$running and $isOurs", "Follow"),
            ("$running", "BeingChanged"),
            ("$path != ''", "Update"),
            ("$reason != ''", "SeeWhetherItIsBusy"),
            default="Update",
        ),
        "Follow": assigned("WaitForStack", before="''", begun=NOW, polls="0"),
        "BeingChanged": assigned("Skipped", reason="'Another change of it was under way'"),
    }


def _waiting_for_others() -> dict[str, State]:
    """A launch whose update is finally refused waits for the change in progress, maybe ours of an earlier run."""
    return {
        "SeeWhetherItIsBusy": task(
            "aws-sdk:cloudformation",
            "describeStacks",
            {"StackName": expression("$stack")},
            "IsItBusy",
            assign=_stack_read(),
            otherwise="Failed",
        ),
        "IsItBusy": chosen(
            (f"$status in {any_of(DELETED)}", "Gone"),
            (f"$contains($status, 'IN_PROGRESS') and {NOW} - $begun > {DEADLINE_SECONDS}", "BeingChanged"),
            ("$contains($status, 'IN_PROGRESS')", "LetItEnd"),
            (f"$status in {any_of(HEALTHY)} and {_IS_THERE}", "Succeeded"),
            ("$waited", "BeingChanged"),
            default="Failed",
        ),
        "LetItEnd": wait("60", "SeeWhetherItIsBusy", waited="true"),
    }


def _following(places: Places) -> dict[str, State]:
    late = f"{NOW} - $begun"
    return {
        "WaitForStack": wait("$min([15 * $power(2, $polls), 60])", "Poll", polls="$polls + 1"),
        "Poll": task(
            "aws-sdk:cloudformation",
            "describeStacks",
            {"StackName": expression("$stack")},
            "IsItAtRest",
            assign=_stack_read(),
            otherwise="Failed",
        ),
        "IsItAtRest": chosen(
            (f"{late} > {DEADLINE_SECONDS}", "NeverEnds"),
            (f"{late} > {STUCK_SECONDS} and $not($told)", "TellStuck"),
            ("$contains($status, 'IN_PROGRESS')", "WaitForStack"),
            (f"$updated = $before and $polls < {UNCHANGED_POLLS}", "WaitForStack"),
            default="Settle",
        ),
        "TellStuck": stuck(places, "WaitForStack"),
        # Service Catalog hears of the stack's end a moment later.
        "Settle": wait("$asks = 0 ? 30 : 300", "DescribeRecord", asks="$asks + 1"),
        "DescribeRecord": task(
            "aws-sdk:servicecatalog",
            "describeRecord",
            {"Id": expression("$recordId")},
            "HowDidItEnd",
            assign={
                "recordStatus": "$states.result.RecordDetail.Status",
                "errors": "$join([$states.result.RecordDetail.RecordErrors.Description], '; ')",
            },
            otherwise="Failed",
        ),
        "HowDidItEnd": chosen(
            ("$recordStatus = 'SUCCEEDED'", "IsItHealthy"),
            ("$recordStatus = 'FAILED'", "UpdateFailed"),
            default="Poll",
        ),
        "NeverEnds": assigned(
            "Failed",
            reason=f"'Its update has not ended within {DEADLINE_SECONDS // 3600} hours; its stack is ' & $status",
        ),
        "UpdateFailed": assigned(
            "Failed", reason="$errors != '' ? $errors : 'Service Catalog gives no reason; its stack is ' & $status"
        ),
    }
