"""Service Catalog, CloudFormation and the launches of a region: whole answers, each request, each refusal."""

from __future__ import annotations

from typing import Any

import pytest

from custom_resources.clients.regional_launches import RegionalLaunches
from custom_resources.clients.service_catalog import (
    LAUNCHED_BY,
    Launch,
    LaunchedStack,
    LaunchOfStack,
    ProductVersion,
    ServiceCatalog,
)
from custom_resources.clients.stacks import CloudFormationStacks, DescribedStack, StackResource
from custom_resources.errors import (
    AwsDenied,
    AwsNotFound,
    AwsRefused,
    AwsThrottled,
    LaunchPathGone,
    ProductNotFound,
    ProductsAlike,
    VersionMissing,
)
from tests.unit.test_aws_requests import WHEN
from tests.unit.test_dynamodb_clients import Turns, made_once, refused

STACK = "arn:aws:cloudformation:eu-west-1:111122223333:stack/SC-111122223333-pp-abc/1"
VERSION = ProductVersion("pa-2", "v2")
LAUNCH = Launch("pp-1", "studio-p1", "pa-1", "v1", "AVAILABLE", last_record="rec-1", stack=STACK)
GONE = refused("ResourceNotFoundException", "There is none", 404)
DENIED = refused("AccessDeniedException", "Not you", 403)


@pytest.fixture(autouse=True, scope="module")
def _made() -> None:
    for service in ("servicecatalog", "cloudformation", "ssm"):
        for region in ("eu-west-1", "us-east-1"):
            made_once(service, region)


def catalog(account: Turns) -> ServiceCatalog:
    return ServiceCatalog(account.client("servicecatalog"), CloudFormationStacks(account.client("cloudformation")))


def denied(activity: str, permission: str, service: str = "Service Catalog") -> dict[str, str]:
    return {"service": service, "activity": activity, "message": "Not you", "permission": permission}


# -- the product -----------------------------------------------------------------------------------------------------


def view(identifier: str, name: str) -> dict[str, Any]:
    return {"ProductViewSummary": {"ProductId": identifier, "Name": name}}


def test_products_are_those_of_the_name_on_all_pages() -> None:
    pages: list[dict[str, Any]] = [
        {"ProductViewDetails": [view("prod-1", "Ours"), {}], "NextPageToken": "more"},
        {"ProductViewDetails": [view("prod-2", "Other"), view("prod-3", "Ours")]},
    ]
    account = Turns(SearchProductsAsAdmin=pages)
    assert catalog(account).products("Ours") == ["prod-1", "prod-3"]
    assert account.asked == [("SearchProductsAsAdmin", {}), ("SearchProductsAsAdmin", {"PageToken": "more"})]
    with pytest.raises(ProductsAlike) as alike:
        catalog(Turns(SearchProductsAsAdmin=pages)).product("Ours")
    assert alike.value.holes == {"product": "Ours", "ids": "prod-1, prod-3"}
    assert catalog(Turns(SearchProductsAsAdmin=pages)).product("Other") == "prod-2"
    with pytest.raises(ProductNotFound) as none:
        catalog(Turns()).product("Ours")
    assert none.value.holes == {"count": "no", "product": "Ours"}
    with pytest.raises(AwsDenied) as not_you:
        catalog(Turns(SearchProductsAsAdmin=[DENIED])).product("Ours")
    assert not_you.value.holes == denied("listing the products", "servicecatalog:SearchProductsAsAdmin")


def test_a_versions_guidance_is_what_service_catalog_tells() -> None:
    found = [{"Id": "pa-1", "Name": "v1", "Guidance": "DEPRECATED", "Active": False}, {"Id": "pa-2"}]
    account = Turns(ListProvisioningArtifacts=[{"ProvisioningArtifactDetails": found}, DENIED])
    ours = catalog(account)
    old, new = ours.versions("prod-1")
    assert old == ProductVersion("pa-1", "v1", "DEPRECATED", active=False)
    assert new == ProductVersion("pa-2", "", "DEFAULT", active=True)
    assert (old.guidance, new.guidance) == ("INACTIVE", "DEFAULT")
    assert ProductVersion("pa-1", "v1", "DEPRECATED").guidance == "DEPRECATED"
    assert account.asked == [("ListProvisioningArtifacts", {"ProductId": "prod-1"})]
    with pytest.raises(AwsDenied) as not_you:
        ours.versions("prod-1")
    assert not_you.value.holes == denied("listing the versions of prod-1", "servicecatalog:ListProvisioningArtifacts")


