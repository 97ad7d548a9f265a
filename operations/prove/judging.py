"""What the facts say about each assumption. Pure: the same facts are judged the same."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from operations.prove import judging_runs
from operations.prove.assumptions import ASSUMPTIONS, BY_ID, Assumption
from operations.prove.facts import Call, Facts, Told, Update
from operations.prove.verdicts import (
    HOLDS,
    NOT_SEEN,
    OTHERWISE,
    Judged,
    Verdict,
    failed_with,
    judged,
    stack_failed_with,
    unseen,
)

RESERVED = (
    "datazoneEnvironmentDomainId",
    "datazoneEnvironmentProjectId",
    "datazoneEnvironmentEnvironmentId",
    "datazoneEnvironmentProjectName",
    "datazoneScopeName",
    "userRoleArn",
    "s3BucketArn",
)
# A launch, or a deletion, may fail where one of these is otherwise; nothing else that is otherwise explains it.
LAUNCH_RESTS_ON = {"A01", "A02", "A03", "A15", "A17", "A19", "A21", "A23", "A24", "A34", "A35", "A37"}
DELETION_RESTS_ON = {"A13", "A28", "A36"}
LAUNCHED_BY = "studio-mlops:launched-by"
_ASSUMED_ROLE = re.compile(r"arn:aws[a-z-]*:sts::\d{12}:assumed-role/(?P<role>[^/]+)/.+")
_READY = {"InService", "Updating"}
_MEMBERS_ONLY = ("ListEnvironments", "ListConnections")
_NO_LAUNCH: Judged = (NOT_SEEN, "there was no launch to look at")
_NO_ENVIRONMENT: Judged = (NOT_SEEN, "there was no environment of the blueprint to look at")


@dataclass(frozen=True)
class Finding:
    """The verdict on one assumption, with what was seen."""

    assumption: Assumption
    verdict: Verdict
    seen: str
    calls: tuple[Call, ...]


def judge(facts: Facts, calls: list[Call]) -> list[Finding]:
    """Return a finding for every assumption, in the table's order."""
    found = []
    for assumption in ASSUMPTIONS:
        judge_ = _JUDGES.get(assumption.id)
        verdict, seen = judge_(facts) if judge_ else _answered(assumption, facts)
        about = tuple(call for call in calls if assumption.id in call.about)
        found.append(Finding(assumption, verdict, seen, about))
    return found


def _answered(assumption: Assumption, facts: Facts) -> Judged:
    """Return the verdict on what only a person can see: the answer, if there is one."""
    answer = facts.answers.get(assumption.id)
    if answer is None:
        return unseen(assumption)
    return judged(answer, f"somebody looked, and answered {'yes' if answer else 'no'}")


# -- the installation -------------------------------------------------------------------------------------------------


def _owners_write(facts: Facts) -> Judged:
    installed = facts.installed
    if installed is None or installed.owners != "ok":
        return NOT_SEEN, "the functions' roles are no owners of the domain unit, or who owns it cannot be read (doctor)"
    if refused := stack_failed_with(facts, "add-entity-owner"):
        return OTHERWISE, f"the roles are owners, and were denied: {refused}"
    if not installed.blueprint_id:
        return NOT_SEEN, "both roles are owners, and the profile has nothing that they wrote"
    return HOLDS, "both roles are owners, and the profile has the blueprint's environment"


def _configuration_goes(facts: Facts) -> Judged:
    if facts.scratch is None or not facts.scratch.configuration:
        return unseen(BY_ID["A05"])
    return judged(
        facts.scratch.configuration == "gone", f"after the blueprint's deletion: {facts.scratch.configuration}"
    )


