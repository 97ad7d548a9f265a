"""Whom Custom::StudioProject asks for a project, and for whom it waits: a Studio in memory, no server."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any, cast

import pytest

from custom_resources.belief import Belief
from custom_resources.caller import Launcher
from custom_resources.clients.studio import Project, Tooling
from custom_resources.errors import DataZoneDenied
from custom_resources.reconciler import Request
from custom_resources.studio_project import StudioProject, StudioProjectProperties, _classic_project

STACK = "arn:aws-cn:cloudformation:cn-north-1:123456789012:stack/s/1"
READY, COMING, BROKEN = Tooling(ready=True), Tooling(ready=False), Tooling(ready=False, failure="The VPC is missing.")
NAMED = {"ProjectName": "churn", "ProfileName": "Regression"}
TOLD = {**NAMED, "UserRoleArn": "arn:aws:iam::1:role/r", "ProjectBucket": "b"}


def properties(**given: Any) -> StudioProjectProperties:
    return StudioProjectProperties.model_validate({"DomainId": "dzd_1", "ProjectId": "p1", **given})


@dataclass
class Studio:
    """DataZone tells of a project, unless it denies; SageMaker tells of its workspace."""

    tooling: Tooling = READY
    denies: bool = False
    asked: list[tuple[Any, ...]] = field(default_factory=list)

    def project(self, domain_id: str, project_id: str, stack_id: str, *, with_profile: bool) -> Project:
        self.asked.append(("DataZone", domain_id, project_id, stack_id, with_profile))
        if self.denies:
            raise DataZoneDenied(activity="a", message="no", service="DataZone", permission="p")
        return Project("of DataZone", self.tooling)

    def workspace(self, domain_id: str, project_id: str, stack_id: str) -> Project:
        self.asked.append(("SageMaker", domain_id, project_id, stack_id))
        return Project("of SageMaker", self.tooling)


def read(
    studio: Studio, kind: str = "Create", belief: Belief = "nothing", launcher: str = "unknown", **given: Any
) -> Project:
    clients = SimpleNamespace(studio=studio)
    request = Request(cast("Any", kind), properties(**given), None, "", STACK, "Project")
    return StudioProject(cast("Any", clients))._project(request, belief, Launcher(cast("Any", launcher)))


DATAZONE, PROFILE_TOO = ("DataZone", "dzd_1", "p1", STACK, False), ("DataZone", "dzd_1", "p1", STACK, True)
SAGEMAKER = ("SageMaker", "dzd_1", "p1", STACK)


@pytest.mark.parametrize(
    ("belief", "given", "asked"),
    [
        ("studio", TOLD, [SAGEMAKER]),
        ("kept", TOLD, [SAGEMAKER]),
        ("nothing", TOLD, [DATAZONE]),
        ("administrator", TOLD, [DATAZONE]),
        ("studio", NAMED, [DATAZONE]),
        ("studio", {**TOLD, "UserRoleArn": ""}, [DATAZONE]),
        ("studio", {**TOLD, "ProjectBucket": ""}, [DATAZONE]),
        ("studio", {**TOLD, "ProjectName": ""}, [DATAZONE]),
        ("studio", {**TOLD, "ProfileName": ""}, [PROFILE_TOO]),
    ],
)
def test_datazone_is_asked_unless_studio_has_told_everything(
    belief: Belief, given: dict[str, Any], asked: list[tuple[Any, ...]]
) -> None:
    studio = Studio()
    assert read(studio, "Create", belief, **given).name == f"of {asked[0][0]}"
    assert studio.asked == asked


@pytest.mark.parametrize(
    ("kind", "belief", "tooling", "found"),
    [
        ("Create", "nothing", COMING, COMING),
        ("Create", "kept", COMING, COMING),
        ("Create", "studio", COMING, READY),
        ("Update", "nothing", COMING, READY),
        ("Update", "studio", BROKEN, BROKEN),
        ("Create", "studio", BROKEN, BROKEN),
        ("Create", "nothing", READY, READY),
    ],
)
def test_only_a_launch_that_studio_did_not_order_waits_for_the_tooling(
    kind: str, belief: Belief, tooling: Tooling, found: Tooling
) -> None:
    assert read(Studio(tooling), kind, belief).tooling == found


def test_a_non_member_reads_the_workspace_where_names_are_told_and_the_tooling_is_ready() -> None:
    studio = Studio(denies=True)
    assert read(studio, "Create", "nothing", "unknown", **NAMED).name == "of SageMaker"
    assert studio.asked == [DATAZONE, SAGEMAKER]


@pytest.mark.parametrize(
    ("launcher", "given", "tooling"),
    [
        ("project setup", NAMED, READY),  # which passes what it read, as a member
        ("unknown", {"ProjectName": "churn"}, READY),
        ("unknown", {"ProfileName": "Regression"}, READY),
        ("unknown", NAMED, COMING),
    ],
)
def test_else_the_denial_is_said(launcher: str, given: dict[str, Any], tooling: Tooling) -> None:
    with pytest.raises(DataZoneDenied):
        read(Studio(tooling, denies=True), launcher=launcher, **given)


@pytest.mark.parametrize("scope", ["dev", "prod"])
def test_a_classic_project_is_what_its_account_has(scope: str) -> None:
    given = properties(ProfileName="Regression", ClassicExecutionRoles=["arn:aws:iam::1:role/other"])
    found = _classic_project(given.model_copy(update={"scope_name": "" if scope == "dev" else scope}), STACK)
    role = "arn:aws-cn:iam::123456789012:role/service-role/AmazonSageMakerServiceCatalogProductsUseRole"
    expected = Project(
        "p1",
        READY,
        "Regression",
        roles=(role, "arn:aws:iam::1:role/other"),
        artifact_location=f"s3://sagemaker-cn-north-1-123456789012/classic/p1/{scope}",
    )
    assert found == expected
    named = given.model_copy(update={"project_name": "churn"})
    assert _classic_project(named, STACK) == replace(_classic_project(given, STACK), name="churn")
