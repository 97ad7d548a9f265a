"""Deploy a model package to a stage's endpoint.

It is the one in MODEL_PACKAGE_ARN; else the latest approved one for staging, and what staging serves for production.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path

import boto3

from deployment import model_package, stack
from deployment.settings import DeploymentError, from_environment

ROOT = Path(__file__).parent


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stage", choices=["staging", "production"], required=True)
    stage = parser.parse_args(arguments).stage
    try:
        settings = from_environment(os.environ)
        session = boto3.Session(region_name=settings.region)
        cloudformation = stack.target_session(settings, stage, session).client("cloudformation")
        asked_for = os.environ.get("MODEL_PACKAGE_ARN", "")
        if stage == "production" and not asked_for:  # production gets what staging has shown to work
            asked_for = stack.parameter(settings.name("staging"), "ModelPackageArn", cloudformation)
        arn = model_package.choose(asked_for, settings.model_package_group, session.client("sagemaker"))
        print(f"Model package: {arn}")
        outputs = stack.deploy(
            name=settings.name(stage),
            template=(ROOT / "infrastructure" / "endpoint.yaml").read_text(),
            parameters={
                "ModelPackageArn": arn,
                "ExecutionRoleArn": settings.execution_role_arn,
                "EndpointName": settings.name(stage),
                **json.loads((ROOT / "infrastructure" / f"{stage}.json").read_text()),
            },
            tags=settings.tags(stage),
            cloudformation=cloudformation,
        )
    except DeploymentError as error:
        print(f"::error::{error}", file=sys.stderr)
        return 1
    print(f"Endpoint: {outputs.get('EndpointName')}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
