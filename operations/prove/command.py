"""The verb `prove`: its arguments, and where AWS is."""

from __future__ import annotations

import argparse
import json
import os
import sys
import uuid
from functools import partial
from pathlib import Path
from typing import Any

from custom_resources.clients.aws import DATAZONE, STS, translated
from custom_resources.errors import Problem
from operations.accounts import ALL, chosen, opened
from operations.errors import (
    LocalRunMissing,
    NothingToProve,
    ProveNothingToResume,
    ProveUnfinished,
)
from operations.prove import report
from operations.prove.assumptions import ASSUMPTIONS
from operations.prove.aws import Aws, Open
from operations.prove.facts import State
from operations.prove.looking import Proof
from operations.prove.running import REPORT, begin_again, run
from products.settings import PROJECT_ROOT, Place, Settings, load_settings

PAUSE_SECONDS, LOCAL_PAUSE_SECONDS = 10.0, 0.3
# The local run's account and region (local/ministack.py); its access key is the account's number.
LOCAL_ACCOUNT, LOCAL_REGION = "123456789012", "us-east-1"
_STAND_IN = {"cloudtrail", "codeconnections", "datazone", "sagemaker", "servicecatalog"}


def add_arguments(verb: argparse.ArgumentParser) -> None:
    """Add what `prove` takes."""
    verb.description = (
        "Look at each assumption of docs/studio.md with a throwaway project: made, updated, deleted. Exit status 0: "
        "all that could be seen holds; 3: some is otherwise; 1: it could not be done."
    )
    verb.add_argument("--domain", default="", metavar="ID", help="the Studio domain (default: settings.toml)")
    verb.add_argument("--profile", default="", metavar="NAME", help="the project profile (default: settings.toml)")
    verb.add_argument("--project", default="", metavar="ID", help="check only this project, and change nothing")
    verb.add_argument(
        "--launch-role",
        default="",
        metavar="ARN",
        help="a principal of the portfolio, for updates by hand (default: the caller)",
    )
    verb.add_argument(
        "--as-owner",
        action="store_true",
        help="also create, check and delete a blueprint and a disabled profile; the caller must own the domain unit",
    )
    verb.add_argument("--output", type=Path, default=Path("prove"), metavar="FOLDER", help="default: %(default)s")
    verb.add_argument("--resume", action="store_true", help="resume the proof in the folder")
    verb.add_argument("--keep", action="store_true", help="do not delete the project")
    verb.add_argument(
        "--answer",
        action="append",
        default=[],
        type=_answer,
        metavar="ID=yes|no",
        help="what you saw of an assumption that only a person can check (can be repeated)",
    )
    verb.add_argument("--on-local", action="store_true", help="prove the run of `python -m local` on this machine")


def _answer(text: str) -> tuple[str, bool]:
    """Return an assumption and whether it holds. Raises ArgumentTypeError."""
    name, _, answer = text.partition("=")
    by_hand = [each.id for each in ASSUMPTIONS if each.by_hand]
    if name not in by_hand or answer not in ("yes", "no"):
        raise argparse.ArgumentTypeError(f"{text!r} is not one of {', '.join(by_hand)} with =yes or =no")
    return name, answer == "yes"


def prove(options: argparse.Namespace) -> int:
    """Run the verb; return the exit status: of several accounts, the highest."""
    if options.account != ALL:
        return _prove(options, options.output)
    codes = []
    for place in chosen(load_settings(), ALL):
        at = argparse.Namespace(**{**vars(options), "account": str(place), "profile": _profile_at(options, place)})
        try:
            codes.append(_prove(at, options.output / place.name / place.region))
        except Problem as problem:
            print(f"error: {place}: {problem}", file=sys.stderr)
            codes.append(1)
    return max(codes, default=0)


def _profile_at(options: argparse.Namespace, place: Place) -> str:
    """Return the profile to prove in a place: the argument, else one of ours whose projects are there."""
    settings = load_settings()
    ours = (name for name, own in settings.studio.own_profiles.items() if settings.place_of(own) == place)
    return options.profile or next(ours, "")


