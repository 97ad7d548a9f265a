"""The machine that goes through the waves of a rollout: one Map Run each, a gate after it, and notifications.

It keeps nothing itself: what was decided is in the budget table's item, what became of the projects in S3. So it may
end at any moment, and be started again with the waves that are left.
"""

from __future__ import annotations

from products.project_setup.states_language import State, expression
from products.rollout.names import (
    COUNTERS,
    FOLDER,
    ITEM,
    MAX_CONCURRENCY,
    NOBODY,
    PAUSED_BY_CANARY,
    PAUSED_BY_FAILURES,
    PAUSED_FOR_APPROVAL,
    Places,
)
from products.rollout.states import (
    NOW,
    assigned,
    change_item,
    chosen,
    done,
    is_set,
    list_of,
    number,
    number_of,
    read_item,
    task,
    text,
    text_of,
    wait,
)

MAP_LABEL = "projects"
REPEAT_SECONDS = 60  # before a wave in which projects were left is gone through again
SOAK_LOOK_SECONDS = 900  # until a soaking rollout looks again whether it was paused or aborted
_NAMED = 5  # failures that a notification names


def waves_definition(places: Places, project_machine_arn: str) -> State:
    """Return the machine in Amazon States Language. Its input is the rollout's id and which run of it this is.

    The waves are those of the item, never of the input: who may start the machine cannot choose them.
    """
    return {
        "Comment": "Brings a version to the projects, wave by wave",
        "StartAt": "Begin",
        "States": {
            **_beginning(places),
            **_a_wave(places, project_machine_arn),
            **_gate(places),
            **_soaking(places),
            **_ending(places),
        },
    }


def _mine() -> dict[str, dict[str, str]]:
    """Return what the item says as long as this execution is the one that goes through the waves."""
    return {"Rollout": text("$rollout"), "RunBy": text("$states.context.Execution.Id")}


def _beginning(places: Places) -> dict[str, State]:
    return {
        "Begin": assigned(
            "Take",
            rollout="$states.input.rollout",
            run="$states.input.run",
            wave="''",
            event="'started'",
            reason="''",
        ),
        # Only the run that the command line has planned last, and that no other execution has taken, nor anybody
        # aborted or ended since. Itself is named for an answer that was lost.
        "Take": change_item(
            places.table,
            "TellStart",
            where={"Rollout": text("$rollout"), "Phase": {"S": "running"}, "Runs": number("$run")},
            among={"RunBy": [{"S": NOBODY}, text("$states.context.Execution.Id")]},
            values={"RunBy": text("$states.context.Execution.Id")},
            assign={
                **_read("$states.result.Attributes"),
                "waves": f"[{list_of('$states.result.Attributes', 'Waves')}]",
            },
            catch={"ConditionalCheckFailedException": "NotPlanned"},
        ),
        "NotPlanned": {
            "Type": "Fail",
            "Error": "RolloutNotPlanned",
            "Cause": "No such rollout is running. Start it with `operations rollout`.",
        },
        "TellStart": _told(places, "AnnounceStart"),
        "AnnounceStart": _announced(places, "IsAnyWaveLeft"),
        # Resumed while the canary soaks: the rest of that time is waited for.
        "IsAnyWaveLeft": chosen(("$count($waves) = 0", "End"), (f"$soakUntil > {NOW}", "Soak"), default="OpenWave"),
    }


def _read(item: str) -> dict[str, str]:
    """Return the variables that tell of the item."""
    counts = {name.removeprefix("Count").lower(): number_of(item, name) for name in COUNTERS.values()}
    failures = f"{item}.FailedOnes.M"
    return {
        **counts,
        "counted": " + ".join(counts.values()),
        "reached": " + ".join(counts[name] for name in ("merged", "pullrequests", "unchanged", "off")),
        "mine": f"{text_of(item, 'Rollout')} = $rollout and {text_of(item, 'RunBy')} = $states.context.Execution.Id",
        "version": text_of(item, "Version"),
        "total": number_of(item, "Planned"),
        "paused": text_of(item, "Paused"),
        "aborted": is_set(item, "Aborted"),
        "left": is_set(item, "NotStarted"),
        "failures": f"$count($keys({failures}))",
        "most": number_of(item, "MostFailures"),
        "canary": text_of(item, "CanaryWave"),
        "soak": number_of(item, "SoakSeconds"),
        "soakUntil": number_of(item, "SoakUntil"),
        "approve": is_set(item, "NeedsApproval"),
        "named": f"($all := {failures}; $first := $keys($all)[[0..{_NAMED - 1}]];"
        " $join([$first.('  ' & $ & ': ' & $lookup($all, $).S)], '\\n'))",
    }


