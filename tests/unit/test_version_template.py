"""What a version's template makes of a launch, held to how CloudFormation evaluates it."""

from __future__ import annotations

from typing import Any

import pytest

from custom_resources.errors import ParameterNotAllowed
from custom_resources.version_template import VersionTemplate, parameters_of, reported

STACK = "arn:aws:cloudformation:eu-west-1:111122223333:stack/SC-1/abc"


PSEUDO = {
    "AWS::AccountId": "111122223333",
    "AWS::Partition": "aws",
    "AWS::Region": "eu-west-1",
    "AWS::StackId": STACK,
    "AWS::StackName": "SC-1",
}


def evaluated(value: Any, **parameters: str) -> Any:
    document = {
        "Parameters": {name: {"Type": "String"} for name in parameters},
        "Conditions": {
            "IsA": {"Fn::Equals": [{"Ref": "P"}, "a"]},
            "IsNotA": {"Fn::Not": [{"Condition": "IsA"}]},
            "Both": {"Fn::And": [{"Condition": "IsA"}, {"Condition": "IsNotA"}]},
            "Either": {"Fn::Or": [{"Condition": "IsA"}, {"Condition": "IsNotA"}]},
            "Nobody": {"Fn::Equals": [{"Ref": "Role"}, "a"]},
        },
        "Resources": {"One": {"Type": "T", "Properties": {"Value": value, "Else": "x"}}},
    }
    known = {("Two", "Known"): "yes"}
    template = VersionTemplate(document, parameters_of(document, parameters, STACK), known)
    return template.properties("One").get("Value", "nobody knows")


@pytest.mark.parametrize(
    ("value", "result"),
    [
        ("text", "text"),
        (["a", {"Ref": "P"}], ["a", "a"]),
        ({"Key": {"Ref": "P"}}, {"Key": "a"}),
        ({"Ref": "AWS::Region"}, "eu-west-1"),
        ({"Ref": "AWS::AccountId"}, "111122223333"),
        ({"Ref": "AWS::Partition"}, "aws"),
        ({"Ref": "AWS::StackId"}, STACK),
        ({"Ref": "AWS::StackName"}, "SC-1"),
        ({"Fn::GetAtt": ["Two", "Known"]}, "yes"),
        ({"Fn::GetAtt": "Two.Known"}, "yes"),
        ({"Fn::Join": ["-", [{"Ref": "P"}, "b"]]}, "a-b"),
        ({"Fn::Join": [0, [1, 2]]}, "102"),
        ({"A": 1, "B": [{"Ref": "P"}]}, {"A": 1, "B": ["a"]}),
        ({}, {}),
        ({"Fn::Not": [{"Fn::Equals": ["a", {"Ref": "P"}]}]}, False),
        ({"Fn::And": [{"Condition": "IsA"}, {"Condition": "IsA"}]}, True),
        ({"Fn::Or": [{"Condition": "IsNotA"}, {"Condition": "IsNotA"}]}, False),
        ({"Fn::If": ["IsA", "then", {"Ref": "Role"}]}, "then"),
        ({"Fn::If": ["IsNotA", {"Ref": "Role"}, "else"]}, "else"),
        ({"Fn::If": ["Both", 1, 2]}, 2),
        ({"Fn::If": ["Either", 1, 2]}, 1),
        # What nobody knows makes the whole property unknown.
        ({"Ref": "Role"}, "nobody knows"),
        ({"Fn::GetAtt": ["Two", "Other"]}, "nobody knows"),
        ({"Fn::Join": ["-", ["a", {"Ref": "Role"}]]}, "nobody knows"),
        ({"Key": [{"Ref": "Role"}]}, "nobody knows"),
        ({"Fn::If": ["Nobody", 1, 2]}, "nobody knows"),
        ({"Fn::If": ["Missing", 1, 2]}, "nobody knows"),
        ({"Fn::ImportValue": "x"}, "nobody knows"),
        ({"Fn::Equals": ["a", {"Ref": "Role"}]}, "nobody knows"),
        ({"Fn::And": [{"Condition": "IsNotA"}, {"Condition": "Nobody"}]}, "nobody knows"),
        ({"Fn::If": ["IsA", {"Ref": "Role"}, "else"]}, "nobody knows"),
        ({"A": "known", "B": {"Ref": "Role"}}, "nobody knows"),
        ([["a", {"Ref": "Role"}]], "nobody knows"),
    ],
)
def test_a_value(value: Any, result: Any) -> None:
    assert evaluated(value, P="a") == result


