"""What an update would do: the custom resources' own observe and plan, without their apply.

CloudFormation's part, which properties each custom resource would be sent, is worked out by MiniStack's own engine
from the old and the new template.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from custom_resources import actions_configuration, github_repository, repository_template, studio_project
from custom_resources.clients import Clients
from custom_resources.errors import FinalError, RetryLater
from custom_resources.reconciler import CustomResource, Request, parsed
from local import assembly
from local.home import LocalError
from local.ministack import ACCOUNT, REGION
from products.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from custom_resources.clients.git import BareRepository, Change
    from local.run import Run
    from local.stacks import Stack

_RESOURCES: dict[str, CustomResource[Any, Any, Any, Clients]] = {
    resource.resource_type: resource
    for resource in (
        studio_project.RESOURCE,
        github_repository.RESOURCE,
        repository_template.RESOURCE,
        actions_configuration.RESOURCE,
    )
}
_IN = {"A": "added", "D": "deleted"}  # git's letters; everything else is a change


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
    secrets: list[str] = field(default_factory=list)
    secrets_removed: list[str] = field(default_factory=list)
    variables: list[str] = field(default_factory=list)
    variables_removed: list[str] = field(default_factory=list)
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
    body = run.cloud.s3.get_object(Bucket=assembly.BUCKET, Key=key)["Body"].read()
    with request_scope(ACCOUNT, REGION):
        old = _Side.of(run.cloud.stacks.template(stack.name), stack.parameters)
        new = _Side.of(json.loads(body), {**stack.parameters, **parameters})
        walk = _Walk(run, stack, old, new, with_patch)
        try:
            for name in new.order():
                walk.visit(name)
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
        self._clients: dict[str, Clients] = {}

    def visit(self, name: str) -> None:
        """Plan one resource and remember what it would report."""
        type_ = self._new.template["Resources"][name]["Type"]
        physical_id = self._ids.get(name, "")
        attributes: Mapping[str, str] = {}
        if type_ == "AWS::IAM::Role":
            attributes = {"Arn": f"arn:aws:iam::{ACCOUNT}:role/{physical_id}"}
        elif type_ in _RESOURCES:
            attributes = self._planned(name, _RESOURCES[type_], physical_id)
        self._known[name] = {"PhysicalResourceId": physical_id or name, "Attributes": dict(attributes)}

    def _planned(self, name: str, resource: CustomResource[Any, Any, Any, Clients], id_: str) -> Mapping[str, str]:
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
        request = parsed(resource, event)
        with self._observed(resource, request) as (observed, plan):
            return self._READERS[resource.resource_type](self, request, observed, plan, new == old)

    @contextmanager
    def _observed(
        self, resource: CustomResource[Any, Any, Any, Clients], request: Request[Any]
    ) -> Iterator[tuple[Any, Any]]:
        clients = self._clients_of(resource.resource_type)
        with resource.observe(request, clients) as observed:
            yield observed, resource.plan(request, observed)

    def _clients_of(self, type_: str) -> Clients:
        """Return the clients with the deployed function's own environment."""
        if type_ not in self._clients:
            module = {r: m for m, r in _MODULES.items()}[type_]
            function = f"{load_settings().prefix}-{module}"
            configuration = self._run.cloud.client("lambda").get_function_configuration(FunctionName=function)
            self._clients[type_] = _LocalClients(configuration["Environment"]["Variables"], self._run.cloud.client)
        return self._clients[type_]

    # -- one reader for each type: note what would happen, return what the resource would report --------------------

    def _studio_project(self, _request: Request[Any], _observed: Any, plan: Any, _same: bool) -> Mapping[str, str]:
        return dict(plan.attributes)

    def _github_repository(self, request: Request[Any], observed: Any, plan: Any, same: bool) -> Mapping[str, str]:
        part = request.properties.part.removeprefix("model_")
        found = observed.repository
        self.foreseen[part].repository = found.full_name if found else request.properties.full_name
        self.foreseen[part].settings = [f"{key} = {value}" for key, value in plan.changes.items()] if not same else []
        if found is None:
            raise LocalError("The update would create a repository; nothing can be foreseen of what goes into it.")
        return {
            "RepositoryId": str(found.id),
            "FullName": found.full_name,
            "Name": found.name,
            "HtmlUrl": found.html_url,
            "CloneUrl": found.clone_url,
            "DefaultBranch": found.default_branch,
            "Status": "kept",
        }

    def _repository_template(self, request: Request[Any], observed: Any, plan: Any, same: bool) -> Mapping[str, str]:
        foreseen = self.foreseen[request.properties.part.removeprefix("model_")]
        if not same:
            foreseen.action, foreseen.status, foreseen.reason = plan.action, plan.status, plan.reason
            if observed.git and observed.tip and observed.merge and plan.action in ("push", "propose"):
                self._files(foreseen, observed.git, observed.tip.tree, observed.merge.tree)
                foreseen.conflicts = list(observed.merge.conflicts)
                conflicts = set(foreseen.conflicts)
                foreseen.changed = [path for path in foreseen.changed if path not in conflicts]
        return {
            "CommitSha": observed.tip.sha if observed.tip else "",
            "TemplateVersion": request.properties.template_version,
            "Status": plan.status,
            "PullRequestUrl": plan.pull_request_url,
        }

    def _files(self, foreseen: Foreseen, git: BareRepository, before: str, after: str) -> None:
        changes: list[Change] = git.changes(before, after)
        for change in changes:
            getattr(foreseen, _IN.get(change.status, "changed")).append(change.path)
        if self._with_patch:
            foreseen.patch = git.patch(before, after)

    def _actions_configuration(self, request: Request[Any], _observed: Any, plan: Any, same: bool) -> Mapping[str, str]:
        full_name = request.properties.repository
        foreseen = next((f for f in self.foreseen.values() if f.repository == full_name), None)
        if foreseen and not same:
            foreseen.secrets = plan.secret_names
            foreseen.secrets_removed = list(plan.secrets_removed)
            foreseen.variables = sorted(plan.variables)
            foreseen.variables_removed = list(plan.variables_removed)
        return {"SecretNames": "", "VariableNames": "", "Digest": ""}

    _READERS: Mapping[str, Callable[..., Mapping[str, str]]] = {
        "Custom::StudioProject": _studio_project,
        "Custom::GitHubRepository": _github_repository,
        "Custom::RepositoryTemplate": _repository_template,
        "Custom::ActionsConfiguration": _actions_configuration,
    }


_MODULES = {
    "studio-project": "Custom::StudioProject",
    "github-repository": "Custom::GitHubRepository",
    "repository-template": "Custom::RepositoryTemplate",
    "actions-configuration": "Custom::ActionsConfiguration",
}


class _LocalClients(Clients):
    """The functions' clients, with this run's clients."""

    def __init__(self, environment: dict[str, str], client: Callable[[str], Any]) -> None:
        super().__init__(environment)
        self._make = client

    def _client(self, service: str) -> Any:
        return self._make(service)
