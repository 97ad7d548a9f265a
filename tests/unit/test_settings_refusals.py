"""What a wrong setting is told, whole: a golden file of every refusal (`GOLDEN=write` writes it), and of every hint."""

from __future__ import annotations

import ast
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import products.settings
from products.errors import SettingsError, SettingsTooLong
from products.settings import load_settings
from products.settings.loading import _HINTS

GOLDEN = Path(__file__).parent / "golden" / "settings_refusals.txt"
ACCOUNT = "123456789012"
ROLE = f"arn:aws:iam::{ACCOUNT}:role"
SECRET = f"arn:aws:secretsmanager:eu-west-1:{ACCOUNT}:secret"
PROVIDER = f"arn:aws:iam::{ACCOUNT}:oidc-provider/token.actions.githubusercontent.com"
KEY = f'domain_key_arn = "arn:aws:kms:eu-west-1:{ACCOUNT}:key/1"'
ORGANIZED = '[git_config]\nprivate_github_organization = "acme"\n'
DOMAIN = f'{ORGANIZED}[studio]\ndomain_id = "dzd-1"\n'
PLACE = f'domain_account = "{ACCOUNT}"\ndomain_region = "eu-west-1"\n'
ONE = '[accounts.one]\naccount = "111111111111"\nregions = ["eu-west-1", "us-east-1"]\n'
TWO = '[accounts.two]\naccount = "222222222222"\nregions = ["eu-west-1"]\n'
SEVERAL = DOMAIN + PLACE + ONE


def listed(*values: object) -> str:
    """Return a TOML array."""
    return json.dumps(values)


def table(name: str, **values: object) -> str:
    """Return a TOML table."""
    return "\n".join([f"[{name}]", *(f"{key} = {json.dumps(value)}" for key, value in values.items()), ""])


def patterns(count: int) -> str:
    return listed(*(f"arn:aws:iam:::role/Team{number}*" for number in range(count)))


