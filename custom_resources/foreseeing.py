"""What an update of a launch to a version would do to its repositories, for an administrator; it writes nothing.

The request is not from CloudFormation. The event names only a launch and a version; all else is read here:
the launch and the version from Service Catalog, the stack from CloudFormation, the repositories from GitHub. The
update's own code decides what is read: `observe` and `plan` of the resource (docs/decisions/0117).
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from custom_resources.call import tell_everyone
from custom_resources.delivery.plans import Propose, Push
from custom_resources.errors import (
    FinalError,
    LaunchBusy,
    LaunchNotOurs,
    NotARequest,
    NothingForeseen,
    PullRequestsOff,
    RetryLater,
    WriteWhileLooking,
)
from custom_resources.markdown import printable
from custom_resources.own_stack import our_products
from custom_resources.rate_budget import Cost
from custom_resources.reconciler import parsed
from custom_resources.studio_project import StudioProjectProperties, profile_folder
from custom_resources.telemetry import logger, redacted
from custom_resources.version_template import VersionTemplate, parameters_of, pseudo_parameters, reported

if TYPE_CHECKING:
    from custom_resources.clients.protocols import Clients
    from custom_resources.clients.request_limit import RequestLimit
    from custom_resources.clients.service_catalog import LaunchedStack
    from custom_resources.clients.stacks import DescribedStack, StackResource
    from custom_resources.reconciler import CustomResource, Effects, Request

READS = Cost(points=6)  # of a repository: its history, its pull requests, its settings, its branch
MOST_LISTED = 50  # paths of a kind; an answer is small
_PATH = 200  # characters
_KINDS = ("added", "changed", "deleted", "conflicts", "ignored")
_PROJECT, _REPOSITORY, _TEMPLATE = "Custom::StudioProject", "Custom::GitHubRepository", "Custom::RepositoryTemplate"
_UPDATABLE = ("AVAILABLE", "TAINTED")
_TRIGGER = "TriggerPipelineExecution"
Answer = dict[str, Any]


class Asked(BaseModel):
    """A provisioned product and a provisioning artifact, by their ids. There is nothing else to ask."""

    model_config = ConfigDict(extra="forbid", frozen=True, regex_engine="python-re")

    launch: str = Field(alias="Launch", pattern=r"^pp-[a-z0-9]{1,60}\Z")
    version: str = Field(alias="Version", pattern=r"^pa-[a-z0-9]{1,60}\Z")


def foreseen(
    question: Any, resource: CustomResource[Any, Any, Any], clients: Clients, requests: RequestLimit
) -> Answer:
    """Answer: the repositories with what would happen, or a `Problem`, or how long to `Wait` before it is asked again.

    `resource` is Custom::RepositoryTemplate. Raises NotARequest.
    """
    try:
        asked = Asked.model_validate(question)
    except ValidationError:
        raise NotARequest from None
    requests.writes.begin(_refuse_writes)
    try:
        return _Look(resource, clients).answer(asked)
    except RetryLater as wait:
        tell_everyone(wait, clients.budget)
        return {"Wait": wait.seconds, "Why": _said(wait.why)}
    except FinalError as problem:
        logger.warning("not foreseen", reason=str(problem))
        return {"Problem": _said(str(problem))}


def _refuse_writes() -> None:
    """Stop the first write before it is sent."""
    raise WriteWhileLooking


@dataclass(frozen=True)
class _Sides:
    """The stack's template as it is, and as the version would have it."""

    old: VersionTemplate
    new: VersionTemplate


