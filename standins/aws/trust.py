"""What a role's trust policy lets a service do, where MiniStack does not judge: also without enforced IAM. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote


def trusted_actions(policy: Any, service: str, source_account: str | None) -> set[str]:
    """Return the actions of STS that the service may take. `source_account`: what it tells as such, None nothing."""
    document = policy if isinstance(policy, dict) else json.loads(unquote(policy))
    statements = document.get("Statement", [])
    actions: set[str] = set()
    for statement in statements if isinstance(statements, list) else [statements]:
        principals = statement.get("Principal", {})
        services = principals.get("Service", []) if isinstance(principals, dict) else []
        named = statement.get("Effect") == "Allow" and service in _several(services)
        if named and _of_source(statement, source_account):
            actions.update(_several(statement.get("Action", [])))
    return {"sts:AssumeRole", "sts:TagSession"} if "sts:*" in actions else actions


def _several(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(value)


def _of_source(statement: Mapping[str, Any], account: str | None) -> bool:
    """Tell whether a statement's conditions on aws:SourceAccount hold."""
    return all(
        operator.endswith("IfExists") if account is None else account in _several(wanted)
        for operator, keys in statement.get("Condition", {}).items()
        for key, wanted in keys.items()
        if key.lower() == "aws:sourceaccount"
    )
