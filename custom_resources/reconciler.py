"""The shape that all custom resources share: desired state in, Done or Pending out.

    CloudFormation event -> typed request -> room in the budget? -> observe -> plan (pure) -> take its cost
        -> still current? -> apply -> Done(attributes) | Pending(why, until when) | Replan(what was learned)

The CDK's Provider framework calls the same function twice over: once as `on_event`, which only validates the
request and notes which stack operation it belongs to, then as `is_complete` until it says so. All work happens
in `is_complete`, so a wait or a retry only means one more call; a function that dies is a failed request, which the
rollback and the next one find as any other state (docs/decisions/0001).
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Generic, Literal, Protocol, TypedDict, TypeVar

from pydantic import ValidationError

from custom_resources.answer_limit import fitted
from custom_resources.call import Call, pending, progress_name, tell_everyone
from custom_resources.clients.replicas import Replicas
from custom_resources.errors import (
    FinalError,
    KeepsChanging,
    NotARequest,
    NotPermitted,
    NotSeenYet,
    PropertiesWrong,
    RetryLater,
    Stale,
)
from custom_resources.progress import Progress
from custom_resources.properties import Properties
from custom_resources.rate_budget import Cost
from custom_resources.rollback import Change
from custom_resources.stack_operation import require_current
from custom_resources.telemetry import count, logger

if TYPE_CHECKING:
    from custom_resources.clients.protocols import Budget, Stacks, UpdateRecords
    from custom_resources.clients.writes import Writes

RequestType = Literal["Create", "Update", "Delete"]
ATTEMPTS = 4  # plans in one call: what was seen may have moved on
LAG_WAIT_SECONDS = 5  # before GitHub's replicas are asked again


PropertiesT = TypeVar("PropertiesT", bound=Properties)
ObservedT = TypeVar("ObservedT")
PlanT = TypeVar("PlanT")


@dataclass(frozen=True)
class Request(Generic[PropertiesT]):
    """One CloudFormation request to one resource. `physical_id` is "" until the resource has one."""

    type: RequestType
    properties: PropertiesT
    old: PropertiesT | None
    physical_id: str
    stack_id: str
    logical_id: str
    started: float = 0.0  # Unix time of the first call
    attempt: int = 0  # how often, in this call, the world has changed while we looked
    noted: Mapping[str, str] = field(default_factory=dict)  # what the preflight saw
    refusal: str = ""  # what refused the plan before this one, in the server's words
    operation: str = ""  # the stack's: its status, and since when
    progress: Progress = field(default_factory=Progress, repr=False, compare=False)  # of its calls so far
    unsettled: bool = False  # what is not found may have been written a moment ago
    age: float = 0.0  # seconds since the first call

    @property
    def attested(self) -> bool:
        """Tell whether the stack still lists the resource: what an update has removed is deleted by its event alone."""
        return not self.operation.split(" ")[0].endswith("CLEANUP_IN_PROGRESS")

    @property
    def goes_back(self) -> bool:
        """Tell whether the stack brings back what it had before an update that failed."""
        return self.operation.startswith("UPDATE_ROLLBACK_")

    @property
    def launch_goes_back(self) -> bool:
        """Tell whether the stack removes what it made just now, in a creation that failed."""
        return self.operation.startswith("ROLLBACK_")

    @property
    def stack_ends(self) -> bool:
        """Tell whether all of the stack's resources go, not this one alone."""
        return self.operation.startswith(("DELETE_", "ROLLBACK_"))


@dataclass(frozen=True)
class Done:
    """The resource is as desired. `physical_id` replaces the provisional one of a Create; `metrics` are counted."""

    attributes: Mapping[str, str] = field(default_factory=dict)
    physical_id: str = ""
    metrics: tuple[str, ...] = ()


@dataclass(frozen=True)
class Replan:
    """What apply learned instead of ending: it wrote nothing of this plan.

    `refusal` is the server's word that refused it: the same observation is planned again with it. Without one the world
    has changed meanwhile: it is observed again.
    """

    why: str
    refusal: str = ""


class Effects(TypedDict, total=False):
    """What a dry run shows of one repository."""

    repository: str
    action: str
    status: str
    reason: str
    settings: list[str]
    added: list[str]
    changed: list[str]
    deleted: list[str]
    conflicts: list[str]
    ignored: list[str]
    absent: list[str]
    secrets: list[str]
    secrets_removed: list[str]
    variables: list[str]
    variables_removed: list[str]
    environments: list[str]


@dataclass(frozen=True)
class Foreseen:
    """What a resource would do, and report: `part` (build, deploy) or `repository` names whose effects these are."""

    attributes: Mapping[str, str] = field(default_factory=dict)
    effects: Effects = field(default_factory=Effects)
    part: str = ""
    repository: str = ""
    patch: Callable[[], str] | None = None  # the difference as text, read while the observation is open


