"""A cloud within the test's process: the reconcilers are called as CloudFormation and the Provider framework do."""

from __future__ import annotations

import io
import json
import logging
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import Any

from custom_resources.catalogue import CATALOGUE
from custom_resources.clients import FunctionClients
from custom_resources.clients.protocols import Budget
from custom_resources.clients.replicas import Replicas
from custom_resources.clients.secrets import GitHubCredentials
from custom_resources.errors import ArchiveMissing, FinalError
from custom_resources.reconciler import CustomResource, is_complete, on_event
from custom_resources.telemetry import logger
from custom_resources.template_content import Archive
from custom_resources.update_record import UpdateRecord
from standins.github.server import GitHubStandIn
from tests.integration.clouds import ADOPTABLE, Resource
from tests.seals import KmsInMemory, seals_in_memory

POLLS = 40
SECONDS = 5  # from one call to the next, as long as the Provider framework leaves between them
ENTRIES = {entry.resource_type: entry for entry in CATALOGUE if entry.in_product}


class Clock:
    """The time, as far as waits have passed; between them it stands still."""

    def __init__(self) -> None:
        self.now = time.time()

    def __call__(self) -> float:
        return self.now


class Stacks:
    """Names the stack operation; a test changes it to cancel what runs."""

    def __init__(self) -> None:
        self.name = "CREATE_IN_PROGRESS 0001"
        self.gone: set[str] = set()  # ids of stacks that have no resources any more
        self._operations = 1

    def begin(self, status: str) -> None:
        self._operations += 1
        self.name = f"{status} {self._operations:04}"  # in order as text

    def operation(self, stack_id: str) -> str:
        return self.name

    def exists(self, stack_id: str) -> bool:
        return stack_id not in self.gone

    def tags(self, stack_id: str) -> dict[str, str]:
        return {}


class Secrets:
    """Secrets Manager with two kinds of values."""

    def __init__(self, token: str) -> None:
        self.token = token
        self.app: GitHubCredentials | None = None
        self.values: dict[str, str] = {}

    def github_credentials(self, reference: str) -> GitHubCredentials:
        return self.app or GitHubCredentials(token=self.token)

    def value(self, reference: str) -> str:
        return self.values[reference]


