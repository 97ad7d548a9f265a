"""The local run's verbs, and what each ends with: a text or one JSON document, and an exit code."""

from __future__ import annotations

import argparse
import dataclasses
import os
import re
import shutil
import sys
import traceback
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from custom_resources.addresses import shows_a_secret, without_user
from local.arguments import parser
from local.home import GitHubPlace, Home, LocalError
from local.terminal import Terminal
from operations.terminal import completion

if TYPE_CHECKING:
    from local.run import Choice, Run

_SERVER_OF_API = {"api.github.com": "https://github.com"}
_REAL_TOKEN = re.compile(r"gh[pousr]_|github_pat_")


def _choice(arguments: argparse.Namespace) -> Choice:
    """Return the GitHub that the arguments name, with its token."""
    from local.run import Choice

    if not arguments.github_api_url:
        if arguments.github_server_url:
            raise LocalError("--github-server-url needs --github-api-url.")
        token = os.environ.get("GITHUB_TOKEN", "").strip()
        return Choice(None, "" if _REAL_TOKEN.match(token) else token)
    api = arguments.github_api_url.rstrip("/")
    host = _host(api)
    if not host:
        raise LocalError(
            f"{without_user(arguments.github_api_url)!r} is not an API URL; use a URL such as https://api.github.com."
        )
    server = arguments.github_server_url.rstrip("/") or _SERVER_OF_API.get(host, api.removesuffix("/api/v3"))
    if not _host(server):
        raise LocalError(f"{without_user(server)!r} is not a server URL; use a URL such as https://github.com.")
    if server == api:
        raise LocalError("Add --github-server-url, which this API URL does not show.")
    if not arguments.organization:
        raise LocalError("--github-api-url needs --organization, the organization for the repositories.")
    token = os.environ.get("GITHUB_TOKEN", "").strip()
    if not token:
        raise LocalError("GITHUB_TOKEN is not set; export a token that can create repositories and write workflows.")
    place = GitHubPlace(api_url=api, server_url=server, organization=arguments.organization, stand_in=False)
    return Choice(place, token)


def _host(address: str) -> str:
    """Return the host of an http or https address without credentials; "" for anything else."""
    try:
        parts = urlsplit(address)
        _ = parts.port  # read for its ValueError
    except ValueError:
        return ""
    return "" if parts.scheme not in ("http", "https") or shows_a_secret(address) else parts.hostname or ""


def _parameters(arguments: argparse.Namespace) -> dict[str, str]:
    """Return the product parameters that the arguments set."""
    parameters = {}
    for pair in arguments.parameter:
        key, equals, value = pair.partition("=")
        if not equals or not key.isalnum():
            raise LocalError(f"--parameter {pair!r} is not of the form Key=value.")
        parameters[key] = value
    if arguments.sync_mode:
        parameters["SyncMode"] = arguments.sync_mode
    return parameters


def _ready(arguments: argparse.Namespace, home: Home, terminal: Terminal) -> tuple[Run, str]:
    """Bring the run up with the GitHub and the template content that the arguments ask for; return the version too."""
    from local import run, versions

    source = versions.source_of(arguments)
    published: list[str] = []

    def prepare(home: Home) -> None:
        if source:
            profile = getattr(arguments, "profile", "")
            published.append(versions.publish(home, source, arguments.version, profile=profile).version.version)

    choice = _choice(arguments) if hasattr(arguments, "github_api_url") else None
    running = run.up(home, terminal, choice, prepare if source else None)
    return running, published[0] if published else getattr(arguments, "version", "")


def _up(arguments: argparse.Namespace, home: Home, terminal: Terminal) -> None:
    from local import reports

    running, _ = _ready(arguments, home, terminal)
    document = reports.run_document(running)
    terminal.result(document, reports.run_text(document))


def _publish(arguments: argparse.Namespace, home: Home, terminal: Terminal) -> None:
    from local import versions

    home.make()
    with home.lock(exclusive=True):
        versions.ensure_first(home)
        source = versions.source_of(arguments) or versions.Source.own()
        done = versions.publish(home, source, arguments.version, notes=arguments.notes)
    version = done.version.version
    changes = [dataclasses.asdict(change) for change in done.changes]
    document = {**done.version.model_dump(), "status": done.status, "previous": done.previous, "changes": changes}
    said = "Published" if done.status == "published" else "Nothing new:"
    text = "\n".join([*done.remarks, f"{said} {version}. Next: python -m local update NAME --version {version}"])
    terminal.result(document, text)


