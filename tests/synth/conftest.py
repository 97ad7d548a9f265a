"""Real cloud assemblies, synthesized once a session from versions that are published into a temporary store."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from custom_resources.template_content import TemplateFile, archive_name, build_archive
from products.settings import PROJECT_ROOT
from products.versions import ARCHIVE_FILE, RECORD_FILE, Guidance, Version

NOTHING_BUNDLED = '{"aws:cdk:bundling-stacks": []}'


def publish(store: Path, version: str, text: str = "one", guidance: Guidance = "DEFAULT") -> Version:
    """Write a version with a small template, as `operations publish` would."""
    parts = ("model_build", "model_deploy")
    archive = build_archive(TemplateFile(f"regression/{part}/README.md", text.encode()) for part in parts)
    record = Version(
        version=version,
        archive=archive_name(archive),
        source="templates",
        created="2026-11-01T10:00:00Z",
        notes=f"Notes of {version}",
        guidance=guidance,
    )
    folder = store / version
    folder.mkdir(parents=True)
    (folder / ARCHIVE_FILE).write_bytes(archive)
    (folder / RECORD_FILE).write_text(record.record(), encoding="utf-8")
    return record


def synthesize(
    store: Path,
    output: Path,
    *,
    settings: Path | None = None,
    context: str = NOTHING_BUNDLED,
    validated: bool = False,
) -> subprocess.CompletedProcess[str]:
    """Run portfolio_app.py as a person would; `validated` with the CDK's validation, which takes half of the time."""
    environment = {
        **os.environ,
        "MLOPS_VERSIONS_DIR": str(store),
        "CDK_OUTDIR": str(output),
        "CDK_CONTEXT_JSON": context,
        "CDK_VALIDATION": json.dumps(validated),
    }
    if settings:
        environment["SETTINGS_FILE"] = str(settings)
    return subprocess.run(
        [sys.executable, "portfolio_app.py"],
        cwd=PROJECT_ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


@dataclass(frozen=True)
class Assembly:
    """A synthesized cloud assembly and the store it was made from."""

    path: Path
    store: Path

    def template(self, pattern: str) -> dict[str, Any]:
        """Return the one template that the pattern names."""
        (path,) = self.path.glob(pattern)
        return dict(json.loads(path.read_text(encoding="utf-8")))

    @property
    def foundation(self) -> dict[str, Any]:
        """FoundationStack."""
        return self.template("FoundationStack.template.json")

    @property
    def portfolio(self) -> dict[str, Any]:
        """PortfolioStack."""
        return self.template("PortfolioStack.template.json")

    @property
    def product(self) -> dict[str, Any]:
        """The product's newest version."""
        return self.template("*MlopsProject*.product.template.json")


def of_type(template: Mapping[str, Any], kind: str) -> dict[str, dict[str, Any]]:
    """Return the resources of a type by logical id."""
    return {name: resource for name, resource in template["Resources"].items() if resource["Type"] == kind}


def synthesized(store: Path, output: Path, settings: Path | None = None) -> Assembly:
    """Synthesize, and fail with what was said."""
    run = synthesize(store, output, settings=settings)
    assert run.returncode == 0, run.stderr
    return Assembly(output, store)


@pytest.fixture(scope="session")
def assembly(tmp_path_factory: pytest.TempPathFactory) -> Assembly:
    """One published version with the settings that we ship."""
    folder = tmp_path_factory.mktemp("assembly")
    publish(folder / "versions", "v1.0.0")
    return synthesized(folder / "versions", folder / "cdk.out")


ADMIN_SETTINGS = """
architecture = "x86_64"
xray = true
permissions_boundary = "arn:aws:iam::123456789012:policy/Boundary"
notification_email = "platform@example.com"
[github]
api_url = "https://github.example.com/api/v3"
server_url = "https://github.example.com"
oidc_issuer = "github.example.com/_services/token"
oidc_provider_arn = "arn:aws:iam::123456789012:oidc-provider/github.example.com/_services/token"
[git_config]
private_github_organization = "example-org"
[portfolio]
principals = ["arn:aws:iam::123456789012:role/DataScientist"]
principal_patterns = ["arn:aws:iam:::role/MlTeam*"]
share_accounts = ["210987654321"]
share_organizations = ["o-abcdefghij", "ou-abcd-12345678"]
[portfolio.tag_options]
cost_center = ["1234", "5678"]
[profile_folders]
"Tabular models" = "regression"
[product]
retain_on_failure = true
[secret_references]
MLFLOW_TOKEN = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:mlflow-AbCdEf#token"
[workflow_role]
environments = ["production"]
artifact_access = "bucket"
"""


@pytest.fixture(scope="session")
def administered(tmp_path_factory: pytest.TempPathFactory) -> Assembly:
    """Two versions, the older one deprecated, with settings that an administrator of an enterprise would have."""
    folder = tmp_path_factory.mktemp("administered")
    store, settings = folder / "versions", folder / "settings.toml"
    settings.write_text(ADMIN_SETTINGS, encoding="utf-8")
    publish(store, "v1.0.0", guidance="DEPRECATED")
    synthesized(store, folder / "first", settings)
    publish(store, "v1.1.0", "two")
    return synthesized(store, folder / "cdk.out", settings)
