"""The administrator's command line: arguments in, one report or one JSON document out."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from custom_resources.errors import FinalError, RetryLater
from operations.doctor.command import doctor
from operations.plan_command import add_arguments as add_plan
from operations.plan_command import run as planned
from operations.prove.command import add_arguments, prove
from operations.publish import Published, publish
from operations.pull_requests_command import add_arguments as add_pull_requests
from operations.pull_requests_command import run as pull_requests
from operations.rendering import render
from operations.repair_command import add_arguments as add_repair
from operations.repair_command import repair
from operations.rollout.command import add_arguments as add_rollout
from operations.rollout.command import interrupted
from operations.source_watch import TOKEN_VARIABLE, source_token
from operations.status_command import add_arguments as add_status
from operations.status_command import run as status
from operations.template_source import TemplateContent, resolve
from operations.terminal import add_completion, add_manners, completion, ended
from products.settings import PROJECT_ROOT, load_settings
from products.versions import versions_directory

_SHOWN = 20


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb; return the exit status: 0, 1 when it failed or found a problem, 2 for wrong arguments."""
    options = _parser().parse_args(arguments)

    def run() -> int:
        try:
            return int(options.run(options))
        except FinalError as error:
            return _fail(options, str(error))
        except RetryLater as error:
            return _fail(options, f"{error.why} Retry in {error.seconds:.0f} s.")

    return ended(run, lambda: _interrupted(options))


def _interrupted(options: argparse.Namespace) -> None:
    _fail(options, interrupted(options))


def _fail(options: argparse.Namespace, message: str) -> int:
    if options.json:
        print(json.dumps({"error": message}))
    print(f"error: {message}", file=sys.stderr)
    return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m operations", description="Run the portfolio.")
    add_manners(parser)
    verbs = parser.add_subparsers(required=True, metavar="VERB")

    verb = verbs.add_parser("publish", help="publish a version of the template")
    verb.set_defaults(run=_publish)
    verb.add_argument("--version", default="", help="such as v1.2.0 (default: the next one)")
    verb.add_argument("--from-ref", default="", metavar="REF", help="branch, tag or commit of the source")
    verb.add_argument(
        "--source", default="", metavar="PATH_OR_GIT_URL", help="default: settings.toml [template_source]"
    )
    verb.add_argument("--folder", default=None, help="the folder in the source that holds the profiles")
    verb.add_argument("--profile", action="append", default=[], help="only this profile folder (may be repeated)")
    verb.add_argument("--notes", default="", help="release notes in Markdown")
    verb.add_argument("--versions-dir", type=Path, default=None, help="default: products/versions")
    verb.add_argument("--dry-run", action="store_true", help="check and compare, but write nothing")
    verb.add_argument(
        "--pull-request",
        action="store_true",
        help="open or update a pull request from publish/next instead, with the token in PUBLISH_TOKEN",
    )

    verb = verbs.add_parser(
        "status", help="show published and live versions, and the version of each project; 3 if one is behind"
    )
    verb.set_defaults(run=status)
    _add_account(verb)
    add_status(verb)

    verb = verbs.add_parser("rollout", help="update projects to a version")
    add_rollout(verb, _add_account)

    verb = verbs.add_parser("plan", help="show what a rollout would do to each project; 3 if one would fail")
    verb.set_defaults(run=planned)
    _add_account(verb)
    add_plan(verb)

    verb = verbs.add_parser(
        "pull-requests", help="list, merge, close or nudge the template pull requests of all projects"
    )
    verb.set_defaults(run=pull_requests)
    _add_account(verb)
    add_pull_requests(verb)

    verb = verbs.add_parser("repair", help="repair failed launches; 3 if one is left")
    verb.set_defaults(run=repair)
    _add_account(verb)
    add_repair(verb)

    verb = verbs.add_parser("doctor", help="check the installation; exit status 1 if something is wrong")
    verb.set_defaults(run=doctor)
    _add_account(verb)
    verb.add_argument("--versions-dir", type=Path, default=None, help="default: products/versions")
    verb.add_argument(
        "--token-from-environment", action="store_true", help="check GITHUB_TOKEN, not the token in the secret"
    )

    verb = verbs.add_parser("prove", help="check the assumptions of docs/studio.md in the account; 3 if one is wrong")
    verb.set_defaults(run=prove)
    _add_account(verb)
    add_arguments(verb)

    add_completion(verbs).set_defaults(run=_completion)
    for name, verb in verbs.choices.items():
        if name == "rollout":  # its own verbs have it
            continue
        verb.add_argument("--json", action="store_true", help="print one JSON document")
    return parser


def _completion(options: argparse.Namespace) -> int:
    script = completion(_parser(), options.shell, "studio-mlops")
    print(json.dumps({"script": script}) if options.json else script)
    return 0


def _add_account(verb: argparse.ArgumentParser) -> None:
    verb.add_argument(
        "--account",
        default="",
        metavar="NAME",
        help="an account of settings.toml, NAME/REGION, or all (default: the caller's account if there is only one)",
    )


