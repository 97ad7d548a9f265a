"""What an update to a version would do to each project, as the deployed function answers; nothing is written.

The function alone has the token of GitHub, and decides with the update's own code (docs/decisions/0117). Each call is
about a few launches. When GitHub's limits make it wait, it returns how long, and is called again.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, get_args

from custom_resources.catalogue import CATALOGUE
from custom_resources.clients.aws import LAMBDA, translated
from custom_resources.errors import AwsDenied, AwsNotConfigured, AwsNotFound, Problem, RetryLater
from operations.errors import FoundationMissing, NotForeseen

if TYPE_CHECKING:
    import boto3

    from custom_resources.clients.service_catalog import Launch, ProductVersion
    from products.settings import Settings

AT_ONCE = 5  # invocations
PATIENCE_SECONDS = 2 * 3600.0  # that a launch is waited for: GitHub's hourly limit comes back within one hour
_FOREVER = (AwsDenied, AwsNotConfigured, FoundationMissing)  # about one launch, it is so about all
_ENTRY = next(entry for entry in CATALOGUE if entry.name == "repository_template")
# In the order in which they name a project: the first that a repository of it has.
Result = Literal["failed", "unknown", "pull-request", "merge", "off", "unchanged"]
RESULTS: tuple[Result, ...] = get_args(Result)
_BY_ACTION: Mapping[str, Result] = {
    "fail": "failed",
    "propose": "pull-request",
    "push": "merge",
    "seed": "merge",
    "record": "unchanged",  # what is in the branch is noted, and no file changes
}
_BY_STATUS: Mapping[str, Result] = {"unchanged": "unchanged", "off": "off", "pull-request": "pull-request"}
_WAITS = "a pull request already offers this version, or was closed without a merge"


@dataclass(frozen=True)
class ForeseenRepository:
    """What would happen to one repository. `files` counts those added, changed and deleted.

    `conflicts` are paths, and `ignored` those that the repository's .studio-template-ignore keeps from the template.
    """

    part: str
    full_name: str
    result: Result
    reason: str = ""
    conflicts: tuple[str, ...] = ()
    files: Mapping[str, int] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()

    @staticmethod
    def of(part: str, told: Mapping[str, Any]) -> ForeseenRepository:
        """Read what the function tells."""
        result = _BY_ACTION.get(told["action"]) or _BY_STATUS.get(told["status"], "unknown")
        waits = told["action"] == "nothing" and result == "pull-request"
        counts = told["counts"]
        return ForeseenRepository(
            part,
            told["repository"],
            result,
            _WAITS if waits else told["reason"],
            tuple(told["conflicts"]),
            {kind: counts[kind] for kind in ("added", "changed", "deleted")},
            tuple(told["remarks"]),
            tuple(told.get("ignored", ())),
        )


@dataclass(frozen=True)
class Foreseen:
    """What would happen to a project. `problem` says why nothing of it is known, or why the update would fail."""

    launch: Launch
    repositories: tuple[ForeseenRepository, ...] = ()
    problem: str = ""
    runs_pipelines: bool = False  # TRIGGER_PIPELINE_EXECUTION is true

    @property
    def result(self) -> Result:
        """The one word for the project."""
        found = {each.result for each in self.repositories}
        return next((each for each in RESULTS if each in found), "unknown")

    @property
    def starts_pipelines(self) -> bool:
        """Tell whether a merge into a default branch would start its pipelines."""
        return self.runs_pipelines and any(each.result == "merge" for each in self.repositories)

    @property
    def conflicts(self) -> bool:
        """Tell whether a file of the template conflicts with the project's work."""
        return any(each.conflicts for each in self.repositories)


Ask = Callable[[str, str], Mapping[str, Any]]  # the ids of a launch and of a version -> the function's answer


