"""What repair decides of each state that a launch can stop in, does, and leaves; and what CloudFormation refuses."""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
import requests
from botocore.exceptions import ClientError

from custom_resources.clients.service_catalog import Launch, ProductVersion, Record
from custom_resources.errors import AwsDenied, AwsThrottled
from operations.command_line import main
from operations.errors import RepositoryNotOfALaunch
from operations.repair import Clock, Finding, Outcome, Product, Repair, broken, examined
from operations.repair_stacks import BrokenStacks, FailedResource, StackState, failures, sentence
from tests.operations.offered import Installed, installed, template
from tests.standin.aws.conftest import World, eventually

__all__ = ["installed"]
V1 = ProductVersion("pa-1", "v1.0.0")
STACK = "arn:aws:cloudformation:eu-west-1:1:stack/SC-1-pp-a/1"
LAUNCH = Launch("pp-a", "studio-a", V1.id, V1.name, "TAINTED", "the update failed", "rec-1", STACK)


def failed(name: str, kind: str, physical_id: str, status: str = "DELETE_FAILED") -> FailedResource:
    return FailedResource(name, f"Custom::{kind}", physical_id, status, f"{name} failed.")


BUILD = (
    failed("BuildRepository", "GitHubRepository", "11"),
    failed("BuildConfiguration", "ActionsConfiguration", "actions-configuration-11"),
    failed("DeployRepository", "GitHubRepository", "22:adopted"),
    FailedResource("WorkflowRole", "AWS::IAM::Role", "wf-11", "DELETE_FAILED", "It has policies."),
)
NAMES = {"11": "acme/build", "22": "acme/deploy"}


@pytest.mark.parametrize(
    ("launch", "stack", "actions"),
    [
        ("TAINTED", "UPDATE_ROLLBACK_FAILED", ("continue the rollback", "update to its own version")),
        ("AVAILABLE", "UPDATE_ROLLBACK_FAILED", ("continue the rollback", "update to its own version")),
        ("TAINTED", "UPDATE_ROLLBACK_COMPLETE", ("update to its own version",)),
        ("ERROR", "UPDATE_COMPLETE", ("update to its own version",)),
        ("ERROR", "DELETE_FAILED", ("terminate",)),
        ("ERROR", "ROLLBACK_FAILED", ("terminate",)),
        ("ERROR", "ROLLBACK_COMPLETE", ("terminate",)),
        ("ERROR", "CREATE_FAILED", ("terminate",)),
        ("ERROR", "", ("terminate",)),
        ("TAINTED", "UPDATE_FAILED", ()),
        ("TAINTED", "REVIEW_IN_PROGRESS", None),
        ("TAINTED", "IMPORT_ROLLBACK_FAILED", ()),
        ("AVAILABLE", "UPDATE_ROLLBACK_COMPLETE", None),
        ("AVAILABLE", "", None),
        ("UNDER_CHANGE", "DELETE_FAILED", None),
        ("TAINTED", "UPDATE_ROLLBACK_IN_PROGRESS", None),
    ],
)
def test_each_state(launch: str, stack: str, actions: Sequence[str] | None) -> None:
    found = examined(replace(LAUNCH, status=launch), StackState(stack), [V1])
    assert (found.actions if found else None) == actions
    if found and not actions:
        assert found.left.endswith(".")


def test_a_version_that_takes_no_updates_is_for_a_person() -> None:
    for versions in ([], [replace(V1, active=False)]):
        found = examined(LAUNCH, StackState("UPDATE_ROLLBACK_COMPLETE"), versions)
        assert found
        assert (found.actions, found.left.endswith("Roll out a newer version.")) == ((), True)


@pytest.mark.parametrize(
    ("gone", "retained"),
    [
        ([], ()),
        (["acme/build"], ("BuildRepository", "BuildConfiguration")),
        (["ACME/Build"], ("BuildRepository", "BuildConfiguration")),
        (["22"], ("DeployRepository",)),
        (["1", "acme", "wf-11", "somebody/build"], ()),
    ],
)
def test_only_what_is_confirmed_is_retained(gone: list[str], retained: tuple[str, ...]) -> None:
    """A role is never left behind, and a repository only under its own whole name or id."""
    found = examined(LAUNCH, StackState("DELETE_FAILED", BUILD, NAMES), [V1], gone)
    assert found
    assert found.retained == retained
    assert (found.actions[0] == "delete with resources retained") == bool(retained)


