"""The command line that all layers share: `build --arch x86_64|arm64 --output DIR [--zip FILE]`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from layers.content import BuildFailed, write_zip

ROOT = Path(__file__).resolve().parents[1]
Action = Callable[[argparse.Namespace], None]
ARCHITECTURES = ("x86_64", "arm64")


def build_parser(description: str) -> argparse.ArgumentParser:
    """Return a parser of the arguments that every layer's build takes."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--arch", choices=ARCHITECTURES, required=True, help="Lambda's name of the architecture")
    parser.add_argument("--output", type=Path, required=True, help="where the content goes: what is below /opt")
    parser.add_argument("--zip", type=Path, help="also write the content as this zip file")
    parser.add_argument("--cache", type=Path, default=ROOT / "build" / "cache", help="downloads, kept by their hash")
    return parser


def build(
    parser: argparse.ArgumentParser, write: Callable[[argparse.Namespace], None], arguments: Sequence[str]
) -> int:
    """Parse the arguments, build and zip; return the exit status."""

    def write_both(options: argparse.Namespace) -> None:
        write(options)
        if options.zip:
            write_zip(options.output, options.zip)

    return run(write_both, parser.parse_args(arguments))


def run(action: Action, options: argparse.Namespace) -> int:
    """Run a command; return 0, or 1 after one sentence on standard error."""
    try:
        action(options)
    except BuildFailed as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except OSError as error:
        sys.stderr.write(f"{error.filename or 'A file'} cannot be used: {error.strerror or error}.\n")
        return 1
    return 0
