"""How the layers are built when an assembly is written: by their scripts, or in a container."""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App, BundlingOptions, Stack
from aws_cdk import aws_lambda as lambda_

from products import layers
from products.errors import LayerBuildFailed
from products.settings import PROJECT_ROOT
from tests.synth.conftest import context

WRITES_ITS_ARGUMENTS = (
    "import json, pathlib, sys; pathlib.Path(sys.argv[-1], 'told').write_text(json.dumps(sys.argv[1:])); print('built')"
)


@pytest.fixture(autouse=True)
def none_failed_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layers, "_failures", [])


def script() -> layers._BuildScript:
    return layers._BuildScript("layers/git/build", "arm64")


def test_a_layer_is_built_by_its_script(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(layers, "_COMMAND", [sys.executable, "-c", WRITES_ITS_ARGUMENTS])
    assert script().try_bundle(str(tmp_path), {"image": "unused"}) is True
    told = json.loads((tmp_path / "told").read_text(encoding="utf-8"))
    assert told == [str(PROJECT_ROOT / "layers/git/build"), "--arch", "arm64", "--output", str(tmp_path)]
    layers.raise_build_failure()
    out, err = capfd.readouterr()
    assert (out, err.strip()) == ("", "built"), "an assembly's own output stays what a program can read"


def test_a_script_that_fails_is_named_also_where_its_exception_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(layers, "_COMMAND", ["false"])
    with pytest.raises(LayerBuildFailed, match="layers/git/build failed"):
        script().try_bundle(str(tmp_path))
    with pytest.raises(LayerBuildFailed, match="layers/git/build failed"):
        layers.raise_build_failure()


def test_elsewhere_than_on_linux_the_container_builds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layers, "_COMMAND", ["false"])
    monkeypatch.setattr(sys, "platform", "darwin")
    assert script().try_bundle(str(tmp_path)) is False
    layers.raise_build_failure()


def test_the_container_has_what_the_script_needs_and_runs_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[BundlingOptions] = []
    from_asset = lambda_.Code.from_asset

    def noted(path: str, **options: Any) -> lambda_.AssetCode:
        given.append(options["bundling"])
        return from_asset(path, **options)

    monkeypatch.setattr(lambda_.Code, "from_asset", noted)
    layers.layer_version(Stack(App(context=context()), "S"), "python", "x86_64", "What it is for")
    [bundling] = given
    assert (bundling.image.image, bundling.user) == ("debian:bookworm-slim", "root")
    assert bundling.command is not None
    assert bundling.command[:2] == ["bash", "-c"]
    steps = [step.strip() for step in bundling.command[2].split("&&")]
    assert len(bundling.command) == 3
    assert steps == [
        "apt-get -qq update",
        "apt-get -qq install -y --no-install-recommends python3 python3-pip",
        "pip install -q --break-system-packages --require-hashes -r /project/layers/git/requirements.txt",
        "python3 /project/layers/python/build --arch x86_64 --output /asset-output",
    ]
    assert bundling.volumes is not None
    assert [(each.host_path, each.container_path) for each in bundling.volumes] == [(str(PROJECT_ROOT), "/project")]


def test_a_layers_name_in_the_store_is_of_all_that_it_is_made_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "layers"
    sources = {"shared.py": "shared", "git/build": "build", "git/deep/lock.txt": "lock", "python/build": "other"}
    for name, content in sources.items():
        write(folder / name, content)
    monkeypatch.setattr(layers, "PROJECT_ROOT", tmp_path)
    monkeypatch.setattr(layers, "LAYERS", folder)

    def name_of(architecture: str = "arm64") -> str:
        return layers._hash_of_sources("git", architecture)

    digest = hashlib.sha256(b"arm64")
    for name in ("git/build", "git/deep/lock.txt", "shared.py"):  # in the order of their names
        digest.update(f"layers/{name}\0{sources[name]}\0".encode())
    first = name_of()
    assert first == digest.hexdigest()
    for name in ("python/build", "README.md", "git/__pycache__/x.pyc"):  # none of it is in the layer
        write(folder / name, "another")
        assert name_of() == first
    names = {first, name_of("x86_64")}
    for name in ("shared.py", "git/build", "git/deep/lock.txt", "git/deep/more.txt", "more.py"):
        write(folder / name, "another")
        names.add(name_of())
    (folder / "git/deep/more.txt").rename(folder / "git/deep/moved.txt")
    names.add(name_of())
    assert len(names) == 8


def write(file: Path, content: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(content, encoding="utf-8")
