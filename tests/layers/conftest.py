"""Layers built once for all tests, by the very commands that the CDK calls, and the root that a function would see."""

from __future__ import annotations

import platform
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NATIVE = {"x86_64": "x86_64", "aarch64": "arm64"}.get(platform.machine(), "")


def run_script(script: str, *arguments: str | Path, check: bool = True) -> subprocess.CompletedProcess[str]:
    """Run a script of layers/ with this Python."""
    command = [sys.executable, str(ROOT / "layers" / script), *map(str, arguments)]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=280)
    if check and done.returncode:
        pytest.fail(f"{script} {' '.join(map(str, arguments))}: {done.stderr or done.stdout}")
    return done


class Layers:
    """Builds a layer when it is first asked for."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def built(self, layer: str, arch: str) -> Path:
        """Return the layer's content, what is below /opt; its zip is beside it."""
        output = self._directory / f"{layer}-{arch}"
        if not output.exists():
            run_script(f"{layer}/build", "--arch", arch, "--output", output, "--zip", output.with_suffix(".zip"))
        return output

    def zip(self, layer: str, arch: str) -> Path:
        """Return the layer's zip file."""
        return self.built(layer, arch).with_suffix(".zip")


@pytest.fixture(scope="session")
def layers(tmp_path_factory: pytest.TempPathFactory) -> Layers:
    return Layers(tmp_path_factory.mktemp("layers"))
