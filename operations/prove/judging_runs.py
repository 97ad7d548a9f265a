"""What the facts say of operations while they run, of grants, and of what a project's workflows have left. Pure."""

from __future__ import annotations

from collections.abc import Callable

from custom_resources.errors import NotOfItsStack
from operations.prove.assumptions import BY_ID
from operations.prove.facts import Facts
from operations.prove.verdicts import HOLDS, NOT_SEEN, OTHERWISE, Judged, failed_with, judged, unseen

NOT_ASSUMED = "Access denied while assuming the role"  # Service Catalog's words for a launch role
NOT_OF_ITS_STACK = NotOfItsStack.happened.partition(" {")[0]
_WORKFLOW_ROLE = "-wf-"  # in the name of each project's


def _failed_launch(facts: Facts, text: str) -> str:
    """Return why the launch failed, if that has the text in it."""
    message = facts.launch.message if facts.launch else ""
    return failed_with(facts, text) or (message if text in message else "")


# -- the installation -------------------------------------------------------------------------------------------------


def _second_grant(facts: Facts) -> Judged:
    if facts.scratch is None or not facts.scratch.second_grant:
        return unseen(BY_ID["A07"])
    found = facts.scratch.second_grant
    return judged(found in ("beside the first", "conflict"), f"a second grant in a scratch domain unit: {found}")


def _cut_off(facts: Facts) -> Judged:
    cut_off = facts.installed.cut_off if facts.installed else {}
    if not cut_off:
        return NOT_SEEN, "StudioStack's events show no creation that CloudFormation cut off"
    seen = ", ".join(f"{name} was deleted as {identifier or 'nothing'}" for name, identifier in cut_off.items())
    return judged(all(identifier.startswith("StudioStack-") for identifier in cut_off.values()), seen)


def _waiters(facts: Facts) -> Judged:
    waiters = facts.waiters
    if waiters is None or not waiters.machines or not waiters.key:
        return NOT_SEEN, "FoundationStack has no state machines under a key"
    if waiters.refused:
        return OTHERWISE, waiters.refused
    statuses = {waiters.key, *waiters.machines.values()}
    if not all(status.endswith("_COMPLETE") and "ROLLBACK" not in status for status in statuses):
        return NOT_SEEN, f"FoundationStack's key and state machines are in the statuses {', '.join(sorted(statuses))}"
    return HOLDS, f"CloudFormation made {len(waiters.machines)} state machines under RequestsKey"


# -- while it goes on -------------------------------------------------------------------------------------------------


def _launch_role(facts: Facts) -> Judged:
    if refused := _failed_launch(facts, NOT_ASSUMED):
        return OTHERWISE, refused
    if facts.launch is None or not facts.launch.stack:
        return NOT_SEEN, "there was no launch to look at"
    return HOLDS, "Service Catalog assumed the launch role: it told the account, or nothing"


def _told_while_going_on(facts: Facts) -> Judged:
    going = facts.going
    if not going.looks:
        return NOT_SEEN, "no launch was seen while it was going on: it takes a project that was made here"
    seen = (
        f"of {going.looks} looks at a launch that was going on, {going.unnamed} named no user; "
        f"PhysicalId was another stack's: {', '.join(going.strangers) or 'never'}"
    )
    return judged(not going.unnamed and not going.strangers, seen)


def _resources_listed(facts: Facts) -> Judged:
    if refused := _failed_launch(facts, NOT_OF_ITS_STACK):
        return OTHERWISE, refused
    going = facts.going
    if not going.listed and not going.late:
        return NOT_SEEN, "no stack of a launch was seen while it was going on: it takes a project that was made here"
    seen = f"told alike by events and by the list of resources: {going.listed}; late: {', '.join(going.late) or 'none'}"
    return judged(not going.late, seen)


def _deleted(facts: Facts) -> Judged:
    ending = facts.ending
    if ending is None or ending.after not in ("not found", "denied", "answered"):
        return NOT_SEEN, f"no project was deleted, or nobody could ask after it ({ending.after if ending else 'none'})"
    if facts.told and facts.told.permitted.get("GetProject") is False:
        return NOT_SEEN, "DataZone denies GetProject to the function studio-project at any time (A19)"
    seen = f"status while it was deleted: {ending.status or 'not seen'}; to the function studio-project: {ending.after}"
    return judged(ending.after == "not found" and (not ending.status or "DELET" in ending.status), seen)


