"""The project setup in an account of projects, where the domain is another account's.

CloudFormation's events report that an environment's stack was created or deleted, in the project's own account and
region. DataZone, which Step Functions reaches in its own account and region only, is read by a function.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from products.project_setup.states_language import State, choice, expression, invoke

_EVENTS = {"CREATE_COMPLETE": "CreateProject", "DELETE_COMPLETE": "DeleteProject"}
STATUSES = (*_EVENTS, "UPDATE_COMPLETE")  # which only looks in
_PROJECT = {"DomainId": "$domain", "ProjectId": "$project"}


def reading(reader: str, domain_id: str, profiles: Sequence[str], launch_name_prefix: str) -> dict[str, State]:
    """Return the states that take the place of those that read CloudTrail's events and call DataZone.

    `reader`: the name or ARN of the function project_reader.
    """
    status = "$states.input.detail.`status-details`.status"
    kinds = ", ".join(f"'{status}': '{event}'" for status, event in _EVENTS.items())
    whose = "$states.result.Payload"
    return {
        "ReadEvent": {
            "Type": "Pass",
            "Assign": {
                "stack": expression("$states.input.detail.`stack-id`"),
                "event": expression(f"$exists($lookup({{{kinds}}}, {status})) ? $lookup({{{kinds}}}, {status}) : ''"),
                "domain": "",
                "project": "",
                "profile": "",
                "here": False,
                "waits": 0,
                "launch": "",
                "record": "",
                "reason": "",
            },
            "Next": "WhoseStack",
        },
        "WhoseStack": invoke(
            reader,
            {"Stack": "$stack"},
            assign={
                "domain": f"{whose}.DomainId",
                "project": f"{whose}.ProjectId",
                "launchName": f"'{launch_name_prefix}' & {whose}.ProjectId",
                "token": f"{whose}.ProjectId",
                "projectName": f"{whose}.ProjectId",
            },
            then="WhatHappened",
        ),
        "WhatHappened": choice(
            (f"$domain != '{domain_id}' or $project = ''", "NotOurs"),
            ("$event = 'DeleteProject'", "IsItDeleted"),
            default="GetProject",
        ),
        "IsItDeleted": _project(
            reader,
            {"leaving": "Leaving", "waits": ""},
            then="IsItLeaving",
            gone="FindLaunchToEnd",
        ),
        "GetProject": _project(
            reader,
            {
                "projectName": "Name",
                "profileId": "ProfileId",
                "leaving": "Leaving",
                "deployment": "Deployment",
                "reason": "Reason",
            },
            then="WhichProfile",
            gone="ProjectGone",
        ),
        "GetProfile": invoke(
            reader,
            {**_PROJECT, "ProfileId": "$profileId"},
            assign={"profile": f"{whose}.Name", "here": f"{whose}.Here"},
            then="IsItOurs",
        ),
        "IsItOurs": choice(
            (f"$here and $profile in [{', '.join(repr(name) for name in profiles)}]", "Deployed"), default="NotOurs"
        ),
    }


def _project(reader: str, told: Mapping[str, str], *, then: str, gone: str) -> State:
    """Return the state that reads the project; `told` are the answer's fields by variable, "" counts the variable."""
    assign = {name: f"$states.result.Payload.{key}" if key else f"${name} + 1" for name, key in told.items()}
    return invoke(reader, _PROJECT, assign=assign, then=then, catch={"ProjectNotFound": gone})
