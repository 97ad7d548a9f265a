"""The verb `plan`: what a rollout of a version would do to each project."""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from custom_resources.errors import Problem
from custom_resources.markdown import printable
from operations.accounts import chosen, opened
from operations.deployed import offered_product
from operations.errors import UnknownProject
from operations.foresee import RESULTS, Foreseen, ForeseenRepository, asking, foresee
from operations.over_accounts import catalog_of, document, said
from operations.project_names import with_names
from operations.rollout.planning import Plan, Skipped, plan, target_version
from operations.terminal import indented, table, width
from products.settings import load_settings

if TYPE_CHECKING:
    import boto3

    from custom_resources.clients.service_catalog import Launch, ServiceCatalog
    from custom_resources.clients.stacks import CloudFormationStacks
    from products.settings import Place, Settings

NOT_ALL = 3  # the exit status where an update would fail, or nobody knows
_SHOWN = 5  # conflicting files of a repository, in text


def add_arguments(verb: argparse.ArgumentParser) -> None:
    """Add what `plan` takes."""
    verb.description = (
        "Show for each project what a rollout of a version would do to its repositories: merge, pull request and why, "
        "conflicting files, unchanged, off. The command writes nothing to GitHub. In AWS it writes only the shared "
        "rate budget. Exit status 0: every update would succeed; 3: some would fail, or are not known; "
        "1: the plan failed."
    )
    verb.add_argument("--version", required=True, help="a live version, such as v1.2.0")
    verb.add_argument(
        "--project", action="append", default=[], help="name or ID of a project (can be repeated; default: all)"
    )


@dataclass(frozen=True)
class Planned:
    """A place's launches: those that were looked at, those that a rollout would skip, and how many need nothing."""

    version: str
    foreseen: tuple[Foreseen, ...]
    left: tuple[Skipped, ...]
    there: int
    found: frozenset[str] = frozenset()  # projects that were asked for


def run(options: argparse.Namespace) -> int:
    """Run the verb; return the exit status. Raises UnknownProject, NotDeployed, and what AWS's errors become."""
    settings = load_settings()
    if places := chosen(settings, options.account):
        return _over(options, settings, places)
    import boto3

    from operations.status_command import connected

    catalog, stacks = connected()
    found = planned(options, settings, catalog, stacks, boto3.Session())
    _require_found(options, found.found)
    if options.json:
        print(json.dumps(as_document(found), indent=2))
    else:
        print("\n".join(lines(found, width(sys.stdout))))
    return _status([found])


def planned(
    options: argparse.Namespace,
    settings: Settings,
    catalog: ServiceCatalog,
    stacks: CloudFormationStacks,
    session: boto3.Session,
) -> Planned:
    """Read the launches of an account and region that the options name."""
    product_id = offered_product(catalog, stacks, settings.product.name)
    live = catalog.versions(product_id)
    version = target_version(live, options.version)
    projects: Sequence[str] = options.project
    launches = [
        each
        for each in with_names(catalog.launches(product_id, live), projects, stacks)
        if not projects or any(each.belongs_to(name) for name in projects)
    ]
    names = frozenset(name for name in projects if any(each.belongs_to(name) for each in launches))
    return looked_at(plan(launches, version), settings, session, names)


def looked_at(made: Plan, settings: Settings, session: boto3.Session, names: frozenset[str] = frozenset()) -> Planned:
    """Read the launches that a rollout would update; `names`: projects that were requested and found."""
    progress = _Progress(len(made.launches))
    ask = asking(session, settings)
    found = foresee(made.launches, made.version, ask, tell=progress.told, waiting=progress.waits)
    return Planned(made.version.name, tuple(found), made.skipped, len(made.there), names)


class _Progress:
    """Counts on stderr, which is for people: the plan itself comes when it is whole."""

    def __init__(self, total: int) -> None:
        self._total, self._done = total, 0

    def told(self, found: Foreseen) -> None:
        self._done += 1
        print(f"{self._done} of {self._total}: {found.launch.name}: {found.result}", file=sys.stderr, flush=True)

    def waits(self, launch: Launch, seconds: float, why: str) -> None:
        print(f"{launch.name}: waiting {seconds:.0f} s: {printable(why)}", file=sys.stderr, flush=True)


