"""What became of a project: judged by its stack's outputs, written to S3, counted in the item."""

from __future__ import annotations

from products.project_setup.states_language import State, expression
from products.rollout.names import COUNTERS, ITEM, REASON_LENGTH, Places
from products.rollout.states import any_of, assigned, change_item, chosen, done, measured, result_key, task, text

HEALTHY = ("CREATE_COMPLETE", "UPDATE_COMPLETE")


def judging() -> dict[str, State]:
    """Tell a project's outcome: its repositories' statuses are outputs of its stack."""
    status = "[$outputs.BuildTemplateStatus, $outputs.DeployTemplateStatus]"
    outcome = (
        f"($all := {status}; 'pull-request' in $all ? 'pull-request' : 'merged' in $all ? 'merged'"
        " : 'unchanged' in $all or 'seeded' in $all ? 'unchanged' : 'off')"
    )
    return {
        "IsItHealthy": chosen(
            (f"$status in {any_of(HEALTHY)} and $exists($outputs.BuildTemplateStatus)", "Succeeded"),
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
        "Gone": assigned("WriteResult", outcome="'gone'", reason="'The project was terminated'", outputs="{}"),
    }


def reporting(places: Places) -> dict[str, State]:
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
                "Key": expression(result_key()),
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
            ("$outcome = 'failed'", "NoteFailure"), ("$outcome in ['skipped', 'gone']", "Done"), default="Measure"
        ),
        # By its name: asked twice, it is one failure.
        "NoteFailure": _noted(places),
        "Measure": task(
            "aws-sdk:cloudwatch",
            "putMetricData",
            measured(places, "$outcome = 'failed' ? 'RolloutFailed' : 'RolloutUpdated'"),
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
            # One line: people are told by mail, and a project's files and branches are named in its reason.
            ":reason": text(
                f"$reason = '' ? 'no reason' : $substring($replace($reason, /\\s+/, ' '), 0, {REASON_LENGTH})"
            ),
            ":rollout": text("$rollout"),
        },
    }
    return task("dynamodb", "updateItem", arguments, "Measure", otherwise="Measure")
