"""Create or update the project's SageMaker pipeline, and start it.

The project's facts are environment variables. In a Studio space they come from the project's own project.json.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from pipelines import NAME, images, pipeline_name, source_code, summary, training_data
from pipelines.configuration import Configuration, ConfigurationError, load
from pipelines.execution import PipelineFailed, Pipelines, ran_in, registered_model
from pipelines.project import EXAMPLE, MissingSetting, Project, facts_of, file_of_space, from_environment

ROOT = Path(__file__).resolve().parent
PROBLEMS = (
    ConfigurationError,
    MissingSetting,
    PipelineFailed,
    images.UnknownImage,
    FileNotFoundError,
    BotoCoreError,
    ClientError,
)


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; return the exit status."""
    options = _options(arguments)
    try:
        configuration = load(ROOT / "config.toml")
        images.require_known("xgboost", configuration.compute.xgboost_image)
        if options.local:
            return _local(configuration)
        if options.print_definition:
            project = from_environment({**EXAMPLE, **_set(os.environ)})
            print(_definition(project, configuration, source_code.collect(project, ROOT)))
            return 0
        return _run(options, configuration, from_environment({**_file(options.project_file), **_set(os.environ)}))
    except PROBLEMS as error:
        print(f"::error::{error}" if os.environ.get("GITHUB_ACTIONS") else f"Error: {error}", file=sys.stderr)
        return 1


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--start", action="store_true", help="start an execution after the update")
    parser.add_argument("--wait", action="store_true", help="wait for the execution to end, and show its metrics")
    parser.add_argument("--local", action="store_true", help="run the steps here, on data/, without AWS")
    parser.add_argument("--print-definition", action="store_true", help="print the pipeline's definition, without AWS")
    parser.add_argument("--input", default="", help="S3 URI of the training data (default: data/ of the project)")
    parser.add_argument("--commit", default="unknown", help="written into the registered model and the MLflow run")
    parser.add_argument("--project-file", default="", help="project.json, a path or an S3 URI (default: the space's)")
    return parser.parse_args(arguments)


def _set(environment: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in environment.items() if value}


def _local(configuration: Configuration) -> int:
    from pipelines import local_run

    try:
        report = local_run.run(ROOT, ROOT / "build" / "local", configuration)
    except local_run.StepFailed as error:
        print(error, file=sys.stderr)
        return 1
    good, sentence = local_run.verdict(report, configuration.limits)
    print(sentence)
    return 0 if good else 1


def _definition(project: Project, configuration: Configuration, code: source_code.SourceCode) -> str:
    from pipelines import session

    with session.quiet():
        offline = session.offline_session(project.region, project.bucket, project.prefix)
        from pipelines.definition import build

        return str(build(project, configuration, code, offline).definition())


def _file(place: str) -> dict[str, str]:
    """Read project.json: the one that was named, or in a Studio space the project's own. Raises MissingSetting."""
    if not place and not os.environ.get("AMAZON_DATAZONE_PROJECT"):
        place = file_of_space()
    if not place:
        return {}
    if not place.startswith("s3://"):
        return facts_of(Path(place).read_text(encoding="utf-8"))
    import boto3

    bucket, _, key = place.removeprefix("s3://").partition("/")
    try:
        found = boto3.client("s3").get_object(Bucket=bucket, Key=key)
    except ClientError as error:
        code = error.response["Error"]["Code"]
        raise MissingSetting(f"{place} cannot be read ({code}). Ask the platform team to update the launch.") from None
    return facts_of(found["Body"].read().decode())


def _run(options: argparse.Namespace, configuration: Configuration, project: Project) -> int:
    import boto3

    session = boto3.Session(region_name=project.region)
    s3, pipelines = session.client("s3"), Pipelines(session.client("sagemaker"))
    code = source_code.collect(project, ROOT)
    definition = _definition(project, configuration, code)
    print(f"Code: {source_code.upload(project, code, s3)} files uploaded to {code.uri}")
    name = pipeline_name(project.id)
    print(f"Pipeline: {pipelines.upsert(name, definition, project.role_arn, project.tags)}")
    if not options.start:
        return 0
    data, sentence = options.input, f"Training data: {options.input}."
    if not data:
        data, sentence = training_data.prepare(project, ROOT, s3)
    print(sentence)
    execution = pipelines.start(name, {"InputDataUrl": data, "Commit": options.commit}, _token(options.commit))
    link = summary.console_link(project.region, name, execution)
    print(f"Execution: {execution}\n{link}")
    facts = {"Execution": f"[{execution.rsplit('/', 1)[-1]}]({link})", "Data": sentence, "Commit": options.commit}
    if not options.wait:
        _tell(summary.text("The pipeline was started", facts, None, configuration.limits))
        return 0
    try:
        steps = pipelines.wait(execution)
    except PipelineFailed as error:
        _tell(summary.text("The pipeline failed", {**facts, "Reason": str(error)}, None, configuration.limits))
        raise
    place = project.uri("pipeline", NAME, ran_in("Evaluate", steps, execution), "evaluation", "evaluation.json")
    report = summary.report(s3, project.bucket, place.removeprefix(f"s3://{project.bucket}/"))
    facts["Model"] = registered_model(steps)
    facts["Next"] = "Approve the model in Studio (Models), then deploy it from the deploy repository."
    _tell(summary.text("The pipeline registered a model", facts, report, configuration.limits))
    return 0


def _tell(content: str) -> None:
    print(content)
    summary.write(content, os.environ)


def _token(commit: str) -> str:
    """Return what keeps a repeated request from starting a second execution: one token for each attempt of a run."""
    run = "-".join(os.environ.get(name, "") for name in ("GITHUB_RUN_ID", "GITHUB_RUN_ATTEMPT"))
    return f"{run}-{commit}".ljust(32, "0")[:128] if run.strip("-") else os.urandom(16).hex()


if __name__ == "__main__":
    sys.exit(main())
