"""Custom::VersionGuidance, against Service Catalog's own model (a stubbed boto3 client that validates)."""

from __future__ import annotations

from typing import Any

import boto3
import pytest
from botocore.stub import Stubber
from pydantic import ValidationError

from custom_resources.clients import FunctionClients
from custom_resources.clients.service_catalog import ProductVersion, ServiceCatalog
from custom_resources.clients.stacks import CloudFormationStacks
from custom_resources.errors import FinalError, RetryLater, VersionMissing
from custom_resources.reconciler import Done, Foreseen, Request
from custom_resources.version_guidance import Plan, VersionGuidance, VersionGuidanceProperties

RESOURCE = VersionGuidance(FunctionClients({}))
ONE = ProductVersion("pa-1", "v1.0.0", "DEFAULT", True)
TWO = ProductVersion("pa-2", "v1.1.0", "DEFAULT", True)


def request(guidance: dict[str, Any], kind: Any = "Update") -> Request[VersionGuidanceProperties]:
    """Return a request for a product."""
    properties = VersionGuidanceProperties(product_id="prod-1", guidance=guidance)
    return Request(kind, properties, None, "version-guidance-prod-1", "stack", "Guidance")


def test_only_differences_are_written() -> None:
    wanted = {"v1.0.0": "DEPRECATED", "v1.1.0": "DEFAULT"}
    assert RESOURCE.plan(request(wanted), [ONE, TWO]) == Plan((ProductVersion("pa-1", "v1.0.0", "DEPRECATED", True),))


def test_an_inactive_version_is_deprecated_too() -> None:
    assert RESOURCE.plan(request({"v1.0.0": "INACTIVE"}), [ONE]).changes == (
        ProductVersion("pa-1", "v1.0.0", "DEPRECATED", False),
    )


def test_a_version_comes_back() -> None:
    gone = ProductVersion("pa-1", "v1.0.0", "DEPRECATED", False)
    assert RESOURCE.plan(request({"v1.0.0": "DEFAULT"}), [gone]).changes == (ONE,)


def test_versions_that_are_not_named_are_left_alone() -> None:
    assert RESOURCE.plan(request({}), [ONE, TWO]) == Plan()


def test_deleting_changes_nothing() -> None:
    assert RESOURCE.plan(request({"v9.9.9": "INACTIVE"}, "Delete"), []) == Plan()


def test_an_unknown_version_is_named() -> None:
    with pytest.raises(VersionMissing, match=r"does not have the version v2\.0\.0\. Deploy PortfolioStack again"):
        RESOURCE.plan(request({"v2.0.0": "DEFAULT"}), [ONE])


def test_several_versions_are_written_in_the_order_of_their_names_and_what_is_so_is_not() -> None:
    three = ProductVersion("pa-3", "v1.2.0", "DEPRECATED", False)
    wanted = {"v1.2.0": "DEPRECATED", "v1.1.0": "INACTIVE", "v1.0.0": "DEFAULT"}
    assert RESOURCE.plan(request(wanted), [three, TWO, ONE]) == Plan(
        (ProductVersion("pa-2", "v1.1.0", "DEPRECATED", False), ProductVersion("pa-3", "v1.2.0", "DEPRECATED", True))
    )
    assert RESOURCE.plan(request({"v1.2.0": "INACTIVE"}), [three]) == Plan()


@pytest.mark.parametrize("kind", ["Create", "Update"])
def test_a_version_that_is_missing_is_named_with_its_product(kind: str) -> None:
    with pytest.raises(VersionMissing) as missing:
        RESOURCE.plan(request({"v1.0.0": "DEFAULT", "v2.0.0": "INACTIVE"}, kind), [ONE])
    assert missing.value.holes == {"product": "prod-1", "version": "v2.0.0"}


def test_the_physical_id_is_the_products() -> None:
    assert RESOURCE.provisional_id(request({}).properties) == "version-guidance-prod-1"


@pytest.fixture
def catalog() -> tuple[ServiceCatalog, Stubber]:
    """A client that answers as told, and checks requests and answers against the service's model."""
    client = boto3.client(
        "servicecatalog", region_name="us-east-1", aws_access_key_id="none", aws_secret_access_key="none"
    )
    stacks = CloudFormationStacks(boto3.client("cloudformation", region_name="us-east-1"))
    return ServiceCatalog(client, stacks), Stubber(client)


def test_the_calls_are_service_catalogs(catalog: tuple[ServiceCatalog, Stubber]) -> None:
    versions, stub = catalog
    detail = {"Id": "pa-1", "Name": "v1.0.0", "Guidance": "DEFAULT", "Active": True}
    stub.add_response("list_provisioning_artifacts", {"ProvisioningArtifactDetails": [detail]}, {"ProductId": "prod-1"})
    stub.add_response(
        "update_provisioning_artifact",
        {},
        {"ProductId": "prod-1", "ProvisioningArtifactId": "pa-1", "Guidance": "DEPRECATED", "Active": False},
    )
    with stub:
        assert versions.versions("prod-1") == [ONE]
        versions.set_guidance("prod-1", ProductVersion("pa-1", "v1.0.0", "DEPRECATED", False))
        stub.assert_no_pending_responses()


@pytest.mark.parametrize(
    ("code", "raised", "said"),
    [
        ("ThrottlingException", RetryLater, "Service Catalog is throttling requests"),
        ("AccessDeniedException", FinalError, "Grant the caller servicecatalog:ListProvisioningArtifacts"),
    ],
)
def test_what_passes_is_waited_for_and_the_rest_is_said(
    catalog: tuple[ServiceCatalog, Stubber], code: str, raised: type[Exception], said: str
) -> None:
    versions, stub = catalog
    stub.add_client_error("list_provisioning_artifacts", code)
    with stub, pytest.raises(raised, match=said):
        versions.versions("prod-1")


def test_what_is_listed_is_compared_and_what_differs_written(catalog: tuple[ServiceCatalog, Stubber]) -> None:
    versions, stub = catalog
    clients = FunctionClients({})
    vars(clients)["service_catalog"] = versions
    resource, asked = VersionGuidance(clients), request({"v1.0.0": "DEPRECATED"})
    detail = {"Id": "pa-1", "Name": "v1.0.0", "Guidance": "DEFAULT", "Active": True}
    stub.add_response("list_provisioning_artifacts", {"ProvisioningArtifactDetails": [detail]}, {"ProductId": "prod-1"})
    written = {"ProductId": "prod-1", "ProvisioningArtifactId": "pa-1", "Guidance": "DEPRECATED", "Active": True}
    stub.add_response("update_provisioning_artifact", {}, written)
    with stub:
        with resource.observe(asked) as observed:
            plan = resource.plan(asked, observed)
        assert resource.apply(plan, asked, lambda: None) == Done()
        stub.assert_no_pending_responses()
        with resource.observe(request({}, "Delete")) as observed:  # asks nobody
            assert observed == []
    assert resource.foresee(asked, observed, plan) == Foreseen()


def test_a_product_has_an_id() -> None:
    with pytest.raises(ValidationError):
        VersionGuidanceProperties(product_id="")
    assert VersionGuidanceProperties(product_id="p").guidance == {}
