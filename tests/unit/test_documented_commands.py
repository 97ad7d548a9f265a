"""Each command in a block of the documentation is run by the tour, or named with the reason why it is not."""

from __future__ import annotations

import argparse
import re
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from local.arguments import parser as local_parser
from operations.command_line import _parser as operations_parser
from tests.e2e.documents import ROOT, Command, commands, pages
from tests.e2e.tour_plan import RUN_ELSEWHERE, TOURED
from tests.unit.test_docs import named_in

COMMANDS = [command for page in pages() for command in commands(page)]
_OURS = re.compile(r"(?:^|-m )(operations|local) ([a-zA-Z-][^`|;&)]*)")
NAMED = {command for named in RUN_ELSEWHERE.values() for command in named}


def test_every_command_is_run_or_named_with_a_reason() -> None:
    assert len(COMMANDS) > 80
    assert [str(each) for each in COMMANDS if each.plain not in NAMED and each.page not in TOURED] == []


def test_only_commands_that_a_document_has_are_named() -> None:
    assert NAMED - {each.plain for each in COMMANDS} == set()
    assert len(NAMED) == sum(map(len, RUN_ELSEWHERE.values())), "named twice"


def test_tests_and_steps_that_run_them_exist() -> None:
    steps = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    for reason in RUN_ELSEWHERE:
        path, _, name = reason.partition("::")
        if name:
            assert name in named_in(path), reason
        for step in re.findall(r"[a-z-]+", reason.partition(":")[0]) if reason.startswith(".ci/run ") else ():
            assert step in ("ci", "run") or re.search(rf"^step .*\b{step}$", steps, re.MULTILINE), reason


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.name)
def test_a_shell_understands_every_command(page: Path) -> None:
    for command in commands(page):
        done = subprocess.run(["bash", "-n"], input=command.text, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{command}: {done.stderr}"


def unknown(verb: str, words: Sequence[str]) -> str:
    """Return the first word that `python -m operations` (or local) does not know as a verb or an option, or ""."""
    parser: argparse.ArgumentParser = {"operations": operations_parser, "local": local_parser}[verb]()
    for word in words:
        nested = next((each for each in parser._actions if isinstance(each, argparse._SubParsersAction)), None)
        if nested and not word.startswith("-"):
            if word not in nested.choices:
                return "" if word.isupper() else word
            parser = nested.choices[word]
        elif word.startswith("--") and word.partition("=")[0] not in parser._option_string_actions:
            return word
    return ""


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.name)
def test_verbs_and_options_in_the_text_exist(page: Path) -> None:
    """Those between backticks, whole or begun: `operations status --drift`; and those of the blocks."""
    inline = MarkdownIt("commonmark").parse(page.read_text(encoding="utf-8"))
    spans = [each.content for token in inline for each in token.children or () if each.type == "code_inline"]
    lines = [" ".join(span.split()) for span in spans] + [command.plain for command in commands(page)]
    named = [found for line in lines for found in _OURS.findall(line)]
    assert [(verb, rest) for verb, rest in named if unknown(verb, rest.split())] == []


def test_what_does_not_exist_is_found() -> None:
    assert unknown("operations", ["rollout", "start", "--version", "v1.0.0"]) == ""
    assert unknown("operations", ["rollout", "begin"]) == "begin"
    assert unknown("local", ["studio", "create-project", "demo", "--kind", "iam"]) == "--kind"
    assert unknown("operations", ["VERB"]) == ""


def test_commands_are_found_in_every_kind_of_block(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "# One\n\n```sh\nmake a   # why\nfor X in a b; do\n  echo $X\ndone\n```\n\n## Two\n\n"
        "    python -m local status\n    with GitHub() as github:  # no command\n\n"
        "1. Item\n   ```sh\n   printf %s 'it is one' | \\\n     aws x\n   ```\n\n```json\n{}\n```\n"
    )
    assert commands(page) == [
        Command("page.md", 4, "make a   # why", "One"),
        Command("page.md", 5, "for X in a b; do\n  echo $X\ndone", "One"),
        Command("page.md", 12, "python -m local status", "Two"),
        Command("page.md", 17, "printf %s 'it is one' | \\\n  aws x", "Two"),
    ]
    assert [each.plain for each in commands(page)][:2] == ["make a", "for X in a b; do echo $X done"]