def test_a_resource_that_its_condition_leaves_out() -> None:
    document = {
        "Conditions": {"No": {"Fn::Equals": ["a", "b"]}},
        "Resources": {"One": {"Type": "T", "Condition": "No", "Properties": {"A": "1"}}, "Two": {"Type": "T"}},
    }
    template = VersionTemplate(document, {}, {})
    assert template.resources("T") == ["Two"]
    assert template.properties("One") == template.properties("Two") == template.properties("Three") == {}


def test_resources_of_a_type_are_in_the_templates_order() -> None:
    yes, unknown = {"Fn::Equals": ["a", "a"]}, {"Fn::Equals": ["a", {"Ref": "Role"}]}
    document = {
        "Conditions": {"Yes": yes, "Unknown": unknown},
        "Resources": {
            "Z": {"Type": "T", "Condition": "Yes", "Properties": {"A": "1"}},
            "Other": {"Type": "U"},
            "NoType": {},
            "Perhaps": {"Type": "T", "Condition": "Unknown", "Properties": {"A": "1"}},
            "Undeclared": {"Type": "T", "Condition": "Missing"},
            "A": {"Type": "T"},
        },
    }
    template = VersionTemplate(document, {}, {})
    assert template.resources("T") == ["Z", "A"]
    assert (template.properties("Z"), template.properties("Perhaps")) == ({"A": "1"}, {})
    assert VersionTemplate({}, {}, {}).resources("T") == []
    assert VersionTemplate({}, {}, {}).properties("Z") == {}


def test_what_the_update_would_tell_leaves_its_property_out_and_no_other() -> None:
    properties = {"Known": {"Ref": "P"}, "Unknown": {"Ref": "Role"}, "Half": ["a", {"Fn::GetAtt": ["Two", "Id"]}]}
    template = VersionTemplate({"Resources": {"One": {"Type": "T", "Properties": properties}}}, {"P": "a"}, {})
    assert template.properties("One") == {"Known": "a"}


@pytest.mark.parametrize(
    ("declared", "kept", "value"),
    [
        ({"Default": "d"}, {}, "d"),
        ({"Default": "d"}, {"P": "k"}, "k"),
        ({}, {}, None),
        ({"AllowedValues": ["a", "b"]}, {"P": "a"}, "a"),
        ({"AllowedValues": ["a", "b"]}, {"P": "c"}, None),
        ({"AllowedValues": [1, 2]}, {"P": "2"}, "2"),
        ({"AllowedValues": [1, 2], "Default": 1}, {}, "1"),
        ({"AllowedValues": ["a"], "Default": "b"}, {}, None),
        ({"AllowedValues": []}, {"P": "a"}, None),
        ({"AllowedValues": ["a1"], "AllowedPattern": "[a-z]+"}, {"P": "a1"}, None),
        ({"Default": ""}, {}, ""),
        ({"Default": 0}, {}, "0"),
        ({"AllowedPattern": "[a-z]+"}, {"P": "abc"}, "abc"),
        ({"AllowedPattern": "[a-z]+"}, {"P": "abc1"}, None),
        ({"AllowedPattern": "^[a-z]*$"}, {"P": "a\n"}, None),
    ],
)
def test_a_parameter(declared: dict[str, Any], kept: dict[str, str], value: str | None) -> None:
    document = {"Parameters": {"P": {"Type": "String", **declared}}}
    if value is None:
        with pytest.raises(ParameterNotAllowed, match="the parameter P"):
            parameters_of(document, kept, STACK)
    else:
        assert parameters_of(document, {**kept, "Gone": "x"}, STACK) == {"P": value, **PSEUDO}


