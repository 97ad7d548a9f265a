"""What a template's workflows read and no launch sets is named when it is published."""

from __future__ import annotations

from pathlib import Path

import pytest

from custom_resources.template_content import TemplateFile
from operations.publish import publish
from operations.template_source import TemplateContent, resolve
from operations.workflow_reads import Read, reads, remarks_on_reads
from products.repository_secrets import SECRETS, VARIABLES
from products.settings import PROJECT_ROOT

# As the template of AWS's own sample has them: a launch of ours sets neither.
SEEDS = {
    "regression/model_build/.github/workflows/build_sm_pipeline.yml": """
on: {push: {branches: [main]}}
jobs:
  build:
    runs-on: ubuntu-latest
    env:
      REGION: ${{ secrets.REGION }}
      MODEL_BUCKET_ARN: ${{ secrets.MODEL_BUCKET_ARN }}
    steps:
      - if: vars.TRIGGER_PIPELINE_EXECUTION == 'true'
        run: python run_pipeline.py
""",
    "regression/model_deploy/.github/workflows/deploy_model.yml": """
on: workflow_dispatch
jobs:
  deploy:
    runs-on: ubuntu-latest
    steps:
      - run: npx cdk deploy
        env:
          DEPLOY_ACCOUNT: ${{ secrets.DEPLOY_ACCOUNT }}
          MODEL_PACKAGE_ARN: ${{ secrets.model_package_arn }}
          STACK: ${{ vars['STACK_NAME'] || 'stack' }}
""",
}
BUILD = "regression/model_build"


def files(contents: dict[str, str]) -> list[TemplateFile]:
    return [TemplateFile(path, text.encode()) for path, text in contents.items()]


def workflow(step: str, on: str = "push") -> list[TemplateFile]:
    text = f"on: {on}\njobs: {{a: {{runs-on: x, steps: [{{{step}}}]}}}}\n"
    return files({f"{BUILD}/.github/workflows/a.yml": text})


def test_the_seeds_templates_are_published_and_told_what_they_lack(tmp_path: Path) -> None:
    content = TemplateContent(tuple(files(SEEDS)), "seed")
    done = publish(content, directory=tmp_path / "versions")
    assert done.status == "published"
    assert list(done.remarks) == [
        "regression/model_build: build_sm_pipeline.yml reads the secret MODEL_BUCKET_ARN, which no launch sets, so it "
        "is empty. If it is needed, set it in the repositories or the organization, or list it in [secret_references].",
        "regression/model_deploy: deploy_model.yml reads the secret MODEL_PACKAGE_ARN, which no launch sets, so it is "
        "empty. If it is needed, set it in the repositories or the organization, or list it in [secret_references].",
        "regression/model_deploy: deploy_model.yml reads the variable STACK_NAME, which no launch sets, so it is "
        "empty. If it is needed, set it in the repositories or the organization, or list it in [variables].",
    ]


def test_secrets_of_the_settings_are_set() -> None:
    told = remarks_on_reads(files(SEEDS), {"MODEL_BUCKET_ARN", "MODEL_PACKAGE_ARN"})
    assert [each.split(" ")[4:6] for each in told] == [["variable", "STACK_NAME,"]]
    assert remarks_on_reads(files(SEEDS), {"MODEL_BUCKET_ARN", "MODEL_PACKAGE_ARN", "STACK_NAME"}) == []


def test_our_own_templates_lack_nothing_that_they_need() -> None:
    """What names another account's roles is for those who deploy there (docs/templates.md)."""
    content = resolve(PROJECT_ROOT, folder="templates")
    told = {" ".join(remark.split("reads ")[1].split(",")[0].split()) for remark in remarks_on_reads(content.files)}
    assert told <= {"the variable DEPLOY_EXECUTION_ROLE_ARN", "the variable DEPLOY_ROLE_NAME"}
    found = {(each.kind, each.name) for each in reads(content.files)}
    assert ("secret", "OIDC_ROLE_GITHUB_PRODUCTION") in found
    assert ("variable", "ATHENA_WORKGROUP") in found


@pytest.mark.parametrize(
    "step",
    [
        "run: 'echo ${{ secrets.X }}'",
        "run: \"echo ${{ format('{0}', secrets['x']) }}\"",
        "run: 'echo ${{ SECRETS.x }}'",
        "if: \"secrets.X != ''\", run: echo",
        "with: {a: ['${{ secrets.X }}']}, uses: b",
    ],
)
def test_every_form_of_reading_is_found(step: str) -> None:
    assert reads(workflow(step)) == [Read(BUILD, "secret", "X", "a.yml")]


@pytest.mark.parametrize(
    "step",
    [
        "run: 'echo secrets.X'",  # a text of the shell's
        "run: 'echo ${{ secrets.GITHUB_TOKEN }}'",
        "run: 'echo ${{ steps.secrets.X }}'",
        "if: \"github.ref == 'secrets.X'\", run: echo",
        "run: echo  # ${{ secrets.X }}\n",
    ],
)
def test_what_reads_nothing_is_not_named(step: str) -> None:
    assert reads(workflow(step)) == []


def test_what_a_caller_passes_to_a_reusable_workflow_is_no_secret_of_the_repository() -> None:
    step = "run: 'echo ${{ secrets.X }} ${{ secrets.Y }}'"
    assert reads(workflow(step, "{workflow_call: {secrets: {x: {required: true}}}}")) == [
        Read(BUILD, "secret", "Y", "a.yml")
    ]


@pytest.mark.parametrize(
    ("part", "missing"),
    [
        ("model_build", {"DEPLOY_ACCOUNT", "OIDC_ROLE_GITHUB_PRODUCTION"}),
        ("model_deploy", {"GLUE_DATABASE", "GLUE_TABLE", "ATHENA_WORKGROUP"}),
    ],
)
def test_each_part_has_names_of_its_own(part: str, missing: set[str]) -> None:
    text = " ".join(f"${{{{ secrets.{name} }}}}" for name in SECRETS["Deploy"])
    text += " ".join(f"${{{{ vars.{name} }}}}" for name in VARIABLES["Build"])
    found = files({f"regression/{part}/.github/workflows/a.yml": f"on: push\nenv: {{A: '{text}'}}\njobs: {{}}\n"})
    assert {each.name for each in reads(found)} == {*SECRETS["Deploy"], *VARIABLES["Build"]}
    assert {each.split(" ")[5].rstrip(",") for each in remarks_on_reads(found)} == missing
