"""Service Catalog's client: what a rollout asks and sends, checked against the service's own model."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from botocore.stub import ANY, Stubber

from custom_resources.clients.service_catalog import Launch, ProductVersion, Record, ServiceCatalog
from custom_resources.clients.stacks import CloudFormationStacks
from custom_resources.errors import AwsDenied, AwsRefused, FinalError, LaunchPathGone, ProductNotFound

NOW = datetime(2026, 11, 24, tzinfo=UTC)
STACK = "arn:aws:cloudformation:us-east-1:123456789012:stack/SC-123456789012-pp-1/1"
NEW = ProductVersion("pa-2", "v2.0.0")


class Catalog:
    """The client with answers that are said in advance."""

    def __init__(self) -> None:
        session = boto3.Session("none", "none", region_name="us-east-1")
        self.services: dict[str, Any] = {
            "servicecatalog": session.client("servicecatalog"),
            "cloudformation": session.client("cloudformation"),
        }
        self.stubs = {name: Stubber(client) for name, client in self.services.items()}
        for stub in self.stubs.values():
            stub.activate()
        stacks = CloudFormationStacks(self.services["cloudformation"])
        self.client = ServiceCatalog(self.services["servicecatalog"], stacks)

    def says(self, operation: str, answer: dict[str, Any], asked: dict[str, Any] | None = None) -> None:
        self.stubs["servicecatalog"].add_response(operation, answer, asked)

    def refuses(self, operation: str, code: str = "AccessDeniedException") -> None:
        self.stubs["servicecatalog"].add_client_error(operation, code)


@pytest.fixture
def catalog() -> Catalog:
    return Catalog()


def product(identifier: str, name: str) -> dict[str, Any]:
    return {"ProductViewSummary": {"ProductId": identifier, "Name": name}}


def test_the_product_is_found_by_its_whole_name_on_any_page(catalog: Catalog) -> None:
    pages = [[product("prod-1", "Other"), {}], [product("prod-2", "Ours"), product("prod-3", "Ours too")]]
    catalog.says("search_products_as_admin", {"ProductViewDetails": pages[0], "NextPageToken": "more"}, {})
    catalog.says("search_products_as_admin", {"ProductViewDetails": pages[1]}, {"PageToken": "more"})
    assert catalog.client.product("Ours") == "prod-2"


@pytest.mark.parametrize(
    ("names", "said_of_it"),
    [
        (["Other"], ("no products", "deploy PortfolioStack")),
        (["Ours", "Ours"], ("(prod-0, prod-1)", "Deploy PortfolioStack, which outputs its product", "delete-product")),
    ],
)
def test_a_product_that_is_not_one_is_said(catalog: Catalog, names: list[str], said_of_it: tuple[str, ...]) -> None:
    found = [product(f"prod-{number}", name) for number, name in enumerate(names)]
    catalog.says("search_products_as_admin", {"ProductViewDetails": found})
    with pytest.raises(ProductNotFound) as said:
        catalog.client.product("Ours")
    assert all(each in str(said.value) for each in said_of_it)
    assert "Ours" in str(said.value)


def launched(name: str, **more: Any) -> dict[str, Any]:
    return {"Id": f"pp-{name}", "Name": name, "Status": "AVAILABLE", "ProductId": "prod-1", **more}


def test_launches_are_listed_by_name_with_what_a_rollout_needs(catalog: Catalog) -> None:
    whole = launched(
        "b",
        ProvisioningArtifactId="pa-1",
        StatusMessage="All is well.",
        LastRecordId="rec-1",
        PhysicalId=STACK,
        Tags=[{"Key": "AmazonDataZoneProject", "Value": "p1"}],
    )
    found = [whole, launched("a", ProvisioningArtifactId="pa-0"), launched("c", ProductId="prod-10")]
    asked = {
        "AccessLevelFilter": {"Key": "Account", "Value": "self"},
        "Filters": {"SearchQuery": ["productId:prod-1"]},
        "PageSize": 100,
    }
    catalog.says("search_provisioned_products", {"ProvisionedProducts": found}, asked)
    one = ProductVersion("pa-1", "v1.0.0")
    tags = {"AmazonDataZoneProject": "p1"}
    assert catalog.client.launches("prod-1", [one]) == [
        Launch("pp-a", "a", "pa-0", "", "AVAILABLE"),  # its version is not listed any more
        Launch("pp-b", "b", "pa-1", "v1.0.0", "AVAILABLE", "All is well.", "rec-1", STACK, tags),
    ]


def test_a_launch_is_named_by_its_project_too() -> None:
    launch = Launch("pp-1", "studio-p1", "pa-1", "v1", "AVAILABLE", tags={"AmazonDataZoneProject": "tagged"})
    assert [launch.belongs_to(each) for each in ("pp-1", "studio-p1", "p1", "tagged", "1", "p2")] == [
        True, True, True, True, False, False,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("SUCCEEDED", "succeeded"),
        ("FAILED", "failed"),
        ("CREATED", "running"),
        ("IN_PROGRESS", "running"),
        ("IN_PROGRESS_IN_ERROR", "running"),
    ],
)
def test_a_record_tells_what_became_of_a_request(catalog: Catalog, status: str, state: Any) -> None:
    detail = {
        "Status": status,
        "ProvisioningArtifactId": "pa-1",
        "PathId": "lpv3-1",
        "RecordErrors": [{"Code": "1", "Description": "It broke."}, {"Code": "2"}],
    }
    catalog.says("describe_record", {"RecordDetail": detail}, {"Id": "rec-1"})
    assert catalog.client.record("rec-1") == Record(state, "pa-1", "lpv3-1", ("It broke.", ""))
    catalog.says("describe_record", {"RecordDetail": {}}, {"Id": "rec-2"})
    assert catalog.client.record("rec-2") == Record("running", "", "", ())


@pytest.mark.parametrize(("path", "last"), [("lpv3-1", "rec-1"), ("", "rec-1"), ("", "")])
def test_an_update_keeps_the_parameters_that_the_stack_has(catalog: Catalog, path: str, last: str) -> None:
    launch = Launch("pp-1", "studio-p1", "pa-1", "v1", "AVAILABLE", last_record=last, stack=STACK)
    by_path = {"PathId": path} if path else {}
    catalog.says(
        "describe_provisioning_parameters",
        {"ProvisioningArtifactParameters": [{"ParameterKey": key} for key in ("Kept", "New")]},
        {"ProductId": "prod-1", "ProvisioningArtifactId": "pa-2", **by_path},
    )
    stack = {"StackName": "s", "StackStatus": "CREATE_COMPLETE", "CreationTime": "2026-11-01T10:00:00Z"}
    parameters = [{"ParameterKey": "Kept", "ParameterValue": "1"}, {"ParameterKey": "Dropped", "ParameterValue": "2"}]
    catalog.stubs["cloudformation"].add_response(
        "describe_stacks", {"Stacks": [{**stack, "Parameters": parameters}]}, {"StackName": STACK}
    )
    catalog.says(
        "update_provisioned_product",
        {"RecordDetail": {"RecordId": "rec-2"}},
        {
            "ProvisionedProductId": "pp-1",
            "ProductId": "prod-1",
            "ProvisioningArtifactId": "pa-2",
            "ProvisioningParameters": [{"Key": "Kept", "UsePreviousValue": True}],
            "UpdateToken": f"rollout-pa-2-{last or 'pp-1'}",
            **by_path,
        },
    )
    assert catalog.client.update(launch, "prod-1", NEW, path) == "rec-2"


@pytest.mark.parametrize(
    ("code", "message", "gone"),
    [
        ("ResourceNotFoundException", "No launch paths found for resource: prod-1", True),
        ("ResourceNotFoundException", "Launch path lpv2-1 does not exist", True),
        ("InvalidParametersException", "Invalid PathId lpv2-1", True),
        ("ResourceNotFoundException", "Provisioning artifact pa-2 does not exist", False),
    ],
)
@pytest.mark.parametrize("operation", ["describe_provisioning_parameters", "update_provisioned_product"])
def test_a_launch_path_that_is_gone_is_said_with_what_to_do(
    catalog: Catalog, operation: str, code: str, message: str, gone: bool
) -> None:
    if operation == "update_provisioned_product":
        catalog.says("describe_provisioning_parameters", {"ProvisioningArtifactParameters": []})
    stack = {"StackName": "s", "CreationTime": NOW, "StackStatus": "CREATE_COMPLETE"}
    catalog.stubs["cloudformation"].add_response("describe_stacks", {"Stacks": [stack]})
    catalog.stubs["servicecatalog"].add_client_error(operation, code, message)
    launch = Launch("pp-1", "studio-p1", "pa-1", "v1", "AVAILABLE", stack=STACK)
    with pytest.raises(LaunchPathGone if gone else FinalError) as said:
        catalog.client.update(launch, "prod-1", NEW, "lpv2-1")
    assert isinstance(said.value, LaunchPathGone) is gone
    if gone:
        assert "studio-p1 cannot be updated" in str(said.value)
        assert "Add the caller to [portfolio] principals" in str(said.value)


def test_an_update_token_is_no_longer_than_the_service_takes(catalog: Catalog) -> None:
    launch = Launch("pp-1", "studio-p1", "pa-1", "v1", "AVAILABLE", last_record="r" * 200, stack=STACK)
    catalog.says("describe_provisioning_parameters", {})
    stack = {"StackName": "s", "StackStatus": "CREATE_COMPLETE", "CreationTime": "2026-11-01T10:00:00Z"}
    catalog.stubs["cloudformation"].add_response("describe_stacks", {"Stacks": [stack]})
    catalog.says("update_provisioned_product", {"RecordDetail": {"RecordId": "rec-2"}}, {
        "ProvisionedProductId": ANY, "ProductId": ANY, "ProvisioningArtifactId": ANY, "ProvisioningParameters": [],
        "UpdateToken": ("rollout-pa-2-" + "r" * 200)[:128],
    })  # fmt: skip
    assert catalog.client.update(launch, "prod-1", NEW, "") == "rec-2"


LAUNCH = Launch("pp-1", "studio-p1", "pa-1", "v1", "AVAILABLE", stack=STACK)
REFUSED: list[tuple[str, Callable[[ServiceCatalog], object], str]] = [
    ("search_products_as_admin", lambda catalog: catalog.product("Ours"), "listing the products"),
    ("list_provisioning_artifacts", lambda catalog: catalog.versions("prod-1"), "listing the versions of prod-1"),
    (
        "update_provisioning_artifact",
        lambda catalog: catalog.set_guidance("prod-1", NEW),
        r"changing the version v2\.0\.0",
    ),
    (
        "search_provisioned_products",
        lambda catalog: catalog.launches("prod-1", []),
        "listing what was launched from prod-1",
    ),
    ("describe_record", lambda catalog: catalog.record("rec-1"), "reading the record rec-1"),
    (
        "describe_provisioning_parameters",
        lambda catalog: catalog.update(LAUNCH, "prod-1", NEW, ""),
        r"reading the parameters of v2\.0\.0",
    ),
    (
        "describe_provisioned_product",
        lambda catalog: catalog.outputs_with("prod-1", "K", "v", "studio-p1"),
        "reading the provisioned product studio-p1",
    ),
]


@pytest.mark.parametrize(("operation", "call", "activity"), REFUSED, ids=[each[0] for each in REFUSED])
def test_a_refusal_says_what_was_being_done(
    catalog: Catalog, operation: str, call: Callable[[ServiceCatalog], object], activity: str
) -> None:
    catalog.refuses(operation)
    with pytest.raises(AwsDenied, match=activity):
        call(catalog.client)


def test_a_version_may_lack_what_the_service_leaves_out(catalog: Catalog) -> None:
    details = [{"Id": "pa-1"}, {"Id": "pa-2", "Name": "v2", "Guidance": "DEPRECATED", "Active": False}]
    catalog.says("list_provisioning_artifacts", {"ProvisioningArtifactDetails": details}, {"ProductId": "prod-1"})
    found = catalog.client.versions("prod-1")
    assert found == [ProductVersion("pa-1", "", "DEFAULT", True), ProductVersion("pa-2", "v2", "DEPRECATED", False)]
    assert [each.guidance for each in found] == ["DEFAULT", "INACTIVE"]
    assert ProductVersion("pa-3", "v3", "DEPRECATED").guidance == "DEPRECATED"


@pytest.mark.parametrize(("code", "error"), [("InvalidParametersException", None), ("Strange", AwsRefused)])
def test_a_launch_that_never_came_up_has_no_outputs_and_every_other_refusal_is_told(
    catalog: Catalog, code: str, error: type[Exception] | None
) -> None:
    detail = {"Id": "pp-1", "ProductId": "prod-1"}
    catalog.says("describe_provisioned_product", {"ProvisionedProductDetail": detail}, {"Name": "studio-p1"})
    catalog.refuses("get_provisioned_product_outputs", code)
    catalog.says("search_provisioned_products", {"ProvisionedProducts": [launched("1")]})
    if error:
        with pytest.raises(error, match="reading the outputs of pp-1"):
            catalog.client.outputs_with("prod-1", "K", "v", "studio-p1")
    else:
        assert catalog.client.outputs_with("prod-1", "K", "v", "studio-p1") is None


def test_outputs_are_read_from_the_likely_launch_then_from_all_others(catalog: Catalog) -> None:
    asked = {"ProvisionedProductId": "pp-2", "PageSize": 20}
    catalog.refuses("describe_provisioned_product", "ResourceNotFoundException")
    catalog.says("search_provisioned_products", {"ProvisionedProducts": [launched("1"), launched("2")]})
    catalog.refuses("get_provisioned_product_outputs", "ResourceNotFoundException")
    page = {"Outputs": [{"OutputKey": "A", "OutputValue": "a"}], "NextPageToken": "more"}
    catalog.says("get_provisioned_product_outputs", page, asked)
    last = {"Outputs": [{"OutputKey": "K", "OutputValue": "v"}]}
    catalog.says("get_provisioned_product_outputs", last, {**asked, "PageToken": "more"})
    assert catalog.client.outputs_with("prod-1", "K", "v", "studio-p1") == {"A": "a", "K": "v"}


def test_a_versions_parameters_are_read_without_a_path(catalog: Catalog) -> None:
    asked = {"ProductId": "prod-1", "ProvisioningArtifactId": "pa-2", "IncludeProvisioningArtifactParameters": True}
    found = [{"ParameterKey": "ProjectId"}, {"ParameterKey": "SyncMode"}]
    catalog.says("describe_provisioning_artifact", {"ProvisioningArtifactParameters": found}, asked)
    assert catalog.client.parameter_names("prod-1", ProductVersion("pa-2", "v2")) == ["ProjectId", "SyncMode"]


@pytest.mark.parametrize(("number", "several"), [(0, False), (1, False), (2, True)])
def test_whether_there_are_several_ways_to_the_product(catalog: Catalog, number: int, several: bool) -> None:
    paths = [{"Id": f"lpv3-{each}", "Name": "Ours"} for each in range(number)]
    catalog.says("list_launch_paths", {"LaunchPathSummaries": paths}, {"ProductId": "prod-1", "PageSize": 2})
    assert catalog.client.has_several_paths("prod-1") is several


def test_who_has_no_way_to_the_product_has_not_several(catalog: Catalog) -> None:
    catalog.refuses("list_launch_paths", "ResourceNotFoundException")
    assert catalog.client.has_several_paths("prod-1") is False
