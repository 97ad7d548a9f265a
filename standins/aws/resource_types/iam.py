"""AWS::IAM::OIDCProvider and AWS::IAM::RolePolicy, on MiniStack's own IAM."""

from __future__ import annotations

import json

from standins.aws.resource_types.handling import (
    Properties,
    ResourceFailed,
    ResourceType,
    Result,
    client_of_caller,
    only,
)


def _create_provider(name: str, properties: Properties) -> Result:
    if "Url" not in properties:
        raise ResourceFailed("Url must be given.")
    arn = client_of_caller("iam").create_open_id_connect_provider(
        **only(properties, "Url", "Tags"),
        ClientIDList=properties.get("ClientIdList", []),
        ThumbprintList=properties.get("ThumbprintList", []),
    )["OpenIDConnectProviderArn"]
    return arn, {"Arn": arn}


def _update_provider(identifier: str, old: Properties, new: Properties) -> Result:
    """Make it anew under the same ARN: MiniStack's IAM has no call that changes a provider."""
    _delete_provider(identifier, old)
    return _create_provider(identifier, new)


def _delete_provider(identifier: str, properties: Properties) -> None:
    client_of_caller("iam").delete_open_id_connect_provider(OpenIDConnectProviderArn=identifier)


def _put_role_policy(name: str, properties: Properties) -> Result:
    document = properties.get("PolicyDocument", {})
    client_of_caller("iam").put_role_policy(
        RoleName=properties["RoleName"],
        PolicyName=properties["PolicyName"],
        PolicyDocument=document if isinstance(document, str) else json.dumps(document),
    )
    return f"{properties['PolicyName']}|{properties['RoleName']}", {}


def _update_role_policy(identifier: str, old: Properties, new: Properties) -> Result:
    return _put_role_policy(identifier, new)


def _delete_role_policy(identifier: str, properties: Properties) -> None:
    client_of_caller("iam").delete_role_policy(RoleName=properties["RoleName"], PolicyName=properties["PolicyName"])


TYPES = (
    ResourceType("AWS::IAM::OIDCProvider", _create_provider, _update_provider, _delete_provider),
    ResourceType("AWS::IAM::RolePolicy", _put_role_policy, _update_role_policy, _delete_role_policy),
)
