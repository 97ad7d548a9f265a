"""The archive format: the same content gives the same bytes, and nothing harmful gets in or out."""

from __future__ import annotations

import hashlib
import io
import os
import stat
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custom_resources import errors, template_content
from custom_resources.errors import InvalidTemplate
from custom_resources.template_content import (
    MAX_FILE_BYTES,
    MAX_FILES,
    MAX_TOTAL_BYTES,
    Archive,
    TemplateFile,
    archive_name,
    build_archive,
    checked,
    read_folder,
)

NAMES = st.text(st.sampled_from("abcdefXYZ09._- é日"), min_size=1, max_size=12).filter(
    lambda name: name.strip(". ") and ".git" not in name.casefold()
)
PATHS = st.lists(NAMES, min_size=1, max_size=4).map("/".join)
FILES = st.lists(st.builds(TemplateFile, PATHS, st.binary(max_size=60), st.booleans()), max_size=8)


def acceptable(files: list[TemplateFile]) -> bool:
    try:
        checked(files)
    except InvalidTemplate:
        return False
    return True


@given(FILES.filter(acceptable), st.randoms(use_true_random=False))
def test_an_archive_gives_back_what_was_put_in_whatever_the_order(files: list[TemplateFile], random: object) -> None:
    data = build_archive(files)
    shuffled = list(files)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert build_archive(shuffled) == data
    assert archive_name(data) == f"{hashlib.sha256(data).hexdigest()}.zip"
    archive = Archive.open(data, archive_name(data))
    for folder in {file.path.split("/")[0] for file in files if "/" in file.path}:
        expected = sorted((f for f in files if f.path.startswith(f"{folder}/")), key=lambda file: file.path)
        found = [TemplateFile(f"{folder}/{f.path}", f.content, f.executable) for f in archive.folder(folder)]
        assert found == expected


@pytest.mark.parametrize(
    "path",
    [
        "", "/etc/passwd", "../x", "a/../b", "a/./b", "a//b", "a/", ".", "..", "a\\b", "a\0b", "a\nb", "a\x7fb",
        ".git/config", "a/.GIT/hooks/x", "GIT~1/x", ".git./x", ".git /x", ".g\u200cit/x", "x" * 256, "é" * 128,
        "/".join(["d" * 200] * 21), "\udcff", "a\ud800", "a\udfff", "a\x01", "a\x1f",
    ],
)  # fmt: skip
def test_paths_that_leave_the_template_or_reach_git_are_refused(path: str) -> None:
    with pytest.raises(InvalidTemplate):
        build_archive([TemplateFile(path, b"")])


@pytest.mark.parametrize(
    "path", ["x" * 255, "é" * 127 + "x", "a b", "a\ud7ff", "a\ue000", "~", ".gitignore", ".github/x", "git", "a.git"]
)
def test_other_paths_are_taken(path: str) -> None:
    assert [file.path for file in checked([TemplateFile(path, b"")])] == [path]


def test_a_path_is_taken_to_the_last_byte() -> None:
    longest = "/".join(["d" * 199] * 20)[:4000]
    assert len(longest) == 3999
    assert checked([TemplateFile(longest + "d", b"")])
    with pytest.raises(InvalidTemplate, match="path"):
        checked([TemplateFile(longest + "dd", b"")])


class Sized(bytes):
    """A content that says that it is so large."""

    size: int

    def __new__(cls, size: int) -> Sized:
        made = super().__new__(cls)
        made.size = size
        return made

    def __len__(self) -> int:
        return self.size


def test_limits_are_githubs_and_those_of_the_functions_disk() -> None:
    assert (MAX_FILE_BYTES, MAX_FILES, MAX_TOTAL_BYTES) == (104_857_600, 20_000, 209_715_200)
    half = Sized(MAX_FILE_BYTES)
    assert len(checked([TemplateFile("a", half), TemplateFile("b", half)])) == 2
    with pytest.raises(InvalidTemplate, match="104,857,601"):
        checked([TemplateFile("a", Sized(MAX_FILE_BYTES + 1))])
    with pytest.raises(InvalidTemplate, match="209,715,201"):
        checked([TemplateFile("a", half), TemplateFile("b", half), TemplateFile("c", Sized(1))])


