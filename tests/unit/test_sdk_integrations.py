"""How Step Functions names the errors of the services that it calls."""

from __future__ import annotations

from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from standins.aws import sdk_integrations


class Failed(Exception):
    """Step Functions' error: its name is the first argument."""


@pytest.mark.parametrize(
    ("service", "action", "code", "name"),
    [
        ("servicecatalog", "describeRecord", "ResourceNotFoundException", "ServiceCatalog.ResourceNotFoundException"),
        ("servicecatalog", "describeRecord", "ThrottlingException", "ServiceCatalog.ServiceCatalogException"),
        ("servicecatalog", "describeRecord", "InternalFailure", "ServiceCatalog.ServiceCatalogException"),
        ("datazone", "getDomain", "ThrottlingException", "DataZone.ThrottlingException"),
        ("datazone", "getDomain", "ServiceUnavailableException", "DataZone.DataZoneException"),
    ],
)
def test_an_error_that_the_model_does_not_name_is_called_after_the_service(
    monkeypatch: pytest.MonkeyPatch, service: Any, action: str, code: str, name: str
) -> None:
    client: Any = boto3.client(service, region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x")
    operation, parameters = {
        "describeRecord": ("describe_record", {"Id": "rec-1"}),
        "getDomain": ("get_domain", {"Identifier": "dzd_1"}),
    }[action]
    monkeypatch.setattr(sdk_integrations, "_client", lambda _: client)
    with Stubber(client) as stub, pytest.raises(Failed) as error:
        stub.add_client_error(operation, code, "No.")
        integration = sdk_integrations.INTEGRATIONS[f"aws-sdk:{service}"]
        sdk_integrations._call(integration, action, parameters, Failed)
    assert error.value.args == (name, "No.")
