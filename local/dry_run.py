"""What an update would do: the custom resources' own observe and plan, without their apply.

CloudFormation's part, which properties each custom resource would be sent, is worked out by MiniStack's own engine
from the old and the new template.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from custom_resources.catalogue import CATALOGUE, Entry
from custom_resources.clients import FunctionClients
from custom_resources.errors import FinalError, NothingForeseen, RetryLater
from custom_resources.reconciler import Foreseen as ForeseenResource
from custom_resources.reconciler import parsed
from local import assembly
from local.home import LocalError
from local.ministack import ACCOUNT, REGION
from products.settings import load_settings

if TYPE_CHECKING:
    from local.run import Run
    from local.stacks import Stack

_ENTRIES = {entry.resource_type: entry for entry in CATALOGUE if entry.resource_type}
_CUSTOM = "Custom::"


@dataclass
class Foreseen:
    """What would happen to one repository."""

    repository: str = ""
    action: str = "nothing"
    status: str = "unchanged"
    reason: str = ""
    settings: list[str] = field(default_factory=list)
    added: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)
    conflicts: list[str] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)  # kept from the template by .studio-template-ignore
    absent: list[str] = field(default_factory=list)  # the template's files that the repository has no more
    secrets: list[str] = field(default_factory=list)
    secrets_removed: list[str] = field(default_factory=list)
    variables: list[str] = field(default_factory=list)
    variables_removed: list[str] = field(default_factory=list)
    environments: list[str] = field(default_factory=list)
    patch: str = ""

    def document(self) -> dict[str, Any]:
        """Return it for a JSON document."""
        return {key: value for key, value in asdict(self).items() if key != "patch"}


@dataclass(frozen=True)
class _Side:
    """A template with its parameters: what the stack has, or would have."""

    template: dict[str, Any]
    parameters: dict[str, Any]
    conditions: dict[str, bool]

    @staticmethod
    def of(template: dict[str, Any], values: Mapping[str, str]) -> _Side:
        from ministack.services.cloudformation import engine

        known = [{"Key": key, "Value": value} for key, value in values.items() if key in template.get("Parameters", {})]
        try:
            parameters = engine._resolve_parameters(template, known)
        except ValueError as error:
            raise LocalError(f"The product refuses these parameters: {error}") from None
        return _Side(template, parameters, engine._evaluate_conditions(template, parameters))

    def order(self) -> list[str]:
        from ministack.services.cloudformation import engine

        return list(engine._topological_sort(self.template["Resources"], self.conditions))

    def properties(self, name: str, known: Mapping[str, Any], stack: Stack) -> dict[str, Any] | None:
        """Return a resource's properties as the stack would send them; None when this side has no such resource."""
        from ministack.services.cloudformation import custom_resource, engine

        definition = self.template["Resources"].get(name)
        if definition is None or not self.conditions.get(definition.get("Condition", ""), True):
            return None
        resolved = engine._resolve_refs(
            copy.deepcopy(definition.get("Properties", {})),
            known,
            self.parameters,
            self.conditions,
            self.template.get("Mappings", {}),
            stack.name,
            stack.id,
        )
        kept = {key: value for key, value in resolved.items() if value is not engine._NO_VALUE}
        return dict(custom_resource._normalise_resource_properties(kept))


def foresee(
    run: Run, stack: Stack, version: str, parameters: Mapping[str, str], with_patch: bool = False
) -> dict[str, Foreseen]:
    """Return what an update to `version` with these parameters would do, by part (build, deploy). Writes nothing.

    Raises LocalError with the sentence with which the update would fail.
    """
    from ministack.core.responses import request_scope

    key = run.assembly.product_templates()[version]
    body = run.cloud.s3.get_object(Bucket=assembly.bucket(run.cloud), Key=key)["Body"].read()
    with request_scope(ACCOUNT, REGION):
        old = _Side.of(run.cloud.stacks.template(stack.name), stack.parameters)
        new = _Side.of(json.loads(body), {**stack.parameters, **parameters})
        walk = _Walk(run, stack, old, new, with_patch)
        try:
            for name in new.order():
                walk.visit(name)
        except NothingForeseen as unknown:
            raise LocalError(str(unknown)) from None
        except FinalError as error:
            raise LocalError(f"The update would fail: {error}") from None
        except RetryLater as wait:
            raise LocalError(f"The update would have to wait: {wait.why}") from None
    return walk.foreseen


class _Walk:
    """Goes through the resources in the stack's order; what one reports is what the next is given."""

    def __init__(self, run: Run, stack: Stack, old: _Side, new: _Side, with_patch: bool) -> None:
        self.foreseen = {"build": Foreseen(), "deploy": Foreseen()}
        self._run, self._stack, self._old, self._new = run, stack, old, new
        self._with_patch = with_patch
        self._ids = run.cloud.stacks.resources(stack.name)
        self._known: dict[str, Any] = {}
        self._clients: dict[str, FunctionClients] = {}

    def visit(self, name: str) -> None:
        """Plan one resource and remember what it would report. Raises LocalError for a type that nobody knows."""
        type_ = self._new.template["Resources"][name]["Type"]
        physical_id = self._ids.get(name, "")
        attributes: Mapping[str, str] = {}
        if type_ == "AWS::IAM::Role":
            attributes = {"Arn": f"arn:aws:iam::{ACCOUNT}:role/{physical_id}"}
        elif type_ in _ENTRIES:
            attributes = self._planned(name, _ENTRIES[type_], physical_id)
        elif type_.startswith(_CUSTOM):
            raise LocalError(f"The version has a resource of the type {type_}, which this program does not know.")
        self._known[name] = {"PhysicalResourceId": physical_id or name, "Attributes": dict(attributes)}

    def _planned(self, name: str, entry: Entry, id_: str) -> Mapping[str, str]:
        new = self._new.properties(name, self._known, self._stack)
        old = self._old.properties(name, self._known, self._stack)
        event = {
            "RequestType": "Update" if id_ else "Create",
            "ResourceProperties": new,
            **({"OldResourceProperties": old} if old else {}),
            "PhysicalResourceId": id_,
            "StackId": self._stack.id,
            "LogicalResourceId": name,
        }
        clients = self._clients_of(entry)
        clients.requests.begin()
        resource = entry.resource(clients)
        request = parsed(resource, event)
        with resource.observe(request) as observed:
            found = resource.foresee(request, observed, resource.plan(request, observed))
            self._note(found, changed=new != old)
        return found.attributes

    def _note(self, found: ForeseenResource, *, changed: bool) -> None:
        """Put the effects down where they belong: CloudFormation sends nothing to a resource that does not change."""
        of_repository = (each for each in self.foreseen.values() if each.repository == found.repository)
        here = self.foreseen.get(found.part) or next(of_repository, None)
        if here is None:
            return
        for key, value in found.effects.items():
            if changed or key == "repository":
                setattr(here, key, value)
        if changed and found.patch and self._with_patch:
            here.patch = found.patch()

    def _clients_of(self, entry: Entry) -> FunctionClients:
        """Return the clients with the deployed function's own environment."""
        if entry.name not in self._clients:
            function = entry.function_name(load_settings().prefix)
            configuration = self._run.cloud.client("lambda").get_function_configuration(FunctionName=function)
            environment = configuration["Environment"]["Variables"]
            self._clients[entry.name] = FunctionClients(environment, self._run.cloud.client)
        return self._clients[entry.name]
