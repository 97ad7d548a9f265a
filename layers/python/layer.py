"""The Python layer's content: the wheels that requirements.txt pins, for Lambda's Python and architecture.

boto3 and botocore (with s3transfer, python-dateutil and six, which only they use) are left to the Lambda runtime:
they would double the layer, and the runtime's own are kept current by AWS.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from layers.content import BuildFailed, content_of, sha256

PYTHON_VERSION = "3.13"
IN_THE_RUNTIME = ("boto3", "botocore", "s3transfer", "python-dateutil", "six")
HERE = Path(__file__).parent
REQUIREMENTS = HERE / "requirements.txt"
MACHINES = {"x86_64": "x86_64", "arm64": "aarch64"}
# What Amazon Linux 2023 (glibc 2.34) runs; pip takes each tag as it is.
_PLATFORMS = ("manylinux_2_34", "manylinux_2_28", "manylinux_2_26", "manylinux_2_17", "manylinux2014")
_UNWANTED = ("__pycache__", "*.pyi", "*.pyc", "tests", "test", "*-stubs", "bin")
# Notes of the installer: RECORD would list the files that are left out here.
_INSTALLER_NOTES = ("RECORD", "INSTALLER", "REQUESTED", "direct_url.json")


@dataclass(frozen=True)
class Requirement:
    """A pinned distribution and the SHA-256 of the files that may stand for it."""

    name: str
    version: str
    hashes: frozenset[str]


def read_requirements(file: Path = REQUIREMENTS) -> list[Requirement]:
    """Read a requirements.txt with hashes, as uv and pip-compile write it."""
    text = file.read_text(encoding="utf-8")
    blocks = re.findall(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)[^\n]*((?:\n +--hash=sha256:[0-9a-f]{64}[ \\]*)+)", text, re.M)
    return [Requirement(name, version, frozenset(re.findall("[0-9a-f]{64}", tail))) for name, version, tail in blocks]


def write_layer(arch: str, output: Path, cache: Path) -> None:
    """Write the content below /opt for one architecture (Lambda's name). Raises BuildFailed."""
    cached_wheels(arch, cache)
    with content_of(output, "python") as folder:
        found = ("--no-index", "--find-links", str(_wheels(arch, cache)))
        _pip("install", arch, *found, "--no-compile", "--target", str(folder))
        for path in unwanted(folder):
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)


def cached_wheels(arch: str, cache: Path) -> dict[str, Path]:
    """Return the locked wheels of an architecture by their SHA-256, downloaded if need be. Raises BuildFailed."""
    wheels = _wheels(arch, cache)
    wheels.mkdir(parents=True, exist_ok=True)
    locked = read_requirements()
    found = _locked_wheels(wheels, locked)
    if len(found) < len(locked):
        _pip("download", arch, "--dest", str(wheels))
        found = _locked_wheels(wheels, locked)
    return found


def _wheels(arch: str, cache: Path) -> Path:
    return cache / "wheels" / arch


def _locked_wheels(wheels: Path, locked: Sequence[Requirement]) -> dict[str, Path]:
    """Return the files that are locked, by their SHA-256: the hash decides, not the name."""
    present = {sha256(file): file for file in sorted(wheels.glob("*.whl"))}
    return {digest: present[digest] for requirement in locked for digest in requirement.hashes & present.keys()}


def unwanted(folder: Path) -> Iterator[Path]:
    """Yield what a function does not need, or what would differ from build to build. Licences and METADATA stay."""
    for pattern in _UNWANTED:
        yield from sorted(path for path in folder.rglob(pattern) if not _in_metadata(path, folder))
    for name in _INSTALLER_NOTES:
        yield from sorted(folder.glob(f"*.dist-info/{name}"))


def _in_metadata(path: Path, folder: Path) -> bool:
    return path.relative_to(folder).parts[0].endswith(".dist-info")


def _pip(command: str, arch: str, *arguments: str) -> None:
    platforms = [f"--platform={platform}_{MACHINES[arch]}" for platform in _PLATFORMS]
    target = ["--implementation=cp", f"--python-version={PYTHON_VERSION}", "--only-binary=:all:", "--no-deps"]
    _tool(
        "pip", command, "--quiet", "--disable-pip-version-check", "--require-hashes",
        f"--requirement={REQUIREMENTS}", *target, *platforms, *arguments,
    )  # fmt: skip


def compile_requirements() -> None:
    """Pin requirements.in, in the versions of the project's requirements.txt, with hashes. Raises BuildFailed."""
    excluded = [f"--no-emit-package={name}" for name in IN_THE_RUNTIME]
    _tool(
        "uv", "pip", "compile", "--quiet", f"--python-version={PYTHON_VERSION}", "--only-binary=:all:",
        "--python-platform=aarch64-manylinux_2_28", "--generate-hashes", "--no-emit-index-url", "--no-annotate",
        "--no-header", "--constraints=requirements.txt", f"--output-file={REQUIREMENTS}", *excluded,
        str(HERE / "requirements.in"),
    )  # fmt: skip
    # uv names what it left out with the pins; the head says it for all time.
    text = REQUIREMENTS.read_text(encoding="utf-8").partition("\n# The following packages were excluded")[0]
    head = "# Written by layers/python/lock. In the Lambda runtime, so not here: " + ", ".join(IN_THE_RUNTIME) + ".\n"
    REQUIREMENTS.write_text(head + text, encoding="utf-8")


def _tool(module: str, *arguments: str) -> None:
    """Run a tool of this Python environment in the project's folder."""
    command: Sequence[str] = (sys.executable, "-m", module, *arguments)
    done = subprocess.run(command, check=False, capture_output=True, text=True, cwd=HERE.parents[1])
    if f"No module named {module}" in done.stderr:
        raise BuildFailed(f"{module} is not in this Python environment; `make install` makes one that has it.")
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if line.strip()]
        said = [line for line in lines if line.lower().startswith("error")] or lines[-1:] or ["no reason given"]
        reason = re.sub(r"//[^/@\s]+@", "//", said[-1].removeprefix("ERROR: ").removeprefix("error: "))
        raise BuildFailed(
            f"{module} could not get the Python layer's wheels ({reason.rstrip('.')}); see requirements.txt."
        )
