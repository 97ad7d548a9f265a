"""The verb `status`: where it looks, what it keeps, and what it prints."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from custom_resources.clients.aws import DATAZONE, S3, translated
from custom_resources.errors import Problem
from operations.accounts import Site, opened
from operations.accounts import chosen as places_of
from operations.errors import UnknownProject
from operations.fleet.drift import secret_names, with_secrets
from operations.fleet.facts import Fleet, Part, Project
from operations.fleet.gathering import GitHubSide
from operations.fleet.keeping import keep, kept
from operations.fleet.owners import with_owners
from operations.fleet.results import results_of, with_results
from operations.fleet.tables import FILTERS, as_csv, as_document, chosen, lines
from operations.github_access import github_side
from operations.over_accounts import catalog_in, catalog_of, document, said
from operations.source_watch import SourceState, watched
from operations.status import Status, status
from operations.terminal import table, width
from products.repository_secrets import NOT_OF_EVERY_PROJECT, SECRETS
from products.settings import PROJECT_ROOT, load_settings
from products.versions import read_versions

if TYPE_CHECKING:
    from custom_resources.clients.service_catalog import ServiceCatalog
    from custom_resources.clients.stacks import CloudFormationStacks
    from products.settings import Place, Settings

KEPT = PROJECT_ROOT / "build" / "fleet.json"
BEHIND = 3  # the exit status where a project is not on the version


def add_arguments(verb: argparse.ArgumentParser) -> None:
    """Add what `status` takes."""
    verb.description = (
        "Show published and live versions, and the version in the default branches of every project. Exit status 0: "
        "every project has the version; 3: some do not; 1: the status could not be read."
    )
    verb.add_argument("--versions-dir", type=Path, default=None, help="default: products/versions")
    verb.add_argument("--version", default="", help="the wanted version (default: the newest live one)")
    verb.add_argument("--project", action="append", default=[], help="name or ID of a project (can be repeated)")
    verb.add_argument("--profile", default="", help="only projects of this project profile")
    verb.add_argument("--outdated", action="store_true", help="show only projects with another version")
    verb.add_argument("--open-prs", action="store_true", help="show only projects with an open template pull request")
    verb.add_argument(
        "--failed", action="store_true", help="show only projects whose launch, stack or last rollout failed"
    )
    verb.add_argument(
        "--drift",
        action="store_true",
        help="show only projects with missing workflows or secrets (one more request per repository)",
    )
    verb.add_argument("--csv", action="store_true", help="print the projects as CSV")
    verb.add_argument("--html", type=Path, default=None, metavar="FILE", help="write a page with charts")
    verb.add_argument("--cached", action="store_true", help="show the saved result of the last run (build/fleet.json)")
    verb.add_argument("--keep", type=Path, default=KEPT, metavar="FILE", help="file that saves the result")


@dataclass(frozen=True)
class Looked:
    """A place with what was found there; no place in an installation of one account."""

    place: Place | None
    status: Status
    github: GitHubSide


def run(options: argparse.Namespace) -> int:
    """Run the verb; return the exit status. Raises UnknownProject, FleetNotKept, ChartsNotInstalled."""
    found = [] if options.cached else look(options)
    fleet = kept(options.keep) if options.cached else joined(found)
    if not options.cached and not fleet.problem:
        _keep(options.keep, fleet)
    scope = selected(fleet, options.project, options.profile)
    view = scope.only(chosen(scope.projects, [name for name in FILTERS if getattr(options, name)]))
    if options.html:
        from operations.fleet.page import page

        options.html.write_text(page(view), encoding="utf-8")
    source = None if options.cached or options.csv else watched(load_settings(), read_versions(options.versions_dir))
    _print(options, found, view, source)
    for each in found:
        if each.status.problem:
            where = f"{each.place}: " if each.place else ""
            print(f"error: {where}{each.status.problem}", file=sys.stderr)
    if any(each.status.problem for each in found):
        return 1
    return 0 if scope.all_current else BEHIND


def _keep(file: Path, fleet: Fleet) -> None:
    """Keep the reading; if the file cannot be written, still show the reading."""
    try:
        keep(file, fleet)
    except OSError as failed:
        print(f"note: the result was not saved in {file}: {failed.strerror}", file=sys.stderr)


# -- looking ---------------------------------------------------------------------------------------------------------


def look(options: argparse.Namespace, *, reviews: bool = False) -> list[Looked]:
    """Read the caller's account, or the chosen ones. A place that fails is returned as its problem."""
    settings = load_settings()
    published = read_versions(getattr(options, "versions_dir", None))

    def at(source: Source, settings: Settings) -> Status:
        version, name = getattr(options, "version", ""), settings.product.name
        found = status(published, source.connect, name, source.github, version=version, reviews=reviews)
        found = found if reviews else _with_more(found, source, settings)
        return _with_secrets(found, settings, source.github) if getattr(options, "drift", False) else found

    places = places_of(settings, options.account)
    if not places:
        here = _here(settings)
        return [Looked(None, at(here, settings), here.github)]
    sources = [(place, _there(settings, place)) for place in places]
    return [Looked(place, _of(place, at(source, settings.at(place))), source.github) for place, source in sources]


@dataclass(frozen=True)
class Source:
    """Where a place is read; nothing is asked before it is used. `client` makes a client of boto3's."""

    connect: Callable[[], tuple[ServiceCatalog, CloudFormationStacks]]
    github: GitHubSide
    client: Callable[..., Any]


def _here(settings: Settings) -> Source:
    import boto3

    return Source(connected, github_side(boto3.client, settings), boto3.client)