ARTIFACT = {"ProductId": "prod-1", "ProvisioningArtifactId": "pa-2"}


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        ({"Info": {"TemplateUrl": "https://a"}, "ProvisioningArtifactDetail": {"Name": "v2"}}, ("v2", "https://a")),
        ({"Info": {"LoadTemplateFromURL": "https://b"}, "ProvisioningArtifactDetail": {}}, ("pa-2", "https://b")),
        (
            {
                "Info": {"TemplateUrl": "https://a", "LoadTemplateFromURL": "https://b"},
                "ProvisioningArtifactDetail": {"Name": "v2"},
            },
            ("v2", "https://a"),
        ),
        (
            {
                "Info": {"TemplateUrl": "", "LoadTemplateFromURL": "https://b"},
                "ProvisioningArtifactDetail": {"Name": "v2"},
            },
            ("v2", "https://b"),
        ),
        ({"ProvisioningArtifactDetail": {"Name": "v2"}}, ("v2", "")),
        ({"Info": {}, "ProvisioningArtifactDetail": {"Name": "v2"}}, ("v2", "")),
    ],
)
def test_a_versions_template_is_where_service_catalog_says(answer: dict[str, Any], found: tuple[str, str]) -> None:
    account = Turns(DescribeProvisioningArtifact=[answer])
    assert catalog(account).version_template("prod-1", "pa-2") == found
    assert account.asked == [("DescribeProvisioningArtifact", ARTIFACT)]


def test_a_version_that_is_not_there_and_one_that_may_not_be_read() -> None:
    with pytest.raises(VersionMissing) as missing:
        catalog(Turns(DescribeProvisioningArtifact=[GONE])).version_template("prod-1", "pa-2")
    assert missing.value.holes == {"product": "prod-1", "version": "pa-2"}
    with pytest.raises(AwsDenied) as not_you:
        catalog(Turns(DescribeProvisioningArtifact=[DENIED])).version_template("prod-1", "pa-2")
    action = "servicecatalog:DescribeProvisioningArtifact"
    assert not_you.value.holes == denied("reading the version pa-2 of prod-1", action)
    with pytest.raises(AwsDenied) as not_you:
        catalog(Turns(DescribeProvisioningArtifact=[DENIED])).parameter_names("prod-1", VERSION)
    assert not_you.value.holes == denied("reading the parameters of v2", action)


def test_a_versions_parameters_are_asked_for() -> None:
    found = {"ProvisioningArtifactParameters": [{"ParameterKey": "A"}, {"ParameterKey": "B"}]}
    account = Turns(DescribeProvisioningArtifact=[found])
    assert catalog(account).parameter_names("prod-1", VERSION) == ["A", "B"]
    assert catalog(account).parameter_names("prod-1", VERSION) == []
    given = {**ARTIFACT, "IncludeProvisioningArtifactParameters": True}
    assert account.asked == [("DescribeProvisioningArtifact", given)] * 2


@pytest.mark.parametrize(("paths", "several"), [(None, False), (0, False), (1, False), (2, True)])
def test_two_paths_are_several(paths: int | None, several: bool) -> None:
    answer = {} if paths is None else {"LaunchPathSummaries": [{"Id": "lpv"}] * paths}
    account = Turns(ListLaunchPaths=[answer, GONE, DENIED])
    ours = catalog(account)
    assert ours.has_several_paths("prod-1") is several
    assert ours.has_several_paths("prod-1") is False
    assert account.asked == [("ListLaunchPaths", {"ProductId": "prod-1", "PageSize": 2})] * 2
    with pytest.raises(AwsDenied) as not_you:
        ours.has_several_paths("prod-1")
    assert not_you.value.holes == denied("listing the launch paths of prod-1", "servicecatalog:ListLaunchPaths")


