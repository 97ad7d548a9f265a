"""What a template's README promises, in an environment of its own lock: minutes and 757 MB (make test-templates)."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from products.settings import PROJECT_ROOT

TEMPLATES = PROJECT_ROOT / "templates"
PARTS = sorted(TEMPLATES.glob("*/model_*"))
BUILDS = [part for part in PARTS if part.name == "model_build"]
ENVIRONMENTS = PROJECT_ROOT / "build" / "templates"  # kept: a second run takes seconds to install

pytestmark = [pytest.mark.long, pytest.mark.timeout(900)]


def name_of(path: Path) -> str:
    return str(path.relative_to(TEMPLATES))


def uv() -> Path:
    """Return uv, installed beside the environments if need be."""
    place = ENVIRONMENTS / "uv"
    if not (place / "bin" / "uv").exists():
        subprocess.run([sys.executable, "-m", "venv", str(place)], check=True)
        subprocess.run([str(place / "bin" / "pip"), "install", "--quiet", "uv"], check=True)
    return place / "bin"


@pytest.fixture(scope="module")
def checkouts(tmp_path_factory: pytest.TempPathFactory) -> dict[Path, Path]:
    """A copy of each part, as a clone would be."""
    folder = tmp_path_factory.mktemp("templates")
    found = {}
    for part in PARTS:
        found[part] = folder / name_of(part)
        kept_out = shutil.ignore_patterns(".venv", "build", "__pycache__", ".*_cache")
        shutil.copytree(part, found[part], ignore=kept_out)
    return found


def python() -> str:
    """Return a Python 3.12: of the path, or of pyenv, whose other versions are not on it."""
    versions = Path(os.environ.get("PYENV_ROOT", str(Path.home() / ".pyenv"))) / "versions"
    candidates = ["python3.12", *map(str, sorted(versions.glob("3.12*/bin/python3.12")))]
    for each in candidates:
        try:
            if subprocess.run([each, "--version"], capture_output=True, check=False).returncode == 0:
                return each
        except FileNotFoundError:
            continue
    pytest.skip("There is no Python 3.12 here.")


def offline() -> list[str]:
    """Return what cuts a command off the network: a namespace without one, where that may be made."""
    command = ["unshare", "--map-root-user", "--net"]
    if shutil.which("unshare") and subprocess.run([*command, "true"], check=False).returncode == 0:
        return command
    return []


def made(checkout: Path, target: str, prefix: list[str]) -> subprocess.CompletedProcess[str]:
    """Run a target of the part's own Makefile."""
    here = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "PYTEST"))}
    return subprocess.run(
        [*prefix, "make", target, f"PYTHON={python()}"],
        cwd=checkout,
        env=here | {"PATH": f"{uv()}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("part", PARTS, ids=name_of)
def test_its_readmes_commands_work_offline_within_a_minute(part: Path, checkouts: dict[Path, Path]) -> None:
    checkout = checkouts[part]
    done = made(checkout, "setup", [])
    assert done.returncode == 0, done.stderr
    for target in ("check", "local"):
        started = os.times()
        began = time.monotonic()
        done = made(checkout, target, offline())
        assert done.returncode == 0, done.stdout + done.stderr
        after = os.times()
        # Of processors, where other tests share the machine; never longer than five times that.
        processors = after.children_user + after.children_system - started.children_user - started.children_system
        assert processors < 60
        assert time.monotonic() - began < 300


@pytest.mark.parametrize("part", BUILDS, ids=name_of)
def test_its_notebooks_run_and_hold_no_outputs(part: Path, checkouts: dict[Path, Path]) -> None:
    checkout = checkouts[part]
    assert made(checkout, "setup", []).returncode == 0
    notebooks = sorted((checkout / "notebooks").glob("*.ipynb"))
    assert notebooks
    for notebook in notebooks:
        code = (
            "import nbclient, nbformat, sys\n"
            "found = nbformat.read(sys.argv[1], as_version=4)\n"
            "nbclient.NotebookClient(found, timeout=300, resources={'metadata': {'path': 'notebooks'}}).execute()\n"
            "print(found.cells[-1].outputs[-1]['text'])\n"
        )
        done = subprocess.run(
            [str(checkout / ".venv/bin/python"), "-c", code, str(notebook)],
            cwd=checkout,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert "would register this model" in done.stdout
