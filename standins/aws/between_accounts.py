"""What MiniStack leaves open between accounts, held here to what AWS does.

`register()`, called once in MiniStack's own process:

- a bucket policy is judged for the role that asks, not for its account: a policy that names roles, by Principal or by
  aws:PrincipalArn, admits those alone;
- aws:PrincipalArn is the role's ARN for a session of a role, as on AWS;
- AssumeRole of another account's role is held to that role's trust policy whether IAM is enforced or not, and to the
  role being there;
- a function that is created ends no process of a function of the same name in another account or region.
"""

from __future__ import annotations

import dataclasses
from contextvars import ContextVar
from typing import Any
from urllib.parse import parse_qs

from standins.aws.trust import statements_about_principals

_ASKING: ContextVar[str] = ContextVar("who_asks_for_a_foreign_bucket", default="")
_DENIED = "is not authorized to perform: sts:AssumeRole on resource:"


def register() -> None:
    """Hold this process's MiniStack to it (see above)."""
    from ministack.core import iam_evaluator
    from ministack.services import lambda_svc, s3, sts

    lambda_svc.invalidate_worker = _of_this_place(lambda_svc.invalidate_worker)
    iam_evaluator._resolve_condition_key = _with_roles(iam_evaluator._resolve_condition_key)
    s3._foreign_bucket_allows = _asked_by_role(s3._foreign_bucket_allows)
    iam_evaluator.evaluate_resource_policy = _judged_for_role(iam_evaluator.evaluate_resource_policy)
    sts.handle_request = _crossing(sts.handle_request)


def _of_this_place(invalidate: Any) -> Any:
    """Return what ends a function's processes: without a place, those of the request's account and region."""
    from ministack.core.responses import get_account_id, get_region

    def invalidate_worker(
        func_name: str, qualifier: str | None = None, account: str | None = None, region: str | None = None
    ) -> None:
        invalidate(func_name, qualifier, account or get_account_id(), region or get_region())

    return invalidate_worker


def _session_of(headers: dict[str, str]) -> str:
    """Return the ARN of the session that signed a request, "" for a root."""
    from ministack.core.router import extract_access_key_id
    from ministack.services import sts

    session = sts._sessions.get(extract_access_key_id(headers, {}) or "")
    return str(session["Arn"]) if session else ""


def _with_roles(resolve: Any) -> Any:
    """Return the reader of condition keys that has the role's ARN for aws:PrincipalArn."""

    def resolve_condition_key(key: str, context: Any) -> Any:
        found = resolve(key, context)
        if key.lower() != "aws:principalarn" or ":assumed-role/" not in str(found):
            return found
        return _role_of(str(found))

    return resolve_condition_key


def _role_of(session: str) -> str:
    """Return the ARN of a session's role, with the path that it has."""
    from ministack.services import iam

    account, name = session.split(":")[4], session.split("/")[1]
    role = iam._roles.get_scoped(account, None, name) or {}
    return str(role.get("Arn", f"arn:aws:iam::{account}:role/{name}"))


def _asked_by_role(allows: Any) -> Any:
    """Return S3's judge of requests for other accounts' buckets, which remembers whose session asks."""

    def foreign_bucket_allows(*request: Any, **more: Any) -> bool:
        headers = more.get("headers") or (request[6] if len(request) > 6 else None) or {}
        token = _ASKING.set(_session_of(headers))
        try:
            return bool(allows(*request, **more))
        finally:
            _ASKING.reset(token)

    return foreign_bucket_allows


def _judged_for_role(evaluate: Any) -> Any:
    """Return the judge of resource policies, which takes the session that asks for a bucket as the principal."""

    def evaluate_resource_policy(document: Any, context: Any, *rest: Any, **more: Any) -> Any:
        session = _ASKING.get()
        if session and context.principal_type == "Root":
            context = dataclasses.replace(context, principal_arn=session, principal_type="AssumedRole")
        return evaluate(document, context, *rest, **more)

    return evaluate_resource_policy


def _crossing(answer: Any) -> Any:
    """Return STS's answering function, which looks at the trust policy where a role of another account is assumed."""

    async def handle_request(
        method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any]
    ) -> Any:
        given = {**query, **parse_qs((body or b"").decode("utf-8", errors="replace"))}
        role = (given.get("RoleArn") or [""])[0]
        if given.get("Action") == ["AssumeRole"] and role.count(":") == 5 and not _admitted(role, headers, given):
            return _refusal(role, headers)
        return await answer(method, path, headers, body, query)

    return handle_request


def _admitted(role_arn: str, headers: dict[str, str], given: dict[str, Any]) -> bool:
    """Tell whether a role is one of the caller's own account, or lets the caller in."""
    from ministack.core.iam_evaluator import EvalContext, evaluate_trust_policy
    from ministack.core.responses import get_account_id, get_region
    from ministack.services import iam

    caller, account = get_account_id(), role_arn.split(":")[4]
    if account == caller:
        return True
    role = iam._roles.get_scoped(account, None, role_arn.rpartition("/")[2])
    if role is None:
        return False
    session = _session_of(headers)
    arn = session or f"arn:aws:iam::{caller}:root"
    context = EvalContext(
        principal_arn=arn,
        principal_type="AssumedRole" if session else "Root",
        principal_account=caller,
        action="sts:AssumeRole",
        resource_arn=role_arn,
        region=get_region(),
        service_context={
            "sts:externalid": (given.get("ExternalId") or [None])[0],
            "sts:rolesessionname": (given.get("RoleSessionName") or [None])[0],
        },
    )
    policy = {"Statement": statements_about_principals(role.get("AssumeRolePolicyDocument", "{}"))}
    return bool(evaluate_trust_policy(policy, arn, context))


def _refusal(role_arn: str, headers: dict[str, str]) -> tuple[int, dict[str, str], bytes]:
    from ministack.core.responses import get_account_id

    who = _session_of(headers) or f"arn:aws:iam::{get_account_id()}:root"
    message = f"<Message>User: {who} {_DENIED} {role_arn}</Message>"
    error = f"<Error><Type>Sender</Type><Code>AccessDenied</Code>{message}</Error>"
    return 403, {"Content-Type": "text/xml"}, f"<ErrorResponse>{error}</ErrorResponse>".encode()