def _configurations_sent_back(facts: Facts) -> Judged:
    installed = facts.installed
    if facts.scratch and facts.scratch.sent_back:
        return judged(facts.scratch.sent_back == "kept", f"sent back to a scratch profile: {facts.scratch.sent_back}")
    if refused := stack_failed_with(facts, r"refused the request \(changing the project profile"):
        return OTHERWISE, refused
    if installed is None or not installed.blueprint_id or not installed.beside:
        return NOT_SEEN, "the profile has no environment of ours beside others"
    return HOLDS, f"the profile has our environment beside {', '.join(installed.beside)}"


def _role_words(facts: Facts) -> Judged:
    if recognized := stack_failed_with(facts, "cannot use the provisioning role", ever=True):
        return HOLDS, recognized
    if other := stack_failed_with(facts, r"refused the request \(configuring the blueprint", ever=True):
        return OTHERWISE, other
    return NOT_SEEN, "StudioStack's events show no role that DataZone could not use yet"


def _empty_defaults(facts: Facts) -> Judged:
    installed = facts.installed
    pattern = r"refused the request \((creating|changing) the blueprint .*(defaultValue|ProfileName|TemplateFolder)"
    if refused := stack_failed_with(facts, pattern):
        return OTHERWISE, refused
    if facts.scratch and facts.scratch.blueprint_refused and not _about_template(facts):
        return OTHERWISE, facts.scratch.blueprint_refused
    if installed is None or not installed.blueprint_id:
        return NOT_SEEN, "the profile has no blueprint of ours"
    empty = [name for name, value in installed.blueprint_parameters.items() if not value]
    return judged(
        bool(empty and installed.fixed),
        f"the blueprint has {', '.join(empty) or 'none'} with empty defaults; "
        f"the profile fixes {', '.join(installed.fixed) or 'none'}",
    )


def _absent_is_denied(facts: Facts) -> Judged:
    if not facts.absent_domain or facts.listed is None:
        return NOT_SEEN, "DataZone was not asked"
    seen = f"GetDomain of an id that nobody has: {facts.absent_domain}; ListDomains shows the domain: {facts.listed}"
    return judged(facts.absent_domain == "denied" and facts.listed, seen)


# -- the environment --------------------------------------------------------------------------------------------------


def _caller(facts: Facts) -> Judged:
    if refused := failed_with(facts, "No launch paths found"):
        return OTHERWISE, refused
    launch, installed = facts.launch, facts.installed
    if launch is None or installed is None or not installed.provisioning_role:
        return _NO_LAUNCH
    found = _ASSUMED_ROLE.fullmatch(launch.principal or launch.session)
    if not found:
        return NOT_SEEN, "neither the stack's tag nor the search names the caller"
    expected = installed.provisioning_role.rpartition("/")[2]
    return judged(found["role"] == expected, f"launched by {found['role']}; the blueprint's role is {expected}")


def _parameters_reach(facts: Facts) -> Judged:
    if refused := failed_with(facts, "ProductId"):
        return OTHERWISE, refused
    environment, installed = facts.environment, facts.installed
    if environment is None or installed is None or not environment.parameters:
        return _NO_ENVIRONMENT
    wanted = {**installed.blueprint_parameters, **installed.profile_parameters}
    chosen = {"ProductVersion", "gitFullRepositoryId"}  # a project's own choice goes over them
    missing = [
        name
        for name, value in wanted.items()
        if value and name not in chosen and environment.parameters.get(name) != value
    ]
    return judged(not missing, f"differing in the environment's stack: {', '.join(sorted(missing)) or 'none'}")


def _reserved_filled_in(facts: Facts) -> Judged:
    environment = facts.environment
    if environment is None or not environment.parameters:
        return _NO_ENVIRONMENT
    empty = [name for name in RESERVED if not environment.parameters.get(name)]
    return judged(not empty, f"empty: {', '.join(empty) or 'none'} (the domain's single sign-on: {facts.kind})")


def _empty_outputs(facts: Facts) -> Judged:
    if refused := failed_with(facts, "attribute Outputs."):
        return OTHERWISE, refused
    if facts.environment and "" in facts.environment.outputs.values():
        return HOLDS, "the environment's stack has an output that is empty"
    return unseen(BY_ID["A15"])


