"""Fetches gh, GitHub's command line client, in the version that gh.lock pins: python -m tests.standin.gh.

It comes from this machine's Debian sources or, without them, from DEBIAN_MIRROR, as the packages of the git layer do
(layers/README.md). It needs nothing but libc6, and runs from where it is put. On a machine that cannot have it, this
says why and ends well: the tests that use it are skipped there.
"""

from __future__ import annotations

import os
import platform
import sys
from pathlib import Path

from layers.content import BuildFailed
from layers.git.debian import Deb, fetch, read_lock

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = ROOT / "build/gh/gh"
LOCK = Path(__file__).with_name("gh.lock")
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


def install(program: Path = PROGRAM) -> None:
    """Put the pinned program in its place. Raises BuildFailed where it is not to be had."""
    architecture = _ARCHITECTURES.get(platform.machine()) if sys.platform == "linux" else None
    if architecture is None:
        raise BuildFailed(f"Debian has no gh for this machine ({sys.platform}, {platform.machine()}).")
    packages = read_lock(LOCK).of(architecture)
    files = fetch(packages, program.parent / "packages", os.environ.get("DEBIAN_MIRROR", "").split())
    content = Deb(files[packages[0]]).read("usr/bin/gh")
    if content is None:
        raise BuildFailed(f"The package {packages[0].name} has no usr/bin/gh.")
    program.write_bytes(content)
    program.chmod(0o755)


def main() -> None:
    """Install, or say why not."""
    try:
        install()
    except BuildFailed as error:
        sys.stderr.write(f"gh is not installed; its tests are skipped: {error}\n")


if __name__ == "__main__":
    main()
