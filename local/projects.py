"""Projects of the local run: launched, updated, shown and terminated, each through its CloudFormation stack."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from custom_resources.errors import FinalError
from custom_resources.template_content import Archive
from local import assembly, studio
from local.home import GitHubPlace, LocalError
from local.stacks import Event, Listener, Stack
from local.studio import Project, ensure_project, repository_in
from products.settings import load_settings

if TYPE_CHECKING:
    from local.dry_run import Foreseen
    from local.run import Run
    from local.standins import Traffic
    from local.terminal import Terminal

PARTS = ("Build", "Deploy")
_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,38}[A-Za-z0-9])?")
_MARKS = {"COMPLETE": ("✓", "green"), "FAILED": ("✗", "red"), "IN_PROGRESS": ("·", "dim")}


@dataclass(frozen=True)
class Launch:
    """What a launch is asked for; empty strings and None mean the product's own defaults."""

    name: str
    profile: str
    version: str = ""
    parameters: Mapping[str, str] = field(default_factory=dict)
    brief: bool = False  # say only what the custom resources did


def stack_name(name: str) -> str:
    """Return the stack's name. Raises LocalError for a name that cannot be one."""
    if not _NAME.fullmatch(name):
        raise LocalError(
            f"{name!r} is not a valid project name; use up to 40 letters, digits and hyphens, "
            "beginning and ending with a letter or digit."
        )
    return prefix() + name


def prefix() -> str:
    """Return what the names of projects' stacks begin with: what the functions may look at (products/settings/)."""
    return f"{load_settings().prefix}-"


def project_name(stack: str) -> str:
    """Return the project of a stack."""
    return stack.removeprefix(prefix())


def place_of(stack: Stack) -> GitHubPlace:
    """Return the GitHub that the project was launched on."""
    return GitHubPlace(
        api_url=stack.tags["github-api-url"],
        server_url=stack.tags["github-server-url"],
        organization=stack.tags["github-organization"],
        stand_in=stack.tags["github-stand-in"] == "true",
    )


def _tags(place: GitHubPlace) -> dict[str, str]:
    return {
        "github-api-url": place.api_url,
        "github-server-url": place.server_url,
        "github-organization": place.organization,
        "github-stand-in": str(place.stand_in).lower(),
    }


def show(terminal: Terminal, brief: bool = False) -> Listener:
    """Return a listener that prints stack events as they come; `brief`: what custom resources completed, only."""

    def listener(event: Event) -> None:
        mark, style = next((m for end, m in _MARKS.items() if event.status.endswith(end)), ("·", "dim"))
        whole = event.type == "AWS::CloudFormation::Stack"
        seconds = f"{event.seconds:5.1f} s" if mark != "·" else "       "
        reason = event.reason if mark == "✗" else ""
        line = f"  {mark} {seconds}  {event.resource:<22} {event.type:<28} {event.status}  {reason}".rstrip()
        if mark == "·":
            if not whole and not brief:
                terminal.transient(line)
        elif not brief or whole or reason or event.type.startswith("Custom::"):
            terminal.say(line, style)

    return listener


def archive_of(run: Run, version: str) -> Archive:
    """Return a version's template content."""
    return Archive.open(version_folder(run, version) / "archive.zip")


def version_folder(run: Run, version: str) -> Path:
    """Return where a version is published. Raises LocalError for one that is not."""
    folder = run.home.versions / version
    if not (folder / "version.json").is_file():
        known = ", ".join(run.assembly.product_templates()) or "none"
        raise LocalError(f"There is no version {version}; published are: {known}.")
    return folder


def chosen_version(run: Run, version: str) -> str:
    """Return the version to launch: the one asked for, else the newest. Raises LocalError for an unknown one."""
    templates = run.assembly.product_templates()
    if version and version not in templates:
        raise LocalError(f"There is no version {version}; published are: {', '.join(templates)}.")
    return version or list(templates)[-1]


