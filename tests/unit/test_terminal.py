"""The manners of both command lines: tables, colours, pipes, interruptions, versions, completion, console scripts."""

from __future__ import annotations

import argparse
import io
import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from custom_resources.errors import FinalError
from local.arguments import parser as local_parser
from local.projects import show
from local.stacks import Event
from local.terminal import Terminal
from operations import command_line
from operations.rollout.command import interrupted
from operations.terminal import completion, ended, styled, table, version, width

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
HEAD = ("VERSION", "PUBLISHED", "NOTES")
ROWS = [("v1.0.0", "2026-11-01", "First\nof all " + "long " * 40), ("v1.1.0", "2026-11-02", "Short")]
ROOMS = ["operations", "local"]


class Screen(io.StringIO):
    """A terminal."""

    def isatty(self) -> bool:
        return True


# -- tables ----------------------------------------------------------------------------------------------------------


def test_a_table_fits_80_columns_and_cuts_what_is_longest() -> None:
    lines = table(HEAD, ROWS, 80)
    assert [len(line) <= 80 for line in lines] == [True] * 3
    assert lines[1].startswith("v1.0.0   2026-11-01  First ↵ of all long")
    assert lines[1].endswith("…")
    assert lines[2] == "v1.1.0   2026-11-02  Short"


def test_without_a_limit_nothing_is_cut_but_a_line_stays_a_line() -> None:
    lines = table(HEAD, ROWS)
    assert len(lines) == 3
    assert lines[1].count("long") == 40


@pytest.mark.parametrize("columns", [1, 20, 40, 79])
def test_a_narrow_terminal_keeps_the_columns_apart(columns: int) -> None:
    lines = table(HEAD, ROWS, columns)
    assert len({line.find("PUB") for line in lines[:1]}) == 1
    assert all(len(line) <= max(columns, 3 * 8 + 4) for line in lines)


