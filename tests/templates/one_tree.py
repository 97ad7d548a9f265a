"""What the templates share, file for file: `python -m tests.templates.one_tree` copies it from the first to the others.

Each profile lists the files that are its own. Every other file has the content that it has in `regression`.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator
from pathlib import Path

from custom_resources.template_content import Archive, build_archive
from operations.template_source import resolve
from products.settings import PROJECT_ROOT

TEMPLATES = PROJECT_ROOT / "templates"
FIRST = "regression"
PARTS = ("model_build", "model_deploy")

# What a two-class model does otherwise: its columns and label, its metrics and gate, and what says so to people.
_CLASSIFICATION = {
    "model_build/README.md",
    "model_build/config.toml",
    "model_build/data/README.md",
    "model_build/data/abalone.csv.gz",
    "model_build/data/credit.csv.gz",
    "model_build/notebooks/explore.ipynb",
    "model_build/pipelines/__init__.py",
    "model_build/pipelines/configuration.py",
    "model_build/pipelines/definition.py",
    "model_build/pipelines/local_run.py",
    "model_build/source_scripts/evaluation/evaluate.py",
    "model_build/source_scripts/preprocessing/preprocess.py",
    "model_build/tests/test_configuration.py",
    "model_build/tests/example.sums",
    "model_build/tests/example.toml",
    "model_build/tests/test_steps.py",
    "model_deploy/README.md",
}
# The same model, scored on a schedule: its build part writes a baseline, its deploy part is a pipeline.
_BATCH = _CLASSIFICATION | {
    "model_build/source_scripts/baseline/baseline.py",
    "model_deploy/.github/pull_request_template.md",
    "model_deploy/.github/workflows/checks.yml",
    "model_deploy/.github/workflows/deploy_model.yml",
    "model_deploy/.github/workflows/rollback.yml",
    "model_deploy/.github/workflows/score.yml",
    "model_deploy/Makefile",
    "model_deploy/bin/predict",
    "model_deploy/config.toml",
    "model_deploy/data/README.md",
    "model_deploy/data/credits.csv.gz",
    "model_deploy/deploy_endpoint.py",
    "model_deploy/deploy_model.py",
    "model_deploy/deployment/__init__.py",
    "model_deploy/deployment/configuration.py",
    "model_deploy/deployment/release.py",
    "model_deploy/deployment/settings.py",
    "model_deploy/deployment/smoke_test.py",
    "model_deploy/deployment/stack.py",
    "model_deploy/infrastructure/endpoint.yaml",
    "model_deploy/pipelines/__init__.py",
    "model_deploy/pipelines/configuration.py",
    "model_deploy/pipelines/definition.py",
    "model_deploy/pipelines/drift_report.py",
    "model_deploy/pipelines/execution.py",
    "model_deploy/pipelines/local_run.py",
    "model_deploy/pipelines/project.py",
    "model_deploy/pipelines/scoring_data.py",
    "model_deploy/pipelines/source_code.py",
    "model_deploy/pipelines/summary.py",
    "model_deploy/pyproject.toml",
    "model_deploy/requirements-dev.txt",
    "model_deploy/requirements.txt",
    "model_deploy/rollback.py",
    "model_deploy/run_pipeline.py",
    "model_deploy/sample_model/README.md",
    "model_deploy/sample_model/baseline.json",
    "model_deploy/sample_model/model.tar.gz",
    "model_deploy/sample_model/smoke.json",
    "model_deploy/source_scripts/baseline/baseline.py",
    "model_deploy/source_scripts/drift/drift.py",
    "model_deploy/source_scripts/scoring/athena_table.py",
    "model_deploy/source_scripts/scoring/score.py",
    "model_deploy/tests/example.sums",
    "model_deploy/tests/example.toml",
    "model_deploy/tests/project_facts.py",
    "model_deploy/tests/test_configuration.py",
    "model_deploy/tests/test_definition.py",
    "model_deploy/tests/test_deployment.py",
    "model_deploy/tests/test_run.py",
    "model_deploy/tests/test_steps.py",
}
# A prompt and a model are evaluated instead of trained, and a stage uses a configuration instead of an endpoint.
_LLM_EVALUATION = {
    "model_build/Makefile",
    "model_build/README.md",
    "model_build/config.toml",
    "model_build/data/README.md",
    "model_build/data/abalone.csv.gz",
    "model_build/data/prompts.csv",
    "model_build/data/recorded/answers.jsonl",
    "model_build/notebooks/explore.ipynb",
    "model_build/pipelines/__init__.py",
    "model_build/pipelines/configuration.py",
    "model_build/pipelines/cost.py",
    "model_build/pipelines/definition.py",
    "model_build/pipelines/evaluation_data.py",
    "model_build/pipelines/gate.py",
    "model_build/pipelines/local_run.py",
    "model_build/pipelines/source_code.py",
    "model_build/pipelines/training_data.py",
    "model_build/pyproject.toml",
    "model_build/run_pipeline.py",
    "model_build/source_scripts/bedrock/conversation.py",
    "model_build/source_scripts/bedrock/estimate.py",
    "model_build/source_scripts/bedrock/prompts.py",
    "model_build/source_scripts/bedrock/recorded.py",
    "model_build/source_scripts/bedrock/step.py",
    "model_build/source_scripts/evaluation/evaluate.py",
    "model_build/source_scripts/generation/generate.py",
    "model_build/source_scripts/judging/judge.py",
    "model_build/source_scripts/preprocessing/preprocess.py",
    "model_build/source_scripts/training/train.py",
    "model_build/tests/converse.py",
    "model_build/tests/example.sums",
    "model_build/tests/example.toml",
    "model_build/tests/test_configuration.py",
    "model_build/tests/test_conversation.py",
    "model_build/tests/test_definition.py",
    "model_build/tests/test_evaluate.py",
    "model_build/tests/test_judge.py",
    "model_build/tests/test_steps.py",
    "model_build/tests/test_upload.py",
    "model_deploy/.github/workflows/checks.yml",
    "model_deploy/.github/workflows/deploy_model.yml",
    "model_deploy/.github/workflows/rollback.yml",
    "model_deploy/Makefile",
    "model_deploy/README.md",
    "model_deploy/bin/ask",
    "model_deploy/bin/predict",
    "model_deploy/config.toml",
    "model_deploy/deploy_configuration.py",
    "model_deploy/deploy_endpoint.py",
    "model_deploy/deployment/__init__.py",
    "model_deploy/deployment/configuration.py",
    "model_deploy/deployment/evaluated.py",
    "model_deploy/deployment/release.py",
    "model_deploy/deployment/settings.py",
    "model_deploy/deployment/smoke_test.py",
    "model_deploy/infrastructure/configuration.yaml",
    "model_deploy/infrastructure/endpoint.yaml",
    "model_deploy/pyproject.toml",
    "model_deploy/rollback.py",
    "model_deploy/tests/example.toml",
    "model_deploy/tests/project_facts.py",
    "model_deploy/tests/test_ask.py",
    "model_deploy/tests/test_configuration.py",
    "model_deploy/tests/test_deployment.py",
}
OWN = {"batch": _BATCH, "classification": _CLASSIFICATION, "llm-evaluation": _LLM_EVALUATION}
# Files that are the same in other places too: of which file.
SAME = {
    **{
        f"batch/model_deploy/pipelines/{name}.py": f"{FIRST}/model_build/pipelines/{name}.py"
        for name in ("execution", "project", "source_code", "summary")
    },
    "batch/model_deploy/source_scripts/scoring/athena_table.py": (
        f"{FIRST}/model_build/source_scripts/preprocessing/athena_table.py"
    ),
    "batch/model_deploy/source_scripts/baseline/baseline.py": "batch/model_build/source_scripts/baseline/baseline.py",
    **{
        f"batch/model_build/{name}": f"classification/model_build/{name}"
        for name in (
            "config.toml",
            "data/README.md",
            "data/credit.csv.gz",
            "notebooks/explore.ipynb",
            "pipelines/configuration.py",
            "pipelines/local_run.py",
            "tests/example.sums",
            "tests/example.toml",
            "tests/test_configuration.py",
        )
    },
}


def delivered() -> dict[str, dict[str, bytes]]:
    """Return each profile's files, by their path below the profile's folder."""
    content = resolve(PROJECT_ROOT, folder="templates")
    archive = Archive.open(build_archive(content.files))
    return {
        profile: {f"{part}/{file.path}": file.content for part in PARTS for file in archive.folder(f"{profile}/{part}")}
        for profile in content.profiles
    }


def differing(files: dict[str, bytes], first: dict[str, bytes]) -> set[str]:
    """Return the paths that only one of two profiles has, or that differ."""
    return {path for path in files.keys() | first.keys() if files.get(path) != first.get(path)}


def copies() -> Iterator[tuple[Path, Path]]:
    """Yield what has to be copied, from where to where."""
    found = delivered()
    for profile, own in OWN.items():
        for path in sorted(differing(found[profile], found[FIRST]) - own):
            if path in found[FIRST]:
                yield TEMPLATES / FIRST / path, TEMPLATES / profile / path
    for path, source in SAME.items():
        yield TEMPLATES / source, TEMPLATES / path


def write_examples(part: Path) -> None:
    """Write what a part's tests know of its settings (example.toml) and its data (example.sums)."""
    tests = part / "tests"
    shutil.copy(part / "config.toml", tests / "example.toml")
    files = sorted(path for name in ("data", "sample_model") for path in (part / name).rglob("*") if path.is_file())
    sums = [
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.relative_to(part)}\n"
        for path in files
        if path.name != "README.md"
    ]
    (tests / "example.sums").write_text("".join(sums), encoding="utf-8")


def main() -> None:
    """Copy it; `git status` shows what."""
    for part in TEMPLATES.glob("*/model_*"):
        write_examples(part)
    for source, target in copies():
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source, target)


if __name__ == "__main__":
    main()
