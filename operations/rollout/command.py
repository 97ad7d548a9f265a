"""The verb `rollout` with its own verbs: arguments in, a report or one JSON document out."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from typing import Any

from operations import plan_command
from operations.errors import RolloutNotConfirmed, UnknownProject
from operations.project_names import with_names
from operations.rollout import steps, telling
from operations.rollout.following import followed
from operations.rollout.planning import Plan, plan, selected, target_version
from operations.rollout.sites import RolloutSite, at_each
from operations.rollout.state import Rollout, Target, Wish
from operations.rollout.windows import window
from operations.terminal import width
from products.rollout.names import MOST_FAILURES

LONGEST_SOAK = 14 * 86400  # seconds: longer, the execution's history of 25,000 events would be full
WAITS = 3  # the exit status while it is under way, or waits for a person
Document = dict[str, Any]


def add_arguments(verb: argparse.ArgumentParser, add_account: Callable[[argparse.ArgumentParser], None]) -> None:
    """Add the verbs of `rollout`."""
    verb.description = (
        "Update the projects to a version. Two state machines do the work (docs/admin.md); these commands start and "
        "control it. Exit status 0: done, no project failed; 1: a project failed or was not reached, or the command "
        "failed; 3: the rollout is under way, or waits for you."
    )
    verbs = verb.add_subparsers(required=True, metavar="VERB")
    for name, act, summary in (
        ("start", _start, "plan a rollout, confirm it, and start it"),
        ("status", _status, "show the progress, the failures and the next command"),
        ("pause", _pause, "start no more updates; updates under way finish"),
        ("resume", _resume, "continue after a pause, for an approval, or after a crash"),
        ("abort", _abort, "end the rollout; updates under way finish"),
        ("retry", _retry, "update the failed and skipped projects again"),
    ):
        one = verbs.add_parser(name, help=summary, description=f"{summary.capitalize()}.")
        one.set_defaults(run=act)
        add_account(one)
        one.add_argument("--json", action="store_true", help="print one JSON document")
        if name in {"start", "status", "resume", "retry"}:
            one.add_argument("--wait", action="store_true", help="follow the rollout until it ends or pauses")
    _add_wishes(verbs.choices["start"])
    verbs.choices["abort"].add_argument(
        "--force", action="store_true", help="end it now, without waiting for the state machine"
    )


def _add_wishes(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--version", required=True, help="a deployed version, such as v1.2.0")
    verb.add_argument(
        "--project", action="append", default=[], help="name or ID of a project (can be repeated; default: all)"
    )
    verb.add_argument(
        "--canary",
        action="append",
        default=[],
        metavar="PROJECT",
        help="update this project first (repeatable; default: one project)",
    )
    verb.add_argument(
        "--soak", type=_seconds, default=0, metavar="TIME", help="wait after the canary: 30m, 2h, at most 14d"
    )
    verb.add_argument("--approve", action="store_true", help="pause after the canary until you run `rollout resume`")
    verb.add_argument("--rate", type=_rate, default=0, metavar="N/h", help="start at most N updates an hour")
    verb.add_argument(
        "--window", default="", metavar="TIMES", help='start updates only at these times: "Mon-Fri 08-17 Europe/Berlin"'
    )
    verb.add_argument(
        "--failures", type=_failures, default=0, metavar="N", help="pause when more than N projects failed (default: 0)"
    )
    verb.add_argument(
        "--dry-run", action="store_true", help="show what would happen to each project, and start nothing"
    )
    verb.add_argument("--yes", action="store_true", help="do not ask for confirmation")


def _seconds(text: str) -> int:
    units = {"s": 1, "m": 60, "h": 3600, "d": 86400}
    number, unit = (text[:-1], text[-1]) if text[-1:] in units else (text, "s")
    if not number.isdecimal() or int(number) * units[unit] > LONGEST_SOAK:
        raise argparse.ArgumentTypeError("give a time of at most 14d, such as 30m or 2h")
    return int(number) * units[unit]


def _rate(text: str) -> int:
    number, _, unit = text.partition("/")
    if not number.isdecimal() or unit not in {"", "h"} or not 1 <= int(number) <= 3600:
        raise argparse.ArgumentTypeError("give a rate from 1/h to 3600/h")
    return int(number)


def _failures(text: str) -> int:
    if not text.isdecimal() or int(text) > MOST_FAILURES:
        raise argparse.ArgumentTypeError(f"give a number from 0 to {MOST_FAILURES}")
    return int(text)


# -- the verbs -------------------------------------------------------------------------------------------------------


def _start(options: argparse.Namespace) -> int:
    wish = Wish(options.failures, options.soak, options.approve, options.rate, options.window)
    if wish.window:
        window(wish.window)  # refused before anything is asked
    found: set[str] = set()

    def act(site: RolloutSite) -> Document:
        made = _planned(options, site, found)
        said = {"plan": telling.planned(made, wish)}
        if not options.json:
            for line in telling.plan_lines(made, wish, foreseen=options.dry_run):
                print(f"{site.name}{line}")
        if not made.launches:
            return said
        if options.dry_run:
            return {**said, "foreseen": _foreseen(options, site, made)}
        _confirm(options)
        target = Target(
            site.product,
            made.version.name,
            made.version.id,
            tuple(site.catalog.parameter_names(site.product, made.version)),
            site.catalog.has_several_paths(site.product),
        )
        return {**said, **_seen(options, site, steps.begin(site.store, made, target, wish))}

    code = _ended(options, *at_each(options.account, act), begun=True)
    missing = next((each for each in options.project if each not in found), "")
    if missing and not code:
        raise UnknownProject(project=missing)
    return code


def _foreseen(options: argparse.Namespace, site: RolloutSite, made: Plan) -> Document:
    """Tell what would happen to each project, by the update's own code (`operations plan` tells the same)."""
    found = plan_command.looked_at(made, site.settings, site.session)
    if not options.json:
        print("\n".join(plan_command.lines(found, width(sys.stdout))))
    return plan_command.as_document(found)


