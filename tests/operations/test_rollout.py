"""A rollout by its verbs: state machines on MiniStack, Service Catalog the stand-in, launches real stacks."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import boto3
import pytest

from custom_resources.clients.service_catalog import Launch
from operations import plan_command
from operations.command_line import main
from operations.errors import RolloutChanged
from operations.over_accounts import catalog_in
from operations.rollout import steps
from operations.rollout.state import Result
from operations.rollout.store import RolloutStore
from tests.operations.offered import Installed, Machines, installed, machines, template
from tests.operations.unforeseen import unforeseen
from tests.standin.aws.conftest import eventually

__all__ = ["installed", "machines"]


def told(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, dict[str, Any]]:
    code = main([*arguments, "--json"])
    return code, json.loads(capsys.readouterr().out)


def test_three_projects_are_rolled_and_asked_about_three_times_each_at_most(
    installed: Installed, machines: Machines, capsys: pytest.CaptureFixture[str]
) -> None:
    names = [f"smus-{part}-{uuid.uuid4().hex[:6]}" for part in "abc"]
    launches = [installed.provision(name) for name in names]
    code, said = told(capsys, "rollout", "start", "--version", "v2.0.0", "--yes", "--wait")
    assert (code, said["phase"], said["counts"]["merged"]) == (0, "ended", 3), said
    assert said["plan"]["waves"] == [[name] for name in names]
    assert [installed.version_of(each) for each in launches] == ["v2.0.0"] * 3
    asked = machines.calls()
    assert len(asked) <= 3 * len(names), asked


def item_of(name: str) -> dict[str, Any]:
    """Return a parameter that is named by its project, so that somebody else's is in the way."""
    value = {"Fn::Sub": f"/{name}/${{ProjectId}}"}
    return {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": "x", "Name": value}}


@dataclass
class Fleet:
    """Six projects: their launches by short names, which end in something of their test's."""

    launches: dict[str, str]
    end: str

    def name(self, short: str) -> str:
        return f"{short}-{self.end}"

    def short(self, names: Iterable[str]) -> set[str]:
        return {name.removesuffix(f"-{self.end}") for name in names}

    def on(self, installed: Installed, version: str) -> set[str]:
        return {short for short, launch in self.launches.items() if installed.version_of(launch) == version}


@pytest.fixture
def fleet(installed: Installed, machines: Machines) -> Fleet:
    """Six projects; in v3.0.0's way is somebody else's parameter at two of them."""
    body = template("v3.0.0")
    body["Resources"]["Named"] = item_of(machines.table)
    installed.publish("v3.0.0", body)
    found = Fleet({}, uuid.uuid4().hex[:6])
    for short in ("bad", "worse"):
        parameter = f"/{machines.table}/{found.name(short)}"
        machines.client("ssm").put_parameter(Name=parameter, Type="String", Value="theirs")
    for short in ("a", "bad", "c", "d", "e", "worse"):
        found.launches[short] = installed.provision(found.name(short))
    return found


def free_the_way(machines: Machines, fleet: Fleet) -> None:
    for name in map(fleet.name, ("bad", "worse")):
        machines.client("ssm").delete_parameter(Name=f"/{machines.table}/{name}")


def test_failures_within_the_limit_are_named_and_tried_again(
    installed: Installed, machines: Machines, fleet: Fleet, capsys: pytest.CaptureFixture[str]
) -> None:
    start = ("rollout", "start", "--version", "v3.0.0", "--failures", "2", "--yes", "--wait")
    code, said = told(capsys, *start)
    assert (code, said["phase"], said["counts"]["failed"], said["counts"]["merged"]) == (1, "ended", 2, 4), said
    reasons = {each["name"]: each["reason"] for each in said["projects"] if each["result"] == "failed"}
    assert fleet.short(reasons) == {"bad", "worse"}
    assert all("Named" in reason for reason in reasons.values()), reasons
    assert said["next"] == ["python -m operations rollout retry"]
    tainted = installed.client.describe_provisioned_product(Id=fleet.launches["bad"])["ProvisionedProductDetail"]
    assert tainted["Status"] == "TAINTED"

    free_the_way(machines, fleet)
    before = len(machines.calls())
    code, said = told(capsys, "rollout", "retry", "--wait")
    assert (code, said["again"], said["counts"]["failed"], said["counts"]["merged"]) == (0, 2, 0, 6), said
    assert fleet.on(installed, "v3.0.0") == set(fleet.launches)
    assert len(machines.calls()) - before <= 6, "only the two are asked about"
    code, said = told(capsys, "rollout", "retry")
    assert (code, said["again"]) == (0, 0)


def test_a_gate_closes_over_too_many_failures_and_a_person_opens_it(
    installed: Installed, machines: Machines, fleet: Fleet, capsys: pytest.CaptureFixture[str]
) -> None:
    start = ("rollout", "start", "--version", "v3.0.0", "--canary", fleet.name("bad"), "--yes", "--wait")
    code, said = told(capsys, *start)
    assert (code, said["phase"], said["paused"], said["counts"]["left"]) == (1, "paused", "failures", 5), said
    assert fleet.on(installed, "v3.0.0") == set()
    code, refused = told(capsys, "rollout", "start", "--version", "v3.0.0", "--yes")
    assert (code, said["rollout"] in refused["error"]) == (1, True), "one rollout at a time"
    free_the_way(machines, fleet)
    code, said = told(capsys, "rollout", "retry", "--wait")
    assert (code, said["counts"]["merged"], said["counts"]["left"]) == (0, 6, 0), said


def test_a_canary_is_looked_at_before_the_others(
    installed: Installed, machines: Machines, fleet: Fleet, capsys: pytest.CaptureFixture[str]
) -> None:
    start = ("rollout", "start", "--version", "v2.0.0", "--canary", fleet.launches["e"], "--approve", "--yes", "--wait")
    code, said = told(capsys, *start)
    assert (code, said["paused"]) == (3, "approval")
    assert fleet.on(installed, "v2.0.0") == {"e"}
    assert told(capsys, "rollout", "status")[0] == 3
    code, said = told(capsys, "rollout", "resume", "--wait")
    assert (code, said["counts"]["merged"]) == (0, 6)


def test_a_canary_that_is_tried_again_still_waits_for_its_approval(
    installed: Installed, machines: Machines, fleet: Fleet, capsys: pytest.CaptureFixture[str]
) -> None:
    """However many failures are tolerated; and nobody goes on without a look, as was asked for."""
    asked = ("--canary", fleet.name("bad"), "--failures", "3", "--approve")
    code, said = told(capsys, "rollout", "start", "--version", "v3.0.0", *asked, "--yes", "--wait")
    assert (code, said["paused"], said["counts"]["left"]) == (1, "canary", 5), said
    free_the_way(machines, fleet)
    code, said = told(capsys, "rollout", "retry", "--wait")
    assert (code, said["paused"], fleet.on(installed, "v3.0.0")) == (3, "approval", {"bad"}), said
    code, said = told(capsys, "rollout", "resume", "--wait")
    assert (code, said["counts"]["merged"]) == (0, 6), said


def test_a_project_that_was_terminated_meanwhile_is_gone(
    installed: Installed, machines: Machines, fleet: Fleet, capsys: pytest.CaptureFixture[str]
) -> None:
    """Before its turn, and after it failed: neither is a failure that nobody can ever try again."""
    start = ("rollout", "start", "--version", "v3.0.0", "--canary", fleet.name("a"), "--approve", "--failures", "2")
    told(capsys, *start, "--yes", "--wait")
    installed.terminate(fleet.launches["c"])
    code, said = told(capsys, "rollout", "resume", "--wait")
    assert (code, said["counts"]["gone"], said["counts"]["failed"]) == (1, 1, 2), said
    installed.terminate(fleet.launches["bad"])
    free_the_way(machines, fleet)
    code, said = told(capsys, "rollout", "retry", "--wait")
    assert (code, said["again"], said["counts"]["gone"], said["counts"]["merged"]) == (0, 1, 2, 4), said
    assert (said["counts"]["left"], said["next"]) == (0, [])


def test_who_starts_the_machine_by_hand_takes_nothing_over(
    installed: Installed, machines: Machines, fleet: Fleet, capsys: pytest.CaptureFixture[str]
) -> None:
    """Somebody who may only start executions cannot go past the canary, nor end the execution that runs."""
    machines.put("github", OpensAt=int(time.time()) + 3600)
    _, said = told(capsys, "rollout", "start", "--version", "v2.0.0", "--approve", "--yes")
    taken = eventually(lambda: machines.item().get("Wave") and machines.item())
    states = machines.client("stepfunctions")
    for given in (
        {"rollout": said["rollout"], "run": 1, "waves": ["wave-3"]},
        {"rollout": said["rollout"], "run": 2},
        {"rollout": "20260101-000000-v2.0.0-0000", "run": 1},
    ):
        begun = states.start_execution(stateMachineArn=machines.waves, input=json.dumps(given))["executionArn"]
        ended = eventually(partial(ended_execution, states, begun))
        assert (ended["status"], ended["error"]) == ("FAILED", "RolloutNotPlanned")
    assert machines.item() == taken
    assert machines.calls() == []


def ended_execution(states: Any, arn: str) -> dict[str, Any] | None:
    found = states.describe_execution(executionArn=arn)
    return None if found["status"] == "RUNNING" else dict(found)


def test_of_two_who_go_on_at_once_one_does(
    installed: Installed, machines: Machines, fleet: Fleet, capsys: pytest.CaptureFixture[str]
) -> None:
    """The other wrote lists and would have forgotten results, too: they are not those of the one that goes on."""
    start = ("rollout", "start", "--version", "v3.0.0", "--canary", fleet.name("bad"), "--yes", "--wait")
    told(capsys, *start)
    session = boto3.Session()
    late = RolloutStore(session, catalog_in(session)[1])
    looked = late.read()
    assert looked and looked.phase == "paused"
    launches = [Launch(fleet.launches["bad"], fleet.name("bad"), "pa-1", "v1.0.0", "TAINTED")]
    free_the_way(machines, fleet)
    code, said = told(capsys, "rollout", "retry", "--wait")
    assert (code, said["counts"]["merged"]) == (0, 6), said
    item = machines.item()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(late, "read", lambda: looked)
        patch.setattr(late, "results", lambda _: [Result(fleet.launches["bad"], fleet.name("bad"), "failed")])
        with pytest.raises(RolloutChanged):
            steps.resume(late)
        with pytest.raises(RolloutChanged):
            steps.retry(late, launches)
    assert machines.item() == item
    assert told(capsys, "rollout", "status")[1]["counts"] == said["counts"], "no result was forgotten"


def test_a_paused_rollout_starts_nothing_and_goes_on_where_it_was(
    installed: Installed, machines: Machines, fleet: Fleet, capsys: pytest.CaptureFixture[str]
) -> None:
    machines.put("github", OpensAt=int(time.time()) + 3600)  # so that it waits
    code, said = told(capsys, "rollout", "start", "--version", "v2.0.0", "--yes")
    assert (code, said["runs"]) == (0, True)
    eventually(lambda: machines.item().get("Wave"))
    code, said = told(capsys, "rollout", "pause")
    assert said["paused"] == "person"
    machines.ended("paused")
    assert machines.calls() == []
    machines.put("github", OpensAt=0)
    code, said = told(capsys, "rollout", "resume", "--wait")
    assert (code, said.get("counts", {}).get("merged")) == (0, 6), said
    assert machines.calls().count("UpdateProvisionedProduct") == 6


def test_an_aborted_rollout_ends_and_leaves_the_rest(
    installed: Installed, machines: Machines, fleet: Fleet, capsys: pytest.CaptureFixture[str]
) -> None:
    machines.put("github", OpensAt=int(time.time()) + 3600)
    told(capsys, "rollout", "start", "--version", "v2.0.0", "--yes")
    eventually(lambda: machines.item().get("Wave"))
    told(capsys, "rollout", "abort")
    machines.ended("aborted")
    assert machines.calls() == []
    for verb in ("pause", "resume", "abort"):
        code, said = told(capsys, "rollout", verb)
        assert (code, "aborted" in said["error"]) == (1, True)
    machines.put("github", OpensAt=0)
    code, said = told(
        capsys, "rollout", "start", "--version", "v2.0.0", "--project", fleet.name("a"), "--yes", "--wait"
    )
    assert (code, said["counts"]["merged"], said["planned"]) == (0, 1, 1)


def test_a_machine_that_was_killed_is_started_again_and_does_nothing_twice(
    installed: Installed, machines: Machines, fleet: Fleet, capsys: pytest.CaptureFixture[str]
) -> None:
    told(capsys, "rollout", "start", "--version", "v2.0.0", "--yes")
    eventually(lambda: "UpdateProvisionedProduct" in machines.calls())
    machines.client("stepfunctions").stop_execution(executionArn=machines.item()["RunBy"]["S"])
    code, said = told(capsys, "rollout", "status")
    assert (code, said["runs"]) == (3, False)
    assert "python -m operations rollout resume" in said["next"]
    code, said = told(capsys, "rollout", "resume", "--wait")
    assert (code, said["counts"]["merged"], said["counts"]["left"]) == (0, 6, 0), said
    for launch in fleet.launches.values():
        search = {"Key": "provisionedproduct", "Value": launch}
        records = installed.client.list_record_history(SearchFilter=search, PageSize=20)["RecordDetails"]
        kinds = sorted(each["RecordType"] for each in records)
        assert kinds == ["PROVISION_PRODUCT", "UPDATE_PROVISIONED_PRODUCT"], "each was updated once"


def test_a_forced_end_frees_the_place_though_nobody_answers(
    installed: Installed, machines: Machines, fleet: Fleet, capsys: pytest.CaptureFixture[str]
) -> None:
    machines.put("github", OpensAt=int(time.time()) + 3600)
    told(capsys, "rollout", "start", "--version", "v2.0.0", "--yes")
    eventually(lambda: machines.item().get("Wave"))
    code, said = told(capsys, "rollout", "abort", "--force")
    assert (code, said["phase"]) == (0, "aborted")
    machines.put("github", OpensAt=0)
    code, said = told(capsys, "rollout", "start", "--version", "v2.0.0", "--yes", "--wait")
    assert (code, said.get("counts", {}).get("merged")) == (0, 6), said


# -- what is refused, and said before ------------------------------------------------------------------------------


def test_a_plan_is_told_and_nothing_begins(
    installed: Installed, machines: Machines, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """tests/integration/studio/test_plan.py asks the deployed function."""
    monkeypatch.setattr(plan_command, "foresee", unforeseen)
    installed.provision(f"old-{uuid.uuid4().hex[:6]}")
    installed.provision(f"new-{uuid.uuid4().hex[:6]}", "v2.0.0")
    code, said = told(capsys, "rollout", "start", "--version", "v2.0.0", "--dry-run")
    assert (code, said["plan"]["counts"]) == (0, {"planned": 1, "skipped": 0, "already there": 1})
    (foreseen,) = said["foreseen"]["projects"]
    assert (foreseen["result"], foreseen["problem"]) == ("unknown", "nobody was asked about v2.0.0")
    assert machines.item() == {}
    code, said = told(capsys, "rollout", "start", "--version", "v2.0.0")
    assert (code, "not confirmed" in said["error"]) == (1, True)
    assert machines.item() == {}
    assert main(["rollout", "start", "--version", "v2.0.0", "--dry-run"]) == 0
    told_people = capsys.readouterr().out
    assert "Roll out v2.0.0: 1 to update, 1 already there" in told_people
    assert "nobody was asked" in told_people


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("start", "--version", "v9.0.0", "--yes"), "it has: v1.0.0, v2.0.0"),
        (("start", "--version", "v2.0.0", "--project", "nobody", "--yes"), "for the project 'nobody'"),
        (("start", "--version", "v2.0.0", "--window", "whenever", "--yes"), "'whenever' is no window of time"),
        (("status",), "There is no rollout."),
        (("pause",), "There is no rollout."),
        (("retry",), "There is no rollout."),
    ],
)
def test_what_cannot_be_done_is_one_sentence(
    installed: Installed, machines: Machines, capsys: pytest.CaptureFixture[str], arguments: Any, sentence: str
) -> None:
    code, said = told(capsys, "rollout", *arguments)
    assert code == 1
    assert sentence in said["error"]


