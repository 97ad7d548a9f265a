"""The templates' notebooks, in an environment of their own lock (757 MB with SageMaker's SDK; make tools)."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.templates.environments import NO_PYTHON, PARTS, TEMPLATES, copied, environment, python

BUILDS = [part for part in PARTS if part.name == "model_build"]

# Long: hundreds of megabytes are installed first, and the steps run. test_launched.py has the READMEs' commands.
pytestmark = [
    pytest.mark.long,
    pytest.mark.timeout(900),
    pytest.mark.shares("templates", seconds=90),
    pytest.mark.skipif(not python(), reason=NO_PYTHON),
]


def name_of(path: Path) -> str:
    return str(path.relative_to(TEMPLATES))


@pytest.fixture(scope="module")
def checkouts(tmp_path_factory: pytest.TempPathFactory) -> dict[Path, Path]:
    """A copy of each build part, as a clone would be, where `make setup` has been run."""
    folder = tmp_path_factory.mktemp("templates")
    found = {}
    for part in BUILDS:
        installed = environment(part)
        found[part] = copied(part, folder / name_of(part))
        (found[part] / ".venv").symlink_to(installed)
        (installed / ".installed").touch()  # newer than the copy's lock
    return found


@pytest.mark.parametrize("part", BUILDS, ids=name_of)
def test_its_notebooks_run_and_hold_no_outputs(part: Path, checkouts: dict[Path, Path]) -> None:
    checkout = checkouts[part]
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
