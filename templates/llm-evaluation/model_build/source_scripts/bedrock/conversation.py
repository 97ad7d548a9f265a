"""Ask one model through Bedrock's Converse API. What cannot go on ends the step with a sentence.

Throttling and outages are repeated by botocore (mode "adaptive": growing pauses, and a slower pace for all threads).
What a single answer suffers from (a filter, a limit, a model that gave up) is part of the answer: its `stop`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

FILTERED = ("guardrail_intervened", "content_filtered")
COMPLETE = ("end_turn", "stop_sequence", *FILTERED)
GAVE_UP = ("ModelTimeoutException", "ModelErrorException")  # of this one answer, not of the service
BUSY = ("ThrottlingException", "ServiceUnavailableException", "InternalServerException", "ModelNotReadyException")


@dataclass(frozen=True)
class Answer:
    """What a model answered, and why it stopped (Converse's stopReason, or the error of this one call)."""

    text: str
    stop: str
    input_tokens: int = 0
    output_tokens: int = 0
    latency_ms: int = 0

    @property
    def unfinished(self) -> bool:
        """Whether it is cut, malformed or empty. A filter's own text is an answer."""
        return self.stop not in COMPLETE or (not self.text.strip() and self.stop not in FILTERED)

    def record(self) -> dict[str, Any]:
        """Return it as JSON."""
        return asdict(self)


def client(region: str, calls: Mapping[str, Any]) -> Any:
    """Return a client of Bedrock's runtime. Raises SystemExit if this boto3 does not know Converse."""
    import boto3
    from botocore.config import Config

    made = boto3.client(
        "bedrock-runtime",
        region_name=region or None,
        config=Config(
            retries={"mode": "adaptive", "total_max_attempts": calls["attempts"]},
            read_timeout=calls["timeout_seconds"],
            connect_timeout=10,
            max_pool_connections=calls["concurrency"],
        ),
    )
    if not hasattr(made, "converse"):
        raise SystemExit(f"boto3 {boto3.__version__} has no Converse API. Set compute.xgboost_image to a newer image.")
    return made


@dataclass(frozen=True)
class Model:
    """A model with its settings."""

    client: Any
    model_id: str
    inference: Mapping[str, Any]

    def ask(self, system: str, *turns: str) -> Answer:
        """Ask; `turns` alternate between the user and the model. Raises SystemExit for what a retry cannot mend."""
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            found = self.client.converse(**request(self.model_id, self.inference, system, *turns))
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if code in GAVE_UP:
                return Answer("", code)
            raise SystemExit(explain(self.model_id, code, error.response["Error"].get("Message", ""))) from error
        except BotoCoreError as error:
            raise SystemExit(f"Bedrock cannot be reached for {self.model_id}: {error}") from error
        return answer(found)


def request(model_id: str, inference: Mapping[str, Any], system: str, *turns: str) -> dict[str, Any]:
    """Return Converse's request."""
    names = {"max_tokens": "maxTokens", "temperature": "temperature", "top_p": "topP"}
    roles = ("user", "assistant")
    return {
        "modelId": model_id,
        **({"system": [{"text": system.strip()}]} if system.strip() else {}),
        "messages": [{"role": roles[i % 2], "content": [{"text": text}]} for i, text in enumerate(turns)],
        "inferenceConfig": {names[name]: value for name, value in inference.items()},
    }


def answer(found: Mapping[str, Any]) -> Answer:
    """Read Converse's response. A model that reasons has blocks that are not text; they are left out."""
    blocks = found["output"].get("message", {}).get("content", [])
    return Answer(
        text="".join(block.get("text", "") for block in blocks).strip(),
        stop=found["stopReason"],
        input_tokens=found["usage"]["inputTokens"],
        output_tokens=found["usage"]["outputTokens"],
        latency_ms=found["metrics"]["latencyMs"],
    )


def explain(model_id: str, code: str, message: str) -> str:
    """Return what happened and what to do."""
    what = f"Bedrock did not let {model_id} answer ({code}: {message.rstrip('.')}). "
    if code in BUSY:
        return what + (
            "It stayed so in every attempt. Lower calls.concurrency, use an inference profile over several regions, or "
            "ask for a higher quota (Service Quotas, Amazon Bedrock)."
        )
    if code in ("AccessDeniedException", "ResourceNotFoundException"):
        return what + (
            "Set model_id to the ARN of one of this project's inference profiles. An administrator lists its model in "
            "[workflow_role] bedrock_models, and enables it once in the Bedrock console (Model catalog; models of "
            "Anthropic ask for the use case there)."
        )
    return what + "Correct candidate or judge in config.toml: the model's id, inference, or a prompt that is too long."
