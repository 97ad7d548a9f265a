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
from operations.publish import Published, publish
from operations.template_source import TemplateContent, resolve
from products.settings import PROJECT_ROOT, Settings, SettingsError, load_settings

TOKEN_VARIABLE = "TEMPLATE_SOURCE_TOKEN"  # noqa: S105 -- the name of the variable
_SHOWN = 20


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb; return the exit status: 0, 1 when it failed or found a problem, 2 for wrong arguments."""
    options = _parser().parse_args(arguments)
    try:
        return int(options.run(options))
    except (FinalError, SettingsError) as error:
        return _fail(options, str(error))
    except RetryLater as error:
        return _fail(options, f"{error.why} Try again in {error.seconds:.0f} s.")
    except KeyboardInterrupt:
        return _fail(options, "Interrupted.")


def _fail(options: argparse.Namespace, message: str) -> int:
    if options.json:
        print(json.dumps({"error": message}))
    print(f"error: {message}", file=sys.stderr)
    return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m operations", description="Run the portfolio.")
    verbs = parser.add_subparsers(required=True, metavar="VERB")

    verb = verbs.add_parser("publish", help="make a version of the template")
    verb.set_defaults(run=_publish)
    verb.add_argument("--version", default="", help="such as v1.2.0 (default: the next one)")
    verb.add_argument("--from-ref", default="", metavar="REF", help="branch, tag or commit of the source")
    verb.add_argument(
        "--source", default="", metavar="PATH_OR_GIT_URL", help="default: settings.toml [template_source]"
    )
    verb.add_argument("--folder", default=None, help="the folder in the source that holds the profiles")
    verb.add_argument("--profile", action="append", default=[], help="only this profile folder (may be repeated)")
    verb.add_argument("--notes", default="", help="what is new, for people")
    verb.add_argument("--versions-dir", type=Path, default=None, help="default: products/versions")
    verb.add_argument("--dry-run", action="store_true", help="check and compare, write nothing")

    for verb in verbs.choices.values():
        verb.add_argument("--json", action="store_true", help="print one JSON document")
    return parser


# -- publish ---------------------------------------------------------------------------------------------------------


def _source_token(settings: Settings) -> str:
    """Return the token for a private source: from the environment, else from the secret that the settings name."""
    token = os.environ.get(TOKEN_VARIABLE, "")
    if token or not settings.template_source.token_secret_name:
        return token
    import boto3

    from custom_resources.hosts.secrets import Secrets

    return Secrets(boto3.client("secretsmanager")).github_credentials(settings.template_source.token_secret_name).token


def _publish(options: argparse.Namespace) -> int:
    content = _content(options)
    done = publish(
        content, options.version, notes=options.notes, directory=options.versions_dir, dry_run=options.dry_run
    )
    if options.json:
        print(json.dumps(_published(done, content), indent=2))
    else:
        _tell_published(done)
    return 0


def _content(options: argparse.Namespace) -> TemplateContent:
    """Read the source that the arguments name, else the settings'."""
    if options.source:
        token = os.environ.get(TOKEN_VARIABLE, "")
        return resolve(options.source, options.from_ref, options.folder or "", token, options.profile)
    settings = load_settings()
    source, configuration = settings.source_repository, settings.git_config
    folder = settings.template_source.folder if options.folder is None else options.folder
    profiles = options.profile or configuration.specific_folders
    if not source:
        return resolve(PROJECT_ROOT, options.from_ref, folder, "", profiles)
    ref = options.from_ref or configuration.public_repo_branch
    return resolve(source, ref, folder, _source_token(settings), profiles)


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
        "next": _next(done),
    }


def _next(done: Published) -> list[str]:
    """The commands that come after."""
    version = done.version.version
    if done.status == "dry-run":
        return [f"python -m operations publish --version {version}"]
    if done.status == "unchanged":
        return []
    return [
        f"git add {_shown(done.folder)} && git commit -m 'Publish {version}'",
        "cdk deploy --all",
        f"python -m operations rollout --version {version} --dry-run",
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
    for remark in done.remarks:
        print(f"  note: {remark}")
    for command in _next(done):
        print(f"  next: {command}")
