"""From v1.0.0's template to the present one: a version like any other for projects whose people have edited theirs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from custom_resources.template_content import Archive, TemplateFile
from operations.template_source import resolve
from products.settings import PROJECT_ROOT
from products.versions import ARCHIVE_FILE, read_versions
from tests.integration.world import Content, Edit, Executable, Project, Tree, World

PROFILE, BUILD, DEPLOY = "regression", "model_build", "model_deploy"
FIRST, NEW = "v1.0.0", "v2.0.0"
PIPELINE = "pipelines/abalone/pipeline.py"  # of the first template; the new one has config.toml and definition.py
WORKFLOW = ".github/workflows/build_sm_pipeline.yml"


def tree(files: Iterable[TemplateFile]) -> dict[str, Content]:
    return {file.path: Executable(file.content.decode()) if file.executable else shown(file.content) for file in files}


def shown(content: bytes) -> Content:
    try:
        return content.decode()
    except UnicodeDecodeError:
        return content


def first(part: str) -> dict[str, Content]:
    """Return what v1.0.0 delivered."""
    folder = PROJECT_ROOT / "products" / "versions"
    [record] = [each for each in read_versions(folder) if each.version == FIRST]
    archive = Archive.open(folder / FIRST / ARCHIVE_FILE, record.archive)
    return tree(archive.folder(f"{PROFILE}/{part}"))


def new(part: str) -> dict[str, Content]:
    """Return what the templates in this repository deliver."""
    place = f"{PROFILE}/{part}/"
    files = resolve(PROJECT_ROOT, folder="templates").files
    return {path.removeprefix(place): content for path, content in tree(files).items() if path.startswith(place)}


TEMPLATES = {part: (first(part), new(part)) for part in (BUILD, DEPLOY)}


def changed(part: str, path: str, old: str, text: str) -> dict[str, Content | None]:
    """Return the edit that replaces a text of a file of v1.0.0."""
    before = TEMPLATES[part][0][path]
    assert isinstance(before, str)
    assert old in before
    return {path: before.replace(old, text)}


def longer(part: str, path: str, text: str) -> dict[str, Content | None]:
    """Return the edit that adds a text at a file's end."""
    before = TEMPLATES[part][0][path]
    assert isinstance(before, str)
    return {path: before + text}


def launched(world: World, part: str, edit: Edit) -> Project:
    project = Project(world, world.publish(FIRST, TEMPLATES[part][0]), part=part).launch()
    if edit:
        project.commit(edit)
    return project


# What fits beside the new template: name -> (part, edit, what the new template's files get of it).
FITS: dict[str, tuple[str, Edit, dict[str, str]]] = {
    "nothing was edited": (BUILD, {}, {}),
    "nothing was edited in deploy": (DEPLOY, {}, {}),
    "a notebook and a script of one's own": (
        BUILD,
        {"notebooks/churn.ipynb": "{}\n", "source_scripts/features.py": "SCALE = 2\n", "tests/test_mine.py": "x = 1\n"},
        {},
    ),
    "a folder that Git leaves out": (BUILD, longer(BUILD, ".gitignore", "raw/\n"), {".gitignore": "raw/\n"}),
    "the pipeline runs each Monday": (
        BUILD,
        changed(BUILD, WORKFLOW, "  workflow_dispatch:\n", "  workflow_dispatch:\n  schedule: [{cron: 0 5 * * 1}]\n"),
        {WORKFLOW: "  schedule: [{cron: 0 5 * * 1}]\n"},
    ),
    "another step's comment": (
        BUILD,
        longer(BUILD, "source_scripts/preprocessing/preprocess.py", "\n# Ours: see the notebook.\n"),
        {"source_scripts/preprocessing/preprocess.py": "# Ours: see the notebook.\n"},
    ),
}
# What the new template changes or drops in the same place: name -> (part, edit, the file that the pull request names).
CONFLICTS: dict[str, tuple[str, Edit, str]] = {
    "deeper trees": (BUILD, changed(BUILD, PIPELINE, '"max_depth": 5', '"max_depth": 8'), PIPELINE),
    "a newer image": (BUILD, changed(BUILD, PIPELINE, '"1.7-1"', '"3.0-5"'), PIPELINE),
    "a README about the project": (BUILD, longer(BUILD, "README.md", "\n## Our model\n\nChurn.\n"), "README.md"),
    "a package": (BUILD, longer(BUILD, "requirements.in", "pandas==2.2.3\n"), "requirements.in"),
    "no checks": (BUILD, {".github/workflows/checks.yml": None}, ".github/workflows/checks.yml"),
    "a larger instance in production": (
        DEPLOY,
        changed(DEPLOY, "infrastructure/production.json", "ml.m5.large", "ml.m5.xlarge"),
        "infrastructure/production.json",
    ),
}