def _prove(options: argparse.Namespace, folder: Path) -> int:
    before = State.read(folder)
    if options.resume and (before is None or before.ended):
        raise ProveNothingToResume(folder=folder)
    if before and not before.ended and not options.resume:
        raise ProveUnfinished(folder=folder)
    local = before.local if before and options.resume else options.on_local
    open_client, region, settings = _on_local() if local else _in_account(options)
    state = before if before and options.resume else _begun(options, settings)
    state.facts.answers |= dict(options.answer)
    aws = Aws(open_client, region, state.note, LOCAL_PAUSE_SECONDS if local else PAUSE_SECONDS)
    proof = Proof(aws, state, settings, partial(_say, quiet=options.json))
    if options.resume:
        begin_again(proof)
    folder.mkdir(parents=True, exist_ok=True)
    state.save(folder)
    outcome = run(proof, folder)
    if options.json:
        print(json.dumps(report.document(state, outcome.findings, outcome.failure), indent=2))
        return outcome.code
    for finding in outcome.findings:
        print(f"{report.MARKS[finding.verdict]} {finding.assumption.id} {finding.verdict}: {finding.seen}")
    if outcome.failure:
        print(f"error: {outcome.failure}", file=sys.stderr)
    print(f"The report: {folder / REPORT}.md and .json")
    return outcome.code


def _begun(options: argparse.Namespace, settings: Settings) -> State:
    """Return the state of a new proof. Raises NothingToProve."""
    profiles = [*settings.studio.profiles, *settings.studio.own_profiles, *settings.studio.project_setup.profiles]
    domain = options.domain or settings.studio.domain_id
    profile = options.profile or next(iter(profiles), "")
    for what, value in (("domain", domain), ("profile", profile)):
        if not value:
            raise NothingToProve(what=what)
    return State(
        run=uuid.uuid4().hex[:12],
        domain=domain,
        profile=profile,
        local=options.on_local,
        launch_role=options.launch_role,
        as_owner=options.as_owner,
        keep=options.keep,
        given=bool(options.project),
        project=options.project,
    )


def _say(text: str, *, quiet: bool) -> None:
    if not quiet:
        print(text, flush=True)


def _in_account(options: argparse.Namespace) -> tuple[Open, str, Settings]:
    """Return who makes clients of the account to prove, its region, and the settings.

    With several accounts, the caller's own credentials are of somebody whom the domain knows: DataZone is called by
    those, in its region, and everything else in the account of projects (docs/accounts.md).
    """
    import boto3

    settings = load_settings()
    if places := chosen(settings, options.account):
        site = opened(settings, places[0])
        in_domain = boto3.Session(region_name=settings.studio.domain_region)

        def open_client(service: str, **keys: Any) -> Any:
            return (in_domain if service == DATAZONE.prefix else site.session).client(service, **keys)  # type: ignore[call-overload]

        return open_client, site.place.region, site.settings
    with translated(STS, "opening a session"):
        session = boto3.Session()
        region = session.region_name or str(session.client("sts").meta.region_name)
    return session.client, region, settings


def _on_local() -> tuple[Open, str, Settings]:
    """Return who makes clients of the local run, and its settings. Raises LocalRunMissing.

    The run says in its folder where it answers (local/home.py).
    """
    import boto3

    home = Path(os.environ.get("LOCAL_HOME") or PROJECT_ROOT / ".local")
    try:
        processes = json.loads((home / "state.json").read_bytes())["processes"]
        urls = {name: f"http://127.0.0.1:{processes[name]['port']}" for name in ("ministack", "aws")}
    except (OSError, ValueError, KeyError):
        raise LocalRunMissing(folder=home) from None
    if not (home / "settings.toml").is_file():
        raise LocalRunMissing(folder=home)
    session = boto3.Session(LOCAL_ACCOUNT, "local", region_name=LOCAL_REGION)

    def open_client(service: str, **keys: Any) -> Any:
        url = urls["aws" if service in _STAND_IN else "ministack"]
        return session.client(service, endpoint_url=url, **keys)  # type: ignore[call-overload]

    return open_client, LOCAL_REGION, load_settings(home / "settings.toml")