def _over(options: argparse.Namespace, settings: Settings, places: Sequence[Place]) -> int:
    """Plan in each place; one that fails stops nothing in another."""
    rows, done, failed, names = [], [], False, set[str]()
    for place in places:
        try:
            site = opened(settings, place)
            catalog, stacks = catalog_of(site)
            found = planned(options, site.settings, catalog, stacks, site.session)
        except Problem as problem:
            failed = True
            rows.append(document(place, problem=said(problem)))
            print(f"error: {place}: {said(problem)}", file=sys.stderr)
            continue
        names |= found.found
        done.append(found)
        rows.append(document(place, **as_document(found), problem=""))
        if not options.json:
            print("\n".join([str(place), *lines(found, width(sys.stdout)), ""]))
    if options.json:
        print(json.dumps({"version": options.version, "places": rows}, indent=2))
    if failed:
        return 1
    _require_found(options, names)
    return _status(done)


def _require_found(options: argparse.Namespace, found: frozenset[str] | set[str]) -> None:
    for project in options.project:
        if project not in found:
            raise UnknownProject(project=project)


def _status(done: Sequence[Planned]) -> int:
    well = all(each.result not in ("failed", "unknown") for found in done for each in found.foreseen)
    return 0 if well else NOT_ALL


# -- telling ---------------------------------------------------------------------------------------------------------


def counts(found: Planned) -> dict[str, int]:
    """Return how many projects would end how, and how many would start their pipelines."""
    by_result = Counter(each.result for each in found.foreseen)
    return {
        **{result: by_result[result] for result in RESULTS},
        "conflicts": sum(each.conflicts for each in found.foreseen),
        "pipelines": sum(each.starts_pipelines for each in found.foreseen),
        "skipped": len(found.left),
        "already there": found.there,
    }


def as_document(found: Planned) -> dict[str, Any]:
    """Return the plan for a JSON document."""
    return {
        "version": found.version,
        "counts": counts(found),
        "projects": [
            {
                **_launch(each.launch),
                "result": each.result,
                "problem": each.problem,
                "starts_pipelines": each.starts_pipelines,
                "repositories": [asdict(repository) for repository in each.repositories],
            }
            for each in found.foreseen
        ],
        "skipped": [{**_launch(each.launch), "reason": each.reason} for each in found.left],
    }


def _launch(launch: Launch) -> dict[str, str]:
    return {"launch": launch.id, "name": launch.name, "version": launch.version}


def lines(found: Planned, columns: int) -> list[str]:
    """Return the plan as text: a line for each project, below it what there is to say, and a summary."""
    head = ("PROJECT", "NOW", "BUILD", "DEPLOY")
    rows = [(each.launch.name, each.launch.version or "?", *_parts(each)) for each in found.foreseen]
    shown, *projects = table(head, rows, columns)
    text = [shown] if rows else []
    for line, each in zip(projects, found.foreseen, strict=True):
        text += [line, *(part for detail in _details(each) for part in indented(detail, columns))]
    for outcome in found.left:
        text += indented(f"{outcome.launch.name} is skipped: {outcome.reason}", columns)
    return [*text, *([""] if text else []), *indented(_summary(found), columns, indent="")]


def _parts(found: Foreseen) -> tuple[str, str]:
    by_part = {each.part: each.result for each in found.repositories}
    return by_part.get("build", found.result), by_part.get("deploy", found.result)


def _details(found: Foreseen) -> Iterator[str]:
    if found.problem:
        yield found.problem
    for each in found.repositories:
        for text in _about(each):
            yield f"{each.part}: {text}"


def _about(repository: ForeseenRepository) -> Iterator[str]:
    if repository.conflicts:
        paths, more = repository.conflicts[:_SHOWN], len(repository.conflicts) - _SHOWN
        yield f"conflict in {', '.join(paths)}{f' and {more} more' if more > 0 else ''}"
    if repository.reason:
        because = "because " if repository.result == "pull-request" else ""
        yield f"{because}{repository.reason}"
    changed = [f"{number} {kind}" for kind, number in repository.files.items() if number]
    if changed and repository.result == "merge":
        yield f"files: {', '.join(changed)}"
    if repository.ignored:
        yield f"kept from the template by .studio-template-ignore: {', '.join(repository.ignored[:_SHOWN])}"
    yield from repository.remarks


def _summary(found: Planned) -> str:
    number = counts(found)
    pipelines = number.pop("pipelines")
    told = ", ".join(f"{count} {word}" for word, count in number.items() if count) or "No project is launched yet"
    starts = f" {pipelines} projects would start their pipelines." if pipelines else ""
    return f"{told}.{starts}"
