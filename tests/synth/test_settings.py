"""Settings: what we ship is valid and complete; what is wrong is refused by name, in one sentence."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from products.errors import SettingsError
from products.settings import PROJECT_ROOT, Settings, load_settings
from products.settings.lines import line_of, statements
from tests.synth.conftest import synthesize

SHIPPED = PROJECT_ROOT / "settings.toml"
ROLE = "arn:aws:iam::123456789012:role/DataScientist"
IDENTITY_CENTER = (
    "arn:aws:iam::123456789012:role/aws-reserved/sso.amazonaws.com/eu-west-1/AWSReservedSSO_MLAdmins_0123456789abcdef"
)
PATTERN = "arn:aws:iam:::role/Team*"
SECRET = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:one-AbCdEf"
GITHUB_COM = ("https://api.github.com", "https://github.com", "token.actions.githubusercontent.com")
SERVER = ("https://git.example.com/api/v3", "https://git.example.com", "git.example.com/_services/token")
RESIDENT = ("https://api.acme.ghe.com", "https://acme.ghe.com", "token.actions.acme.ghe.com")


def load(folder: Path, text: str) -> Settings:
    """Load settings from a text."""
    path = folder / "settings.toml"
    path.write_text(text, encoding="utf-8")
    return load_settings(path)


def keys(model: type[BaseModel], values: dict[str, Any]) -> set[str]:
    """Return the model's keys that the values leave out."""
    missing = set()
    for name, field in model.model_fields.items():
        if name not in values:
            missing.add(name)
        elif isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            missing |= {f"{name}.{key}" for key in keys(field.annotation, values[name])}
    return missing


def test_the_shipped_file_names_every_setting() -> None:
    text = SHIPPED.read_text(encoding="utf-8")
    missing = keys(Settings, tomllib.loads(text))
    # A table of tables is shown as an example, in a comment.
    assert {key for key in missing if f"# [{key}." not in text} == set()


def test_an_empty_file_is_the_defaults(tmp_path: Path) -> None:
    assert load(tmp_path, "") == Settings()


DEFAULTS: dict[str, Any] = {
    "prefix": "studio-mlops",
    "architecture": "arm64",
    "log_retention_days": 90,
    "log_level": "INFO",
    "xray": False,
    "permissions_boundary": (),
    "notification_email": "",
    "github": {
        "api_url": "https://api.github.com",
        "server_url": "https://github.com",
        "oidc_issuer": "token.actions.githubusercontent.com",
        "oidc_provider_arn": "",
        "budget_share": 1.0,
    },
    "git_config": {
        "private_github_organization": "",
        "private_deploy_repo_default_branch": "main",
        "github_token_secret_name": "studio-mlops/github-token",
        "oidc_role_github_workflow": "",
        "public_aiops_templates_org": "",
        "public_repo_branch": "main",
        "specific_folders": (),
    },
    "pull_requests": {"labels": (), "assignees": (), "reviewers": ()},
    "template_source": {
        "repository": "",
        "folder": "templates",
        "token_secret_name": "",
        "build": "model_build",
        "deploy": "model_deploy",
    },
    "portfolio": {
        "name": "SageMaker Unified Studio MLOps",
        "provider": "Platform team",
        "description": "",
        "principals": (),
        "principal_patterns": (),
        "share_accounts": (),
        "share_organizations": (),
        "project_roles_may_launch": False,
        "launches_only": False,
        "products": (),
        "tag_options": {},
    },
    "product": {
        "name": "mlops-project",
        "owner": "Platform team",
        "support_email": "",
        "description": "",
        "visibility": "private",
        "allowed_visibilities": ("private", "internal"),
        "sync_mode": "Merge",
        "glue_database": "glue_db",
        "glue_table": "abalone",
        "scope_name": "dev",
        "repository_names": "{project}-{part}",
        "topics": (),
        "retain_on_failure": False,
        "classic": False,
        "classic_execution_roles": (),
        "allow_direct_launches": False,
        "glue_databases": (),
        "deploy_accounts": (),
    },
    "adoption": {"repositories": ()},
    "profile_folders": {},
    "secret_references": {},
    "variables": {},
    "workflow_role": {
        "environments": (),
        "reviewers": {},
        "artifact_access": "project",
        "execution_roles": ("datazone_usr_role_*", "service-role/AmazonSageMakerUserIAMExecutionRole_*"),
        "grant_execution_role_files": False,
        "bedrock_models": (),
        "deploy_role": "studio-deploy-{project}-{stage}",
    },
    "studio": {
        "domain_id": "",
        "domain_account": "",
        "domain_region": "",
        "domain_key_arn": "",
        "domain_unit_id": "",
        "organization": "",
        "blueprint_name": "MLOps repositories",
        "environment_name": "MLOps repositories",
        "deployment_order": 1,
        "regions": (),
        "manage_access_role_arn": "",
        "profiles": (),
        "own_profiles": {},
        "project_setup": {"profiles": ()},
        "model_approval": {"enabled": False, "workflow": "deploy_model.yml"},
    },
    "accounts": {},
}
# What the shipped file sets beside the defaults: texts and lists that an installation would write in any case.
SHIPPED_BESIDE = {
    "portfolio": {"description"},
    "product": {"description", "topics"},
    "workflow_role": {"environments"},
}


