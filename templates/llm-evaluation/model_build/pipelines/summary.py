"""What a run says on GitHub: links and metrics, in the job's summary."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def console_link(region: str, name: str, execution: str) -> str:
    """Return the address of an execution in the SageMaker console."""
    partition = execution.split(":")[1]
    host = {"aws-cn": "console.amazonaws.cn", "aws-us-gov": "console.amazonaws-us-gov.com"}.get(
        partition, f"{region}.console.aws.amazon.com"
    )
    run = execution.rsplit("/", 1)[-1]
    return f"https://{host}/sagemaker/home?region={region}#/pipelines/{name}/executions/{run}/graph"


def text(title: str, facts: Mapping[str, str], report: Mapping[str, Any] | None, limits: Mapping[str, float]) -> str:
    """Return the summary in Markdown."""
    lines = [f"## {title}", "", *(f"- {name}: {value}" for name, value in facts.items())]
    if report:
        lines += ["", "| metric | value | limit |", "|---|---|---|"]
        for group in report.values():
            for name, found in group.items():
                lines.append(f"| {name} | {found['value']:.4g} | {limits.get(name, '')} |")
    return "\n".join(lines) + "\n"


def write(content: str, environment: Mapping[str, str]) -> None:
    """Append to the job's summary; outside GitHub, do nothing."""
    place = environment.get("GITHUB_STEP_SUMMARY")
    if place:
        with Path(place).open("a", encoding="utf-8") as file:
            file.write(content)


def report(s3: Any, bucket: str, key: str) -> Mapping[str, Any]:
    """Read a step's report from S3."""
    return dict(json.loads(s3.get_object(Bucket=bucket, Key=key)["Body"].read()))
