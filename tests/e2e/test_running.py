"""Starting, interrupting, losing and ending the local run."""

from __future__ import annotations

import io
import json
import os
import shutil
import signal
import socket
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil
import pytest

from local.home import Home
from standins.aws.custom_resource_answers import REFUSAL
from tests.e2e.command_line import CommandLine, Observer
from tests.sharing import begin_with_first

pytestmark = [pytest.mark.slow, pytest.mark.long, pytest.mark.shares("bad input", seconds=60)]


@pytest.fixture
def own(cli: CommandLine, tmp_path: Path) -> Iterator[CommandLine]:
    """A run of its own, which may be harmed. What was synthesized for the other is the same input."""
    line = CommandLine(tmp_path / "own")
    Home(line.home).make()
    begin_with_first(Home(line.home))
    (line.home / "assemblies").rmdir()
    shutil.copytree(cli.home / "assemblies", line.home / "assemblies")
    try:
        yield line
    finally:
        line.run("down", "--wipe")


def processes(document: dict[str, Any]) -> dict[str, psutil.Process]:
    return {name: psutil.Process(process["pid"]) for name, process in document["processes"].items()}


def test_everything_listens_on_this_machine_only(cli: CommandLine) -> None:
    for process in processes(cli.done("status")).values():
        for each in (process, *process.children(recursive=True)):
            listening = [c.laddr.ip for c in each.net_connections("inet") if c.status == psutil.CONN_LISTEN]
            assert set(listening) <= {"127.0.0.1"}


def test_no_token_is_in_an_argument_or_the_state(cli: CommandLine, seen: Observer) -> None:
    token = seen.client("secretsmanager").get_secret_value(SecretId="studio-mlops/github-token")["SecretString"]
    assert token not in (cli.home / "state.json").read_text()
    for process in processes(cli.done("status")).values():
        for each in (process, *process.children(recursive=True)):
            assert token not in " ".join(each.cmdline())


def test_up_again_changes_nothing(cli: CommandLine) -> None:
    before = cli.done("status")
    after = cli.done("up")
    assert after["processes"] == before["processes"]
    assert after["projects"] == before["projects"]


def test_a_lost_run_is_noticed_and_started_anew_with_its_repositories(own: CommandLine) -> None:
    launched = own.done("launch", "survivor", "--version", "v1.0.0")
    before = own.done("status")
    lost = processes(before)
    for process in lost.values():  # as when the machine is switched off
        for each in (*process.children(recursive=True), process):
            each.kill()
    psutil.wait_procs(list(lost.values()), timeout=10)

    assert own.done("status")["running"] is False
    assert "Nothing is running" in own.refused("terminate", "survivor")
    assert "Nothing is running" in own.refused("update", "survivor")

    again = own.done("launch", "survivor", "--version", "v1.0.0")

    assert own.done("status")["processes"].keys() == before["processes"].keys()
    for part in ("build", "deploy"):
        assert again["repositories"][part]["id"] == launched["repositories"][part]["id"]
        assert again["repositories"][part]["url"] == launched["repositories"][part]["url"]
        assert again["repositories"][part]["status"] == "unchanged"


def test_an_interrupted_launch_ends_without_a_traceback_and_can_be_ended(own: CommandLine) -> None:
    own.done("up")
    process = own.start("launch", "interrupted", "--version", "v1.0.0", start_new_session=True)
    assert process.stdout is not None
    for line in process.stdout:
        if "StudioProject" in line:
            break
    os.killpg(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=60)

    assert process.returncode == 130
    assert "Traceback" not in errors
    assert "interrupted" in errors
    deadline = time.monotonic() + 120
    while "IN_PROGRESS" in own.done("status", "interrupted")["status"] and time.monotonic() < deadline:
        time.sleep(1)
    assert own.done("status", "interrupted")["status"] == "CREATE_COMPLETE"  # CloudFormation went on
    assert own.done("terminate", "interrupted")["status"] == "DELETE_COMPLETE"


def test_a_damaged_state_is_no_obstacle_and_down_ends_every_process_and_wipe_removes_the_folder(
    own: CommandLine,
) -> None:
    (own.home / "state.json").write_text('{"processes": {"ministack": ')
    assert own.done("status")["running"] is False

    document = own.done("up")

    assert document["running"] is True
    family = [each for p in processes(document).values() for each in (p, *p.children(recursive=True))]

    assert sorted(own.done("down")["stopped"]) == ["aws", "github", "ministack"]

    assert not [each for each in family if each.is_running() and each.status() != psutil.STATUS_ZOMBIE]
    for process in document["processes"].values():
        with socket.socket() as probe:
            assert probe.connect_ex(("127.0.0.1", urlsplit(process["url"]).port)) != 0
    assert own.done("down")["stopped"] == []
    assert own.done("down", "--wipe")["wiped"] is True
    assert not own.home.exists()


