"""What a role's trust policy says: which services it lets in on behalf of which account, and which principals."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import unquote


def statements_about(policy: Any, service: str) -> list[Any]:
    """Return the statements of a trust policy whose principal is the service.

    MiniStack lets the root of an account pass for every service: only these statements count.
    """
    document = policy if isinstance(policy, dict) else json.loads(unquote(policy))
    statements = document.get("Statement", [])
    listed = statements if isinstance(statements, list) else [statements]
    return [statement for statement in listed if service in _services(statement.get("Principal", {}))]


def statements_about_principals(policy: Any) -> list[Any]:
    """Return the statements of a trust policy that name accounts, roles or users, without the services in them."""
    document = policy if isinstance(policy, dict) else json.loads(unquote(policy))
    statements = document.get("Statement", [])
    found = []
    for statement in statements if isinstance(statements, list) else [statements]:
        principal = statement.get("Principal", {})
        named = principal.get("AWS") if isinstance(principal, dict) else principal
        if named:
            found.append({**statement, "Principal": {"AWS": named}})
    return found


def _services(principal: Any) -> list[str]:
    services = principal.get("Service", []) if isinstance(principal, dict) else []
    return [services] if isinstance(services, str) else list(services)


def trusts(policy: Any, service: str, action: str, role_arn: str, source_account: str) -> bool:
    """Tell whether the service may do sts:AssumeRole or sts:TagSession, with aws:SourceAccount as it sets it.

    `source_account` is "" where it sets none.
    """
    from ministack.core.iam_evaluator import EvalContext, evaluate_trust_policy

    account = role_arn.split(":")[4]
    root = f"arn:aws:iam::{account}:root"
    context = EvalContext(
        principal_arn=root,
        principal_type="Root",
        principal_account=account,
        action=action,
        resource_arn=role_arn,
        region="",
        service_context={"aws:sourceaccount": source_account} if source_account else {},
    )
    return bool(evaluate_trust_policy({"Statement": statements_about(policy, service)}, root, context))
