"""CloudFormation's part, without CloudFormation: what a stack does with a launch's custom resources, in its order.

The provider framework's rules: a failing or dying `on_event` of a Create means no Delete is sent for it; a dying
`is_complete` is a failure; Pending is called again. A failed create is rolled back by Deletes in reverse order, a
failed update by Updates with the old properties.
"""

from __future__ import annotations

import copy
import fcntl
import json
import os
import signal
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from custom_resources.catalogue import CATALOGUE
from custom_resources.clients import FunctionClients
from custom_resources.clients.budget import Book, SharedBudget, Wait
from custom_resources.clients.secrets import GitHubCredentials
from custom_resources.clients.stacks import EMPTY
from custom_resources.errors import FinalError
from custom_resources.progress import Progress
from custom_resources.rate_budget import Budget, Cost
from custom_resources.reconciler import CustomResource, is_complete, on_event
from custom_resources.template_content import Archive
from custom_resources.update_record import UpdateRecord, digest
from tests.seals import seals_in_memory

POLL_SECONDS = 30.0  # how far the budget's clock moves on between two calls
MAX_POLLS = 40
PARTS = ("model_build", "model_deploy")
T = TypeVar("T")


class Died(Exception):
    """The function's process was killed."""


class Archives:
    """The archive bucket."""

    def __init__(self, content: Mapping[str, bytes]) -> None:
        self.content = content

    @contextmanager
    def open(self, name: str) -> Iterator[Archive]:
        yield Archive.open(self.content[name], name)

    def has(self, name: str) -> bool:
        return name in self.content

    def copy_in(self, source_bucket: str, source_key: str, name: str) -> None:
        raise AssertionError("no launch copies an archive")


class Secrets:
    """Secrets Manager: each time the GitHub token is read, it has been rotated."""

    def __init__(self, tokens: list[str]) -> None:
        self.tokens = tokens

    def github_credentials(self, reference: str) -> GitHubCredentials:
        self.tokens.append(self.tokens.pop(0))
        return GitHubCredentials(token=self.tokens[-1])

    def value(self, reference: str) -> str:
        return f"value of {reference}"


ENTRIES = {entry.resource_type: entry for entry in CATALOGUE if entry.in_product}
REFERENCE = "shared/api#key"  # a secret that the settings list
CLOUDFORMATION: dict[str, str] = {}  # every stack's operation


class Stacks:
    """Names the operation a stack is in, and tells which stacks are there."""

    def __init__(self, operations: dict[str, str] | None = None) -> None:
        self.operations = CLOUDFORMATION if operations is None else operations

    def operation(self, stack_id: str) -> str:
        return self.operations[stack_id]

    def exists(self, stack_id: str) -> bool:
        return self.operations.get(stack_id, "DELETE_COMPLETE").split()[0] not in EMPTY

    def tags(self, stack_id: str) -> dict[str, str]:
        return {}


class BudgetInMemory(SharedBudget):
    """The shared budget with a clock that the test moves on."""

    def __init__(self) -> None:
        self.now = time.time()  # of today: GitHub tells when a repository was created
        self.state = Budget()
        self.waits: dict[str, Wait] = {}
        self._charged: list[Cost] = []
        self._share = 1.0
        self._clock = lambda: self.now

    def noted(self) -> list[Cost]:
        """Return the list that each further charge is noted in."""
        self._charged = []
        return self._charged

    def reserve(self, cost: Cost, request: str, progress: Progress) -> None:
        super().reserve(cost, request, progress)
        self._charged.append(cost)

    def _book(self, book: Book, request: str, due: Cost, paid: Cost, progress: Progress) -> None:
        super()._book(book, request, due, paid, progress)
        self._charged.append(due)

    def _read(self) -> tuple[Budget, int]:
        return self.state, 0

    def _write(self, budget: Budget, revision: int, noted: Mapping[str, Wait]) -> bool:
        self.state = budget
        self.waits |= noted
        return True

    def _remembered(self, request: str) -> Wait | None:
        return self.waits.get(request)

    def _remember(self, request: str, wait: Wait) -> None:
        self.waits[request] = wait


