"""Let a model package score: first the rows whose answers are known, then what the scoring pipeline is given.

It is the one in MODEL_PACKAGE_ARN, else the latest approved one.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from deployment.release import Deployment, Release
from deployment.settings import DeploymentError
from pipelines import summary
from pipelines.configuration import ConfigurationError, load
from pipelines.execution import PipelineFailed, Pipelines
from pipelines.project import MissingSetting, from_environment

ROOT = Path(__file__).resolve().parent
PROBLEMS = (ConfigurationError, DeploymentError, MissingSetting, PipelineFailed, BotoCoreError, ClientError)


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; return the exit status."""
    argparse.ArgumentParser(description=__doc__).parse_args(arguments)
    return deploy(lambda deployment: deployment.release(os.environ.get("MODEL_PACKAGE_ARN", "")))


def deploy(action: Callable[[Deployment], Release]) -> int:
    """Run an action; print what it did, also to the job's summary. Return the exit status."""
    try:
        configuration, project = load(ROOT / "config.toml"), from_environment(os.environ)
        import boto3

        session = boto3.Session(region_name=project.region)
        sagemaker, s3 = session.client("sagemaker"), session.client("s3")
        release = action(Deployment(project, configuration, ROOT, sagemaker, s3, Pipelines(sagemaker)))
    except PROBLEMS as error:
        summary.write(f"## Not deployed\n\n{error}\n", os.environ)
        print(f"::error::{error}" if os.environ.get("GITHUB_ACTIONS") else f"Error: {error}", file=sys.stderr)
        return 1
    print(release.summary())
    summary.write(release.summary(), os.environ)
    return 0


if __name__ == "__main__":
    sys.exit(main())
