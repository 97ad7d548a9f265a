"""Each profile as a data scientist gets it: launched on the embedded run, cloned, its READMEs followed word for word.

Workflows run as GitHub would run them (runner.py), with the secrets and variables that the launch has set.
"""

from __future__ import annotations

import gzip
import json
import random
import re
import shutil
import subprocess
import time
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from os import environ, times
from pathlib import Path
from typing import Any

import pytest

from local.home import Home
from tests.e2e.command_line import CommandLine, Observer
from tests.sharing import synthesized_before
from tests.templates import aws_server, readme
from tests.templates.aws_services import Services
from tests.templates.bedrock import Bedrock, name_models
from tests.templates.environments import NO_PYTHON, TEMPLATES, environment, made, python
from tests.templates.runner import Run, Runner

# Long: four launches, and what their READMEs say; it uses the environments of the templates' locks (make tools).
pytestmark = [
    pytest.mark.long,
    pytest.mark.timeout(2400),
    pytest.mark.shares("launched templates", seconds=300),
    pytest.mark.skipif(not python(), reason=NO_PYTHON),
]
PROFILES = ("regression", "classification", "batch", "llm-evaluation")
PARTS = {"build": "model_build", "deploy": "model_deploy"}


@dataclass
class Launched:
    """A project: its two clones, and its repositories as GitHub runs their workflows, in the account it was made in."""

    profile: str
    id: str
    clones: dict[str, Path]
    runners: dict[str, Runner]
    account: aws_server.Account

    @property
    def prefix(self) -> str:
        """Where the project's files are in its bucket."""
        facts = {**self.runners["build"].secrets, **self.runners["build"].variables}
        return "/".join(facts[f"AMAZON_DATAZONE_{name}"] for name in ("DOMAIN", "PROJECT", "SCOPENAME"))

    def follow(self, part: str, step: readme.Step) -> Run:
        """Do what a README says; fail unless it succeeds."""
        if step.workflow:
            done = self.runners[part].run(step.workflow, "workflow_dispatch", None, **dict(step.inputs))
        else:
            done = self._typed(part, step.line)
        assert "failure" not in done.jobs.values(), done.log + self.logs()
        return done

    def _typed(self, part: str, line: str) -> Run:
        """Type a line as somebody in a space of the project does, where the project's role is at hand."""
        clone, aws = self.clones[part], self.account.services
        role = {"AWS_ACCESS_KEY_ID": "PROJECT", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_DEFAULT_REGION": aws.region}
        path = f"{clone / '.venv/bin'}:{environ['PATH']}"
        ran = subprocess.run(
            ["bash", "-ec", line.replace("<project id>", self.id)],
            cwd=clone,
            env={"PATH": path, "HOME": str(clone.parent), "AWS_ENDPOINT_URL": aws.address, **role},
            capture_output=True,
            text=True,
            check=False,
        )
        return Run({line: "failure" if ran.returncode else "success"}, ran.stdout + ran.stderr)

    def approve(self) -> None:
        """Approve every model, as people do in Studio."""
        for package in self.account.services.packages:
            package["ModelApprovalStatus"] = "Approved"

    def logs(self) -> str:
        """Return what the executions' steps wrote."""
        return "\n".join(execution.log for execution, _ in self.account.services.executions.values())


@pytest.fixture(scope="module")
def cli(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CommandLine]:
    """A local run of its own, whose newest version is the one that we publish."""
    line = CommandLine(tmp_path_factory.mktemp("local"))
    synthesized_before(Home(line.home), tmp_path_factory, newest=True)
    line.done("up")
    try:
        yield line
    finally:
        line.run("down", "--wipe")


@pytest.fixture(scope="module", params=PROFILES)
def launched(
    request: pytest.FixtureRequest, cli: CommandLine, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Launched]:
    profile, seen = request.param, Observer(cli)
    done = cli.done("launch", f"a-{profile}", "--profile", profile)
    place = tmp_path_factory.mktemp(profile)
    clones, facts = {}, {}
    for part, folder in PARTS.items():
        (place / part).mkdir()
        name = done["repositories"][part]["name"]
        clones[part] = seen.clone(name, place / part / "clone")
        (clones[part] / ".venv").symlink_to(environment(TEMPLATES / profile / folder))
        (clones[part] / ".venv/.installed").touch()  # newer than the clone's lock
        facts[part] = seen.repository(name)
    secrets = facts["build"]["secrets"]
    account = done["outputs"]["WorkflowRoleArn"].split(":")[4]
    region, bucket = secrets["REGION"], secrets["ARTIFACT_BUCKET"]
    s3 = aws_server.client(seen.ministack_url, account, region)
    steps = clones["build"] / ".venv/bin/python"
    with aws_server.served(Services(s3, steps, place / "aws", account, region), bucket) as serving:
        aws = {"AWS_ENDPOINT_URL": serving.services.address, "AWS_EC2_METADATA_DISABLED": "true"}
        runners = {
            part: Runner(clones[part], clones[part] / ".venv/bin", there["secrets"], there["variables"], aws)
            for part, there in facts.items()
        }
        yield Launched(profile, done["project_id"], clones, runners, serving)


def offline() -> list[str]:
    """Return what cuts a command off the network: a namespace without one, where that may be made."""
    command = ["unshare", "--map-root-user", "--net"]
    if shutil.which("unshare") and subprocess.run([*command, "true"], check=False).returncode == 0:
        return command
    return []


@pytest.mark.parametrize("part", PARTS)
def test_the_commands_of_its_readme_work_offline_within_a_minute(launched: Launched, part: str) -> None:
    lines = list(readme.work(launched.clones[part]))
    assert lines[:3] == ["make setup", "make check", "make local"]
    for line in lines[:3]:
        started, began = times(), time.monotonic()
        done = made(launched.clones[part], line.removeprefix("make "), offline())
        assert done.returncode == 0, done.stdout + done.stderr
        after = times()
        # Of processors, where other tests share the machine; never longer than five times that.
        processors = after.children_user + after.children_system - started.children_user - started.children_system
        assert processors < 60
        assert time.monotonic() - began < 300


def reported(launched: Launched) -> dict[str, Any]:
    """Return the metrics that `make local` has written."""
    file = launched.clones["build"] / "build/local/evaluation/evaluation.json"
    report = json.loads(file.read_text())
    [found] = [values for group, values in report.items() if group.endswith("_metrics")]
    return dict(found)


def test_its_metric_beats_its_limit_and_a_trivial_baseline(launched: Launched) -> None:
    found = reported(launched)
    limits = tomllib.loads((launched.clones["build"] / "config.toml").read_text())["limits"]
    if launched.profile == "regression":
        assert found["rmse"]["value"] <= limits["rmse"] < found["baseline_rmse"]["value"]
    elif launched.profile == "llm-evaluation":
        assert found["pass_rate"]["value"] >= limits["pass_rate"]
        assert found["win_rate"]["low"] > limits["win_rate"] == 0.5
    else:
        assert found["auc"]["value"] >= limits["auc"] > 0.5
        assert found["log_loss"]["value"] < found["baseline_log_loss"]["value"]
        assert found["accuracy"]["value"] > found["baseline_accuracy"]["value"]


BROKEN = {"regression": "diameter", "classification": "savings", "batch": "savings", "llm-evaluation": "expected"}


def with_broken_column(file: Path, column: str) -> None:
    packed = file.suffix == ".gz"
    content = gzip.decompress(file.read_bytes()) if packed else file.read_bytes()
    changed = re.sub(rf"\b{column}\b".encode(), b"mistake", content, count=1)
    assert changed != content
    file.write_bytes(gzip.compress(changed) if packed else changed)


@pytest.mark.parametrize("part", PARTS)
def test_a_broken_column_ends_in_a_sentence(launched: Launched, part: str, tmp_path: Path) -> None:
    if not (launched.clones[part] / "data").exists():
        pytest.skip("This part has no data.")
    clone = shutil.copytree(launched.clones[part], tmp_path / "clone", symlinks=True)
    [file] = (clone / "data").glob("*.csv*")
    with_broken_column(file, BROKEN[launched.profile])
    done = made(clone, "local")
    assert done.returncode != 0
    assert f"{file.name} has no column {BROKEN[launched.profile]}. It has " in done.stderr
    assert "Correct the data" in done.stderr
    assert "Traceback" not in done.stderr


# -- the first three things --------------------------------------------------------------------------------------------


def own_data(launched: Launched) -> None:
    """Put data of one's own where the third thing says, and name their columns in config.toml."""
    rows, made_up = [["rooms", "town", "price"]], random.Random(5)
    for _ in range(400):
        rooms, town = made_up.randint(1, 9), made_up.choice(["Oslo", "Bergen"])
        price = 40 + 30 * rooms + 50 * (town == "Oslo") + made_up.gauss(0, 5)
        rows.append([str(rooms), town, f"{price:.1f}" if launched.profile == "regression" else str(price > 200)])
    folder = f"{launched.prefix}/data/"
    s3, bucket = launched.account.services.s3, launched.account.bucket
    for key in launched.account.files(folder):
        s3.delete_object(Bucket=bucket, Key=key)
    text = "\r\n".join(map(",".join, rows))
    s3.put_object(Bucket=bucket, Key=f"{folder}houses.csv", Body=b"\xef\xbb\xbf" + text.encode())
    config = launched.clones["build"] / "config.toml"
    found = config.read_text()
    for pattern, new in (
        (r"(?m)^label = .*", 'label = "price"'),
        (r"(?ms)^numbers = \[.*?\]", 'numbers = ["rooms"]'),
        (r"(?m)^positive = .*", 'positive = "True"'),
        (r"(?ms)^\[data\.categories\]\n.*?\n\n", '[data.categories]\ntown = ["Oslo", "Bergen"]\n\n'),
        (r"(?m)^rmse = .*", "rmse = 20.0"),
    ):
        found = re.sub(pattern, new, found)
    config.write_text(found)


def test_the_first_three_things_of_model_build(launched: Launched) -> None:
    things = readme.first_things(launched.clones["build"])
    assert len(things) == 3
    told = dict(things)
    first, second, third = told
    if launched.profile == "llm-evaluation":
        for step in told[first]:
            launched.follow("build", step)
        launched.account.services.converse = Bedrock(launched.clones["build"]).converse
        assert "Put their ARNs into `candidate.model_id` and `judge.model_id` of `config.toml`" in second
        name_models(launched.clones["build"])
        run = second
    else:
        run = first
    [step] = told[run]
    done = launched.follow("build", step)
    sample = next((launched.clones["build"] / "data").glob("*.csv*")).name
    assert f"of this repository ({sample})" in done.log
    assert "https://" in done.summary
    [package] = launched.account.services.packages
    assert package["ModelPackageArn"].split("/")[1] in done.summary  # the group, which Studio lists
    assert package["ModelApprovalStatus"] == "PendingManualApproval"
    launched.approve()
    if launched.profile == "llm-evaluation":
        return
    assert "in `config.toml`" in third
    assert f"s3://{launched.account.bucket}/{launched.prefix}/data/" in done.summary
    config = (launched.clones["build"] / "config.toml").read_text()
    own_data(launched)
    launched.follow("build", step)
    assert len(launched.account.services.packages) == 2
    (launched.clones["build"] / "config.toml").write_text(config)


def answered(launched: Launched, log: str) -> None:
    """Hold what a line of the README printed."""
    if launched.profile == "llm-evaluation":
        assert log.strip()
    else:
        assert float(log) > 0


def test_the_first_three_things_of_model_deploy(launched: Launched) -> None:
    """After those of model build, whose models are approved: the first one is the one of the sample data."""
    del launched.account.services.packages[1:]
    things = readme.first_things(launched.clones["deploy"])
    assert len(things) == 3
    ran = 0
    for text, steps in things:
        if "Set the repository's variable `TRIGGER_PIPELINE_EXECUTION` to `true`" in text:
            runner = launched.runners["deploy"]
            runner.variables = {**runner.variables, "TRIGGER_PIPELINE_EXECUTION": "true"}
            assert runner.run("score.yml", "schedule").jobs == {"score": "success"}
            ran += 1
        for step in steps:
            done = launched.follow("deploy", step)
            if step.line:
                answered(launched, done.log)
            ran += 1
    assert ran == 3
    if launched.profile != "batch":
        assert {f"studio-{launched.id}-{stage}" for stage in ("staging", "production")} == set(
            launched.account.services.stacks
        )
