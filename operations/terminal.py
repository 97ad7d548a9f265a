"""The manners of both command lines: colours, tables, how a command ends when it is interrupted or nobody reads on."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import textwrap
import tomllib
from collections.abc import Callable, Sequence
from importlib import metadata
from typing import TextIO

from custom_resources.markdown import printable

INTERRUPTED = 130  # 128 + SIGINT, as shells have it
NOBODY_READS = 141  # 128 + SIGPIPE
_GAP = "  "
_LEAST = 8  # characters of a column, however narrow the terminal
_COLOURS = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "cyan": "36"}


def version() -> str:
    """Return the version of this project, from its sources, else from the package that was installed."""
    from products.settings import PROJECT_ROOT

    source = PROJECT_ROOT / "pyproject.toml"
    if source.is_file():
        return str(tomllib.loads(source.read_text(encoding="utf-8"))["project"]["version"])
    return metadata.version("studio-project-template")


def shows_colours(stream: TextIO) -> bool:
    """Tell whether a stream is a terminal that may be coloured (https://no-color.org)."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def styled(text: str, style: str, stream: TextIO) -> str:
    """Return the text in a colour where the stream shows colours."""
    return f"\033[{_COLOURS[style]}m{text}\033[0m" if shows_colours(stream) else text


def width(stream: TextIO) -> int:
    """Return the columns of a stream: COLUMNS, else the terminal's; 0 for a file or pipe, which have no limit."""
    if stream.isatty() or os.environ.get("COLUMNS", "").isdecimal():
        return shutil.get_terminal_size((80, 24)).columns
    return 0


def table(head: Sequence[str], rows: Sequence[Sequence[str]], columns: int = 0) -> list[str]:
    """Return the lines of a table, at most `columns` wide (0: as wide as it is).

    The widest cells are cut first, with … at the end; a line break in a cell is shown as ↵, and as ? what would move
    the cursor or is not Unicode: names and reasons are other people's.
    """
    lines = [[printable(" ".join(_one_line(cell).split())) for cell in line] for line in (head, *rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    if columns:
        _narrow(widths, columns - len(_GAP) * (len(widths) - 1))
    return [
        _GAP.join(_cut(cell, width).ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    ]


def indented(text: str, columns: int = 0, indent: str = "  ") -> list[str]:
    """Return a text in lines of at most `columns` (0: one line); what is longer, such as an address, stays whole."""
    line = printable(" ".join(text.split()))
    if not columns:
        return [f"{indent}{line}"] if line else []
    return textwrap.wrap(
        line,
        columns,
        initial_indent=indent,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _one_line(cell: str) -> str:
    return " ↵ ".join(cell.strip().splitlines())


def _cut(cell: str, most: int) -> str:
    return cell if len(cell) <= most else f"{cell[: most - 1]}…"


def _narrow(widths: list[int], room: int) -> None:
    """Take what is too much from the widest columns, each at a time."""
    while sum(widths) > room and max(widths) > _LEAST:
        widths[widths.index(max(widths))] -= 1


def ended(run: Callable[[], int], interrupted: Callable[[], None]) -> int:
    """Run a command; return its exit status, also if it is interrupted or nobody reads its output any more."""
    try:
        status = run()
        sys.stdout.flush()
    except KeyboardInterrupt:
        interrupted()
        return INTERRUPTED
    except BrokenPipeError:
        # What Python flushes when it ends goes nowhere (https://docs.python.org/3/library/signal.html#note-on-sigpipe).
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return NOBODY_READS
    return status


def add_manners(parser: argparse.ArgumentParser) -> None:
    """Give a command line `--version`."""
    parser.add_argument("--version", action="version", version=f"studio-mlops {version()}")


def add_completion(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> argparse.ArgumentParser:
    """Give a command line the verb `completion SHELL`."""
    verb = verbs.add_parser(
        "completion",
        help="print a script that completes commands in a shell",
        description='Print a script that completes commands. For bash: eval "$(studio-mlops completion bash)"',
    )
    verb.add_argument("shell", choices=("bash", "zsh", "tcsh"))
    return verb


def completion(parser: argparse.ArgumentParser, shell: str, program: str) -> str:
    """Return a shell's script that completes a command line's verbs and options."""
    import shtab

    parser.prog = program
    return str(shtab.complete(parser, shell))
