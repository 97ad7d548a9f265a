"""CloudFormation's 4,096 bytes: every answer fits, as the provider framework writes it, and what is cut says so."""

from __future__ import annotations

import importlib.resources
import json
import re
import subprocess
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custom_resources.actions_configuration import ActionsConfiguration, ActionsConfigurationProperties, Plan
from custom_resources.answer_limit import MOST, answered, fitted, reason, shortened
from custom_resources.clients import FunctionClients
from custom_resources.errors import AnswerTooLong
from custom_resources.reconciler import Done, Request
from standins.aws.custom_resource_answers import REFUSAL, taken

# As long as AWS and our models let them be.
EVENT = {
    "RequestType": "Update",
    "StackId": f"arn:aws-us-gov:cloudformation:ap-northeast-1:123456789012:stack/{'s' * 128}/{'1' * 36}",
    "RequestId": "2" * 36,
    "PhysicalResourceId": "actions-configuration-" + "9" * 19,
    "LogicalResourceId": "L" * 255,
    "ResponseURL": "https://cloudformation.example.com/answer?signature=x",
    "ResourceProperties": {},
}


class GitHub:
    """GitHub that takes everything."""

    def __getattr__(self, name: str) -> Any:
        return lambda *given, **more: None


def configured(names: list[str], variables: list[str], told: str = "") -> Done:
    """Return what Custom::ActionsConfiguration reports of so many names."""
    clients = FunctionClients({})
    vars(clients)["github"] = GitHub()
    properties = ActionsConfigurationProperties(
        repository_id=1,
        repository="acme/x",
        secret_references=dict.fromkeys(names, "arn"),
        variables=dict.fromkeys(variables, "1"),
    )
    request = Request("Create", properties, None, "", "", "")
    done = ActionsConfiguration(clients).apply(Plan("acme/x"), request, lambda: None)
    return Done({**done.attributes, "Environments": told})


names = st.lists(st.from_regex(r"[A-Z][A-Z0-9_]{0,254}", fullmatch=True), max_size=100, unique=True)


@given(names, names, st.text(max_size=3000))
def test_an_answer_fits_whatever_is_configured(secrets: list[str], variables: list[str], told: str) -> None:
    secrets = [name for name in secrets if not name.startswith("GITHUB_")]
    done = configured(secrets, [name for name in variables if not name.startswith("GITHUB_")], told)
    found = fitted(EVENT, done.attributes, ActionsConfiguration.for_people)
    assert answered(EVENT, found) <= MOST
    assert found["Digest"] == done.attributes["Digest"], "nothing that a template may use is cut"
    if answered(EVENT, done.attributes) <= MOST:
        assert found == done.attributes
    assert taken({"Data": found})["Data"] == found


def test_an_answer_of_the_very_length_is_whole_and_one_byte_more_is_cut() -> None:
    room = MOST - answered(EVENT, {"Told": ""})
    whole = {"Told": "x" * room}
    assert answered(EVENT, whole) == MOST
    assert fitted(EVENT, whole, ("Told",)) == whole
    assert fitted(EVENT, whole, ()) == whole
    assert fitted(EVENT, {"Told": "x" * (room + 1)}, ("Told",))["Told"].endswith("(cut)")
    with pytest.raises(AnswerTooLong):
        fitted(EVENT, {"Told": "x" * (room + 1)}, ())


def test_eighty_references_are_named_as_far_as_there_is_room() -> None:
    done = configured([f"REFERENCE_{number:03}_{'X' * 60}" for number in range(80)], ["TRIGGER"])
    found = fitted(EVENT, done.attributes, ActionsConfiguration.for_people)
    assert MOST - 100 < answered(EVENT, found) <= MOST
    said = re.fullmatch(r"(.*),\.\.\. and (\d+) more", found["SecretNames"])
    assert said
    assert len(said[1].split(",")) + int(said[2]) == 80
    assert found["VariableNames"] == "TRIGGER"