class CustomResource(Protocol[PropertiesT, ObservedT, PlanT]):
    """A custom resource: a class made with the clients it uses. Who has read one has read all."""

    properties: type[PropertiesT]
    for_people: tuple[str, ...] = ()  # attributes that no template uses: too long ones are cut
    writes_github_alone: bool = False  # so that its Create is known to have written nothing (docs/decisions/0081)

    @abstractmethod
    def provisional_id(self, properties: PropertiesT) -> str:
        """Name the resource before it exists."""

    @abstractmethod
    def observe(self, request: Request[PropertiesT]) -> AbstractContextManager[ObservedT]:
        """Read what is there, and hold what that needs (a repository on disk) until the plan is applied."""

    @abstractmethod
    def plan(self, request: Request[PropertiesT], observed: ObservedT) -> PlanT:
        """Decide, without side effects. Its repr is logged, so it shows no secret value."""

    @abstractmethod
    def apply(self, plan: PlanT, request: Request[PropertiesT], ensure_current: Callable[[], None]) -> Done | Replan:
        """Do what the plan says, calling `ensure_current` before late writes."""

    @abstractmethod
    def foresee(self, request: Request[PropertiesT], observed: ObservedT, plan: PlanT) -> Foreseen:
        """Tell what applying the plan would do and report, for a dry run."""

    def cost(self, plan: PlanT) -> Cost:
        """Return what a plan takes of GitHub's limits (docs/decisions/0004); nothing where GitHub is not called."""
        return Cost()

    def left(self, request: Request[PropertiesT], failed: FinalError) -> FinalError:
        """Return what a Delete that failed tells people, with what it leaves behind."""
        return failed

    def preflight(self, request: Request[PropertiesT]) -> Mapping[str, str]:
        """Look at what is needed before the request is accepted: one that is refused leaves nothing to roll back.

        What it returns is kept in `Request.noted`.
        """
        return {}


Event = Mapping[str, Any]
# Refuses an event that is not its stack's own; returns the stack's operation.
RequireOwn = Callable[[Event, "Request[Any]"], str]


def resource_type(resource: CustomResource[Any, Any, Any]) -> str:
    """Return the CloudFormation type: each class is named for it."""
    return f"Custom::{type(resource).__name__}"


def parsed(resource: CustomResource[PropertiesT, Any, Any], event: Event) -> Request[PropertiesT]:
    """Return the typed request, or raise PropertiesWrong, which names each wrong property."""

    def typed(values: Mapping[str, Any]) -> PropertiesT:
        try:
            # By CloudFormation's names only: an event in which Python's would do has two names for one thing.
            return resource.properties.model_validate(values, by_alias=True, by_name=False)
        except ValidationError as error:
            wrong = "; ".join(
                f"{'.'.join(map(str, problem['loc'])) or 'properties'}: {problem['msg']}" for problem in error.errors()
            )
            raise PropertiesWrong(resource_type=resource_type(resource), problems=wrong) from None

    if event.get("RequestType") not in ("Create", "Update", "Delete"):
        raise NotARequest
    properties, operation = typed(event.get("ResourceProperties") or {}), event.get("Operation") or {}
    given = str(event.get("PhysicalResourceId") or "")
    # A creation has no past and no id of its own, whatever its event says: only CloudFormation's list tells an id.
    old = event.get("OldResourceProperties") if event["RequestType"] == "Update" else None
    physical_id = resource.provisional_id(properties) if event["RequestType"] == "Create" and given else given
    try:
        before = typed(old) if old else None
    except FinalError:  # the rollback of an update that was refused for its properties: it changed nothing
        before = properties
    return Request(
        type=event["RequestType"],
        properties=properties,
        old=before,
        physical_id=physical_id,
        stack_id=str(event.get("StackId", "")),
        logical_id=str(event.get("LogicalResourceId", "")),
        started=float(operation.get("Started", 0)),
        noted=operation.get("Noted") or {},
        operation=str(operation.get("Stack", "")),
    )


def on_event(
    resource: CustomResource[PropertiesT, Any, Any],
    event: Event,
    stacks: Stacks,
    budget: Budget | None = None,
    *,
    require_own: RequireOwn | None = None,
    records: UpdateRecords | None = None,
    replicas: Replicas | None = None,
) -> dict[str, Any]:
    """Accept a request: validate it, name the resource, note the stack operation it belongs to. Writes nothing.

    `require_own` refuses what is not its stack's (own_stack.py); without it the event is taken for its stack's own.
    Raises RetryLater when CloudFormation does not answer: before the preflight, so that repeating costs GitHub nothing.
    """
    request = parsed(resource, event)
    operation = require_own(event, request) if require_own else stacks.operation(request.stack_id)
    started = str((replicas or Replicas()).clock())
    logger.append_keys(operation=operation)
    Change.of(event, operation, records, creates=resource.writes_github_alone).begin()
    noted = dict(_preflight(resource, request, budget))
    return {
        "PhysicalResourceId": request.physical_id or resource.provisional_id(request.properties),
        "Operation": {"Stack": operation, "Started": started, "Noted": noted},
    }