class RecordsOnDisk:
    """What the last updates wrote: in files, so that a function that is killed has written them, too."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="records-")

    def change(
        self, stack_id: str, logical_id: str, change: Callable[[UpdateRecord | None], UpdateRecord | None]
    ) -> UpdateRecord | None:
        with self._file(stack_id, logical_id).open("a+") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            file.seek(0)
            text = file.read()
            made = change(UpdateRecord(**json.loads(text)) if text else None)
            if made:
                file.truncate(0)
                file.write(json.dumps(asdict(made)))
            return made

    def forget(self, stack_id: str, logical_id: str) -> None:
        self._file(stack_id, logical_id).unlink(missing_ok=True)

    def _file(self, stack_id: str, logical_id: str) -> Path:
        return Path(self._folder.name, digest({"of": f"{stack_id} {logical_id}"}))


class World(FunctionClients):
    """A function's clients: GitHub and Git are real, the rest is in memory."""

    stacks: Stacks
    budget: BudgetInMemory

    def __init__(self, api_url: str, server_url: str, tokens: list[str], archives: Mapping[str, bytes]) -> None:
        super().__init__(
            {
                "GITHUB_API_URL": api_url,
                "GITHUB_SERVER_URL": server_url,
                "SECRET_REFERENCES": f"REFERENCED={REFERENCE}",
            },
            stacks=Stacks(),
            budget=BudgetInMemory(),
            archives=Archives(archives),
            seals=seals_in_memory(),
            secrets=Secrets(tokens),
            update_records=RecordsOnDisk(),
        )
        self.replicas.clock = lambda: self.budget.now

    def accept(self, resource_type: str, event: dict[str, Any]) -> dict[str, Any]:
        """Return the event as the function has accepted it: one call, as its handler makes it. Raises FinalError."""
        self.requests.begin(ENTRIES[resource_type].timeout)
        resource = self.resource(resource_type)
        return event | on_event(
            resource, event, self.stacks, self.budget, records=self.update_records, replicas=self.replicas
        )

    def reconcile(self, resource_type: str, event: dict[str, Any], patience: float = 3600) -> dict[str, Any]:
        """Return the function's answer to an event that it has accepted: one call. Raises FinalError."""
        self.requests.begin(ENTRIES[resource_type].timeout)
        return is_complete(
            self.resource(resource_type),
            event,
            self.stacks,
            patience,
            self.budget,
            records=self.update_records,
            writes=self.requests.writes,
            replicas=self.replicas,
        )

    def resource(self, resource_type: str) -> CustomResource[Any, Any, Any]:
        return ENTRIES[resource_type].resource(self)

    def cold_start(self) -> None:
        """Forget the clients, as a new function environment does."""
        for name in ("github", "git"):
            self.__dict__.pop(name, None)


@dataclass(frozen=True)
class Resource:
    """A custom resource of a template: its properties follow from the attributes of those before it."""

    logical_id: str
    type: str
    properties: Callable[[Mapping[str, Mapping[str, str]]], dict[str, Any]]


@dataclass
class Live:
    """A resource that exists: its physical id and the properties it was last given."""

    physical_id: str
    properties: dict[str, Any]