def test_a_versions_advice_and_activity_are_written() -> None:
    account = Turns(UpdateProvisioningArtifact=[{}, DENIED])
    ours, old = catalog(account), ProductVersion("pa-2", "v2", "DEPRECATED", active=False)
    ours.set_guidance("prod-1", old)
    given = {**ARTIFACT, "Guidance": "DEPRECATED", "Active": False}
    assert account.asked == [("UpdateProvisioningArtifact", given)]
    with pytest.raises(AwsDenied) as not_you:
        ours.set_guidance("prod-1", old)
    assert not_you.value.holes == denied("changing the version v2", "servicecatalog:UpdateProvisioningArtifact")


# -- what was launched -----------------------------------------------------------------------------------------------

SELF = {"AccessLevelFilter": {"Key": "Account", "Value": "self"}}
LISTED = {**SELF, "Filters": {"SearchQuery": ["productId:prod-1"]}, "PageSize": 100}
OUTPUTS = "GetProvisionedProductOutputs"


def launched(name: str, product: str = "prod-1", **more: Any) -> dict[str, Any]:
    return {"Id": f"pp-{name}", "Name": name, "ProductId": product, "Status": "AVAILABLE", **more}


def outputs(**values: str) -> dict[str, Any]:
    return {"Outputs": [{"OutputKey": key, "OutputValue": value} for key, value in values.items()]}


def asked_for_outputs(identifier: str, **more: Any) -> tuple[str, dict[str, Any]]:
    return OUTPUTS, {"ProvisionedProductId": identifier, "PageSize": 20, **more}


def test_a_launch_has_everything_that_service_catalog_tells_of_it() -> None:
    full = launched(
        "b",
        ProvisioningArtifactId="pa-2",
        Status="ERROR",
        StatusMessage="It failed",
        LastRecordId="rec-1",
        PhysicalId=STACK,
        Tags=[{"Key": "a", "Value": "1"}],
        UserArn="arn:user",
        UserArnSession="arn:session",
        LastProvisioningRecordId="rec-1",
        LastSuccessfulProvisioningRecordId="rec-0",
    )
    pages: list[dict[str, Any]] = [
        {"ProvisionedProducts": [full, launched("x", "prod-2")], "NextPageToken": "more"},
        {"ProvisionedProducts": [launched("c"), launched("a", UserArn="arn:user", ProvisioningArtifactId="pa-9")]},
    ]
    account = Turns(SearchProvisionedProducts=pages)
    assert catalog(account).launches("prod-1", [VERSION]) == [
        Launch("pp-a", "a", "pa-9", "", "AVAILABLE", launched_by="arn:user"),
        Launch(
            "pp-b", "b", "pa-2", "v2", "ERROR", "It failed", "rec-1", STACK, {"a": "1"}, "arn:session", "failed", ""
        ),
        Launch("pp-c", "c", "", "", "AVAILABLE", "", "", "", {}, "", "", ""),
    ]
    name = "SearchProvisionedProducts"
    assert account.asked == [(name, LISTED), (name, {**LISTED, "PageToken": "more"})]
    with pytest.raises(AwsDenied) as not_you:
        catalog(Turns(SearchProvisionedProducts=[DENIED])).launches("prod-1", [])
    activity = "listing what was launched from prod-1"
    assert not_you.value.holes == denied(activity, "servicecatalog:SearchProvisionedProducts")


@pytest.mark.parametrize(
    ("status", "last", "good", "found"),
    [
        ("AVAILABLE", "rec-1", "rec-1", "succeeded"),
        ("ERROR", "rec-1", "rec-1", "succeeded"),
        ("TAINTED", "rec-1", None, "failed"),
        ("UNDER_CHANGE", "rec-1", "rec-1", ""),
        ("PLAN_IN_PROGRESS", "rec-1", "rec-1", ""),
        ("AVAILABLE", None, None, ""),
        ("AVAILABLE", None, "rec-1", ""),
    ],
)
def test_a_launchs_last_update_is_the_last_successful_one_or_failed(
    status: str, last: str | None, good: str | None, found: str
) -> None:
    ids = {"LastProvisioningRecordId": last, "LastSuccessfulProvisioningRecordId": good}
    item = launched("a") | {"Status": status} | {key: each for key, each in ids.items() if each}
    (launch,) = catalog(Turns(SearchProvisionedProducts=[{"ProvisionedProducts": [item]}])).launches("prod-1", [])
    assert launch.last_update == found


