"""One session of boto3 for the tests of a process: making it takes longer than a test."""

from __future__ import annotations

from functools import cache

import boto3


@cache
def session(region: str) -> boto3.Session:
    """Return the session of a region, made at the first call: a profile that does not exist stops no collection."""
    return boto3.Session(region_name=region)
