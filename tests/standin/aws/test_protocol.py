"""What the stand-in does with requests that no SDK would send, who it takes the caller for, and what it logs."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import urllib.error
import urllib.request
import uuid
from pathlib import Path
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from standins.aws.calls import redacted
from standins.aws.protocol import SERVICES, Request, ServiceError, parse, service_model

from .conftest import ACCOUNT, REGION, SESSION, World


def unchecked(world: World, service: str, region: str = REGION) -> Any:
    """A client that sends whatever it is given."""
    return SESSION.client(
        service,  # type: ignore[call-overload]  # not a literal
        region_name=region,
        endpoint_url=world.stand_in.base_url,
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(parameter_validation=False),
    )


def refusal(service: str, method: str, path: str, body: Any = None, **headers: str) -> ServiceError:
    content = body if isinstance(body, bytes) else json.dumps(body or {}).encode()
    with pytest.raises(ServiceError) as error:
        parse(Request(service, method, path, {}, headers, content))
    return error.value


def target(operation: str) -> dict[str, str]:
    return {"x-amz-target": f"AWS242ServiceCatalogService.{operation}"}


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ({}, "name"),
        ({"name": "ok", "projectProfileId": "no spaces allowed"}, "regular expression"),
        ({"name": "x" * 65}, "between 1 and 64"),
        ({"name": 7}, "type"),
        ({"name": "ok", "colour": "red"}, "colour"),
        ({"name": "ok", "membershipAssignments": [{"member": {"userIdentifier": "u"}, "designation": "BOSS"}]}, "enum"),
    ],
)
def test_a_request_that_the_model_forbids_is_a_validation_exception(body: Any, why: str) -> None:
    error = refusal("datazone", "POST", "/v2/domains/dzd-abc/projects", body)
    assert error.code == "ValidationException"
    assert why in error.message


def test_labels_of_the_path_are_checked_too() -> None:
    assert refusal("datazone", "GET", "/v2/domains/nonsense").code == "ValidationException"


def test_json_requests_are_checked_alike() -> None:
    error = refusal("servicecatalog", "POST", "/", {"DisplayName": "x"}, **target("CreatePortfolio"))
    assert (error.code, "ProviderName" in error.message) == ("ValidationException", True)


def test_what_is_not_an_operation_or_not_json() -> None:
    assert refusal("datazone", "PUT", "/v2/nowhere").code == "UnknownOperationException"
    assert refusal("servicecatalog", "POST", "/", {}, **target("Invent")).code == "UnknownOperationException"
    broken = refusal("servicecatalog", "POST", "/", b"{", **target("ListPortfolios"))
    assert broken.code == "SerializationException"


def test_every_operation_is_found_by_its_own_route() -> None:
    """DataZone's URIs overlap in form; each must lead to its own operation."""
    model = service_model("datazone")
    for name in model.operation_names:
        http = model.operation_model(name).http
        path = http["requestUri"].replace("{domainIdentifier}", "dzd-abc").replace("{", "x").replace("}", "")
        try:
            found = parse(Request("datazone", http["method"], path, {}, {}, b""))[0].name
        except ServiceError as error:
            assert error.code == "ValidationException", name
            continue
        assert found == name


def test_sent_over_http_they_are_modelled_errors(world: World) -> None:
    with pytest.raises(ClientError) as error:
        unchecked(world, "datazone").create_project(domainIdentifier="dzd-abc")
    assert error.value.response["Error"]["Code"] == "ValidationException"
    assert error.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    with pytest.raises(ClientError) as error:
        unchecked(world, "datazone").get_project(domainIdentifier="dzd-abc", identifier="p1")
    assert error.value.response["Error"]["Code"] == "AccessDeniedException", "a domain that is not there is denied"
    assert error.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403
    with pytest.raises(ClientError) as error:
        unchecked(world, "sagemaker").describe_domain(DomainId="d-absent")
    assert error.value.response["Error"]["Code"] == "ResourceNotFound"
    assert error.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    with pytest.raises(ClientError) as error:
        unchecked(world, "sagemaker").list_models()
    assert error.value.response["Error"]["Code"] == "UnknownOperationException"
    with pytest.raises(ClientError) as error:
        unchecked(world, "servicecatalog").list_portfolios(PageToken="never-given")
    assert error.value.response["Error"]["Code"] == "ValidationException"


