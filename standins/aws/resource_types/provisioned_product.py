"""AWS::ServiceCatalog::CloudFormationProvisionedProduct: a launch as a resource of a stack."""

from __future__ import annotations

import time
import uuid
from typing import Any

from standins.aws.resource_types.handling import (
    Properties,
    ResourceFailed,
    ResourceType,
    Result,
    client_of_caller,
    only,
    token,
)

_POLL_SECONDS = 0.3
_LAUNCHED = (
    "ProductId",
    "ProductName",
    "ProvisioningArtifactId",
    "ProvisioningArtifactName",
    "PathId",
    "PathName",
    "ProvisioningParameters",
    "Tags",
)


def _provision(name: str, properties: Properties) -> Result:
    client = client_of_caller("servicecatalog")
    provisioned_name = properties.get("ProvisionedProductName") or f"{name}-{uuid.uuid4().hex[:12]}"[-128:]
    record = client.provision_product(
        **only(properties, *_LAUNCHED, "NotificationArns"),
        ProvisionedProductName=provisioned_name,
        ProvisionToken=token(),
    )["RecordDetail"]
    identifier = record["ProvisionedProductId"]
    try:
        return _finished(client, record["RecordId"], identifier)
    except ResourceFailed:
        # A failed launch leaves a provisioned product; CloudFormation's rollback removes it.
        ended = client.terminate_provisioned_product(
            ProvisionedProductId=identifier, TerminateToken=token(), IgnoreErrors=True
        )["RecordDetail"]
        _wait(client, ended["RecordId"])
        raise


def _update_provisioned(identifier: str, old: Properties, new: Properties) -> Result:
    client = client_of_caller("servicecatalog")
    wanted = only(new, *_LAUNCHED)
    if old.get("Tags") == new.get("Tags"):
        wanted.pop("Tags", None)
    record = client.update_provisioned_product(ProvisionedProductId=identifier, UpdateToken=token(), **wanted)
    return _finished(client, record["RecordDetail"]["RecordId"], identifier)


def _terminate(identifier: str, properties: Properties) -> None:
    client = client_of_caller("servicecatalog")
    record = client.terminate_provisioned_product(ProvisionedProductId=identifier, TerminateToken=token())
    _wait(client, record["RecordDetail"]["RecordId"])


def _finished(client: Any, record_id: str, identifier: str) -> Result:
    _wait(client, record_id)
    outputs: dict[str, str] = {}
    token: dict[str, str] = {}
    while True:
        found = client.get_provisioned_product_outputs(ProvisionedProductId=identifier, **token)
        outputs.update({item["OutputKey"]: item["OutputValue"] for item in found["Outputs"]})
        if not found.get("NextPageToken"):
            break
        token = {"PageToken": found["NextPageToken"]}
    attributes = {f"Outputs.{key}": value for key, value in outputs.items()}
    attributes["CloudformationStackArn"] = outputs["CloudformationStackARN"]
    return identifier, {**attributes, "ProvisionedProductId": identifier, "RecordId": record_id}


def _wait(client: Any, record_id: str) -> None:
    """Wait for the record. Raises ResourceFailed with the record's error."""
    while True:
        record = client.describe_record(Id=record_id)["RecordDetail"]
        if record["Status"] == "SUCCEEDED":
            return
        if record["Status"] == "FAILED":
            raise ResourceFailed("; ".join(error["Description"] for error in record["RecordErrors"]) or "FAILED")
        time.sleep(_POLL_SECONDS)


TYPES = (
    ResourceType("AWS::ServiceCatalog::CloudFormationProvisionedProduct", _provision, _update_provisioned, _terminate),
)