def test_a_launch_is_named_by_its_own_names_only() -> None:
    launch = Launch("pp-1", "studio-p1", "", "", "", tags={"AmazonDataZoneProject": "p-id"}, project_name="Churn")
    assert all(launch.belongs_to(name) for name in ("pp-1", "studio-p1", "p1", "p-id", "Churn"))
    assert not any(launch.belongs_to(name) for name in ("", "1", "studio", "p2"))
    assert not Launch("pp-1", "a", "", "", "").belongs_to("")


def test_outputs_are_looked_for_where_they_are_likely_and_then_everywhere() -> None:
    likely = {"ProvisionedProductDetail": {"Id": "pp-likely", "ProductId": "prod-1"}}
    named = ("DescribeProvisionedProduct", {"Name": "studio-p1"})
    account = Turns(DescribeProvisionedProduct=[likely], **{OUTPUTS: [outputs(Project="p1", Name="n")]})
    found = catalog(account).outputs_with("prod-1", "Project", "p1", "studio-p1")
    assert found == {"Project": "p1", "Name": "n"}
    assert account.asked == [named, asked_for_outputs("pp-likely")]

    listed = {"ProvisionedProducts": [launched("likely"), launched("x", "prod-2"), launched("b"), launched("c")]}
    answers = [outputs(Project="p0"), outputs(Project="p2"), outputs(Project="p1", Name="c")]
    account = Turns(
        DescribeProvisionedProduct=[likely], SearchProvisionedProducts=[listed, listed], **{OUTPUTS: answers}
    )
    assert catalog(account).outputs_with("prod-1", "Project", "p1", "studio-p1") == {"Project": "p1", "Name": "c"}
    every = ("SearchProvisionedProducts", LISTED)
    asked = [asked_for_outputs(identifier) for identifier in ("pp-likely", "pp-b", "pp-c")]
    assert account.asked == [named, asked[0], every, asked[1], asked[2]]


@pytest.mark.parametrize("named", [GONE, {"ProvisionedProductDetail": {"Id": "pp-other", "ProductId": "prod-2"}}])
def test_the_likely_name_may_be_nobodys_or_another_products(named: Any) -> None:
    listed = {"ProvisionedProducts": [launched("other")]}
    account = Turns(
        DescribeProvisionedProduct=[named], SearchProvisionedProducts=[listed], **{OUTPUTS: [outputs(Project="p2")]}
    )
    assert catalog(account).outputs_with("prod-1", "Project", "p1", "studio-p1") is None
    assert [name for name, _ in account.asked] == [
        "DescribeProvisionedProduct", "SearchProvisionedProducts", OUTPUTS,
    ]  # fmt: skip
    assert account.asked[2] == asked_for_outputs("pp-other")
    with pytest.raises(AwsDenied) as not_you:
        catalog(Turns(DescribeProvisionedProduct=[DENIED])).outputs_with("prod-1", "Project", "p1", "studio-p1")
    activity = "reading the provisioned product studio-p1"
    assert not_you.value.holes == denied(activity, "servicecatalog:DescribeProvisionedProduct")


def test_a_launchs_outputs_are_those_of_all_pages() -> None:
    account = Turns(**{OUTPUTS: [{**outputs(A="1"), "NextPageToken": "more"}, outputs(B="2"), {}]})
    ours = catalog(account)
    assert ours._outputs("pp-1") == {"A": "1", "B": "2"}
    assert account.asked == [asked_for_outputs("pp-1"), asked_for_outputs("pp-1", PageToken="more")]
    assert ours._outputs("pp-1") == {}


@pytest.mark.parametrize("code", ["ResourceNotFoundException", "InvalidParametersException"])
def test_a_launch_that_never_came_up_has_no_outputs(code: str) -> None:
    assert catalog(Turns(**{OUTPUTS: [refused(code)]}))._outputs("pp-1") == {}


def test_another_refusal_of_outputs_is_told() -> None:
    with pytest.raises(AwsRefused) as said:
        catalog(Turns(**{OUTPUTS: [refused("InvalidStateException", "Not now")]}))._outputs("pp-1")
    told = {"service": "Service Catalog", "activity": "reading the outputs of pp-1", "message": "Not now"}
    assert said.value.holes == {**told, "code": "InvalidStateException"}


