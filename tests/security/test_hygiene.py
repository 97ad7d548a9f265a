"""Secrets hygiene: values are planted in a real local run, and all that it leaves behind is searched for them.

Only Secrets Manager is left out, whose purpose is to hold them. The GitHub stand-in, which holds what it is sent, does
not hold them at the end either: a project that is terminated takes the values of secret references back.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from products.settings import settings_path
from tests.e2e.command_line import CommandLine, Observer, Outcome, write
from tests.security import leaks
from tests.security.leaks import Item, Watch, found_in

# A whole run, and all of its files searched; test_fuzz.py and the tests of each client plant values, too.
pytestmark = [pytest.mark.slow, pytest.mark.long, pytest.mark.timeout(900), pytest.mark.shares("hygiene", seconds=60)]

TOKEN = "canary-token-5f1Qm8ZrT0vKx2LwYb7N"  # not of GitHub's shape: the local run would not send that to a stand-in
ROTATED = "canary-rotated-Jc4Ee9UuP3sHd6GkAa1X"
WRONG = "canary-wrong-Wn8Vf2RiS7oBq5MtCz0D"
PLAIN = 'canary-plain-"Hh6/Kk+9 & <Yy=3>%\\é-Rr7Tt2Pp8Ww4'
KEYED = "canary-keyed-Ll5Nn1Dd9Ff3Gg7"
WORKFLOW = "on: push\njobs: {a: {runs-on: ubuntu-24.04, steps: [{run: make}]}}\n"
TEMPLATE = {
    "regression/model_build/train.py": "one\n",
    "regression/model_build/.github/workflows/build.yml": WORKFLOW,
    "regression/model_deploy/deploy.py": "one\n",
}
ACCOUNT, REGION = "123456789012", "us-east-1"


@dataclass
class Run:
    """A run that has ended, with what was planted and what it left."""

    cli: Recording
    seen: Observer
    watch: Watch
    tokens: dict[str, str]
    values: dict[str, str]
    outcomes: list[Outcome] = field(default_factory=list)
    delivered: dict[str, str] = field(default_factory=dict)  # what arrived as Actions secrets

    def left(self, *more: Item) -> Iterator[Item]:
        """Yield everything there is to search."""
        yield from leaks.files(self.cli.home.parent)
        yield from leaks.cloud(self.seen.client)
        yield from self.watch.arguments.copy()  # it goes on looking
        yield from self.cli.git_arguments()
        for number, outcome in enumerate(self.outcomes):
            yield f"output {number}", leaks._text(outcome.document) + outcome.errors.encode()
        yield from more


class Recording(CommandLine):
    """A command line that keeps what it printed, and whose temporary files stay below its home's parent."""

    def environment(self, more: Mapping[str, str] | None = None) -> dict[str, str]:
        """Git is a script that notes its arguments: most of git's processes are too short to be watched."""
        known = super().environment(more)
        own = {"TMPDIR": str(self.home.parent / "temporary"), "PATH": f"{self.noting}{os.pathsep}{known['PATH']}"}
        return {**known, **own, "LOCAL_COLD_STARTS": "1"}  # a fork's environment cannot be seen from outside

    def ended(self, arguments: Sequence[str], environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
        """Start each command as users do: its arguments and environment are looked at."""
        return self.started(arguments, environment)

    @property
    def noting(self) -> Path:
        """The folder with that `git`, and what it noted."""
        return self.home.parent.with_name(f"{self.home.parent.name}-git")

    def note_git(self) -> None:
        """Write that `git`."""
        self.noting.mkdir()
        real = shutil.which("git")
        script = f'#!/bin/sh\nprintf \'%s\\0\' git "$@" > "{self.noting}/arguments-$$"\nexec {real} "$@"\n'
        (self.noting / "git").write_text(script, encoding="utf-8")
        (self.noting / "git").chmod(0o755)

    def git_arguments(self) -> list[Item]:
        """Return the arguments of each process of git, NUL between them."""
        return [(f"arguments of {path.name}", path.read_bytes()) for path in self.noting.glob("arguments-*")]


def settings() -> str:
    """Return the shipped settings with two references, at the most talkative log level."""
    text = settings_path().read_text(encoding="utf-8").replace('log_level = "INFO"', 'log_level = "DEBUG"')
    arn = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:"
    references = f'PLAIN_TOKEN = "{arn}canary/plain"\nKEYED_TOKEN = "{arn}canary/keyed#token"\n'
    return text.replace("[secret_references]\n", f"[secret_references]\n{references}")


def app_credentials(seen: Observer) -> str:
    """Register an App on the stand-in; return what an administrator would put into the token secret."""
    app = seen.control("POST", "apps", {"slug": "canary"})
    installed = seen.control("POST", f"apps/{app['id']}/installations", {"organization": seen.organization})
    return json.dumps({"app_id": str(app["id"]), "installation_id": installed["id"], "private_key": app["private_key"]})


def prepared(place: Path) -> Recording:
    """Return the command line of a home with our settings."""
    (place / "temporary").mkdir()
    cli = Recording(place / "local")
    cli.note_git()
    cli.home.mkdir(mode=0o700)
    (cli.home / "settings.toml").write_text(settings(), encoding="utf-8")
    return cli


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """Launch through an App and with a token, fail, update, rotate, terminate; all of it watched."""
    place = tmp_path_factory.mktemp("hygiene")
    cli = prepared(place)
    outcomes: list[Outcome] = []

    def act(*arguments: str, code: int = 0, token: str = "") -> dict[str, Any]:
        outcome = cli.run(*arguments, environment={"GITHUB_TOKEN": token} if token else None)
        outcomes.append(outcome)
        assert outcome.code == code, outcome.document
        return outcome.document

    with Watch(cli.home) as watch:
        try:
            first = write(place / "first", TEMPLATE)
            second = write(place / "second", {**TEMPLATE, "regression/model_build/train.py": "two\n"})
            act("publish", "--template-source", str(first), "--version", "v8.0.0")
            act("up")
            seen = Observer(cli)
            vault = seen.client("secretsmanager")
            vault.create_secret(Name="canary/plain", SecretString=PLAIN)
            vault.create_secret(Name="canary/keyed", SecretString=json.dumps({"token": KEYED}))
            credentials = app_credentials(seen)
            [secret] = [s["Name"] for s in vault.list_secrets()["SecretList"] if "canary" not in s["Name"]]
            vault.put_secret_value(SecretId=secret, SecretString=credentials)
            key = json.loads(credentials)["private_key"]
            middle = key.splitlines()[len(key.splitlines()) // 2]
            tokens = {"token": TOKEN, "rotated": ROTATED, "wrong": WRONG, "key": key, "line of the key": middle}
            done = Run(cli, seen, watch, tokens, {"plain": PLAIN, "keyed": KEYED}, outcomes)

            launched = act("launch", "by-app", "--version", "v8.0.0")
            for token in (TOKEN, ROTATED):
                seen.control("POST", "tokens", {"token": token, "scopes": ["repo", "workflow"]})
            act("launch", "by-token", "--version", "v8.0.0", token=TOKEN)
            done.delivered = seen.repository(launched["repositories"]["build"]["name"])["secrets"]
            change = ["--parameter", "GlueTable=penguins", "--rotate-secrets"]
            act("publish", "--template-source", str(second), "--version", "v8.1.0")
            act("update", "by-token", *change, "--dry-run")
            assert act("update", "by-token", *change)["version"] == "v8.1.0"
            seen.api("POST", f"orgs/{seen.organization}/repos", {"name": "taken", "auto_init": True})
            act("launch", "refused", "--build-repository", "taken", code=1, token=ROTATED)
            act("launch", "locked-out", code=1, token=WRONG)
            act("status", "by-app")
            act("logs", "by-token")
            act("logs")
            act("terminate", "by-app")
            act("terminate", "by-token")
            own = vault.get_secret_value(SecretId=secret)["SecretString"]  # the stand-in's, given in the meantime
            done.tokens["own"] = own
            yield done
        finally:
            cli.run("down")


def test_the_run_used_what_was_planted(run: Run) -> None:
    """Else the search would find nothing in any case."""
    assert {"PLAIN_TOKEN": PLAIN, "KEYED_TOKEN": KEYED}.items() <= run.delivered.items()
    assert len(run.watch.own_arguments) > 20
    for command in (b"fast-import", b"pack-objects", b"merge-tree"):
        assert any(b"\0%s\0" % command in line for _, line in run.cli.git_arguments()), "git's processes were noted"
    assert {outcome.code for outcome in run.outcomes} == {0, 1}


def test_no_secret_is_left_anywhere(run: Run) -> None:
    left = list(run.left())
    assert {"log group", "execution", "history", "events", "template", "s3", "table"} <= {
        where.split(" ")[0] if not where.startswith("log group") else "log group" for where, _ in left
    }
    assert any(where.endswith(".git/config") for where, _ in left)
    assert any(where.endswith(".git (objects)") for where, _ in left)
    assert found_in(left, {**run.tokens, **run.values}) == []
    # What has but the shape of a token may be another program's argument: only this run's are looked at for that.
    ours = [(where, data) for where, data in left if not where.startswith("arguments of ")]
    ours += [*run.watch.own_arguments, *run.cli.git_arguments()]
    assert leaks.shaped_in(ours) == [], "an App's own token, or git's basic authentication"


def test_no_process_but_git_has_a_secret_in_its_environment(run: Run) -> None:
    """Git's is its owner's alone, as that of any process. The command line has what its user gave it."""
    others = [item for item in run.watch.environments if " -m local " not in item[0]]
    assert len(others) > 10, "functions, the cloud's processes"
    assert found_in(others, {**run.tokens, **run.values}) == []
    assert leaks.shaped_in(others) == []


def test_the_watch_would_notice_one(run: Run) -> None:
    planted = "planted-Ee7Yy2Uu9Ii4Oo1Pp"
    environment = {"PATH": os.environ["PATH"], "HOME": str(run.cli.home), "TOKEN": planted}
    with Watch(run.cli.home) as watch:
        subprocess.run(["sleep", "0.5"], env=environment, check=True)
    assert found_in(watch.environments, {"it": planted}) == ["it: environment of sleep 0.5 "]


def test_what_the_run_keeps_is_its_owners(run: Run) -> None:
    for place in (run.cli.home, run.cli.home / "github"):
        assert place.stat().st_mode & 0o077 == 0, place
    assert run.cli.home.stat().st_uid == os.getuid()


@pytest.mark.parametrize("spelling", sorted(leaks.spellings("planted-Zz9 \"Xx8/Yy7+é'")), ids=lambda text: text[:12])
def test_the_search_knows_the_spelling(spelling: bytes) -> None:
    assert found_in([("here", b"before " + spelling + b" after")], {"it": "planted-Zz9 \"Xx8/Yy7+é'"}) == ["it: here"]


def test_the_search_would_find_a_leak_in_each_place(run: Run) -> None:
    planted = "planted-Qq4Mm8Ss1Bb6Vv3Cc"
    temporary = run.cli.home.parent / "temporary" / "left"
    temporary.write_text(json.dumps({"authorization": planted}))
    with zipfile.ZipFile(run.cli.home.parent / "asset.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("in/it.txt", planted * 50)
    work = run.cli.home.parent / "work.git"
    run.seen.git(run.cli.home.parent, "init", "--quiet", "--bare", str(work))
    temporary.with_name("blob").write_text(planted)
    run.seen.git(work, "hash-object", "-w", str(temporary.with_name("blob")))
    run.seen.git(work, "config", "http.extraHeader", f"Bearer {planted}")
    logs = run.seen.client("logs")
    logs.create_log_group(logGroupName="/planted")
    logs.create_log_stream(logGroupName="/planted", logStreamName="1")
    message = json.dumps({"message": json.dumps({"value": planted})})
    logs.put_log_events(
        logGroupName="/planted", logStreamName="1", logEvents=[{"timestamp": 1_700_000_000_000, "message": message}]
    )
    body = {"Description": planted, "Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}}
    run.seen.client("cloudformation").create_stack(StackName="planted", TemplateBody=json.dumps(body))

    found = found_in(run.left(("arguments", planted.encode())), {"it": planted})

    for where in ("temporary/left", "temporary/blob", "asset.zip!in/it.txt", "work.git (objects)", "work.git/config"):
        assert f"it: {where}" in found
    assert "it: log group /planted" in found
    assert any(each.startswith("it: template of ") for each in found)
    assert "it: arguments" in found
    assert leaks.shaped_in([("git", b"Basic eC1hY2Nlc3MtdG9rZW46Z2hwX2FiY2RlZmdo"), ("x", b"ghs_" + b"a" * 36)]) == [
        "git",
        "x",
    ]
