"""A copy of this repository with the settings and the sample data that it came with, for tests that depend on them.

People change config.toml and data/: `make local` runs the steps on theirs. These tests hold the code.
"""

import atexit
import hashlib
import shutil
import tempfile
from pathlib import Path

import pytest

HERE = Path(__file__).parent.parent
ROOT = Path(tempfile.mkdtemp(prefix="example-"))
atexit.register(shutil.rmtree, ROOT, ignore_errors=True)
_LEFT_OUT = shutil.ignore_patterns(".git", ".venv", "build", "tests", "__pycache__", ".*_cache")
shutil.copytree(HERE, ROOT, ignore=_LEFT_OUT, dirs_exist_ok=True)
shutil.copy(HERE / "tests" / "example.toml", ROOT / "config.toml")


def unchanged(line: str) -> bool:
    """Tell whether a file still has the SHA-256 of a line of example.sums."""
    digest, _, name = line.partition("  ")
    file = HERE / name
    return file.exists() and hashlib.sha256(file.read_bytes()).hexdigest() == digest


SAMPLES = all(map(unchanged, (HERE / "tests" / "example.sums").read_text().splitlines()))
GONE = "The sample data are not here any more. make local runs the steps on yours."
needs_samples = pytest.mark.skipif(not SAMPLES, reason=GONE)
