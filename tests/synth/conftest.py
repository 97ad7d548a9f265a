"""Real cloud assemblies, synthesized once for all processes from versions that are published into a temporary store."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from custom_resources.template_content import TemplateFile, archive_name, build_archive
from products.errors import SettingsError
from products.settings import PROJECT_ROOT, load_settings
from products.versions import ARCHIVE_FILE, RECORD_FILE, TEMPLATE_FILE, Guidance, Version, read_versions, rendered

NOTHING_BUNDLED = '{"aws:cdk:bundling-stacks": []}'
# The CDK's Node process reads them when it starts, at the first import of aws_cdk: no validation, which takes half of a
# synthesis' time (make synth, cdk deploy and the gates have it), and no warning about its own age.
os.environ.setdefault("CDK_VALIDATION", "false")
os.environ.setdefault("JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION", "20")


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
    done = subprocess.run(
        [sys.executable, "portfolio_app.py"],
        cwd=PROJECT_ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    if not done.returncode:
        keep(store, output)
    return done


def keep(store: Path, output: Path) -> None:
    """Keep the newest version's product template with the version, as publishing does, if it has none yet."""
    from products.assembly import product_template

    newest = read_versions(store)[-1].version
    made = product_template(output)
    if made and not rendered(store, newest):
        shutil.copy(made, store / newest / TEMPLATE_FILE)


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