def _launch(arguments: argparse.Namespace, home: Home, terminal: Terminal) -> None:
    from local import projects, reports

    projects.stack_name(arguments.name)
    parameters = {
        "BuildRepositoryName": arguments.build_repository,
        "DeployRepositoryName": arguments.deploy_repository,
        "AdoptExisting": "true" if arguments.adopt_existing else "",
        **_parameters(arguments),
    }
    running, version = _ready(arguments, home, terminal)
    if arguments.organization:
        parameters["Organization"] = arguments.organization
    wanted = projects.Launch(arguments.name, arguments.profile, version, parameters)
    document = projects.launch(running, wanted, terminal)
    terminal.result(document, reports.project_text(document, running))


def _update(arguments: argparse.Namespace, home: Home, terminal: Terminal) -> None:
    from local import projects, reports

    chosen = _parameters(arguments)
    parameters = {"RotateSecrets": "true" if arguments.rotate_secrets else "false", **chosen}
    running, version = _for_project(arguments, home, terminal)
    if projects.is_of_studio(running, arguments.name):
        if chosen or arguments.rotate_secrets:
            raise LocalError(
                f"Studio launched the project {arguments.name}, and an update can change only its version; "
                "remove --parameter, --sync-mode and --rotate-secrets."
            )
        _update_of_studio(arguments, running, version, terminal)
        return
    if not arguments.dry_run:
        document = projects.update(running, arguments.name, version, parameters, terminal)
        terminal.result(document, reports.project_text(document, running))
        return
    document, foreseen = projects.foresee(running, arguments.name, version, parameters)
    terminal.result(document, reports.foreseen_text(document, foreseen))


def _update_of_studio(arguments: argparse.Namespace, running: Run, version: str, terminal: Terminal) -> None:
    from local import projects, reports, studio

    if arguments.dry_run:
        stack = projects.stack_of_studio(running, arguments.name)
        document, foreseen = projects.foresee(running, arguments.name, version, {}, stack=stack)
        terminal.result(document, reports.foreseen_text(document, foreseen))
    else:
        document = studio.update_project(running, arguments.name, version, terminal)
        terminal.result(document, reports.studio_text(document, running))


def _diff(arguments: argparse.Namespace, home: Home, terminal: Terminal) -> None:
    from local import projects, reports

    running, version = _for_project(arguments, home, terminal)
    of_studio = projects.is_of_studio(running, arguments.name)
    stack = projects.stack_of_studio(running, arguments.name) if of_studio else None
    document, foreseen = projects.foresee(running, arguments.name, version, {}, with_patch=True, stack=stack)
    patches = {part: one.patch for part, one in foreseen.items()}
    terminal.result({**document, "patches": patches}, reports.patch_text(foreseen))


def _for_project(arguments: argparse.Namespace, home: Home, terminal: Terminal) -> tuple[Run, str]:
    """Return the run, with the GitHub on which the project was launched, and the version."""
    from local import projects, run

    run.required(home)
    running, version = _ready(arguments, home, terminal)
    return projects.on_its_github(running, arguments.name, terminal), version


def _terminate(arguments: argparse.Namespace, home: Home, terminal: Terminal) -> None:
    from local import projects, reports, run, studio

    running = projects.on_its_github(run.required(home), arguments.name, terminal)
    if projects.is_of_studio(running, arguments.name):
        document = studio.delete_project(running, arguments.name, terminal)
        terminal.result(document, reports.studio_text(document, running))
        return
    document = projects.terminate(running, arguments.name, terminal)
    terminal.result(document, reports.terminated_text(document))


def _status(arguments: argparse.Namespace, home: Home, terminal: Terminal) -> None:
    from local import projects, reports, run, studio

    running = run.current(home)
    if arguments.name:
        running = run.required(home)
        of_studio = projects.is_of_studio(running, arguments.name)
        document = (studio.document if of_studio else projects.describe)(running, arguments.name)
        shown = (reports.studio_text if of_studio else reports.project_text)(document, running)
        terminal.result(document, shown)
    elif running is None or not running.state.assembly:
        terminal.result(*reports.not_up(home, run.alive(home)))
    else:
        document = reports.run_document(running)
        terminal.result(document, reports.run_text(document))


def _logs(arguments: argparse.Namespace, home: Home, terminal: Terminal) -> None:
    from local import logs, run

    if arguments.name in ("", *run.SERVICES):
        document = logs.process_logs(home, [arguments.name] if arguments.name else list(run.SERVICES), arguments.lines)
    else:
        document = logs.project_logs(run.required(home), arguments.name)
    terminal.result(document, logs.text(document))


def _down(arguments: argparse.Namespace, home: Home, terminal: Terminal) -> None:
    from local import run

    stopped = run.down(home, arguments.wipe)
    wiped = arguments.wipe and not home.path.exists()
    text = f"Stopped {', '.join(stopped)}." if stopped else "Nothing was running."
    if arguments.wipe:
        text += " The folder is removed." if wiped else f" The folder {home.path} could not be removed altogether."
    terminal.result({"stopped": stopped, "wiped": wiped}, text)