def test_a_rollback_skips_only_what_it_failed_at() -> None:
    stack = StackState("UPDATE_ROLLBACK_FAILED", (replace(BUILD[0], status="UPDATE_FAILED"), BUILD[1]), NAMES)
    found = examined(LAUNCH, stack, [V1], ["11"])
    assert found
    assert found.retained == ("BuildRepository",)


def test_a_repository_without_an_id_has_its_name() -> None:
    never = failed("BuildRepository", "GitHubRepository", "acme/never")
    found = examined(LAUNCH, StackState("DELETE_FAILED", (never,)), [V1], ["acme/never"])
    assert found
    assert found.retained == ("BuildRepository",)


def test_the_reasons_are_those_of_the_last_operation() -> None:
    def event(name: str, status: str, reason: str = "", physical_id: str = "x") -> dict[str, str]:
        return {
            "StackId": STACK,
            "LogicalResourceId": name,
            "PhysicalResourceId": physical_id,
            "ResourceStatus": status,
            "ResourceStatusReason": reason,
        }

    told = failures(
        [
            event("stack", "UPDATE_ROLLBACK_FAILED", "The following failed", STACK),
            event("Template", "UPDATE_FAILED", "newest"),
            event("stack", "UPDATE_ROLLBACK_IN_PROGRESS", physical_id=STACK),
            event("Other", "UPDATE_FAILED", "Resource update cancelled"),
            event("Template", "UPDATE_FAILED", "older"),
            event("stack", "UPDATE_IN_PROGRESS", physical_id=STACK),
            event("Role", "CREATE_FAILED", "of the operation before"),
        ]
    )
    assert {name: each["ResourceStatusReason"] for name, each in told.items()} == {"Template": "newest"}


@pytest.mark.parametrize(
    "said",
    [
        "GitHub rejects the token. Put a valid one.",
        "FinalError: GitHub rejects the token. Put a valid one.\n\nLogs: /aws/lambda/x\n",
        "Received response status [FAILED] from custom resource. Message returned: Error: FinalError: GitHub rejects "
        "the token. Put a valid one.\n    at invoke (/var/task/framework.js:2:6) (RequestId: 1-2)",
        "Received response status [FAILED] from custom resource. Message returned: GitHub rejects the token. Put a "
        "valid one. (RequestId: 1-2)",
    ],
)
def test_a_reason_is_the_functions_sentences(said: str) -> None:
    assert sentence(said) == "GitHub rejects the token. Put a valid one."
    assert sentence("") == "CloudFormation gave no reason."


# -- doing it --------------------------------------------------------------------------------------------------------


@dataclass
class Cloud:
    """Service Catalog and CloudFormation: `states` are what the stack becomes, one after another."""

    states: list[StackState] = field(default_factory=list)
    records: list[Record] = field(default_factory=list)
    done: list[tuple[str, ...]] = field(default_factory=list)
    silent: int = 0  # polls without an answer
    denied: bool = False

    def state(self, stack_id: str) -> StackState:
        if self.silent:
            self.silent -= 1
            raise AwsThrottled(5, service="CloudFormation", activity="reading", code="ThrottlingException")
        return self.states.pop(0) if len(self.states) > 1 else self.states[0]

    def status(self, stack_id: str) -> str:
        return self.state(stack_id).status

    def broken(self) -> frozenset[str]:
        return frozenset({STACK})

    def continue_rollback(self, stack_id: str, skipped: Sequence[str]) -> None:
        if self.denied:
            raise AwsDenied(
                service="CloudFormation", activity="continuing", message="no", permission="cloudformation:x"
            )
        self.done.append(("continue", *skipped))

    def delete(self, stack_id: str, retained: Sequence[str]) -> None:
        self.done.append(("delete", *retained))

    def terminate(self, launch: Launch) -> str:
        self.done.append(("terminate",))
        return "rec-2"

    def update(self, launch: Launch, product_id: str, version: ProductVersion, path_id: str) -> str:
        self.done.append(("update", version.name, path_id))
        return "rec-2"

    def record(self, record_id: str) -> Record:
        return Record("failed", path_id="lpv3-1") if record_id == "rec-1" else self.records.pop(0)


