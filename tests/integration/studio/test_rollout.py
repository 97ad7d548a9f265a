"""Thirty projects that came through Studio's door get the next version: canary, gate, rest, and all that stops it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from local import ministack, versions
from local import run as runs
from local.home import SOURCE
from tests.integration.studio.conftest import PRINCIPAL, Installation, eventually, newest_content, quiet
from tests.sharing import forget_spent_budget

# Long: minutes of an installation, for what six projects do in tests/operations/test_rollout.py, too.
pytestmark = [pytest.mark.slow, pytest.mark.long, pytest.mark.timeout(2400), pytest.mark.shares("rollout", seconds=600)]

PROJECTS, BROKEN = 30, 3
LINE = "A line that the next version brings.\n"
UPDATER = "studio-mlops-update-project"


class Administrator:
    """Somebody at a command line, with the credentials of the account."""

    def __init__(self, installation: Installation) -> None:
        cloud = installation.run.cloud
        self.environment = {
            **os.environ,
            "SETTINGS_FILE": str(installation.run.home.settings),
            "MLOPS_VERSIONS_DIR": str(installation.run.home.versions),
            "AWS_ACCESS_KEY_ID": ministack.ACCOUNT,
            "AWS_SECRET_ACCESS_KEY": "any",
            "AWS_DEFAULT_REGION": ministack.REGION,
            "AWS_ENDPOINT_URL": cloud.ministack_url,
            "AWS_ENDPOINT_URL_SERVICE_CATALOG": cloud.stand_in_url,
        }
        self.environment |= self._keys(installation)

    @staticmethod
    def _keys(installation: Installation) -> dict[str, str]:
        """Return the keys of a principal of the portfolio, who reads the version's parameters."""
        arn = f"arn:aws:iam::{ministack.ACCOUNT}:role/{installation.portfolio_principal()}"
        assert arn.endswith(PRINCIPAL)
        keys = installation.client("sts").assume_role(RoleArn=arn, RoleSessionName="rollout")["Credentials"]
        return {
            "AWS_ACCESS_KEY_ID": keys["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": keys["SecretAccessKey"],
            "AWS_SESSION_TOKEN": keys["SessionToken"],
        }

    def begin(self, *arguments: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "operations", "rollout", *arguments, "--json"]
        return subprocess.Popen(command, cwd=SOURCE, env=self.environment, stdout=subprocess.PIPE, text=True)

    def run(self, *arguments: str) -> tuple[int, dict[str, Any]]:
        process = self.begin(*arguments)
        out, _ = process.communicate(timeout=600)
        return process.returncode, json.loads(out)


def launched(installation: Installation, name: str, number: int) -> list[str]:
    """Create projects through Studio's door, a few at a time; return their ids."""
    projects: list[str] = []
    while len(projects) < number:
        some = [installation.create(f"{name}{index}") for index in range(len(projects), min(len(projects) + 4, number))]
        for project in some:
            installation.deployed(project)
        projects += some
    return projects


def updates(installation: Installation) -> Counter[str]:
    """Return how often each launch was updated."""
    found: Counter[str] = Counter()
    page: dict[str, Any] = {"NextPageToken": ""}
    while "NextPageToken" in page:
        more = {"PageToken": page["NextPageToken"]} if page["NextPageToken"] else {}
        page = installation.catalog.list_record_history(PageSize=20, **more)
        for each in page["RecordDetails"]:
            if each["RecordType"] == "UPDATE_PROVISIONED_PRODUCT":
                found[each["ProvisionedProductName"]] += 1
    return found


def publish(installation: Installation, content: Path, lines: str = LINE) -> str:
    """Publish and deploy a version with these lines at the end of a file; return its name."""
    readme = newest_content(installation, content)
    readme.write_text(readme.read_text(encoding="utf-8") + lines, encoding="utf-8")
    second = versions.publish(installation.run.home, versions.Source(str(content), folder="."), "").version.version
    installation.run = runs.up(installation.run.home, quiet())
    return second


def standing(administrator: Administrator, phase: str) -> dict[str, Any] | None:
    _, said = administrator.run("status")
    time.sleep(0.5)
    return said if said["phase"] == phase else None


def failures(said: dict[str, Any]) -> dict[str, str]:
    return {each["name"]: each["reason"] for each in said["projects"] if each["result"] == "failed"}


def finished(said: dict[str, Any]) -> int:
    counts = said["counts"]
    return int(said["planned"] - counts["left"])


@pytest.mark.fleet  # beside other tests it starves them, and they it
def test_thirty_projects_are_rolled_from_one_version_to_the_next(installation: Installation, tmp_path: Path) -> None:
    projects = launched(installation, "fleet", PROJECTS)
    names = {f"studio-{project}": project for project in projects}
    repositories = {name: installation.outputs(project)["BuildRepositoryName"] for name, project in names.items()}
    canary, *others = sorted(names)
    broken = others[5 : 5 + BROKEN]
    second = publish(installation, tmp_path / "templates")
    forget_spent_budget(installation.run.home)
    administrator, github = Administrator(installation), installation.run.standin_github
    for name in broken:
        match = {"path": repositories[name], "kind": "git"}
        github.call("POST", "faults", {"fault": "401", "match": match, "times": None})

    # Somebody begins, and looks at the canary; whoever ends the command line ends nothing.
    start = ("start", "--version", second, "--failures", str(BROKEN), "--yes")
    waiting = administrator.begin(*start, "--canary", names[canary], "--approve", "--wait")
    eventually(lambda: updates(installation)[canary])
    waiting.send_signal(signal.SIGKILL)
    waiting.communicate()
    said = eventually(lambda: standing(administrator, "paused"))
    assert (said["paused"], said["counts"]["merged"], finished(said)) == ("approval", 1, 1)
    assert installation.tree(repositories[canary])["README.md"].decode().endswith(LINE)
    assert set(updates(installation)) == {canary}

    # In the middle of the others: paused, and gone on with.
    assert administrator.run("resume")[0] == 0
    eventually(lambda: len(updates(installation)) >= 3)
    administrator.run("pause")
    said = eventually(lambda: standing(administrator, "paused"))
    assert (said["paused"], said["counts"]["left"] > 0) == ("person", True), said["counts"]
    before = updates(installation)
    assert sum(before.values()) == finished(said), "what had begun has ended, and nothing else began"
    assert administrator.run("resume")[0] == 0

    # The machine is killed, and started again.
    eventually(lambda: len(updates(installation)) > len(before))
    machines = installation.client("stepfunctions")
    machines.stop_execution(executionArn=running_execution(installation))
    code, said = administrator.run("status")
    assert (code, said["runs"]) == (3, False)
    code, said = administrator.run("resume", "--wait")

    # Three failed, each with its reason; the rest is done, nobody twice.
    assert (code, said["phase"], said["counts"]["left"]) == (1, "ended", 0), failures(said)
    assert (said["counts"]["merged"], said["counts"]["failed"]) == (PROJECTS - BROKEN, BROKEN)
    assert set(failures(said)) == set(broken)
    assert all("GitHub" in reason for reason in failures(said).values()), failures(said)
    assert updates(installation) == dict.fromkeys(names, 1)
    for name in broken:
        assert (installation.launch(names[name]) or {})["Status"] == "TAINTED"

    # The fault is gone: a wave of the failed.
    github.call("DELETE", "faults")
    code, said = administrator.run("retry", "--wait")
    assert (code, said["again"], said["counts"]["merged"]) == (0, BROKEN, PROJECTS), said
    assert updates(installation) == {name: 2 if name in broken else 1 for name in names}
    for name, project in names.items():
        assert installation.outputs(project)["BuildTemplateVersion"] == second
        assert installation.tree(repositories[name])["README.md"].decode().endswith(LINE)

    # Three a project, those that were tried again counted twice; though the machine was killed in the middle.
    calls = installation.run.standin_aws.call("GET", "calls?service=servicecatalog")
    asked = Counter(call["operation"] for call in calls if call["caller"].endswith(UPDATER))
    assert set(asked) == {"UpdateProvisionedProduct", "DescribeRecord"}
    assert sum(asked.values()) <= 3 * (PROJECTS + BROKEN), asked


def running_execution(installation: Installation) -> str:
    """Return the execution that goes through the waves."""
    machine = installation.stack_outputs("FoundationStack")["RolloutStateMachine"]
    found = installation.client("stepfunctions").list_executions(stateMachineArn=machine, statusFilter="RUNNING")
    (one,) = found["executions"]
    return str(one["executionArn"])


def test_an_aborted_rollout_is_followed_by_one_for_the_rest(installation: Installation, tmp_path: Path) -> None:
    projects = launched(installation, "abort", 4)
    third = publish(installation, tmp_path / "templates", LINE * 2)
    forget_spent_budget(installation.run.home)
    administrator = Administrator(installation)
    chosen = [argument for project in projects for argument in ("--project", project)]
    administrator.run("start", "--version", third, *chosen, "--soak", "1h", "--yes")
    eventually(lambda: any(updates(installation)[f"studio-{project}"] for project in projects))
    administrator.run("abort")
    said = eventually(lambda: standing(administrator, "aborted"))
    assert 0 < said["counts"]["left"] < len(projects)
    left = said["counts"]["left"]
    code, said = administrator.run("start", "--version", third, *chosen, "--yes", "--wait")
    assert (code, said["planned"], said["counts"]["merged"]) == (0, left, left)
    assert {installation.outputs(project)["BuildTemplateVersion"] for project in projects} == {third}
    assert {updates(installation)[f"studio-{project}"] for project in projects} == {1}