def _planned(options: argparse.Namespace, site: RolloutSite, found: set[str]) -> Plan:
    live = site.catalog.versions(site.product)
    version = target_version(live, options.version)
    every = with_names(site.catalog.launches(site.product, live), [*options.project, *options.canary], site.stacks)
    here = [name for name in options.project if any(each.belongs_to(name) for each in every)]
    found |= set(here)
    if site.place is None or not options.project:
        here = options.project
    launches = selected(every, here) if here or not options.project else []
    canaries = [name for name in options.canary if site.place is None or any(e.belongs_to(name) for e in launches)]
    return plan(launches, version, canaries)


def _confirm(options: argparse.Namespace) -> None:
    """Ask a person. Raises RolloutNotConfirmed."""
    if options.yes:
        return
    if options.json or not sys.stdin.isatty():
        raise RolloutNotConfirmed
    if input("Start the rollout? [y/N] ").strip().lower() not in {"y", "yes"}:
        raise RolloutNotConfirmed


def _status(options: argparse.Namespace) -> int:
    return _ended(options, *at_each(options.account, lambda site: _seen(options, site, steps.current(site.store))))


def _pause(options: argparse.Namespace) -> int:
    return _ended(
        options, *at_each(options.account, lambda site: _seen(options, site, steps.pause(site.store))), begun=True
    )


def _resume(options: argparse.Namespace) -> int:
    return _ended(
        options, *at_each(options.account, lambda site: _seen(options, site, steps.resume(site.store))), begun=True
    )


def _abort(options: argparse.Namespace) -> int:
    def act(site: RolloutSite) -> Document:
        return _seen(options, site, steps.abort(site.store, force=options.force))

    return _ended(options, *at_each(options.account, act), begun=True)


def _retry(options: argparse.Namespace) -> int:
    def act(site: RolloutSite) -> Document:
        launches = site.catalog.launches(site.product, site.catalog.versions(site.product))
        rollout, again = steps.retry(site.store, launches)
        if not options.json:
            print(f"{site.name}{telling.tried_again(again, rollout)}")
        return {"again": again, **_seen(options, site, rollout)}

    return _ended(options, *at_each(options.account, act), begun=True)


# -- what is said ----------------------------------------------------------------------------------------------------


def _seen(options: argparse.Namespace, site: RolloutSite, rollout: Rollout) -> Document:
    """Return how a rollout stands; with --wait, when it has ended or come to a stand."""
    if getattr(options, "wait", False):
        options.waiting = rollout.id
        rollout = followed(site, rollout, as_json=options.json)
    runs = site.store.runs(rollout)
    said = telling.rolling(rollout, site.store.results(rollout.id), runs=runs, now=time.time())
    if not options.json:
        for line in telling.lines(said, now=time.time()):
            print(f"{site.name}{line}", flush=True)
    return said


def _ended(options: argparse.Namespace, told: list[Document], broken: bool, *, begun: bool = False) -> int:
    """Print the document, and return the exit status. `begun`: this command requested what is in progress now."""
    if options.json:
        print(json.dumps({"places": told} if told and "account" in told[0] else told[0], indent=2))
    if broken or any(each.get("counts", {}).get("failed") or telling.falls_short(each) for each in told):
        return 1
    under_way = any(each.get("phase") in {"running", "paused"} for each in told)
    waited = getattr(options, "wait", False)
    return WAITS if under_way and (waited or not begun) else 0


def interrupted(options: argparse.Namespace) -> str:
    """Return what is said to who stops a command that waits."""
    waiting = getattr(options, "waiting", "")
    return f"Interrupted. The rollout {waiting} continues: `{telling.COMMAND} status`." if waiting else "Interrupted."