def test_an_inactive_version_is_not_rolled_out(
    installed: Installed, machines: Machines, capsys: pytest.CaptureFixture[str]
) -> None:
    installed.client.update_provisioning_artifact(
        ProductId=installed.product, ProvisioningArtifactId=installed.versions["v2.0.0"], Active=False
    )
    code, said = told(capsys, "rollout", "start", "--version", "v2.0.0", "--yes")
    assert code == 1
    assert "inactive" in said["error"]


def test_a_foundation_from_before_the_machines_is_told(
    installed: Installed, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("operations.rollout.store.FOUNDATION_STACK", "NeverDeployed")
    code, said = told(capsys, "rollout", "status")
    assert code == 1
    assert "deploy FoundationStack" in said["error"]


def test_aws_that_cannot_be_reached(
    installed: Installed, machines: Machines, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_SERVICE_CATALOG", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    started = time.monotonic()
    code, said = told(capsys, "rollout", "start", "--version", "v2.0.0", "--yes")
    assert code == 1
    assert "Service Catalog could not be reached (listing the products;" in said["error"]
    assert time.monotonic() - started < 20


def test_status_without_a_deployed_product(
    installed: Installed, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    other = tmp_path / "other.toml"
    other.write_text('[product]\nname = "never-deployed"\n')
    monkeypatch.setenv("SETTINGS_FILE", str(other))
    code, said = told(capsys, "status", "--versions-dir", str(tmp_path / "none"))
    assert code == 1
    assert "Run cdk deploy" in said["problem"]
