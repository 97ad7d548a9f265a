"""Which SageMaker domain is a project's, when its tooling began, and whose a model package group is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest
from botocore.exceptions import ClientError

from custom_resources.clients.model_packages import ModelPackageGroups
from custom_resources.clients.studio import Project, Studio
from custom_resources.errors import AwsConflict, AwsRefused, ModelPackageGroupTaken

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)
STACK = "arn:aws:cloudformation:eu-west-1:111122223333:stack/s/1"
ARN = "arn:aws:sagemaker:eu-west-1:111122223333:domain/"
OURS = {"UnifiedStudioSettings": {"ProjectId": "p1", "DomainId": "dzd-1", "ProjectS3Path": "s3://b/p1"}}
TAGS = {"AmazonDataZoneProject": "p1", "AmazonDataZoneDomain": "dzd-1", "ProjectS3Path": "s3://b/tagged"}


@dataclass
class SageMaker:
    """The account's SageMaker domains, by their ids: settings, tags and time; None for one that is gone meanwhile."""

    domains: dict[str, dict[str, Any] | None]
    spaces: list[dict[str, str]] = field(default_factory=list)
    described: list[str] = field(default_factory=list)

    def get_paginator(self, operation: str) -> Any:
        return SimpleNamespace(paginate=getattr(self, operation))

    def list_domains(self) -> Iterator[dict[str, Any]]:
        for name, found in self.domains.items():
            listed = {"DomainId": name, "DomainName": (found or {}).get("name", "other")}
            yield {"Domains": [{**listed, **({"CreationTime": found["at"]} if found and "at" in found else {})}]}

    def describe_domain(self, DomainId: str) -> dict[str, Any]:  # noqa: N803
        self.described.append(DomainId)
        found = self.domains[DomainId]
        if found is None:
            raise ClientError({"Error": {"Code": "ResourceNotFound", "Message": "Gone"}}, "DescribeDomain")
        more = {"DomainSettings": found["settings"]} if "settings" in found else {}
        more |= {"CreationTime": found["at"]} if "at" in found else {}
        return {"DomainArn": ARN + DomainId, "Status": found.get("status", "InService"), **more}

    def list_tags(self, ResourceArn: str) -> Iterator[dict[str, Any]]:  # noqa: N803
        found = self.domains[ResourceArn.rpartition("/")[2]] or {}
        yield {"Tags": [{"Key": key, "Value": value} for key, value in found.get("tags", {}).items()]}

    def list_spaces(self, DomainIdEquals: str) -> Iterator[dict[str, Any]]:  # noqa: N803
        yield {"Spaces": self.spaces}


@dataclass
class DataZone:
    """A project's environments, whose details name what each made."""

    environments: list[dict[str, str]]

    def get_paginator(self, operation: str) -> Any:
        assert operation == "list_environments"
        return SimpleNamespace(paginate=self.listed)

    def listed(self, **asked: str) -> Iterator[dict[str, Any]]:
        assert asked == {"domainIdentifier": "dzd-1", "projectIdentifier": "p1"}
        yield {"items": self.environments[:1]}
        yield {"items": self.environments[1:]}

    def get_environment(self, **asked: str) -> dict[str, Any]:
        assert asked["domainIdentifier"] == "dzd-1"
        return {"provisionedResources": [{"name": "made by", "value": asked["identifier"]}]}


@pytest.mark.parametrize(
    ("environments", "order_zero", "chosen"),
    [
        ([("1", "Tooling", "")], set(), "1"),
        ([("1", "TOOLING-2", "")], set(), "1"),
        ([("1", "Our Tooling", "")], set(), None),
        ([("1", "Lakehouse", "Zero")], {"Zero"}, "1"),
        ([("1", "Zero", "")], {"Zero"}, "1"),
        ([("1", "Lakehouse", "Zero"), ("2", "tooling", "Other")], {"Zero"}, "2"),
        ([("1", "Lakehouse", "Zero"), ("2", "Zero", "Other")], {"Zero"}, "1"),
        ([("1", "Lakehouse", "Other"), ("2", "Zero", "Other")], {"Zero"}, "2"),
        ([("1", "Lakehouse", "Other")], {"Zero"}, None),
        ([], {"Zero"}, None),
    ],
)
def test_the_tooling_environment_is_the_one_of_that_name_or_the_profiles_first(
    environments: list[tuple[str, str, str]], order_zero: set[str], chosen: str | None
) -> None:
    found = [{"id": id_, "name": name, "environmentConfigurationName": of} for id_, name, of in environments]
    studio = Studio(cast("Any", DataZone(found)), cast("Any", None))
    assert studio._tooling_resources("dzd-1", "p1", order_zero) == ({"made by": chosen} if chosen else {})


