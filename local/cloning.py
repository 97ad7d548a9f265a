"""How a person clones a repository of the run: with a credential helper that the clone keeps."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from urllib.parse import urlsplit

from local.home import SOURCE


def helper(home: Path) -> str:
    """Return the helper, as git's settings name it, for a run's folder. It works from any folder.

    Also from a clone that has a folder `local` of its own: Python must not take that for this package (-P).
    """
    variables = {"LOCAL_HOME": str(home), "PYTHONPATH": str(SOURCE)}
    given = " ".join(f"{name}={shlex.quote(value)}" for name, value in variables.items())
    return f"!env {given} {shlex.quote(sys.executable)} -P -m local credential"


def command(home: Path, url: str) -> str:
    """Return the command that clones a repository of the stand-in by the address of its page.

    The helper is for the stand-in's address alone; other helpers are not asked for it, so that none keeps the token.
    """
    parts = urlsplit(url)
    setting = f"credential.{parts.scheme}://{parts.netloc}.helper"
    options = ["-c", f"{setting}=", "-c", f"{setting}={helper(home)}"]
    return shlex.join(["git", "clone", *options, f"{url}.git"])