class _Look:
    """One look at a launch."""

    def __init__(self, resource: CustomResource[Any, Any, Any], clients: Clients) -> None:
        self._resource = resource
        self._clients = clients

    def answer(self, asked: Asked) -> Answer:
        launch = self._launch(asked.launch)
        version, url = self._clients.service_catalog.version_template(launch.product, asked.version)
        document = self._clients.version_templates.read(version, url)
        stack = self._clients.stack_facts.described(launch.stack)
        resources = self._clients.stack_facts.resources(stack.id)
        sides = self._sides(document, stack, resources)
        self._require_profile(sides.new)
        found = {name: self._repository(name, sides, stack, resources) for name in sides.new.resources(_TEMPLATE)}
        return {
            "Launch": asked.launch,
            "Version": version,
            "RunsPipelines": sides.new.parameters.get(_TRIGGER) == "true",
            "Repositories": {str(each.pop("part")): each for each in found.values()},
        }

    def _launch(self, launch_id: str) -> LaunchedStack:
        """Return the launch, if it is of our product and not being changed. Raises LaunchNotOurs, LaunchBusy."""
        launch = self._clients.service_catalog.launched_stack(launch_id)
        if launch is None or launch.product not in our_products(self._clients):
            raise LaunchNotOurs(launch=launch_id)
        if launch.status not in _UPDATABLE or not launch.stack:
            raise LaunchBusy(launch=launch_id, status=launch.status)
        return launch

    def _sides(
        self, document: Mapping[str, Any], stack: DescribedStack, resources: Mapping[str, StackResource]
    ) -> _Sides:
        """Return both templates. What is known of the stack's resources is what it puts out, and their ids."""
        there = self._clients.stack_facts.template(stack.id)
        known = {**reported(there, stack.outputs), **_named(there, stack.outputs, resources)}
        old = VersionTemplate(there, {**stack.parameters, **pseudo_parameters(stack.id)}, known)
        new = VersionTemplate(document, parameters_of(document, stack.parameters, stack.id), known)
        return _Sides(_with_folder(old), _with_folder(new))

    def _require_profile(self, new: VersionTemplate) -> None:
        """Refuse a version without the launch's profile, as Custom::StudioProject does. Raises InvalidTemplate."""
        for name in new.resources(_PROJECT):
            archive = str(new.properties(name).get("TemplateArchive", ""))
            folder = new.attributes.get((name, "ProfileFolder"), "")
            if archive and folder:
                with self._clients.archives.open(archive) as content:
                    content.require_profile(folder)

    def _repository(
        self, name: str, sides: _Sides, stack: DescribedStack, resources: Mapping[str, StackResource]
    ) -> Answer:
        """Look at one repository; a failure is what the update would fail with. Raises RetryLater."""
        new, old = sides.new.properties(name), sides.old.properties(name)
        part = str(new.get("Part", name)).removeprefix("model_")
        answer: Answer = {"part": part, "repository": str(new.get("Repository", ""))}
        if new == old:  # CloudFormation sends nothing to a resource that does not change
            return {**answer, **_shown({"action": "nothing", "status": "unchanged"}), "remarks": []}
        there = resources.get(name)
        event = {
            "RequestType": "Update",
            "ResourceProperties": new,
            "OldResourceProperties": old,
            "PhysicalResourceId": there.physical_id if there else "",
            "StackId": stack.id,
            "LogicalResourceId": name,
            "Operation": {"Started": time.time()},
        }
        try:
            if not event["PhysicalResourceId"]:
                raise NothingForeseen
            return {**answer, **self._planned(event)}
        except FinalError as failed:
            return {**answer, **_shown({"action": "fail", "status": "failed", "reason": str(failed)}), "remarks": []}

    def _planned(self, event: Mapping[str, Any]) -> Answer:
        """Observe and plan as the update does, after the reads are paid for. Raises FinalError, RetryLater."""
        if budget := self._clients.budget:
            budget.reserve(READS, "", budget.require_room(""))
        request: Request[Any] = parsed(self._resource, event)
        with self._resource.observe(request) as observed:
            plan = self._resource.plan(request, observed)
            effects = self._resource.foresee(request, observed, plan).effects
            remarks = list(self._remarks(plan, request))
        return {**_shown(effects), "remarks": remarks}

    def _remarks(self, plan: Any, request: Request[Any]) -> Iterator[str]:
        """Yield what may still turn out otherwise. Raises PullRequestsOff, as opening a pull request would."""
        if not isinstance(plan, Push | Propose) or plan.action == "record":
            return
        github = self._clients.github
        found = github.repository_by_id(request.properties.repository_id, plan.place.full_name)
        if found is None:
            return
        if isinstance(plan, Propose) and found.pull_requests_off:
            raise PullRequestsOff(repository=found.full_name)
        if found.archived:
            yield "The repository is archived on GitHub."
        if plan.action == "push" and github.is_protected(found.full_name, plan.place.branch):
            yield f"`{plan.place.branch}` is protected. If its rules block the push, the update opens a pull request."


def _named(
    template: Mapping[str, Any], outputs: Mapping[str, str], resources: Mapping[str, StackResource]
) -> dict[tuple[str, str], str]:
    """Return id and full name of the stack's repositories: of its resources, and of the addresses that it puts out."""
    known = reported(template, outputs)
    found: dict[tuple[str, str], str] = {}
    for name, resource in resources.items():
        if resource.type == _REPOSITORY:
            found[name, "RepositoryId"] = resource.physical_id.partition(":")[0]
            address = urlsplit(known.get((name, "HtmlUrl"), "")).path.strip("/")
            found[name, "FullName"] = address
    return found


def _with_folder(side: VersionTemplate) -> VersionTemplate:
    """Return a side with the template folder that Custom::StudioProject would report."""
    known = dict(side.attributes)
    for name in side.resources(_PROJECT):
        given = side.properties(name)
        properties = StudioProjectProperties.model_construct(
            domain_id="",  # the folder depends on neither id
            project_id="",
            profile_folder=given.get("ProfileFolder", ""),
            profile_folders=given.get("ProfileFolders", {}),
        )
        profile = given.get("ProfileName") or known.get((name, "ProfileName"), "")
        known[name, "ProfileFolder"] = profile_folder(properties, profile)
    return VersionTemplate(side.document, side.parameters, known)


def _said(text: str) -> str:
    """Return a sentence as it is answered: it may name files."""
    return printable(" ".join(redacted(text).split()))


def _shown(effects: Effects) -> Answer:
    """Return effects as they are answered: paths as text and cut, at most MOST_LISTED of a kind, and their number."""
    told: Mapping[str, Any] = effects
    paths: dict[str, list[str]] = {kind: list(told.get(kind, ())) for kind in _KINDS}
    return {
        "action": effects.get("action", ""),
        "status": effects.get("status", ""),
        "reason": _said(effects.get("reason", "")),
        **{kind: [printable(each[:_PATH]) for each in found[:MOST_LISTED]] for kind, found in paths.items()},
        "counts": {kind: len(found) for kind, found in paths.items()},
    }
