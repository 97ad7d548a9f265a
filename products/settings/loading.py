"""Read settings.toml; a wrong setting is one sentence that names its key and says what to write instead."""

from __future__ import annotations

import json
import os
import re
import tomllib
from collections.abc import Iterator
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from pydantic import BaseModel, ValidationError

from custom_resources.addresses import shows_a_secret
from products.errors import (
    SettingsContradict,
    SettingsError,
    SettingsMissing,
    SettingsMistakes,
    SettingsNotToml,
    SettingsTooDeep,
    SettingsTooLong,
    SettingUnknown,
    SettingWrong,
)
from products.settings.lines import line_of
from products.settings.model import Settings

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails


def _project_root() -> Path:
    """Return the clone whose settings and versions are meant: this one, else (installed as a package) the caller's."""
    own = Path(__file__).resolve().parents[2]
    clones = (own, Path.cwd(), *Path.cwd().parents)
    return next((each for each in clones if all((each / name).is_file() for name in _OF_A_CLONE)), own)


_OF_A_CLONE = ("portfolio_app.py", "cdk.json", "pyproject.toml")
PROJECT_ROOT = _project_root()

_MAX_BYTES = 100_000

# What to write instead, by key.
_HINTS = {
    "api_url": "write an http(s) URL such as https://api.github.com",
    "server_url": "write an http(s) URL such as https://github.com",
    "prefix": "use 2 to 16 lower case letters, digits and hyphens, starting with a letter",
    "secret_references": "write names of Actions secrets, each with a secret's ARN, or ARN#key for a JSON secret",
    "variables": "write names of Actions variables, each with a value in quotes of at most 4,000 characters",
    "principals": "write ARNs of users, groups or roles without a path, such as arn:aws:iam::123456789012:role/Name",
    "principal_patterns": "write patterns without an account, such as arn:aws:iam:::role/DataScientist*",
    "products": "write IDs of Service Catalog products, such as prod-abcdefghijklm",
    "deploy_accounts": "write account IDs of 12 digits, in quotes",
    "share_accounts": "write account IDs of 12 digits, in quotes",
    "share_organizations": "write IDs of organizations (o-...) or organizational units (ou-...)",
    "classic_execution_roles": "write ARNs of roles, such as arn:aws:iam::123456789012:role/Pipelines",
    "execution_roles": "write names of roles with their paths, or ARNs, such as datazone_usr_role_*",
    "bedrock_models": "write at most 6 IDs of foundation models, such as amazon.nova-lite-v1:0 or anthropic.claude-*",
    "deploy_role": "write the name of an IAM role, without its ARN or path; it can contain {project} and {stage}",
    "oidc_role_github_workflow": "write the ARN of a role, or leave it empty",
    "oidc_provider_arn": "write the ARN of an OIDC provider, or leave it empty",
    "permissions_boundary": "write the ARN of an IAM policy, or a list of them, or leave it empty",
    "private_github_organization": "write the organization's name as in its GitHub URL",
    "public_aiops_templates_org": "write the organization's name as in its GitHub URL",
    "notification_email": "write one email address",
    "support_email": "write one email address",
    "profile_folders": "write the folder's plain name, without slashes",
    "domain_id": "write the domain's ID (dzd-...), or leave it empty",
    "domain_account": "write the domain's account ID, 12 digits in quotes, or leave it empty",
    "domain_region": "write the domain's Region, such as eu-west-1",
    "account": "write the account ID, 12 digits in quotes",
    "regions": "write Regions such as eu-west-1, the account's home Region first",
    "admin_role": "write the ARN of a role of that account, or leave it empty",
    "domain_key_arn": "write the ARN of a KMS key (not of an alias), or leave it empty",
    "profiles": "write the profiles' names as Studio shows them",
    "workflow": "write the workflow's file name, such as deploy_model.yml",
    "specific_folders": "write the folders' plain names, without slashes",
}


def settings_path() -> Path:
    """Return SETTINGS_FILE, else the project's settings.toml."""
    return Path(os.environ.get("SETTINGS_FILE") or PROJECT_ROOT / "settings.toml")


