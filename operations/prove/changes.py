"""What is done to the throwaway project: made, updated, deleted. Every step can be begun again."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import Any

from custom_resources.clients.aws import DATAZONE, SERVICE_CATALOG
from custom_resources.errors import AwsConflict, AwsDenied, AwsNotFound, FinalError
from operations.errors import ProveProjectStuck
from operations.prove import looking, watching
from operations.prove.facts import ByHand, Ending, Update
from operations.prove.looking import PRINCIPAL_TAG, Proof, stack_parameters, stack_tags

ENDS = {"SUCCESSFUL", "FAILED_VALIDATION", "FAILED_DEPLOYMENT"}
PATIENCE_SECONDS = 4 * 3600
TERMINATION_POLLS = 300  # with 10 s between them on AWS, with 0.3 s on a machine that may be slow
_DENIED_POLLS = 5
PARAMETER = "GlueTable"  # of the product: it changes one variable of the repositories
NAME_PREFIX = "prove-"


def create(proof: Proof) -> None:
    """Create the project, at an older version if there are two; or read the one that was given."""
    state, facts = proof.state, proof.facts
    if state.given:
        proof.aws.ask(DATAZONE, "get_project", domainIdentifier=state.domain, identifier=state.project)
        return
    installed = facts.installed
    assert installed
    state.project_name = state.project_name or f"{NAME_PREFIX}{state.run}"
    state.project = _project_named(proof, state.project_name)
    if installed.blueprint_id and len(facts.versions) > 1:
        facts.chosen = facts.versions[-2]
    if not state.project:
        proof.say(f"creating the project {state.project_name}")
        made = proof.aws.ask(
            DATAZONE,
            "create_project",
            domainIdentifier=state.domain,
            name=state.project_name,
            description="Made by `python -m operations prove`, which deletes it again",
            projectProfileId=installed.profile_id,
            userParameters=_version(proof, facts.chosen) if facts.chosen else [],
        )
        state.project = made["id"]


def _project_named(proof: Proof, name: str) -> str:
    listed = proof.aws.pages(DATAZONE, "list_projects", "items", domainIdentifier=proof.state.domain, name=name)
    return next((str(item["id"]) for item in listed if item["name"] == name), "")


def _version(proof: Proof, version: str) -> list[dict[str, Any]]:
    """Return the user parameter by which a project chooses its version."""
    return [
        {
            "environmentConfigurationName": proof.settings.studio.environment_name,
            "environmentParameters": [{"name": "ProductVersion", "value": version}],
        }
    ]


def deployment(proof: Proof) -> None:
    """Wait until Studio has deployed the project, and the project setup has launched."""
    proof.facts.deployment, proof.facts.reasons = _settled(proof)
    installed = proof.facts.installed
    if installed and not installed.blueprint_id and not proof.facts.reasons:
        _launched(proof)


def _settled(proof: Proof) -> tuple[str, list[str]]:
    """Wait until the project's deployment ended; return its status and Studio's reasons. Raises ProveProjectStuck."""
    end, said = time.monotonic() + PATIENCE_SECONDS, ""
    while time.monotonic() < end:
        found = proof.aws.ask(
            DATAZONE, "get_project", domainIdentifier=proof.state.domain, identifier=proof.state.project
        )
        details = found.get("environmentDeploymentDetails", {})
        status = str(details.get("overallDeploymentStatus", ""))
        if status in ENDS and found.get("projectStatus") != "UPDATING":
            reasons = details.get("environmentFailureReasons", {}).values()
            return status, [str(reason.get("message", "")) for each in reasons for reason in each]
        if status != said:
            said = status
            proof.say(f"waiting: {status}")
        watching.launch_under_way(proof)
        time.sleep(proof.aws.pause)
    raise ProveProjectStuck(project=proof.state.project, status=said)


def _launched(proof: Proof) -> None:
    """Wait until the project setup's launch is stable. Raises ProveProjectStuck."""
    end, status = time.monotonic() + PATIENCE_SECONDS, "no launch"
    while time.monotonic() < end:
        with suppress(AwsNotFound):
            name = f"{looking.LAUNCH_NAME_PREFIX}{proof.state.project}"
            detail = proof.aws.ask(SERVICE_CATALOG, "describe_provisioned_product", Name=name)
            status = detail["ProvisionedProductDetail"]["Status"]
            if status in ("AVAILABLE", "ERROR", "TAINTED"):
                return
        watching.launch_under_way(proof)
        time.sleep(proof.aws.pause)
    raise ProveProjectStuck(project=proof.state.project, status=status)


