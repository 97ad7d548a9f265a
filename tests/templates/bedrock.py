"""Bedrock with the recorded answers of a checkout of llm-evaluation, and the models that its config.toml then names."""

from __future__ import annotations

import csv
import importlib.util
import sys
import tomllib
from pathlib import Path
from types import ModuleType
from typing import Any

from tests.templates.recorded import ACCOUNT, REGION

_PROFILE = f"arn:aws:bedrock:{REGION}:{ACCOUNT}:application-inference-profile"
CANDIDATE, JUDGE = f"{_PROFILE}/answers", f"{_PROFILE}/judges"


def module(path: Path) -> ModuleType:
    """Load a file of a template under a name of its own."""
    specification = importlib.util.spec_from_file_location(f"llm_evaluation_{path.stem}", path)
    assert specification
    assert specification.loader
    loaded = importlib.util.module_from_spec(specification)
    sys.modules[specification.name] = loaded
    specification.loader.exec_module(loaded)
    return loaded


def name_models(checkout: Path) -> None:
    """Put the models into config.toml, as the README says."""
    config = checkout / "config.toml"
    text = config.read_text(encoding="utf-8")
    for arn in (CANDIDATE, JUDGE):
        assert 'model_id = ""' in text
        text = text.replace('model_id = ""', f'model_id = "{arn}"', 1)
    config.write_text(text, encoding="utf-8")


class Bedrock:
    """The template's own recorded answers. `kind`: good or bad ones."""

    def __init__(self, checkout: Path) -> None:
        scripts = checkout / "source_scripts/bedrock"
        prompts, self._recorded = module(scripts / "prompts.py"), module(scripts / "recorded.py")
        self._file = checkout / "data/recorded/answers.jsonl"
        candidate = tomllib.loads((checkout / "config.toml").read_text(encoding="utf-8"))["candidate"]
        with (checkout / "data/prompts.csv").open(encoding="utf-8") as rows:
            self._questions = {row["id"]: prompts.question(candidate, row) for row in csv.DictReader(rows)}
        self.kind = "good"

    def converse(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Answer as the candidate or the judge does."""
        client = self._recorded.Recorded(self._file, self.kind, self._questions)
        role = self._recorded.JUDGE if asked["modelId"] == JUDGE else self._recorded.CANDIDATE
        return dict(client.converse(**{**asked, "modelId": role}))
