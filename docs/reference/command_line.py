"""The page of the two command lines, from their parsers."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator

import local.arguments
import operations.command_line
from docs.reference import tables


def page() -> str:
    """Return the page's text: each verb with its options."""
    return tables.page(
        "Command line",
        "`python -m operations` is the administrator's, `python -m local` the run on one machine. Installed from the",
        "clone, they are `studio-mlops` and `studio-mlops-local`. `-h` shows the same.",
        "",
        *_program("python -m operations", operations.command_line._parser()),
        *_program("python -m local", local.arguments.parser()),
    )


def verbs(parser: argparse.ArgumentParser, path: str = "") -> Iterator[tuple[str, str, argparse.ArgumentParser]]:
    """Yield each verb with its help and its parser; a verb's own verbs after it."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            helps = {each.dest: each.help or "" for each in action._choices_actions}
            for name, each in action.choices.items():
                yield f"{path}{name}", helps.get(name, ""), each
                yield from verbs(each, f"{path}{name} ")


def options(parser: argparse.ArgumentParser) -> list[argparse.Action]:
    """Return what a verb takes, without its help and its verbs."""
    left_out = (argparse._HelpAction, argparse._SubParsersAction)
    return [each for each in parser._actions if not isinstance(each, left_out) and each.help != argparse.SUPPRESS]


def _program(program: str, parser: argparse.ArgumentParser) -> Iterator[str]:
    yield from (f"## {program}", "")
    for name, said, verb in verbs(parser):
        yield from (f"### {program.rsplit(maxsplit=1)[-1]} {name}", "")
        yield from (f"{said[:1].upper()}{said[1:]}.", "") if said else ()
        rows = [_option(each) for each in options(verb)]
        yield from tables.table(("option", "what it does"), rows) if rows else ()


def _option(action: argparse.Action) -> Iterable[str]:
    names = ", ".join(f"`{name}`" for name in action.option_strings) or f"`{action.metavar or action.dest}`"
    value = ""
    if action.option_strings and action.nargs != 0:
        value = f" {action.metavar or action.dest.upper()}" if not action.choices else ""
    choices = f" One of {', '.join(map(str, action.choices))}." if action.choices else ""
    said = (
        (action.help or "") % {"default": action.default} if "%(default)" in (action.help or "") else action.help or ""
    )
    return names + value, f"{said}{choices}".strip()
