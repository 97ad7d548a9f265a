"""A commit of given files, written as the stream that git fast-import reads."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable
from typing import BinaryIO, cast

from custom_resources.clients.git.failures import GitFailed, clean
from custom_resources.clients.git.model import ROBOT
from custom_resources.clients.git.objects import name_of
from custom_resources.clients.git.processes import Processes
from custom_resources.errors import ImportFailed
from custom_resources.template_content import TemplateFile

_IMPORT_REF = "refs/import/commit"


def import_files(
    processes: Processes,
    files: Iterable[TemplateFile],
    note: Callable[[str], object],
    *,
    message: str,
    parent: str,
    when: str,
) -> str:
    """Write a commit that holds exactly these files; return its name. One process.

    `note` gets the name of each content, `when` is git's raw date. Raises ImportFailed.
    """
    with cast("BinaryIO", tempfile.TemporaryFile()) as stream:

        def data(content: bytes) -> None:
            stream.write(b"data %d\n" % len(content) + content + b"\n")

        person = f"committer {ROBOT[0]} <{ROBOT[1]}> {when}"
        stream.write(f"commit {_IMPORT_REF}\nmark :1\n{person}\n".encode())
        data(message.encode())
        if parent:
            stream.write(f"merge {parent}\n".encode())  # "from" would read the parent's files, only to drop them
        for file in files:
            mode = b"100755" if file.executable else b"100644"
            stream.write(b"M %s inline %s\n" % (mode, _quoted(file.path)))
            data(file.content)
            note(name_of("blob", file.content))
        stream.write(b"get-mark :1\n")
        stream.seek(0)
        return _import(processes, stream, offline=not parent)


def _import(processes: Processes, stream: BinaryIO, offline: bool) -> str:
    try:
        _, out = processes.run("fast-import", "--quiet", "--force", stdin=stream, offline=offline)
    except GitFailed as failed:
        raise ImportFailed(message=clean(failed.said).rstrip(".")) from None
    return out.decode().strip()


def _quoted(path: str) -> bytes:
    """C-style quoting of fast-import."""
    escaped = path.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return b'"' + escaped.encode("utf-8", "surrogateescape") + b'"'