def repaired(cloud: Cloud, finding: Finding, gone: Sequence[str] = ()) -> Outcome:
    product, clock = Product("prod-1", [V1]), Clock(lambda seconds: None)
    return Repair(cloud, cloud, product, gone, clock).run(finding)  # type: ignore[arg-type]


def found(stack: StackState, *gone: str) -> Finding:
    made = examined(LAUNCH, stack, [V1], gone)
    assert made
    return made


ROLLING, BACK = StackState("UPDATE_ROLLBACK_IN_PROGRESS"), StackState("UPDATE_ROLLBACK_COMPLETE")
STUCK = StackState("UPDATE_ROLLBACK_FAILED", (replace(BUILD[0], status="UPDATE_FAILED"),), NAMES)


def test_a_rollback_goes_on_and_the_launch_is_available_again() -> None:
    cloud = Cloud([ROLLING, ROLLING, BACK], [Record("running"), Record("succeeded")], silent=3)
    assert repaired(cloud, found(STUCK)).result == "repaired"
    assert cloud.done == [("continue",), ("update", "v1.0.0", "lpv3-1")]


def test_what_fails_again_is_left_with_its_reason_and_the_command() -> None:
    outcome = repaired(Cloud([STUCK]), found(STUCK))
    assert (outcome.result, outcome.reason) == ("left", "BuildRepository: BuildRepository failed.")
    assert outcome.next == (
        "python -m operations repair --project pp-a --yes, with --gone acme/build if it is deleted on GitHub"
    )
    skipped = Cloud([BACK], [Record("succeeded")])
    assert repaired(skipped, found(STUCK, "acme/build"), ["acme/build"]).result == "repaired"
    assert skipped.done[0] == ("continue", "BuildRepository")


def test_what_may_not_be_done_is_left() -> None:
    outcome = repaired(Cloud([STUCK], denied=True), found(STUCK))
    assert (outcome.result, "cloudformation:x" in outcome.reason) == ("left", True)


def test_an_update_that_changes_nothing_is_no_failure() -> None:
    """Whether Service Catalog takes it for one is not documented: the stack is in order either way."""
    cloud = Cloud([BACK], [Record("failed", errors=("No updates are to be performed.",))])
    outcome = repaired(cloud, found(BACK))
    assert (outcome.result, "shows TAINTED until" in outcome.reason) == ("repaired", True)
    other = repaired(Cloud([BACK], [Record("failed", errors=("A parameter is wrong.",))]), found(BACK))
    assert (other.result, other.reason) == ("left", "A parameter is wrong.")


def test_a_creation_that_was_not_undone_is_ended_without_what_is_gone() -> None:
    """CloudFormation retains only where a deletion has failed: so the first try fails, and the second leaves it."""
    half = StackState("ROLLBACK_FAILED", BUILD[:1], NAMES)
    stopped, gone = StackState("DELETE_FAILED", BUILD[:1], NAMES), StackState("")
    cloud = Cloud([stopped, gone], [Record("failed", errors=("It failed.",)), Record("succeeded")])
    assert repaired(cloud, found(half, "11"), ["11"]).result == "repaired"
    assert cloud.done == [("terminate",), ("delete", "BuildRepository"), ("terminate",)]
    again = Cloud([stopped], [Record("failed", errors=("It failed.",))])
    assert repaired(again, found(half)).result == "left"
    assert again.done == [("terminate",)]