def test_an_archive_may_hold_as_much_as_the_limit_says(monkeypatch: pytest.MonkeyPatch) -> None:
    archive = zipped("regression/a", b"12345")
    total = sum(entry.file_size for entry in Archive.open(archive).entries)
    monkeypatch.setattr(template_content, "MAX_TOTAL_BYTES", total)
    assert len(Archive.open(archive).entries) == 1
    monkeypatch.setattr(template_content, "MAX_TOTAL_BYTES", total - 1)
    with pytest.raises(InvalidTemplate, match=f"{total}"):
        Archive.open(archive)


def test_as_many_files_are_taken_as_the_limit_says() -> None:
    files = [TemplateFile(str(number), b"") for number in range(MAX_FILES)]
    assert len(checked(files)) == MAX_FILES
    with pytest.raises(InvalidTemplate, match="20,001 files, and the maximum is 20,000"):
        checked([*files, TemplateFile("more", b"")])


def spoilt(entry: str, **change: Any) -> bytes:
    """Return an archive whose directory says something else of its entry."""
    data = bytearray(zipped(entry))
    start = data.rindex(b"PK\x01\x02")
    for offset, kind, value in change.values():
        struct.pack_into(kind, data, start + offset, value)
    return bytes(data)


SIZES = {"compressed": (20, "<L", MAX_FILE_BYTES), "size": (24, "<L", MAX_FILE_BYTES)}
LARGER = {"compressed": (20, "<L", MAX_FILE_BYTES + 1), "size": (24, "<L", MAX_FILE_BYTES + 1)}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"flags": (8, "<H", 1)}, "not a plain file"),
        ({"method": (10, "<H", 8)}, "compressed"),
        ({"size": (24, "<L", 2)}, "compressed"),
        (LARGER, "at most 100 MB"),
        (SIZES, ""),
        ({"mode": (38, "<L", 0)}, ""),  # of a system that has no modes
        ({"mode": (38, "<L", stat.S_IFREG << 16)}, ""),
        ({"mode": (38, "<L", stat.S_IFDIR << 16)}, "not a plain file"),
    ],
)
def test_an_entry_is_a_plain_file_stored_as_it_is(change: dict[str, Any], said: str) -> None:
    data = spoilt("f/a", **change)
    if said:
        with pytest.raises(InvalidTemplate, match=said):
            Archive.open(data)
    else:
        assert len(Archive.open(data).entries) == 1


@pytest.mark.parametrize(
    ("mode", "executable"), [(0o755, True), (0o744, True), (0o100, True), (0o644, False), (0o011, False)]
)
def test_a_file_runs_where_its_owner_may_run_it(mode: int, executable: bool) -> None:
    [file] = Archive.open(zipped("f/a", mode=stat.S_IFREG | mode)).folder("f")
    assert file.executable is executable


def test_an_archives_bytes_are_the_same_wherever_it_is_built() -> None:
    files = [TemplateFile("f/b", b"b", executable=True), TemplateFile("f/a", b"a")]
    with zipfile.ZipFile(io.BytesIO(build_archive(files))) as archive:
        entries = archive.infolist()
    assert [(each.filename, each.date_time, each.create_system) for each in entries] == [
        ("f/a", (1980, 1, 1, 0, 0, 0), 3),
        ("f/b", (1980, 1, 1, 0, 0, 0), 3),
    ]
    assert [each.external_attr >> 16 for each in entries] == [stat.S_IFREG | 0o644, stat.S_IFREG | 0o755]
    assert {each.compress_type for each in entries} == {zipfile.ZIP_STORED}


def test_a_folder_that_is_not_there_is_said_with_those_that_are(tmp_path: Path) -> None:
    data = build_archive([TemplateFile("one/a", b"a"), TemplateFile("onemore/b", b"b"), TemplateFile("c", b"c")])
    file = tmp_path / "archive.zip"
    file.write_bytes(data)
    for archive in (Archive.open(data, archive_name(data)), Archive.open(file, archive_name(data))):
        assert archive.profiles() == ["one", "onemore"]
        assert archive.folder("/one/") == [TemplateFile("a", b"a")]
        with pytest.raises(InvalidTemplate, match="'two' \\(its profiles are: one, onemore"):
            archive.folder("two")
    with pytest.raises(InvalidTemplate, match="its profiles are: none"):
        Archive.open(build_archive([TemplateFile("c", b"c")])).folder("two")
    with pytest.raises(InvalidTemplate, match="its profiles are: none"):
        Archive.open(build_archive([TemplateFile("c", b"c")])).require_profile("two")
    with pytest.raises(InvalidTemplate, match="does not match its name"):
        Archive.open(file, "0" * 64 + ".zip")