@cache
def schema(kind: str) -> dict[str, Any]:
    """Return AWS's schema of a resource type, as cfn-lint ships it."""
    from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER  # type: ignore[import-untyped]

    return dict(PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", kind).schema)


def handlers(kind: str) -> list[str]:
    """Return the permissions that CloudFormation's handlers of a type use, each once."""
    found = [each for handler in schema(kind)["handlers"].values() for each in handler["permissions"]]
    return sorted(set(found))


def context() -> dict[str, Any]:
    """Return the context of cdk.json, with layers that are not built."""
    shipped = json.loads((PROJECT_ROOT / "cdk.json").read_text(encoding="utf-8"))["context"]
    return {**shipped, **json.loads(NOTHING_BUNDLED)}


def synthesized(store: Path, output: Path, settings: Path | None = None) -> Assembly:
    """Synthesize in this process, where the CDK is loaded once. Raises SettingsError as portfolio_app.py shows it."""
    from products.assembly import write_assembly

    write_assembly(load_settings(settings), read_versions(store), store, str(output), context())
    keep(store, output)
    return Assembly(output, store)


def refusal(store: Path, output: Path, settings: Path | None = None) -> str:
    """Return the sentence that a synthesis is refused with."""
    with pytest.raises(SettingsError) as refused:
        synthesized(store, output, settings)
    return str(refused.value)


def copied(store: Path, folder: Path) -> Path:
    """Return a copy of a store, with its snapshots, that a test may publish into."""
    return Path(shutil.copytree(store, folder / "versions"))


def shared(folders: pytest.TempPathFactory, name: str, make: Callable[[Path], None]) -> Assembly:
    """Return the assembly that the first process to need it makes, in a folder of all processes of this test run."""
    base = folders.getbasetemp()
    folder = (base.parent if base.name.startswith("popen-") else base) / f"synth-{name}"
    folder.mkdir(exist_ok=True)
    made = folder / "made"
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists():
            make(folder)
            made.touch()
    return Assembly(folder / "cdk.out", folder / "versions")


def with_settings(folder: Path, text: str) -> Path:
    """Write settings into a folder, and return their path."""
    path = folder / "settings.toml"
    path.write_text(text, encoding="utf-8")
    return path


ACCOUNTS_SETTINGS = """
permissions_boundary = "arn:aws:iam::111111111111:policy/Boundary"
[git_config]
private_github_organization = "acme-ml"
[portfolio]
principals = ["arn:aws:iam::222222222222:role/Platform", "arn:aws:iam::333333333333:role/Platform"]
[secret_references]
MLFLOW_TOKEN = "arn:aws:secretsmanager:*:*:secret:mlops/mlflow#token"
[studio]
domain_id = "dzd_1a2b3c"
domain_account = "111111111111"
domain_region = "eu-central-1"
domain_key_arn = "arn:aws:kms:eu-central-1:111111111111:key/domain"
profiles = ["Regression"]
[studio.own_profiles."Tabular models"]
account = "forecasts"
region = "us-west-2"
[studio.own_profiles."Research"]
account = "research"
[studio.project_setup]
profiles = ["By event"]
[studio.model_approval]
enabled = true
[accounts.research]
account = "222222222222"
regions = ["eu-west-1"]
admin_role = "arn:aws:iam::222222222222:role/Admin"
[accounts.forecasts]
account = "333333333333"
regions = ["us-east-1", "us-west-2"]
oidc_provider_exists = true
"""
PLACES = ("domain", "research/eu-west-1", "forecasts/us-east-1", "forecasts/us-west-2")


def all_places(folder: Path) -> None:
    """Synthesize the assemblies of several accounts into folders of their places, from one store."""
    from products.assembly import write_assembly

    store = folder / "versions"
    publish(store, "v1.0.0")
    settings = load_settings(with_settings(folder, ACCOUNTS_SETTINGS))
    for place in settings.places:
        output = str(folder / "cdk.out" / str(place))
        write_assembly(settings.at(place), read_versions(store), store, output, context())
        keep(store, Path(output))


@pytest.fixture(scope="session")
def places(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Assembly]:
    """One published version in the domain's account, in one with one region, and in one with two."""
    found = shared(tmp_path_factory, "places", all_places)
    return {place: Assembly(found.path / place, found.store) for place in PLACES}


def two_versions(folder: Path, settings: str, guidance: Guidance = "DEFAULT") -> None:
    """Synthesize v1.0.0 into `first`, then publish v1.1.0 and synthesize again; v1.0.0 has the guidance."""
    store, path = folder / "versions", with_settings(folder, settings)
    publish(store, "v1.0.0", guidance=guidance)
    synthesized(store, folder / "first", path)
    publish(store, "v1.1.0", "two")
    synthesized(store, folder / "cdk.out", path)


@pytest.fixture(scope="session")
def assembly(tmp_path_factory: pytest.TempPathFactory) -> Assembly:
    """One published version with the settings that we ship."""

    def make(folder: Path) -> None:
        publish(folder / "versions", "v1.0.0")
        synthesized(folder / "versions", folder / "cdk.out")

    return shared(tmp_path_factory, "shipped", make)


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
classic_execution_roles = ["arn:aws:iam::123456789012:role/Pipelines"]
[secret_references]
MLFLOW_TOKEN = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:mlflow-AbCdEf#token"
[variables]
MODEL_REGION = "eu-west-1"
[pull_requests]
labels = ["template"]
reviewers = ["octocat", "acme/ml-platform"]
[workflow_role]
environments = ["production"]
artifact_access = "bucket"
grant_execution_role_files = true
deploy_role = "MlDeployer"
"""


@pytest.fixture(scope="session")
def administered(tmp_path_factory: pytest.TempPathFactory) -> Assembly:
    """Two versions, the older one deprecated, with settings that an administrator of an enterprise would have."""
    return shared(
        tmp_path_factory, "administered", lambda folder: two_versions(folder, ADMIN_SETTINGS, guidance="DEPRECATED")
    )


STUDIO_SETTINGS = """
[git_config]
private_github_organization = "acme-ml"
[studio]
domain_id = "dzd_1a2b3c"
domain_key_arn = "arn:aws:kms:us-east-1:123456789012:key/domain"
profiles = ["Regression"]
[studio.own_profiles."Tabular models"]
description = "Tabular"
groups = ["ml-team"]
tooling = { gitConnectionArn = "arn:aws:codeconnections:us-east-1:123456789012:connection/c" }
[studio.project_setup]
profiles = ["By event"]
[studio.model_approval]
enabled = true
"""


@pytest.fixture(scope="session")
def open_doors(tmp_path_factory: pytest.TempPathFactory) -> Assembly:
    """Two versions, and everything of Studio switched on."""
    return shared(tmp_path_factory, "studio", lambda folder: two_versions(folder, STUDIO_SETTINGS))


# What the installations above leave at its default; both without Studio's second door, which they have.
OTHER_SETTINGS = """
prefix = "other"
log_retention_days = 30
log_level = "DEBUG"
[github]
budget_share = 0.5
[pull_requests]
labels = ["template"]
assignees = ["octocat"]
reviewers = ["acme-ml/ml-platform"]
[git_config]
private_github_organization = "acme-ml"
private_deploy_repo_default_branch = "trunk"
github_token_secret_name = "other/token"
[portfolio]
name = "Other"
provider = "Others"
project_roles_may_launch = true
[product]
name = "other"
owner = "Others"
support_email = "support@example.com"
visibility = "internal"
allowed_visibilities = ["internal", "public"]
sync_mode = "PullRequest"
glue_database = "other_db"
glue_table = "other_table"
glue_databases = ["other_db", "more_db"]
scope_name = "prod"
repository_names = "ml-{project}-{part}-{id}"
classic = true
allow_direct_launches = true
deploy_accounts = ["210987654321"]
[adoption]
repositories = ["acme-ml/team-*"]
[workflow_role]
environments = ["production", "staging"]
bedrock_models = ["amazon.nova-lite-v1:0"]
execution_roles = ["Other_*", "path/Another_*"]
reviewers = { production = ["team:7", "user:8"] }
[studio]
domain_id = "dzd_1a2b3c"
domain_unit_id = "unit1"
organization = "acme-studio"
blueprint_name = "Other blueprint"
environment_name = "Other environment"
deployment_order = 3
regions = ["us-east-1", "eu-west-1"]
manage_access_role_arn = "arn:aws:iam::123456789012:role/ManageAccess"
profiles = ["Regression"]
[studio.own_profiles."Tabular models"]
[studio.model_approval]
enabled = true
workflow = "other.yml"
"""
LAUNCHES_ONLY_SETTINGS = """
[git_config]
oidc_role_github_workflow = "arn:aws:iam::123456789012:role/Workflows"
[portfolio]
launches_only = true
products = ["prod-shared"]
"""


@pytest.fixture(scope="session")
def other(tmp_path_factory: pytest.TempPathFactory) -> Assembly:
    """Two versions, with a value of its own for every setting that the other installations leave at its default."""
    return shared(tmp_path_factory, "other", lambda folder: two_versions(folder, OTHER_SETTINGS))


@pytest.fixture(scope="session")
def launches_only(tmp_path_factory: pytest.TempPathFactory) -> Assembly:
    """Two versions, for launches of products that another account shares, whose workflows have a role already."""
    return shared(tmp_path_factory, "launches", lambda folder: two_versions(folder, LAUNCHES_ONLY_SETTINGS))
