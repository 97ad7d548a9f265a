"""Template content as an immutable, content-addressed archive (docs/interfaces.md, "Template archive").

Pure but for `read_folder`; standard library only, so that publishing, launching and tests share it.
"""

from __future__ import annotations

import hashlib
import io
import os
import stat
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from custom_resources.errors import (
    ArchiveAltered,
    ArchiveDamaged,
    ArchiveNotReadable,
    EntryCompressed,
    EntryNotPlain,
    FileAndFolder,
    FileTooLarge,
    FolderEmpty,
    FolderMissing,
    NameTooLong,
    NotAPlainFile,
    PartMissing,
    PathHoldsGit,
    PathLeavesTemplate,
    PathNotUtf8,
    PathsDifferInCase,
    PathTooLong,
    PathTwice,
    PathUnprintable,
    SymbolicLink,
    TemplateTooLarge,
    TooManyFiles,
)

PARTS = ("model_build", "model_deploy")
IGNORE_FILE = ".studio-template-ignore"  # in a repository: names what the template must not touch there
MAX_FILE_BYTES = 100 * 1024 * 1024  # GitHub refuses larger files (GH001)
MAX_FILES = 20_000  # of an archive, all profiles together
MAX_TOTAL_BYTES = 200 * 1024 * 1024  # the function's /tmp holds it three times
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the oldest time a zip can say
_FORBIDDEN_CHARACTERS = {*map(chr, range(32)), "\x7f", "\\"}
# Names that Windows or macOS checkouts resolve to .git (git's own fsck list: CVE-2014-9390).
_GIT_ALIASES = {".git", "git~1", ".git.", ".git "}


@dataclass(frozen=True, slots=True)
class TemplateFile:
    """One file of a template: `path` is relative, with forward slashes."""

    path: str
    content: bytes
    executable: bool = False


def _refuse_bad_path(path: str) -> None:
    parts = PurePosixPath(path).parts
    if not parts or path.startswith("/") or path != "/".join(parts) or ".." in parts:
        raise PathLeavesTemplate(path=path)
    if any(character in _FORBIDDEN_CHARACTERS for character in path):
        raise PathUnprintable(path=path)
    if any("\ud800" <= character <= "\udfff" for character in path):
        raise PathNotUtf8(path=path)
    for part in parts:
        folded = "".join(c for c in part if c not in "\u200c\u200d\ufeff").rstrip(". ").casefold()
        if part.casefold() in _GIT_ALIASES or folded == ".git":
            raise PathHoldsGit(path=path)
        if len(part.encode()) > 255:
            raise NameTooLong(path=f"{path[:80]}...")
    if len(path.encode()) > 4000:
        raise PathTooLong(path=f"{path[:80]}...")


def _refuse_collisions(paths: Iterable[str]) -> None:
    """Refuse names that one checkout cannot hold: equal when case is folded, or a file where a folder is."""
    spelled: dict[str, str] = {}
    files: set[str] = set()
    for path in paths:
        if path in files:
            raise PathTwice(path=path)
        files.add(path)
        for place in (path, *map(str, PurePosixPath(path).parents)):
            if spelled.setdefault(place.casefold(), place) != place:
                raise PathsDifferInCase(path=spelled[place.casefold()], other=place)
    for path in files:
        for parent in map(str, PurePosixPath(path).parents):
            if parent in files:
                raise FileAndFolder(path=parent)


def checked(files: Iterable[TemplateFile]) -> list[TemplateFile]:
    """Return the files sorted by path, or raise InvalidTemplate with the first reason to refuse them."""
    kept = sorted(files, key=lambda file: file.path)
    if len(kept) > MAX_FILES:
        raise TooManyFiles(count=len(kept), limit=MAX_FILES)
    total = 0
    for file in kept:
        _refuse_bad_path(file.path)
        total += len(file.content)
        if len(file.content) > MAX_FILE_BYTES:
            raise FileTooLarge(path=file.path, size=len(file.content))
    if total > MAX_TOTAL_BYTES:
        raise TemplateTooLarge(size=total, limit=MAX_TOTAL_BYTES)
    _refuse_collisions(file.path for file in kept)
    return kept


def build_archive(files: Iterable[TemplateFile]) -> bytes:
    """Return the archive's bytes; the same content gives the same bytes on every machine.

    Entries are stored, not deflated: deflate's output differs between zlib versions.
    Raises InvalidTemplate for content that must not be delivered.
    """
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for file in checked(files):
            entry = zipfile.ZipInfo(file.path, _EPOCH)
            entry.create_system = 3  # Unix, whatever machine writes it
            entry.external_attr = (stat.S_IFREG | (0o755 if file.executable else 0o644)) << 16
            archive.writestr(entry, file.content)
    return buffer.getvalue()


def archive_name(data: bytes) -> str:
    """Return the archive's content address, `<sha256>.zip`."""
    return f"{hashlib.sha256(data).hexdigest()}.zip"