def test_what_a_door_launched_is_found_by_the_doors_tag() -> None:
    def by(name: str, door: str, key: str = LAUNCHED_BY) -> dict[str, Any]:
        return launched(name, Tags=[{"Key": "other", "Value": "x"}, {"Key": key, "Value": door}])

    found = [
        by("b", "blueprint"),
        by("a", "blueprint"),
        by("c", "project-setup"),
        launched("d"),
        by("e", "blueprint", "k"),
    ]
    account = Turns(SearchProvisionedProducts=[{"ProvisionedProducts": found}])
    assert catalog(account).launched_by("prod-1", "blueprint") == ["a", "b"]


def test_a_record_that_may_not_be_read_says_what_was_being_done() -> None:
    with pytest.raises(AwsDenied) as not_you:
        catalog(Turns(DescribeRecord=[DENIED])).record("rec-1")
    assert not_you.value.holes == denied("reading the record rec-1", "servicecatalog:DescribeRecord")


@pytest.mark.parametrize(
    ("operation", "answer", "kind"),
    [
        ("DescribeProvisioningParameters", refused("ResourceNotFoundException", "No Launch Path", 404), LaunchPathGone),
        ("UpdateProvisionedProduct", refused("InvalidParametersException", "The path is not yours"), LaunchPathGone),
        ("DescribeProvisioningParameters", refused("ResourceNotFoundException", "No product", 404), AwsNotFound),
        ("UpdateProvisionedProduct", refused("InvalidStateException", "Not now"), AwsRefused),
        ("UpdateProvisionedProduct", refused("Throttling", "path"), AwsThrottled),
    ],
)
def test_a_path_that_is_gone_is_said_and_other_refusals_stay(
    operation: str, answer: tuple[int, dict[str, Any]], kind: type[Exception]
) -> None:
    stacks: dict[str, Any] = {"DescribeStacks": [{"Stacks": [{"StackStatus": "UPDATE_COMPLETE"}]}]}
    with pytest.raises(kind) as said:
        catalog(Turns(**stacks, **{operation: [answer]})).update(LAUNCH, "prod-1", VERSION, "lpv-1")
    assert type(said.value) is kind
    holes = said.value.holes  # type: ignore[attr-defined]
    if kind is LaunchPathGone:
        assert holes == {"launch": "studio-p1", "message": answer[1]["Error"]["Message"]}
    else:
        activities = {"DescribeProvisioningParameters": "reading the parameters of v2"}
        assert holes["activity"] == activities.get(operation, "updating studio-p1")
        assert holes["service"] == "Service Catalog"


@pytest.mark.parametrize(
    ("launch", "token"),
    [
        (LAUNCH, "repair-rec-1"),
        (Launch("pp-1", "studio-p1", "", "", ""), "repair-pp-1"),
        (Launch("pp-1", "studio-p1", "", "", "", last_record="r" * 120), f"repair-{'r' * 93}"),
    ],
)
def test_a_launch_is_ended_once(launch: Launch, token: str) -> None:
    account = Turns(TerminateProvisionedProduct=[{"RecordDetail": {"RecordId": "rec-2"}}, DENIED])
    ours = catalog(account)
    assert ours.terminate(launch) == "rec-2"
    given = {"ProvisionedProductId": "pp-1", "TerminateToken": token}
    assert account.asked == [("TerminateProvisionedProduct", given)]
    with pytest.raises(AwsDenied) as not_you:
        ours.terminate(launch)
    assert not_you.value.holes == denied("terminating studio-p1", "servicecatalog:TerminateProvisionedProduct")


BY_ID = ("SearchProvisionedProducts", {**SELF, "Filters": {"SearchQuery": ["id:pp-abc"]}})


@pytest.mark.parametrize(
    ("item", "found"),
    [
        (
            {"PhysicalId": STACK, "UserArn": "arn:user", "UserArnSession": "arn:s"},
            LaunchOfStack("prod-1", "pp-abc", "arn:s"),
        ),
        ({"PhysicalId": STACK, "UserArn": "arn:user"}, LaunchOfStack("prod-1", "pp-abc", "arn:user")),
        ({"PhysicalId": STACK}, LaunchOfStack("prod-1", "pp-abc", "")),
        ({"Status": "UNDER_CHANGE", "UserArn": "arn:user"}, LaunchOfStack("prod-1", "pp-abc", "arn:user")),
        ({"Status": "AVAILABLE", "UserArn": "arn:user"}, LaunchOfStack()),
        ({"Status": "UNDER_CHANGE", "PhysicalId": f"{STACK}2"}, LaunchOfStack()),
        ({"PhysicalId": STACK, "Id": "pp-abcd"}, LaunchOfStack()),
    ],
)
def test_a_stacks_launch_is_known_by_this_very_stack_or_at_making_it(
    item: dict[str, Any], found: LaunchOfStack
) -> None:
    listed = {"Id": "pp-abc", "ProductId": "prod-1", **item}
    account = Turns(SearchProvisionedProducts=[{"ProvisionedProducts": [listed]}])
    assert catalog(account).launch_of(STACK) == found
    assert account.asked == [BY_ID]


