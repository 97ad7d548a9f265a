"""A rehearsal of an administrator's day: what `python -m operations` needs to work on the local run.

As a role of the account that the portfolio lists, and not as the account's root: what an administrator may not do on
AWS, this one may not do here.
"""

from __future__ import annotations

import contextlib
import json
import os
import shlex
from collections.abc import Mapping
from typing import TYPE_CHECKING

from local.cloud import ELSEWHERE
from local.ministack import ACCOUNT, REGION

if TYPE_CHECKING:
    from local.run import Run

ROLE = "local-administrator"
# Of the caller's shell: they would lead to an account of AWS.
_TAKEN_AWAY = ("AWS_PROFILE", "AWS_REGION", "AWS_CA_BUNDLE", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "AWS_ROLE_ARN")


def environment(run: Run) -> dict[str, str]:
    """Return the variables; the role is created, and made a principal of the portfolio, where it is not yet.

    Raises LocalError where the stacks are not deployed.
    """
    cloud = run.cloud
    keys = cloud.client("sts").assume_role(RoleArn=_administrator(run), RoleSessionName="rehearsal")["Credentials"]
    elsewhere = {f"AWS_ENDPOINT_URL_{_service(each)}": cloud.stand_in_url for each in (*ELSEWHERE, "codeconnections")}
    return {
        "AWS_ACCESS_KEY_ID": keys["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": keys["SecretAccessKey"],
        "AWS_SESSION_TOKEN": keys["SessionToken"],
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ENDPOINT_URL": cloud.ministack_url,
        **elsewhere,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "GITHUB_API_URL": run.github.api_url,
        "MLOPS_VERSIONS_DIR": str(run.home.versions),
        **({"SETTINGS_FILE": str(run.home.settings)} if run.home.settings.is_file() else {}),
    }


def exports(variables: Mapping[str, str]) -> str:
    """Return the lines for a POSIX shell's `eval`."""
    given = [f"export {name}={shlex.quote(value)}" for name, value in variables.items()]
    return "\n".join([f"unset {' '.join(_TAKEN_AWAY)}", *given])


def _service(name: str) -> str:
    """Return a service as botocore writes it in variables: by its id, in capitals."""
    return {"servicecatalog": "SERVICE_CATALOG"}.get(name, name.upper())


def _administrator(run: Run) -> str:
    """Return the ARN of the role, which may do everything in the account and is a principal of our portfolio."""
    iam, catalog = run.cloud.client("iam"), run.cloud.client("servicecatalog")
    trust = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Action": "sts:AssumeRole"}
    everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    with contextlib.suppress(iam.exceptions.EntityAlreadyExistsException):
        iam.create_role(RoleName=ROLE, AssumeRolePolicyDocument=_policy(trust))
        iam.put_role_policy(RoleName=ROLE, PolicyName="everything", PolicyDocument=_policy(everything))
    arn = str(iam.get_role(RoleName=ROLE)["Role"]["Arn"])
    catalog.associate_principal_with_portfolio(PortfolioId=_portfolio(run), PrincipalARN=arn, PrincipalType="IAM")
    return arn


def _portfolio(run: Run) -> str:
    from local import assembly
    from local.home import LocalError

    found = run.cloud.stacks.find(assembly.PORTFOLIO)
    if found is None:
        raise LocalError("PortfolioStack is not deployed; run `python -m local up`.")
    return found.outputs["PortfolioId"]


def _policy(statement: Mapping[str, object]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})
