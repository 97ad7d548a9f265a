"""The length of a custom resource's answer: CloudFormation takes 4,096 bytes, and refuses a longer one as a failure.

(AWS CloudFormation user guide, "Custom resource response objects".) MiniStack takes any.
"""

from __future__ import annotations

import json
from typing import Any

MOST = 4096
REFUSAL = "Response object is too long."


def register() -> None:
    """Have this process's MiniStack refuse long answers."""
    from ministack.services.cloudformation import custom_resource

    deliver = custom_resource.deliver_response
    custom_resource.deliver_response = lambda token, answer: deliver(token, taken(answer))


def taken(answer: dict[str, Any]) -> dict[str, Any]:
    """Return the answer as CloudFormation takes it: a failure in place of one that is too long. Pure."""
    if len(json.dumps(answer, ensure_ascii=False, separators=(",", ":")).encode()) <= MOST:
        return answer
    kept = {key: value for key, value in answer.items() if key.endswith("Id")}
    return {**kept, "Status": "FAILED", "Reason": REFUSAL}