@pytest.mark.parametrize("name", ["XX-111122223333-pp-abc", "SC-11112222333-pp-abc", "SC-111122223333-pp-ABC", "SC-x"])
def test_of_a_stack_that_no_launch_can_have_named_nothing_is_asked(name: str) -> None:
    account = Turns()
    assert catalog(account).launch_of(STACK.replace("SC-111122223333-pp-abc", name)) == LaunchOfStack()
    assert account.asked == []


def test_a_launch_that_nobody_knows_or_may_not_be_read() -> None:
    assert catalog(Turns()).launch_of(STACK) == LaunchOfStack()
    least = Turns(SearchProvisionedProducts=[{"ProvisionedProducts": [{"Id": "pp-abc", "PhysicalId": STACK}]}])
    assert catalog(least).launch_of(STACK) == LaunchOfStack("", "pp-abc", "")
    for method, given, activity in (
        ("launch_of", STACK, f"reading the launch of the stack {STACK}"),
        ("launched_stack", "pp-abc", "reading the provisioned product pp-abc"),
    ):
        with pytest.raises(AwsDenied) as not_you:
            getattr(catalog(Turns(SearchProvisionedProducts=[DENIED])), method)(given)
        assert not_you.value.holes == denied(activity, "servicecatalog:SearchProvisionedProducts")


def test_a_launch_is_found_by_its_id() -> None:
    item = {"Id": "pp-abc", "ProductId": "prod-1", "PhysicalId": STACK, "Status": "ERROR"}
    others = [{**item, "Id": "pp-abcd"}, item]
    account = Turns(
        SearchProvisionedProducts=[{"ProvisionedProducts": others}, {"ProvisionedProducts": [{"Id": "pp-abc"}]}]
    )
    ours = catalog(account)
    assert ours.launched_stack("pp-abc") == LaunchedStack("prod-1", STACK, "ERROR")
    assert ours.launched_stack("pp-abc") == LaunchedStack("", "", "")
    assert ours.launched_stack("pp-abc") is None
    assert account.asked == [BY_ID] * 3


# -- the launches of a region ----------------------------------------------------------------------------------------


def test_a_regions_launches_are_those_of_its_own_product() -> None:
    found = [launched("a", "prod-9", Tags=[{"Key": LAUNCHED_BY, "Value": "blueprint"}]), launched("b", "prod-9")]
    account = Turns(
        GetParameter=[{"Parameter": {"Value": "prod-9"}}], SearchProvisionedProducts=[{"ProvisionedProducts": found}]
    )
    asked: list[tuple[str, str]] = []

    def client(service: str, *, region_name: str) -> Any:
        asked.append((service, region_name))
        return account.client(service, region_name)

    assert RegionalLaunches(client, "/ours/product").launched_by("us-east-1", "blueprint") == ["a"]
    assert asked == [("ssm", "us-east-1"), ("servicecatalog", "us-east-1"), ("cloudformation", "us-east-1")]
    listed = {**LISTED, "Filters": {"SearchQuery": ["productId:prod-9"]}}
    assert account.asked == [("GetParameter", {"Name": "/ours/product"}), ("SearchProvisionedProducts", listed)]


def test_a_region_without_a_product_has_no_launches_and_one_that_may_not_be_read_is_told() -> None:
    account = Turns(GetParameter=[refused("ParameterNotFound"), DENIED])
    launches = RegionalLaunches(account.client, "/ours/product")
    assert launches.launched_by("us-east-1", "blueprint") == []
    with pytest.raises(AwsDenied) as not_you:
        launches.launched_by("us-east-1", "blueprint")
    activity = "reading the parameter /ours/product in us-east-1"
    assert not_you.value.holes == denied(activity, "ssm:GetParameter", "Systems Manager")


