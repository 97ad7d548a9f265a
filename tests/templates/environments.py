"""Makes an environment for each lock of the templates, below build/templates: python -m tests.templates.environments.

As a data scientist does: `make setup` in a copy of the template, with uv, offline afterwards. Templates whose locks are
the same share one. On a machine without Python 3.12 this says so and ends well: the tests that need it are skipped.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TEMPLATES = ROOT / "templates"
PARTS = sorted(TEMPLATES.glob("*/model_*"))
PLACE = ROOT / "build" / "templates"
NO_PYTHON = "There is no Python 3.12 on this machine, which the templates need."
_KEPT_OUT = shutil.ignore_patterns(".venv", "build", "__pycache__", ".*_cache")


def copied(part: Path, folder: Path) -> Path:
    """Copy a part of a template as a clone would have it; return the folder."""
    shutil.copytree(part, folder, ignore=_KEPT_OUT)
    return folder


@cache
def python() -> str:
    """Return a Python 3.12: of the path, or of pyenv, whose other versions are not on it. "" if there is none."""
    versions = Path(os.environ.get("PYENV_ROOT", str(Path.home() / ".pyenv"))) / "versions"
    for each in ["python3.12", *map(str, sorted(versions.glob("3.12*/bin/python3.12")))]:
        try:
            if subprocess.run([each, "--version"], capture_output=True, check=False).returncode == 0:
                return each
        except FileNotFoundError:
            continue
    return ""


def made(checkout: Path, target: str, prefix: Sequence[str] = ()) -> subprocess.CompletedProcess[str]:
    """Run a target of a part's own Makefile, with uv and without AWS's variables, after a prefix such as `unshare`."""
    here = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "PYTEST"))}
    return subprocess.run(
        [*prefix, "make", target, f"PYTHON={python()}"],
        cwd=checkout,
        env=_index() | here | {"PATH": f"{_uv()}{os.pathsep}{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
    )


def environment(part: Path) -> Path:
    """Return the environment of a part's lock, made if need be. Raises RuntimeError with what `make setup` wrote."""
    lock = (part / "requirements-dev.txt").read_bytes()
    folder = PLACE / hashlib.sha256(lock + python().encode()).hexdigest()[:12]
    finished = folder / ".finished"
    with _alone():
        if not finished.exists():
            shutil.rmtree(folder, ignore_errors=True)
            done = made(copied(part, folder), "setup")
            if done.returncode:
                raise RuntimeError(f"make setup in {part}: {done.stderr}")
            finished.touch()
    return folder / ".venv"


@contextmanager
def _alone() -> Iterator[None]:
    """Let one process make environments at a time."""
    PLACE.mkdir(parents=True, exist_ok=True)
    with (PLACE / "lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _uv() -> Path:
    """Return a folder for the path that has the project's uv only, if the project has it."""
    folder = PLACE / "bin"
    installed = Path(sys.executable).parent / "uv"
    if installed.exists() and not (folder / "uv").exists():
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "uv").symlink_to(installed)
    return folder


@cache
def _index() -> dict[str, str]:
    """Return pip's package index in uv's words: uv does not know it."""
    asked = [sys.executable, "-m", "pip", "config", "get", "global.index-url"]
    found = subprocess.run(asked, capture_output=True, text=True, check=False).stdout.strip()
    address = os.environ.get("PIP_INDEX_URL", found)
    return {"UV_DEFAULT_INDEX": address} if address else {}


def main() -> None:
    """Make all, or say why not."""
    if not python():
        sys.stderr.write(f"{NO_PYTHON} Their tests are skipped.\n")
        return
    for part in PARTS:
        environment(part)


if __name__ == "__main__":
    main()