@pytest.mark.parametrize("paths", [("a", "A"), ("d/x", "D/y"), ("a", "a"), ("a", "a/b"), ("ß", "ss")])
def test_names_that_one_checkout_cannot_hold_are_refused(paths: tuple[str, str]) -> None:
    with pytest.raises(InvalidTemplate):
        build_archive([TemplateFile(path, b"") for path in paths])


def test_a_file_over_githubs_limit_is_refused() -> None:
    class Large(bytes):
        def __len__(self) -> int:
            return MAX_FILE_BYTES + 1

    with pytest.raises(InvalidTemplate, match="100 MB"):
        build_archive([TemplateFile("big", Large())])


def test_too_many_files_are_refused() -> None:
    with pytest.raises(InvalidTemplate, match="50,000 files"):
        checked(TemplateFile(str(number), b"") for number in range(50_000))


def zipped(
    name: str, content: bytes = b"x", mode: int = stat.S_IFREG | 0o644, method: int = zipfile.ZIP_STORED
) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        entry = zipfile.ZipInfo(name)
        entry.external_attr = mode << 16
        entry.compress_type = method
        archive.writestr(entry, content)
    return buffer.getvalue()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"not a zip",
        zipped("../x"),
        zipped("a/.git/config"),
        zipped("link", mode=stat.S_IFLNK | 0o777),
        zipped("device", mode=stat.S_IFCHR | 0o644),
        zipped("bomb", b"0" * 100_000, method=zipfile.ZIP_DEFLATED),
        zipped("ok")[:-5],
    ],
)
def test_archives_that_we_did_not_write_are_refused(data: bytes) -> None:
    with pytest.raises(InvalidTemplate):
        Archive.open(data)


def test_an_archive_that_is_not_what_its_name_says_is_refused() -> None:
    with pytest.raises(InvalidTemplate, match="does not match its name"):
        Archive.open(build_archive([TemplateFile("a", b"")]), "0" * 64 + ".zip")


def test_a_damaged_content_is_refused_when_it_is_read() -> None:
    data = bytearray(build_archive([TemplateFile("f/a", b"content")]))
    data[data.index(b"content")] ^= 1
    with pytest.raises(InvalidTemplate, match="damaged"):
        Archive.open(bytes(data)).folder("f")


@given(st.binary(max_size=400), st.integers(0, 400), st.integers(0, 400))
def test_no_bytes_make_the_reader_fail_otherwise(noise: bytes, start: int, length: int) -> None:
    good = build_archive([TemplateFile("regression/model_build/a", b"content"), TemplateFile("b", b"")])
    spoiled = good[:start] + noise + good[start + length :]
    try:
        for profile in (archive := Archive.open(spoiled)).profiles():
            archive.folder(profile)
    except InvalidTemplate as error:
        assert str(error)


def test_a_profile_must_have_both_parts() -> None:
    archive = Archive.open(build_archive([TemplateFile(f"{p}/model_build/a", b"") for p in ("one", "two")]))
    assert archive.profiles() == ["one", "two"]
    with pytest.raises(InvalidTemplate, match="not have the folder one/model_deploy"):
        archive.require_profile("one")
    with pytest.raises(InvalidTemplate, match="its profiles are: one, two"):
        archive.require_profile("three")


# -- folders on disk ----------------------------------------------------------------------------------------------


