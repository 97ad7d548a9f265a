"""The security gates: cdk-nag, cfn-lint, the IAM review list, and the time that all of it may take."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from products.settings import PROJECT_ROOT, Settings, load_settings
from products.versions import read_versions
from tests.synth.conftest import (
    ACCOUNTS_SETTINGS,
    STUDIO_SETTINGS,
    Assembly,
    context,
    publish,
    synthesize,
    with_settings,
)
from tests.synth.policies import review_list
from tests.synth.reviewed import REVIEWED, Reviewed

pytestmark = pytest.mark.gates


@pytest.fixture(scope="module")
def findings(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[str, str]]:
    """Run cdk-nag's AwsSolutions rules over all stacks, with everything of Studio, and all roles of a project.

    In one account, and in each place of an installation over several. Return (finding, path).
    """
    found = list[tuple[str, str]]()
    for name, text in (("one", STUDIO_SETTINGS), ("several", ACCOUNTS_SETTINGS)):
        folder = tmp_path_factory.mktemp(name)
        publish(folder / "versions", "v1.0.0")
        roles = '[workflow_role]\nenvironments = ["staging", "production"]\n'
        settings = load_settings(with_settings(folder, f"{text}{roles}"))
        for used in [settings.at(place) for place in settings.places] or [settings]:
            found += nagged(used, folder / "versions", folder / str(used.place or "one"))
    return list(dict.fromkeys(found))


def nagged(settings: Settings, store: Path, out: Path) -> list[tuple[str, str]]:
    """Return what cdk-nag finds in one app: (finding, path)."""
    from aws_cdk import Validations
    from cdk_nag import AwsSolutionsChecks

    from products.assembly import build_app

    app = build_app(settings, read_versions(store), store, str(out), context())
    Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    with pytest.raises(RuntimeError, match="ValidationFailed"):  # there are findings; they are reviewed below
        app.synth()
    report = json.loads((out / "validation-report.json").read_text(encoding="utf-8"))
    place = settings.place
    here = {place.account: "<AWS::AccountId>", place.region: "<AWS::Region>"} if place else {}

    def anywhere(finding: str) -> str:
        """Return a finding as it is in a stack that is of no account and region."""
        for value, name in here.items():
            finding = finding.replace(value, name)
        return finding

    return [
        (anywhere(violation["ruleName"]), construct["constructPath"])
        for plugin in report["pluginReports"]
        for violation in plugin["violations"]
        for construct in violation["violatingConstructs"]
    ]


def reviews(finding: tuple[str, str]) -> Iterator[Reviewed]:
    """Yield the reviews that cover a finding."""
    for reviewed in REVIEWED:
        if re.fullmatch(reviewed.finding, finding[0]) and re.fullmatch(reviewed.path, finding[1]):
            yield reviewed


def test_every_finding_of_cdk_nag_has_a_written_reason(findings: list[tuple[str, str]]) -> None:
    assert findings
    left = [finding for finding in findings if not any(reviews(finding))]
    assert not left, "\n".join(map(str, left))


def test_every_reason_is_still_needed(findings: list[tuple[str, str]]) -> None:
    used = {reviewed for finding in findings for reviewed in reviews(finding)}
    assert [reviewed for reviewed in REVIEWED if reviewed not in used] == []
    assert all(len(reviewed.reason.split()) >= 5 for reviewed in REVIEWED)


def test_no_action_has_a_wildcard(assembly: Assembly, places: dict[str, Assembly]) -> None:
    for path in [path for each in (assembly, *places.values()) for path in each.path.glob("*.template.json")]:
        for found in re.findall(r'"Action": ("[^"]+"|\[[^\]]+\])', path.read_text(encoding="utf-8")):
            wild = [action for action in re.findall(r'"([^"]+)"', found) if "*" in action]
            # Of resource policies: deny all without TLS; a key's own policy, which gives its account the key.
            assert set(wild) <= {"s3:*", "sqs:*", "kms:*", "kms:GenerateDataKey*", "kms:ReEncrypt*"}, (path.name, wild)


def test_the_iam_review_list_is_what_the_templates_allow(assembly: Assembly) -> None:
    written = (PROJECT_ROOT / "docs" / "iam.md").read_text(encoding="utf-8")
    assert review_list(assembly.path) == written, "python -m tests.synth.policies cdk.out > docs/iam.md, and review it"


def test_cfn_lint_is_clean(
    assembly: Assembly, administered: Assembly, open_doors: Assembly, places: dict[str, Assembly]
) -> None:
    templates = [*administered.path.glob("*.template.json"), assembly.path / "PortfolioStack.template.json"]
    templates += assembly.path.glob("*.product.template.json")
    templates += [open_doors.path / "StudioStack.template.json", *open_doors.path.glob("*LaunchBlueprint*.json")]
    templates += of_several(places)
    command = [str(Path(sys.executable).with_name("cfn-lint")), *map(str, templates)]
    run = subprocess.run(command, cwd=PROJECT_ROOT, capture_output=True, text=True, timeout=280, check=False)
    assert (run.stdout + run.stderr).strip() == ""
    assert run.returncode == 0


def of_several(places: dict[str, Assembly]) -> list[Path]:
    """Return the templates that only installations over several accounts have, and those that differ there."""
    domain, research, _, further = places.values()
    named = {"DomainFoundationStack", "StudioDomainStack", "StudioProfilesStack", "StudioAccountStack"}
    found = [path for each in (domain, research, further) for path in each.path.glob("*Stack.template.json")]
    kept = [path for path in found if path.name.split(".")[0] in named or path.is_relative_to(further.path)]
    assert {path.name.split(".")[0] for path in kept} == {*named, "FoundationStack", "PortfolioStack"}
    return [*kept, *domain.path.glob("*LaunchBlueprint*.json")]


def test_checkov_is_clean(assembly: Assembly, places: dict[str, Assembly]) -> None:
    checkov = PROJECT_ROOT / ".venv-checkov" / "bin" / "checkov"
    assert checkov.exists(), "checkov is not installed; make check installs it"
    several = [option for path in of_several(places) for option in ("-f", str(path))]
    everything = [option for path in assembly.path.glob("*.json") for option in ("-f", str(path))]
    command = [str(checkov), "--config-file", str(PROJECT_ROOT / ".checkov.yaml"), *everything, *several]
    run = subprocess.run(command, cwd=assembly.path, capture_output=True, text=True, timeout=240, check=False)
    assert run.returncode == 0, run.stdout


def test_synthesis_with_the_cdks_validation_says_nothing(tmp_path: Path) -> None:
    publish(tmp_path / "versions", "v1.0.0")
    run = synthesize(tmp_path / "versions", tmp_path / "cdk.out", validated=True)
    assert (run.returncode, run.stdout + run.stderr) == (0, "")