ANSWERING = """
import json, urllib.request

def handler(event, context):
    ids = {name: event[name] for name in ("StackId", "RequestId", "LogicalResourceId")}
    answer = {"Status": "SUCCESS", "PhysicalResourceId": "it", **ids}
    room = 4096 - len(json.dumps({**answer, "Data": {"Long": ""}}, separators=(",", ":")))
    length = room + int(event["ResourceProperties"]["Beyond"]) if event["RequestType"] == "Create" else 0
    body = json.dumps({**answer, "Data": {"Long": "x" * length}}, separators=(",", ":")).encode()
    headers = {"content-type": "", "content-length": str(len(body))}
    urllib.request.urlopen(urllib.request.Request(event["ResponseURL"], body, headers, method="PUT"))
"""


def test_an_answer_of_more_bytes_than_cloudformation_takes_is_refused(seen: Observer) -> None:
    """By the running MiniStack, which takes any by itself: a byte more than fits fails the resource."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("index.py", ANSWERING)
    functions, stacks = seen.client("lambda"), seen.client("cloudformation")
    made = functions.create_function(
        FunctionName="answering",
        Runtime="python3.13",
        Handler="index.handler",
        Role="arn:aws:iam::123456789012:role/answering",
        Code={"ZipFile": packed.getvalue()},
    )
    try:
        ends = {}
        for beyond in (0, 1):
            properties = {"ServiceToken": made["FunctionArn"], "Beyond": beyond}
            template = {"Resources": {"It": {"Type": "Custom::Answering", "Properties": properties}}}
            name = f"answering-{beyond}"
            stacks.create_stack(StackName=name, TemplateBody=json.dumps(template))
            ends[beyond] = ended(stacks, name)
            told = stacks.describe_stack_events(StackName=name)["StackEvents"]
            reasons = " ".join(event.get("ResourceStatusReason", "") for event in told)
            assert (REFUSAL in reasons) == bool(beyond)
            stacks.delete_stack(StackName=name)
        assert ends == {0: "CREATE_COMPLETE", 1: "ROLLBACK_COMPLETE"}
    finally:
        functions.delete_function(FunctionName="answering")


def ended(stacks: Any, name: str) -> str:
    """Return the status in which a stack's operation ends, within a minute."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        [found] = stacks.describe_stacks(StackName=name)["Stacks"]
        if not found["StackStatus"].endswith("_IN_PROGRESS"):
            return str(found["StackStatus"])
        time.sleep(0.2)
    raise AssertionError(f"{name} does not end")


@pytest.mark.parametrize("verb", ["up", "launch", "update", "diff", "terminate", "status", "logs", "down", "demo"])
def test_help_says_what_a_verb_does(cli: CommandLine, verb: str) -> None:
    output, errors = cli.start(verb, "--help").communicate(timeout=60)
    assert errors == ""
    assert f"python -m local {verb}" in output
    assert "--json" in output


def test_logs_tell_events_and_what_functions_did(cli: CommandLine) -> None:
    launched = cli.done("launch", "logged", "--version", "v1.0.0")
    logs = cli.done("logs", "logged")
    statuses = {(event["resource"], event["status"]) for event in logs["events"]}
    assert ("BuildTemplate", "CREATE_COMPLETE") in statuses
    functions = {line["function"] for line in logs["functions"]}
    assert {"studio-mlops-repository-template", "studio-mlops-actions-configuration"} <= functions
    text = json.dumps(logs)
    assert launched["project_id"] in text


@pytest.mark.parametrize("name", ["nosuch", "has space", "-"])
def test_logs_of_no_project(cli: CommandLine, name: str) -> None:
    assert f"There is no project {name}; there are:" in cli.refused("logs", "--", name)


def test_two_launches_at_once(cli: CommandLine) -> None:
    running = [cli.start("launch", name, "--version", "v1.0.0", "--json") for name in ("left", "right")]
    documents = [json.loads(process.communicate(timeout=280)[0]) for process in running]
    assert [document.get("status", document) for document in documents] == ["CREATE_COMPLETE", "CREATE_COMPLETE"]
    names = {repository["name"] for document in documents for repository in document["repositories"].values()}
    assert len(names) == 4