@dataclass(frozen=True, slots=True)
class Archive:
    """A template archive, checked entry by entry; a content is read when it is asked for."""

    source: Path | bytes
    entries: tuple[zipfile.ZipInfo, ...]

    @staticmethod
    def open(source: Path | bytes, name: str = "") -> Archive:
        """Check an archive's names, kinds and sizes without unpacking it.

        `name`, when given, is the content address the bytes must have. Raises InvalidTemplate.
        """
        if name and _address(source) != name:
            raise ArchiveAltered(archive=name)
        try:
            with zipfile.ZipFile(_opened(source)) as archive:
                entries = tuple(archive.infolist())
        except (zipfile.BadZipFile, UnicodeDecodeError, NotImplementedError, ValueError) as error:
            raise ArchiveNotReadable from error
        if len(entries) > MAX_FILES:
            raise TooManyFiles(count=len(entries), limit=MAX_FILES)
        for entry in entries:
            _refuse_bad_path(entry.filename)
            _refuse_bad_entry(entry)
        if (total := sum(entry.file_size for entry in entries)) > MAX_TOTAL_BYTES:
            raise TemplateTooLarge(size=total, limit=MAX_TOTAL_BYTES)
        _refuse_collisions(entry.filename for entry in entries)
        return Archive(source, entries)

    def profiles(self) -> list[str]:
        """Return the profile folders that have content, sorted."""
        return sorted({entry.filename.split("/")[0] for entry in self.entries if "/" in entry.filename})

    def stream(self, folder: str) -> Iterator[TemplateFile]:
        """Yield a folder's files one by one, with paths relative to it: memory holds one content at a time.

        Raises InvalidTemplate when the archive has nothing there, naming what it has, or is damaged.
        """
        prefix = folder.strip("/") + "/"
        wanted = [entry for entry in self.entries if entry.filename.startswith(prefix)]
        if not wanted:
            known = ", ".join(self.profiles()) or "none"
            raise FolderMissing(folder=folder, profiles=known)
        with zipfile.ZipFile(_opened(self.source)) as archive:
            for entry in wanted:
                try:
                    content = archive.read(entry)
                except (zipfile.BadZipFile, EOFError, ValueError, NotImplementedError) as error:
                    raise ArchiveDamaged from error
                executable = bool(entry.external_attr >> 16 & 0o100)
                yield TemplateFile(entry.filename.removeprefix(prefix), content, executable)

    def folder(self, folder: str) -> list[TemplateFile]:
        """Return all of a folder's files (see `stream`)."""
        return list(self.stream(folder))

    def require_profile(self, profile: str) -> None:
        """Raise InvalidTemplate unless the profile's folder holds both parts, each with a file."""
        for part in PARTS:
            prefix = f"{profile}/{part}/"
            if not any(entry.filename.startswith(prefix) for entry in self.entries):
                known = ", ".join(self.profiles()) or "none"
                raise PartMissing(folder=f"{profile}/{part}", profiles=known)


def _opened(source: Path | bytes) -> Path | io.BytesIO:
    return io.BytesIO(source) if isinstance(source, bytes) else source


def _address(source: Path | bytes) -> str:
    if isinstance(source, bytes):
        return archive_name(source)
    with source.open("rb") as file:
        return f"{hashlib.file_digest(file, 'sha256').hexdigest()}.zip"


def _refuse_bad_entry(entry: zipfile.ZipInfo) -> None:
    mode = entry.external_attr >> 16
    if entry.flag_bits & 0x1 or not (stat.S_ISREG(mode) or stat.S_IFMT(mode) == 0):
        raise EntryNotPlain(path=entry.filename)
    if entry.compress_type != zipfile.ZIP_STORED or entry.file_size != entry.compress_size:
        raise EntryCompressed(path=entry.filename)
    if entry.file_size > MAX_FILE_BYTES:
        raise FileTooLarge(path=entry.filename, size=entry.file_size)


def _walk(folder: Path) -> Iterator[tuple[str, Path]]:
    for directory, names, file_names in os.walk(folder, followlinks=False):
        files = set(file_names)
        for name in (*names, *file_names):
            place = Path(directory) / name
            path = place.relative_to(folder).as_posix()
            if place.is_symlink():
                raise SymbolicLink(path=path)
            if name == ".git":
                _refuse_bad_path(path)
            if name in files:
                yield path, place


def read_folder(folder: Path) -> list[TemplateFile]:
    """Read a template folder from disk (side effect: reads only).

    Raises InvalidTemplate for symbolic links, special files, Git directories, files over 100 MB, or no file.
    """
    files = []
    for path, place in _walk(folder):
        status = place.lstat()
        if not stat.S_ISREG(status.st_mode):
            raise NotAPlainFile(path=path)
        if status.st_size > MAX_FILE_BYTES:
            raise FileTooLarge(path=path, size=status.st_size)
        files.append(TemplateFile(path, place.read_bytes(), bool(status.st_mode & 0o100)))
    if not files:
        raise FolderEmpty(folder=folder.name)
    return checked(files)