# -- stacks ----------------------------------------------------------------------------------------------------------

DESCRIBED = {
    "StackId": STACK,
    "StackStatus": "UPDATE_COMPLETE",
    "StackStatusReason": "Because",
    "Outputs": [{"OutputKey": "A", "OutputValue": "1"}],
    "Parameters": [{"ParameterKey": "P", "ParameterValue": "2"}, {"ParameterKey": "Q"}],
    "Tags": [{"Key": "t", "Value": "3"}],
}


def stacks(account: Turns) -> CloudFormationStacks:
    return CloudFormationStacks(account.client("cloudformation"))


def test_a_stack_is_described_with_everything_or_what_there_is() -> None:
    account = Turns(DescribeStacks=[{"Stacks": [DESCRIBED]}, {"Stacks": [{"StackStatus": "CREATE_FAILED"}]}])
    ours = stacks(account)
    assert ours.described(STACK) == DescribedStack(STACK, "UPDATE_COMPLETE", "Because", {"A": "1"}, {"P": "2", "Q": ""})
    assert ours.described(STACK) == DescribedStack("", "CREATE_FAILED", "", {}, {})
    assert account.asked == [("DescribeStacks", {"StackName": STACK})] * 2


def test_all_stacks_are_those_of_all_pages() -> None:
    pages: list[dict[str, Any]] = [
        {"Stacks": [DESCRIBED], "NextToken": "more"},
        {"Stacks": [{"StackStatus": "CREATE_FAILED"}]},
    ]
    account = Turns(DescribeStacks=pages)
    assert [each.status for each in stacks(account).every()] == ["UPDATE_COMPLETE", "CREATE_FAILED"]
    assert account.asked == [("DescribeStacks", {}), ("DescribeStacks", {"NextToken": "more"})]
    with pytest.raises(AwsDenied) as not_you:
        list(stacks(Turns(DescribeStacks=[DENIED])).every())
    assert not_you.value.holes == denied("listing the stacks", "cloudformation:DescribeStacks", "CloudFormation")


def test_a_stacks_operation_has_the_time_of_its_update_else_of_its_creation() -> None:
    later = WHEN.replace(hour=13)
    both = {"StackStatus": "UPDATE_COMPLETE", "LastUpdatedTime": later, "CreationTime": WHEN}
    created, least = {"StackStatus": "CREATE_COMPLETE", "CreationTime": WHEN}, {"StackStatus": "CREATE_COMPLETE"}
    answers: list[dict[str, Any]] = [{"Stacks": [each]} for each in (both, created, least)]
    account = Turns(DescribeStacks=answers)
    ours = stacks(account)
    assert [ours.operation(STACK) for _ in range(3)] == [
        "UPDATE_COMPLETE 2026-11-01T13:00:00+00:00",
        "CREATE_COMPLETE 2026-11-01T12:00:00+00:00",
        "CREATE_COMPLETE ",
    ]


def test_tags_and_parameters_are_those_of_the_stack_that_was_seen_last() -> None:
    other = {"StackStatus": "CREATE_COMPLETE"}
    account = Turns(DescribeStacks=[{"Stacks": [DESCRIBED]}, {"Stacks": [other]}, {"Stacks": [DESCRIBED]}])
    ours = stacks(account)
    assert (ours.tags(STACK), ours.parameters(STACK)) == ({"t": "3"}, {"P": "2", "Q": ""})
    assert (ours.parameters("other"), ours.tags("other")) == ({}, {})
    assert ours.tags(STACK) == {"t": "3"}
    assert account.asked == [("DescribeStacks", {"StackName": name}) for name in (STACK, "other", STACK)]


@pytest.mark.parametrize(
    ("answer", "there"),
    [
        ({"Stacks": [{"StackStatus": "CREATE_COMPLETE"}]}, True),
        ({"Stacks": [{"StackStatus": "DELETE_COMPLETE"}]}, False),
        ({"Stacks": [{"StackStatus": "ROLLBACK_COMPLETE"}]}, False),
        (refused("ValidationError", "Stack with id s does not exist"), False),
        (DENIED, True),
        (refused("ValidationError", "Bad"), True),
    ],
)
def test_a_stack_exists_unless_it_is_known_to_be_gone(answer: Any, there: bool) -> None:
    account = Turns(DescribeStacks=[answer, refused("Throttling")])
    ours = stacks(account)
    assert ours.exists(STACK) is there
    with pytest.raises(AwsThrottled) as wait:
        ours.exists(STACK)
    assert wait.value.holes["activity"] == f"reading the stack {STACK}"


