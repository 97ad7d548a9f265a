"""A domain's own key: every role that calls DataZone needs it.

So says aws/modern-data-architecture-accelerator (domainKmsUsagePolicy).
MiniStack's evaluator judges the role's policies and boundary as KMS would for a call that comes through DataZone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from standins.aws.datazone.model import Domain
from standins.aws.emulator import Credentials, Emulator
from standins.aws.protocol import ServiceError

if TYPE_CHECKING:
    from standins.aws.calls import Call

_NEEDED = ("kms:Decrypt", "kms:GenerateDataKey", "kms:DescribeKey")


class DomainKeys:
    """Judges whether callers may use the keys of domains."""

    def __init__(self, emulator: Emulator) -> None:
        """Take MiniStack, which has the roles and their policies."""
        self._emulator = emulator

    def require(self, call: Call, domain: Domain) -> None:
        """Raise ServiceError (AccessDeniedException, which names KMS) for a role that may not use the domain's key."""
        key = domain.record.get("kmsKeyIdentifier")
        if not key or ":role/" not in call.caller:
            return
        policies, limits = self._policies(call)
        for action in _NEEDED:
            if not _allows(call, domain, action, policies, limits):
                raise ServiceError(
                    "AccessDeniedException",
                    f"User: {call.session or call.caller} is not authorized to perform: {action} on resource: {key} "
                    f"because no identity-based policy allows the {action} action",
                )

    def _policies(self, call: Call) -> tuple[list[Any], list[Any]]:
        """Return the documents of the role's policies, and of its boundary if it has one."""
        name = call.caller.rpartition("/")[2]
        iam: Any = self._emulator.client("iam", call.region, Credentials(call.caller.split(":")[4]))
        inline = [
            iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"]
            for policy in iam.list_role_policies(RoleName=name)["PolicyNames"]
        ]
        attached = iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]
        boundary = iam.get_role(RoleName=name)["Role"].get("PermissionsBoundary", {}).get("PermissionsBoundaryArn")
        documents = [*inline, *(_document(iam, policy["PolicyArn"]) for policy in attached)]
        return documents, [_document(iam, boundary)] if boundary else []


def _document(iam: Any, arn: str) -> Any:
    version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
    return iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]["Document"]


def _allows(call: Call, domain: Domain, action: str, policies: list[Any], limits: list[Any]) -> bool:
    from ministack.core.iam_evaluator import EvalContext, evaluate, parse_policy_document

    context = EvalContext(
        principal_arn=call.session or call.caller,
        principal_type="AssumedRole",
        principal_account=call.account,
        action=action,
        resource_arn=domain.record["kmsKeyIdentifier"],
        region=call.region,
        service_context={
            "kms:viaservice": f"datazone.{call.region}.amazonaws.com",
            "kms:calleraccount": call.account,
            "kms:encryptioncontext:aws:datazone:domainid": domain.id,
        },
    )
    parsed = [[parse_policy_document(document) for document in some] for some in (policies, limits)]
    return all(evaluate(context, some).decision == "Allow" for some in parsed if some or some is parsed[0])
