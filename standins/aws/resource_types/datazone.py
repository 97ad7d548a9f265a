"""AWS::DataZone::ProjectProfile and AWS::DataZone::PolicyGrant."""

from __future__ import annotations

from typing import Any

from standins.aws.protocol import service_model
from standins.aws.resource_types.handling import Properties, ResourceType, Result, client_of_caller, flag


def _request(operation: str, properties: Properties) -> Properties:
    """Return the properties as the operation's parameters: names and types as its model has them."""
    shape: Any = service_model("datazone").operation_model(operation).input_shape
    converted: Properties = _converted(shape, properties)
    return converted


def _converted(shape: Any, value: Any) -> Any:
    if shape.type_name == "structure":
        names = {name.lower(): name for name in shape.members}
        return {
            names[key.lower()]: _converted(shape.members[names[key.lower()]], item)
            for key, item in value.items()
            if key.lower() in names
        }
    if shape.type_name == "list":
        return [_converted(shape.member, item) for item in value]
    if shape.type_name == "map":
        return {key: _converted(shape.value, item) for key, item in value.items()}
    if shape.type_name == "boolean":
        return flag(value)
    return int(value) if shape.type_name in ("integer", "long") else value


def _create_profile(name: str, properties: Properties) -> Result:
    profile = client_of_caller("datazone").create_project_profile(**_request("CreateProjectProfile", properties))
    return f"{profile['domainId']}|{profile['id']}", _profile_attributes(profile)


def _update_profile(identifier: str, old: Properties, new: Properties) -> Result:
    domain, profile_id = identifier.split("|")
    wanted = _request("UpdateProjectProfile", new) | {"domainIdentifier": domain, "identifier": profile_id}
    return identifier, _profile_attributes(client_of_caller("datazone").update_project_profile(**wanted))


def _delete_profile(identifier: str, properties: Properties) -> None:
    domain, profile_id = identifier.split("|")
    client_of_caller("datazone").delete_project_profile(domainIdentifier=domain, identifier=profile_id)


def _profile_attributes(profile: Properties) -> dict[str, str]:
    return {
        "Id": profile["id"],
        "Identifier": profile["id"],
        "DomainId": profile["domainId"],
        "DomainUnitId": profile["domainUnitId"],
        "CreatedBy": profile["createdBy"],
        "CreatedAt": str(profile["createdAt"]),
        "LastUpdatedAt": str(profile["lastUpdatedAt"]),
    }


def _create_grant(name: str, properties: Properties) -> Result:
    client, wanted = client_of_caller("datazone"), _request("AddPolicyGrant", properties)
    grant = client.add_policy_grant(**wanted)["grantId"]
    keys = ("DomainIdentifier", "EntityIdentifier", "EntityType", "PolicyType")
    domain, entity, kind, policy = (properties[key] for key in keys)
    return "|".join((domain, grant, entity, kind, policy)), {"GrantId": grant}


def _delete_grant(identifier: str, properties: Properties) -> None:
    wanted = {key: value for key, value in properties.items() if key != "Detail"}
    grant = identifier.split("|")[1]
    client_of_caller("datazone").remove_policy_grant(**_request("RemovePolicyGrant", wanted), grantIdentifier=grant)


TYPES = (
    ResourceType("AWS::DataZone::ProjectProfile", _create_profile, _update_profile, _delete_profile),
    ResourceType("AWS::DataZone::PolicyGrant", _create_grant, None, _delete_grant),
)