def test_a_stacks_resources_are_listed_or_asked_for_by_name() -> None:
    build = {
        "LogicalResourceId": "Build",
        "ResourceType": "Custom::B",
        "PhysicalResourceId": "1",
        "ResourceStatus": "CREATE_COMPLETE",
    }
    deploy = {"LogicalResourceId": "Deploy", "ResourceType": "Custom::D", "ResourceStatus": "CREATE_IN_PROGRESS"}
    none = refused("ValidationError", "Resource X does not exist")
    account = Turns(
        DescribeStackResources=[
            {"StackResources": [build, deploy]},
            {"StackResources": [deploy]},
            none,
            {"StackResources": [build]},
            none,
            DENIED,
        ]
    )
    ours = stacks(account)
    known = {
        "Build": StackResource("Custom::B", "1", "CREATE_COMPLETE"),
        "Deploy": StackResource("Custom::D", "", "CREATE_IN_PROGRESS"),
    }
    assert ours.resources(STACK) == known
    assert ours.resources(STACK, ("Deploy", "X", "Build")) == known
    named = [{"StackName": STACK, "LogicalResourceId": name} for name in ("Deploy", "X", "Build")]
    assert account.asked == [("DescribeStackResources", each) for each in ({"StackName": STACK}, *named)]
    with pytest.raises(AwsNotFound) as gone:
        ours.resources(STACK)
    assert gone.value.holes["activity"] == f"reading the resources of the stack {STACK}"
    with pytest.raises(AwsDenied):
        ours.resources(STACK, ("Build",))


@pytest.mark.parametrize(
    ("answer", "has"),
    [
        ({"StackResourceDetail": {"ResourceStatus": "CREATE_COMPLETE"}}, True),
        ({"StackResourceDetail": {"ResourceStatus": "DELETE_COMPLETE"}}, False),
        ({"StackResourceDetail": {"ResourceStatus": "DELETE_FAILED"}}, False),
        (refused("ValidationError", "Resource X does not exist for stack s"), False),
    ],
)
def test_a_resource_is_a_stacks_while_it_is_not_deleted(answer: Any, has: bool) -> None:
    account = Turns(DescribeStackResource=[answer, DENIED])
    ours = stacks(account)
    assert ours.has_resource(STACK, "X") is has
    assert account.asked == [("DescribeStackResource", {"StackName": STACK, "LogicalResourceId": "X"})]
    with pytest.raises(AwsDenied) as not_you:
        ours.has_resource(STACK, "X")
    activity = f"reading the resource X of the stack {STACK}"
    assert not_you.value.holes == denied(activity, "cloudformation:DescribeStackResource", "CloudFormation")


def test_a_stacks_outputs_and_its_template_as_it_was_given() -> None:
    account = Turns(DescribeStacks=[{"Stacks": [DESCRIBED]}, {"Stacks": [{}]}])
    ours = stacks(account)
    assert ours.outputs(STACK) == {"A": "1"}
    assert ours.outputs(STACK) == {}

    class Templates:
        """GetTemplate gives JSON as text or, where boto3 has parsed it, as a mapping."""

        def __init__(self, body: object) -> None:
            self.body = body

        def get_template(self, **given: str) -> dict[str, object]:
            assert given == {"StackName": STACK, "TemplateStage": "Original"}
            return {"TemplateBody": self.body}

    bodies: tuple[object, ...] = ('{"Resources": {}}', {"Resources": {}})
    for body in bodies:
        client: Any = Templates(body)
        assert CloudFormationStacks(client).template(STACK) == {"Resources": {}}
    with pytest.raises(AwsDenied) as not_you:
        stacks(Turns(GetTemplate=[DENIED])).template(STACK)
    activity = f"reading the template of the stack {STACK}"
    assert not_you.value.holes == denied(activity, "cloudformation:GetTemplate", "CloudFormation")