def _there(settings: Settings, place: Place) -> Source:
    @cache
    def site() -> Site:
        return opened(settings, place)

    def client(service: Any, **more: Any) -> Any:
        return site().session.client(service, **more)

    def connect() -> tuple[ServiceCatalog, CloudFormationStacks]:
        return catalog_of(site())

    return Source(connect, github_side(client, settings.at(place)), client)


def _of(place: Place, found: Status) -> Status:
    projects = [replace(each, account=place.name, region=place.region) for each in found.fleet.projects]
    return replace(found, fleet=found.fleet.only(projects))


def _with_more(found: Status, source: Source, settings: Settings) -> Status:
    """Add what the last rollout did to each project, and who created it; what cannot be read is left out."""
    if not found.fleet.projects:
        return found
    fleet, studio = found.fleet, settings.studio
    try:
        with translated(S3, "opening a client"):
            results = results_of(lambda: source.client("s3"), source.connect()[1])
        fleet = with_results(fleet, results) if results else fleet
    except Problem as problem:
        print(f"note: the results of the last rollout could not be read: {said(problem)}", file=sys.stderr)
    if studio.domain_id:
        where = {"region_name": studio.domain_region} if studio.domain_region else {}
        with translated(DATAZONE, "opening a client"):
            datazone = source.client("datazone", **where)
        fleet = with_owners(fleet, datazone, studio.domain_id)
    return replace(found, fleet=fleet)


def _with_secrets(found: Status, settings: Settings, github: GitHubSide) -> Status:
    wanted: dict[Part, set[str]] = {
        "build": {*SECRETS["Build"], *settings.secret_references} - NOT_OF_EVERY_PROJECT,
        "deploy": {*SECRETS["Deploy"], *settings.secret_references} - NOT_OF_EVERY_PROJECT,
    }
    return replace(found, fleet=with_secrets(found.fleet, wanted, lambda name: secret_names(github, name)))


def connected() -> tuple[ServiceCatalog, CloudFormationStacks]:
    """Return Service Catalog and CloudFormation of the caller's account."""
    import boto3

    from custom_resources.clients.aws import SERVICE_CATALOG, translated

    with translated(SERVICE_CATALOG, "opening a session"):
        session = boto3.Session()
    return catalog_in(session)


def joined(found: Sequence[Looked]) -> Fleet:
    """Return the fleets of all places as one; the oldest look gives the time."""
    fleets = [each.status.fleet for each in found]
    wanted = ", ".join(sorted({fleet.wanted for fleet in fleets if fleet.wanted}))
    problems = [f"{each.place}: {each.status.problem}" if each.place else each.status.problem for each in found]
    return Fleet(
        min(fleet.time for fleet in fleets),
        wanted,
        tuple(project for fleet in fleets for project in fleet.projects),
        problem=" ".join(each for each, at in zip(problems, found, strict=True) if at.status.problem),
    )


def selected(fleet: Fleet, projects: Sequence[str], profile: str = "") -> Fleet:
    """Return the fleet with the projects that are named, and of that profile. Raises UnknownProject.

    An id goes before a name: nobody means another project by an id because its user has called it so.
    """
    named = [each for name in projects for each in _named(fleet, name)]

    def wanted(each: Project) -> bool:
        return (not projects or each in named) and (not profile or each.profile.casefold() == profile.casefold())

    return fleet.only([each for each in fleet.projects if wanted(each)])


def _named(fleet: Fleet, name: str) -> list[Project]:
    """Return the projects with an id, or else those of that name. Raises UnknownProject."""
    found = [each for each in fleet.projects if each.has_id(name)]
    found = found or [each for each in fleet.projects if each.belongs_to(name)]
    if not found:
        raise UnknownProject(project=name)
    return found


# -- printing --------------------------------------------------------------------------------------------------------


def _print(options: argparse.Namespace, found: Sequence[Looked], view: Fleet, source: SourceState | None) -> None:
    if options.json:
        told = {**asdict(source), "ahead": source.ahead} if source else None
        print(json.dumps({**_document(found), **as_document(view), "template_source": told}, indent=2))
    elif options.csv:
        print(as_csv(view), end="")
    else:
        _tell(found, view)
        if source and source.line():
            print(source.line())


def _document(found: Sequence[Looked]) -> dict[str, Any]:
    """Return what each place tells, in the form of one place where there is one only."""
    told = [(each.place, _told(each.status)) for each in found]
    if len(told) == 1 and told[0][0] is None:
        return told[0][1]
    return {"places": [document(place, **what) for place, what in told if place]}


def _told(each: Status) -> dict[str, Any]:
    keys = ("id", "name", "version", "status", "message", "stack")
    return {
        "versions": [asdict(version) for version in each.versions],
        "launches": [{key: getattr(launch, key) for key in keys} for launch in each.launches],
        "pull_requests": [
            {"launch": project.name, "url": pull.url, "state": pull.state, "problem": pull.problem}
            for project in each.fleet.projects
            for _, pull in project.pull_requests
        ],
        "problem": each.problem,
    }


def _tell(found: Sequence[Looked], view: Fleet) -> None:
    several = any(each.place for each in found)
    rows = [
        (*((each.place.name, each.place.region) if each.place else ()), *_row(version))
        for each in found
        for version in each.status.versions
    ]
    if rows:
        head = (*(("ACCOUNT", "REGION") if several else ()), "VERSION", "PUBLISHED", "LIVE", "PROJECTS", "NOTES")
        print("\n".join(table(head, rows, width(sys.stdout))))
        print()
    for line in lines(view):
        print(line)


def _row(version: Any) -> tuple[str, ...]:
    return version.version, version.published or "-", version.live or "-", str(version.launches), version.notes
