"""Publishing renders the product's template with the version: one folder has all of it, and it stays as it was."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from operations.command_line import main
from operations.errors import NotRendered, VersionTakenBySettings
from operations.publish import publish
from operations.rendering import render
from products.settings import PROJECT_ROOT
from products.versions import read_versions
from tests.operations.test_publish import NOW, content

ALL = ["archive.zip", "product.template.json", "settings.json", "version.json"]


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def named(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def synthesized(versions: Path, out: Path) -> subprocess.CompletedProcess[str]:
    environment = {
        **os.environ,
        "MLOPS_VERSIONS_DIR": str(versions),
        "CDK_OUTDIR": str(out),
        "CDK_CONTEXT_JSON": '{"aws:cdk:bundling-stacks": []}',
        "CDK_VALIDATION": "false",
    }
    command = [sys.executable, "portfolio_app.py"]
    return subprocess.run(command, cwd=PROJECT_ROOT, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.long  # as the others: several syntheses, ten seconds of a processor and more
def test_two_versions_are_published_and_synthesized_without_a_step_between(tmp_path: Path) -> None:
    """The first was published without a template, as the product ships it."""
    versions = tmp_path / "versions"
    publish(content(), directory=versions, now=NOW)
    dry = publish(content(**{"NEW.md": "new\n"}), directory=versions, now=NOW, dry_run=True, render=render)
    assert (dry.status, named(versions / "v1.0.0")) == ("dry-run", ["archive.zip", "version.json"])
    done = publish(content(**{"NEW.md": "new\n"}), directory=versions, now=NOW, render=render)
    assert done.completed == (versions / "v1.0.0",)
    assert done.folder == versions / "v1.1.0"
    assert {folder.name: named(folder) for folder in versions.iterdir()} == {"v1.0.0": ALL, "v1.1.0": ALL}
    before = files(versions)
    for version in ("v1.0.0", "v1.1.0"):
        assert version in json.loads(before[f"{version}/product.template.json"])["Description"]
    run = synthesized(versions, tmp_path / "out")
    assert run.returncode == 0, run.stderr
    assert files(versions) == before


@pytest.mark.long
@pytest.mark.parametrize("again", [True, False], ids=["the same content", "a third version"])
def test_every_version_that_comes_without_a_template_gets_it(tmp_path: Path, again: bool) -> None:
    versions = tmp_path / "versions"
    publish(content(), directory=versions, now=NOW)
    publish(content(**{"NEW.md": "new\n"}), directory=versions, now=NOW)
    more = {} if again else {"THIRD.md": "three\n"}
    done = publish(content(**{"NEW.md": "new\n", **more}), directory=versions, now=NOW, render=render)
    assert done.status == "published"
    assert done.completed == tuple(versions / name for name in ("v1.0.0", "v1.1.0")[: 1 if again else 2])
    assert {named(folder) == ALL for folder in versions.iterdir()} == {True}
    run = synthesized(versions, tmp_path / "out")
    assert run.returncode == 0, run.stderr


@pytest.mark.long
def test_a_changed_setting_makes_a_version_with_the_same_content(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings, versions = tmp_path / "settings.toml", tmp_path / "versions"
    settings.write_text("", encoding="utf-8")
    monkeypatch.setenv("SETTINGS_FILE", str(settings))
    publish(content(), directory=versions, now=NOW)
    completed = publish(content(), directory=versions, now=NOW, render=render)
    assert (completed.status, completed.folder, named(completed.folder)) == ("published", versions / "v1.0.0", ALL)
    assert publish(content(), directory=versions, render=render).status == "unchanged"

    settings.write_text('[product]\nvisibility = "internal"\n', encoding="utf-8")
    with pytest.raises(VersionTakenBySettings, match=r"v1\.0\.0 is published .* differs in: product\.visibility"):
        publish(content(), "v1.0.0", directory=versions, render=render)
    done = publish(content(), directory=versions, now=NOW, render=render)
    assert (done.status, done.version.version, done.completed) == ("published", "v1.0.1", ())
    assert done.remarks[-1] == "The content is the same as in v1.0.0. Changed since then: product.visibility."
    first, second = read_versions(versions)
    assert first.archive == second.archive
    visibility = [
        json.loads((versions / version / "product.template.json").read_bytes())["Parameters"]["RepositoryVisibility"][
            "Default"
        ]
        for version in ("v1.0.0", "v1.0.1")
    ]
    assert visibility == ["private", "internal"]


@pytest.mark.long
def test_one_git_add_of_what_is_named_holds_a_version_completely(
    repository: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    versions = tmp_path / "versions"
    publish(content(), directory=versions, now=NOW)
    command = ["publish", "--source", str(repository), "--from-ref", "main", "--folder", "templates", "--json"]
    assert main([*command, "--versions-dir", str(versions)]) == 0
    [add, *_] = json.loads(capsys.readouterr().out)["next"]
    folders = add.partition(" && ")[0].removeprefix("git add ").split()
    assert folders == [str(folder) for folder in sorted(versions.iterdir())]
    subprocess.run(["git", "init", "--quiet", str(versions)], check=True)
    subprocess.run(["git", "add", *folders], cwd=versions, check=True)
    left = subprocess.run(["git", "status", "--porcelain"], cwd=versions, capture_output=True, text=True, check=True)
    assert [line for line in left.stdout.splitlines() if not line.startswith("A ")] == []


@pytest.mark.long
def test_what_cannot_be_rendered_leaves_nothing_and_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings, versions = tmp_path / "settings.toml", tmp_path / "versions"
    settings.write_text('[portfolio]\nlaunches_only = true\nproducts = ["prod-abcdefghijklm"]\n', encoding="utf-8")
    monkeypatch.setenv("SETTINGS_FILE", str(settings))
    with pytest.raises(NotRendered, match=r"^The product template of v1\.0\.0 could not be rendered: "):
        publish(content(), directory=versions, now=NOW, render=render)
    assert not versions.exists() or list(versions.iterdir()) == []
