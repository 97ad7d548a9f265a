"""A session of the SageMaker SDK that contacts nothing. Make it before anything from `sagemaker` is imported.

The SDK (3.27.0) reaches out in five places while a pipeline is only described. Each is closed, the first four here:
the region, which it needs when it is imported; instance metadata, for the credentials of default clients; IAM, for the
role's policy; telemetry; and S3, for a default bucket, when a ModelBuilder has no `dependencies` (definition.py).
"""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import Mock

NO_TELEMETRY = {"SchemaVersion": "1.0", "SageMaker": {"PythonSDK": {"Modules": {"TelemetryOptOut": True}}}}


@contextmanager
def quiet() -> Iterator[None]:
    """Keep the SDK's log and its warnings about itself out of what a person reads."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)


def offline_session(region: str, bucket: str, prefix: str) -> Any:
    """Return a PipelineSession without credentials whose client is a mock: it can only describe."""
    os.environ.setdefault("AWS_DEFAULT_REGION", region)
    os.environ["AWS_EC2_METADATA_DISABLED"] = "true"
    os.environ["SAGEMAKER_VALIDATE_ROLE"] = "false"
    import boto3
    from sagemaker.core.workflow.pipeline_context import PipelineSession

    return PipelineSession(
        boto_session=boto3.Session("none", "none", region_name=region),
        sagemaker_client=Mock(),
        default_bucket=bucket,
        default_bucket_prefix=prefix,
        sagemaker_config=NO_TELEMETRY,
    )