def load_settings(path: Path | None = None) -> Settings:
    """Read and validate the settings. Raises a SettingsError."""
    path = path or settings_path()
    try:
        text = path.read_bytes()
        if len(text) > _MAX_BYTES:
            raise SettingsTooLong(file=path.name, size=len(text), limit=_MAX_BYTES)
        values = tomllib.loads(text.decode("utf-8"))
        # Through JSON: TOML's arrays become tuples also in pydantic's strict mode.
        document = json.dumps(values, default=str)
    except FileNotFoundError:
        raise SettingsMissing(path=path) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsNotToml(file=path.name, message=error) from None
    except RecursionError:
        raise SettingsTooDeep(file=path.name) from None
    try:
        return Settings.model_validate_json(document)
    except ValidationError as error:
        raise _refusal(path.name, text.decode("utf-8"), error) from None


def _refusal(file: str, text: str, error: ValidationError) -> SettingsError:
    """Return what to say of all mistakes, each with its line, key and advice."""
    found = [_mistake(file, text, problem) for problem in error.errors()]
    if len(found) == 1:
        return found[0]
    listed = "\n".join(f"- {str(each).removeprefix(file).lstrip(':, ')}" for each in found)
    return SettingsMistakes(file=file, count=len(found), listed=listed.removesuffix("."))


def _mistake(file: str, text: str, problem: ErrorDetails) -> SettingsError:
    """Return what to say of one mistake: the key, what is wrong, what to do."""
    where = [str(part) for part in problem["loc"]]
    key = ".".join(where)
    line = line_of(text, where)
    place = f"{file}, line {line}" if line else file
    if problem["type"] == "extra_forbidden":
        return SettingUnknown(place=place, key=key, advice=_instead(where))
    if problem["type"] == "value_error":
        said, _, advice = str(problem["ctx"]["error"]).partition("; ")
        return SettingsContradict(
            place=place, problem=f"{key}: {said}" if key else said, advice=_capitalized(advice or "correct the value")
        )
    hint = next((_HINTS[part] for part in reversed(where) if part in _HINTS), "")
    # A secret's value may have been written in place of its ARN, and a token into an address: it is not repeated.
    secret = "secret_references" in where or shows_a_secret(str(problem["input"]))
    value = "this value" if secret else json.dumps(problem["input"], default=str)
    what = problem["msg"].replace("Input should", "it should").replace("String should", "it should")
    advice = (_as_pattern(problem["input"]) if "principals" in where else "") or hint or what
    return SettingWrong(place=place, key=key, value=value, advice=_capitalized(advice))


def _as_pattern(given: object) -> str:
    """Return how a role with a path, as those of IAM Identity Center, is listed; "" for anything else.

    Identity Center appends a random part to its roles' names, and another one when a permission set is assigned again.
    """
    found = _ROLE_WITH_PATH.match(str(given))
    if not found:
        return ""
    path, name = found["path"], re.sub(r"^(AWSReservedSSO_.+_)[0-9a-f]{16}$", r"\1*", found["name"])
    if path.startswith("aws-reserved/sso.amazonaws.com/"):
        path, name = "aws-reserved/sso.amazonaws.com/", f"*{name}"
    return f'this role has a path. List it in principal_patterns: "arn:{found["partition"]}:iam:::role/{path}{name}"'


_ROLE_WITH_PATH = re.compile(
    r"^arn:(?P<partition>aws(-[a-z]+)*):iam::\d{12}:role/(?P<path>[\w+=,.@/-]+/)(?P<name>[\w+=,.@-]+)\Z"
)


def _instead(where: list[str]) -> str:
    """Return what to write instead of an unknown key."""
    known, key = _fields(where[:-1]), where[-1]
    if close := get_close_matches(key, known, n=1):
        return f"Write {close[0]} instead"
    elsewhere = [path for path in _paths(Settings) if path[-1] == key]
    if elsewhere:
        return f"{key} is a setting of {_table(elsewhere[0][:-1])}. Move it there"
    tables = [path for path in _paths(Settings) if get_close_matches(key, [path[-1]], n=1, cutoff=0.8)]
    if tables:
        return f"Write {tables[0][-1]} in {_table(tables[0][:-1])} instead"
    return f"Correct the name (settings here: {', '.join(known)}) or remove it"


def _table(path: tuple[str, ...]) -> str:
    return f"[{'.'.join(path)}]" if path else "the top of the file, before the first table"


def _paths(model: type[BaseModel], table: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Yield the path of every setting, tables and those in tables of free names left out."""
    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from _paths(field.annotation, (*table, name))
        else:
            yield (*table, name)


def _capitalized(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]


def _fields(where: list[str]) -> list[str]:
    model: Any = Settings
    for part in where:
        fields = getattr(model, "model_fields", None)  # a map of sections has none of its own
        model = fields[part].annotation if fields is not None else get_args(model)[-1]
    return sorted(model.model_fields)
