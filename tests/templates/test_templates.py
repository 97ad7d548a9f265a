"""The templates that we publish: what their workflows may do, what they read, and that their own tests pass."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from custom_resources.template_content import Archive, archive_name, build_archive
from operations.template_source import TemplateContent, resolve
from operations.workflow_check import check_workflows
from products.settings import PROJECT_ROOT, load_settings
from products.versions import read_versions
from tests.actions_secrets import DEPLOY_SECRETS, DEPLOY_VARIABLES, SECRETS, VARIABLES

TEMPLATES = PROJECT_ROOT / "templates"
PROFILES = sorted(each.name for each in TEMPLATES.iterdir() if each.is_dir())
PARTS = sorted(TEMPLATES.glob("*/model_*"))
WORKFLOWS = sorted(TEMPLATES.glob("*/model_*/.github/workflows/*.yml"))
PINNED = re.compile(r"^[\w.-]+/[\w./-]+@[0-9a-f]{40} +# v\d+(\.\d+){0,2}$")


def tool(name: str) -> str:
    """Return a command of this environment."""
    return str(Path(sys.executable).parent / name)


def name_of(path: Path) -> str:
    return str(path.relative_to(TEMPLATES))


@pytest.fixture(scope="module")
def content() -> TemplateContent:
    return resolve(PROJECT_ROOT, folder="templates")


def test_there_is_something_to_check() -> None:
    assert set(PROFILES) >= {"batch", "classification", "regression"}
    assert {name_of(part) for part in PARTS} == {
        f"{profile}/{part}" for profile in PROFILES for part in ("model_build", "model_deploy")
    }
    assert len(WORKFLOWS) >= 4 * len(PROFILES)


def test_the_newest_version_has_them_as_they_are(content: TemplateContent) -> None:
    newest = read_versions(PROJECT_ROOT / "products" / "versions")[-1]
    assert newest.archive == archive_name(build_archive(content.files)), "publish the templates again"


def test_the_templates_can_be_published(content: TemplateContent) -> None:
    assert check_workflows(content.files) == len(WORKFLOWS)
    archive = Archive.open(build_archive(content.files))
    for profile in PROFILES:
        archive.require_profile(profile)
        files = {file.path: file for file in archive.folder(f"{profile}/model_build")}
        assert files["bin/lock"].executable
        assert not files["README.md"].executable
        packed = [file.content for path, file in files.items() if path.endswith(".gz")]
        assert all(content[:2] == b"\x1f\x8b" for content in packed)
        assert {".gitignore", ".gitattributes", ".github/workflows/build_sm_pipeline.yml"} <= set(files)
        assert not [path for path in files if path.startswith((".venv/", "build/"))]


def test_zizmor_finds_nothing() -> None:
    done = subprocess.run(
        [tool("zizmor"), "--offline", "--no-progress", str(TEMPLATES)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_actionlint_finds_nothing() -> None:
    """Without shellcheck, which is not everywhere."""
    command = [tool("actionlint"), "-no-color", "-shellcheck=", "-pyflakes=", *map(str, WORKFLOWS)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_actionlint_would_find_something(tmp_path: Path) -> None:
    broken = tmp_path / "broken.yml"
    broken.write_text(WORKFLOWS[0].read_text().replace("vars.", "varz."))
    done = subprocess.run([tool("actionlint"), str(broken)], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "varz" in done.stdout


def test_workflows_have_githubs_form() -> None:
    command = [tool("check-jsonschema"), "--builtin-schema", "vendor.github-workflows", *map(str, WORKFLOWS)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


FACT = re.compile(r"\b(secrets|vars)\.([A-Za-z0-9_]+)")
# What names another account's roles is for those who deploy there.
OPTIONAL = {"DEPLOY_ROLE_NAME", "DEPLOY_EXECUTION_ROLE_ARN"}


def read_from(context: str, workflow: Path) -> set[str]:
    return {name for found, name in FACT.findall(workflow.read_text()) if found == context}


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=name_of)
def test_workflows_read_only_what_the_product_sets(workflow: Path) -> None:
    deploys = "model_deploy" in workflow.parts
    assert read_from("secrets", workflow) <= (DEPLOY_SECRETS if deploys else SECRETS)
    assert read_from("vars", workflow) <= (DEPLOY_VARIABLES if deploys else VARIABLES) | OPTIONAL


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=name_of)
def test_a_plain_fact_is_read_as_a_variable(workflow: Path) -> None:
    """GitHub masks a secret's value wherever it stands in the job's log."""
    assert read_from("secrets", workflow).isdisjoint(VARIABLES)


def test_every_fact_of_the_build_repository_is_of_use() -> None:
    builds = [path for path in WORKFLOWS if "model_build" in path.parts]
    assert set().union(*(read_from("secrets", path) for path in builds)) == SECRETS - VARIABLES
    assert set().union(*(read_from("vars", path) for path in builds)) == VARIABLES


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=name_of)
def test_actions_are_pinned_by_commit(workflow: Path) -> None:
    uses = re.findall(r"uses: *(.+)", workflow.read_text())
    assert uses
    assert not [action for action in uses if not PINNED.match(action)]


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=name_of)
def test_permissions_are_given_job_by_job(workflow: Path) -> None:
    found: dict[Any, Any] = yaml.safe_load(workflow.read_text())
    assert found["permissions"] == {}
    assert found["concurrency"]
    for job in found["jobs"].values():
        text = str(job["steps"])
        wanted = {"contents": "read"} | ({"id-token": "write"} if "configure-aws-credentials" in text else {})
        assert job["permissions"] == wanted
        assert job["timeout-minutes"]


@pytest.mark.parametrize("profile", PROFILES)
def test_a_push_starts_the_pipeline_only_when_it_is_switched_on(profile: str) -> None:
    build = yaml.safe_load((TEMPLATES / profile / "model_build/.github/workflows/build_sm_pipeline.yml").read_text())
    condition = build["jobs"]["pipeline"]["if"]
    assert condition == "github.event_name == 'workflow_dispatch' || vars.TRIGGER_PIPELINE_EXECUTION == 'true'"


@pytest.mark.parametrize("profile", PROFILES)
def test_an_approved_model_can_start_the_deployment(profile: str) -> None:
    settings = load_settings()
    deploy = TEMPLATES / profile / "model_deploy/.github/workflows" / settings.studio.model_approval.workflow
    found: dict[Any, Any] = yaml.safe_load(deploy.read_text())
    triggers = found[True]  # YAML 1.1's reading of `on`
    assert "model_package_arn" in triggers["workflow_dispatch"]["inputs"]
    assert "repository_dispatch" in triggers
    assert {job["environment"] for job in found["jobs"].values()} <= set(settings.workflow_role.environments)


@pytest.mark.parametrize("part", PARTS, ids=name_of)
def test_python_is_clean(part: Path) -> None:
    scripts = [path for path in part.rglob("*") if path.is_file() and path.suffix == ".py"]
    assert scripts
    for script in scripts:
        ast.parse(script.read_text(), str(script))
    for command in (["check", "--no-cache", "."], ["format", "--no-cache", "--check", "."]):
        done = subprocess.run([tool("ruff"), *command], cwd=part, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


LOCK_ENTRY = re.compile(r"[\w.-]+(\[[\w,-]+\])?==[\w.]+( ; [^\n\\]+)?( \\\n    --hash=sha256:[0-9a-f]{64})+\n?")


@pytest.mark.parametrize("part", PARTS, ids=name_of)
def test_requirements_are_locked_with_their_hashes(part: Path) -> None:
    """What pip installs is in the file, at one version, by the hash of its wheels; and no package index is named."""
    locks = sorted(part.rglob("requirements*.txt"))
    assert locks
    for path in locks:
        text = path.read_text()
        entries = [each for each in re.split(r"\n(?! )", text) if each and each[0] != "#"]
        assert [entry for entry in entries if not LOCK_ENTRY.fullmatch(entry)] == []
        assert "://" not in text
    assert lock_check(part) == (0, "The lock files are up to date.\n")


def lock_check(part: Path) -> tuple[int, str]:
    """Run a part's `bin/lock --check`, which is offline."""
    command = [sys.executable, "-B", "bin/lock", "--check"]
    done = subprocess.run(command, cwd=part, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout


def edited(part: Path, file: str, old: str, new: str) -> None:
    text = (part / file).read_text(encoding="utf-8")
    assert old in text
    (part / file).write_text(text.replace(old, new, 1), encoding="utf-8")


BOTH = "Out of date: requirements.txt, requirements-dev.txt. Run: make lock\n"
TRACKING = "source_scripts/tracking/requirements"
STALE = {
    "a package more": ("model_deploy", "pyproject.toml", '["boto3"]', '["boto3", "requests"]', BOTH),
    "another version": ("model_build", "pyproject.toml", "sagemaker==3.27.0", "sagemaker==3.28.0", BOTH),
    "a constraint": ("model_build", "pyproject.toml", "scikit-learn==1.8.0", "scikit-learn==1.9.0", BOTH),
    "another Python": ("model_deploy", "pyproject.toml", "<3.13", "<3.14", BOTH),
    "what a step installs": (
        "model_build",
        f"{TRACKING}.in",
        "mlflow-skinny",
        "mlflow-skinny<4",
        f"Out of date: {TRACKING}.txt. Run: make lock\n",
    ),
    "what a step leaves out": (
        "model_build",
        f"{TRACKING}-overrides.in",
        "mlflow ;",
        "mlflow==3.0 ;",
        f"Out of date: {TRACKING}.txt. Run: make lock\n",
    ),
    "one lock alone": (
        "model_deploy",
        "requirements.txt",
        "botocore==",
        "botocore==0.",
        "Not the same in requirements.txt and requirements-dev.txt: botocore. Run: make lock\n",
    ),
}


@pytest.mark.parametrize("change", STALE)
def test_a_lock_that_does_not_fit_is_noticed(tmp_path: Path, change: str) -> None:
    folder, file, old, new, sentence = STALE[change]
    part = tmp_path / "part"
    shutil.copytree(TEMPLATES / "regression" / folder, part)
    edited(part, file, old, new)
    assert lock_check(part) == (1, sentence)


def test_a_lock_does_not_depend_on_how_code_is_linted(tmp_path: Path) -> None:
    part = tmp_path / "part"
    shutil.copytree(TEMPLATES / "regression/model_deploy", part)
    edited(part, "pyproject.toml", "line-length = 120", "line-length = 100")
    assert lock_check(part)[0] == 0


@pytest.mark.parametrize("part", PARTS, ids=name_of)
def test_locks_are_checked_wherever_checks_are(part: Path) -> None:
    """By `make check`, before a commit, and in a pull request."""
    hooks = yaml.safe_load((part / ".pre-commit-config.yaml").read_text())["repos"][0]["hooks"]
    assert ".venv/bin/python bin/lock --check" in [hook["entry"] for hook in hooks]
    assert "\t$(BIN)/python bin/lock --check\n" in (part / "Makefile").read_text().partition("\ncheck:")[2]
    checks = yaml.safe_load((part / ".github/workflows/checks.yml").read_text())["jobs"]["tests"]["steps"]
    assert "python bin/lock --check" in [step.get("run") for step in checks]


LOCKED = re.compile(
    r"python -m pip install (?=.*--require-hashes )(?=.*--only-binary ':all:' )[-\w:' ]+ -r requirements(-dev)?\.txt"
)
BRINGS_CODE = re.compile(r"\b(pip|pipx|uv|uvx|npm|npx|yarn|conda|poetry|apt|apt-get|curl|wget|docker|gem|cargo|go)\b")


def steps_that_bring_code(workflow: Path) -> Iterator[str]:
    """Yield the shell lines of a workflow's jobs that install or download something."""
    for job in yaml.safe_load(workflow.read_text())["jobs"].values():
        assert not {"container", "services"} & set(job)
        for step in job["steps"]:
            yield from (line for line in step.get("run", "").splitlines() if BRINGS_CODE.search(line))


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=name_of)
def test_nothing_unlocked_runs_where_credentials_are_to_be_had(workflow: Path) -> None:
    found = [*steps_that_bring_code(workflow)]
    assert found
    assert [line for line in found if not LOCKED.fullmatch(line)] == []


