"""The processes of the local run: started in the background, found again, stopped with all they started."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import psutil

from local.home import SOURCE, Home, LocalError, Process

_START_SECONDS = 120  # on a busy machine; one that ended is noticed at once
_STOP_SECONDS = 3
_NODE = 20
_FUNCTION = re.compile(r"/ministack-lambda-(.+)-\w{8}/code$")  # where MiniStack lets a function run
# What a process may inherit: no credentials, no AWS or Git settings of the user.
_INHERITED = (
    "PATH",
    "HOME",
    "LANG",
    "LC_ALL",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "REQUESTS_CA_BUNDLE",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "http_proxy",
    "https_proxy",
)


def environment(home: Home) -> dict[str, str]:
    """Return the environment in which the run's processes start."""
    kept = {name: os.environ[name] for name in _INHERITED if name in os.environ}
    here = str(Path(sys.executable).parent)
    return {
        **kept,
        "PATH": os.pathsep.join([here, kept.get("PATH", os.defpath)]),
        "PYTHONPATH": str(SOURCE),
        "PYTHONUNBUFFERED": "1",
        "TMPDIR": str(home.temporary),
        "LOCAL_HOME": str(home.path),
        "NO_PROXY": "127.0.0.1,localhost",
        "no_proxy": "127.0.0.1,localhost",
    }


def require_node(home: Home) -> None:
    """Raise LocalError unless the run's processes find a Node that is new enough."""
    path = environment(home)["PATH"]
    node = shutil.which("node", path=path)
    if not node or not _new_enough(_version_of(node)):
        raise LocalError(f"Node {_NODE} or newer is not installed; install it.")


def _version_of(node: str) -> str:
    try:
        return subprocess.run([node, "--version"], capture_output=True, text=True, timeout=30, check=False).stdout
    except (OSError, subprocess.TimeoutExpired):
        return ""


def _new_enough(said: str) -> bool:
    """Tell whether `node --version` said `v20.1.0` or more."""
    found = re.match(r"v(\d+)\.", said)
    return bool(found and int(found[1]) >= _NODE)


def free_port(preferred: int = 0) -> int:
    """Return the preferred port of 127.0.0.1 if it is free, else another."""
    for port in filter(None, (preferred, 0)) if preferred else (0,):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    return free_port()


def start(name: str, command: Sequence[str], port: int, home: Home, more: Mapping[str, str]) -> Process:
    """Start a server in the background, in a session of its own (Ctrl-C does not reach it). Does not wait.

    `command` must not hold secrets: arguments are visible to all users of the machine.
    """
    log = home.logs / f"{name}.log"
    with log.open("ab") as output:
        child = subprocess.Popen(
            [sys.executable, *command],
            cwd=SOURCE,
            env={**environment(home), **more},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    return Process(pid=child.pid, created=psutil.Process(child.pid).create_time(), port=port)


def alive(process: Process) -> bool:
    """Tell whether that very process still runs."""
    try:
        found = psutil.Process(process.pid)
        return found.create_time() == process.created and found.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def wait_until_answers(name: str, process: Process, home: Home) -> None:
    """Wait for the server's port. Raises LocalError with the log's last line when it ended or is too slow."""
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", process.port), timeout=1):
            return
        if not alive(process):
            break
        time.sleep(0.05)
    said = (home.logs / f"{name}.log").read_text(errors="replace").strip().splitlines()
    last = f": {said[-1][:300]}" if said else ""
    raise LocalError(f"{name} did not start{last} (its log is {home.logs / name}.log).")


def stop(running: Iterable[Process]) -> None:
    """End the processes and all that they started; kill what does not end by itself."""
    parents = [psutil.Process(process.pid) for process in running if alive(process)]
    family = [each for parent in parents for each in (*parent.children(recursive=True), parent)]
    for parent in parents:
        with contextlib.suppress(psutil.NoSuchProcess):
            parent.terminate()
    _, remaining = psutil.wait_procs(family, timeout=_STOP_SECONDS)
    for left in remaining:
        with contextlib.suppress(psutil.NoSuchProcess):
            left.kill()
    psutil.wait_procs(remaining, timeout=_STOP_SECONDS)


def peak_memory(process: Process) -> dict[str, int]:
    """Return the peak resident memory, in bytes, of each Python function that runs below a MiniStack (Linux only)."""
    peaks: dict[str, int] = {}
    for child in psutil.Process(process.pid).children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied, OSError, StopIteration):
            function = _FUNCTION.search(child.cwd())
            if not function or "python" not in child.name():
                continue
            name = function[1]
            status = Path(f"/proc/{child.pid}/status").read_text()
            peak = next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmHWM"))
            peaks[name] = max(peak, peaks.get(name, 0))
    return peaks
