"""Constraints: AWS::ServiceCatalog::*Constraint."""

from __future__ import annotations

import json
from collections.abc import Callable

from standins.aws.resource_types.handling import (
    Properties,
    ResourceFailed,
    ResourceType,
    Result,
    client_of_caller,
    only,
    token,
)


def _launch_role(properties: Properties) -> tuple[str, Properties]:
    content = only(properties, "RoleArn", "LocalRoleName")
    if len(content) != 1:
        raise ResourceFailed("Exactly one of RoleArn and LocalRoleName must be given.")
    return "LAUNCH", content


def _resource_update(properties: Properties) -> tuple[str, Properties]:
    allowed = properties["TagUpdateOnProvisionedProduct"]
    return "RESOURCE_UPDATE", {"Version": "2.0", "Properties": {"TagUpdateOnProvisionedProduct": allowed}}


def _constraint_type(name: str, content: Callable[[Properties], tuple[str, Properties]]) -> ResourceType:
    def create(_: str, properties: Properties) -> Result:
        kind, parameters = content(properties)
        constraint = client_of_caller("servicecatalog").create_constraint(
            **only(properties, "PortfolioId", "ProductId", "Description"),
            Type=kind,
            Parameters=json.dumps(parameters),
            IdempotencyToken=token(),
        )["ConstraintDetail"]["ConstraintId"]
        return constraint, {"Id": constraint}

    def update(identifier: str, _: Properties, new: Properties) -> Result:
        parameters = json.dumps(content(new)[1])
        client_of_caller("servicecatalog").update_constraint(
            Id=identifier, Parameters=parameters, **only(new, "Description")
        )
        return identifier, {"Id": identifier}

    def delete(identifier: str, _: Properties) -> None:
        client_of_caller("servicecatalog").delete_constraint(Id=identifier)

    return ResourceType(name, create, update, delete)


_SC = "AWS::ServiceCatalog::"
TYPES = (
    _constraint_type(f"{_SC}LaunchRoleConstraint", _launch_role),
    _constraint_type(f"{_SC}ResourceUpdateConstraint", _resource_update),
)