def _template_read(facts: Facts) -> Judged:
    if refused := failed_with(facts, "Access denied to blueprint template"):
        return OTHERWISE, refused
    if facts.scratch and _about_template(facts):
        return OTHERWISE, f"who registers a blueprint has to read its template: {facts.scratch.blueprint_refused}"
    if facts.environment is None or not facts.environment.stack_status:
        return _NO_ENVIRONMENT
    taken = bool(facts.scratch and facts.scratch.blueprint_taken)
    second = "; a blueprint with it was registered" if taken else ""
    return HOLDS, f"the provisioning role read it: the environment has a stack{second}"


def _about_template(facts: Facts) -> bool:
    """Tell whether a blueprint was refused for its template, not for its parameters."""
    refused = facts.scratch.blueprint_refused if facts.scratch else ""
    return bool(re.search(r"(?i)access denied|templateUrl|blueprint template", refused))


# -- the project ------------------------------------------------------------------------------------------------------


def _native_events(facts: Facts) -> Judged:
    event = facts.native_event
    if event is None:
        return NOT_SEEN, "no event of Studio's own about the project reached the project-setup state machine"
    named = event["metadata.domain"] and (event["metadata.owningProjectId"] or event["data.projectId"])
    there = [name for name, found in event.items() if found]
    return judged(named, f"named in: {', '.join(there) or 'none of the members that are read'}")


def _found_by_id(facts: Facts) -> Judged:
    launch = facts.launch
    if launch is None:
        return _NO_LAUNCH
    if not launch.found_by_id:
        return OTHERWISE, f"the search finds nothing by id:{launch.id}"
    return judged(LAUNCHED_BY in launch.tags, f"found, with the tags {', '.join(sorted(launch.tags))}")


def _inline_policy(facts: Facts) -> Judged:
    if not facts.grants_files:
        return NOT_SEEN, "[workflow_role] grant_execution_role_files is off"
    if not facts.deletion:
        return NOT_SEEN, "no project was deleted"
    return judged(not _for_a_policy(facts), f"the project's deletion: {facts.deletion}")


def _for_a_policy(facts: Facts) -> bool:
    """Tell whether the project could not be deleted for a policy on its role."""
    return bool(re.search("(?i)polic", facts.deletion))


def _readable(facts: Facts) -> Judged:
    told = facts.told
    if told is None:
        return _NO_LAUNCH
    if told.failure or "GetProject" not in told.permitted:
        return NOT_SEEN, f"the function studio-project: {told.failure or 'it does not say'}"
    return judged(told.permitted["GetProject"], _permitted(told, "GetProject"))


def _members_only(facts: Facts) -> Judged:
    told = facts.told
    if told is None or not told.permitted.keys() >= set(_MEMBERS_ONLY):
        return NOT_SEEN, f"the function studio-project: {told.failure if told else 'it was not asked'}"
    return judged(not any(map(told.permitted.get, _MEMBERS_ONLY)), _permitted(told, *_MEMBERS_ONLY))


def _permitted(told: Told, *operations: str) -> str:
    said = (f"{each} is {'permitted' if told.permitted[each] else 'denied'}" for each in operations)
    return f"to the function studio-project {', '.join(said)}"


def _principal_tag(facts: Facts) -> Judged:
    if facts.launch is None or not facts.launch.stack:
        return _NO_LAUNCH
    tag = facts.launch.principal
    return judged(bool(_ASSUMED_ROLE.fullmatch(tag)), f"the tag is {tag or 'missing'}")


def _tag_stays(facts: Facts) -> Judged:
    by_hand = facts.by_hand
    if by_hand is None or by_hand.refused or not by_hand.principal_before:
        return NOT_SEEN, _why_not_by_hand(facts)
    changed = by_hand.principal_before != by_hand.principal_after
    return judged(not changed, f"before: {by_hand.principal_before}; after: {by_hand.principal_after}")