def _preflight(
    resource: CustomResource[PropertiesT, Any, Any], request: Request[PropertiesT], budget: Budget | None
) -> Mapping[str, str]:
    """Look ahead, unless GitHub wants to be left alone: is_complete can wait for that, on_event cannot."""
    try:
        if budget:
            budget.require_room("")
        return resource.preflight(request)
    except RetryLater as wait:
        tell_everyone(wait, budget)
        logger.warning("preflight left out", why=wait.why)
        return {}


def _reconcile(resource: CustomResource[PropertiesT, Any, Any], request: Request[PropertiesT], call: Call) -> Done:
    request = replace(request, progress=call.room())
    for attempt in range(ATTEMPTS):
        again = replace(request, attempt=attempt)
        with resource.observe(again) as observed:
            outcome = _applied(resource, again, observed, call)
            if isinstance(outcome, Replan) and outcome.refusal:
                logger.warning("refused", why=outcome.why, answer=outcome.refusal)
                outcome = _applied(resource, replace(again, refusal=outcome.refusal), observed, call)
        if isinstance(outcome, Done):
            return outcome
        logger.info("changed meanwhile", what=outcome.why)
    raise KeepsChanging(5)


def _applied(
    resource: CustomResource[PropertiesT, ObservedT, Any],
    request: Request[PropertiesT],
    observed: ObservedT,
    call: Call,
) -> Done | Replan:
    """Plan from an observation, take the plan's cost, and apply it while the request is still the stack's."""
    plan = resource.plan(request, observed)
    logger.info("plan", plan=repr(plan), attempt=request.attempt)
    call.pay(resource.cost(plan), request.progress)
    call.ensure_current()
    return resource.apply(plan, request, call.ensure_current)


def is_complete(
    resource: CustomResource[PropertiesT, Any, Any],
    event: Event,
    stacks: Stacks,
    patience: float,
    budget: Budget | None = None,
    *,
    require_own: RequireOwn | None = None,
    records: UpdateRecords | None = None,
    writes: Writes | None = None,
    replicas: Replicas | None = None,
) -> dict[str, Any]:
    """Reconcile once. `patience` is how many seconds after the first call a wait turns into a failure.

    `require_own` refuses what is not its stack's: a principal that can invoke the function can make up an event.
    `replicas` tells whether GitHub may lag behind a write; what cannot be told from that is a wait until then.
    """
    request, replicas = parsed(resource, event), replicas or Replicas()
    replicas.begin(f"{request.stack_id} {request.logical_id} {request.started}", request.started)
    age = replicas.clock() - request.started
    request = replace(request, unsettled=replicas.recent, age=age)

    def ensure_current() -> None:
        require_current(request.operation, stacks.operation(request.stack_id))

    change = Change.of(event, request.operation, records, creates=resource.writes_github_alone)
    call = Call(progress_name(event), budget, ensure_current, replicas.clock)
    try:
        if require_own:
            require_own(event, request)
        undone = change.undone()
        if undone is not None:
            logger.info("nothing to roll back: the update wrote nothing")
            return {"IsComplete": True, "Data": dict(undone)}
        with change.watched(writes):
            done = _reconcile(resource, request, call)
    except RetryLater as wait:
        return pending(wait, request.started, patience, call)
    except FinalError as failed:
        if failed.may_be_lag and replicas.recent:
            return pending(NotSeenYet(LAG_WAIT_SECONDS, why=failed.why.rstrip(".")), request.started, patience, call)
        return _failed(failed, resource, request)
    except Stale:
        logger.warning("stale request ends without a write")
        return {"IsComplete": True}
    change.ended(done.attributes)
    answer: dict[str, Any] = {"IsComplete": True}
    if done.physical_id:
        answer["PhysicalResourceId"] = done.physical_id
    answer["Data"] = fitted({**event, **answer}, done.attributes, resource.for_people)
    logger.info("done", attributes=dict(done.attributes))
    count(*done.metrics)
    return answer


def _failed(failed: FinalError, resource: CustomResource[Any, Any, Any], request: Request[Any]) -> dict[str, Any]:
    """Raise the failure, unless it is of a Delete that the token does not permit and the settings let go."""
    if request.type != "Delete":
        raise failed
    if not isinstance(failed, NotPermitted) or not request.properties.retain_on_failure:
        raise resource.left(request, failed) from None
    logger.error("left as it is", reason=str(resource.left(request, failed)))
    count("Retained")
    return {"IsComplete": True}
