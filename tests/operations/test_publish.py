"""Publishing: versions are immutable, the same content is the same archive, differences are told."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from custom_resources.errors import InvalidTemplate
from custom_resources.template_content import Archive, TemplateFile
from operations.command_line import main
from operations.content_diff import patch
from operations.errors import NamesAlike, VersionTaken, VersionTooOld
from operations.publish import PartChanges, _write, differences, publish
from operations.template_source import TemplateContent, resolve
from operations.workflow_check import check_workflows
from products.errors import VersionError
from products.versions import read_versions
from tests.operations.conftest import WORKFLOW

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
BUILD = "regression/model_build/"


def content(**changes: str | None) -> TemplateContent:
    """A template; keyword arguments change files of the build part (None drops one)."""
    files = {"README.md": "# Build\n", ".github/workflows/a.yml": WORKFLOW, **changes}
    build = [TemplateFile(BUILD + path, text.encode()) for path, text in files.items() if text is not None]
    return TemplateContent((*build, TemplateFile("regression/model_deploy/README.md", b"# Deploy\n")), "templates")


def test_first_version(tmp_path: Path) -> None:
    done = publish(content(), directory=tmp_path, notes="The first.", now=NOW)
    assert (done.status, done.version.version, done.previous) == ("published", "v1.0.0", "")
    [version] = read_versions(tmp_path)
    assert version == done.version
    assert (version.notes, version.created, version.guidance) == ("The first.", "2026-11-24T12:00:00Z", "DEFAULT")
    archive = Archive.open(tmp_path / "v1.0.0" / "archive.zip", version.archive)
    assert [file.path for file in archive.folder("regression/model_build")] == [".github/workflows/a.yml", "README.md"]
    assert [entry.name for entry in tmp_path.iterdir()] == ["v1.0.0"]  # nothing unfinished stays


def test_the_same_content_is_no_new_version(tmp_path: Path) -> None:
    publish(content(), directory=tmp_path, now=NOW)
    again = publish(content(), directory=tmp_path, notes="other notes")
    assert again.status == "unchanged"
    assert again.version.notes == ""
    assert "exactly this content" in again.remarks[-1]
    assert publish(content(), "v1.0.0", directory=tmp_path).status == "unchanged"
    assert len(read_versions(tmp_path)) == 1


def test_a_version_never_changes(tmp_path: Path) -> None:
    publish(content(), "v1.0.0", directory=tmp_path, now=NOW)
    before = (tmp_path / "v1.0.0" / "archive.zip").read_bytes()
    with pytest.raises(VersionTaken, match=r"v1\.0\.0 is published with other content"):
        publish(content(**{"README.md": "# Other\n"}), "v1.0.0", directory=tmp_path)
    assert (tmp_path / "v1.0.0" / "archive.zip").read_bytes() == before


@pytest.mark.parametrize(
    ("changes", "version"),
    [({"README.md": "# New\n"}, "v1.0.1"), ({"more.py": "1\n"}, "v1.1.0"), ({"README.md": None}, "v2.0.0")],
)
def test_the_next_version_says_how_much_changed(tmp_path: Path, changes: dict[str, str | None], version: str) -> None:
    publish(content(), directory=tmp_path)
    done = publish(content(**changes), directory=tmp_path)
    assert (done.version.version, done.previous) == (version, "v1.0.0")


def test_differences_by_part() -> None:
    old, new = content(**{"gone.py": "x", "kept.py": "x"}), content(**{"new.py": "x", "kept.py": "y"})
    assert differences(old.files, new.files) == (
        PartChanges("regression", "model_build", ("new.py",), ("kept.py",), ("gone.py",)),
    )
    executable = [TemplateFile(file.path, file.content, executable=True) for file in old.files[:1]]
    [mode] = differences(old.files, [*executable, *old.files[1:]])
    assert mode.changed == ("README.md",)


def test_a_version_below_the_latest_is_refused(tmp_path: Path) -> None:
    """It would have to have been the newest once, so that the CDK rendered its product template."""
    publish(content(), "v1.0.0", directory=tmp_path)
    publish(content(**{"two.py": "2"}), "v2.0.0", directory=tmp_path)
    for version in ("v0.9.0", "v1.0.1"):
        with pytest.raises(
            VersionTooOld, match=rf"{version} is older than the latest version, v2\.0\.0\. Choose a higher"
        ):
            publish(content(**{"README.md": "# Fixed\n"}), version, directory=tmp_path)
    assert publish(content(), "v1.0.0", directory=tmp_path).status == "unchanged"
    assert [version.version for version in read_versions(tmp_path)] == ["v1.0.0", "v2.0.0"]


def test_a_refused_version_leaves_nothing_behind_not_even_the_newest_ones_template(
    repository: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    versions = tmp_path / "versions"
    publish(content(), "v1.0.0", directory=versions)
    command = ["publish", "--source", str(repository), "--from-ref", "main", "--folder", "templates"]
    assert main([*command, "--versions-dir", str(versions), "--version", "v0.9.0"]) == 1
    assert "v0.9.0 is older than the latest version, v1.0.0" in capsys.readouterr().err
    assert [entry.name for entry in versions.iterdir()] == ["v1.0.0"]


def test_two_at_once_do_not_mix(tmp_path: Path) -> None:
    first = publish(content(), directory=tmp_path)
    with pytest.raises(VersionTaken, match="Somebody else has just published"):
        _write(first.folder, first.version, b"other")  # both had seen that v1.0.0 was free
    assert [version.archive for version in read_versions(tmp_path)] == [first.version.archive]
    assert [entry.name for entry in tmp_path.iterdir()] == ["v1.0.0"]


def test_dry_run_writes_nothing(tmp_path: Path) -> None:
    done = publish(content(), directory=tmp_path / "versions", dry_run=True)
    assert (done.status, done.version.version) == ("dry-run", "v1.0.0")
    assert not (tmp_path / "versions").exists()


@pytest.mark.parametrize("version", ["1.0.0", "v1", "../v1.0.0", "v1.0.0/.."])
def test_odd_version_names_are_refused(tmp_path: Path, version: str) -> None:
    with pytest.raises(VersionError, match=r"Write it as v1\.2\.3"):
        publish(content(), version, directory=tmp_path)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("on: push\njobs: [", "the file is not YAML in line"),
        ("- a\n", "not a mapping"),
        ("jobs:\n  a: {}\n", "no trigger"),
        ("on: push\n", "no `jobs`"),
        ("on: push\njobs:\n  a:\n    steps: [run: x]\n", "'a' does not have `runs-on`"),
        ("on: push\njobs:\n  a:\n    runs-on: x\n", "'a' does not have `steps`"),
        ("on: push\non: pull_request\njobs:\n  a:\n    uses: x\n", "'on' is repeated"),
        ("\udcff", "not UTF-8"),
    ],
)
def test_broken_workflows_are_refused_before_anything_is_written(tmp_path: Path, text: str, said: str) -> None:
    broken = TemplateFile(BUILD + ".github/workflows/b.yml", text.encode("utf-8", "surrogateescape"))
    with pytest.raises(InvalidTemplate, match=said):
        publish(TemplateContent((*content().files, broken), "templates"), directory=tmp_path / "versions")
    assert not (tmp_path / "versions").exists()


def test_workflows_that_call_others_and_files_elsewhere_are_fine() -> None:
    called = TemplateFile(
        BUILD + ".github/workflows/b.yaml", b"on: {push: {branches: [main]}}\njobs: {a: {uses: ./x}}\n"
    )
    other = TemplateFile(BUILD + "docs/c.yml", b"not: [yaml")
    assert check_workflows([called, other]) == 1


def test_the_command_line(repository: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "operations", "publish", "--source", str(repository), "--from-ref", "main"]
    command += ["--folder", "templates", "--versions-dir", str(tmp_path / "versions"), "--notes", "First"]
    done = subprocess.run([*command, "--json"], capture_output=True, text=True, check=True)
    told = json.loads(done.stdout)
    assert (told["status"], told["version"], told["profiles"]) == ("published", "v1.0.0", ["regression"])
    assert told["changes"][0] == {
        "profile": "regression",
        "part": "model_build",
        "added": [".github/workflows/build.yml", "README.md", "run.sh"],
        "changed": [],
        "deleted": [],
    }
    again = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "exactly this content" in again.stdout
    wrong = subprocess.run([*command, "--from-ref", "nothing"], capture_output=True, text=True, check=False)
    assert wrong.returncode == 1
    assert "no branch, tag or commit 'nothing'" in wrong.stderr
    assert "Traceback" not in wrong.stderr


def test_sources_resolved_twice_publish_once(repository: Path, tmp_path: Path) -> None:
    publish(resolve(repository, "main", "templates"), directory=tmp_path / "v")
    assert publish(resolve(repository, folder="templates"), directory=tmp_path / "v").status == "unchanged"


# -- names, and what is not published ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    ["aux.py", "lib/CON", "com1.tar.gz", "a:b", "what?.md", "dot.", "space ", "lpt9", 'quote".txt', "x/NUL.txt/a"],
)
def test_names_that_windows_cannot_hold_are_noted(tmp_path: Path, name: str) -> None:
    done = publish(content(**{name: "x\n"}), directory=tmp_path)
    assert f"Windows does not allow these names, so a clone fails there: {BUILD}{name}." in done.remarks


def test_other_names_are_not_noted(tmp_path: Path) -> None:
    fine = dict.fromkeys(
        ["auxiliary.py", "console.md", "com10", ".gitignore", "a b.txt", "ünï.md", "nul-model.py"], "x"
    )
    assert not [each for each in publish(content(**fine), directory=tmp_path).remarks if "Windows" in each]


@pytest.mark.parametrize(("one", "other"), [("\u00e4.md", "a\u0308.md"), ("lib/\u00c4/x", "lib/a\u0308/y")])
def test_names_that_macos_takes_for_one_are_refused(tmp_path: Path, one: str, other: str) -> None:
    with pytest.raises(NamesAlike, match="differ only in case or Unicode form"):
        publish(content(**{one: "x", other: "y"}), directory=tmp_path)
    assert not list(tmp_path.iterdir())


def test_what_the_templates_own_gitignore_hides_is_noted(tmp_path: Path) -> None:
    hidden = replace(content(), hidden=("regression/model_build/data/sample.csv",))
    (said,) = [each for each in publish(hidden, directory=tmp_path).remarks if ".gitignore" in each]
    assert "ignores these files: regression/model_build/data/sample.csv." in said


# -- a dry run shows what differs --------------------------------------------------------------------------------------


def test_a_dry_run_shows_the_difference(tmp_path: Path) -> None:
    publish(content(**{"old.py": "gone\n", "train.py": "one\ntwo\n", "data.bin": "\0a"}), directory=tmp_path)
    done = publish(
        content(**{"new.py": "new\n", "train.py": "one\n2\n", "data.bin": "\0b"}), directory=tmp_path, dry_run=True
    )
    assert done.patch.splitlines() == [
        f"a/{BUILD}data.bin and b/{BUILD}data.bin differ; they are no text, or too large to be shown",
        "--- /dev/null",
        f"+++ b/{BUILD}new.py",
        "@@ -0,0 +1 @@",
        "+new",
        f"--- a/{BUILD}old.py",
        "+++ /dev/null",
        "@@ -1 +0,0 @@",
        "-gone",
        f"--- a/{BUILD}train.py",
        f"+++ b/{BUILD}train.py",
        "@@ -1,2 +1,2 @@",
        " one",
        "-two",
        "+2",
    ]
    assert publish(content(), directory=tmp_path).patch == "", "what is published is committed, where git shows it"


def test_a_long_difference_is_cut() -> None:
    def of(lines: int) -> list[TemplateFile]:
        return [TemplateFile("a", "".join(f"{line}\n" for line in range(lines)).encode())]

    assert patch([], of(4997)).count("\n") == 4999
    assert patch([], of(4998)).endswith("... and 1 lines more")


def test_a_mode_that_changed_is_shown() -> None:
    one = TemplateFile("run.sh", b"x\n")
    assert patch([one], [replace(one, executable=True)]) == "run.sh: executable"
    assert patch([replace(one, executable=True)], [one]) == "run.sh: no longer executable"
    assert patch([one], [one]) == ""