def test_a_template_without_parameters_has_awss_own() -> None:
    assert parameters_of({}, {}, STACK) == PSEUDO
    assert parameters_of({}, {}, "SC-1") == dict.fromkeys(PSEUDO, "") | {"AWS::StackId": "SC-1"}


def test_an_output_names_an_attribute_only_where_it_is_nothing_else() -> None:
    document = {
        "Outputs": {
            "Dotted": {"Value": {"Fn::GetAtt": "One.Name"}},
            "Ref": {"Value": {"Ref": "One"}},
            "List": {"Value": [{"Fn::GetAtt": ["One", "Id"]}]},
            "Url": {"Value": {"Fn::GetAtt": ["One", "HtmlUrl"]}},
            "Two": {"Value": {"Fn::GetAtt": ["Two", "HtmlUrl"]}},
            "Empty": {"Value": {"Fn::GetAtt": ["Two", "Name"]}},
        }
    }
    told = {"Dotted": "d", "Ref": "r", "List": "l", "Url": "u", "Two": "2", "Empty": ""}
    assert reported(document, told) == {("One", "HtmlUrl"): "u", ("Two", "HtmlUrl"): "2", ("Two", "Name"): ""}


@pytest.mark.parametrize(
    ("value", "result"),
    [
        ({"Fn::Join": [", ", []]}, ""),
        ({"Fn::Join": [", ", ["a"]]}, "a"),
        ({"Fn::Join": [", ", [{"Fn::If": ["IsA", "x", "y"]}, 1, True]]}, "x, 1, True"),
        ({"Fn::If": ["IsA", {"Fn::If": ["IsNotA", 1, 2]}, 3]}, 2),
        ({"Fn::If": ["IsA", [{"Ref": "P"}], []]}, ["a"]),
        ({"Fn::If": ["IsNotA", 1, {"Fn::Join": ["", ["b", {"Ref": "P"}]]}]}, "ba"),
        ({"Ref": "P", "Other": {"Ref": "P"}}, {"Ref": "P", "Other": "a"}),
        ({"Key": "Fn::x"}, {"Key": "Fn::x"}),
        ({"FnKey": 1}, {"FnKey": 1}),
        ({"Condition": "IsA"}, True),
        ({"Fn::GetAtt": "Two.Known.Deep"}, "nobody knows"),
        ({"Fn::Sub": "x"}, "nobody knows"),
        (None, None),
        (0, 0),
        ([], []),
    ],
)
def test_a_value_within_a_value(value: Any, result: Any) -> None:
    assert evaluated(value, P="a") == result


def test_what_a_stack_puts_out_is_known_of_its_resources() -> None:
    document = {
        "Outputs": {
            "Url": {"Value": {"Fn::GetAtt": ["One", "HtmlUrl"]}},
            "Joined": {"Value": {"Fn::Join": ["", [{"Fn::GetAtt": ["One", "Name"]}]]}},
            "Absent": {"Value": {"Fn::GetAtt": ["One", "Id"]}},
            "Text": {"Value": "text"},
            "Nothing": {},
        }
    }
    told = {"Url": "u", "Joined": "j", "Text": "t", "Nothing": "n", "Gone": "g"}
    assert reported(document, told) == {("One", "HtmlUrl"): "u"}
    assert reported({}, told) == {}


def test_an_attribute_of_a_nested_stack_has_a_dot_of_its_own() -> None:
    document = {"Resources": {"R": {"Type": "T", "Properties": {"A": {"Fn::GetAtt": "Nested.Outputs.Url"}}}}}
    known = {("Nested", "Outputs.Url"): "https://x"}
    assert VersionTemplate(document, {}, known).properties("R") == {"A": "https://x"}
