"""What MiniStack grants to AWS services alone: the stand-in's requests, which carry SERVICE_HEADER, may do it here.

`register()`, called once in MiniStack's own process, lets the stand-in

- put events whose source is aws.*;
- set tags whose key begins with `aws:` on a stack, as Service Catalog does;
- ask whose access key it is that signed a request to it (KEY_HEADER), since it has neither the secret nor the token;
- assume a role as the service that the header names, if the role's trust policy lets that service in for the account
  that SOURCE_ACCOUNT_HEADER names (the role's own without it).

Everybody else is refused as before. It also has functions sign as their roles when IAM is not enforced: MiniStack gives
them the account's root key then, and DataZone would answer them as the administrator.
"""

from __future__ import annotations

import dataclasses
import hashlib
from contextvars import ContextVar
from typing import Any

from standins.aws.trust import statements_about

SERVICE_HEADER = "x-standin-service"
KEY_HEADER = "x-standin-key"
SOURCE_ACCOUNT_HEADER, NO_ACCOUNT = "x-standin-source-account", "none"
_FROM_SERVICE: ContextVar[str] = ContextVar("from_service", default="")
_SOURCE_ACCOUNT: ContextVar[str] = ContextVar("source_account", default="")


def register() -> None:
    """Grant this process's MiniStack to the stand-in (see above)."""
    from ministack.core import iam_evaluator, lambda_runtime
    from ministack.services import cloudformation, eventbridge, lambda_svc, sts
    from ministack.services.cloudformation import helpers

    for service in (eventbridge, cloudformation, sts):
        service.handle_request = _marked(service.handle_request)
    put, validate = eventbridge._put_events, helpers._validate_stack_tags

    def put_events(data: dict[str, Any], allow_aws_source: bool = False) -> Any:
        return put(data, allow_aws_source=allow_aws_source or bool(_FROM_SERVICE.get()))

    def validate_stack_tags(tags: list[dict[str, str]]) -> Any:
        return validate([tag for tag in tags if not (_FROM_SERVICE.get() and tag["Key"].startswith("aws:"))])

    eventbridge._put_events, helpers._validate_stack_tags = put_events, validate_stack_tags
    sts.handle_request = _whose(sts.handle_request)
    iam_evaluator.evaluate_trust_policy = _trusting(iam_evaluator.evaluate_trust_policy)
    signed = _as_role(lambda_runtime.execution_credentials)
    lambda_runtime.execution_credentials = lambda_svc.execution_credentials = signed


def _marked(answer: Any) -> Any:
    """Return a service's answering function that knows whether the stand-in asks."""

    async def handle_request(method: str, path: str, headers: dict[str, str], *rest: Any) -> Any:
        _FROM_SERVICE.set(headers.get(SERVICE_HEADER, ""))
        _SOURCE_ACCOUNT.set(headers.get(SOURCE_ACCOUNT_HEADER, ""))
        return await answer(method, path, headers, *rest)

    return handle_request


def _trusting(trusts: Any) -> Any:
    """Return the judge of trust policies that takes the stand-in for the service that it names."""

    def evaluate_trust_policy(document: Any, caller_arn: str, context: Any = None) -> Any:
        service = _FROM_SERVICE.get()
        if not service or context is None:
            return trusts(document, caller_arn, context)
        source = _SOURCE_ACCOUNT.get() or context.resource_arn.split(":")[4]
        told = {} if source == NO_ACCOUNT else {"aws:sourceaccount": source}
        keys = {**context.service_context, **told}
        ours = {"Statement": statements_about(document, service)}
        return trusts(ours, caller_arn, dataclasses.replace(context, service_context=keys))

    return evaluate_trust_policy


def _whose(answer: Any) -> Any:
    """Return STS's answering function that answers the stand-in about another's key."""

    async def handle_request(method: str, path: str, headers: dict[str, str], *rest: Any) -> Any:
        key = headers.get(KEY_HEADER, "")
        if SERVICE_HEADER not in headers or not key:
            return await answer(method, path, headers, *rest)
        identity = _identity(key)
        body = f"<Arn>{identity}</Arn><UserId>{key}</UserId><Account>{identity.split(':')[4]}</Account>"
        result = f"<GetCallerIdentityResult>{body}</GetCallerIdentityResult>"
        content = f"<GetCallerIdentityResponse>{result}</GetCallerIdentityResponse>"
        return 200, {"Content-Type": "text/xml"}, content.encode()

    return handle_request


def _identity(key: str) -> str:
    """Return the ARN of the session, user or account that an access key is of."""
    from ministack.core.iam_evaluator import find_iam_access_key_account
    from ministack.core.responses import get_account_id, set_request_account_id
    from ministack.services import iam, sts

    session = sts._sessions.get(key)
    if session:
        return str(session["Arn"])
    account = find_iam_access_key_account(key)
    if account is None:
        set_request_account_id(key)
        return f"arn:aws:iam::{get_account_id()}:root"
    user = iam._access_keys.get_scoped(account, None, key)["UserName"]
    return str(iam._users.get_scoped(account, None, user)["Arn"])


def _as_role(given: Any) -> Any:
    """Return MiniStack's function for a function's credentials, with those of its role where it has one."""

    def execution_credentials(config: dict[str, Any]) -> dict[str, str]:
        from ministack import app
        from ministack.services import iam, sts

        role, function = config.get("Role", ""), config.get("FunctionName", "")
        account, name = (role.split(":") + [""] * 5)[4], role.rpartition("/")[2]
        if app.AUTH or not iam._roles.get_scoped(account, None, name):
            credentials: dict[str, str] = given(config)
            return credentials
        digest = hashlib.sha256(f"{config.get('FunctionArn', '')}:{role}".encode()).hexdigest()
        key, secret, token = f"ASIA{digest[:16].upper()}", digest[16:56], digest
        sts.register_session(
            key,
            {
                "Arn": f"arn:aws:sts::{account}:assumed-role/{name}/{function[:64]}",
                "UserId": f"{name}:{function[:64]}",
                "SecretAccessKey": secret,
                "SessionToken": token,
            },
        )
        return {"AWS_ACCESS_KEY_ID": key, "AWS_SECRET_ACCESS_KEY": secret, "AWS_SESSION_TOKEN": token}

    return execution_credentials
