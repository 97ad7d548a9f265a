"""When a project's turn is: whether the rollout stands, its window, GitHub's budget, its pace."""

from __future__ import annotations

from products.project_setup.states_language import State, expression
from products.rollout.names import AHEAD_SECONDS, GITHUB_ITEM, ITEM, PAUSED_BY_WINDOW, Places
from products.rollout.states import (
    NOW,
    change_item,
    chosen,
    is_set,
    list_of,
    number_of,
    read_item,
    stuck,
    text,
    text_of,
    wait,
)

LONGEST_WAIT = 900  # seconds until a waiting project looks again whether the rollout was paused or aborted
TURN_SECONDS = 300  # in which a turn is used
STUCK_SECONDS = 3600  # of an update or a wait for GitHub, after which an alarm goes off
_ITEM = "$states.result.Item"


def asking_whether(places: Places) -> dict[str, State]:
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
            ("$failure != ''", "BrokeOff"),
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


def waiting_its_turn(places: Places) -> dict[str, State]:
    """GitHub's budget is only looked at: an update books what it needs itself, and may do that a little ahead."""
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
        "TellWaiting": stuck(places, "WaitForGitHub"),
        "WaitForGitHub": wait(f"$max([1, $min([$ceil({ahead}), {LONGEST_WAIT}])])", "Look"),
        "IsThereAPace": chosen(
            ("$rate = 0", "DescribeStack"),
            # Who could not go when its turn came (its window closed, GitHub refused) has no turn any more.
            (f"$slot = 0 or {NOW} - $slot > {TURN_SECONDS}", "TakeATurn"),
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
