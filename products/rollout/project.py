"""The machine that updates one project: it always ends well, and says in S3 what became of the project.

Service Catalog is asked three times at most: to update (a token makes that one update, however often it is asked), for
the record when the stack is at rest, and, where that refused, for the launch's last record. All other looks are
CloudFormation's, which cost nothing.
"""

from __future__ import annotations

from products.project_setup.states_language import State, expression
from products.rollout.names import (
    AHEAD_SECONDS,
    COUNTERS,
    FOLDER,
    GITHUB_ITEM,
    ITEM,
    PAUSED_BY_WINDOW,
    REASON_LENGTH,
    Places,
)
from products.rollout.states import (
    assigned,
    change_item,
    chosen,
    done,
    is_set,
    list_of,
    number_of,
    read_item,
    task,
    text,
    text_of,
    wait,
)

NOW = "$floor($millis() / 1000)"
LONGEST_WAIT = 900  # seconds until a waiting project looks again whether the rollout was paused or aborted
STUCK_SECONDS = 3600  # of an update or a wait for GitHub, after which an alarm goes off
DEADLINE_SECONDS = 3 * 3600  # of an update: each of the stack's resources may take an hour
UNCHANGED_POLLS = 4  # about two minutes in which CloudFormation has nothing to do: then the record knows
TIMEOUT_SECONDS = 90 * 24 * 3600  # of an execution, which may wait for an opening time
UPDATABLE = ("CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "IMPORT_COMPLETE")
HEALTHY = ("CREATE_COMPLETE", "UPDATE_COMPLETE")
_STACK = "$states.result.Stacks[0]"
_ITEM = "$states.result.Item"


def project_definition(places: Places) -> State:
    """Return the machine in Amazon States Language. Its input is a wave's item, the rollout's id and its execution.

    `failed` in the input says that an execution for the project broke off: then only that is noted.
    """
    return {
        "Comment": "Updates one project to the version of the rollout, and writes what became of it",
        "QueryLanguage": "JSONata",
        "TimeoutSeconds": TIMEOUT_SECONDS,
        "StartAt": "Begin",
        "States": {
            **_beginning(places),
            **_asking_whether(places),
            **_waiting_its_turn(places),
            **_looking_at_the_stack(),
            **_updating(),
            **_following(places),
            **_judging(),
            **_reporting(places),
        },
    }


def _names(values: tuple[str, ...]) -> str:
    return "[" + ", ".join(f"'{value}'" for value in values) + "]"


def _result_key() -> str:
    return f"'{FOLDER}/' & $rollout & '/results/' & $launch & '.json'"


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
            reason="''",
            outcome="''",
            outputs="{}",
        ),
        # Who has a result is through with this rollout, whoever wrote it: nothing is done twice.
        "HasResult": task(
            "aws-sdk:s3",
            "listObjectsV2",
            {"Bucket": places.bucket, "Prefix": expression(_result_key()), "MaxKeys": 1},
            "IsItThere",
            assign={"there": "$states.result.KeyCount > 0"},
            otherwise="Failed",
        ),
        "IsItThere": chosen(("$there", "Done"), ("$failure != ''", "BrokeOff"), default="Look"),
        "BrokeOff": assigned("Failed", reason="'Its execution broke off: ' & $failure"),
    }


def _asking_whether(places: Places) -> dict[str, State]:
    """Nobody starts in a rollout that is paused, aborted, over its failures, or another's by now."""
    return {
        "Look": read_item(
            places.table,
            ITEM,
            "MayItStart",
            assign={
                "ours": f"{text_of(_ITEM, 'Rollout')} = $rollout and {text_of(_ITEM, 'RunBy')} = $run",
                "stopped": f"{is_set(_ITEM, 'Paused')}"
                f" or {is_set(_ITEM, 'Aborted')}"
                f" or $count($keys({_ITEM}.FailedOnes.M)) > {number_of(_ITEM, 'MostFailures')}",
                "product": text_of(_ITEM, "ProductId"),
                "version": text_of(_ITEM, "Version"),
                "versionId": text_of(_ITEM, "VersionId"),
                "severalPaths": is_set(_ITEM, "SeveralPaths"),
                "names": list_of(_ITEM, "ParameterNames"),
                "rate": number_of(_ITEM, "HourlyRate"),
                "next": number_of(_ITEM, "NextStart"),
                "opens": _next_opening(),
            },
            otherwise="Failed",
        ),
        "MayItStart": chosen(
            ("$not($ours)", "Done"),
            ("$stopped", "LeaveIt"),
            ("$opens < 0", "NoOpeningLeft"),
            (f"$opens > {NOW}", "WaitForTheWindow"),
            default="AskGitHubsBudget",
        ),
        "NoOpeningLeft": change_item(
            places.table,
            "LeaveIt",
            where={"Rollout": text("$rollout")},
            values={"Paused": {"S": PAUSED_BY_WINDOW}},
            otherwise="LeaveIt",
        ),
        # The wave is gone through again when the rollout goes on.
        "LeaveIt": change_item(
            places.table,
            "Done",
            where={"Rollout": text("$rollout")},
            values={"NotStarted": {"S": "yes"}},
            otherwise="Done",
        ),
        "WaitForTheWindow": wait(f"$max([1, $min([$opens - {NOW}, {LONGEST_WAIT}])])", "Look"),
    }