def test_a_pipe_has_no_width(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    assert width(io.StringIO()) == 0
    monkeypatch.setenv("COLUMNS", "72")
    assert width(io.StringIO()) == 72
    assert width(Screen()) == 72


@pytest.mark.parametrize("status", ["CREATE_IN_PROGRESS", "UPDATE_COMPLETE", "DELETE_COMPLETE"])
def test_stack_events_fit_80_columns(monkeypatch: pytest.MonkeyPatch, status: str) -> None:
    """A line that wraps is not replaced by the next one: its beginning stays on the terminal."""
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    for resource, kind in (("BuildConfiguration", "Custom::ActionsConfiguration"), ("x" * 200, "AWS::IAM::Role")):
        screen = Screen()
        show(Terminal(stream=screen))(Event(resource, kind, status, "", 1.5))
        shown = screen.getvalue().replace("\033[K", "").rstrip("\r\n")
        assert resource[:40] in shown
        assert len(shown) <= 80 or (len(resource) > 80 and not status.endswith("PROGRESS"))


# -- colours ---------------------------------------------------------------------------------------------------------


def test_colours_are_for_a_terminal_that_wants_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert styled("x", "red", Screen()) == "\033[31mx\033[0m"
    assert styled("x", "red", io.StringIO()) == "x"
    monkeypatch.setenv("NO_COLOR", "1")
    assert styled("x", "red", Screen()) == "x"
    monkeypatch.delenv("NO_COLOR")
    monkeypatch.setenv("TERM", "dumb")
    assert styled("x", "red", Screen()) == "x"


# -- how a command ends ------------------------------------------------------------------------------------------------


def run(room: str, *arguments: str, code: str = "") -> subprocess.Popen[str]:
    """Start a command line, after some code in its process."""
    program = f"import sys\n{code}\nsys.argv = {[room, *arguments]!r}\n"
    program += f"import runpy; runpy.run_module({room!r}, run_name='__main__')"
    return subprocess.Popen(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env={**os.environ, "PYTHONUNBUFFERED": ""},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize("room", ROOMS)
def test_a_closed_pipe_is_no_traceback(room: str) -> None:
    process = run(room, "--help")
    assert process.stdout and process.stderr
    process.stdout.close()
    assert "Traceback" not in process.stderr.read()
    process.wait(60)
    shown = run(room, "completion", "bash")
    assert shown.stdout and shown.stderr
    shown.stdout.readline()
    shown.stdout.close()  # as `head -1` does
    assert shown.stderr.read() == ""
    assert shown.wait(60) in (0, 141)


@pytest.mark.parametrize("room", ROOMS)
@pytest.mark.parametrize("module", ["pydantic", "argparse", "operations.terminal"])
def test_an_interruption_is_130_however_early(room: str, module: str) -> None:
    code = (
        "class Interrupted:\n"
        "    def find_spec(self, name, path, target=None):\n"
        f"        if name == {module!r}: raise KeyboardInterrupt\n"
        "sys.meta_path.insert(0, Interrupted())"
    )
    process = run(room, "status", code=code)
    _, said = process.communicate(timeout=60)
    assert "Traceback" not in said
    assert process.returncode == 130


def test_an_interruption_says_that_the_rollout_goes_on(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def waiting(account: str, act: object) -> object:
        raise KeyboardInterrupt

    monkeypatch.setattr("operations.rollout.command.at_each", waiting)
    assert command_line.main(["rollout", "status", "--wait", "--json"]) == 130
    assert json.loads(capsys.readouterr().out) == {"error": "Interrupted."}
    options = argparse.Namespace(waiting="20261128-080000-v1.1.0")
    assert "The rollout 20261128-080000-v1.1.0 continues" in interrupted(options)


def test_any_end_but_these_is_the_commands_own() -> None:
    assert ended(lambda: 3, lambda: None) == 3
    with pytest.raises(FinalError):
        ended(_fails, lambda: None)


def _fails() -> int:
    raise FinalError("told by the command line")


# -- versions, completion, console scripts ----------------------------------------------------------------------


@pytest.mark.parametrize("room", ROOMS)
def test_the_version_is_the_projects(room: str) -> None:
    said, _ = run(room, "--version").communicate(timeout=60)
    assert said == f"studio-mlops {PROJECT['version']}\n"
    assert version() == PROJECT["version"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "tcsh"])
def test_a_shell_completes_verbs_and_options(shell: str) -> None:
    script = completion(command_line._parser(), shell, "studio-mlops")
    assert "studio-mlops" in script
    for word in ("publish", "rollout", "doctor", "failures"):
        assert word in script
    assert "create-project" in completion(local_parser(), shell, "studio-mlops-local")


def test_bash_completes_what_is_typed() -> None:
    script = completion(command_line._parser(), "bash", "studio-mlops")
    function = re.search(r"complete .*-F (\S+) studio-mlops", script)
    assert function
    typed = (
        f"{script}\nCOMP_WORDS=(studio-mlops publish --not); COMP_CWORD=2\n"
        f'{function[1]} studio-mlops --not publish\nprintf "%s\\n" "${{COMPREPLY[@]}}"'
    )
    done = subprocess.run(["bash", "-c", typed], capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout.split() == ["--notes"], done.stderr


def test_console_scripts_lead_to_the_command_lines() -> None:
    for name, target in PROJECT["scripts"].items():
        module, _, function = target.partition(":")
        code = (
            f"import sys; from {module} import {function}; sys.argv = [{name!r}, '--version']; sys.exit({function}())"
        )
        done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stdout) == (0, f"studio-mlops {PROJECT['version']}\n"), done.stderr


def test_a_command_finds_the_clone_that_it_is_run_in(tmp_path: Path) -> None:
    """Installed as a package, its own folder is none."""
    installed = tmp_path / "site-packages"
    for room in ("products", "custom_resources"):
        installed.mkdir(exist_ok=True)
        subprocess.run(["cp", "-r", str(ROOT / room), str(installed)], check=True)
    code = "from products.settings import PROJECT_ROOT; print(PROJECT_ROOT)"
    for folder, found in ((ROOT / "docs", ROOT), (tmp_path, installed)):
        environment = {**os.environ, "PYTHONPATH": str(installed), "PYTHONSAFEPATH": "1"}
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=folder, env=environment, capture_output=True, text=True, check=True
        )
        assert done.stdout.strip() == str(found)


def test_what_is_installed_with_the_commands_is_pinned() -> None:
    names = {re.split(r"[<>=\[ ]", each)[0].lower() for each in PROJECT["dependencies"]}
    pinned = re.findall(r"^([\w.-]+)==", (ROOT / "requirements.txt").read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert names - {name.lower() for name in pinned} == set()
