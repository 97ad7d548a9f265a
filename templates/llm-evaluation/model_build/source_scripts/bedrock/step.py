"""What the steps share: options, settings, files of JSON lines, the client, and many calls at a time."""

from __future__ import annotations

import argparse
import json
import os
import tomllib
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import conversation
import prompts
import recorded

CODE = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Step:
    """One run of a step."""

    base: Path
    configuration: dict[str, Any]
    options: argparse.Namespace

    def read(self, name: str) -> list[dict[str, Any]]:
        """Return the records of NAME/NAME.jsonl."""
        text = (self.base / name / f"{name}.jsonl").read_text(encoding="utf-8")
        return [json.loads(line) for line in text.splitlines()]

    def write(self, name: str, records: Iterable[dict[str, Any]]) -> None:
        """Write NAME/NAME.jsonl."""
        folder = self.base / name
        folder.mkdir(parents=True, exist_ok=True)
        lines = (json.dumps(record, ensure_ascii=False) + "\n" for record in records)
        (folder / f"{name}.jsonl").write_text("".join(lines), encoding="utf-8")

    def model(self, role: str) -> conversation.Model:
        """Return the candidate or the judge. Raises SystemExit if config.toml names none."""
        settings = self.configuration[role]
        if self.options.recorded:
            asked = {
                each["id"]: prompts.question(self.configuration["candidate"], each) for each in self.read("prompts")
            }
            client = recorded.Recorded(self.options.recorded, self.options.answers, asked)
            return conversation.Model(client, f"recorded-{role}", settings["inference"])
        if not settings["model_id"]:
            raise SystemExit(
                f"{role}.model_id in config.toml is empty. Put the ARN of one of the project's inference profiles in."
            )
        region = os.environ.get("REGION", "")
        client = conversation.client(region, self.configuration["calls"])
        return conversation.Model(client, settings["model_id"], settings["inference"])

    def each(
        self, function: Callable[[dict[str, Any]], dict[str, Any]], records: list[dict[str, Any]]
    ) -> list[dict[str, Any]]:
        """Apply a function to every record, some at a time, in order. The first that fails ends all."""
        with ThreadPoolExecutor(self.configuration["calls"]["concurrency"]) as pool:
            futures = [pool.submit(function, record) for record in records]
            try:
                return [future.result() for future in futures]
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise


def start(description: str | None) -> Step:
    """Read options and settings."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--base", type=Path, default=Path("/opt/ml/processing"))
    parser.add_argument("--recorded", type=Path, help="answer from this file instead of asking Bedrock")
    parser.add_argument("--answers", choices=["good", "bad"], default="good", help="which of the recorded answers")
    parser.add_argument("--sample", type=int, help="evaluate only so many prompts (default: data.sample)")
    options = parser.parse_args()
    return Step(options.base, settings(), options)


def settings() -> dict[str, Any]:
    """Read config.toml, which lies beside the scripts in SageMaker, and above them in the repository."""
    path = next(path for path in (CODE / "config.toml", CODE.parent / "config.toml") if path.exists())
    return tomllib.loads(path.read_text(encoding="utf-8"))
