"""Last: every call that the two doors' roles made in this run is one that their policies allow on AWS."""

from __future__ import annotations

import json
import re

import pytest

from local import assembly
from tests.integration.studio.conftest import FIRST_DOOR, SECOND_DOOR, Installation
from tests.synth.policies import Names, allows

pytestmark = [pytest.mark.long, pytest.mark.shares("both doors", seconds=75), pytest.mark.last]

ACCOUNT, REGION = "123456789012", "us-east-1"


@pytest.mark.parametrize(
    ("role", "profile"), [("studio-mlops-provisioning", FIRST_DOOR), ("studio-mlops-project-setup", SECOND_DOOR)]
)
def test_every_call_that_was_made_is_allowed(installation: Installation, role: str, profile: str) -> None:
    project = installation.create(f"seen by {profile}", profile)
    installation.available(project)
    installation.delete(project)
    product = installation.stack_outputs("PortfolioStack")["ProductId"]
    text = json.dumps(installation.run.assembly.template(assembly.STUDIO))
    template = json.loads(re.sub(r'\{"Fn::ImportValue": "[^"]*Product[^"]*"\}', f'"{product}"', text))
    (logical,) = [
        name
        for name, item in template["Resources"].items()
        if item["Type"] == "AWS::IAM::Role" and item["Properties"].get("RoleName") == role
    ]
    names = Names(account=ACCOUNT, region=REGION)
    made = {
        (call["service"], call["operation"], call["parameters"].get("ProductId", ""))
        for call in installation.run.standin_aws.call("GET", "calls")
        if call["caller"].endswith(f"role/{role}")
    }
    assert {operation for _, operation, _ in made} >= {"ProvisionProduct", "DescribeRecord"}
    refused = [
        call
        for call in sorted(made)
        if not allows(
            template,
            logical,
            f"{call[0]}:{call[1]}",
            f"arn:aws:catalog:{REGION}:{ACCOUNT}:product/{call[2]}" if call[2] else "*",
            names=names,
        )
    ]
    assert refused == []
