"""The shape that all custom resources share: desired state in, Done or Pending out.

    CloudFormation event -> typed request -> observe -> plan (pure) -> apply -> Done(attributes) | Pending(why)

The CDK's Provider framework calls the same function twice over: once as `on_event`, which only validates the
request and notes which stack operation it belongs to, then as `is_complete` until it says so. All work happens
in `is_complete`, so a wait or a retry only means one more call; a function that dies is a failed request, which the
rollback and the next one find as any other state (docs/decisions/0001).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, field, replace
from typing import Annotated, Any, Generic, Literal, Protocol, TypeVar

from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError
from pydantic.alias_generators import to_pascal

from custom_resources.errors import FinalError, NotPermitted, RateLimited, RetryLater
from custom_resources.rate_budget import Cost
from custom_resources.telemetry import count, logger

RequestType = Literal["Create", "Update", "Delete"]
ATTEMPTS = 4


class Properties(BaseModel):
    """Typed ResourceProperties; strings are converted by the declared type ("true" -> True)."""

    model_config = ConfigDict(
        frozen=True, extra="ignore", alias_generator=to_pascal, populate_by_name=True, regex_engine="python-re"
    )

    retain_on_failure: bool = False  # a Delete that the token does not permit leaves things as they are and succeeds


# A text that cannot leave its line: not in a commit's trailers, a description or a header.
Line = Annotated[str, StringConstraints(min_length=1, pattern=r"^[^\x00-\x1f\x7f]+\Z")]
LineOrNothing = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f]*\Z")]
# A repository's full name, and a branch's (git-check-ref-format): neither leaves its place in a URL or an argument.
FullName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]+/(?!\.{1,2}\Z)[A-Za-z0-9._-]{1,100}\Z")]
BranchName = Annotated[str, StringConstraints(pattern=r"^(?![-/])(?!.*(?:\.\.|//|@\{))[^\x00-\x20\x7f~^:?*\[\\]+\Z")]

PropertiesT = TypeVar("PropertiesT", bound=Properties)
ObservedT = TypeVar("ObservedT")
PlanT = TypeVar("PlanT")
ClientsT = TypeVar("ClientsT")


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


@dataclass(frozen=True)
class Done:
    """The resource is as desired. `physical_id` replaces the provisional one of a Create; `metrics` are counted."""

    attributes: Mapping[str, str] = field(default_factory=dict)
    physical_id: str = ""
    metrics: tuple[str, ...] = ()


class Stale(Exception):
    """The stack has moved on: this request must not write any more (aws/aws-cdk issue 31541)."""


class Changed(Exception):
    """What was observed is not there any more, so nothing was written: observe again."""


class Stacks(Protocol):
    """What the reconciler must know of CloudFormation."""

    def operation(self, stack_id: str) -> str:
        """Name the operation the stack is in: another update, or its rollback, has another name."""
        ...

    def exists(self, stack_id: str) -> bool:
        """Tell whether the stack has resources still."""
        ...


class SharedBudget(Protocol):
    """The share of GitHub's rate limits that all functions use together; each call may raise RetryLater."""

    def require_open(self) -> None:
        """Return unless GitHub wants no request now."""
        ...

    def reserve(self, cost: Cost) -> None:
        """Take the cost out of the budget."""
        ...

    def pause(self, seconds: float) -> None:
        """Make everyone wait."""
        ...


def no_preflight(request: Any, clients: Any) -> Mapping[str, str]:
    """Look at nothing."""
    return {}


def free(plan: Any) -> Cost:
    """Return no cost: the resource does not call GitHub."""
    return Cost()


@dataclass(frozen=True)
class CustomResource(Generic[PropertiesT, ObservedT, PlanT, ClientsT]):
    """A custom resource in four functions; who has read one has read all.

    `physical_id` names it before it exists; `observe` reads what is there, and holds what it needed for that
    (a repository on disk) until the plan is applied; `plan` decides, without side effects; `apply` does what the
    plan says, calling `ensure_current` before late writes. It raises Changed to start over. `cost` is what a plan
    takes of GitHub's limits (docs/decisions/0004). `preflight` looks at what is needed before the request is accepted:
    a request that it refuses leaves nothing to roll back; what it returns is kept in `Request.noted`.
    """

    resource_type: str
    properties: type[PropertiesT]
    physical_id: Callable[[PropertiesT], str]
    observe: Callable[[Request[PropertiesT], ClientsT], AbstractContextManager[ObservedT]]
    plan: Callable[[Request[PropertiesT], ObservedT], PlanT]
    apply: Callable[[PlanT, Request[PropertiesT], ClientsT, Callable[[], None]], Done]
    cost: Callable[[PlanT], Cost] = free
    preflight: Callable[[Request[PropertiesT], ClientsT], Mapping[str, str]] = no_preflight


Event = Mapping[str, Any]


