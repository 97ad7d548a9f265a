"""What a contributor meets first: CONTRIBUTING.md, the forge's forms, CI and the hooks of a commit."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
CONTRIBUTING = re.sub(r"```.*?```", "", (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"), flags=re.DOTALL)
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
FORMS = sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("[!c]*.yml"))
PINNED = re.compile(r"^[\w-]+/[\w./-]+@[0-9a-f]{40}$")


def read(*path: str) -> Any:
    return yaml.safe_load(ROOT.joinpath(*path).read_text(encoding="utf-8"))


def recipe(target: str) -> str:
    """Return a make target's commands."""
    found = re.search(rf"^{target}:.*\n((?:\t.*\n)+)", MAKEFILE, flags=re.MULTILINE)
    assert found, target
    return found[1]


def test_every_file_and_target_that_it_names_exists() -> None:
    named = [span for span in re.findall(r"`([^`]+)`", CONTRIBUTING) if re.fullmatch(r"[\w./]+/[\w./]*", span)]
    real = [span for span in named if not re.search(r"[A-Z]{4}|[*]", span)]
    assert len(real) > 5
    assert [path for path in real if not (ROOT / path).exists()] == []
    tests = re.findall(r"\btests/[\w/]+(?:\.py)?", CONTRIBUTING)
    assert [path for path in tests if "NAME" not in path and not (ROOT / path.removesuffix("/test_")).exists()] == []
    targets = set(re.findall(r"`make ([a-z -]+)`", CONTRIBUTING))
    assert len(targets) > 8
    for target in " ".join(targets).split():
        assert re.search(rf"^{target}:", MAKEFILE, flags=re.MULTILINE), target


@pytest.mark.parametrize(
    "subject", ["custom resource", "setting", "verb", "fault", "call", "template", "doctor check", "route"]
)
def test_how_to_add_something_names_files_and_tests(subject: str) -> None:
    section = re.search(rf"^### A {subject}.*?(?=^##)", CONTRIBUTING, flags=re.MULTILINE | re.DOTALL)
    assert section
    assert section[0].count("\n| ") > 3
    assert re.search(r"Run (`make [a-z-]+`|`\.venv/bin/pytest [^`]+`)", section[0])


def test_ci_runs_what_the_makefile_has_with_pinned_actions_and_no_rights() -> None:
    workflow = read(".github", "workflows", "ci.yml")
    assert workflow["permissions"] == {}
    [job] = workflow["jobs"].values()
    assert job["permissions"] == {"contents": "read"}
    uses = [step["uses"] for step in job["steps"] if "uses" in step]
    assert uses
    assert [action for action in uses if not PINNED.match(action)] == []
    assert [step["run"] for step in job["steps"] if "run" in step] == ["bash .ci/run"]


def test_actions_have_one_version_in_the_whole_repository() -> None:
    """An update of one place alone would leave the template on the old one, or ours."""
    workflows = [*(ROOT / ".github").rglob("*.yml"), *(ROOT / "templates").rglob(".github/workflows/*.yml")]
    versions: dict[str, set[str]] = {}
    for path in workflows:
        for action, version in re.findall(r"uses: ([\w./-]+)@(.*)", path.read_text(encoding="utf-8")):
            versions.setdefault(action, set()).add(version)
    assert len(versions) > 2
    assert {action: found for action, found in versions.items() if len(found) > 1} == {}


@pytest.mark.parametrize("place", ["/", "templates", "tests/standin", "docs/site"])
def test_dependabot_updates_what_is_locked(place: str) -> None:
    updates = read(".github", "dependabot.yml")["updates"]
    watched = {folder for update in updates for folder in update.get("directories", [update.get("directory")])}
    locks = subprocess.run(
        [
            "git",
            "ls-files",
            "requirements.txt",
            "templates/**/requirements.txt",
            "tests/**/package-lock.json",
            "docs/site/package-lock.json",
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    folders = {"/" + str(Path(lock).parent).strip(".") for lock in locks}
    here = {folder for folder in folders if folder == place or (place != "/" and folder.startswith(f"/{place}"))}
    assert here
    assert here <= watched


def test_hooks_of_a_commit_run_the_tools_of_make_lint() -> None:
    [local] = read(".pre-commit-config.yaml")["repos"]
    entries = {hook["entry"].split(" ")[0] for hook in local["hooks"] if hook["language"] == "system"}
    assert entries == {f".venv/bin/{tool}" for tool in re.findall(r"\$\(BIN\)/([\w-]+)", recipe("lint"))}


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.stem)
def test_a_form_asks_what_cannot_be_guessed(form: Path) -> None:
    """GitHub shows a form only if each field has a known type, a label and an id of its own."""
    document = read(".github", "ISSUE_TEMPLATE", form.name)
    assert {"name", "description", "body"} <= set(document)
    fields = [field for field in document["body"] if field["type"] != "markdown"]
    assert {field["type"] for field in fields} <= {"textarea", "input", "dropdown", "checkboxes"}
    assert all(field["attributes"]["label"] for field in fields)
    identities = [field["id"] for field in fields]
    assert len(set(identities)) == len(identities)
    assert any(field.get("validations", {}).get("required") for field in fields)


def test_the_changelog_has_a_place_for_what_comes_and_sections_of_versions() -> None:
    """The release procedure renames the first section."""
    sections = re.findall(r"^## (.*)$", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert sections[0] == "[Unreleased]"
    assert all(re.fullmatch(r"\[\d+\.\d+\.\d+\] - \d{4}-\d\d-\d\d", section) for section in sections[1:])
