"""What the functions' processes are forked with (functions.py): imported there only, for what it does."""

from __future__ import annotations

from functools import cache
from importlib import import_module

import boto3
import botocore.session

_IMPORTED = (
    "aws_lambda_powertools.metrics",
    "botocore.handlers",
    "git",
    "github",
    "nacl.public",
    "pydantic",
    "requests",
)
_SERVICES = ("cloudformation", "datazone", "dynamodb", "s3", "secretsmanager")

for _name in _IMPORTED:
    import_module(_name)
# Sessions share what botocore reads of AWS's models: in a fork it is there.
botocore.session.create_loader = cache(botocore.session.create_loader)
for _service in _SERVICES:
    boto3.session.Session().client(_service, region_name="us-east-1")  # type: ignore[call-overload]