@pytest.mark.parametrize("told", [{"Long": "x" * 6000, "Short": "a,b"}, {"Short": "a,b", "Long": "x" * 6000}])
def test_what_is_short_stays_whole_and_what_is_long_gets_the_rest(told: dict[str, str]) -> None:
    found = fitted(EVENT, told, ("Long", "Short"))
    assert found["Short"] == "a,b"
    assert answered(EVENT, found) == MOST


@given(st.dictionaries(st.text(max_size=40), st.text(max_size=3000), max_size=8), st.text(max_size=1000))
def test_any_answer_fits_or_is_refused_in_a_sentence(data: dict[str, str], id_: str) -> None:
    event = {**EVENT, "PhysicalResourceId": id_}
    assert answered(event, fitted(event, data, ())) <= MOST if answered(event, data) <= MOST else True
    cut = set(list(data)[::2])
    try:
        found = fitted(event, data, cut)
    except AnswerTooLong as refused:
        assert re.search(r"has \d+ bytes, and CloudFormation accepts 4096\. Shorten", str(refused))
        assert answered(event, {name: "" if name in cut else value for name, value in data.items()}) > MOST
    else:
        assert answered(event, found) <= MOST
        assert {name: value for name, value in found.items() if name not in cut} == {
            name: value for name, value in data.items() if name not in cut
        }


@given(st.text(max_size=300), st.integers(0, 320))
def test_what_is_shortened_is_within_its_room(text: str, most: int) -> None:
    found = shortened(text, most)
    assert len(json.dumps(found, ensure_ascii=False).encode("utf-8", "backslashreplace")) - 2 <= most
    assert found in (text, "") or found.endswith((" more", "... (cut)"))


# -- the framework itself ---------------------------------------------------------------------------------------------

SCRIPT = """
const path = require("path"), folder = process.argv[2];
const given = JSON.parse(require("fs").readFileSync(0, "utf8")), sent = [];
process.env.USER_IS_COMPLETE_FUNCTION_ARN = "arn:aws:lambda:ap-northeast-1:123456789012:function:" + "f".repeat(64);
const outbound = path.join(folder, "outbound.js"), network = {
  httpRequest: async (options, body) => { sent.push(body); }, invokeFunction: async () => given.answer };
require.cache[outbound] = { id: outbound, filename: outbound, loaded: true, exports: network };
console.log = () => {};
const framework = require(path.join(folder, "framework.js"));
framework.isComplete(given.event).then(() => process.stdout.write(sent[0]));
"""


