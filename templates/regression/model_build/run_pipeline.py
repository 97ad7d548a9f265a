"""Create or update the project's SageMaker pipeline and, with --start, start it.

The settings come from environment variables, in GitHub from the repository's secrets (see README.md).
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

import boto3

from pipelines import data_location, source_code
from pipelines.abalone.pipeline import build_pipeline
from pipelines.project import MissingSetting, from_environment

ROOT = Path(__file__).parent


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--start", action="store_true", help="start an execution after the update")
    parser.add_argument("--wait", action="store_true", help="wait for the execution to end")
    parser.add_argument("--input", default="", help="S3 URI of the training data (default: the project's Glue table)")
    parser.add_argument("--commit", default="unknown", help="written into the registered model's metadata")
    options = parser.parse_args(arguments)
    try:
        project = from_environment(os.environ)
        session = boto3.Session(region_name=project.region)
        s3 = session.client("s3")
        scripts = source_code.upload(project, ROOT, s3)
        pipeline = build_pipeline(project, scripts, _pipeline_session(session, project.bucket, project.prefix))
        tags = [{"Key": key, "Value": value} for key, value in project.tags]
        arn = pipeline.upsert(role_arn=project.role_arn, tags=tags)["PipelineArn"]
        print(f"Pipeline: {arn}")
        if not options.start:
            return 0
        data = options.input or data_location.training_data(project, session.client("glue"), s3)
    except (MissingSetting, data_location.DataNotFound) as error:
        print(f"::error::{error}", file=sys.stderr)
        return 1
    execution = pipeline.start(parameters={"InputDataUrl": data, "Commit": options.commit})
    print(f"Execution: {execution.arn}\nData: {data}")
    if options.wait:
        execution.wait()
    return 0


def _pipeline_session(session: boto3.Session, bucket: str, prefix: str):
    from sagemaker.workflow.pipeline_context import PipelineSession

    return PipelineSession(boto_session=session, default_bucket=bucket, default_bucket_prefix=prefix)


if __name__ == "__main__":
    sys.exit(main())