def require_profile(run: Run, version: str, profile: str) -> None:
    """Raise LocalError unless the version has content for the profile: before anything is created."""
    try:
        archive_of(run, version).require_profile(profile.lower())
    except FinalError as error:
        raise LocalError(str(error)) from None


def launch(run: Run, wanted: Launch, terminal: Terminal) -> dict[str, Any]:
    """Create the project's stack from the product's template and wait. Returns the JSON document.

    Raises LocalError: bad input, a name in use, or the sentence with which a resource failed (all rolled back then).
    """
    name = stack_name(wanted.name)
    version = chosen_version(run, wanted.version)
    require_profile(run, version, wanted.profile)
    with run.home.lock(exclusive=False):
        before = run.cloud.stacks.find(name)
        if before and before.status not in ("ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED"):
            raise LocalError(
                f"The project {wanted.name} is already launched ({before.status}); "
                f"use `update {wanted.name}` or `terminate {wanted.name}`."
            )
        terminal.step(f"Creating the Studio project {wanted.name} with the profile {wanted.profile}")
        project = ensure_project(run, wanted.name, wanted.profile)
        terminal.step(f"Launching the product, version {version}, for project {project.id}")
        parameters = {
            "DomainId": project.domain_id,
            "ProjectId": project.id,
            "ProjectName": project.name,
            "ProfileName": project.profile,
            "Organization": run.github.organization,
            **{key: value for key, value in wanted.parameters.items() if value},
        }
        return _deployed(run, project, version, parameters, show(terminal, wanted.brief))


def update(
    run: Run, name: str, version: str, parameters: Mapping[str, str], terminal: Terminal, *, brief: bool = False
) -> dict[str, Any]:
    """Update the project's stack to a version (the newest by default) and wait. Returns the JSON document."""
    stack = launched(run, name)
    version = chosen_version(run, version)
    require_profile(run, version, stack.parameters.get("ProfileName", ""))
    with run.home.lock(exclusive=False):
        terminal.step(f"Updating {name} to version {version}")
        return _deployed(run, _project(stack), version, parameters, show(terminal, brief))


def _deployed(
    run: Run, project: Project, version: str, parameters: Mapping[str, str], listener: Listener
) -> dict[str, Any]:
    started = time.monotonic()
    mark = run.standin_github.requests_made() if run.github.stand_in else 0
    url = assembly.template_url(run.cloud, run.assembly.product_templates()[version])
    done = run.cloud.stacks.deploy(stack_name(project.name), url, parameters, listener, _tags(run.github))
    traffic = run.standin_github.traffic_since(mark) if run.github.stand_in else None
    return document(done, project, traffic, round(time.monotonic() - started, 1))


def document(stack: Stack, project: Project, traffic: Traffic | None, seconds: float) -> dict[str, Any]:
    """Return what `--json` prints of a project."""
    outputs = stack.outputs
    return {
        "name": project_name(stack.name),
        "stack": stack.name,
        "status": stack.status,
        "domain_id": project.domain_id,
        "project_id": project.id,
        "profile": outputs.get("ProfileName", project.profile),
        "version": outputs.get("BuildTemplateVersion", ""),
        "repositories": {part.lower(): repository_in(outputs, part) for part in PARTS},
        "outputs": outputs,
        "requests": traffic.document() if traffic else None,
        "seconds": seconds,
    }


def launched(run: Run, name: str) -> Stack:
    """Return a launched project's stack. Raises LocalError when there is none."""
    stack = run.cloud.stacks.find(stack_name(name))
    if stack is None:
        raise LocalError(f"There is no project {name}; there are: {known(run)}.")
    return stack


def known(run: Run) -> str:
    """Return the names of all projects, in a sentence."""
    return ", ".join([*names(run), *studio.names(run)]) or "none"


def is_of_studio(run: Run, name: str) -> bool:
    """Tell whether a name is that of a project that Studio launched, and of none that `launch` did."""
    here = bool(_NAME.fullmatch(name)) and run.cloud.stacks.find(stack_name(name)) is not None
    return not here and name in studio.names(run)


