"""The comparison itself, on small templates: what CloudFormation replaces, refuses, keeps and deletes."""

from __future__ import annotations

from typing import Any

import pytest

from tests.updates.comparing import compared

pytestmark = pytest.mark.long  # what `make updates` judges with

ROLE: dict[str, Any] = {"Type": "AWS::IAM::Role", "Properties": {"RoleName": "one", "Path": "/"}}
QUEUE: dict[str, Any] = {"Type": "AWS::SQS::Queue", "Properties": {"FifoQueue": True}}
BUCKET: dict[str, Any] = {"Type": "AWS::S3::Bucket", "DeletionPolicy": "RetainExceptOnCreate", "Properties": {}}
CUSTOM: dict[str, Any] = {"Type": "Custom::Thing", "Properties": {"ServiceToken": "a", "Name": "x"}}


def changed(resource: dict[str, Any], **properties: Any) -> dict[str, Any]:
    return {**resource, "Properties": {**resource["Properties"], **properties}}


def layer(**properties: Any) -> dict[str, Any]:
    return {"Type": "AWS::Lambda::LayerVersion", "Properties": {"Content": {"S3Key": "1"}, **properties}}


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ({"A": ROLE}, {"A": changed(ROLE, Description="new")}, []),
        ({"A": ROLE}, {}, ["S: removed AWS::IAM::Role A (not in the template)"]),
        ({"A": BUCKET}, {}, ["S: retained AWS::S3::Bucket A (not in the template)"]),
        ({"A": ROLE}, {"A": changed(ROLE, RoleName="two")}, ["S: replaced AWS::IAM::Role A (RoleName)"]),
        ({"A": ROLE}, {"A": changed(ROLE, Path="/p/")}, ["S: refused AWS::IAM::Role A (Path, while RoleName stays)"]),
        ({"A": QUEUE}, {"A": changed(QUEUE, FifoQueue=False)}, ["S: replaced AWS::SQS::Queue A (FifoQueue)"]),
        ({"A": QUEUE}, {"A": BUCKET}, ["S: refused AWS::S3::Bucket A (was AWS::SQS::Queue)"]),
        ({"A": CUSTOM}, {"A": changed(CUSTOM, Name="y")}, []),  # its function decides
        ({"A": CUSTOM}, {"A": changed(CUSTOM, ServiceToken="b")}, ["S: refused Custom::Thing A (ServiceToken)"]),
        (
            {"A": ROLE},
            {"B": ROLE},
            [
                "S: removed AWS::IAM::Role A (not in the template)",
                "S: refused AWS::IAM::Role B (its name is still A's)",
            ],
        ),
        (
            {"L": layer(), "P": {"Type": "AWS::Lambda::LayerVersionPermission", "Properties": {"L": {"Ref": "L"}}}},
            {
                "L": layer(Content={"S3Key": "2"}),
                "P": {"Type": "AWS::Lambda::LayerVersionPermission", "Properties": {"L": {"Ref": "L"}}},
            },
            ["S: replaced AWS::Lambda::LayerVersion L (Content)"],
        ),
        (
            {"A": ROLE, "P": {"Type": "AWS::IAM::RolePolicy", "Properties": {"RoleName": {"Ref": "A"}}}},
            {
                "A": changed(ROLE, RoleName="two"),
                "P": {"Type": "AWS::IAM::RolePolicy", "Properties": {"RoleName": {"Ref": "A"}}},
            },
            [
                "S: replaced AWS::IAM::Role A (RoleName)",
                "S: replaced AWS::IAM::RolePolicy P (RoleName, which follows A)",
            ],
        ),
    ],
)
def test_what_becomes_of_a_resource(before: dict[str, Any], after: dict[str, Any], expected: list[str]) -> None:
    assert [str(each) for each in compared({"S": {"Resources": before}}, {"S": {"Resources": after}})] == expected


def exporting(value: Any, *resources: dict[str, Any]) -> dict[str, Any]:
    named = {chr(ord("A") + number): resource for number, resource in enumerate(resources)}
    return {"Resources": named, "Outputs": {"O": {"Value": value, "Export": {"Name": "E"}}}}


IMPORTS = {"Resources": {"B": changed(QUEUE, QueueName={"Fn::ImportValue": "E"})}}
REF = {"Ref": "A"}


@pytest.mark.parametrize(
    ("first", "second", "user", "refused"),
    [
        (exporting("1"), exporting("2"), IMPORTS, True),
        (exporting("1"), {"Resources": {}}, IMPORTS, True),
        (exporting("1"), exporting("2"), {"Resources": {}}, False),
        (exporting("1"), exporting("1"), IMPORTS, False),
        (exporting(REF, ROLE), exporting(REF, changed(ROLE, RoleName="two")), IMPORTS, True),
        (exporting(REF, ROLE), exporting(REF, changed(ROLE, Description="new")), IMPORTS, False),
    ],
)
def test_an_export_in_use_neither_goes_nor_changes(
    first: dict[str, Any], second: dict[str, Any], user: dict[str, Any], refused: bool
) -> None:
    found = compared({"S": first, "T": user}, {"S": second, "T": user})
    assert [each.name for each in found if each.resource == "Export"] == (["E"] if refused else [])