@dataclass
class Stack:
    """A stack of one launch. Statuses are CloudFormation's."""

    world: World
    template: list[Resource]
    kill: Callable[[], bool] | None = None  # asked while a function works: is it to be killed now?
    id: str = field(default_factory=lambda: f"arn:aws:cloudformation:eu-west-1:111122223333:stack/s/{uuid.uuid4()}")
    live: dict[str, Live] = field(default_factory=dict)
    attributes: dict[str, Mapping[str, str]] = field(default_factory=dict)
    reason: str = ""
    operations: int = 0
    patience: float = 3600  # seconds after which a wait is a failure

    def create(self) -> str:
        """Create all resources; roll back when one fails."""
        self._begin("CREATE_IN_PROGRESS")
        for resource in self.template:
            if not self._request("Create", resource, resource.properties(self.attributes)):
                self._begin("ROLLBACK_IN_PROGRESS")
                return self._begin("ROLLBACK_COMPLETE" if self._delete_all() else "ROLLBACK_FAILED")
        return self._begin("CREATE_COMPLETE")

    def update(self, template: list[Resource]) -> str:
        """Bring changed resources up to date; roll back when one fails."""
        before = copy.deepcopy(self.live)
        self._begin("UPDATE_IN_PROGRESS")
        for resource in template:
            properties = resource.properties(self.attributes)
            if properties == self.live[resource.logical_id].properties:
                continue
            if not self._request("Update", resource, properties):
                self._begin("UPDATE_ROLLBACK_IN_PROGRESS")
                return self._roll_back(before)
        self.template = template
        return "UPDATE_COMPLETE"

    def delete(self) -> str:
        """Delete all resources, last one first; a failure can be repeated."""
        self._begin("DELETE_IN_PROGRESS")
        return self._begin("DELETE_COMPLETE" if self._delete_all() else "DELETE_FAILED")

    def _begin(self, status: str) -> str:
        self.operations += 1
        self.world.stacks.operations[self.id] = f"{status} {self.operations:04}"  # in order as text
        return status

    def _delete_all(self) -> bool:
        for resource in reversed(self.template):
            live = self.live.get(resource.logical_id)
            if live and not self._request("Delete", resource, live.properties):
                return False
            self.live.pop(resource.logical_id, None)
        return True

    def _roll_back(self, before: dict[str, Live]) -> str:
        for resource in self.template:
            old = before[resource.logical_id].properties
            if self.live[resource.logical_id].properties != old and not self._request("Update", resource, old):
                return "UPDATE_ROLLBACK_FAILED"
        return "UPDATE_ROLLBACK_COMPLETE"

    def _request(self, kind: str, resource: Resource, properties: dict[str, Any]) -> bool:
        live = self.live.get(resource.logical_id)
        event: dict[str, Any] = {
            "RequestType": kind,
            "StackId": self.id,
            "RequestId": str(uuid.uuid4()),
            "LogicalResourceId": resource.logical_id,
            "ResourceProperties": properties,
        }
        if live:
            event["PhysicalResourceId"] = live.physical_id
        if kind == "Update" and live:
            event["OldResourceProperties"] = live.properties
        try:
            event = self._call(lambda: self.world.accept(resource.type, event))
        except (FinalError, Died) as failed:
            self.reason = f"{resource.logical_id}: {failed}"
            if live:  # CloudFormation goes back from the properties that it has sent
                live.properties = properties
            return False
        self.live[resource.logical_id] = Live(event["PhysicalResourceId"], properties)
        try:
            answer = self._polled(resource, event)
        except (FinalError, Died) as failed:
            self.reason = f"{resource.logical_id}: {failed}"
            return False
        self.live[resource.logical_id].physical_id = answer.get("PhysicalResourceId") or event["PhysicalResourceId"]
        self.attributes[resource.logical_id] = answer.get("Data", {})
        return True

    def _polled(self, resource: Resource, event: dict[str, Any]) -> dict[str, Any]:
        for _ in range(MAX_POLLS):
            answer = self._call(lambda: self.world.reconcile(resource.type, event, self.patience))
            if answer["IsComplete"]:
                return answer
            self.world.budget.now += POLL_SECONDS
        raise FinalError("The resource never became complete.")

    def _call(self, function: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        return killable(function, self.kill) if self.kill else function()


def killable(function: Callable[[], dict[str, Any]], kill: Callable[[], bool]) -> dict[str, Any]:
    """Call a function in a process group of its own, which is killed as soon as `kill` says so. Raises Died."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:  # the function's process: answers through the pipe
        os.setpgid(0, 0)
        try:
            answer: dict[str, Any] = {"answer": function()}
        except FinalError as error:
            answer = {"failed": str(error)}
        os.write(write, json.dumps(answer).encode())
        os._exit(0)
    os.close(write)
    try:
        while os.waitpid(child, os.WNOHANG) == (0, 0):
            if kill():
                os.killpg(child, signal.SIGKILL)
                os.waitpid(child, 0)
                raise Died("the function's process was killed")
            time.sleep(0.01)
        with os.fdopen(read, closefd=False) as pipe:
            answer = json.loads(pipe.read() or "{}")
    finally:
        os.close(read)
    if "failed" in answer:
        raise FinalError(answer["failed"])
    if "answer" not in answer:
        raise Died("the function's process ended without an answer")
    return dict(answer["answer"])


def launch_template(
    organization: str,
    project: str,
    archive: str,
    version: str,
    *,
    value: str = "1",
    parts: Sequence[str] = PARTS,
) -> list[Resource]:
    """Return the resources that a launch of the product makes, for build and deploy (products/mlops_project.py)."""
    return [resource for part in parts for resource in _part(organization, project, part, (archive, version), value)]


def _part(
    organization: str, project: str, part: str, content: tuple[str, str], value: str
) -> tuple[Resource, Resource, Resource]:
    """Return one repository's resources. `content` is the archive's name and its version."""
    repository = f"{part}-repository"
    owner = {"DomainId": "dzd_1", "ProjectId": project, "Part": part}
    named = {"Organization": organization, "Name": f"{project}-{part.removeprefix('model_')}"}
    archive, version = content

    def made(attributes: Mapping[str, Mapping[str, str]]) -> dict[str, Any]:
        found = attributes[repository]
        named = {"Repository": found["FullName"], "NameProof": found["NameProof"]}
        return {"RepositoryId": found["RepositoryId"], **named}

    return (
        Resource(
            repository,
            "Custom::GitHubRepository",
            lambda _: {
                **owner,
                **named,
                "Topics": ["mlops"],
                "AdoptExisting": "false",
                "SecretReferenceNames": ["REFERENCED"],
            },
        ),
        Resource(
            f"{part}-template",
            "Custom::RepositoryTemplate",
            lambda attributes: {
                **owner,
                **made(attributes),
                "DefaultBranch": "main",
                "TemplateArchive": archive,
                "TemplateVersion": version,
                "TemplateFolder": f"regression/{part}",
            },
        ),
        Resource(
            f"{part}-configuration",
            "Custom::ActionsConfiguration",
            lambda attributes: {
                **made(attributes),
                "Secrets": {"FIRST": "same", "SECOND": value, "THIRD": f"three {value}"},
                "SecretReferences": {"REFERENCED": REFERENCE},
                "Variables": {"TRIGGER_PIPELINE_EXECUTION": "false"},
            },
        ),
    )
