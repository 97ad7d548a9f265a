"""The clients of the local cloud: MiniStack, and the stand-ins beside it. Never a real account."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from local.ministack import ACCOUNT, REGION
from local.stacks import Stacks

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_secretsmanager import SecretsManagerClient
    from mypy_boto3_ssm import SSMClient

# Answered by the AWS stand-in.
ELSEWHERE = ("datazone", "sagemaker", "servicecatalog")


def forget_real_accounts() -> None:
    """Take the user's AWS settings out of this process: what it calls is on this machine (side effect)."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
    os.environ["AWS_CONFIG_FILE"] = os.environ["AWS_SHARED_CREDENTIALS_FILE"] = os.devnull
    os.environ["AWS_EC2_METADATA_DISABLED"] = "true"


@dataclass(frozen=True)
class Cloud:
    """Clients for one MiniStack and one AWS stand-in, in an account and region: as the account's root."""

    ministack_url: str
    stand_in_url: str
    account: str = ACCOUNT
    region: str = REGION

    def at(self, account: str, region: str) -> Cloud:
        """Return the clients of another account and region."""
        return replace(self, account=account, region=region)

    def client(self, service: str) -> Any:
        """Return a boto3 client of the service, wherever it is answered."""
        import boto3
        from botocore.config import Config

        return boto3.client(
            service,  # type: ignore[call-overload]
            endpoint_url=self.stand_in_url if service in ELSEWHERE else self.ministack_url,
            region_name=self.region,
            aws_access_key_id=self.account,
            aws_secret_access_key="local",  # noqa: S106 - not a secret: MiniStack takes any
            config=Config(
                s3={"addressing_style": "path"}, retries={"total_max_attempts": 2, "mode": "standard"}, read_timeout=120
            ),
        )

    @cached_property
    def stacks(self) -> Stacks:
        """CloudFormation."""
        return Stacks(self.client("cloudformation"))

    @cached_property
    def s3(self) -> S3Client:
        """S3."""
        return self.client("s3")  # type: ignore[no-any-return]

    @cached_property
    def ssm(self) -> SSMClient:
        """Systems Manager's parameters."""
        return self.client("ssm")  # type: ignore[no-any-return]

    @cached_property
    def secrets(self) -> SecretsManagerClient:
        """Secrets Manager."""
        return self.client("secretsmanager")  # type: ignore[no-any-return]