# -- updates ----------------------------------------------------------------------------------------------------------


def by_hand(proof: Proof) -> None:
    """Update the launch in the name of --launch-role: see who the stack's tag names then."""
    launch = proof.facts.launch
    if proof.state.given or not launch or launch.status != "AVAILABLE":
        return
    with proof.aws.about("A22", "A27"):
        value, before = f"prove_{proof.state.run}", _principal(proof)
        try:
            failed = _update_launch(proof, {PARAMETER: value}, "hand")
        except FinalError as refused:
            failed = str(refused)
        if failed:
            proof.facts.by_hand = ByHand(refused=failed)
            return
        proof.facts.by_hand = ByHand(value=value, principal_before=before, principal_after=_principal(proof))


def _principal(proof: Proof) -> str:
    launch = proof.facts.launch
    return stack_tags(proof.described_stack(launch.stack)).get(PRINCIPAL_TAG, "") if launch else ""


def _parameter(proof: Proof) -> str:
    launch = proof.facts.launch
    return stack_parameters(proof.described_stack(launch.stack)).get(PARAMETER, "") if launch else ""


def _update_launch(proof: Proof, values: dict[str, str], token: str) -> str:
    """Update the launch, its other parameters as they are; return why that failed, "" if it did not. Raises Problem."""
    launch, role = proof.facts.launch, proof.state.launch_role
    assert launch
    wanted = stack_parameters(proof.described_stack(launch.stack))
    kept = [{"Key": key, "UsePreviousValue": True} for key in wanted if key not in values]
    given = [{"Key": key, "Value": value} for key, value in values.items()]
    proof.say(f"updating the launch by hand ({', '.join(values)})")
    record = proof.aws.ask(
        SERVICE_CATALOG,
        "update_provisioned_product",
        role,
        ProvisionedProductId=launch.id,
        ProvisioningParameters=[*kept, *given],
        UpdateToken=f"prove-{proof.state.run}-{proof.state.project}-{token}",
    )["RecordDetail"]
    while record["Status"] not in ("SUCCEEDED", "FAILED"):
        watching.launch_under_way(proof)
        time.sleep(proof.aws.pause)
        record = proof.aws.ask(SERVICE_CATALOG, "describe_record", Id=record["RecordId"])["RecordDetail"]
    reasons = [str(error.get("Description", "")) for error in record.get("RecordErrors", [])]
    return "" if record["Status"] == "SUCCEEDED" else "; ".join(reasons) or "Service Catalog gives no reason"


def update(proof: Proof) -> None:
    """Update the project in Studio to the newest version; see whether what was changed by hand is still there."""
    facts = proof.facts
    if proof.state.given or not facts.chosen or facts.deployment != "SUCCESSFUL":
        return
    with proof.aws.about("A09", "A27"):
        changed = facts.by_hand and not facts.by_hand.refused and _parameter(proof) == facts.by_hand.value
        facts.update = _updated(proof, facts.versions[-1])
        if changed and facts.by_hand and facts.update.after == facts.update.wanted:
            facts.by_hand.parameter_kept = _parameter(proof) == facts.by_hand.value


def _updated(proof: Proof, version: str) -> Update:
    """Update the project in Studio to a version, and wait."""
    before = _version_now(proof)
    proof.say(f"updating the project to {version}")
    with suppress(AwsConflict):  # an update that an earlier run began
        proof.aws.ask(
            DATAZONE,
            "update_project",
            domainIdentifier=proof.state.domain,
            identifier=proof.state.project,
            projectProfileVersion="latest",
            userParameters=_version(proof, version),
        )
    status, reasons = _settled(proof)
    return Update(wanted=version, before=before, after=_version_now(proof), status=status, reasons=reasons)