def asking(session: boto3.Session, settings: Settings) -> Ask:
    """Return what asks an account's function. Raises FoundationMissing, NotForeseen, and what AWS's errors become."""
    from botocore.config import Config

    # A look takes as long as the function may. One without an answer may be sent again, since nothing is written.
    config = Config(read_timeout=_ENTRY.timeout + 30, retries={"mode": "standard", "total_max_attempts": 3})
    with translated(LAMBDA, "opening a client"):
        client = session.client("lambda", config=config)
    function = _ENTRY.function_name(settings.prefix)

    def ask(launch_id: str, version_id: str) -> Mapping[str, Any]:
        question = {"Foresee": {"Launch": launch_id, "Version": version_id}}
        try:
            with translated(LAMBDA, f"asking the function {function} about {launch_id}"):
                answer = client.invoke(FunctionName=function, Payload=json.dumps(question).encode())
                told = json.loads(answer["Payload"].read() or b"{}")
        except AwsNotFound:
            raise FoundationMissing(function=function) from None
        if answer.get("FunctionError"):
            raise NotForeseen(launch=launch_id, message=str(told.get("errorMessage", "it tells nothing")).rstrip("."))
        return dict(told)

    return ask


def foresee(
    launches: Sequence[Launch],
    version: ProductVersion,
    ask: Ask,
    *,
    at_once: int = AT_ONCE,
    tell: Callable[[Foreseen], None] = lambda _: None,
    waiting: Callable[[Launch, float, str], None] = lambda *_: None,
    stop: threading.Event | None = None,
) -> list[Foreseen]:
    """Return what an update of each launch to the version would do, in their order; at most `at_once` are asked about.

    `tell` is called with each as it comes, `waiting` before a wait of so many seconds with its reason, both from
    several threads. Raises AwsDenied, AwsNotConfigured, FoundationMissing: these are about every launch.
    """
    looks = _Looks(version, ask, tell, waiting, stop or threading.Event())
    pool = ThreadPoolExecutor(at_once)
    try:
        return list(pool.map(looks.at, launches))
    finally:
        looks.stop.set()  # whoever waits for a limit wakes up
        pool.shutdown(cancel_futures=True)


@dataclass(frozen=True)
class _Looks:
    version: ProductVersion
    ask: Ask
    tell: Callable[[Foreseen], None]
    waiting: Callable[[Launch, float, str], None]
    stop: threading.Event

    def at(self, launch: Launch) -> Foreseen:
        """Ask about a launch until there is an answer, or the patience is at its end."""
        found = self._answered(launch)
        self.tell(found)
        return found

    def _answered(self, launch: Launch) -> Foreseen:
        waited = 0.0
        while True:
            asked = time.monotonic()
            seconds, why, answer = self._once(launch)
            if answer is not None:
                return _read(launch, answer)
            waited += time.monotonic() - asked + seconds  # a look may take minutes, and end in a short wait
            if waited > PATIENCE_SECONDS:
                return Foreseen(
                    launch, problem=f"The plan stopped waiting after {PATIENCE_SECONDS / 60:.0f} minutes: {why}"
                )
            self.waiting(launch, seconds, why)
            if self.stop.wait(seconds):
                return Foreseen(launch, problem="Interrupted.")

    def _once(self, launch: Launch) -> tuple[float, str, Mapping[str, Any] | None]:
        """Ask once; return the answer, or how many seconds to wait and why."""
        try:
            answer = self.ask(launch.id, self.version.id)
        except _FOREVER:
            raise
        except RetryLater as wait:  # AWS's own limits
            return wait.seconds, wait.why, None
        except Problem as problem:
            return 0.0, "", {"Problem": str(problem)}
        if "Wait" in answer:
            return max(1.0, float(answer["Wait"])), str(answer["Why"]), None
        return 0.0, "", answer


def _read(launch: Launch, answer: Mapping[str, Any]) -> Foreseen:
    if "Repositories" not in answer:
        return Foreseen(launch, problem=str(answer.get("Problem") or "The function returned no result."))
    told: Mapping[str, Any] = answer["Repositories"]
    repositories = tuple(ForeseenRepository.of(part, each) for part, each in sorted(told.items()))
    return Foreseen(launch, repositories, runs_pipelines=bool(answer["RunsPipelines"]))
