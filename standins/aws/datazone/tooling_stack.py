"""The stack of a Tooling environment, in the project's account and region: what CloudFormation's events are about.

What is in AWS's own template is not known. Here the stack holds next to nothing: Tooling makes the rest by itself.
"""

from __future__ import annotations

import json
from typing import Any

from botocore.exceptions import WaiterError

from standins.aws.calls import Record
from standins.aws.datazone.environment_values import DeploymentFailed, stack_name, stack_tags
from standins.aws.datazone.model import Domain
from standins.aws.emulator import Credentials, Emulator

_TEMPLATE = {"Resources": {"Tooling": {"Type": "AWS::CloudFormation::WaitConditionHandle"}}}
_PATIENCE = {"Delay": 0.1, "MaxAttempts": 300}


def open_stack(emulator: Emulator, domain: Domain, environment: Record) -> None:
    """Make the stack and wait for it. Raises DeploymentFailed."""
    account, region = environment["awsAccountId"], environment["awsAccountRegion"]
    cloudformation: Any = emulator.client("cloudformation", region, Credentials(account))
    tags = stack_tags(domain, environment) if domain.rules.tooling_tagged else {}
    environment["_stack"] = cloudformation.create_stack(
        StackName=stack_name(environment),
        TemplateBody=json.dumps(_TEMPLATE),
        Tags=[{"Key": key, "Value": value} for key, value in tags.items()],
    )["StackId"]
    try:
        cloudformation.get_waiter("stack_create_complete").wait(StackName=environment["_stack"], WaiterConfig=_PATIENCE)
    except WaiterError as error:
        raise DeploymentFailed(f"The Tooling stack was not created: {error}") from error