def workspace(sagemaker: SageMaker, stack_id: str = STACK) -> Project:
    return Studio(cast("Any", None), cast("Any", sagemaker)).workspace("dzd-1", "p1", stack_id)


@pytest.mark.parametrize(
    ("domains", "found", "location"),
    [
        ({}, "", ""),
        ({"d-1": {"settings": OURS}}, "d-1", "s3://b/p1"),
        ({"d-1": {"settings": {}}}, "", ""),
        ({"d-1": {"settings": {"UnifiedStudioSettings": {"ProjectId": "p1", "DomainId": "dzd-2"}}}}, "", ""),
        ({"d-1": {"settings": {"UnifiedStudioSettings": {"ProjectId": "p2", "DomainId": "dzd-1"}}}}, "", ""),
        ({"d-1": {"settings": {"UnifiedStudioSettings": {"ProjectId": "p1", "DomainId": "dzd-1"}}}}, "d-1", ""),
        ({"d-1": {"tags": TAGS}}, "d-1", "s3://b/tagged"),
        ({"d-1": {"tags": {**TAGS, "AmazonDataZoneProject": "p2"}}}, "", ""),
        ({"d-1": {"tags": {**TAGS, "AmazonDataZoneDomain": "dzd-2"}}}, "", ""),
        ({"d-1": {"tags": {key: TAGS[key] for key in list(TAGS)[:2]}}}, "d-1", ""),
        ({"d-1": {"settings": {"UnifiedStudioSettings": {"ProjectId": "p2"}}, "tags": TAGS}}, "", ""),
        ({"d-1": {"tags": TAGS}, "d-2": {"settings": OURS}}, "d-2", "s3://b/p1"),
        ({"d-1": {"tags": TAGS}, "d-2": {"tags": {**TAGS, "ProjectS3Path": "s3://evil"}}}, "d-1", "s3://b/tagged"),
        ({"d-1": None, "d-2": {"settings": OURS}}, "d-2", "s3://b/p1"),
        ({"d-1": None}, "", ""),
    ],
)
def test_a_projects_domain_is_told_by_its_settings_else_by_its_tags(
    domains: dict[str, dict[str, Any] | None], found: str, location: str
) -> None:
    told = workspace(SageMaker(domains))
    assert told.sagemaker_domain_arn == (found and ARN + found)
    assert told.artifact_location == location
    assert told.tooling.ready is bool(found)
    assert (told.name, told.space_arn, told.tooling_since) == ("", "", "")


def test_the_domain_that_is_named_after_the_project_is_looked_at_first_and_of_them_the_oldest() -> None:
    evil = {"settings": OURS, "at": NOON + timedelta(seconds=1), "name": "of p1"}
    ours = {"settings": OURS, "at": NOON, "name": "SageMakerUnifiedStudio-p1-dev"}
    sagemaker = SageMaker({"d-0": {"settings": OURS, "at": NOON - timedelta(days=9)}, "d-1": evil, "d-2": ours})
    told = workspace(sagemaker)
    assert told.sagemaker_domain_arn == f"{ARN}d-2"
    assert sagemaker.described == ["d-2"]
    assert told.tooling_since == "2026-11-01T11:45:00+00:00", "a repository may be created before the domain is"
    unknown = SageMaker({"d-1": ours, "d-2": {"settings": OURS, "name": "p1"}})
    workspace(unknown)
    assert unknown.described == ["d-2"], "one whose age is not told may be the oldest"


@pytest.mark.parametrize(
    ("seconds", "looked"), [(0, True), (3600, True), (-300, True), (-301, False), (-86400, False), (None, True)]
)
def test_while_a_domain_is_waited_for_those_that_are_older_than_the_project_are_not_read(
    seconds: float | None, looked: bool
) -> None:
    """Two services' clocks may differ by minutes."""
    at = {} if seconds is None else {"at": NOON + timedelta(seconds=seconds)}
    sagemaker = SageMaker({"d-1": {"settings": OURS, **at}})
    studio = Studio(cast("Any", None), cast("Any", sagemaker))
    assert bool(studio._sagemaker_domain("dzd-1", "p1", since=NOON).arn) is looked
    assert sagemaker.described == (["d-1"] if looked else [])


@pytest.mark.parametrize(
    ("status", "ready"),
    [("InService", True), ("Updating", True), ("Pending", False), ("Failed", False), ("Deleting", False)],
)
def test_a_domain_is_ready_when_it_can_be_used(status: str, ready: bool) -> None:
    assert workspace(SageMaker({"d-1": {"settings": OURS, "status": status}})).tooling.ready is ready


