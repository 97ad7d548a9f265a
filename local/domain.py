"""The Studio domain of the local run in which StudioStack puts the blueprint into profiles: an administrator's part."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from local.home import Home, LocalError
from local.ministack import ACCOUNT, REGION
from products.settings import load_settings, settings_path

if TYPE_CHECKING:
    from local.cloud import Cloud
    from local.standins import StandIn

KINDS = {"identity-center": "dzd-local0chain000", "iam": "dzd-local00iam0000"}
"""The domain of the local run by its kind; a run has one of them."""
OWNERS = ("studio-mlops-studio-blueprint", "studio-mlops-studio-project-profile")
_PLACE = {"account": ACCOUNT, "region": REGION}
NAME = re.compile(r"[\w -]{1,64}")  # of a profile, or a project


def identifier(home: Home) -> str:
    """Return the id of the run's domain, "" when it has none."""
    return KINDS.get(_kind(home), "")


def use_profile(home: Home, profile: str, organization: str, kind: str = "") -> None:
    """Have the run's settings offer the product in a project profile of its domain, beside those before.

    `kind` of "" keeps the domain that there is. Raises LocalError when the run has one of the other kind.
    """
    if not NAME.fullmatch(profile):
        raise LocalError(f"{profile!r} is not a valid profile name; use letters, digits, spaces, hyphens, underscores.")
    present = _kind(home)
    if present and kind not in ("", present):
        raise LocalError(
            f"The domain of this run has the kind {present}. "
            "Use another folder (LOCAL_HOME), or run `python -m local down --wipe`."
        )
    domain_id = KINDS[kind or present or "identity-center"]
    profiles = sorted({*_profiles(home), profile})
    text = settings_path().read_text(encoding="utf-8")
    text = re.sub(r"(?ms)^\[studio[].].*", "", text)
    listed = ", ".join(f'"{name}"' for name in profiles)
    home.make()
    home.settings.write_text(
        f'{text}\n[studio]\ndomain_id = "{domain_id}"\norganization = "{organization}"\nprofiles = [{listed}]\n',
        encoding="utf-8",
    )
    load_settings(home.settings)


def _kind(home: Home) -> str:
    """Return the kind of the run's domain, "" when it has none."""
    domain_id = _studio(home).get("domain_id", "")
    return next((kind for kind, each in KINDS.items() if each == domain_id), "")


def _profiles(home: Home) -> list[str]:
    return list(_studio(home).get("profiles", []))


def _studio(home: Home) -> dict[str, Any]:
    """Return the run's own settings of Studio, {} when it has none."""
    if not home.settings.is_file():
        return {}
    return dict(tomllib.loads(home.settings.read_text(encoding="utf-8"))["studio"])


def ensure_profiles(home: Home, cloud: Cloud, stand_in: StandIn) -> None:
    """Make the domain, its Git connection and profiles, as an administrator would: with tooling, for everybody."""
    domain_id = identifier(home)
    wanted = {"domainId": domain_id, "kind": _kind(home), "kmsKey": _studio(home).get("domain_key_arn", "")}
    made_domain = stand_in.call("POST", "domains", {**wanted, **_PLACE})
    stand_in.call("POST", "git-connections", {"name": "github", "provider": "GitHub", **_PLACE})
    datazone = cloud.client("datazone")
    own_unit(cloud, domain_id, made_domain["rootDomainUnitId"])
    there = datazone.list_project_profiles(domainIdentifier=domain_id)["items"]
    studio = load_settings(home.settings).studio
    names = {*studio.profiles, *studio.project_setup.profiles} - {profile["name"] for profile in there}
    for name in sorted(names):
        make_profile(cloud, made_domain, name, place(ACCOUNT, REGION))


def place(account: str, region: str) -> dict[str, Any]:
    """Return what an environment configuration of a profile has of its account and region."""
    return {"awsAccount": {"awsAccountId": account}, "awsRegion": {"regionName": region}}


def make_profile(cloud: Cloud, made_domain: Mapping[str, Any], name: str, where: Mapping[str, Any]) -> str:
    """Make a project profile with tooling in a place (or account pools), which everybody may use; return its id.

    `made_domain` is what the control answered that made the domain.
    """
    datazone, domain_id = cloud.client("datazone"), made_domain["domainId"]
    tooling = {
        "name": "Tooling",
        "environmentBlueprintId": made_domain["toolingBlueprintId"],
        "deploymentMode": "ON_CREATE",
        "deploymentOrder": 0,
        **where,
    }
    made = datazone.create_project_profile(
        domainIdentifier=domain_id, name=name, status="ENABLED", environmentConfigurations=[tooling]
    )
    datazone.add_policy_grant(
        domainIdentifier=domain_id,
        entityType="DOMAIN_UNIT",
        entityIdentifier=made_domain["rootDomainUnitId"],
        policyType="CREATE_PROJECT_FROM_PROJECT_PROFILE",
        principal={"user": {"allUsersGrantFilter": {}}},
        detail={"createProjectFromProjectProfile": {"includeChildDomainUnits": True, "projectProfiles": [made["id"]]}},
    )
    return str(made["id"])


def own_unit(cloud: Cloud, domain_id: str, unit: str) -> None:
    """Make the roles of the functions that write into the domain owners of its unit, as docs/studio.md asks for."""
    datazone, functions = cloud.client("datazone"), cloud.client("lambda")
    entity = {"domainIdentifier": domain_id, "entityType": "DOMAIN_UNIT", "entityIdentifier": unit}
    for name in OWNERS:
        role = functions.get_function_configuration(FunctionName=name)["Role"]
        try:
            datazone.add_entity_owner(**entity, owner={"user": {"userIdentifier": role}})
        except datazone.exceptions.ConflictException:
            continue
