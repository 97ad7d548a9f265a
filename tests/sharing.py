"""What tests in several processes share: which of them run in one, and assemblies that are synthesized once for all."""

from __future__ import annotations

import fcntl
import shutil
from functools import cache
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError
from xdist.scheduler import LoadScopeScheduling

from local import assembly, ministack, versions
from local.home import Home

# Tests with one local run between them go to one process; the longest come first. All others go by file.
GROUPS = {
    "the command line": ("e2e/test_launch.py", "e2e/test_update.py", "e2e/test_template_source.py"),
    "both doors": ("studio/test_first_door.py", "studio/test_second_door.py", "studio/test_zz_permissions.py"),
    "projects": ("studio/test_classic.py", "studio/test_model_approval.py", "studio/test_new_versions.py"),
    "bad input": ("e2e/test_bad_input.py", "e2e/test_running.py"),
    "hygiene": ("security/test_hygiene.py",),
    "stacks": tuple(f"synth/test_{name}.py" for name in ("foundation", "policies", "portfolio", "product", "studio")),
    "snapshots": ("synth/test_versions.py",),
    "stories on MiniStack": ("[ministack",),
    "faults": ("faults/test_faults.py",),
}
_FIRST = list(GROUPS)


def group(node_id: str) -> str:
    """Return the name of the tests that a test shares a process with."""
    for name, parts in reversed(GROUPS.items()):
        if any(part in node_id for part in parts):
            return name
    return node_id.partition("::")[0]


class Sharing(LoadScopeScheduling):
    """xdist's scheduling by scope, with our groups for scopes (its `loadgroup` does not work with pytest 9)."""

    def _split_scope(self, nodeid: str) -> str:
        return group(nodeid)


def order(name: str) -> int:
    """Return the place of a group: those that take longest begin first."""
    return _FIRST.index(name) if name in _FIRST else len(_FIRST)


def synthesized_before(home: Home, folders: pytest.TempPathFactory) -> None:
    """Put the assembly that `up` deploys into a new home, synthesized by the first process that needs it."""
    base = folders.getbasetemp()
    common = (base.parent if base.name.startswith("popen-") else base) / "assemblies"
    common.mkdir(exist_ok=True)
    home.make()
    versions.ensure_first(home)
    made = common / assembly.name(home)
    with made.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists():
            shutil.copytree(assembly.synthesize(home).path, made)
            return
    shutil.copytree(made, home.assemblies / made.name)


@cache
def _dynamodb(url: str) -> Any:
    import boto3

    keys = {"aws_access_key_id": ministack.ACCOUNT, "aws_secret_access_key": "any"}
    return boto3.client("dynamodb", endpoint_url=url, region_name=ministack.REGION, **keys)


def forget_spent_budget(home: Home) -> None:
    """Let the next operation begin as if minutes had passed: tests launch more than GitHub's limits allow at once."""
    running = home.state().processes.get("ministack")
    if running is None:
        return
    client = _dynamodb(running.url)
    try:
        tables = [table for table in client.list_tables()["TableNames"] if "RateBudget" in table]
    except EndpointConnectionError:  # a test has ended it
        return
    for table in tables:
        client.delete_item(TableName=table, Key={"Id": {"S": "github"}})
