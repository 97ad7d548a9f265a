"""Whether the template source has gone on since the newest version was published: one `git ls-remote`."""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from custom_resources.addresses import without_user
from custom_resources.errors import Problem
from operations.errors import GitNotInstalled, RefMissing, SourceTimedOut, SourceTokenIsApp, SourceUnreadable
from operations.template_source import refuse_credentials, run_git

if TYPE_CHECKING:
    from products.settings import Settings
    from products.versions import Version

_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
TOKEN_VARIABLE = "TEMPLATE_SOURCE_TOKEN"  # noqa: S105 -- the name of the variable


@dataclass(frozen=True)
class SourceState:
    """The source's newest commit, and that of the newest version. `problem` says why it could not be read."""

    source: str
    ref: str
    commit: str = ""
    version: str = ""
    published: str = ""
    problem: str = ""

    @property
    def ahead(self) -> bool:
        """Tell whether there is a commit that the newest version was not published from."""
        return bool(self.commit) and self.commit != self.published

    def line(self) -> str:
        """Return one line for people, "" where there is nothing to say."""
        name = f"{self.source}@{self.ref or 'HEAD'}"
        if self.problem:
            return f"The template source {name} could not be read: {self.problem}"
        if not self.ahead:
            return ""
        since = f"; {self.version} is from {self.published[:12]}" if self.published else ""
        return f"The template source {name} is at {self.commit[:12]}{since}. `publish --dry-run` shows the difference."


def source_token(settings: Settings) -> str:
    """Return the token for a private source: from the environment, else from the secret that the settings name."""
    token = os.environ.get(TOKEN_VARIABLE, "")
    if token or not settings.template_source.token_secret_name:
        return token
    import boto3

    from custom_resources.clients.aws import SECRETS_MANAGER, translated
    from custom_resources.clients.secrets import Secrets

    name = settings.template_source.token_secret_name
    with translated(SECRETS_MANAGER, f"reading the secret {name}"):
        client = boto3.Session().client("secretsmanager")
    found = Secrets(client).github_credentials(name)
    if not found.token:
        raise SourceTokenIsApp(secret=name)
    return found.token


def watched(settings: Settings, published: Sequence[Version]) -> SourceState | None:
    """Compare the source of the settings with the newest version; None where the source is this repository itself."""
    source, ref = settings.source_repository, settings.git_config.public_repo_branch
    if not source:
        return None
    newest = published[-1] if published else None
    commit = newest.commit if newest and newest.source == source else ""
    state = SourceState(source, ref, version=newest.version if newest else "", published=commit)
    try:
        tip = newest_commit(source, ref, source_token(settings))
    except Problem as problem:
        return SourceState(source, ref, problem=str(problem))
    return SourceState(source, ref, tip, state.version, state.published)


def newest_commit(source: str, ref: str, token: str) -> str:
    """Return the commit that a branch or tag of the source ("" = its HEAD) names. Raises SourceUnreadable."""
    refuse_credentials(source)
    if _COMMIT.fullmatch(ref):
        return ref
    wanted = (ref, f"{ref}^{{}}") if ref else ("HEAD",)
    with tempfile.TemporaryDirectory(prefix="ls-remote-") as folder:
        try:
            done = run_git(Path(folder), "ls-remote", "--", source, *wanted, url=source, token=token)
        except FileNotFoundError:
            raise GitNotInstalled from None
        except subprocess.TimeoutExpired as late:
            raise SourceTimedOut(source=source, seconds=late.timeout) from None
    if done.returncode:
        said = (done.stderr.decode("utf-8", "replace").strip().splitlines() or ["git gave no reason"])[-1]
        raise SourceUnreadable(source=source, reason=without_user(said).rstrip("."))
    tips = {name: tip for tip, _, name in (line.partition("\t") for line in done.stdout.decode().splitlines())}
    # As `git fetch` chooses, by which `publish` reads it: a tag before a branch, and of a tag its commit.
    for name in (ref or "HEAD", f"refs/tags/{ref}^{{}}", f"refs/tags/{ref}", f"refs/heads/{ref}"):
        if name in tips:
            return tips[name]
    raise RefMissing(source=source, ref=ref or "HEAD")
