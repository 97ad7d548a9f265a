"""What became of a project in the last rollout that reached it, as the rollout's machine wrote it to S3.

    rollouts/<id>/results/<launch>.json    in the archive bucket; ids begin with the time, so they sort by it

A few requests: a list of the rollouts, a list of the results of each of the newest, a read for each project.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from custom_resources.clients.aws import S3, translated
from custom_resources.errors import AwsDenied, AwsNotFound
from operations.deployed import FOUNDATION_STACK
from operations.fleet.facts import Fleet, LastRollout
from products.rollout.names import FOLDER, results_prefix

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

    from custom_resources.clients.stacks import CloudFormationStacks

MOST_ROLLOUTS = 20  # the newest that are looked at
_AT_ONCE = 16  # results that are read together
# The last four digits tell two apart that began in one second.
_ROLLOUT = re.compile(r"\d{8}-\d{6}-(?P<version>v[0-9A-Za-z.+-]{1,60}?)(?:-[0-9a-f]{4})?")


@dataclass(frozen=True)
class Results:
    """The results in a bucket. Every method raises AwsThrottled, AwsUnreachable, AwsDenied, AwsNotFound."""

    client: S3Client
    bucket: str

    def newest(self, launches: Collection[str]) -> dict[str, LastRollout]:
        """Return the newest result of each launch, by its id; a launch that no rollout has reached has none."""
        wanted, keys = set(launches), dict[str, str]()
        for rollout in sorted(self._listed(f"{FOLDER}/"), reverse=True)[:MOST_ROLLOUTS]:
            left = wanted - keys.keys()
            if not left:
                break
            names = {_launch(key): key for key in self._keys(results_prefix(rollout.split("/")[1]))}
            keys |= {launch: names[launch] for launch in left & names.keys()}
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            found = dict(zip(keys, pool.map(self._read, keys.values()), strict=True))
        return {launch: each for launch, each in found.items() if each}

    def _listed(self, prefix: str) -> list[str]:
        with translated(S3, "listing the rollouts"):
            pages = self.client.get_paginator("list_objects_v2").paginate(
                Bucket=self.bucket, Prefix=prefix, Delimiter="/"
            )
            return [str(each["Prefix"]) for page in pages for each in page.get("CommonPrefixes", [])]

    def _keys(self, prefix: str) -> list[str]:
        with translated(S3, "listing a rollout's results"):
            pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=prefix)
            return [str(each["Key"]) for page in pages for each in page.get("Contents", [])]

    def _read(self, key: str) -> LastRollout | None:
        with translated(S3, f"reading {key}"):
            body = self.client.get_object(Bucket=self.bucket, Key=key)["Body"].read()
        try:
            told = json.loads(body)
        except ValueError:
            return None
        return _result(key.split("/")[1], told) if isinstance(told, dict) else None


def _launch(key: str) -> str:
    return key.rpartition("/")[2].removesuffix(".json")


def _result(rollout: str, told: Mapping[str, Any]) -> LastRollout:
    """Read a result, of which anything may be missing."""
    named = _ROLLOUT.fullmatch(rollout)
    version = str(told.get("version") or (named["version"] if named else ""))
    return LastRollout(
        rollout, str(told.get("result") or "unknown"), version, str(told.get("reason") or ""), str(told.get("at") or "")
    )


def with_results(fleet: Fleet, results: Results) -> Fleet:
    """Return the fleet with what the last rollout did to each project. Raises what S3's errors become."""
    found = results.newest([each.launch for each in fleet.projects]) if fleet.projects else {}
    return fleet.only([replace(each, last_rollout=found.get(each.launch)) for each in fleet.projects])


def results_of(client: Callable[[], S3Client], stacks: CloudFormationStacks) -> Results | None:
    """Return the results of an account: in the bucket that the foundation puts out; None where there is none."""
    try:
        bucket = stacks.outputs(FOUNDATION_STACK).get("ArchiveBucket", "")
    except (AwsDenied, AwsNotFound):
        return None
    return Results(client(), bucket) if bucket else None
