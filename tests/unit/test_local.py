"""The local run's folder, its waiting for stacks, and its command line before and beyond what is expected."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil
import pytest

from local import processes, run, stacks, verbs
from local.home import Home, LocalError, Process, State

ROOT = Path(__file__).parents[2]


def local(*arguments: str, home: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a verb that starts nothing."""
    return subprocess.run(
        [sys.executable, "-m", "local", *arguments],
        cwd=ROOT,
        env={**os.environ, "LOCAL_HOME": str(home), **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def refusal(done: subprocess.CompletedProcess[str]) -> str:
    """Return the one sentence, which is the JSON document, too."""
    assert done.returncode == 1, done
    assert "Traceback" not in done.stderr
    error = json.loads(done.stdout)
    assert set(error) == {"error"}
    assert done.stderr.splitlines()[-1] == f"error: {error['error']}"
    return str(error["error"])


@pytest.fixture
def main(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """The command line in this process, which keeps its AWS settings."""
    monkeypatch.setenv("LOCAL_HOME", str(tmp_path / "home"))
    monkeypatch.setattr("local.cloud.forget_real_accounts", lambda: None)
    return verbs.main


# -- whose folder it is -------------------------------------------------------------------------------------------


def test_a_folder_of_other_things_is_never_removed(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    sentence = f"The folder {tmp_path} does not belong to a run; nothing was removed."

    assert refusal(local("down", "--wipe", "--json", home=tmp_path)) == sentence
    assert json.loads(local("down", "--json", home=tmp_path).stdout) == {"stopped": [], "wiped": False}
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]

    home = Home(tmp_path)  # somebody lets a run write there all the same
    home.make()
    home.save(State())
    home.make()
    with pytest.raises(LocalError, match="does not belong to a run"):
        run.down(home, wipe=True)
    assert (tmp_path / "thesis.txt").exists()


@pytest.mark.parametrize("there", [False, True])
def test_a_folder_made_here_or_found_empty_is_the_runs(tmp_path: Path, there: bool) -> None:
    home = Home(tmp_path / "home")
    if there:
        home.path.mkdir()
    home.make()
    (home.path / "notes.txt").write_text("of later")

    answer = json.loads(local("down", "--wipe", "--json", home=home.path).stdout)

    assert answer == {"stopped": [], "wiped": True}
    assert not home.path.exists()


def test_a_run_of_before_the_marker_can_be_removed(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    for folder in (home.logs, home.github):
        folder.mkdir(parents=True)
    home.save(State())
    run.down(home, wipe=True)
    assert not home.path.exists()


def test_a_demonstration_that_was_kept_ends_with_the_folder(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    home.make()
    home.demonstration.make()
    kept = psutil.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    home.demonstration.save(State(processes={"aws": Process(pid=kept.pid, created=kept.create_time(), port=9)}))
    run.down(home, wipe=False)
    assert kept.poll() is None, "it is another run"
    run.down(home, wipe=True)
    assert kept.wait(10) != 0
    assert not home.path.exists()


def test_what_could_not_be_removed_is_not_said_to_be(
    tmp_path: Path,
    main: Callable[..., int],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    Home(tmp_path / "home").make()
    monkeypatch.setattr(shutil, "rmtree", lambda *_, **__: None)
    assert main(["down", "--wipe", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["wiped"] is False


# -- an operation's own end ---------------------------------------------------------------------------------------


class OneStack:
    """A CloudFormation with one stack, whose states follow each other as it is looked at."""

    def __init__(self, *states: str) -> None:
        self.states = list(states)
        self.asked: list[str] = []

    def describe_stacks(self, **_: str) -> dict[str, Any]:
        state = self.states.pop(0) if len(self.states) > 1 else self.states[0]
        return {
            "Stacks": [{"StackName": "one", "StackId": "id", "StackStatus": state, "CreationTime": datetime.now(UTC)}]
        }

    def delete_stack(self, **_: str) -> None:
        self.asked.append("delete")

    def get_paginator(self, _: str) -> OneStack:
        return self

    def paginate(self, **_: str) -> Iterator[dict[str, Any]]:
        return iter(())


def all_of(cloud: OneStack) -> stacks.Stacks:
    return stacks.Stacks(cloud)  # type: ignore[arg-type]


@pytest.fixture
def quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stacks, "_POLL_SECONDS", 0.001)
    monkeypatch.setattr(stacks, "_UNTOUCHED_SECONDS", 0.05)


@pytest.mark.usefixtures("quickly")
@pytest.mark.parametrize("before", ["CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE"])
def test_a_deletion_ends_when_the_stack_is_deleted(before: str) -> None:
    cloud = OneStack(before, before, before, "DELETE_IN_PROGRESS", "DELETE_COMPLETE")
    assert all_of(cloud).delete("one", lambda _: None).status == "DELETE_COMPLETE"


@pytest.mark.usefixtures("quickly")
def test_a_deletion_that_does_not_begin_is_not_waited_for_without_end() -> None:
    with pytest.raises(stacks.StackFailed, match="ended as UPDATE_COMPLETE"):
        all_of(OneStack("UPDATE_COMPLETE")).delete("one", lambda _: None)


@pytest.mark.parametrize("state", ["CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"])
def test_a_stack_that_changes_is_left_alone(state: str) -> None:
    cloud = OneStack(state)
    with pytest.raises(LocalError, match=f"The stack one is still changing .{state}."):
        all_of(cloud).delete("one", lambda _: None)
    with pytest.raises(LocalError, match="still changing"):
        all_of(cloud).deploy("one", "http://template", {}, lambda _: None)
    assert cloud.asked == []


# -- the command line ---------------------------------------------------------------------------------------------


def test_without_git_it_says_so(tmp_path: Path) -> None:
    assert "git is not installed" in refusal(local("up", "--json", home=tmp_path, PATH=str(tmp_path)))


def test_without_node_it_says_so(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "git").symlink_to(str(shutil.which("git")))
    (tmp_path / "bin" / "node").write_text("#!/bin/sh\necho v18.19.0\n")
    (tmp_path / "bin" / "node").chmod(0o755)
    sentence = "Node 20 or newer is not installed; install it."
    home = tmp_path / "home"

    assert refusal(local("up", "--json", home=home, PATH=str(tmp_path / "bin"))) == sentence
    (tmp_path / "bin" / "node").unlink()
    assert refusal(local("up", "--json", home=home, PATH=str(tmp_path / "bin"))) == sentence


@pytest.mark.parametrize(
    ("said", "enough"), [("v20.0.0\n", True), ("v24.1.0\n", True), ("v18.19.1\n", False), ("", False)]
)
def test_which_node_is_new_enough(said: str, enough: bool) -> None:
    assert processes._new_enough(said) is enough


@pytest.mark.parametrize(
    ("notes", "said"),
    [
        (b"\xff", "is not valid UTF-8"),
        pytest.param(b"x" * 8192, "The version's notes cannot be used", marks=pytest.mark.slow),  # in the synthesis
    ],
)
def test_notes_that_no_record_can_hold(tmp_path: Path, notes: bytes, said: str) -> None:
    content = tmp_path / "content" / "tabular"
    for part in ("model_build", "model_deploy"):
        (content / part).mkdir(parents=True)
        (content / part / "a.py").write_text("a\n")
    home = Home(tmp_path / "home")
    home.versions.mkdir(parents=True)
    arguments = ["publish", "--json", "--template-source", str(tmp_path / "content"), "--version", "v9.0.0"]
    assert said in refusal(local(*arguments, "--notes", os.fsdecode(notes), home=home.path))
    assert not (home.versions / "v9.0.0").exists()


@pytest.mark.parametrize("url", ["https://hunter2@git.example.com/api/v3", "https://:hunter2@git.example.com/api/v3"])
def test_a_token_in_an_address_is_neither_used_nor_repeated(
    main: Callable[..., int], capsys: pytest.CaptureFixture[str], url: str
) -> None:
    """Also in the source of a template, and in the server's address."""
    fine = "https://git.example.com/api/v3"
    for arguments in (
        ["--github-api-url", url, "--organization", "acme"],
        ["--github-api-url", fine, "--github-server-url", url, "--organization", "acme"],
    ):
        assert main(["up", "--json", *arguments]) == 1
    assert main(["publish", "--json", "--template-source", url]) == 1
    said = capsys.readouterr()
    assert "hunter2" not in said.out + said.err
    assert said.err.count("***@git.example.com") == 2
    assert said.err.count("contains a password or a token") == 1


def test_what_an_interrupted_up_left_is_shown(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    home.make()
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        created = psutil.Process(child.pid).create_time()
        home.save(State(processes={"github": Process(pid=child.pid, created=created, port=4321)}))
        document = json.loads(local("status", "--json", home=home.path).stdout)
        text = local("status", home=home.path).stdout
    finally:
        child.communicate(b"\n", timeout=10)

    assert document["running"] is False
    assert document["processes"] == {"github": {"pid": child.pid, "url": "http://127.0.0.1:4321"}}
    assert "http://127.0.0.1:4321" in text
    assert "Nothing is running" not in text
    assert "Nothing is running" in local("status", home=home.path).stdout


@pytest.mark.parametrize("module", ["pydantic", "botocore.exceptions", "local.arguments"])
def test_an_interruption_while_modules_are_imported_is_no_traceback(module: str) -> None:
    program = (
        "import runpy, sys\n"
        "class Interrupted:\n"
        "    def find_spec(self, name, path, target=None):\n"
        f"        if name == {module!r}: raise KeyboardInterrupt\n"
        "sys.meta_path.insert(0, Interrupted())\n"
        "sys.argv = ['local', 'status', '--json']\n"
        "runpy.run_module('local', run_name='__main__')\n"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 130
    assert "Traceback" not in done.stderr
    assert "interrupted" in json.loads(done.stdout)["error"]


def test_what_nobody_foresaw_is_one_sentence_and_a_traceback_in_the_log(
    tmp_path: Path,
    main: Callable[..., int],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def broken(*_: Any) -> None:
        raise ZeroDivisionError("of all things")

    monkeypatch.setitem(verbs._VERBS, "status", broken)
    log = tmp_path / "home" / "logs" / "unexpected.log"

    assert main(["status", "--json"]) == 1

    output = capsys.readouterr()
    assert json.loads(output.out) == {"error": f"unexpected: ZeroDivisionError; see {log}"}
    assert output.err == f"error: unexpected: ZeroDivisionError; see {log}\n"
    assert "ZeroDivisionError: of all things" in log.read_text()
    assert "Traceback" in log.read_text()
