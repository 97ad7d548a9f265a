"""The configuration that an application asks with: in S3, known by its hash. Applications may copy this file."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

FORMAT = 1
FIELDS = {"format", "model_id", "system", "template", "inference"}
NAMES = {"max_tokens": "maxTokens", "temperature": "temperature", "top_p": "topP"}


class ConfigurationRefused(Exception):
    """The configuration cannot be read, or is not the one that was evaluated."""


@dataclass(frozen=True)
class Evaluated:
    """A prompt and the settings of a model, as they were evaluated."""

    uri: str
    sha256: str
    model_id: str
    system: str
    template: str
    inference: Mapping[str, Any]

    def question(self, prompt: str, context: str = "") -> str:
        """Return the text that the model is asked. What a prompt says is not filled in again."""
        filled = [part.replace("{context}", context) for part in self.template.split("{prompt}")]
        return prompt.join(filled).strip()

    def request(self, text: str, model_id: str = "") -> dict[str, Any]:
        """Return the request of Bedrock's Converse API."""
        return {
            "modelId": model_id or self.model_id,
            **({"system": [{"text": self.system}]} if self.system else {}),
            "messages": [{"role": "user", "content": [{"text": text}]}],
            "inferenceConfig": {NAMES[name]: value for name, value in self.inference.items()},
        }


def read(uri: str, sha256: str, s3: Any) -> Evaluated:
    """Read a configuration. Raises ConfigurationRefused unless its content is what the hash says."""
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    try:
        content = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    except ClientError as error:
        code = error.response["Error"]["Code"]
        raise ConfigurationRefused(f"The configuration {uri} cannot be read ({code}).") from error
    if hashlib.sha256(content).hexdigest() != sha256:
        raise ConfigurationRefused(
            f"The configuration {uri} was changed after it was evaluated. Run model build again."
        )
    found = json.loads(content)
    if found.get("format") != FORMAT or set(found) != FIELDS or not set(found["inference"]) <= set(NAMES):
        raise ConfigurationRefused(
            f"The configuration {uri} has a format that this version does not know. Update this."
        )
    rest = {name: found[name] for name in ("model_id", "system", "template", "inference")}
    return Evaluated(uri, sha256, **rest)


def text(response: Mapping[str, Any]) -> str:
    """Return what a model said. Blocks that are not text are left out."""
    blocks = response["output"].get("message", {}).get("content", [])
    return "".join(block.get("text", "") for block in blocks).strip()
