"""Ask the configuration prompts whose answers are known, before a stage changes: those that model build wrote down."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from deployment import evaluated
from deployment.settings import DeploymentError

FILE = "smoke.json"  # beside the metrics
COMPLETE = ("end_turn", "stop_sequence")


@dataclass(frozen=True)
class KnownPrompt:
    """A prompt, and what its answer contained when it was evaluated."""

    id: str
    text: str
    facts: tuple[str, ...]


def client(session: Any, attempts: int) -> Any:
    """Return a client of Bedrock's runtime that repeats what is throttled."""
    return session.client(
        "bedrock-runtime", config=Config(retries={"mode": "adaptive", "total_max_attempts": attempts}, read_timeout=120)
    )


def known_prompts(package: Mapping[str, Any], s3: Any) -> tuple[KnownPrompt, ...]:
    """Read a model package's known prompts. Raises DeploymentError if it has none."""
    statistics = package.get("ModelMetrics", {}).get("ModelQuality", {}).get("Statistics", {}).get("S3Uri", "")
    bucket, _, key = statistics.removeprefix("s3://").partition("/")
    folder = key.rpartition("/")[0]
    if not folder:
        raise DeploymentError("The model package has no metrics, and so no known prompts. Register it by model build.")
    try:
        found = json.loads(s3.get_object(Bucket=bucket, Key=f"{folder}/{FILE}")["Body"].read())
    except ClientError as error:
        code, place = error.response["Error"]["Code"], f"s3://{bucket}/{folder}/{FILE}"
        raise DeploymentError(f"The known prompts cannot be read ({code}): {place}.") from error
    return tuple(KnownPrompt(each["id"], each["text"], tuple(each["facts"])) for each in found["prompts"])


def run(
    configuration: evaluated.Evaluated, model_id: str, known: tuple[KnownPrompt, ...], share: float, bedrock: Any
) -> int:
    """Ask each prompt; return how many answers had every fact. Raises DeploymentError if they are too few."""
    if not known:
        raise DeploymentError(
            "There are no known prompts. Give prompts of model build facts (data.facts), and run it again."
        )
    wrong = [each.id for each in known if not _answers(configuration, model_id, each, bedrock)]
    right = len(known) - len(wrong)
    if right < share * len(known):
        raise DeploymentError(
            f"{model_id} answered {right} of {len(known)} known prompts as the evaluated one did; wrong: "
            f"{', '.join(wrong)}. The stage stays as it was."
        )
    return right


def _answers(configuration: evaluated.Evaluated, model_id: str, known: KnownPrompt, bedrock: Any) -> bool:
    try:
        response = bedrock.converse(**configuration.request(known.text, model_id))
    except ClientError as error:
        raise DeploymentError(_explained(model_id, error.response["Error"])) from error
    except BotoCoreError as error:
        raise DeploymentError(f"Bedrock cannot be reached for {model_id}: {error}") from error
    said = evaluated.text(response).lower()
    return response["stopReason"] in COMPLETE and all(fact.lower() in said for fact in known.facts)


def _explained(model_id: str, error: Mapping[str, str]) -> str:
    what = f"Bedrock did not let {model_id} answer ({error['Code']}: {error.get('Message', '').rstrip('.')}). "
    if error["Code"] in ("AccessDeniedException", "ResourceNotFoundException"):
        return what + (
            "The role that deploys may use the project's own inference profiles, of models that an administrator lists "
            "in [workflow_role] bedrock_models and has enabled in the Bedrock console (Model catalog)."
        )
    return what + "Run this again later, or set the stage's model_id in config.toml. The stage stays as it was."