WRONG = [
    # keys
    "nope = 1",
    "[portfolio]\nnmae = 1",
    "[portfolio]\nzzz = 1",
    "[portfolio]\nvisibility = 1",
    "[portfolio]\nvisiblity = 1",
    "[portfolio]\nprefix = 1",
    "[portfolio]\nprefx = 1",
    "[workflow_role]\nmodel_approval = 1",
    "[studio.own_profiles.One]\ngruops = []",
    "nope = 1\nxray = 1",
    # the top
    'prefix = "Studio"',
    'architecture = "riscv"',
    "log_retention_days = 2",
    'log_level = "TRACE"',
    'xray = "yes"',
    f'permissions_boundary = "{ROLE}/Boundary"',
    f'permissions_boundary = ["arn:aws:iam::{ACCOUNT}:policy/One", "arn:aws:iam::{ACCOUNT}:policy/One"]',
    "permissions_boundary = 1",
    'notification_email = "nobody"',
    '[profile_folders]\nA = "a/b"',
    "profile_folders = 1",
    f'[secret_references]\nGITHUB_X = "{SECRET}:one-AbCdEf"',
    '[secret_references]\nONE = "hunter2-hunter2"',
    f'[secret_references]\nONE = "{SECRET}:one-AbCdEf"\nTWO = "{SECRET.replace("eu-west-1", "us-east-1")}:two-AbCdEf"',
    # [github]
    '[github]\napi_url = "api.github.com"',
    '[github]\napi_url = "https://hunter2@api.github.com"',
    '[github]\nserver_url = "github.com"',
    '[github]\nserver_url = "https://git.example.com"',
    '[github]\napi_url = "https://git.example.com/api/v3"\nserver_url = "https://git.example.com"',
    '[github]\napi_url = "https://api.acme.ghe.com"\nserver_url = "https://acme.ghe.com"',
    '[github]\noidc_issuer = "https://example.com"',
    '[github]\noidc_issuer = "example.com"',
    '[github]\noidc_provider_arn = "provider"',
    f'[github]\noidc_provider_arn = "arn:aws:iam::{ACCOUNT}:oidc-provider/example.com"',
    # [git_config]
    '[git_config]\nprivate_github_organization = "a/b"',
    '[git_config]\npublic_aiops_templates_org = "a/b"',
    '[git_config]\nprivate_deploy_repo_default_branch = "a..b"',
    '[git_config]\ngithub_token_secret_name = ""',
    '[git_config]\noidc_role_github_workflow = "github-role"',
    '[git_config]\npublic_repo_branch = ""',
    '[git_config]\nspecific_folders = ["a/b"]',
    # [template_source]
    '[template_source]\nrepository = "https://hunter2@example.com/x.git"',
    '[template_source]\nrepository = "templates"',
    '[template_source]\nfolder = "../elsewhere"',
    '[template_source]\nbuild = "one"\ndeploy = "one"',
    # [variables]
    '[variables]\nGITHUB_X = "1"',
    "[variables]\nONE = 1",
    '[variables]\nTRIGGER_PIPELINE_EXECUTION = "true"',
    '[variables]\nREGION = "eu-west-1"',
    '[variables]\nONE = "{{resolve:secretsmanager:x}}"',
    "[variables]\n" + "".join(f'V{number} = "{"x" * 4000}"\n' for number in range(9)),
    # [portfolio]
    '[portfolio]\nname = ""',
    f'[portfolio]\nprincipals = ["{ROLE}/path/Team"]',
    f'[portfolio]\nprincipals = ["{ROLE}/aws-reserved/sso.amazonaws.com/eu-west-1/AWSReservedSSO_A_0123456789abcdef"]',
    f'[portfolio]\nprincipals = ["{ROLE}/other/sso.amazonaws.com/AWSReservedSSO_A_0123456789abcdef"]',
    f'[portfolio]\nprincipals = ["{ROLE.replace("aws", "aws-us-gov")}/path/Team"]',
    f'[portfolio]\nprincipals = ["arn:aws:iam::{ACCOUNT}:user/path/Ada"]',
    '[portfolio]\nprincipals = ["Team"]',
    f'[portfolio]\nprincipals = {listed(*[f"{ROLE}/Team"] * 2)}',
    f'[portfolio]\nprincipal_patterns = ["{ROLE}/Team"]',
    f"[portfolio]\nprincipal_patterns = {patterns(11)}",
    f"[portfolio]\nshare_accounts = [{ACCOUNT}]",
    f'[portfolio]\nshare_accounts = {listed(*[ACCOUNT] * 2)}',
    '[portfolio]\nshare_organizations = ["acme"]',
    '[portfolio]\nproducts = ["x"]',
    "[portfolio]\nlaunches_only = true",
    '[portfolio.tag_options]\n"AWS:x" = ["1"]',
    '[portfolio.tag_options]\n"" = ["1"]',
    "[portfolio.tag_options]\ncost_center = []",
    '[portfolio.tag_options]\ncost_center = ["1", "1"]',
    f"[workflow_role]\nexecution_roles = {listed('a', 'b')}\n"
    f"[portfolio]\nproject_roles_may_launch = true\nprincipal_patterns = {patterns(9)}",
    # [product]
    '[product]\nname = "-"',
    '[product]\nsupport_email = "nobody"',
    '[product]\nvisibility = "public"',
    "[product]\nallowed_visibilities = []",
    '[product]\nsync_mode = "Force"',
    '[product]\ntopics = ["A"]',
    '[product]\nclassic_execution_roles = ["Pipelines"]',
    '[product]\nglue_databases = ["another"]',
    "[product]\ndeploy_accounts = [1]",
    '[product]\nrepository_names = "{project}"',
    '[product]\nrepository_names = "x-{part}"',
    '[product]\nrepository_names = "{part}-{id}-{part}"',
    # [adoption], [workflow_role]
    '[adoption]\nrepositories = ["*/x"]',
    f"[adoption]\nrepositories = {listed(*(f'acme/{number}' for number in range(21)))}",
    '[workflow_role]\nenvironments = ["Production"]',
    '[workflow_role]\nenvironments = ["a b"]',
    '[workflow_role]\nreviewers = { production = ["team:1"] }',
    '[workflow_role]\nenvironments = ["production"]\nreviewers = { production = ["ada"] }',
    '[workflow_role]\nexecution_roles = ["*"]',
    '[workflow_role]\nbedrock_models = ["Nova"]',
    '[workflow_role]\nbedrock_models = ["eu.amazon.nova-lite-v1:0"]',
    '[workflow_role]\nbedrock_models = ["amazon.nova-lite-v1:0"]',
    '[workflow_role]\ndeploy_role = "path/Deployer"',
    # [studio]
    '[studio]\ndomain_id = "x"',
    '[studio]\ndomain_id = "dzd-1"',
    '[studio]\ndomain_account = "1"',
    '[studio]\ndomain_region = "Ireland"',
    '[studio]\ndomain_region = "eu-west-1"',
    '[studio]\ndomain_key_arn = "alias/key"',
    f"[studio]\n{KEY}",
    "[studio]\ndeployment_order = 17",
    '[studio]\nregions = ["Ireland"]',
    '[studio]\nprofiles = ["a/b"]',
    '[studio]\nprofiles = ["One"]',
    "[studio.own_profiles.One]",
    '[studio.project_setup]\nprofiles = ["One"]',
    f'{DOMAIN}profiles = ["One", "One"]',
    f'{DOMAIN}profiles = ["Two", "One"]\nproject_setup.profiles = ["One", "Two"]',
    f'{DOMAIN}profiles = ["Two", "One"]\n[studio.own_profiles.One]\n[studio.own_profiles.Two]\n',
    f'{DOMAIN}project_setup.profiles = ["One"]\n[studio.own_profiles.One]\n',
    f'{DOMAIN}[studio.own_profiles.One]\naccount = "one"',
    f'{DOMAIN}[studio.own_profiles.One]\nregion = "eu-west-1"',
    f'{DOMAIN}model_approval.workflow = "deploy.json"',
    f'{DOMAIN}manage_access_role_arn = "role"',
    f'{DOMAIN}[portfolio]\nlaunches_only = true\nproducts = ["prod-1"]',
    '[studio]\nmodel_approval.enabled = true\n[portfolio]\nlaunches_only = true\nproducts = ["prod-1"]',
    # [accounts]
    ONE,
    f'[studio]\n{PLACE}{ONE}',
    f'{DOMAIN}domain_account = "{ACCOUNT}"\n{ONE}',
    DOMAIN + PLACE,
    SEVERAL.replace("[accounts.one]", "[accounts.domain]"),
    SEVERAL.replace('["eu-west-1", "us-east-1"]', "[]"),
    SEVERAL.replace('["eu-west-1", "us-east-1"]', '["eu-west-1", "eu-west-1"]'),
    SEVERAL.replace('"111111111111"', "111111111111"),
    SEVERAL + TWO.replace("2" * 12, "1" * 12),
    f'{SEVERAL}admin_role = "Admin"',
    f'{SEVERAL}admin_role = "{ROLE}/Admin"',
    f"{SEVERAL}{TWO}[studio.own_profiles.One]\n",
    f'{SEVERAL}{TWO}[studio.own_profiles.One]\naccount = "three"\n',
    f'{SEVERAL}[studio.own_profiles.One]\nregion = "us-west-2"\n',
    f'{SEVERAL}{table("portfolio", share_accounts=[ACCOUNT])}',
    f'{SEVERAL}{table("portfolio", share_organizations=["o-abcdefghij"])}',
    DOMAIN + PLACE + f'regions = ["eu-west-1"]\n{ONE}',
    f"{SEVERAL}{table('github', oidc_provider_arn=PROVIDER)}",
    f'{SEVERAL}{table("secret_references", ONE=f"{SECRET}:one-AbCdEf")}',
    f'{SEVERAL}{table("product", classic_execution_roles=[f"{ROLE}/Pipelines"])}',
    f'{SEVERAL}{table("workflow_role", execution_roles=[f"{ROLE}/Execution"])}',
    f'{SEVERAL}{table("portfolio", principals=["arn:aws:iam::333333333333:role/Team"])}',
]  # fmt: skip


