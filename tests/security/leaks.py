"""Looks for planted values in all that a local run leaves behind, in every spelling that tools give a value."""

from __future__ import annotations

import base64
import contextlib
import io
import json
import os
import re
import subprocess
import threading
import time
import urllib.parse
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Item = tuple[str, bytes]  # where it is, what it is
# What GitHub's own tokens look like, and the beginning of git's basic authentication with one (x-access-token:...).
SHAPES = re.compile(rb"gh[pousr]_[A-Za-z0-9]{20,}|" + base64.b64encode(b"x-access-token:") + rb"[A-Za-z0-9+/]{8,}")


def spellings(value: str) -> set[bytes]:
    """Return a value as it is, in base64 wherever it stands in what is encoded, in URLs and in JSON."""
    raw = value.encode()
    found = {raw, urllib.parse.quote(value, safe="").encode(), urllib.parse.quote_plus(value).encode()}
    for ascii_only in (True, False):
        once = json.dumps(value, ensure_ascii=ascii_only)[1:-1]
        found |= {once.encode(), json.dumps(once)[1:-1].encode()}
    for before in range(3):
        # Without the ends, which depend on what stands next to the value.
        text = base64.b64encode(b"\0" * before + raw)[4 if before else 0 : -4]
        found |= {text, text.replace(b"+", b"-").replace(b"/", b"_")}
    return {text for text in found if len(text) >= 12}


def found_in(items: Iterable[Item], values: Mapping[str, str]) -> list[str]:
    """Return `name of the value: where` for each place that holds one, in any spelling."""
    needles = {needle: name for name, value in values.items() for needle in spellings(value)}
    return sorted({f"{name}: {where}" for where, data in items for needle, name in needles.items() if needle in data})


def shaped_in(items: Iterable[Item]) -> list[str]:
    """Return where something has the shape of a credential that nobody planted, such as an App's own token."""
    return sorted(where for where, data in items if SHAPES.search(data))


# -- what a run leaves ----------------------------------------------------------------------------------------------


def files(folder: Path) -> Iterator[Item]:
    """Yield every file below a folder, the members of zip files, and every object of every Git repository."""
    for place in sorted(folder.rglob("*")):
        path = place.relative_to(folder).as_posix()
        if place.is_dir():
            if place.suffix == ".git" and (place / "objects").is_dir():
                yield f"{path} (objects)", _objects(place)
            continue
        if not place.is_file() or place.is_symlink():
            continue
        with contextlib.suppress(FileNotFoundError):
            yield from _file(path, place.read_bytes())


def _file(path: str, data: bytes) -> Iterator[Item]:
    yield path, data
    if zipfile.is_zipfile(io.BytesIO(data)):
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for name in archive.namelist():
                yield f"{path}!{name}", archive.read(name)


def _objects(repository: Path) -> bytes:
    command = ["git", "--git-dir", str(repository), "cat-file", "--batch", "--batch-all-objects", "--unordered"]
    return subprocess.run(command, check=True, capture_output=True, timeout=60).stdout


