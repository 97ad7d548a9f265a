"""The Lambda layers: built by the scripts in layers/, on this machine or in a Debian container."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsii
from aws_cdk import AssetHashType, BundlingOptions, DockerImage, DockerVolume, ILocalBundling, RemovalPolicy
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from products.errors import LayerBuildFailed
from products.settings import PROJECT_ROOT

RUNTIME = lambda_.Runtime.PYTHON_3_13
ARCHITECTURES = {"arm64": lambda_.Architecture.ARM_64, "x86_64": lambda_.Architecture.X86_64}
LAYERS = PROJECT_ROOT / "layers"
_COMMAND = [sys.executable]
_DEBIAN = "debian:bookworm-slim"  # the suite whose packages the git layer takes


_failures: list[str] = []  # the scripts


def raise_build_failure() -> None:
    """Raise LayerBuildFailed if a build script has failed in this process."""
    if _failures:
        raise LayerBuildFailed(script=_failures[-1])


def layer_version(scope: Construct, name: str, architecture: str, description: str) -> lambda_.LayerVersion:
    """Return the layer `layers/<name>`, retained while older function versions may use it.

    The asset's hash is that of its sources, so a synth that bundles nothing gives the same template.
    """
    script = f"layers/{name}/build"
    code = lambda_.Code.from_asset(
        str(LAYERS),
        asset_hash=_hash_of_sources(name, architecture),
        asset_hash_type=AssetHashType.CUSTOM,
        bundling=BundlingOptions(
            image=DockerImage.from_registry(_DEBIAN),
            user="root",
            command=[
                "bash",
                "-c",
                "apt-get -qq update && apt-get -qq install -y --no-install-recommends python3 python3-pip "
                "&& pip install -q --break-system-packages --require-hashes -r /project/layers/git/requirements.txt "
                f"&& python3 /project/{script} --arch {architecture} --output /asset-output",
            ],
            volumes=[DockerVolume(host_path=str(PROJECT_ROOT), container_path="/project")],
            local=_BuildScript(script, architecture),
        ),
    )
    return lambda_.LayerVersion(
        scope,
        f"{name.capitalize()}Layer",
        code=code,
        compatible_architectures=[ARCHITECTURES[architecture]],
        compatible_runtimes=[RUNTIME],
        description=description,
        removal_policy=RemovalPolicy.DESTROY,
    )


def _hash_of_sources(name: str, architecture: str) -> str:
    """Hash what a layer is made of: its scripts and locks, and the modules they share."""
    files = [*LAYERS.glob("*.py"), *(LAYERS / name).rglob("*")]
    digest = hashlib.sha256(architecture.encode())
    for file in sorted(files):
        if file.is_file() and "__pycache__" not in file.parts:
            digest.update(file.relative_to(PROJECT_ROOT).as_posix().encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()


@jsii.implements(ILocalBundling)
class _BuildScript:
    """Runs a layer's build script here, on Linux; elsewhere the CDK runs it in the container."""

    def __init__(self, script: str, architecture: str) -> None:
        self._script = PROJECT_ROOT / script
        self._architecture = architecture

    def try_bundle(self, output_dir: str, *_: Any, **__: Any) -> bool:
        """Build into `output_dir`; False where only the container can. Raises LayerBuildFailed."""
        if not sys.platform.startswith("linux"):
            return False
        command = [*_COMMAND, str(self._script), "--arch", self._architecture, "--output", output_dir]
        if subprocess.run(command, check=False, stdout=sys.stderr).returncode:
            relative = Path(self._script).relative_to(PROJECT_ROOT)
            # An exception that crosses the jsii bridge loses its type: `write_assembly` asks for it.
            _failures.append(relative.as_posix())
            raise LayerBuildFailed(script=_failures[-1])
        return True
