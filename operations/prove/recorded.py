"""What CloudTrail's event history has of a project's workflows: what they were denied leaves nothing else behind.

CloudTrail keeps management events for 90 days without a trail, also those that were denied (LookupEvents).
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from custom_resources.clients.aws import Service
from operations.prove.facts import Recorded
from operations.prove.looking import Proof

CLOUDTRAIL = Service("CloudTrail", "cloudtrail")
ASSUME, ENCRYPT = "AssumeRoleWithWebIdentity", "GenerateDataKey"
TAGGED = ("CreatePipeline", "CreateModel", "CreateEndpointConfig", "CreateEndpoint", "CreateModelPackageGroup")
_DENIED = "AccessDenied"
_NEWEST = 500  # events of a name that are looked at: CloudTrail answers twice a second, with 50 each


def recorded(proof: Proof) -> None:
    """See what the roles of a given project's workflows, and jobs that wanted them, were answered."""
    if not proof.state.given:  # what was just made has no record yet: CloudTrail takes a quarter of an hour
        return
    prefixes = (proof.settings.workflow_role_prefix, proof.settings.production_role_prefix)
    roles = {f"{prefix}{proof.state.project}" for prefix in prefixes}
    found = proof.facts.recorded = Recorded()
    with proof.aws.about("A16", "A31", "A32"):
        jobs = [event for event in _events(proof, ASSUME) if _name(_asked(event)) in roles]
        found.assumed = any(not event.get("errorCode") for event in jobs)
        found.not_assumed = refused(jobs)
        if proof.facts.domain_key:
            of_roles = (event for event in _events(proof, ENCRYPT) if _name(_who(event)) in roles)
            denied = (refused([event], "kms:GenerateDataKey") for event in of_roles)
            found.key_denied = next((why for why in denied if proof.facts.domain_key in why), "")
        for name in TAGGED:
            of_roles = (event for event in _events(proof, name) if _name(_who(event)) in roles)
            found.tagging_denied = found.tagging_denied or refused(of_roles, "sagemaker:AddTags")


def _events(proof: Proof, name: str) -> list[dict[str, Any]]:
    """Return the newest records of calls of that name, in the region, the newest first."""
    more: dict[str, str] = {}
    found: list[dict[str, Any]] = []
    while len(found) < _NEWEST:
        answer = proof.aws.ask(
            CLOUDTRAIL,
            "lookup_events",
            LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": name}],
            **more,
        )
        found += [json.loads(event["CloudTrailEvent"]) for event in answer["Events"]]
        if not answer.get("NextToken"):
            break
        more = {"NextToken": answer["NextToken"]}
    return found


def _asked(event: dict[str, Any]) -> str:
    """Return the role that a job wanted. A record may have null where another has an object."""
    return str((event.get("requestParameters") or {}).get("roleArn", ""))


def _who(event: dict[str, Any]) -> str:
    """Return the role whose session called."""
    session = (event.get("userIdentity") or {}).get("sessionContext") or {}
    return str((session.get("sessionIssuer") or {}).get("arn", ""))


def _name(arn: str) -> str:
    return arn.rpartition("/")[2]


def refused(events: Iterable[dict[str, Any]], action: str = "") -> str:
    """Return the first message of a denied call that names the action, "" for none. Pure.

    Services spell the code AccessDenied or AccessDeniedException.
    """
    for event in events:
        message = str(event.get("errorMessage") or "")
        if str(event.get("errorCode") or "").startswith(_DENIED) and action in message:
            return message or _DENIED
    return ""