def refused(folder: Path, text: str) -> str:
    path = folder / "settings.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SettingsError) as told:
        load_settings(path)
    return str(told.value)


def test_each_refusal_is_as_it_was(tmp_path: Path) -> None:
    found = "\n\n".join(f"{text.rstrip()}\n=> {refused(tmp_path, text)}" for text in WRONG) + "\n"
    if os.environ.get("GOLDEN") == "write":
        GOLDEN.write_text(found, encoding="utf-8")
    assert found == GOLDEN.read_text(encoding="utf-8")
    assert "hunter2" not in re.sub(r"(?m)^(?!=> ).*$", "", found), "no secret is repeated"


def sentences() -> Iterator[tuple[str, str]]:
    """Yield where in the settings' code something is refused, and a regular expression of what is said of it."""
    for file in sorted(Path(products.settings.__path__[0]).glob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "ValueError":
                [said] = node.args
                parts = said.values if isinstance(said, ast.JoinedStr) else [said]
                text = "".join(re.escape(str(part.value)) if isinstance(part, ast.Constant) else ".+" for part in parts)
                yield f"{file.name}:{node.lineno}", text.partition(";")[0]


def test_every_rule_of_the_settings_has_its_refusal_there() -> None:
    text = GOLDEN.read_text(encoding="utf-8")
    rules = dict(sentences())
    assert len(rules) > 30
    assert [place for place, said in rules.items() if not re.search(f"=> .*{said}", text)] == []


def test_every_hint_is_told() -> None:
    text = GOLDEN.read_text(encoding="utf-8")
    assert [key for key, hint in _HINTS.items() if f"{hint[:1].upper()}{hint[1:]}." not in text] == []


def test_a_settings_file_may_have_100_000_bytes(tmp_path: Path) -> None:
    path = tmp_path / "settings.toml"
    path.write_text('log_level = "DEBUG"\n#'.ljust(100_000, "x"), encoding="utf-8")
    assert load_settings(path).log_level == "DEBUG"
    with path.open("a", encoding="utf-8") as file:
        file.write("x")
    with pytest.raises(SettingsTooLong, match=r"settings\.toml has 100,001 bytes, and the maximum is 100,000\."):
        load_settings(path)