def _version_now(proof: Proof) -> str:
    """Return the version that the launch itself is at."""
    launch = proof.facts.launch
    if not launch:
        return ""
    detail = proof.aws.ask(SERVICE_CATALOG, "describe_provisioned_product", Id=launch.id)["ProvisionedProductDetail"]
    found = proof.aws.ask(SERVICE_CATALOG, "list_provisioning_artifacts", ProductId=detail["ProductId"])
    names = {item["Id"]: item["Name"] for item in found["ProvisioningArtifactDetails"]}
    return str(names.get(detail["ProvisioningArtifactId"], ""))


def tainted(proof: Proof) -> None:
    """Make an update of the launch fail by naming another role; then see whether Studio can update it."""
    facts = proof.facts
    moved = facts.update and facts.update.after == facts.update.wanted
    if proof.state.given or not moved or not facts.by_hand or facts.by_hand.refused:
        return
    role = f"arn:aws:iam::{facts.account}:role/prove-{proof.state.run}"
    with proof.aws.about("A28"):
        if _update_launch(proof, {"UserRoleArn": role}, "taint"):
            facts.tainted = _updated(proof, facts.chosen)


# -- the end ----------------------------------------------------------------------------------------------------------


def delete(proof: Proof) -> None:
    """Delete the project and wait until it is gone; where Studio cannot, terminate the launch and ask once more."""
    state = proof.state
    if state.given or not state.project_name:
        return
    state.project = state.project or _project_named(proof, state.project_name)  # interrupted before it was answered
    if not state.project:
        return
    with proof.aws.about("A13", "A28"):
        proof.facts.deletion = last = _deleted(proof)
        if last != "gone" and proof.facts.launch:
            with suppress(FinalError):
                proof.aws.ask(
                    SERVICE_CATALOG,
                    "terminate_provisioned_product",
                    state.launch_role,
                    ProvisionedProductName=f"{looking.LAUNCH_NAME_PREFIX}{state.project}",
                    TerminateToken=f"prove-{state.run}-{state.project}-end",
                )
                _launch_is_gone(proof)
            last = _deleted(proof)
    state.left = "" if last == "gone" else state.project


def _deleted(proof: Proof) -> str:
    """Ask Studio to delete the project; return "gone", or why it is not."""
    identity = {"domainIdentifier": proof.state.domain, "identifier": proof.state.project}
    proof.say(f"deleting the project {proof.state.project}")
    try:
        proof.aws.ask(DATAZONE, "delete_project", **identity)
        end = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < end:
            found = proof.aws.ask(DATAZONE, "get_project", **identity)
            _seen_while_deleted(proof, str(found["projectStatus"]))
            if found["projectStatus"] == "DELETE_FAILED":
                return "; ".join(str(item.get("message", "")) for item in found.get("failureReasons", []))
            time.sleep(proof.aws.pause)
    except (AwsNotFound, AwsDenied) as answer:  # DataZone may deny what is gone
        if _project_named(proof, proof.state.project_name):
            return str(answer)
        watching.after_deletion(proof)
        # A second door that is denied what is gone, as that function is, terminates nothing (A36).
        denied = proof.facts.ending and proof.facts.ending.after == "denied"
        polls = _DENIED_POLLS if denied else TERMINATION_POLLS
        return "gone" if _launch_is_gone(proof, polls) else "the project is gone, its launch is not"
    return "DataZone is still deleting it"


def _seen_while_deleted(proof: Proof, status: str) -> None:
    """Remember a status of the project that is being deleted: one that tells of it, if there is any."""
    ending = proof.facts.ending = proof.facts.ending or Ending()
    if "DELET" not in ending.status:
        ending.status = status


def _launch_is_gone(proof: Proof, polls: int = TERMINATION_POLLS) -> bool:
    """Wait until the launch is gone: the project setup terminates it after the project. Raises Problem."""
    name = f"{looking.LAUNCH_NAME_PREFIX}{proof.state.project}"
    for _ in range(polls):
        try:
            proof.aws.ask(SERVICE_CATALOG, "describe_provisioned_product", Name=name)
        except AwsNotFound:
            return True
        time.sleep(proof.aws.pause)
    return False
