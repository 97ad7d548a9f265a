"""What the local run says while it works, and how it ends: a text for people, or one JSON document."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TextIO

from operations.terminal import styled, width


@dataclass(frozen=True)
class Terminal:
    """Progress goes to `stream`; results to stdout, as JSON when `as_json`."""

    as_json: bool = False
    stream: TextIO = sys.stdout
    quiet: bool = False

    @staticmethod
    def for_people() -> Terminal:
        """Everything on stdout."""
        return Terminal()

    @staticmethod
    def for_scripts() -> Terminal:
        """Progress on stderr, the document on stdout."""
        return Terminal(as_json=True, stream=sys.stderr)

    def styled(self, text: str, style: str) -> str:
        """Return the text in a colour where the stream is a terminal that shows them (NO_COLOR is heeded)."""
        return styled(text, style, self.stream)

    def say(self, text: str = "", style: str = "") -> None:
        """Write one line of progress."""
        if not self.quiet:
            clear = "\033[K" if self.stream.isatty() and os.environ.get("TERM") != "dumb" else ""
            print(f"{clear}{self.styled(text, style) if style else text}", file=self.stream, flush=True)

    def transient(self, text: str) -> None:
        """Show a line that the next one replaces, on a terminal; elsewhere write it as any other.

        It is cut at the terminal's width: of a line that wraps, the next one would replace the end only.
        """
        if self.quiet:
            return
        if self.stream.isatty() and os.environ.get("TERM") != "dumb":
            shown = text[: width(self.stream) - 1]
            print(f"{self.styled(shown, 'dim')}\r", end="", file=self.stream, flush=True)
        else:
            self.say(text)

    def step(self, text: str) -> None:
        """Announce what comes next."""
        self.say(f"{self.styled('→', 'cyan')} {text}")

    def result(self, document: Mapping[str, Any], text: str = "") -> None:
        """End a command: the document for scripts, the text for people."""
        if self.as_json:
            print(json.dumps(document, indent=2, default=str), flush=True)
        elif text:
            print(text, flush=True)

    def failure(self, sentence: str) -> None:
        """End a command that failed as can be expected."""
        print(f"error: {sentence}", file=sys.stderr, flush=True)
        if self.as_json:
            print(json.dumps({"error": sentence}), flush=True)