class Archives:
    """The archive bucket."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}

    @contextmanager
    def open(self, name: str) -> Iterator[Archive]:
        if name not in self.objects:
            raise ArchiveMissing(f"The template archive {name} is not in the bucket.")
        yield Archive.open(self.objects[name], name)

    def has(self, name: str) -> bool:
        return name in self.objects

    def copy_in(self, source_bucket: str, source_key: str, name: str) -> None:
        raise AssertionError("no launch copies an archive")


class Records:
    """What the last updates wrote, in memory; `lose` forgets it."""

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], UpdateRecord] = {}

    def change(
        self, stack_id: str, logical_id: str, change: Callable[[UpdateRecord | None], UpdateRecord | None]
    ) -> UpdateRecord | None:
        made = change(self.kept.get((stack_id, logical_id)))
        if made:
            self.kept[stack_id, logical_id] = made
        return made

    def forget(self, stack_id: str, logical_id: str) -> None:
        self.kept.pop((stack_id, logical_id), None)

    def lose(self) -> None:
        self.kept.clear()


@dataclass(frozen=True)
class Live:
    """A resource that exists."""

    type: str
    physical_id: str
    properties: dict[str, Any]
    attributes: dict[str, str] = field(default_factory=dict)


class Handlers:
    """The cloud."""

    def __init__(self, github: GitHubStandIn) -> None:
        self._github = github
        self.clock = Clock()
        github.store.lag.clock = self.clock
        self.archives, self.stacks, self.secrets = Archives(), Stacks(), Secrets(github.token)
        self.kms, self.records = KmsInMemory(), Records()
        self.statuses: dict[str, str] = {}  # of stacks, at rest
        self.patience = 600.0
        self.budget: Budget | None = None
        self._live: dict[str, dict[str, Live]] = {}
        self.environment = {"ADOPTABLE": ADOPTABLE, "SECRET_REFERENCES": "*"}
        self.clients = self._new_clients()

    def _new_clients(self) -> dict[str, FunctionClients]:
        """Return the clients of fresh Lambda environments, one for each function."""
        return {
            name: self._clients_with({"GITHUB_PERMISSIONS": " ".join(entry.github_permissions)})
            for name, entry in ENTRIES.items()
        }

    def _clients_with(self, more: Mapping[str, str]) -> FunctionClients:
        environment = {"GITHUB_API_URL": self._github.api_url, "GITHUB_SERVER_URL": self._github.server_url}
        environment |= {**self.environment, **more}
        seals = seals_in_memory(self.kms)
        clients = FunctionClients(
            environment,
            stacks=self.stacks,
            secrets=self.secrets,
            seals=seals,
            archives=self.archives,
            update_records=self.records,
        )
        clients.replicas.clock = self.clock
        return clients

    def _resource(self, resource_type: str) -> CustomResource[Any, Any, Any]:
        return ENTRIES[resource_type].resource(self.clients[resource_type])

    def permit(self, **environment: str) -> None:
        """Set variables of the functions' environment, as a deployment with other settings does."""
        self.environment |= environment
        self.clients = self._new_clients()

    def put_archive(self, name: str, data: bytes) -> None:
        self.archives.objects[name] = data

    def use_token(self, token: str, *, warm: bool = False) -> None:
        self.secrets.token = token
        self.clients = self.clients if warm else self._new_clients()

    def use_app(self, app: GitHubCredentials) -> None:
        """Put a GitHub App into the token secret."""
        self.secrets.app, self.clients = app, self._new_clients()

    def store_secret(self, name: str, key: str, value: str) -> str:
        self.secrets.values[f"{name}#{key}"] = value
        return f"{name}#{key}"

    @contextmanager
    def logging(self) -> Iterator[list[dict[str, Any]]]:
        lines: list[dict[str, Any]] = []
        stream = io.StringIO()
        handler = logging.StreamHandler(stream)
        handler.setFormatter(logger.registered_formatter)
        underlying = logging.getLogger(logger.name)
        underlying.addHandler(handler)
        try:
            yield lines
        finally:
            underlying.removeHandler(handler)
            lines += [json.loads(line) for line in stream.getvalue().splitlines()]

    # -- CloudFormation ------------------------------------------------------------------------------------------------

    def deploy(self, stack: str, template: Mapping[str, Resource]) -> dict[str, dict[str, str]]:
        live = self._live.setdefault(stack, {})
        before = dict(live)
        self.stacks.gone.discard(stack_id(stack))
        self.stacks.begin("UPDATE_IN_PROGRESS" if before else "CREATE_IN_PROGRESS")
        self.clock.now += 1  # no two updates of a stack begin in one second
        try:
            for name, resource in template.items():
                self._bring(live, stack, name, resource)
            self.stacks.begin("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS" if before else "CREATE_COMPLETE")
            self._remove(live, [name for name in live if name not in template], stack)
        except FinalError:
            self.stacks.begin("UPDATE_ROLLBACK_IN_PROGRESS" if before else "ROLLBACK_IN_PROGRESS")
            rolled_back = False
            with suppress(FinalError):  # the stack's status says so; its reason is the first failure
                for name, old in before.items():
                    self._bring(live, stack, name, Resource(old.type, old.properties))
                self._remove(live, [name for name in live if name not in before], stack)
                rolled_back = True
            end = "COMPLETE" if rolled_back else "FAILED"
            self.statuses[stack] = f"UPDATE_ROLLBACK_{end}" if before else f"ROLLBACK_{end}"
            if not live:
                self.stacks.gone.add(stack_id(stack))
            raise
        self.statuses[stack] = "UPDATE_COMPLETE" if before else "CREATE_COMPLETE"
        return {name: dict(each.attributes) for name, each in live.items()}

    def delete(self, stack: str) -> None:
        self.stacks.begin("DELETE_IN_PROGRESS")
        live = self._live.get(stack, {})
        self._remove(live, list(live), stack)
        self.stacks.gone.add(stack_id(stack))

    def status(self, stack: str) -> str:
        return self.statuses[stack]

    def attributes(self, stack: str) -> dict[str, dict[str, str]]:
        """Return what CloudFormation knows of the stack's resources."""
        return {name: each.attributes for name, each in self._live[stack].items()}

    def physical_ids(self, stack: str) -> dict[str, str]:
        return {name: each.physical_id for name, each in self._live[stack].items()}

    def _bring(self, live: dict[str, Live], stack: str, name: str, resource: Resource) -> None:
        """Create a resource, or update it if it is not as wanted: as it was before the failure, in a rollback."""
        properties, old = _resolved(resource.properties, live), live.get(name)
        if old and old.properties == properties:
            return
        event = self._event("Update" if old else "Create", stack, name, properties)
        if old:
            event |= {"PhysicalResourceId": old.physical_id, "OldResourceProperties": old.properties}
        kind = self._resource(resource.type)
        self._begin(kind)
        try:
            replicas = self._replicas(kind)
            event |= on_event(kind, event, self.stacks, records=self.records, replicas=replicas)
            if not old:  # from now on, a rollback deletes it
                live[name] = Live(resource.type, event["PhysicalResourceId"], properties)
            id_, attributes = self._polled(kind, event)
        except FinalError:
            if old:  # CloudFormation goes back from the properties that it has sent
                live[name] = replace(old, properties=properties)
            raise
        live[name] = Live(resource.type, id_, properties, attributes)

    def _remove(self, live: dict[str, Live], names: list[str], stack: str) -> None:
        for name in reversed(names):
            gone = live[name]
            self.send(gone.type, "Delete", gone.properties, stack=stack, name=name, physical_id=gone.physical_id)
            del live[name]

    # -- the Provider framework ----------------------------------------------------------------------------------------

    def send(
        self,
        resource_type: str,
        kind: str,
        properties: Mapping[str, Any],
        *,
        stack: str = "demo",
        name: str = "Resource",
        physical_id: str = "",
    ) -> tuple[str, dict[str, str]]:
        """Send one request; return the physical id and the attributes. Raises FinalError."""
        event = self._event(kind, stack, name, properties)
        if kind != "Create":
            event["PhysicalResourceId"] = physical_id
        resource = self._resource(resource_type)
        self._begin(resource)
        replicas = self._replicas(resource)
        accepted = on_event(resource, event, self.stacks, records=self.records, replicas=replicas)
        return self._polled(resource, event | accepted)

    @staticmethod
    def _event(kind: str, stack: str, name: str, properties: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "RequestType": kind,
            "StackId": stack_id(stack),
            "LogicalResourceId": name,
            "RequestId": "1",
            "ResourceProperties": {"ServiceToken": "arn", **properties},
        }

    def _begin(self, resource: CustomResource[Any, Any, Any]) -> None:
        """Begin a call of the function, as its handler does."""
        self.clients[f"Custom::{type(resource).__name__}"].requests.begin()

    def _replicas(self, resource: CustomResource[Any, Any, Any]) -> Replicas:
        return self.clients[f"Custom::{type(resource).__name__}"].replicas

    def _polled(self, resource: CustomResource[Any, Any, Any], event: dict[str, Any]) -> tuple[str, dict[str, str]]:
        for _ in range(POLLS):
            self._begin(resource)
            writes = self.clients[f"Custom::{type(resource).__name__}"].requests.writes
            answer = is_complete(
                resource,
                event,
                self.stacks,
                self.patience,
                self.budget,
                records=self.records,
                writes=writes,
                replicas=self._replicas(resource),
            )
            if answer["IsComplete"]:
                return answer.get("PhysicalResourceId", event["PhysicalResourceId"]), answer.get("Data", {})
            self.clock.now += SECONDS
        raise AssertionError("the request never completes")


def stack_id(stack: str) -> str:
    return f"arn:aws:cloudformation:us-east-1:123456789012:stack/{stack}/1"


def _resolved(value: Any, live: Mapping[str, Live]) -> Any:
    """Fill attributes of other resources in."""
    if isinstance(value, Mapping):
        if value.keys() == {"Fn::GetAtt"}:
            resource, attribute = value["Fn::GetAtt"]
            return live[resource].attributes[attribute]
        return {key: _resolved(each, live) for key, each in value.items()}
    return [_resolved(each, live) for each in value] if isinstance(value, list) else value
