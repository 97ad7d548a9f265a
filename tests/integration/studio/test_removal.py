"""The very last: StudioStack goes when no project needs it, and leaves Studio as it was."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError

from local import assembly
from tests.integration.studio.conftest import DOMAIN, FIRST_DOOR, OWN, Installation, eventually

# Long: the whole stack and every project go, one after the other.
pytestmark = [pytest.mark.long, pytest.mark.shares("both doors", seconds=75), pytest.mark.last]


def delete_studio_stack(installation: Installation) -> str:
    """Delete StudioStack; return the reason why that failed, "" when it did not."""
    cloudformation = installation.client("cloudformation")
    found = cloudformation.describe_stacks(StackName=assembly.STUDIO)["Stacks"][0]["StackId"]
    cloudformation.delete_stack(StackName=found)

    def ended() -> str:
        status = cloudformation.describe_stacks(StackName=found)["Stacks"][0]["StackStatus"]
        return str(status) if not status.endswith("_IN_PROGRESS") else ""

    return "" if eventually(ended) == "DELETE_COMPLETE" else " ".join(installation.stack_reasons(found))


def test_without_projects_the_stack_goes_and_leaves_nothing(installation: Installation) -> None:
    for item in installation.datazone.get_paginator("list_projects").paginate(domainIdentifier=DOMAIN).search("items"):
        installation.delete(item["id"])
    assert delete_studio_stack(installation) == ""
    assert installation.datazone.list_environment_blueprints(domainIdentifier=DOMAIN, managed=False)["items"] == []
    profiles = installation.datazone.list_project_profiles(domainIdentifier=DOMAIN)["items"]
    assert OWN not in {profile["name"] for profile in profiles}
    (theirs,) = [profile for profile in profiles if profile["name"] == FIRST_DOOR]
    kept = installation.datazone.get_project_profile(domainIdentifier=DOMAIN, identifier=theirs["id"])
    assert [item["name"] for item in kept["environmentConfigurations"]] == ["Tooling"]
    try:
        installation.client("iam").get_role(RoleName="studio-mlops-provisioning")
        raise AssertionError("the role is still there")
    except ClientError as error:
        assert error.response["Error"]["Code"] == "NoSuchEntity"