def test_the_defaults_are_those_of_this_table(tmp_path: Path) -> None:
    """A default is a decision: an installation that leaves a key out changes with it."""
    assert load(tmp_path, "").model_dump() == DEFAULTS
    own = load(
        tmp_path,
        '[git_config]\nprivate_github_organization = "o"\n[studio]\ndomain_id = "dzd_1"\n[studio.own_profiles.One]\n',
    ).studio.own_profiles["One"]
    assert own.model_dump() == {"account": "", "region": "", "description": "", "groups": (), "tooling": {}}
    account = load(
        tmp_path,
        '[git_config]\nprivate_github_organization = "o"\n[studio]\ndomain_id = "dzd_1"\n'
        'domain_account = "111111111111"\ndomain_region = "eu-west-1"\n'
        '[accounts.one]\naccount = "222222222222"\nregions = ["eu-west-1"]\n',
    ).accounts["one"]
    assert account.model_dump() == {
        "account": "222222222222",
        "regions": ("eu-west-1",),
        "admin_role": "",
        "oidc_provider_exists": False,
    }


def test_the_shipped_file_shows_the_defaults() -> None:
    def differences(values: dict[str, Any], defaults: dict[str, Any]) -> dict[str, Any]:
        return {key: value for key, value in values.items() if value != defaults[key]}

    found = differences(load_settings(SHIPPED).model_dump(), DEFAULTS)
    assert {key: set(differences(section, DEFAULTS[key])) for key, section in found.items()} == SHIPPED_BESIDE


def test_names_are_made_of_the_prefix(tmp_path: Path) -> None:
    """Other accounts and launched projects know them: a name that changes is another resource."""
    settings = load(tmp_path, 'prefix = "ours"')
    assert settings.launch_stacks == ("SC-*", "ours-*")
    assert settings.launch_role_name == "ours-launch"
    assert settings.provisioning_role_name == "ours-provisioning"
    assert settings.workflow_role_prefix == "ours-wf-"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ""),
        ('[template_source]\nrepository = "/srv/templates"', "/srv/templates"),
        ('[template_source]\nrepository = "https://example.com/a/b.git"', "https://example.com/a/b.git"),
        (
            '[git_config]\npublic_aiops_templates_org = "acme"\n[template_source]\nrepository = "templates"',
            "https://github.com/acme/templates.git",
        ),
    ],
)
def test_where_content_is_published_from(tmp_path: Path, text: str, expected: str) -> None:
    assert load(tmp_path, text).source_repository == expected


@pytest.mark.parametrize(("own", "expected"), [("", "acme"), ('organization = "models"', "models")])
def test_studio_makes_repositories_in_its_organization_else_in_everybodys(
    tmp_path: Path, own: str, expected: str
) -> None:
    text = f'[git_config]\nprivate_github_organization = "acme"\n[studio]\n{own}'
    assert load(tmp_path, text).studio_organization == expected


def test_limits_are_taken_to_the_last(tmp_path: Path) -> None:
    patterns = json.dumps([f"{PATTERN}{number}" for number in range(10)])
    assert len(load(tmp_path, f"[portfolio]\nprincipal_patterns = {patterns}").portfolio.principal_patterns) == 10
    assert load(tmp_path, f'prefix = "{"x" * 16}"').prefix == "x" * 16
    assert load(tmp_path, 'prefix = "ab"').prefix == "ab"
    filler = f"# {'x' * 99_970}\n"
    assert load(tmp_path, filler + 'log_level = "DEBUG"').log_level == "DEBUG"
    with pytest.raises(SettingsError, match=r"has 100,0\d\d bytes, and the maximum is 100,000\."):
        load(tmp_path, filler + filler[:60])


