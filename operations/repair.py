"""Find launches that have stopped half way, tell why, and do what is safe.

    launch, stack --examined (pure)--> Finding: why, what to do --Repair--> Outcome: repaired, or what is left

Nothing here asks GitHub: the stack's own functions do, when their operation is repeated. What is retained is what an
administrator confirms to be deleted on GitHub.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeVar

from custom_resources.errors import Problem, RetryLater
from operations.errors import RepositoryNotOfALaunch

if TYPE_CHECKING:
    from custom_resources.clients.service_catalog import Launch, ProductVersion, ServiceCatalog
    from operations.repair_stacks import BrokenStacks, FailedResource, StackState

POLL_SECONDS = 5.0
POLLS_UNANSWERED = 12  # in a row, about a minute
_GOOD = ("CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE")
_NEVER_UP = ("CREATE_FAILED", "ROLLBACK_FAILED", "ROLLBACK_COMPLETE")
_UNCHANGED = "No updates are to be performed"

AnswerT = TypeVar("AnswerT")
Action = Literal["continue the rollback", "update to its own version", "terminate", "delete with resources retained"]
Result = Literal["planned", "repaired", "left"]


@dataclass(frozen=True)
class Finding:
    """A launch that has stopped: why, and what would be done. `left` says what only a person can do."""

    launch: Launch
    stack: StackState
    actions: tuple[Action, ...] = ()
    retained: tuple[str, ...] = ()  # logical ids: skipped by a rollback, kept by a deletion
    left: str = ""

    @property
    def why(self) -> tuple[str, ...]:
        """The failed resources' reasons; Service Catalog's, where CloudFormation has none."""
        reasons = tuple(f"{each.logical_id}: {each.reason}" for each in self.stack.failed)
        return reasons or ((self.launch.message,) if self.launch.message else ())


@dataclass(frozen=True)
class Outcome:
    """What became of a launch, and the command that comes next, if there is one."""

    finding: Finding
    result: Result
    reason: str = ""
    next: str = ""


@dataclass(frozen=True)
class Product:
    """The product that launches are of, with its versions."""

    id: str
    versions: Sequence[ProductVersion]


@dataclass(frozen=True)
class Clock:
    """Time, so that tests need not wait."""

    sleep: Callable[[float], None] = time.sleep


def examined(
    launch: Launch, stack: StackState, versions: Sequence[ProductVersion], gone: Collection[str] = ()
) -> Finding | None:
    """Decide what to do about a launch; None for one that is in order, or is being changed. Pure.

    `gone`: full names or ids of repositories that an administrator confirms to be deleted on GitHub.
    """
    status = stack.status
    if launch.status not in ("AVAILABLE", "TAINTED", "ERROR") or status.endswith("_IN_PROGRESS"):
        return None
    if status in ("UPDATE_ROLLBACK_FAILED", "DELETE_FAILED"):
        return _repeated(launch, stack, gone)
    if status in _NEVER_UP or (not status and launch.status != "AVAILABLE"):
        return Finding(launch, stack, ("terminate",))
    if status in _GOOD or not status:
        return None if launch.status == "AVAILABLE" else _taken_up(launch, stack, versions)
    if status == "UPDATE_FAILED":
        command = f"aws cloudformation rollback-stack --stack-name {launch.stack}"
        return Finding(launch, stack, left=f"The update started with rollback disabled. Run `{command}`.")
    return Finding(launch, stack, left=f"The stack has the status {status}. See its events in CloudFormation.")


def _repeated(launch: Launch, stack: StackState, gone: Collection[str]) -> Finding:
    """Repeat the operation that the stack stopped in, without what is gone."""
    if stack.status == "UPDATE_ROLLBACK_FAILED":
        skipped = _of_repositories(stack, gone, "UPDATE_FAILED")
        return Finding(launch, stack, ("continue the rollback", "update to its own version"), skipped)
    retained = _of_repositories(stack, gone, "DELETE_FAILED")
    first: tuple[Action, ...] = ("delete with resources retained",) if retained else ()
    return Finding(launch, stack, (*first, "terminate"), retained)


def _taken_up(launch: Launch, stack: StackState, versions: Sequence[ProductVersion]) -> Finding:
    """Have Service Catalog look again at a stack that is in order."""
    own = _own(launch, versions)
    if own is None or not own.active:
        return Finding(launch, stack, left="The launch's version is inactive. Roll out a newer version.")
    return Finding(launch, stack, ("update to its own version",))


def _own(launch: Launch, versions: Sequence[ProductVersion]) -> ProductVersion | None:
    return next((version for version in versions if version.id == launch.version_id), None)


def _of_repositories(stack: StackState, gone: Collection[str], status: str) -> tuple[str, ...]:
    """Return the failed resources that are or belong to one of the repositories."""
    return tuple(each.logical_id for each in stack.failed if each.status == status and _is_of(each, stack, gone))


def _is_of(resource: FailedResource, stack: StackState, gone: Collection[str]) -> bool:
    return bool(_names(resource, stack) & {name.casefold() for name in gone})


def _names(resource: FailedResource, stack: StackState) -> set[str]:
    """Return what a repository that a failed resource is about is called: its id, its full name."""
    found = {resource.repository_id, stack.repositories.get(resource.repository_id, "")}
    if resource.type == "Custom::GitHubRepository":
        found.add(resource.physical_id)  # its name, where it never got an id
    return {name.casefold() for name in found if name}


def broken(
    launches: Sequence[Launch], stacks: BrokenStacks, versions: Sequence[ProductVersion], gone: Collection[str]
) -> list[Finding]:
    """Return a finding for each launch that has stopped. Raises RepositoryNotOfALaunch, and what `stacks` raises."""
    states = _stopped(launches, stacks)
    require_known(gone, _repositories(states))
    return [found for launch, state in states if (found := examined(launch, state, versions, gone))]


def require_known(gone: Collection[str], known: Collection[str]) -> None:
    """Refuse a confirmation about a repository that no stopped launch knows. Raises RepositoryNotOfALaunch."""
    for name in gone:
        if name.casefold() not in known:
            raise RepositoryNotOfALaunch(repository=name)


def _stopped(launches: Sequence[Launch], stacks: BrokenStacks) -> list[tuple[Launch, StackState]]:
    stopped = stacks.broken()
    suspects = [each for each in launches if each.status in ("TAINTED", "ERROR") or each.stack in stopped]
    return [(launch, stacks.state(launch.stack)) for launch in suspects]


def _repositories(states: Sequence[tuple[Launch, StackState]]) -> set[str]:
    known = {name for _, state in states for each in state.failed for name in _names(each, state)}
    return known | {name.casefold() for _, state in states for pair in state.repositories.items() for name in pair}


class Repair:
    """Does what findings say, one after another."""

    def __init__(
        self,
        catalog: ServiceCatalog,
        stacks: BrokenStacks,
        product: Product,
        gone: Collection[str] = (),
        clock: Clock | None = None,
    ) -> None:
        """Nothing is asked yet."""
        self._catalog, self._stacks = catalog, stacks
        self._product_id, self._versions, self._gone = product.id, product.versions, gone
        self._clock = clock or Clock()

    def repositories(self, launches: Sequence[Launch]) -> set[str]:
        """Return the names and ids, in lower case, of the repositories of launches that have stopped."""
        return _repositories(_stopped(launches, self._stacks))

    def findings(self, launches: Sequence[Launch]) -> list[Finding]:
        """Return what is not in order, as `broken` does."""
        return broken(launches, self._stacks, self._versions, self._gone)

    def run(self, finding: Finding) -> Outcome:
        """Do all that a finding says, and wait for it; what fails is left, with its reason."""
        if finding.left:
            return self.left(finding, finding.left)
        said = ""
        try:
            for action in finding.actions:
                problem, said = self._done(action, finding)
                if problem:
                    return self._stopped(finding, problem)
        except Problem as error:
            return self.left(finding, str(error))
        return Outcome(finding, "repaired", said)

    def _stopped(self, finding: Finding, problem: str) -> Outcome:
        """Look at a launch whose repair has failed. One that could not be deleted now may be, with what is retained."""
        again = examined(finding.launch, self._stacks.state(finding.launch.stack), self._versions, self._gone)
        if again and again.retained and not finding.retained:
            return self.run(again)
        return self.left(again or finding, problem)

    def left(self, finding: Finding, reason: str) -> Outcome:
        """Return what a person has to do, and the command that goes on after that."""
        command = f"python -m operations repair --project {finding.launch.id} --yes"
        lost = sorted({_shown(each, finding.stack) for each in finding.stack.failed} - {""})
        more = f", with --gone {' or '.join(lost)} if it is deleted on GitHub" if lost else ""
        return Outcome(finding, "left", reason, f"{command}{more}")

    def _done(self, action: Action, finding: Finding) -> tuple[str, str]:
        """Do one thing; return why it failed ("" = it did not), and what there is to say about its success."""
        launch = finding.launch
        if action == "continue the rollback":
            self._stacks.continue_rollback(launch.stack, finding.retained)
            ended = self._at_rest(launch.stack)
            return "" if ended == "UPDATE_ROLLBACK_COMPLETE" else self._reason(launch.stack, ended), ""
        if action == "delete with resources retained":
            self._stacks.delete(launch.stack, finding.retained)
            ended = self._at_rest(launch.stack)
            return self._reason(launch.stack, ended) if ended else "", ""
        if action == "terminate":
            return self._recorded(self._catalog.terminate(launch)), "It is terminated."
        return self._updated(launch)

    def _updated(self, launch: Launch) -> tuple[str, str]:
        """Update a launch to the version that it has, which makes Service Catalog check the stack again."""
        own = _own(launch, self._versions)
        if own is None or not own.active:
            return "", "The stack is repaired, but its version is inactive. Roll out a newer version."
        last = self._catalog.record(launch.last_record) if launch.last_record else None
        failed = self._recorded(self._catalog.update(launch, self._product_id, own, last.path_id if last else ""))
        if _UNCHANGED in failed:
            return (
                "",
                f"The stack is repaired. Service Catalog shows {launch.status} until an update changes a resource.",
            )
        return failed, "It is available."

    def _recorded(self, record_id: str) -> str:
        """Wait for a request to Service Catalog; return why it failed, "" if it did not."""
        record = self._asked(lambda: self._catalog.record(record_id))
        while record.state == "running":
            self._clock.sleep(POLL_SECONDS)
            record = self._asked(lambda: self._catalog.record(record_id))
        return "" if record.state == "succeeded" else "; ".join(record.errors) or "Service Catalog gave no reason."

    def _at_rest(self, stack_id: str) -> str:
        """Wait until a stack changes no more; return its status."""
        status = self._asked(lambda: self._stacks.status(stack_id))
        while status.endswith("_IN_PROGRESS"):
            self._clock.sleep(POLL_SECONDS)
            status = self._asked(lambda: self._stacks.status(stack_id))
        return status

    def _reason(self, stack_id: str, status: str) -> str:
        failed = self._stacks.state(stack_id).failed
        return " ".join(f"{each.logical_id}: {each.reason}" for each in failed) or f"The stack ended as {status}."

    def _asked(self, ask: Callable[[], AnswerT]) -> AnswerT:
        """Ask AWS; a poll without an answer is tried again for a minute."""
        for _ in range(POLLS_UNANSWERED - 1):
            try:
                return ask()
            except RetryLater:
                self._clock.sleep(POLL_SECONDS)
        return ask()


def _shown(resource: FailedResource, stack: StackState) -> str:
    """Return what to call a failed resource's repository on the command line."""
    named = resource.physical_id if resource.type == "Custom::GitHubRepository" else ""
    return stack.repositories.get(resource.repository_id, "") or resource.repository_id or named
