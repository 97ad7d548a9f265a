"""Git, run for the command line: as the caller set it up, with no program that a repository names."""

from __future__ import annotations

import base64
import os
import subprocess
from pathlib import Path

from operations.errors import SourceNotTrusted

SECONDS = 300  # for one git process
# In a hook of another repository these lead there.
_LEADING_ELSEWHERE = {"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX"}


def run_git(
    directory: Path, *arguments: str, url: str = "", token: str = "", stdin: bytes = b""
) -> subprocess.CompletedProcess[bytes]:
    """Run git in a directory. The token goes into its environment."""
    return subprocess.run(
        ["git", *arguments],
        cwd=directory,
        input=stdin,
        capture_output=True,
        timeout=SECONDS,
        check=False,
        env=_environment(url, token),
    )


def ask_git(folder: Path, *arguments: str) -> str | None:
    """Return what git says about a folder, None where it is in no working tree (or git is missing)."""
    try:
        done = run_git(folder, *arguments)
    except OSError:
        return None
    if b"dubious ownership" in done.stderr:
        raise SourceNotTrusted(folder=folder.name)
    return done.stdout.decode("utf-8", "surrogateescape") if done.returncode == 0 else None


def _environment(url: str, token: str) -> dict[str, str]:
    settings = {
        "gc.auto": "0",
        "maintenance.auto": "false",
        "core.quotePath": "false",
        "core.fsmonitor": "false",  # a source's own settings may name programs,
        "core.hooksPath": os.devnull,  # and so may its hooks
    }
    environment = {
        **{key: value for key, value in os.environ.items() if key not in _LEADING_ELSEWHERE},
        "GIT_TERMINAL_PROMPT": "0",
        "GCM_INTERACTIVE": "never",
        "GIT_ALLOW_PROTOCOL": "file:git:http:https:ssh",
        "GIT_OPTIONAL_LOCKS": "0",
        "LC_ALL": "C",
    }
    environment.setdefault("GIT_SSH_COMMAND", "ssh -oBatchMode=yes")
    if token:
        basic = base64.b64encode(f"x-access-token:{token}".encode()).decode()
        settings |= {f"http.{url}.extraHeader": f"Authorization: Basic {basic}", "credential.helper": ""}
    given = int(os.environ.get("GIT_CONFIG_COUNT") or 0)  # settings of the caller, which stay
    environment["GIT_CONFIG_COUNT"] = str(given + len(settings))
    for number, (key, value) in enumerate(settings.items(), start=given):
        environment[f"GIT_CONFIG_KEY_{number}"] = key
        environment[f"GIT_CONFIG_VALUE_{number}"] = value
    return environment