def test_unsigned_requests_and_other_services_are_refused(world: World) -> None:
    for headers in ({}, {"Authorization": "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/ec2/aws4_request, x"}):
        request = urllib.request.Request(f"{world.stand_in.base_url}/v2/domains", headers=headers)
        with pytest.raises(urllib.error.HTTPError) as error:
            urllib.request.urlopen(request)
        assert error.value.code == 403


def test_every_modelled_operation_of_the_stand_in_answers(world: World) -> None:
    """The operations that the documentation names are the stand-in's methods, under their model names."""
    known = world.control("operations", method="GET")
    assert set(known) == set(SERVICES)
    for service, operations in known.items():
        assert set(operations) <= set(service_model(service).operation_names)
        assert operations
    assert "CreateProject" in known["datazone"]
    assert "ProvisionProduct" in known["servicecatalog"]


def test_accounts_and_regions_are_apart(world: World) -> None:
    name = f"apart-{uuid.uuid4().hex[:8]}"
    world.client("servicecatalog").create_portfolio(DisplayName=name, ProviderName="us", IdempotencyToken=name)
    elsewhere = unchecked(world, "servicecatalog", "eu-west-1")
    other = world.client("servicecatalog", {"aws_access_key_id": "111122223333", "aws_secret_access_key": "x"})
    for client in (elsewhere, other):
        pages = client.get_paginator("list_portfolios").paginate()
        assert name not in {item["DisplayName"] for page in pages for item in page["PortfolioDetails"]}


def test_lists_come_in_pages(world: World) -> None:
    datazone = world.client("datazone")
    domain = world.control("domains", {"domainName": f"pages-{uuid.uuid4().hex[:6]}"})
    for number in range(5):
        datazone.create_project_profile(domainIdentifier=domain["domainId"], name=f"profile {number}")
    paginator = datazone.get_paginator("list_project_profiles")
    pages = list(paginator.paginate(domainIdentifier=domain["domainId"], PaginationConfig={"PageSize": 2}))
    assert [len(page["items"]) for page in pages] == [2, 2, 1]


def test_the_call_log_names_the_caller(world: World) -> None:
    role = world.role(f"logged-{uuid.uuid4().hex[:8]}", "x.amazonaws.com")
    world.control("calls", method="DELETE")
    world.client("servicecatalog", world.keys_of(role)).list_portfolios(PageSize=5)
    world.control("callers", {"accessKey": "AKIAKNOWN", "arn": f"arn:aws:iam::{ACCOUNT}:user/ada"})
    known = {"aws_access_key_id": "AKIAKNOWN", "aws_secret_access_key": "x"}
    with pytest.raises(ClientError):
        world.client("servicecatalog", known).describe_portfolio(Id="port-none")
    calls = world.control("calls?service=servicecatalog", method="GET")
    assert [(call["operation"], call["caller"], call["outcome"]) for call in calls] == [
        ("ListPortfolios", role, "ok"),
        ("DescribePortfolio", f"arn:aws:iam::{ACCOUNT}:user/ada", "ResourceNotFoundException"),
    ]
    assert calls[0]["parameters"] == {"PageSize": 5}


def test_the_call_log_keeps_no_secrets() -> None:
    canary = "canary-value"
    parameters = {
        "props": {"password": canary, "usernamePassword": {"password": canary}},
        "ProvisioningParameters": [{"Key": "GitHubToken", "Value": canary}, {"Key": "Owner", "Value": "me"}],
        "userParameters": [{"environmentParameters": [{"name": "apiSecret", "value": canary}]}],
        "ProvisionToken": "kept",
    }
    logged = json.dumps(redacted(parameters))
    assert canary not in logged
    assert "kept" in logged
    assert '"me"' in logged


def test_controls_refuse_what_they_do_not_understand(world: World) -> None:
    for path, body, status in (("nonsense", {}, 404), ("events", {}, 400), ("projects", {"domainId": "x"}, 400)):
        with pytest.raises(urllib.error.HTTPError) as error:
            world.control(path, body)
        assert error.value.code == status
        assert json.load(error.value)["message"]


def test_the_command_serves_until_it_is_told_to_end() -> None:
    command = [sys.executable, "-m", "standins.aws", "--port", "0", "--aws-endpoint", "http://127.0.0.1:9"]
    root = Path(__file__).parents[3]
    with subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        address = process.stdout.readline().split()[-1]
        assert address.startswith("http://127.0.0.1:")
        with urllib.request.urlopen(f"{address}/_standin/health") as response:
            assert json.load(response) == {"status": "ok"}
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=10) == 0