@pytest.mark.parametrize(("order", "fits"), [(1, True), (16, True), (0, False), (17, False)])
def test_an_environment_is_deployed_after_the_tooling_and_by_the_16th_step(
    tmp_path: Path, order: int, fits: bool
) -> None:
    text = f"[studio]\ndeployment_order = {order}"
    if fits:
        assert load(tmp_path, text).studio.deployment_order == order
    else:
        with pytest.raises(SettingsError, match="deployment_order"):
            load(tmp_path, text)


def test_the_seeds_names_are_kept(tmp_path: Path) -> None:
    text = """
    [git_config]
    public_aiops_templates_org = "aws-samples"
    public_repo_branch = "main"
    oidc_role_github_workflow = "arn:aws:iam::123456789012:role/github"
    private_github_organization = "example-org"
    private_deploy_repo_default_branch = "trunk"
    specific_folders = ["regression"]
    github_token_secret_name = "token"
    """
    config = load(tmp_path, text).git_config
    assert config.private_deploy_repo_default_branch == "trunk"
    assert config.specific_folders == ("regression",)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("nope = 1", "nope is not a setting"),
        ('[portfolio]\nnmae = "x"', "settings.toml, line 2: portfolio.nmae is not a setting. Write name instead."),
        ("[portfolio]\nx = 1", "portfolio.x is not a setting. Correct the name (settings here: description"),
        ("[portfolio]\nvisibility = 1", "visibility is a setting of [product]. Move it there."),
        ("[portfolio]\nvisiblity = 1", "Write visibility in [product] instead."),
        ("[product]\nprefix = 'x'", "prefix is a setting of the top of the file, before the first table."),
        ('prefix = "Studio"', 'prefix cannot be "Studio". Use 2 to 16 lower case letters'),
        ('prefix = "seventeen-letters"', "prefix cannot be"),
        ("log_retention_days = 2", "CloudWatch does not offer 2 days. Write one of 1, 3, 5"),
        ('xray = "yes"', 'xray cannot be "yes"'),
        ('architecture = "riscv"', "architecture cannot be"),
        ("[portfolio]\nshare_accounts = [123456789012]", "in quotes"),
        (
            f"[portfolio]\nprincipals = ['{ROLE.replace('role/', 'role/path/')}']",
            'List it in principal_patterns: "arn:aws:iam:::role/path/DataScientist".',
        ),
        (
            f"[portfolio]\nprincipals = ['{IDENTITY_CENTER}']",
            'in principal_patterns: "arn:aws:iam:::role/aws-reserved/sso.amazonaws.com/*AWSReservedSSO_MLAdmins_*".',
        ),
        ('[portfolio]\nshare_organizations = ["acme"]', "organizations (o-...)"),
        ('[portfolio.tag_options]\n"aws:x" = ["1"]', "does not start with aws:"),
        ("[portfolio.tag_options]\ncost_center = []", "at least one value"),
        ('[profile_folders]\n"A" = "../secrets"', "profile_folders.A cannot be"),
        ("[variables]\nTRIGGER_PIPELINE_EXECUTION = 'true'", "is a parameter of each launch"),
        ("[template_source]\nbuild = 'a'\ndeploy = 'a'", "build and deploy are both 'a'"),
        ("[template_source]\nbuild = 'a/b'", "template_source.build"),
        ("[variables]\nATHENA_WORKGROUP = 'all'", "each launch sets ATHENA_WORKGROUP to the project's own value"),
        ("[variables]\nGITHUB_X = 'x'", "variables"),
        ("[variables]\nlower = 'x'", "variables"),
        ("[variables]\nX = ''", "variables.X cannot be"),
        ("[variables]\nX = '{{resolve:ssm:x}}'", "which CloudFormation replaces"),
        ("[variables]\nX = 1", "variables.X cannot be"),
        (f"[variables]\n{''.join(f'X{n} = {chr(39)}{chr(120) * 4000}{chr(39)}{chr(10)}' for n in range(9))}", "32,768"),
        ("[pull_requests]\nlabels = ['a,b']", "pull_requests.labels"),
        ("[pull_requests]\nlabels = ['a', 'a']", "a is listed twice"),
        ("[pull_requests]\nassignees = ['acme/team']", "pull_requests.assignees"),
        ("[pull_requests]\nreviewers = ['acme/team/x']", "pull_requests.reviewers"),
        ("[pull_requests]\nreviewers = ['-x']", "pull_requests.reviewers"),
        ('[template_source]\nrepository = "templates"', "Set git_config.public_aiops_templates_org"),
        ('[template_source]\nfolder = "../elsewhere"', "template_source.folder cannot be"),
        ('[git_config]\noidc_role_github_workflow = "github-role"', "Write the ARN of a role"),
        ('[github]\napi_url = "api.github.com"', "Write an http(s) URL"),
        ('[github]\napi_url = "https://token@api.github.com"', "Write an http(s) URL"),
        ('permissions_boundary = "Boundary"', "Write the ARN of an IAM policy"),
        ('permissions_boundary = ["", "Boundary"]', "Write the ARN of an IAM policy"),
        ('permissions_boundary = ["", ""]', "permissions_boundary: '' is listed twice. List it once"),
        (
            '[secret_references]\nGITHUB_X = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:x"',
            "Write names of Actions",
        ),
        ('[workflow_role]\nenvironments = ["Production"]', "GitHub takes 'Production' for the environment production"),
        ('[workflow_role]\ndeploy_role = "x-{stack}"', "it can contain {project} and {stage}"),
        ("prefix =", "is not valid TOML"),
        ("[portfolio]\nlaunches_only = true", "launches_only needs products"),
        ("[product]\nglue_databases = ['a']", "glue_databases does not list glue_database"),
        ("[portfolio]\nproducts = ['x']", "Write IDs of Service Catalog products"),
        ("[product]\nclassic_execution_roles = ['']", "Write ARNs of roles, such as"),
        ("[product]\nclassic_execution_roles = ['AdminRole']", "Write ARNs of roles, such as"),
        ('[product]\nvisibility = "public"', "visibility 'public' is not in allowed_visibilities. Add it there"),
        ("[product]\nallowed_visibilities = []", "product.allowed_visibilities"),
        ("[adoption]\nrepositories = ['*/x']", "adoption.repositories"),
        ("[adoption]\nrepositories = ['acme/x y']", "adoption.repositories"),
        (
            "[workflow_role]\nreviewers = {production = ['team:1']}",
            "reviewers names the unlisted environment 'production'",
        ),
        (
            "[workflow_role]\nenvironments = ['production']\nreviewers = {production = ['ada']}",
            "workflow_role.reviewers.production",
        ),
        (
            "[workflow_role]\nbedrock_models = ['amazon.nova-*']",
            "bedrock_models needs a separate role for production. Add production to environments",
        ),
        ("[workflow_role]\nbedrock_models = ['*']", "Write at most 6 IDs of foundation models"),
        ("[workflow_role]\nbedrock_models = ['anthropic.*-v1']", "Write at most 6 IDs of foundation models"),
        ("[workflow_role]\nbedrock_models = ['*.claude']", "Write at most 6 IDs of foundation models"),
        ("[workflow_role]\nbedrock_models = ['arn:aws:bedrock:*::foundation-model/x.y']", "Write at most 6 IDs of"),
        (f"[workflow_role]\nbedrock_models = {['a.b'] * 7}", "Write at most 6 IDs of foundation models"),
        (
            "[workflow_role]\nbedrock_models = ['eu.amazon.nova-lite-v1:0']",
            "is an inference profile. Write its foundation model, 'amazon.nova-lite-v1:0'.",
        ),
        ("[workflow_role]\ndeploy_role = '*'", "Write the name of an IAM role"),
        (f"[workflow_role]\ndeploy_role = '{'x' * 65}'", "Write the name of an IAM role"),
        ("[workflow_role]\ndeploy_role = 'path/Deployer'", "Write the name of an IAM role"),
        (f"[portfolio]\nprincipals = {[ROLE, ROLE]}", f"portfolio.principals: {ROLE} is listed twice. List it once"),
        (f"[portfolio]\nprincipal_patterns = {[PATTERN, PATTERN]}", f"{PATTERN} is listed twice"),
        (f"[portfolio]\nprincipal_patterns = {[f'{PATTERN}{n}' for n in range(11)]}", "can have 10 patterns, not 11"),
        ("[portfolio]\nshare_accounts = ['123456789012', '123456789012']", "123456789012 is listed twice"),
        ("[portfolio]\nshare_organizations = ['o-abcdefghij', 'o-abcdefghij']", "o-abcdefghij is listed twice"),
        ("[portfolio.tag_options]\ncost_center = ['1', '1']", "the tag 'cost_center' has the value '1' twice"),
        (
            "[template_source]\nrepository = 'https://hunter2@example.com/x.git'",
            "template_source.repository: the URL contains a password or a token. Remove it, and put it into "
            "TEMPLATE_SOURCE_TOKEN",
        ),
        ("[github]\napi_url = 'https://hunter2@api.github.com'", "github.api_url cannot be this value."),
        (
            f"[secret_references]\nONE = '{SECRET}'\nTWO = '{SECRET.replace('eu-west-1', 'us-east-1')}'",
            "secret_references: ONE and TWO are in different accounts or Regions",
        ),
        (
            f"[secret_references]\nONE = '{SECRET}'\nTWO = '{SECRET.replace('123456789012', '210987654321')}'",
            "secret_references: ONE and TWO are in different accounts or Regions",
        ),
    ],
)
def test_a_wrong_setting_is_one_sentence_that_names_it(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(SettingsError) as refused:
        load(tmp_path, text)
    message = str(refused.value)
    assert said in message
    assert "hunter2" not in message
    assert message.startswith("settings.toml")
    assert message.endswith(".")
    assert "\n" not in message


def github(api_url: str, server_url: str, oidc_issuer: str, provider: str = "") -> str:
    """Return the settings of one GitHub."""
    text = f'[github]\napi_url = "{api_url}"\nserver_url = "{server_url}"\noidc_issuer = "{oidc_issuer}"\n'
    arn = f"arn:aws:iam::123456789012:oidc-provider/{provider}"
    return text + (f'oidc_provider_arn = "{arn}"\n' if provider else "")


@pytest.mark.parametrize("place", [GITHUB_COM, SERVER, RESIDENT])
@pytest.mark.parametrize("enterprise", ["", "/acme"])
def test_a_github_whose_three_addresses_are_its_own_is_taken(
    tmp_path: Path, place: tuple[str, str, str], enterprise: str
) -> None:
    api_url, server_url, issuer = place
    issuer += enterprise
    settings = load(tmp_path, github(api_url, server_url, issuer, provider=issuer))
    assert settings.github.oidc_issuer == issuer


@pytest.mark.parametrize(
    ("text", "said"),
    [
        # The issuer that was left at its default: github.com's repository of the same name would be trusted.
        (github(*SERVER[:2], GITHUB_COM[2]), f"Set oidc_issuer to {SERVER[2]}"),
        (github(*RESIDENT[:2], GITHUB_COM[2]), f"Set oidc_issuer to {RESIDENT[2]}"),
        (github(*GITHUB_COM[:2], SERVER[2]), f"Set oidc_issuer to {GITHUB_COM[2]}"),
        (github(*SERVER[:2], "other.example.com/_services/token"), f"Set oidc_issuer to {SERVER[2]}"),
        (github(*RESIDENT[:2], "token.actions.other.ghe.com"), f"Set oidc_issuer to {RESIDENT[2]}"),
        (github(*GITHUB_COM[:2], f"{GITHUB_COM[2]}.example.com"), f"Set oidc_issuer to {GITHUB_COM[2]}"),
        (
            github(SERVER[0], GITHUB_COM[1], GITHUB_COM[2]),
            "api_url is on git.example.com, and server_url on github.com",
        ),
        (github(GITHUB_COM[0], *SERVER[1:]), "api_url is on api.github.com, and server_url on git.example.com"),
        (f'[github]\nserver_url = "{SERVER[1]}"', "Write both URLs of one GitHub"),
        (github(*SERVER, provider=GITHUB_COM[2]), f"Write an ARN that ends with :oidc-provider/{SERVER[2]}"),
        (
            github(*GITHUB_COM, provider=f"{GITHUB_COM[2]}/acme"),
            f"Write an ARN that ends with :oidc-provider/{GITHUB_COM[2]}",
        ),
    ],
)
def test_one_github_is_not_half_another(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(SettingsError) as refused:
        load(tmp_path, text)
    message = str(refused.value)
    assert message.startswith("settings.toml, line 1: github: ")
    assert said in message
    assert "\n" not in message


def test_a_secret_written_in_place_of_its_arn_is_not_repeated(tmp_path: Path) -> None:
    with pytest.raises(
        SettingsError, match=r"secret_references\.TOKEN cannot be this value\. Write names of Actions secrets"
    ) as refused:
        load(tmp_path, '[secret_references]\nTOKEN = "hunter2-hunter2"')
    assert "hunter2" not in str(refused.value)


def test_a_missing_file_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"does not exist\. Copy settings\.toml to that path, or set SETTINGS_FILE"):
        load_settings(tmp_path / "none.toml")


@given(st.dictionaries(st.text(max_size=12), st.one_of(st.integers(), st.text(max_size=12), st.booleans()), max_size=4))
def test_any_table_is_either_settings_or_a_sentence(
    tmp_path_factory: pytest.TempPathFactory, values: dict[str, Any]
) -> None:
    lines = [f"{json.dumps(key)} = {json.dumps(value)}" for key, value in values.items()]
    path = tmp_path_factory.mktemp("fuzz") / "settings.toml"
    path.write_text("\n".join(lines), encoding="utf-8", errors="replace")
    try:
        assert isinstance(load_settings(path), Settings)
    except SettingsError as refused:
        assert str(refused)


def test_the_app_shows_the_sentence_without_a_traceback(tmp_path: Path) -> None:
    settings = tmp_path / "settings.toml"
    settings.write_text("nope = 1", encoding="utf-8")
    run = synthesize(tmp_path / "versions", tmp_path / "out", settings=settings)
    assert run.returncode == 1
    assert run.stderr.startswith("settings.toml, line 1: nope is not a setting")
    assert "Traceback" not in run.stderr
    assert not (tmp_path / "out").exists()


def test_the_app_asks_for_a_first_version(tmp_path: Path) -> None:
    run = synthesize(tmp_path / "versions", tmp_path / "out")
    assert run.returncode == 1
    assert "python -m operations publish" in run.stderr
    assert "Traceback" not in run.stderr


# -- several mistakes, and where they are ------------------------------------------------------------------------------

MISTAKES = '''# A comment with a key = "value"
prefix = "Studio"

[portfolio]
nmae = "x"
principals = [
  "arn:aws:iam::123456789012:role/Fine",
  # prefix = "x"
  "nobody",
]
description = """
xray = "in a text"
"""

[workflow_role]
environments = ["production"]
reviewers = { production = ["ada"] }

[studio.own_profiles."Tabular models"]
gruops = []
'''


def test_all_mistakes_are_told_at_once_each_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as refused:
        load(tmp_path, MISTAKES)
    first, *listed = str(refused.value).splitlines()
    assert first == "settings.toml has 5 mistakes. Correct each of them:"
    assert [line.split(" ", 4)[:4] for line in listed] == [
        ["-", "line", "2:", "prefix"],
        ["-", "line", "6:", "portfolio.principals.1"],
        ["-", "line", "5:", "portfolio.nmae"],
        ["-", "line", "17:", "workflow_role.reviewers.production.0"],
        ["-", "line", "20:", "studio.own_profiles.Tabular"],
    ]
    assert listed[-1].endswith("gruops is not a setting. Write groups instead.")


@given(st.dictionaries(st.text(), st.dictionaries(st.text(), st.lists(st.text()) | st.text() | st.integers())))
def test_every_key_of_a_document_is_found_in_its_line(document: dict[str, dict[str, Any]]) -> None:
    lines: list[str] = []
    expected: dict[tuple[str, ...], int] = {}
    for table, keys in document.items():
        lines.append(f"[{json.dumps(table)}]")
        expected[(table,)] = len(lines)
        for key, value in keys.items():
            lines.append(f"{json.dumps(key)} = {json.dumps(value)}")
            expected[table, key] = len(lines)
    text = "\n".join(lines)
    try:
        tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return  # JSON's spelling of a text is not TOML's for every character
    assert {each.path: each.line for each in statements(text)} == expected
    assert {path: line_of(text, (*path, "deeper")) for path in expected} == expected


def test_the_shipped_file_explains_every_key_that_it_sets() -> None:
    for each in statements(SHIPPED.read_text(encoding="utf-8")):
        assert each.line > 0
        if each.path == ("portfolio", "principals"):
            assert each.comment.startswith("ARNs of the users, groups and roles that can launch")
