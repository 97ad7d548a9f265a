"""The Python layer follows the project's requirements, version by version and hash by hash."""

from __future__ import annotations

from pathlib import Path

from layers.python.layer import IN_THE_RUNTIME, REQUIREMENTS, read_requirements
from tests.layers.conftest import ROOT


def names(file: Path) -> set[str]:
    lines = (line.partition("#")[0].partition(">")[0].strip() for line in file.read_text().splitlines())
    return {line.lower() for line in lines if line}


def test_the_layers_versions_are_the_projects() -> None:
    project = {requirement.name: requirement for requirement in read_requirements(ROOT / "requirements.txt")}
    layer = read_requirements()
    assert len(layer) > 15
    for requirement in layer:
        assert requirement == project[requirement.name], f"{requirement.name} differs; run layers/python/lock."


def test_every_requirement_is_read() -> None:
    """The reader of requirements.txt misses none: there is one `==` a requirement."""
    for file in (REQUIREMENTS, ROOT / "requirements.txt"):
        pins = [line for line in file.read_text().splitlines() if "==" in line.partition(";")[0]]
        assert len(read_requirements(file)) == len(pins)


def test_the_layers_packages_are_the_projects_launch_time_packages() -> None:
    """The first paragraph of the project's requirements.in is what the functions import."""
    launch_time = (ROOT / "requirements.in").read_text().split("\n\n")[0]
    wanted = {line.partition(">")[0].lower() for line in launch_time.splitlines() if not line.startswith("#")}
    assert names(ROOT / "layers/python/requirements.in") == wanted
    assert wanted <= {requirement.name for requirement in read_requirements()}
    assert not {requirement.name for requirement in read_requirements()} & set(IN_THE_RUNTIME)