SPACES = [
    {"SpaceName": "a", "Status": "Pending"},
    {"SpaceName": "c", "Status": "InService"},
    {"SpaceName": "b", "Status": "InService"},
    {"SpaceName": "0"},
]


@pytest.mark.parametrize(
    ("stack_id", "space"),
    [(STACK, "arn:aws:sagemaker:eu-west-1:111122223333:space/d-1/b"), ("", "arn::sagemaker:::space/d-1/b")],
)
def test_a_projects_space_is_the_first_one_in_service(stack_id: str, space: str) -> None:
    assert workspace(SageMaker({"d-1": {"settings": OURS}}, SPACES), stack_id).space_arn == space
    assert workspace(SageMaker({"d-1": {"settings": OURS}}, SPACES[:1]), stack_id).space_arn == ""


# -- model package groups ---------------------------------------------------------------------------------------------

OF_P1 = {"AmazonDataZoneDomain": "dzd-1", "AmazonDataZoneProject": "p1"}


@dataclass
class Groups:
    """A SageMaker that answers the creation of a group with a refusal, and has its tags."""

    refusal: tuple[str, str] | None = ("ValidationException", "Model Package Group already exists: arn")
    tags: dict[str, str] = field(default_factory=lambda: OF_P1)
    created: list[dict[str, Any]] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def create_model_package_group(self, **given: Any) -> None:
        self.created.append(given)
        if self.refusal:
            code, message = self.refusal
            raise ClientError({"Error": {"Code": code, "Message": message}}, "CreateModelPackageGroup")

    def get_paginator(self, operation: str) -> Any:
        assert operation == "list_tags"
        return SimpleNamespace(paginate=self._pages)

    def _pages(self, ResourceArn: str) -> Iterator[dict[str, Any]]:  # noqa: N803
        self.asked.append(ResourceArn)
        for key, value in self.tags.items():
            yield {"Tags": [{"Key": key, "Value": value}]}

    def ensure(self, stack_id: str = STACK, repositories: str = "") -> str:
        return ModelPackageGroups(cast("Any", self)).ensure("aiops-p1", "dzd-1", "p1", stack_id, repositories)


def test_a_new_group_has_the_projects_tags_and_keeps_what_it_is_given() -> None:
    groups = Groups(None)
    assert groups.ensure(repositories="churn") == "churn"
    tags = {**OF_P1, "studio-mlops:repositories": "churn"}
    assert {each["Key"]: each["Value"] for each in groups.created[0]["Tags"]} == tags
    assert groups.ensure() == ""
    assert {each["Key"]: each["Value"] for each in groups.created[1]["Tags"]} == OF_P1
    assert groups.asked == []


@pytest.mark.parametrize("code", ["ValidationException", "ConflictException"])
@pytest.mark.parametrize(
    ("more", "kept"), [({}, ""), ({"studio-mlops:repositories": "former"}, "former"), ({"another": "tag"}, "")]
)
def test_a_group_of_the_project_tells_what_it_keeps(code: str, more: dict[str, str], kept: str) -> None:
    groups = Groups((code, "It already exists"), {**OF_P1, **more})
    assert groups.ensure(repositories="new") == kept
    assert groups.asked == ["arn:aws:sagemaker:eu-west-1:111122223333:model-package-group/aiops-p1"]
    assert Groups((code, "It already exists")).ensure("") == ""


@pytest.mark.parametrize("tags", [{}, {**OF_P1, "AmazonDataZoneProject": "p2"}, {"AmazonDataZoneProject": "p1"}])
def test_anybody_elses_group_is_refused(tags: dict[str, str]) -> None:
    with pytest.raises(ModelPackageGroupTaken, match=r"aiops-p1.*p1.*dzd-1"):
        Groups(tags=tags).ensure()


@pytest.mark.parametrize(("code", "kind"), [("ValidationException", AwsRefused), ("ConflictException", AwsConflict)])
def test_another_refusal_of_a_group_is_told(code: str, kind: type[Exception]) -> None:
    groups = Groups((code, "The name is too long"))
    with pytest.raises(kind, match="creating the model package group aiops-p1"):
        groups.ensure()
    assert groups.asked == []


def test_without_a_stack_the_group_is_asked_for_all_the_same() -> None:
    groups = Groups()
    groups.ensure("")
    assert groups.asked == ["arn::sagemaker:::model-package-group/aiops-p1"]
