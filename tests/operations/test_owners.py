"""Whose a project is: who created it in Studio, as far as DataZone answers; else who launched."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from operations.fleet.facts import Fleet, Project
from operations.fleet.owners import MOST_ASKED, creators, with_owners

DOMAIN = "dzd_1a2b3c"


def project(id_: str, owner: str = "launcher") -> Project:
    return Project(f"pp-{id_}", f"studio-{id_}", id_, owner=owner)


@pytest.fixture
def datazone() -> Iterator[tuple[Any, Stubber]]:
    client = boto3.client("datazone", region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b")
    with Stubber(client) as stub:
        yield client, stub


def listed(*items: tuple[str, str]) -> dict[str, Any]:
    return {"items": [{"id": id_, "createdBy": who, "domainId": DOMAIN, "name": "x"} for id_, who in items]}


def of_user(who: str, details: dict[str, Any]) -> dict[str, Any]:
    return {"domainId": DOMAIN, "id": who, "status": "ACTIVATED", "details": details}


def test_a_list_names_users_by_id_and_each_user_is_looked_up_once(datazone: tuple[Any, Stubber]) -> None:
    client, stub = datazone
    stub.add_response("list_projects", listed(("p1", "guid"), ("p2", "guid"), ("other", "nobody")))
    stub.add_response("get_user_profile", of_user("guid", {"sso": {"username": "ada@example.com"}}))
    assert creators(client, DOMAIN, {"p1", "p2"}) == {"p1": "ada@example.com", "p2": "ada@example.com"}
    stub.assert_no_pending_responses()


@pytest.mark.parametrize(
    ("who", "details", "name"),
    [
        ("arn:aws:sts::111122223333:assumed-role/Analyst/ada", None, "ada"),
        ("guid", {"iam": {"arn": "arn:aws:iam::111122223333:user/ada"}}, "ada"),
        ("guid", {"sso": {}}, "guid"),
        ("guid", "denied", "guid"),
    ],
)
def test_a_name_is_what_people_know(datazone: tuple[Any, Stubber], who: str, details: Any, name: str) -> None:
    client, stub = datazone
    stub.add_response("list_projects", listed(("p1", who)))
    if details == "denied":
        stub.add_client_error("get_user_profile", "AccessDeniedException", http_status_code=403)
    elif details is not None:
        stub.add_response("get_user_profile", of_user(who, details))
    assert creators(client, DOMAIN, {"p1"}) == {"p1": name}


def test_who_owns_no_domain_unit_asks_one_by_one(datazone: tuple[Any, Stubber]) -> None:
    client, stub = datazone
    stub.add_client_error("list_projects", "AccessDeniedException", http_status_code=403)
    found = {"domainId": DOMAIN, "id": "p1", "name": "x", "createdBy": "arn:aws:iam::111122223333:user/ada"}
    stub.add_response("get_project", found)
    fleet = with_owners(Fleet("now", "v1", (project("p1"),)), client, DOMAIN)
    assert fleet.projects[0].owner == "ada"


@pytest.mark.parametrize("code", ["AccessDeniedException", "ThrottlingException", "ResourceNotFoundException"])
def test_where_datazone_does_not_answer_it_is_who_launched(datazone: tuple[Any, Stubber], code: str) -> None:
    client, stub = datazone
    for operation in ("list_projects", "get_project"):
        stub.add_client_error(operation, code, http_status_code=400)
    fleet = with_owners(Fleet("now", "v1", (project("p1", "launcher"),)), client, DOMAIN)
    assert fleet.projects[0].owner == "launcher"


def test_no_more_than_some_are_asked_about(datazone: tuple[Any, Stubber], monkeypatch: pytest.MonkeyPatch) -> None:
    client, stub = datazone
    stub.add_response("list_projects", listed())
    asked = list[str]()

    def nobody(client: Any, domain_id: str, project_id: str) -> str:
        asked.append(project_id)
        return ""

    monkeypatch.setattr("operations.fleet.owners._creator", nobody)
    creators(client, DOMAIN, {f"p{number}" for number in range(MOST_ASKED + 20)})
    assert len(asked) == MOST_ASKED


def test_a_fleet_without_projects_of_studio_asks_nothing() -> None:
    fleet = Fleet("now", "v1", (Project("pp-1", "by-hand", owner="ada"),))
    assert with_owners(fleet, None, DOMAIN).projects[0].owner == "ada"  # type: ignore[arg-type]