def stack_of_studio(run: Run, name: str) -> Stack:
    """Return the stack in which Studio launched the product for a project. Raises LocalError when there is none."""
    stack = run.cloud.stacks.find(studio.stack_name(run, name) or "none")
    if stack is None:
        raise LocalError(f"Studio has not launched the product for the project {name}.")
    return stack


def names(run: Run) -> list[str]:
    """Return the names of the launched projects, oldest first."""
    return [project_name(name) for name in run.cloud.stacks.names() if name.startswith(prefix())]


def terminate(run: Run, name: str, terminal: Terminal, *, brief: bool = False) -> dict[str, Any]:
    """Delete the project's stack, which archives its repositories. Returns the JSON document."""
    stack = launched(run, name)
    started = time.monotonic()
    mark = run.standin_github.requests_made() if run.github.stand_in else 0
    with run.home.lock(exclusive=False):
        terminal.step(f"Terminating {name}")
        done = run.cloud.stacks.delete(stack.name, show(terminal, brief))
    traffic = run.standin_github.traffic_since(mark) if run.github.stand_in else None
    answer = {
        "name": name,
        "stack": stack.name,
        "status": done.status,
        "project_id": stack.parameters.get("ProjectId", ""),
        "requests": traffic.document() if traffic else None,
        "seconds": round(time.monotonic() - started, 1),
    }
    if run.github.stand_in:
        urls = [stack.outputs.get(f"{part}RepositoryUrl", "") for part in PARTS]
        answer["repositories"] = run.standin_github.archived(urls)
    return answer


def describe(run: Run, name: str) -> dict[str, Any]:
    """Return a launched project's JSON document."""
    stack = launched(run, name)
    return {**document(stack, _project(stack), None, 0), "github": place_of(stack).model_dump()}


def summary(run: Run, name: str) -> dict[str, Any]:
    """Return one line of a list of projects."""
    stack = launched(run, name)
    return {
        "name": name,
        "status": stack.status,
        "project_id": stack.parameters.get("ProjectId", ""),
        "version": stack.outputs.get("BuildTemplateVersion", ""),
    }


def foresee(
    run: Run,
    name: str,
    version: str,
    parameters: Mapping[str, str],
    *,
    with_patch: bool = False,
    stack: Stack | None = None,
) -> tuple[dict[str, Any], dict[str, Foreseen]]:
    """Return what an update would do, as a JSON document and by part. Nothing is written to GitHub.

    `stack` is the project's, None for one that `launch` made.
    """
    from local import dry_run

    stack = stack or launched(run, name)
    version = chosen_version(run, version)
    require_profile(run, version, stack.parameters.get("ProfileName", ""))
    mark = run.standin_github.requests_made() if run.github.stand_in else 0
    foreseen = dry_run.foresee(run, stack, version, parameters, with_patch)
    traffic = run.standin_github.traffic_since(mark) if run.github.stand_in else None
    return {
        "name": name,
        "dry_run": True,
        "version": version,
        "from_version": stack.outputs.get("BuildTemplateVersion", ""),
        "repositories": {part: one.document() for part, one in foreseen.items()},
        "requests": traffic.document() if traffic else None,
    }, foreseen


def on_its_github(run: Run, name: str, terminal: Terminal) -> Run:
    """Return the run with the GitHub on which the project was launched. Raises LocalError without its token."""
    from local import run as runs

    if is_of_studio(run, name):
        return run
    place = place_of(launched(run, name))
    if place == run.github and not (place.stand_in and run.state.token_given):
        return run
    token = "" if place.stand_in else os.environ.get("GITHUB_TOKEN", "").strip()
    if not place.stand_in and not token:
        raise LocalError(f"The project {name} is on {place.server_url}; export GITHUB_TOKEN for it.")
    return runs.up(run.home, terminal, runs.Choice(None if place.stand_in else place, token))


def _project(stack: Stack) -> Project:
    given = stack.parameters
    return Project(given["ProjectId"], given["DomainId"], project_name(stack.name), given.get("ProfileName", ""))
