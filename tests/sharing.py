"""What tests in several processes share: assemblies that are synthesized once for all, and GitHub's rate budget."""

from __future__ import annotations

import fcntl
import shutil
from functools import cache
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

from local import assembly, ministack, versions
from local.home import SOURCE, Home

FIRST = "v1.0.0"


def begin_with_first(home: Home) -> None:
    """Give a new run the first of the versions that the product ships: the tests publish v1.1.0 and so on after it."""
    if not (home.versions / FIRST).exists():
        shutil.copytree(SOURCE / "products" / "versions" / FIRST, home.versions / FIRST)


def synthesized_before(home: Home, folders: pytest.TempPathFactory, *, newest: bool = False) -> None:
    """Put the assembly that `up` deploys into a new home, synthesized by the first process that needs it.

    `newest`: of the newest version that the product ships, not the first.
    """
    base = folders.getbasetemp()
    common = (base.parent if base.name.startswith("popen-") else base) / "assemblies"
    common.mkdir(exist_ok=True)
    home.make()
    if not newest:
        begin_with_first(home)
    versions.ensure_first(home)
    made = common / assembly.name(home)
    with made.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists():
            shutil.copytree(assembly.synthesize(home).path, made)
            return
    shutil.copytree(made, home.assemblies / made.name)


@cache
def _dynamodb(url: str, account: str, region: str) -> Any:
    import boto3

    return boto3.client(
        "dynamodb",
        endpoint_url=url,
        region_name=region,
        aws_access_key_id=account,
        aws_secret_access_key="any",
    )


def forget_spent_budget(home: Home, account: str = ministack.ACCOUNT, region: str = ministack.REGION) -> None:
    """Let the next operation begin as if minutes had passed: tests launch more than GitHub's limits allow at once."""
    running = home.state().processes.get("ministack")
    if running is None:
        return
    client = _dynamodb(running.url, account, region)
    try:
        tables = [table for table in client.list_tables()["TableNames"] if "RateBudget" in table]
    except EndpointConnectionError:  # a test has ended it
        return
    for table in tables:
        client.delete_item(TableName=table, Key={"Id": {"S": "github"}})