@pytest.mark.parametrize(
    "line",
    [
        "python -m pip install -r requirements.txt",
        "python -m pip install --require-hashes --only-binary ':all:' -r requirements.txt boto3",
        "python -m pip install --require-hashes -r requirements.txt",
        "curl -s https://example.com/install.sh | sh",
    ],
)
def test_what_is_unlocked_would_be_found(tmp_path: Path, line: str) -> None:
    workflow = tmp_path / "one.yml"
    workflow.write_text(yaml.safe_dump({"jobs": {"one": {"steps": [{"run": line}]}}}))
    assert [each for each in steps_that_bring_code(workflow) if not LOCKED.fullmatch(each)] == [line]


def own_tests(part: Path, base: Path) -> int:
    """Run a part's own tests; return how many passed. Those that need pandas or SageMaker's SDK are skipped here."""
    command = [sys.executable, "-B", "-m", "pytest", "-c", "pyproject.toml", "-p", "no:cacheprovider"]
    done = subprocess.run([*command, f"--basetemp={base}"], cwd=part, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    passed = re.search(r"(\d+) passed", done.stdout)
    assert passed, done.stdout
    return int(passed[1])


@pytest.mark.long  # half a minute of a processor; make test-templates has them, too
@pytest.mark.parametrize("part", PARTS, ids=name_of)
def test_their_own_tests_pass(part: Path, tmp_path: Path) -> None:
    """test_launched.py has what is skipped here."""
    assert own_tests(part, tmp_path) >= 30


@pytest.mark.long
@pytest.mark.parametrize("template", sorted(TEMPLATES.glob("*/model_deploy/infrastructure/*.yaml")), ids=name_of)
def test_infrastructure_is_valid(template: Path) -> None:
    done = subprocess.run(
        [tool("cfn-lint"), str(template)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