def test_a_confirmation_for_what_nothing_stopped_at_is_refused() -> None:
    with pytest.raises(RepositoryNotOfALaunch):
        broken([LAUNCH], Cloud([STUCK]), [V1], ["acme/other"])  # type: ignore[arg-type]
    for name in ("acme/deploy", "22"):  # left already, by the same command before
        assert broken([LAUNCH], Cloud([STUCK]), [V1], [name])[0].retained == ()  # type: ignore[arg-type]
    assert broken([replace(LAUNCH, status="AVAILABLE", stack="x")], Cloud([STUCK]), [V1], []) == []  # type: ignore[arg-type]


# -- the stand-ins ---------------------------------------------------------------------------------------------------


def told(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, dict[str, Any]]:
    capsys.readouterr()
    code = main(["repair", *arguments, "--json"])
    return code, json.loads(capsys.readouterr().out)


def test_cloudformation_refuses_what_it_refuses(aws: World) -> None:
    client, name = aws.client("cloudformation"), f"s-{uuid.uuid4().hex[:8]}"
    value = {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": "x"}}
    client.create_stack(StackName=name, TemplateBody=json.dumps({"Resources": {"Value": value}}))

    def status() -> str:
        return str(client.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"])

    eventually(lambda: status() == "CREATE_COMPLETE")
    with pytest.raises(ClientError):
        client.continue_update_rollback(StackName=name)
    with pytest.raises(ClientError):
        client.delete_stack(StackName=name, RetainResources=["Value"])
    assert status() == "CREATE_COMPLETE"
    stacks = BrokenStacks(client)
    assert stacks.state(name).status == "CREATE_COMPLETE"
    assert stacks.state("nosuch") == StackState("")
    identifier = client.describe_stacks(StackName=name)["Stacks"][0]["StackId"]
    assert identifier not in stacks.broken()


@pytest.mark.parametrize("unchanged_fails", [False, True])
def test_a_tainted_launch_with_a_good_stack(
    installed: Installed, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, unchanged_fails: bool
) -> None:
    monkeypatch.setattr("operations.repair.POLL_SECONDS", 0.1)
    name = f"smus-{uuid.uuid4().hex[:6]}"
    launch = installed.provision(name)
    assert told(capsys, "--project", name) == (0, {"launches": []})
    nobody = "arn:aws:lambda:us-east-1:123456789012:function:nobody"
    body = template("three")
    body["Resources"]["Broken"] = {"Type": "Custom::Broken", "Properties": {"ServiceToken": nobody}}
    artifact = installed.client.create_provisioning_artifact(
        ProductId=installed.product,
        Parameters={
            "Name": "v3.0.0",
            "Type": "CLOUD_FORMATION_TEMPLATE",
            "Info": {"LoadTemplateFromURL": installed.world.upload(f"{name}.json", body)},
        },
        IdempotencyToken=str(uuid.uuid4()),
    )["ProvisioningArtifactDetail"]["Id"]
    record = installed.client.update_provisioned_product(
        ProvisionedProductId=launch,
        ProductId=installed.product,
        ProvisioningArtifactId=artifact,
        ProvisioningParameters=[{"Key": "ProjectId", "UsePreviousValue": True}],
        UpdateToken=str(uuid.uuid4()),
    )["RecordDetail"]["RecordId"]
    ended = eventually(lambda: installed.client.describe_record(Id=record)["RecordDetail"]["Status"] == "FAILED")
    assert ended
    code, planned = told(capsys, "--project", name)
    assert (code, planned["launches"][0]["result"]) == (3, "planned")

    control = f"{installed.world.stand_in.base_url}/_standin/launches"
    requests.post(control, json={"unchangedFails": unchanged_fails}, timeout=10).raise_for_status()
    try:
        code, done = told(capsys, "--project", name, "--yes")
    finally:
        requests.post(control, json={"unchangedFails": False}, timeout=10).raise_for_status()
    assert (code, done["launches"][0]["result"]) == (0, "repaired")
    status = installed.client.describe_provisioned_product(Id=launch)["ProvisionedProductDetail"]["Status"]
    assert status == ("TAINTED" if unchanged_fails else "AVAILABLE")
    assert main(["repair", "--project", name]) == (3 if unchanged_fails else 0)
    said = capsys.readouterr().out
    assert (
        "Run the same command with --yes to make the repairs." if unchanged_fails else "No launch needs repair."
    ) in said
