"""What an administrator may ask the function that talks to DataZone, and whom it asks."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast

import pytest

from custom_resources.clients.protocols import Clients
from custom_resources.errors import NotARequest
from custom_resources.probe import PROBE, permitted


@dataclass
class Studio:
    """DataZone, which notes what it is asked."""

    asked: list[tuple[Any, ...]] = field(default_factory=list)

    def answered(self, *given: Any) -> dict[str, bool]:
        self.asked.append(given)
        return {"GetProject": True, "ListEnvironments": False}


def probed(studio: Studio, probe: Any) -> dict[str, bool]:
    return permitted({PROBE: probe}, cast("Clients", SimpleNamespace(studio=studio)))


@pytest.mark.parametrize(("domain", "project"), [("dzd_1", "p1"), ("dzd-" + "a" * 36, "A_-" + "9" * 33)])
def test_a_project_is_asked_about_and_its_answer_is_the_functions(domain: str, project: str) -> None:
    studio = Studio()
    found = probed(studio, {"DomainId": domain, "ProjectId": project})
    assert found == {"GetProject": True, "ListEnvironments": False}
    assert studio.asked == [(domain, project)]


@pytest.mark.parametrize(
    "probe",
    [
        {},
        None,
        "dzd_1/p1",
        {"DomainId": "dzd_1"},
        {"ProjectId": "p1"},
        {"DomainId": "", "ProjectId": "p1"},
        {"DomainId": "dzd_1", "ProjectId": ""},
        {"DomainId": "dzd_", "ProjectId": "p1"},
        {"DomainId": "dzd1", "ProjectId": "p1"},
        {"DomainId": "x-dzd_1", "ProjectId": "p1"},
        {"DomainId": "dzd_" + "a" * 37, "ProjectId": "p1"},
        {"DomainId": "dzd_1\n", "ProjectId": "p1"},
        {"DomainId": "dzd_1", "ProjectId": "p" * 37},
        {"DomainId": "dzd_1", "ProjectId": "p1\n"},
        {"DomainId": "dzd_1", "ProjectId": "p/1"},
    ],
)
def test_nothing_is_asked_about_what_names_no_project(probe: Any) -> None:
    studio = Studio()
    with pytest.raises(NotARequest):
        probed(studio, probe)
    assert studio.asked == []