def lines(tree: Tree, path: str) -> set[str]:
    content = tree[path]
    return set(content.splitlines()) if isinstance(content, str) else set()


@pytest.mark.parametrize("name", FITS)
def test_what_fits_is_merged_and_kept(world: World, name: str) -> None:
    part, edit, expected = FITS[name]
    project = launched(world, part, edit)
    status = project.update(world.publish(NEW, TEMPLATES[part][1]))
    assert status["Status"] == "merged"
    assert status["TemplateVersion"] == NEW
    there = project.files()
    own = {path: content for path, content in edit.items() if path not in TEMPLATES[part][0]}
    assert set(there) == set(TEMPLATES[part][1]) | set(own)
    for path, content in {**TEMPLATES[part][1], **own}.items():
        if path not in expected:
            assert there[path] == content, path
            continue
        assert isinstance(there[path], str)
        assert expected[path] in str(there[path])
        assert lines(TEMPLATES[part][1], path) <= lines(there, path)
    assert not project.pulls("all")


@pytest.mark.parametrize("name", CONFLICTS)
def test_what_the_new_template_changes_too_is_asked_about_and_stays_till_then(world: World, name: str) -> None:
    part, edit, named = CONFLICTS[name]
    project = launched(world, part, edit)
    before, tip = project.files(), project.tip()
    status = project.update(world.publish(NEW, TEMPLATES[part][1]))
    assert (status["Status"], status["TemplateVersion"]) == ("pull-request", FIRST)
    assert project.tip() == tip
    assert project.files() == before
    [pull] = project.pulls()
    assert f"`{named}`" in pull["body"]
    offered = project.files(pull["head"]["ref"])
    assert offered["README.md"] == TEMPLATES[part][1]["README.md"]


def resolved(project: Project, edit: Edit) -> None:
    """Do what the pull request tells: merge the default branch into its branch, decide, push, merge."""
    [pull] = project.pulls()
    branch = pull["head"]["ref"]
    project.pull(branch)
    project.git("merge", "--quiet", "--no-edit", "origin/main", status=(0, 1))
    for path, content in edit.items():
        if content is None:
            project.git("rm", "--quiet", "--force", "--ignore-unmatch", "--", path)
    project.write(edit)
    project.git("add", "--all")
    project.git("commit", "--quiet", "--no-edit")
    project.git("push", "--quiet", "origin", f"HEAD:refs/heads/{branch}")
    project.merge_pull(pull["number"])


def test_a_setting_moves_to_config_toml_and_later_versions_merge_beside_it(world: World) -> None:
    """Deeper trees: the new template has them in config.toml, which is the data scientist's."""
    part, edit, _ = CONFLICTS["deeper trees"]
    project = launched(world, part, edit)
    template = TEMPLATES[part][1]
    project.update(world.publish(NEW, template))
    config = str(template["config.toml"])
    depth: dict[str, Any] = {line: line.split("=")[0] + "= 8" for line in config.splitlines() if "max_depth" in line}
    [(old, text)] = depth.items()
    resolved(project, {PIPELINE: None, "config.toml": config.replace(old, text)})
    assert project.files() == {**template, "config.toml": config.replace(old, text)}

    limit = config.replace("rmse = 2.5", "rmse = 2.4")
    assert limit != config
    status = project.update(world.publish("v2.0.1", {**template, "config.toml": limit}))
    assert (status["Status"], status["TemplateVersion"]) == ("merged", "v2.0.1")
    assert project.files()["config.toml"] == limit.replace(old, text)


def test_a_project_that_ignores_a_file_keeps_it_and_gets_the_rest(world: World) -> None:
    edit = longer(BUILD, "README.md", "\n## Our model\n\nChurn.\n")
    project = launched(world, BUILD, {**edit, ".studio-template-ignore": "/README.md\n"})
    assert project.update(world.publish(NEW, TEMPLATES[BUILD][1]))["Status"] == "merged"
    there = project.files()
    assert there["README.md"] == edit["README.md"]
    assert there["config.toml"] == TEMPLATES[BUILD][1]["config.toml"]