def _a_wave(places: Places, project_machine_arn: str) -> dict[str, State]:
    return {
        "OpenWave": {
            **change_item(
                places.table,
                "UpdateProjects",
                where=_mine(),
                values={"Wave": text("$waves[0]")},
                remove=("NotStarted",),
                assign={"wave": "$waves[0]"},
                catch={"ConditionalCheckFailedException": "Superseded"},
            ),
            "Output": {
                "rollout": expression("$rollout"),
                "key": expression(f"'{FOLDER}/' & $rollout & '/' & $waves[0] & '.json'"),
            },
        },
        "UpdateProjects": _map(places, project_machine_arn),
    }


def _map(places: Places, project_machine_arn: str) -> State:
    """Return the Map Run of a wave. How many failures are too many, the gate decides: none ends the run."""
    started = {"AWS_STEP_FUNCTIONS_STARTED_BY_EXECUTION_ID.$": "$$.Execution.Id"}
    given = {"rollout.$": "$.rollout", "run.$": "$.run", "project.$": "$.project"}

    def update(then: dict[str, object], **more: str) -> State:
        return {
            "Type": "Task",
            "Resource": "arn:aws:states:::states:startExecution.sync:2",
            "Parameters": {"StateMachineArn": project_machine_arn, "Input": {**given, **more, **started}},
            # Nothing comes back: the result is in S3, and a Map Run's outputs together are limited.
            "OutputPath": None,
            "Retry": [
                {
                    "ErrorEquals": [
                        # The service's own name of it, the SDK's, and what neither names: throttling.
                        "StepFunctions.ExecutionLimitExceeded",
                        "StepFunctions.ExecutionLimitExceededException",
                        "StepFunctions.AWSStepFunctionsException",
                        "StepFunctions.SdkClientException",
                    ],
                    "IntervalSeconds": 5,
                    "BackoffRate": 2,
                    "MaxAttempts": 8,
                    "MaxDelaySeconds": 120,
                    "JitterStrategy": "FULL",
                }
            ],
            **then,
        }

    return {
        "Type": "Map",
        "Label": MAP_LABEL,
        "MaxConcurrency": MAX_CONCURRENCY,
        "ToleratedFailurePercentage": 100,
        "ItemReader": {
            "Resource": "arn:aws:states:::s3:getObject",
            "ReaderConfig": {"InputType": "JSON"},
            "Parameters": {"Bucket": places.bucket, "Key.$": "$.key"},
        },
        "ItemSelector": {
            "rollout.$": "$.rollout",
            "run.$": "$$.Execution.Id",
            "project.$": "$$.Map.Item.Value",
        },
        "ItemProcessor": {
            "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
            "StartAt": "UpdateProject",
            "States": {
                "UpdateProject": update(
                    {
                        "Catch": [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.error", "Next": "NoteItBrokeOff"}],
                        "End": True,
                    }
                ),
                "NoteItBrokeOff": update({"End": True}, **{"failed.$": "$.error.Cause"}),
            },
        },
        "ResultPath": None,
        "Next": "Gate",
    }


def _gate(places: Places) -> dict[str, State]:
    """After a wave: on, again, or a pause. What was left undone is only that which somebody stopped."""
    return {
        "Gate": read_item(places.table, ITEM, "Judge", assign=_read("$states.result.Item")),
        "Judge": chosen(
            ("$not($mine)", "Superseded"),
            ("$aborted", "End"),
            ("$paused != ''", "StandStill"),
            ("$failures > $most and ($left or $count($waves) > 1)", "TooManyFailures"),
            ("$left", "WaitAndRepeat"),
            ("$count($waves) = 1", "End"),
            # However many may fail: a canary that was not updated says nothing of the others.
            ("$wave = $canary and ($failures > 0 or $skipped > 0 or $reached = 0)", "CanaryIsNotThere"),
            ("$wave = $canary and $approve", "WaitForApproval"),
            ("$wave = $canary and $soak > 0", "BeginToSoak"),
            default="PassGate",
        ),
        "WaitAndRepeat": wait(str(REPEAT_SECONDS), "OpenWave"),
        "TooManyFailures": assigned("Pause", paused=f"'{PAUSED_BY_FAILURES}'"),
        "CanaryIsNotThere": assigned("Pause", paused=f"'{PAUSED_BY_CANARY}'"),
        "WaitForApproval": assigned("Pause", paused=f"'{PAUSED_FOR_APPROVAL}'"),
        "Pause": change_item(
            places.table,
            "StandStill",
            where=_mine(),
            values={"Paused": text("$paused")},
            catch={"ConditionalCheckFailedException": "Superseded"},
        ),
        "StandStill": change_item(
            places.table,
            "SayPause",
            where=_mine(),
            values={"Phase": {"S": "paused"}},
            having=("Paused",),
            # Somebody let it go on just now.
            catch={"ConditionalCheckFailedException": "Gate"},
        ),
        "SayPause": assigned("TellPause", event="'paused'"),
        "TellPause": _told(places, "AnnouncePause"),
        "AnnouncePause": _announced(places, "Done"),
        "PassGate": assigned("TellGate", event="'gate'"),
        "TellGate": _told(places, "AnnounceGate"),
        "AnnounceGate": _announced(places, "NextWave"),
        "NextWave": assigned("OpenWave", waves="[$waves[[1..$count($waves)]]]"),
        "Superseded": done(),
    }


def _soaking(places: Places) -> dict[str, State]:
    """The canary is left alone for a while; people who check it can pause or abort meanwhile.

    The item says until when, so that neither a pause nor an end of the machine makes it shorter or longer.
    """
    return {
        "BeginToSoak": change_item(
            places.table,
            "TellSoak",
            where=_mine(),
            values={"SoakUntil": number(f"{NOW} + $soak")},
            assign={"soakUntil": f"{NOW} + $soak"},
            catch={"ConditionalCheckFailedException": "Superseded"},
        ),
        "TellSoak": assigned("TellSoaking", event="'soaking'"),
        "TellSoaking": _told(places, "AnnounceSoaking"),
        "AnnounceSoaking": _announced(places, "Soak"),
        "Soak": wait(f"$max([1, $min([$soakUntil - {NOW}, {SOAK_LOOK_SECONDS}])])", "LookAgain"),
        "LookAgain": read_item(places.table, ITEM, "HasItSoaked", assign=_read("$states.result.Item")),
        "HasItSoaked": chosen(
            ("$not($mine)", "Superseded"),
            ("$aborted", "End"),
            ("$paused != ''", "StandStill"),
            (f"$soakUntil > {NOW}", "Soak"),
            ("$wave = ''", "OpenWave"),
            default="PassGate",
        ),
    }


def _ending(places: Places) -> dict[str, State]:
    return {
        "End": change_item(
            places.table,
            "SayEnd",
            where=_mine(),
            values={"Phase": text("$aborted ? 'aborted' : 'ended'"), "EndedAt": number(NOW)},
            assign=_read("$states.result.Attributes"),
            catch={"ConditionalCheckFailedException": "Superseded"},
        ),
        "SayEnd": assigned("TellEnd", event="$aborted ? 'aborted' : 'ended'"),
        "TellEnd": _told(places, "AnnounceEnd"),
        "AnnounceEnd": _announced(places, "Done"),
        "Done": done(),
    }


def _next() -> str:
    """Return an expression for the command that comes next."""
    command = "'python -m operations rollout '"
    return (
        f"({command} & ($event = 'paused' ? 'resume' : $event in ['ended', 'aborted'] and $failed + $skipped > 0"
        " or $event = 'ended' and $counted < $total ? 'retry' : 'status'))"
    )


def _message() -> str:
    shown = {
        "merged": "$merged",
        "pull requests": "$pullrequests",
        "unchanged": "$unchanged",
        "updates off": "$off",
        "terminated": "$gone",
        "failed": "$failed",
        "skipped": "$skipped",
    }
    lines = " & ".join(f"'\\n  {name}: ' & $string({value})" for name, value in shown.items())
    return (
        "'Rollout of ' & $version & ' (' & $rollout & '): ' & $event & ($wave = '' ? '' : ', ' & $wave)"
        " & ($event = 'paused' ? ' (' & $paused & ')' : '')"
        f" & '\\n\\n' & $string($counted) & ' of ' & $string($total) & ' projects' & {lines}"
        " & ($failures = 0 ? '' : '\\n\\nThe first failures:\\n' & $named)"
        f" & '\\n\\nNext: ' & {_next()}"
    )


def _told(places: Places, then: str) -> State:
    arguments = {
        "TopicArn": places.topic_arn,
        "Subject": expression("$substring('Rollout of ' & $version & ': ' & $event, 0, 100)"),
        "Message": expression(_message()),
    }
    # A rollout does not stop because nobody could be told.
    return task("sns", "publish", arguments, then, otherwise=then, attempts=3)


def _announced(places: Places, then: str) -> State:
    detail = {
        "rollout": expression("$rollout"),
        "version": expression("$version"),
        "event": expression("$event"),
        "wave": expression("$wave"),
        "paused": expression("$paused"),
        "planned": expression("$total"),
        "counts": {
            "merged": expression("$merged"),
            "pull-request": expression("$pullrequests"),
            "unchanged": expression("$unchanged"),
            "off": expression("$off"),
            "gone": expression("$gone"),
            "failed": expression("$failed"),
            "skipped": expression("$skipped"),
        },
        "failures": expression("$named"),
        "next": expression(_next()),
    }
    entry = {
        "Source": places.event_source,
        "DetailType": "Studio project template rollout",
        "Detail": detail,
        "EventBusName": "default",
    }
    return task("events", "putEvents", {"Entries": [entry]}, then, otherwise=then, attempts=3)