def test_a_folder_is_read_with_its_modes(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    (tmp_path / "d/run").write_bytes(b"x")
    (tmp_path / "d/run").chmod(0o700)
    (tmp_path / "a").write_bytes(b"\r\n\0")
    assert read_folder(tmp_path) == [TemplateFile("a", b"\r\n\0"), TemplateFile("d/run", b"x", executable=True)]


def test_a_folder_with_links_special_files_or_git_is_refused(tmp_path: Path) -> None:
    spoilers: tuple[Callable[[Path], object], ...] = (
        lambda d: (d / "link").symlink_to("/etc/passwd"),
        lambda d: (d / "folder").symlink_to("/etc"),
        lambda d: os.mkfifo(d / "pipe"),
        lambda d: (d / ".git").mkdir(),
        lambda d: (d / ".git").write_text("gitdir: elsewhere"),
    )
    for number, spoil in enumerate(spoilers):
        folder = tmp_path / str(number)
        folder.mkdir()
        (folder / "a").write_text("a")
        spoil(folder)
        with pytest.raises(InvalidTemplate):
            read_folder(folder)


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    with pytest.raises(InvalidTemplate, match="is empty"):
        read_folder(tmp_path)


# -- each refusal, with what it names ---------------------------------------------------------------------------------


def refusal(error: type[InvalidTemplate], made: Callable[[], object]) -> dict[str, object]:
    """Return what a refusal names."""
    with pytest.raises(error) as refused:
        made()
    return refused.value.holes


def test_an_archive_has_as_many_files_as_the_limit_says(monkeypatch: pytest.MonkeyPatch) -> None:
    data = build_archive([TemplateFile(f"p/{number}", b"ab") for number in range(3)])
    monkeypatch.setattr(template_content, "MAX_FILES", 3)
    assert len(Archive.open(data).entries) == 3
    monkeypatch.setattr(template_content, "MAX_FILES", 2)
    assert refusal(errors.TooManyFiles, lambda: Archive.open(data)) == {"count": 3, "limit": 2}
    files = [TemplateFile(str(number), b"") for number in range(3)]
    assert refusal(errors.TooManyFiles, lambda: checked(files)) == {"count": 3, "limit": 2}


def test_what_is_too_large_is_told_with_its_size(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    data = build_archive([TemplateFile("p/a", b"12345"), TemplateFile("p/b", b"123")])
    (tmp_path / "a").write_bytes(b"12345")
    monkeypatch.setattr(template_content, "MAX_FILE_BYTES", 5)
    assert len(Archive.open(data).entries) == 2
    assert [file.content for file in read_folder(tmp_path)] == [b"12345"]
    monkeypatch.setattr(template_content, "MAX_FILE_BYTES", 4)
    assert refusal(errors.FileTooLarge, lambda: Archive.open(data)) == {"path": "p/a", "size": 5}
    assert refusal(errors.FileTooLarge, lambda: read_folder(tmp_path)) == {"path": "a", "size": 5}
    assert refusal(errors.FileTooLarge, lambda: checked([TemplateFile("a", b"12345")])) == {"path": "a", "size": 5}
    monkeypatch.setattr(template_content, "MAX_FILE_BYTES", 100)
    monkeypatch.setattr(template_content, "MAX_TOTAL_BYTES", 7)
    assert refusal(errors.TemplateTooLarge, lambda: Archive.open(data)) == {"size": 8, "limit": 7}
    files = [TemplateFile("a", b"12345"), TemplateFile("b", b"123")]
    assert refusal(errors.TemplateTooLarge, lambda: checked(files)) == {"size": 8, "limit": 7}


@pytest.mark.parametrize(
    ("path", "error", "named"),
    [
        ("../a", errors.PathLeavesTemplate, "../a"),
        ("a\x07b", errors.PathUnprintable, "a\x07b"),
        ("a/\ud800", errors.PathNotUtf8, "a/\ud800"),
        ("a/.git/b", errors.PathHoldsGit, "a/.git/b"),
        ("p/" + "a" * 256, errors.NameTooLong, f"p/{'a' * 78}..."),
        ("/".join(["a" * 200] * 20), errors.PathTooLong, f"{'a' * 80}..."),
    ],
)
def test_a_path_that_is_refused_is_named(path: str, error: type[InvalidTemplate], named: str) -> None:
    assert refusal(error, lambda: checked([TemplateFile(path, b"")])) == {"path": named}


def test_names_that_collide_are_both_named() -> None:
    def files(*paths: str) -> Callable[[], object]:
        return lambda: checked([TemplateFile(path, b"") for path in paths])

    assert refusal(errors.PathTwice, files("a/b", "a/b")) == {"path": "a/b"}
    assert refusal(errors.PathsDifferInCase, files("A/b", "a/c")) == {"path": "A", "other": "a"}
    assert refusal(errors.FileAndFolder, files("a", "a/b")) == {"path": "a"}
    assert refusal(errors.FileAndFolder, files("a/b/c/d", "a/b")) == {"path": "a/b"}


def test_a_folder_or_part_that_is_missing_is_named_with_those_that_are_there() -> None:
    none, some = Archive.open(build_archive([])), Archive.open(build_archive([TemplateFile("p/model_build/a", b"")]))
    assert refusal(errors.FolderMissing, lambda: none.folder("q")) == {"folder": "q", "profiles": "none"}
    assert refusal(errors.FolderMissing, lambda: some.folder("/q/")) == {"folder": "/q/", "profiles": "p"}
    assert [file.path for file in some.folder("/p/")] == ["model_build/a"]
    missing = {"folder": "p/model_deploy", "profiles": "p"}
    assert refusal(errors.PartMissing, lambda: some.require_profile("p")) == missing
    first = {"folder": "q/model_build", "profiles": "none"}
    assert refusal(errors.PartMissing, lambda: none.require_profile("q")) == first


def test_an_archive_on_disk_is_held_to_its_name(tmp_path: Path) -> None:
    data = build_archive([TemplateFile("p/a", b"1")])
    file = tmp_path / "a.zip"
    file.write_bytes(data)
    assert Archive.open(file, archive_name(data)).profiles() == ["p"]
    other = archive_name(b"")
    assert refusal(errors.ArchiveAltered, lambda: Archive.open(file, other)) == {"archive": other}


@pytest.mark.parametrize(
    ("spoil", "error", "path"),
    [
        (lambda d: (d / "d/link").symlink_to("/etc/passwd"), errors.SymbolicLink, "d/link"),
        (lambda d: (d / "d/folder").symlink_to("/etc"), errors.SymbolicLink, "d/folder"),
        (lambda d: (d / "d/gone").symlink_to("nowhere"), errors.SymbolicLink, "d/gone"),
        (lambda d: os.mkfifo(d / "d/pipe"), errors.NotAPlainFile, "d/pipe"),
        (lambda d: (d / "d/.git").mkdir(), errors.PathHoldsGit, "d/.git"),
        (lambda d: (d / "d/.git").write_text("gitdir: elsewhere"), errors.PathHoldsGit, "d/.git"),
    ],
)
def test_what_a_folder_may_not_hold_is_named_wherever_it_lies(
    tmp_path: Path, spoil: Callable[[Path], object], error: type[InvalidTemplate], path: str
) -> None:
    (tmp_path / "d").mkdir()
    (tmp_path / "d/a").write_text("a")
    spoil(tmp_path)
    assert refusal(error, lambda: read_folder(tmp_path)) == {"path": path}


def test_a_folder_without_a_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "regression/empty").mkdir(parents=True)
    assert refusal(errors.FolderEmpty, lambda: read_folder(tmp_path / "regression")) == {"folder": "regression"}


def test_a_file_is_executable_where_its_owner_may_run_it(tmp_path: Path) -> None:
    for name, mode in (("a", 0o644), ("b", 0o655), ("c", 0o744), ("d", 0o500)):
        (tmp_path / name).write_text(name)
        (tmp_path / name).chmod(mode)
    assert [(file.path, file.executable) for file in read_folder(tmp_path)] == [
        ("a", False),
        ("b", False),
        ("c", True),
        ("d", True),
    ]


def test_a_folder_on_disk_is_held_to_the_rules_of_an_archive(tmp_path: Path) -> None:
    (tmp_path / "a\x07b").write_text("a")
    assert refusal(errors.PathUnprintable, lambda: read_folder(tmp_path)) == {"path": "a\x07b"}


def test_a_profile_that_has_both_parts_is_accepted_and_a_files_name_is_no_part() -> None:
    both = [TemplateFile(f"p/{part}/a", b"") for part in template_content.PARTS]
    archive = Archive.open(
        build_archive([*both, TemplateFile("q/model_build/a", b""), TemplateFile("q/model_deploy", b"")])
    )
    archive.require_profile("p")
    missing = {"folder": "q/model_deploy", "profiles": "p, q"}
    assert refusal(errors.PartMissing, lambda: archive.require_profile("q")) == missing