def _next_opening() -> str:
    """Return an expression for when an update may start: 0 for at once, -1 when no opening time is left.

    OpenTimes are spans of Unix time, [[from, to], ...]; without any it is always open.
    """
    spans = list_of(_ITEM, "OpenTimes")
    return (
        f"($spans := {spans}; $later := [$spans[$[1] > {NOW}]];"
        " $count($spans) = 0 ? 0 : $count($later) = 0 ? -1 : $later[0][0])"
    )


def _waiting_its_turn(places: Places) -> dict[str, State]:
    """GitHub's budget is only looked at: an update books what it needs itself, and may do that ten minutes ahead."""
    ahead = f"$opensAt - {NOW} - {AHEAD_SECONDS}"
    return {
        "AskGitHubsBudget": read_item(
            places.table,
            GITHUB_ITEM,
            "IsGitHubFree",
            assign={
                "opensAt": number_of(_ITEM, "OpensAt"),
                "begun": f"$begun = 0 ? {NOW} : $begun",
            },
            otherwise="Failed",
        ),
        "IsGitHubFree": chosen(
            (f"{ahead} > 0 and {NOW} - $begun > {STUCK_SECONDS} and $not($told)", "TellWaiting"),
            (f"{ahead} > 0", "WaitForGitHub"),
            default="IsThereAPace",
        ),
        "TellWaiting": _stuck(places, "WaitForGitHub"),
        "WaitForGitHub": wait(f"$max([1, $min([$ceil({ahead}), {LONGEST_WAIT}])])", "Look"),
        "IsThereAPace": chosen(
            ("$rate = 0", "DescribeStack"),
            ("$slot = 0", "TakeATurn"),
            (f"$slot > {NOW}", "WaitForItsTurn"),
            default="DescribeStack",
        ),
        # First come, first served: whoever changes the number has the turn that it stood for.
        "TakeATurn": change_item(
            places.table,
            "Look",
            where={"Rollout": text("$rollout"), "NextStart": {"N": expression("$string($next)")}},
            values={"NextStart": {"N": expression(f"$string($max([$next, {NOW}]) + $ceil(3600 / $rate))")}},
            assign={"slot": f"$max([$next, {NOW}])"},
            catch={"ConditionalCheckFailedException": "WaitAMoment"},
            otherwise="Failed",
        ),
        "WaitAMoment": wait("1 + $floor($random() * 5)", "Look"),
        "WaitForItsTurn": wait(f"$max([1, $min([$slot - {NOW}, {LONGEST_WAIT}])])", "Look"),
    }


def _stack_read() -> dict[str, str]:
    return {
        "status": f"{_STACK}.StackStatus",
        "updated": f"$exists({_STACK}.LastUpdatedTime) ? {_STACK}.LastUpdatedTime : ''",
        "outputs": f"$exists({_STACK}.Outputs) ? {_STACK}.Outputs{{OutputKey: OutputValue}} : {{}}",
        "kept": f"[{_STACK}.Parameters.ParameterKey]",
    }


def _looking_at_the_stack() -> dict[str, State]:
    is_there = "$outputs.BuildTemplateVersion = $version and $outputs.DeployTemplateVersion = $version"
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
            (f"$status in {_names(HEALTHY)} and {is_there}", "Succeeded"),
            (f"$status in {_names(UPDATABLE)} or $contains($status, 'IN_PROGRESS')", "HowManyPaths"),
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
        "Refused": chosen(
            ("$looked and $contains($status, 'IN_PROGRESS')", "BeingChanged"),
            ("$looked", "Failed"),
            default="LookAtLastRecord",
        ),
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
            },
            otherwise="Failed",
        ),
        "WhatIsKnown": chosen(
            ("$running and $isOurs", "Follow"),
            ("$running", "BeingChanged"),
            ("$path != ''", "Update"),
            ("$reason != ''", "Failed"),
            default="Update",
        ),
        "Follow": assigned("WaitForStack", before="''", begun=NOW, polls="0"),
        "BeingChanged": assigned("Skipped", reason="'It is being changed just now'"),
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
        "TellStuck": _stuck(places, "WaitForStack"),
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