def _why_not_by_hand(facts: Facts) -> str:
    refused = facts.by_hand.refused if facts.by_hand else ""
    return f"no update by hand: {refused or 'there was none'} (--launch-role names a principal of the portfolio)"


def _files(facts: Facts) -> Judged:
    environment, workspace = facts.environment, facts.workspace
    arn = environment.parameters.get("s3BucketArn", "") if environment else ""
    if environment is None or not arn or workspace is None or not workspace.location:
        return NOT_SEEN, "s3BucketArn is empty, or SageMaker tells no location"
    parts = [
        environment.parameters.get(name, "")
        for name in ("datazoneEnvironmentDomainId", "datazoneEnvironmentProjectId", "datazoneScopeName")
    ]
    if not all(parts):
        return NOT_SEEN, "Studio does not fill in the parts of the location (A03)"
    wanted = f"s3://{arn.rpartition(':')[2]}/{'/'.join(parts)}"
    return judged(workspace.location.rstrip("/") == wanted, f"expected {wanted}; SageMaker says {workspace.location}")


def _domain_names_project(facts: Facts) -> Judged:
    workspace = facts.workspace
    if workspace is None or facts.deployment != "SUCCESSFUL":
        return NOT_SEEN, "the project was not deployed"
    seen = f"named by: {workspace.named_by or 'no SageMaker domain'}; status: {workspace.status or 'none'}"
    return judged(bool(workspace.named_by) and workspace.status in _READY, seen)


# -- updates ----------------------------------------------------------------------------------------------------------


def _project_updated(facts: Facts) -> Judged:
    if facts.update is None:
        return NOT_SEEN, "there was no update: it takes a second version, and a project that was made here"
    if facts.update.reasons:
        return NOT_SEEN, _update_text(facts.update)
    return judged(facts.update.after == facts.update.wanted, _update_text(facts.update))


def _update_text(update: Update) -> str:
    reasons = f" ({'; '.join(update.reasons)})" if update.reasons else ""
    return f"from {update.before} to {update.wanted}: {update.status}, then at {update.after}{reasons}"


def _changed_by_hand(facts: Facts) -> Judged:
    if facts.by_hand is None or facts.by_hand.parameter_kept is None:
        return NOT_SEEN, _why_not_by_hand(facts)
    kept = facts.by_hand.parameter_kept
    return judged(kept, f"after Studio's update the parameter was {'as changed' if kept else 'as before'}")


def _tainted(facts: Facts) -> Judged:
    if facts.tainted is None:
        return NOT_SEEN, _why_not_by_hand(facts)
    moved = facts.tainted.after == facts.tainted.wanted
    if moved and _for_a_policy(facts):
        return NOT_SEEN, f"the project could not be deleted for another reason (A13): {facts.deletion}"
    seen = f"{_update_text(facts.tainted)}; the deletion: {facts.deletion or 'none'}"
    return judged(moved and facts.deletion in ("", "gone"), seen)


_JUDGES: dict[str, Callable[[Facts], Judged]] = {
    "A01": _caller,
    "A02": _parameters_reach,
    "A03": _reserved_filled_in,
    "A04": _owners_write,
    "A05": _configuration_goes,
    "A06": _configurations_sent_back,
    "A08": _role_words,
    "A09": _project_updated,
    "A10": _native_events,
    "A11": _found_by_id,
    "A13": _inline_policy,
    "A15": _empty_outputs,
    "A17": _template_read,
    "A19": _readable,
    "A20": _members_only,
    "A21": _principal_tag,
    "A22": _tag_stays,
    "A23": _files,
    "A24": _domain_names_project,
    "A25": _absent_is_denied,
    "A26": _empty_defaults,
    "A27": _changed_by_hand,
    "A28": _tainted,
    **judging_runs.JUDGES,
}
