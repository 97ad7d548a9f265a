"""What a layer is made of: files whose bytes, modes and times are the same wherever it is built."""

from __future__ import annotations

import hashlib
import os
import shutil
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

BUILD_TIME = 315_532_800  # 1980-01-01 UTC, the first moment that a zip can tell
_ZIP_TIME = (1980, 1, 1, 0, 0, 0)
_EXECUTABLE, _READABLE = 0o755, 0o644


class BuildFailed(Exception):
    """A layer cannot be built; the message is one sentence that says what to do."""


@contextmanager
def content_of(output: Path, name: str) -> Iterator[Path]:
    """Yield the new, empty folder `output/name`; afterwards its modes and times are settled.

    An earlier build is replaced; a failed one leaves nothing. Raises BuildFailed if `output` holds anything else.
    """
    others = sorted(entry.name for entry in output.iterdir() if entry.name != name) if output.is_dir() else []
    if others or (output.exists() and not output.is_dir()):
        raise BuildFailed(f"{output} is not a layer's folder ({', '.join(others[:3]) or 'a file'}); give an empty one.")
    folder = output / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        yield folder
        settle(output)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def settle(directory: Path) -> None:
    """Give everything below a directory, and itself, the modes 0755 or 0644 and the time of the build."""
    for folder, _, files in os.walk(directory, topdown=False):
        for path in (Path(folder, name) for name in files):
            path.chmod(_EXECUTABLE if path.stat().st_mode & 0o100 else _READABLE)
            os.utime(path, (BUILD_TIME, BUILD_TIME))
        Path(folder).chmod(_EXECUTABLE)
        os.utime(folder, (BUILD_TIME, BUILD_TIME))


def write_zip(directory: Path, file: Path) -> None:
    """Write a settled directory as a zip: sorted entries, fixed times, Unix modes."""
    file.parent.mkdir(parents=True, exist_ok=True)
    unfinished = file.with_name(f"{file.name}.{os.getpid()}")
    with zipfile.ZipFile(unfinished, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        files = {path.relative_to(directory).as_posix(): path for path in directory.rglob("*") if path.is_file()}
        for name, path in sorted(files.items()):
            entry = zipfile.ZipInfo(name, _ZIP_TIME)
            entry.create_system = 3  # Unix: external_attr holds the mode
            entry.external_attr = path.stat().st_mode << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, path.read_bytes())
    unfinished.replace(file)


def sha256(path: Path) -> str:
    """Return a file's SHA-256, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
