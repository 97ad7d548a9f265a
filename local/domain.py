"""The Studio domain of the local run in which StudioStack puts the blueprint into profiles: an administrator's part."""

from __future__ import annotations

import re
import tomllib
from typing import TYPE_CHECKING

from local.home import Home, LocalError
from local.ministack import ACCOUNT, REGION
from products.settings import load_settings, settings_path

if TYPE_CHECKING:
    from local.cloud import Cloud
    from local.standins import StandIn

ID = "dzd-local0chain000"
NAME = re.compile(r"[\w -]{1,64}")  # of a profile, or a project


def use_profile(home: Home, profile: str, organization: str) -> None:
    """Have the run's settings offer the product in a project profile of the chain's domain, beside those before."""
    if not NAME.fullmatch(profile):
        raise LocalError(f"{profile!r} cannot be a profile's name; use letters, digits, spaces, hyphens, underscores.")
    profiles = sorted({*_profiles(home), profile})
    text = settings_path().read_text(encoding="utf-8")
    text = re.sub(r"(?ms)^\[studio[].].*", "", text)
    listed = ", ".join(f'"{name}"' for name in profiles)
    home.make()
    home.settings.write_text(
        f'{text}\n[studio]\ndomain_id = "{ID}"\norganization = "{organization}"\nprofiles = [{listed}]\n',
        encoding="utf-8",
    )
    load_settings(home.settings)


def _profiles(home: Home) -> list[str]:
    if not home.settings.is_file():
        return []
    return list(tomllib.loads(home.settings.read_text(encoding="utf-8"))["studio"]["profiles"])


def ensure_profiles(home: Home, cloud: Cloud, stand_in: StandIn) -> None:
    """Make the domain and its profiles, as an administrator of Studio would: tooling, and everybody may use them."""
    made_domain = stand_in.call("POST", "domains", {"domainId": ID, "account": ACCOUNT, "region": REGION})
    datazone = cloud.client("datazone")
    there = datazone.list_project_profiles(domainIdentifier=ID)["items"]
    wanted = load_settings(home.settings).studio
    names = {*wanted.profiles, *wanted.project_setup.profiles} - {profile["name"] for profile in there}
    for name in sorted(names):
        made = datazone.create_project_profile(
            domainIdentifier=ID,
            name=name,
            status="ENABLED",
            environmentConfigurations=[
                {
                    "name": "Tooling",
                    "environmentBlueprintId": made_domain["toolingBlueprintId"],
                    "deploymentMode": "ON_CREATE",
                    "deploymentOrder": 0,
                    "awsAccount": {"awsAccountId": ACCOUNT},
                    "awsRegion": {"regionName": REGION},
                }
            ],
        )
        datazone.add_policy_grant(
            domainIdentifier=ID,
            entityType="DOMAIN_UNIT",
            entityIdentifier=made_domain["rootDomainUnitId"],
            policyType="CREATE_PROJECT_FROM_PROJECT_PROFILE",
            principal={"user": {"allUsersGrantFilter": {}}},
            detail={
                "createProjectFromProjectProfile": {"includeChildDomainUnits": True, "projectProfiles": [made["id"]]}
            },
        )
