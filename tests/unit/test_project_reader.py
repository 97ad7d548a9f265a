"""Whom the project setup's reader asks, about what, and which of two answers counts."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast

import pytest

from custom_resources.clients.protocols import Clients
from custom_resources.clients.studio import Deployment
from custom_resources.errors import AwsNotFound, NotARequest
from custom_resources.project_reader import read

STACK = "arn:aws:cloudformation:eu-west-1:222222222222:stack/DataZone-Env-1/x"
HERE = "arn:aws:lambda:eu-west-1:222222222222:function:reader"
TAGGED = {"AmazonDataZoneDomain": "dzd_tag", "AmazonDataZoneProject": "p-tag"}
GIVEN = {"datazoneEnvironmentDomainId": "dzd_given", "datazoneEnvironmentProjectId": "p-given"}


@dataclass
class Asked:
    """Studio and CloudFormation, which note what they are asked."""

    told: dict[str, str] = field(default_factory=dict)
    given: dict[str, str] = field(default_factory=dict)
    forgotten: str = ""  # which of both questions about a stack finds nothing
    place: str = ""
    leaving: bool = False
    asked: list[tuple[Any, ...]] = field(default_factory=list)

    def _stack(self, what: str, stack_id: str, found: dict[str, str]) -> dict[str, str]:
        self.asked.append((what, stack_id))
        if what == self.forgotten:
            raise AwsNotFound(service="CloudFormation", activity="a", message="m")
        return found

    def tags(self, stack_id: str) -> dict[str, str]:
        return self._stack("tags", stack_id, self.told)

    def parameters(self, stack_id: str) -> dict[str, str]:
        return self._stack("parameters", stack_id, self.given)

    def deployment(self, *given: Any) -> Deployment:
        self.asked.append(("deployment", *given))
        return Deployment("Churn", "profile1", "SUCCESSFUL", "none", self.leaving)

    def profile_and_place(self, *given: Any) -> tuple[str, str]:
        self.asked.append(("profile", *given))
        return "Regression", self.place

    def workspace(self, *given: Any) -> Any:
        self.asked.append(("workspace", *given))
        return SimpleNamespace(sagemaker_domain_arn="")


def answer(asked: Asked, event: dict[str, Any], here: str = HERE) -> dict[str, Any]:
    clients = SimpleNamespace(studio=asked, stacks=asked, stack_facts=asked)
    return read(event, cast("Clients", clients), here)


@pytest.mark.parametrize(
    ("told", "given", "domain", "project"),
    [
        (TAGGED, GIVEN, "dzd_tag", "p-tag"),
        ({}, GIVEN, "dzd_given", "p-given"),
        (TAGGED, {}, "dzd_tag", "p-tag"),
        ({"AmazonDataZoneDomain": "dzd_tag"}, GIVEN, "dzd_tag", "p-given"),
        ({"AmazonDataZoneProject": "p-tag", "AmazonDataZoneDomain": ""}, GIVEN, "dzd_given", "p-tag"),
        ({}, {"datazoneEnvironmentProjectId": "p-given"}, "", "p-given"),
        ({}, {}, "", ""),
    ],
)
def test_a_stacks_tags_say_whose_it_is_before_its_parameters(
    told: dict[str, str], given: dict[str, str], domain: str, project: str
) -> None:
    asked = Asked(told, given)
    assert answer(asked, {"Stack": STACK}) == {"DomainId": domain, "ProjectId": project}
    assert asked.asked == [("tags", STACK), ("parameters", STACK)]


@pytest.mark.parametrize("forgotten", ["tags", "parameters"])
def test_a_stack_that_is_forgotten_is_nobodys(forgotten: str) -> None:
    assert answer(Asked(TAGGED, GIVEN, forgotten), {"Stack": STACK}) == {"DomainId": "", "ProjectId": ""}


def test_a_stack_is_asked_about_before_a_project() -> None:
    asked = Asked(TAGGED)
    event = {"Stack": STACK, "DomainId": "dzd_1", "ProjectId": "p1", "ProfileId": "profile1"}
    assert answer(asked, event) == {"DomainId": "dzd_tag", "ProjectId": "p-tag"}
    assert len(asked.asked) == 2


@pytest.mark.parametrize("leaving", [True, False])
def test_a_projects_deployment_is_told_as_studio_tells_it(leaving: bool) -> None:
    asked = Asked(leaving=leaving)
    assert answer(asked, {"DomainId": "dzd_1", "ProjectId": "p1"}) == {
        "Name": "Churn",
        "ProfileId": "profile1",
        "Leaving": leaving,
        "Deployment": "SUCCESSFUL",
        "Reason": "none",
    }
    assert asked.asked == [("deployment", "dzd_1", "p1")]


def test_a_profile_that_says_its_place_answers_alone() -> None:
    event = {"DomainId": "dzd_1", "ProjectId": "p1", "ProfileId": "profile1"}
    asked = Asked(place="222222222222/eu-west-1")
    assert answer(asked, event) == {"Name": "Regression", "Here": True}
    assert asked.asked == [("profile", "dzd_1", "profile1")]
    assert answer(Asked(place="222222222222/eu-west-1"), event, "") == {"Name": "Regression", "Here": False}
    asked = Asked()
    assert answer(asked, event) == {"Name": "Regression", "Here": False}
    assert asked.asked == [("profile", "dzd_1", "profile1"), ("workspace", "dzd_1", "p1", HERE)]


@pytest.mark.parametrize(
    "event",
    [
        {"ProjectId": "p1"},
        {"DomainId": "dzd_1"},
        {"DomainId": "dzd_1", "ProfileId": "profile1"},
        {"ProjectId": "p1", "ProfileId": "profile1"},
        {"ProfileId": "profile1"},
        {"DomainId": "dzd_1", "ProjectId": "p1", "ProfileId": "a/b"},
        {"DomainId": "dzd_1", "ProjectId": "p1", "ProfileId": "p" * 37},
        {"DomainId": "dzd_1", "ProjectId": "p" * 37},
        {"DomainId": "dzd_" + "d" * 37, "ProjectId": "p1"},
        {"Stack": f"{STACK} "},
        {"Stack": "DataZone-Env-1"},
    ],
)
def test_what_names_no_whole_project_is_no_question(event: dict[str, Any]) -> None:
    asked = Asked(TAGGED)
    with pytest.raises(NotARequest):
        answer(asked, event)
    assert asked.asked == []
