"""The bill of materials: valid CycloneDX, and it lists exactly what the layers are made of."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from layers.git.debian import read_lock
from layers.python.layer import read_requirements
from tests.layers.conftest import run_script

pytestmark = pytest.mark.layers


@pytest.fixture(scope="module")
def bill(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    from cyclonedx.schema import SchemaVersion  # three seconds, that each run of tests would pay
    from cyclonedx.validation.json import JsonStrictValidator

    file = tmp_path_factory.mktemp("bill") / "sbom.json"
    run_script("sbom", "--output", file)
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(file.read_text()) is None
    return dict(json.loads(file.read_text()))


def test_it_lists_every_package_of_both_locks_with_its_hash(bill: dict[str, Any]) -> None:
    listed = {component["hashes"][0]["content"]: component for component in bill["components"] if "hashes" in component}
    for package in read_lock().packages:
        component = listed[package.sha256]
        assert (component["name"], component["version"]) == (package.name, package.version)
        assert component["purl"].startswith(f"pkg:deb/debian/{package.name}@")
    for requirement in read_requirements():
        found = [listed[digest] for digest in requirement.hashes & listed.keys()]
        assert {(component["name"], component["version"]) for component in found} == {
            (requirement.name, requirement.version)
        }
        assert all(component["licenses"] for component in found)
    wheels = {digest for requirement in read_requirements() for digest in requirement.hashes}
    assert set(listed) <= wheels | {package.sha256 for package in read_lock().packages}


def test_every_layer_tells_its_parts(bill: dict[str, Any]) -> None:
    depends = {entry["ref"]: entry.get("dependsOn", []) for entry in bill["dependencies"]}
    project = bill["metadata"]["component"]["bom-ref"]
    assert sorted(depends[project]) == [
        "git-layer-arm64",
        "git-layer-x86_64",
        "python-layer-arm64",
        "python-layer-x86_64",
    ]
    assert len(depends["python-layer-arm64"]) == len(read_requirements())
    assert len(depends["git-layer-x86_64"]) == len(read_lock().of("amd64"))
    assert not [part for part in depends["git-layer-arm64"] if "arch=amd64" in part]


def test_the_same_packages_give_the_same_bill(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    for name in ("one.json", "two.json"):
        run_script("sbom", "--output", tmp_path / name)
    assert (tmp_path / "one.json").read_bytes() == (tmp_path / "two.json").read_bytes()