def cloud(client: Any) -> Iterator[Item]:
    """Yield what the emulated cloud remembers: stacks, logs, executions, objects, tables, functions.

    `client` makes a boto3 client of a service. Secrets Manager is left out: secrets are its purpose.
    """
    yield from _stacks(client("cloudformation"))
    logs = client("logs")
    for group in logs.describe_log_groups()["logGroups"]:
        name = group["logGroupName"]
        events = [
            event["message"]
            for page in logs.get_paginator("filter_log_events").paginate(logGroupName=name)
            for event in page["events"]
        ]
        yield f"log group {name}", "\n".join(events).encode()
    yield from _executions(client("stepfunctions"))
    storage = client("s3")
    for bucket in storage.list_buckets()["Buckets"]:
        for page in storage.get_paginator("list_objects_v2").paginate(Bucket=bucket["Name"]):
            for entry in page.get("Contents", []):
                body = storage.get_object(Bucket=bucket["Name"], Key=entry["Key"])["Body"].read()
                yield from _file(f"s3 {bucket['Name']}/{entry['Key']}", body)
    tables = client("dynamodb")
    for table in tables.list_tables()["TableNames"]:
        yield f"table {table}", _text(tables.scan(TableName=table)["Items"])
    queues = client("sqs")
    for url in queues.list_queues().get("QueueUrls", []):
        yield f"queue {url}", _text(queues.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", []))
    yield "functions", _text(client("lambda").list_functions()["Functions"])
    yield "parameters", _text(client("ssm").describe_parameters()["Parameters"])


def _stacks(client: Any) -> Iterator[Item]:
    summaries = [s for page in client.get_paginator("list_stacks").paginate() for s in page["StackSummaries"]]
    for stack in {summary["StackId"] for summary in summaries}:
        with contextlib.suppress(client.exceptions.ClientError):
            yield f"stack {stack}", _text(client.describe_stacks(StackName=stack)["Stacks"])
        with contextlib.suppress(client.exceptions.ClientError):
            yield f"events of {stack}", _text(client.describe_stack_events(StackName=stack)["StackEvents"])
        with contextlib.suppress(client.exceptions.ClientError):
            yield f"template of {stack}", _text(client.get_template(StackName=stack)["TemplateBody"])


def _executions(client: Any) -> Iterator[Item]:
    for machine in client.list_state_machines()["stateMachines"]:
        arn = machine["stateMachineArn"]
        yield f"state machine {machine['name']}", _text(client.describe_state_machine(stateMachineArn=arn))
        for execution in client.list_executions(stateMachineArn=arn)["executions"]:
            name = execution["executionArn"]
            yield f"execution {name}", _text(client.describe_execution(executionArn=name))
            yield f"history of {name}", _text(client.get_execution_history(executionArn=name)["events"])


def _text(data: Any) -> bytes:
    """Return data with its strings as they are: a string in JSON in a string is not escaped three times."""
    if isinstance(data, Mapping):
        return b"\n".join(_text(part) for pair in data.items() for part in pair)
    if isinstance(data, list | tuple):
        return b"\n".join(map(_text, data))
    return str(data).encode("utf-8", "surrogateescape")


# -- what other users of the machine see --------------------------------------------------------------------------


_SETTLED_SECONDS = 2  # a new process becomes another program within that


@dataclass
class Watch:
    """Looks at every process again and again: its arguments and, of this run, the environment it began with."""

    home: Path
    arguments: set[Item] = field(default_factory=set)  # of every process of the machine
    own_arguments: set[Item] = field(default_factory=set)  # of those of this run
    environments: set[Item] = field(default_factory=set)  # of those of this run but git's
    _end: threading.Event = field(default_factory=threading.Event)
    _known: dict[str, tuple[bytes, float]] = field(default_factory=dict)  # arguments, and since when

    def __enter__(self) -> Watch:
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join(30)

    def _look(self) -> None:
        while not self._end.is_set():
            there = set(filter(str.isdigit, os.listdir("/proc")))  # noqa: PTH208 - many times a second
            self._known = {number: known for number, known in self._known.items() if number in there}
            for number in there:
                with contextlib.suppress(OSError):
                    self._process(number)
            time.sleep(0.04)

    def _process(self, number: str) -> None:
        before, since = self._known.get(number, (b"", time.monotonic()))
        if before and time.monotonic() - since > _SETTLED_SECONDS:
            return
        process = Path("/proc") / number
        line = (process / "cmdline").read_bytes()
        if before == line:
            return
        environment = b""
        with contextlib.suppress(PermissionError):  # another user's
            environment = (process / "environ").read_bytes()
        if (process / "cmdline").read_bytes() != line:
            return  # became another program in between; the next look sees which
        self._known[number] = line, time.monotonic()
        shown = line.replace(b"\0", b" ").decode("utf-8", "replace")
        self.arguments.add((f"arguments of {shown[:80]}", line))
        if str(self.home).encode() not in environment:
            return
        self.own_arguments.add((f"arguments of our {shown[:80]}", line))
        program, script = [*shown.split(" "), ""][:2]  # git itself, or the `git` of a test
        if not any(Path(word).name.startswith("git") for word in (program, script)):
            self.environments.add((f"environment of {shown[:80]}", environment))