def _demo(arguments: argparse.Namespace, home: Home, terminal: Terminal) -> None:
    from local import demo

    document = demo.tell(home, terminal, arguments.keep)
    terminal.result(document)


def _studio(arguments: argparse.Namespace, home: Home, terminal: Terminal) -> None:
    from local import reports, run, studio

    if arguments.act == "update-project":
        run.required(home)
        running = run.up(home, terminal)
        studio.require_project(running, arguments.name)
        _update_of_studio(arguments, running, arguments.version, terminal)
        return
    if arguments.act == "create-project":
        document = studio.create_project(home, arguments.name, arguments.profile, terminal, arguments.domain_kind)
    else:
        document = studio.delete_project(run.required(home), arguments.name, terminal)
    terminal.result(document, reports.studio_text(document, run.required(home)))


def _credential(arguments: argparse.Namespace, home: Home, _: Terminal) -> None:
    from local import run

    asked = dict(line.split("=", 1) for line in sys.stdin.read().splitlines() if "=" in line)
    running = run.current(home)
    if arguments.operation != "get":
        return
    if running is None or running.state.github is None:
        print("The local run is down; start it with: python -m local up", file=sys.stderr)
        return
    server = urlsplit(running.github.server_url)
    if (asked.get("protocol"), asked.get("host")) == (server.scheme, server.netloc):
        print(f"username=x-access-token\npassword={running.token()}", flush=True)


def _env(_: argparse.Namespace, home: Home, terminal: Terminal) -> None:
    from local import rehearsal, run

    variables = rehearsal.environment(run.required(home))
    terminal.result({"environment": variables}, rehearsal.exports(variables))


def _completion(arguments: argparse.Namespace, _: Home, terminal: Terminal) -> None:
    script = completion(parser(), arguments.shell, "studio-mlops-local")
    terminal.result({"script": script}, script)


_VERBS = {
    "up": _up,
    "publish": _publish,
    "launch": _launch,
    "update": _update,
    "diff": _diff,
    "terminate": _terminate,
    "status": _status,
    "logs": _logs,
    "down": _down,
    "demo": _demo,
    "studio": _studio,
    "env": _env,
    "credential": _credential,
    "completion": _completion,
}
_OF_ONE_ACCOUNT = ("launch", "update", "diff", "terminate", "demo", "studio", "env")


def _refuse_unreadable(argv: Sequence[str]) -> None:
    """Raise LocalError for an argument that is not valid text: no answer, record or log could hold it."""
    for argument in argv:
        if any("\ud800" <= character <= "\udfff" for character in argument):
            raise LocalError(f"The argument {argument!r} is not valid UTF-8; correct it.")


def _refuse_in_accounts(home: Home, verb: str) -> None:
    """Raise LocalError for a verb of one account, where the settings have several."""
    from local.run import settings_of

    if verb in _OF_ONE_ACCOUNT and settings_of(home).has_accounts:
        raise LocalError(
            f"The settings list several accounts, and `{verb}` works with one. "
            "Run `python -m local up`, then create projects as a user of Studio (docs/accounts.md)."
        )


def _require_git() -> None:
    """Raise LocalError where there is no git, which GitPython wants when it is imported."""
    if not shutil.which("git"):
        raise LocalError("git is not installed; install git, or add its folder to PATH.")


def _unexpected(error: Exception, home: Home) -> str:
    """Write down what nobody foresaw; return the sentence that says where."""
    what = f"unexpected: {type(error).__name__}"
    log = home.logs / "unexpected.log"
    try:
        home.make()
        with log.open("a", encoding="utf-8", errors="backslashreplace") as file:
            file.write(f"{datetime.now(UTC).isoformat()}\n{''.join(traceback.format_exception(error))}\n")
    except (LocalError, OSError):
        return f"{what}: {error}".splitlines()[0]
    return f"{what}; see {log}"


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb; return the exit code. Raises KeyboardInterrupt, BrokenPipeError."""
    from botocore.exceptions import BotoCoreError

    from local.cloud import forget_real_accounts

    given = sys.argv[1:] if argv is None else argv
    arguments = parser().parse_args(given)
    terminal = Terminal.for_scripts() if arguments.json else Terminal.for_people()
    home = Home.from_environment()
    forget_real_accounts()
    try:
        _refuse_unreadable(given)
        _require_git()
        _refuse_in_accounts(home, arguments.verb)
        _VERBS[arguments.verb](arguments, home, terminal)
    except LocalError as error:
        terminal.failure(str(error))
        return 1
    except BotoCoreError:
        terminal.failure("MiniStack stopped answering; see `python -m local logs ministack`, then run `down` and `up`.")
        return 1
    except BrokenPipeError:  # no surprise (operations/terminal.py)
        raise
    except Exception as error:
        terminal.failure(_unexpected(error, home))
        return 1
    return 0