def _stacks_named(facts: Facts) -> Judged:
    if not facts.stacks:
        return NOT_SEEN, "no environment of the project has a stack in this account"
    seen = ", ".join(f"{name}: {where or 'nothing'}" for name, where in facts.stacks.items())
    return judged(all(facts.stacks.values()), f"the stacks of environments name the project by: {seen}")


# -- what workflows have left -----------------------------------------------------------------------------------------


def _by_workflow(facts: Facts) -> bool:
    return bool(facts.workflows and _WORKFLOW_ROLE in facts.workflows.created_by)


def _connected(facts: Facts) -> Judged:
    found = facts.connected
    if found is None or found.repository.partition("/")[0].lower() != found.organization.lower():
        return unseen(BY_ID["A12"])
    # A server of one's own, or GHE.com, may be either kind of connection.
    expected = {"GitHub"} if found.on_github_com else {"GitHub", "GitHubEnterpriseServer"}
    return judged(found.provider in expected, f"{found.repository} is connected by a {found.provider} connection")


def _executions_tagged(facts: Facts) -> Judged:
    if facts.workflows is None or not facts.workflows.execution:
        return unseen(BY_ID["A14"])
    tagged = facts.workflows.execution_tagged
    return judged(tagged, f"{facts.workflows.execution} has {'the' if tagged else 'not the'} project's tag")


def _own_key(facts: Facts) -> Judged:
    workflows = facts.workflows
    if facts.recorded and facts.recorded.key_denied:
        return OTHERWISE, facts.recorded.key_denied
    if workflows is None or not facts.domain_key or workflows.bucket_key != facts.domain_key or not _by_workflow(facts):
        return unseen(BY_ID["A16"])
    return HOLDS, f"{workflows.created_by} wrote to the bucket, which encrypts with the domain's key"


def _jobs_tagged(facts: Facts) -> Judged:
    workflows = facts.workflows
    if workflows and workflows.step_refused:
        return OTHERWISE, workflows.step_refused
    if workflows is None or not workflows.steps:
        return unseen(BY_ID["A30"])
    return HOLDS, f"{workflows.steps} jobs of {workflows.execution} were made"


def _repository_id(facts: Facts) -> Judged:
    recorded = facts.recorded
    if _by_workflow(facts) and facts.workflows:
        seen = f"{facts.workflows.created_by} created {facts.workflows.pipeline}"
        return HOLDS, f"a job has assumed the workflow role: {seen}"
    if recorded and recorded.assumed:
        return HOLDS, "CloudTrail has recorded that a job assumed the role of the project's workflows"
    if recorded and recorded.not_assumed:  # another repository's job is denied as well, and rightly
        return OTHERWISE, f"no job has assumed the role yet, and one was denied: {recorded.not_assumed}"
    return unseen(BY_ID["A31"])


def _tagging_creations(facts: Facts) -> Judged:
    workflows = facts.workflows
    denied = workflows.deploy_refused if workflows else ""
    if denied := denied or (facts.recorded.tagging_denied if facts.recorded else ""):
        return OTHERWISE, denied
    if workflows is None or not _by_workflow(facts):
        return unseen(BY_ID["A32"])
    made = ["AWS::SageMaker::Pipeline", *workflows.deployed]
    return HOLDS, f"workflows have created, with the project's tag: {', '.join(made)}"


JUDGES: dict[str, Callable[[Facts], Judged]] = {
    "A07": _second_grant,
    "A12": _connected,
    "A14": _executions_tagged,
    "A16": _own_key,
    "A18": _cut_off,
    "A30": _jobs_tagged,
    "A31": _repository_id,
    "A32": _tagging_creations,
    "A33": _waiters,
    "A34": _launch_role,
    "A35": _told_while_going_on,
    "A36": _deleted,
    "A37": _resources_listed,
    "A38": _stacks_named,
}
