"""Start the scoring pipeline with the model that is deployed, and show what drifted."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from deployment.release import definition_of
from deployment.settings import DeploymentError
from pipelines import NAME, drift_report, pipeline_name, scoring_data, source_code, summary
from pipelines import project as facts
from pipelines.configuration import Configuration, ConfigurationError, load
from pipelines.definition import EXAMPLE, build, packages_of, table_of
from pipelines.execution import PipelineFailed, Pipelines
from pipelines.project import MissingSetting, Project, from_environment

ROOT = Path(__file__).resolve().parent
PROBLEMS = (
    ConfigurationError,
    DeploymentError,
    FileNotFoundError,
    MissingSetting,
    PipelineFailed,
    BotoCoreError,
    ClientError,
)


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; return the exit status."""
    options = _options(arguments)
    try:
        configuration = load(ROOT / "config.toml")
        if options.local:
            return _local(configuration)
        here = {name: value for name, value in os.environ.items() if value}
        if options.print_definition:
            project = from_environment({**facts.EXAMPLE, **here})
            print(build(project, configuration, source_code.collect(project, ROOT), EXAMPLE))
            return 0
        return _run(options, configuration, from_environment(here))
    except PROBLEMS as error:
        return _failed(str(error))


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--start", action="store_true", help="start an execution; else say which model is deployed")
    parser.add_argument("--wait", action="store_true", help="wait for the execution to end, and show what drifted")
    parser.add_argument("--local", action="store_true", help="run the steps here, on data/, without AWS")
    parser.add_argument("--print-definition", action="store_true", help="print the pipeline's definition, without AWS")
    parser.add_argument("--input", default="", help="S3 URI of a folder with rows (default: that of config.toml)")
    return parser.parse_args(arguments)


def _local(configuration: Configuration) -> int:
    from pipelines import local_run

    try:
        asked, report = local_run.run(ROOT, ROOT / "build" / "local", configuration)
    except local_run.StepFailed as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{asked} known rows got the scores that the evaluated model gave.\n{drift_report.verdict(report)}")
    return _drifted(report, configuration)


def _run(options: argparse.Namespace, configuration: Configuration, project: Project) -> int:
    import boto3

    session = boto3.Session(region_name=project.region)
    s3, sagemaker = session.client("s3"), session.client("sagemaker")
    definition = definition_of(project.id, sagemaker)
    package, _ = packages_of(definition or "{}")
    if not package:
        raise DeploymentError(
            "No model is deployed yet. Approve one in Studio, then run the workflow Deploy the model."
        )
    print(f"Model package: {package}")
    if not options.start:
        return 0
    rows, sentence = _rows(options.input, table_of(definition), project, configuration, s3)
    print(sentence)
    pipelines, name = Pipelines(sagemaker), pipeline_name(project.id)
    execution = pipelines.start(name, {"InputDataUrl": rows} if rows else {}, _token())
    link = summary.console_link(project.region, name, execution)
    place = project.uri("pipeline", NAME, execution.rsplit("/", 1)[-1])
    shown = {"Execution": f"[{execution.rsplit('/', 1)[-1]}]({link})", "Model": package, "Rows": sentence}
    print(f"Execution: {execution}\n{link}")
    if not options.wait:
        _tell(summary.text("Scoring was started", shown, None, {}))
        return 0
    try:
        pipelines.wait(execution)
    except PipelineFailed as error:
        _tell(summary.text("Scoring failed", {**shown, "Reason": str(error)}, None, {}))
        raise
    report = summary.report(s3, project.bucket, f"{place}/drift/drift.json".removeprefix(f"s3://{project.bucket}/"))
    shown |= {"Scores": f"{place}/predictions/", "Drift": drift_report.verdict(report)}
    _tell(summary.text("Rows were scored", shown, None, {}) + drift_report.table(report))
    return _drifted(report, configuration)


def _rows(asked_for: str, table: str, project: Project, configuration: Configuration, s3: Any) -> tuple[str, str]:
    """Return the folder whose rows are scored, "" for the deployed table, and a sentence. Raises DeploymentError."""
    if table != configuration.scoring.table:
        known = f"the table {table}" if table else "files"
        raise DeploymentError(
            f"The deployed pipeline scores {known}, but scoring.table in config.toml is "
            f'"{configuration.scoring.table}". Run the workflow Deploy the model: a change takes effect then.'
        )
    if table and asked_for:
        raise DeploymentError(
            f"The deployed pipeline scores the table {table}, not a folder. Leave the input empty, or set "
            'scoring.table in config.toml to "" and deploy.'
        )
    if table:
        return "", f"Rows: the table {table}, read by Athena."
    if asked_for:
        return asked_for, f"Rows: {asked_for}."
    return scoring_data.prepare(project, configuration.scoring.input, ROOT, s3)


def _drifted(report: Mapping[str, Any], configuration: Configuration) -> int:
    """Return the exit status that config.toml wants for a report."""
    if report["drifted"] and configuration.drift.fail:
        return _failed(f"{drift_report.verdict(report)} (drift.fail in config.toml)")
    return 0


def _failed(sentence: str) -> int:
    print(f"::error::{sentence}" if os.environ.get("GITHUB_ACTIONS") else f"Error: {sentence}", file=sys.stderr)
    return 1


def _tell(content: str) -> None:
    print(content)
    summary.write(content, os.environ)


def _token() -> str:
    """Return what keeps a repeated request from starting a second execution: one token for each attempt of a run."""
    run = "-".join(os.environ.get(name, "") for name in ("GITHUB_RUN_ID", "GITHUB_RUN_ATTEMPT"))
    return f"score-{run}".ljust(32, "0")[:128] if run.strip("-") else os.urandom(16).hex()


if __name__ == "__main__":
    sys.exit(main())