def _stuck(places: Places, then: str) -> State:
    data = _metric(places, "'RolloutStuck'")
    return task("aws-sdk:cloudwatch", "putMetricData", data, then, assign={"told": "true"}, otherwise=then, attempts=2)


def _metric(places: Places, name: str) -> dict[str, object]:
    dimension = {"Name": "service", "Value": "rollout"}
    data = {"MetricName": expression(name), "Value": 1, "Unit": "Count", "Dimensions": [dimension]}
    return {"Namespace": places.metrics_namespace, "MetricData": [data]}


def _judging() -> dict[str, State]:
    """Tell a project's outcome: its repositories' statuses are outputs of its stack."""
    status = "[$outputs.BuildTemplateStatus, $outputs.DeployTemplateStatus]"
    outcome = (
        f"($all := {status}; 'pull-request' in $all ? 'pull-request' : 'merged' in $all ? 'merged'"
        " : 'unchanged' in $all or 'seeded' in $all ? 'unchanged' : 'off')"
    )
    return {
        "IsItHealthy": chosen(
            (f"$status in {_names(HEALTHY)} and $exists($outputs.BuildTemplateStatus)", "Succeeded"),
            default="Unhealthy",
        ),
        "Unhealthy": assigned(
            "Failed",
            reason="'Service Catalog calls the update done, but its stack is ' & $status"
            " & ($exists($outputs.BuildTemplateStatus) ? '' : ', without the outputs of its repositories')",
        ),
        "Succeeded": assigned("WriteResult", outcome=outcome, reason="''"),
        "Failed": assigned("WriteResult", outcome="'failed'", outputs="{}"),
        "Skipped": assigned("WriteResult", outcome="'skipped'", outputs="{}"),
    }


def _reporting(places: Places) -> dict[str, State]:
    def part(prefix: str) -> str:
        def output(name: str) -> str:
            return f"$exists($outputs.{prefix}{name}) ? $outputs.{prefix}{name} : ''"

        return (
            f"{{'status': {output('TemplateStatus')}, 'version': {output('TemplateVersion')},"
            f" 'pullRequest': {output('PullRequestUrl')}}}"
        )

    counters = "{" + ", ".join(f"'{outcome}': '{name}'" for outcome, name in COUNTERS.items()) + "}"
    document = (
        "{'launch': $launch, 'name': $name, 'result': $outcome, 'reason': $substring($reason, 0, 2000),"
        f" 'build': {part('Build')}, 'deploy': {part('Deploy')}, 'at': $now()}}"
    )
    return {
        "WriteResult": task(
            "aws-sdk:s3",
            "putObject",
            {
                "Bucket": places.bucket,
                "Key": expression(_result_key()),
                "Body": expression(document),
                "ContentType": "application/json",
            },
            "Count",
        ),
        "Count": change_item(
            places.table,
            "IsItAFailure",
            where={"Rollout": text("$rollout")},
            add={expression(f"$lookup({counters}, $outcome)"): {"N": "1"}},
            otherwise="IsItAFailure",
        ),
        "IsItAFailure": chosen(
            ("$outcome = 'failed'", "NoteFailure"), ("$outcome = 'skipped'", "Done"), default="Measure"
        ),
        # By its name: asked twice, it is one failure.
        "NoteFailure": _noted(places),
        "Measure": task(
            "aws-sdk:cloudwatch",
            "putMetricData",
            _metric(places, "$outcome = 'failed' ? 'RolloutFailed' : 'RolloutUpdated'"),
            "Done",
            otherwise="Done",
            attempts=2,
        ),
        "Done": done(),
    }


def _noted(places: Places) -> State:
    arguments = {
        "TableName": places.table,
        "Key": {"Id": {"S": ITEM}},
        "UpdateExpression": "SET #failed.#name = :reason",
        "ConditionExpression": "#rollout = :rollout",
        "ExpressionAttributeNames": {"#failed": "FailedOnes", "#rollout": "Rollout", "#name": expression("$name")},
        "ExpressionAttributeValues": {
            ":reason": text(f"$reason = '' ? 'no reason' : $substring($reason, 0, {REASON_LENGTH})"),
            ":rollout": text("$rollout"),
        },
    }
    return task("dynamodb", "updateItem", arguments, "Measure", otherwise="Measure")
