"""A project's role: the one that Tooling makes by the domain's kind, or the one that the project's creator gives.

Names as in live domains: `datazone_usr_role_<project>_<environment>` with Identity Center, in an IAM-based domain
`service-role/AmazonSageMakerUserIAMExecutionRole_<suffix>` (admin guide, "IAM-based domains and projects").
"""

from __future__ import annotations

import json
from typing import Any

from botocore.exceptions import ClientError

from standins.aws.calls import Record, new_id
from standins.aws.datazone.environment_values import DeploymentFailed
from standins.aws.datazone.model import IDENTITY_CENTER, Domain
from standins.aws.datazone.roles import SERVICE_PRINCIPAL
from standins.aws.emulator import Credentials, Emulator

_TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": ["sagemaker.amazonaws.com", SERVICE_PRINCIPAL]},
            "Action": ["sts:AssumeRole", "sts:TagSession"],
        }
    ],
}


def make_role(emulator: Emulator, domain: Domain, project: Record, environment: Record) -> str:
    """Return the ARN of the project's role, made unless it was given. Raises DeploymentFailed where that is missing."""
    iam = _iam(emulator, environment)
    if given := project["_execution_role"]:
        try:
            return str(iam.get_role(RoleName=given.rpartition("/")[2])["Role"]["Arn"])
        except ClientError as error:
            raise DeploymentFailed(f"Role {given} does not exist.", validation=True) from error
    if domain.kind == IDENTITY_CENTER:
        path, name = "/", f"datazone_usr_role_{environment['projectId']}_{environment['id']}"[:64]
    else:
        path, name = "/service-role/", f"AmazonSageMakerUserIAMExecutionRole_{new_id(12)}"
    made = iam.create_role(RoleName=name, Path=path, AssumeRolePolicyDocument=json.dumps(_TRUST))["Role"]
    environment["_role"] = name
    return str(made["Arn"])


def delete_role(emulator: Emulator, domain: Domain, environment: Record) -> None:
    """Delete the role that was made. Raises DeploymentFailed in a strict domain while a policy of others is on it."""
    name = environment.get("_role")
    if not name:
        return
    iam = _iam(emulator, environment)
    inline = iam.list_role_policies(RoleName=name)["PolicyNames"]
    attached = iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]
    if domain.rules.strict and (inline or attached):
        named = ", ".join([*inline, *(policy["PolicyArn"] for policy in attached)])
        raise DeploymentFailed(f"Cannot delete role {name}: it has policies that Studio did not put there: {named}.")
    for policy in inline:
        iam.delete_role_policy(RoleName=name, PolicyName=policy)
    for policy in attached:
        iam.detach_role_policy(RoleName=name, PolicyArn=policy["PolicyArn"])
    iam.delete_role(RoleName=name)
    del environment["_role"]


def _iam(emulator: Emulator, environment: Record) -> Any:
    return emulator.client("iam", environment["awsAccountRegion"], Credentials(environment["awsAccountId"]))