# -- publish ---------------------------------------------------------------------------------------------------------


def _publish(options: argparse.Namespace) -> int:
    content = _content(options)
    if options.pull_request and not options.dry_run:
        return _propose(options, content)
    done = publish(
        content,
        options.version,
        notes=options.notes,
        directory=options.versions_dir,
        dry_run=options.dry_run,
        render=render,
        configured=_configured(),
    )
    if options.json:
        print(json.dumps(_published(done, content), indent=2))
    else:
        _tell_published(done)
    return 0


def _configured() -> tuple[str, ...]:
    """Return the names of the secrets and variables that the settings set in every project's repositories."""
    settings = load_settings()
    return *settings.secrets_read, *settings.variables


def _propose(options: argparse.Namespace, content: TemplateContent) -> int:
    from custom_resources.clients.github import GitHub
    from custom_resources.clients.secrets import GitHubCredentials
    from operations.publish_pull_request import TOKEN_VARIABLE as OF_PULL_REQUEST
    from operations.publish_pull_request import Wish, propose

    token = os.environ.get(OF_PULL_REQUEST, "")
    github = GitHub(
        os.environ.get("GITHUB_API_URL") or load_settings().github.api_url, lambda: GitHubCredentials(token=token)
    )
    versions = str((options.versions_dir or versions_directory()).resolve().relative_to(PROJECT_ROOT))
    wish = Wish(content, versions, render, options.version, options.notes, _configured())
    made = propose(wish, PROJECT_ROOT, token, github)
    if options.json:
        document = _published(made.published, content) | {"next": []}
        print(json.dumps({**document, "pull_request": {"state": made.state, "url": made.url}}, indent=2))
    else:
        print(f"{made.published.version.version}: pull request {made.state}{f': {made.url}' if made.url else ''}")
    return 0


def _content(options: argparse.Namespace) -> TemplateContent:
    """Read the source that the arguments name, else the settings'."""
    if options.source:
        token = os.environ.get(TOKEN_VARIABLE, "")
        parts = load_settings().template_source.parts
        return resolve(options.source, options.from_ref, options.folder or "", token, options.profile, parts=parts)
    settings = load_settings()
    parts = settings.template_source.parts
    source, configuration = settings.source_repository, settings.git_config
    folder = settings.template_source.folder if options.folder is None else options.folder
    profiles = options.profile or configuration.specific_folders
    if not source:
        return resolve(PROJECT_ROOT, options.from_ref, folder, "", profiles, parts=parts)
    ref = options.from_ref or configuration.public_repo_branch
    return resolve(source, ref, folder, source_token(settings), profiles, parts=parts)


def _published(done: Published, content: TemplateContent) -> dict[str, Any]:
    return {
        "status": done.status,
        **done.version.model_dump(),
        "previous": done.previous,
        "folder": str(done.folder),
        "profiles": list(content.profiles),
        "files": len(content.files),
        "changes": [
            {
                "profile": change.profile,
                "part": change.part,
                "added": list(change.added),
                "changed": list(change.changed),
                "deleted": list(change.deleted),
            }
            for change in done.changes
        ],
        "remarks": list(done.remarks),
        **({"patch": done.patch} if done.status == "dry-run" else {}),
        "next": _next(done),
    }


def _next(done: Published) -> list[str]:
    """The commands that come after."""
    version = done.version.version
    if done.status == "dry-run":
        return ["the same command without --dry-run"]
    if done.status == "unchanged":
        return []
    return [
        f"git add {' '.join(map(_shown, (*done.completed, done.folder)))} && git commit -m 'Publish {version}'",
        "npx aws-cdk@2 deploy PortfolioStack",
        f"python -m operations rollout start --version {version} --dry-run",
    ]


def _shown(folder: Path) -> str:
    absolute = folder.resolve()
    return str(absolute.relative_to(PROJECT_ROOT)) if absolute.is_relative_to(PROJECT_ROOT) else str(folder)


def _tell_published(done: Published) -> None:
    version = done.version
    verb = {"published": "Published", "unchanged": "Unchanged:", "dry-run": "Would publish"}[done.status]
    print(f"{verb} {version.version} from {version.described_source}")
    print(f"  archive {version.archive}")
    if done.status != "unchanged":
        print(f"  compared with {done.previous}:" if done.previous else "  the first version:")
    for change in done.changes:
        print(f"    {change.profile}/{change.part}")
        for sign, paths in (("+", change.added), ("~", change.changed), ("-", change.deleted)):
            for path in paths[:_SHOWN]:
                print(f"      {sign} {path}")
            if len(paths) > _SHOWN:
                print(f"      {sign} and {len(paths) - _SHOWN} more")
    if done.patch:
        print(done.patch)
    for remark in done.remarks:
        print(f"  note: {remark}")
    for command in _next(done):
        print(f"  next: {command}")
