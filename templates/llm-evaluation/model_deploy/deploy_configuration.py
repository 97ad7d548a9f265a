"""Ask an approved configuration prompts whose answers are known, then let a stage use it.

It is that of MODEL_PACKAGE_ARN; else the latest approved one for staging, and what staging uses for production.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from deployment.configuration import load
from deployment.evaluated import Evaluated
from deployment.release import Release, Stage, stack_parameters
from deployment.settings import EXAMPLE, DeploymentError, from_environment

ROOT = Path(__file__).resolve().parent


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stage", choices=["staging", "production"], required=True)
    parser.add_argument("--local", action="store_true", help="print the stack's parameters, without AWS")
    options = parser.parse_args(arguments)
    if options.local:
        set_here = {name: value for name, value in os.environ.items() if value}
        return _print(options.stage, {**EXAMPLE, **set_here})
    return deploy(options.stage, lambda stage: stage.release(os.environ.get("MODEL_PACKAGE_ARN", "")))


def deploy(name: str, action: Callable[[Stage], Release]) -> int:
    """Run an action on a stage; print what it did, also to the job's summary. Return the exit status."""
    try:
        settings = from_environment(os.environ)
        import boto3

        release = action(Stage(name, settings, load(ROOT / "config.toml"), boto3.Session(region_name=settings.region)))
    except (DeploymentError, BotoCoreError, ClientError) as error:
        _tell(f"## Not deployed to {name}\n\n{error}\n", quiet=True)
        print(f"::error::{error}" if os.environ.get("GITHUB_ACTIONS") else f"Error: {error}", file=sys.stderr)
        return 1
    _tell(release.summary())
    return 0


def _print(stage: str, environment: dict[str, str]) -> int:
    try:
        settings, configuration = from_environment(environment), load(ROOT / "config.toml")
        example = Evaluated(
            f"{settings.location}/code/(its hash)/configuration.json", "0" * 64, "(the model)", "", "", {}
        )
        model_id = configuration.model_id(stage, example.model_id)
        found = {"stack": settings.name(stage), **stack_parameters("(the model package)", example, model_id)}
    except DeploymentError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
    print(json.dumps({stage: found}, indent=2))
    return 0


def _tell(content: str, *, quiet: bool = False) -> None:
    if not quiet:
        print(content)
    place = os.environ.get("GITHUB_STEP_SUMMARY")
    if place:
        with Path(place).open("a", encoding="utf-8") as file:
            file.write(content)


if __name__ == "__main__":
    sys.exit(main())