@pytest.fixture(scope="module")
def framework(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of the provider framework's own code, as the CDK deploys it."""
    folder = tmp_path_factory.mktemp("framework")
    [packed] = [
        each for each in importlib.resources.files("aws_cdk._jsii").iterdir() if each.name.startswith("aws-cdk-lib@")
    ]
    inside = "package/custom-resources/lib/provider-framework/runtime"
    with importlib.resources.as_file(packed) as file, tarfile.open(file) as tar:
        for member in tar:
            if member.name.startswith(f"{inside}/"):
                tar.extract(member, folder, filter="data")
    (folder / "ask.js").write_text(SCRIPT)
    return folder / inside


def sent(framework: Path, answer: Mapping[str, Any]) -> bytes:
    """Return what the framework sends to CloudFormation for what our function answers."""
    script = framework.parents[4] / "ask.js"
    given = json.dumps({"event": EVENT, "answer": answer})
    command = ["node", str(script), str(framework)]
    return subprocess.run(command, input=given.encode(), capture_output=True, check=True, timeout=60).stdout


def test_the_framework_writes_what_we_count(framework: Path) -> None:
    data = {"SecretNames": 'a "quoted" name, ä, \n and \x01', "Digest": "d"}
    payload = json.dumps({"IsComplete": True, "Data": data})
    assert len(sent(framework, {"Payload": payload})) == answered(EVENT, data)


@pytest.mark.parametrize("text", ["GitHub said: " + "x" * 9000, '"' * 9000, "ä\n" * 5000, "short"])
def test_a_failures_answer_fits_too(framework: Path, text: str) -> None:
    said = reason(EVENT, text)
    payload = json.dumps({"errorMessage": said, "errorType": "FinalError", "stackTrace": ["line"] * 20})
    body = sent(framework, {"Payload": payload, "FunctionError": "Unhandled"})
    assert len(body) <= MOST
    answer = json.loads(body)
    assert answer["Status"] == "FAILED"
    assert said in answer["Reason"]
    assert said == text or said.endswith("... (and the rest is in the function's log)")
    assert len(said) > 600 or said == text, "as much is said as there is room for"


def test_a_longer_answer_is_refused_by_the_embedded_run_as_by_cloudformation() -> None:
    answer = {**EVENT, "Status": "SUCCESS", "Data": {"A": "x" * 4000}}
    refused = taken(answer)
    assert (refused["Status"], refused["Reason"], refused["LogicalResourceId"]) == ("FAILED", REFUSAL, "L" * 255)


# -- what is cut, to the letter ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "most", "found"),
    [
        ("a,b,c", 5, "a,b,c"),
        ("alpha,bravo,charlie", 18, "alpha,bra... (cut)"),
        ("alpha,bravo,charlie,delta", 24, "alpha,... and 3 more"),
        ("alpha,bravo,charlie,delta", 20, "alpha,... and 3 more"),
        ("alpha,bravo,charlie,delta", 19, "alpha,brav... (cut)"),
        ("alpha,bravo,charlie,delta,echo", 26, "alpha,bravo,... and 3 more"),
        ("alpha,bravo,charlie,delta,echo", 29, "alpha,bravo,... and 3 more"),
        ("one, a; two, b; three, c; four", 28, "one, a; ... and 3 more"),
        ("one, a; two, b; three, c; four, d", 32, "one, a; two, b; ... and 2 more"),
        ("x" * 20, 19, "x" * 10 + "... (cut)"),
        ("x" * 20, 10, "x... (cut)"),
        ("x" * 20, 9, "... (cut)"),
        ("x" * 20, 8, ""),
        ('"' * 10, 19, '"' * 5 + "... (cut)"),
        ("ä" * 10, 19, "ä" * 5 + "... (cut)"),
        ("", 0, ""),
    ],
)
def test_a_list_is_cut_at_its_names_and_a_name_at_its_letters(value: str, most: int, found: str) -> None:
    assert shortened(value, most) == found


def test_a_reason_has_the_room_that_the_framework_and_the_ids_leave() -> None:
    ids = {name: EVENT[name] for name in ("StackId", "RequestId", "PhysicalResourceId", "LogicalResourceId")}
    bare = {"Status": "FAILED", "Reason": "", **ids}
    room = 4096 - 1250 - len(json.dumps(bare, separators=(",", ":")))
    more = "... (and the rest is in the function's log)"
    assert reason(EVENT, "x" * room) == "x" * room
    assert reason(EVENT, "x" * (room + 1)) == "x" * (room - len(more)) + more


def test_some_of_a_reason_is_said_however_long_the_ids_are() -> None:
    long = {**EVENT, "PhysicalResourceId": "p" * 3000}
    assert reason(long, "x" * 500) == "x" * 500
    cut = reason(long, "x" * 501)
    assert (len(cut), cut.endswith("... (and the rest is in the function's log)")) == (500, True)


def test_an_event_without_ids_leaves_them_empty() -> None:
    empty = dict.fromkeys(("StackId", "RequestId", "PhysicalResourceId", "LogicalResourceId"), "")
    room = 4096 - 1250 - len(json.dumps({"Status": "FAILED", "Reason": "", **empty}, separators=(",", ":")))
    assert reason({}, "x" * room) == "x" * room
    assert len(reason({}, "x" * (room + 1))) == room