def parsed(resource: CustomResource[PropertiesT, Any, Any, Any], event: Event) -> Request[PropertiesT]:
    """Return the typed request, or raise FinalError naming each wrong property in one sentence."""

    def typed(values: Mapping[str, Any]) -> PropertiesT:
        try:
            return resource.properties.model_validate(values)
        except ValidationError as error:
            wrong = "; ".join(
                f"{'.'.join(map(str, problem['loc'])) or 'properties'}: {problem['msg']}" for problem in error.errors()
            )
            raise FinalError(
                f"{resource.resource_type} was given wrong properties ({wrong}); correct the template."
            ) from None

    if event.get("RequestType") not in ("Create", "Update", "Delete"):
        raise FinalError("The event is not a CloudFormation custom resource request.")
    properties, operation = typed(event.get("ResourceProperties") or {}), event.get("Operation") or {}
    old = event.get("OldResourceProperties")
    try:
        before = typed(old) if old else None
    except FinalError:  # the rollback of an update that was refused for its properties: it changed nothing
        before = properties
    return Request(
        type=event["RequestType"],
        properties=properties,
        old=before,
        physical_id=str(event.get("PhysicalResourceId") or ""),
        stack_id=str(event.get("StackId", "")),
        logical_id=str(event.get("LogicalResourceId", "")),
        started=float(operation.get("Started", 0)),
        noted=operation.get("Noted") or {},
    )


def on_event(
    resource: CustomResource[PropertiesT, Any, Any, ClientsT],
    event: Event,
    stacks: Stacks,
    clients: ClientsT | None = None,
    *,
    budget: SharedBudget | None = None,
) -> dict[str, Any]:
    """Accept a request: validate it, name the resource, note the stack operation it belongs to. Writes nothing.

    Raises RetryLater when CloudFormation does not answer: before the preflight, so that repeating costs GitHub nothing.
    """
    request = parsed(resource, event)
    operation, started = stacks.operation(request.stack_id), str(time.time())
    noted = {} if clients is None else dict(_preflight(resource, request, clients, budget))
    return {
        "PhysicalResourceId": request.physical_id or resource.physical_id(request.properties),
        "Operation": {"Stack": operation, "Started": started, "Noted": noted},
    }


def _preflight(
    resource: CustomResource[PropertiesT, Any, Any, ClientsT],
    request: Request[PropertiesT],
    clients: ClientsT,
    budget: SharedBudget | None,
) -> Mapping[str, str]:
    """Look ahead, unless GitHub wants to be left alone: is_complete can wait for that, on_event cannot."""
    try:
        if budget and resource.cost is not free:
            budget.require_open()
        return resource.preflight(request, clients)
    except RetryLater as wait:
        _tell_everyone(wait, budget)
        logger.warning("preflight left out", why=wait.why)
        return {}


def _tell_everyone(wait: RetryLater, budget: SharedBudget | None) -> None:
    """Let all functions wait when it is GitHub that asked for it."""
    if not isinstance(wait, RateLimited):
        return
    count("RateLimitWaits")
    if budget:
        with suppress(RetryLater):  # DynamoDB does not answer: the others will hear it from GitHub
            budget.pause(wait.seconds)


def _reconcile(
    resource: CustomResource[PropertiesT, Any, Any, ClientsT],
    request: Request[PropertiesT],
    clients: ClientsT,
    budget: SharedBudget | None,
    ensure_current: Callable[[], None],
) -> Done:
    if budget and resource.cost is not free:
        budget.require_open()
    for attempt in range(ATTEMPTS):
        again = replace(request, attempt=attempt)
        with resource.observe(again, clients) as observed:
            plan = resource.plan(again, observed)
            logger.info("plan", plan=repr(plan), request=request.type, attempt=attempt)
            if budget:
                budget.reserve(resource.cost(plan))
            ensure_current()
            try:
                return resource.apply(plan, again, clients, ensure_current)
            except Changed as changed:
                logger.info("changed meanwhile", what=str(changed))
    raise RetryLater(5, "The repository keeps changing while it is being written.")


def is_complete(
    resource: CustomResource[PropertiesT, Any, Any, ClientsT],
    event: Event,
    clients: ClientsT,
    stacks: Stacks,
    patience: float,
    *,
    budget: SharedBudget | None = None,
) -> dict[str, Any]:
    """Reconcile once. `patience` is how many seconds after the first call a wait turns into a failure."""
    request = parsed(resource, event)

    def ensure_current() -> None:
        if stacks.operation(request.stack_id) != event["Operation"]["Stack"]:
            raise Stale

    try:
        done = _reconcile(resource, request, clients, budget, ensure_current)
    except RetryLater as wait:
        _tell_everyone(wait, budget)
        if time.time() - request.started > patience:
            raise FinalError(f"Gave up after {patience / 60:.0f} minutes: {wait.why}") from wait
        logger.warning("pending", why=wait.why, seconds=wait.seconds)
        return {"IsComplete": False}
    except NotPermitted as refused:
        if request.type != "Delete" or not request.properties.retain_on_failure:
            raise
        logger.error("left as it is", reason=str(refused))
        count("Retained")
        return {"IsComplete": True}
    except Stale:
        logger.warning("stale request ends without a write", request=request.type)
        return {"IsComplete": True}
    answer: dict[str, Any] = {"IsComplete": True, "Data": dict(done.attributes)}
    if done.physical_id:
        answer["PhysicalResourceId"] = done.physical_id
    logger.info("done", attributes=dict(done.attributes))
    count(*done.metrics)
    return answer
