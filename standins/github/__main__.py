"""python -m standins.github --port P --root DIR: serve until interrupted."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from pathlib import Path

from standins.github.server import GitHubStandIn
from standins.serving import CannotListen


def main() -> int:
    """Serve; the token of the administrator is taken from the environment variable GITHUB_TOKEN, if it is set."""
    parser = argparse.ArgumentParser(prog="python -m standins.github", description="A GitHub stand-in on this machine.")
    parser.add_argument("--port", type=int, required=True, help="port on 127.0.0.1 (0 = a free one)")
    parser.add_argument("--root", type=Path, required=True, help="folder that keeps the state")
    arguments = parser.parse_args()
    try:
        github = GitHubStandIn(arguments.root, arguments.port)
    except (OSError, CannotListen) as error:
        print(f"The GitHub stand-in cannot start: {error}", file=sys.stderr)
        return 1
    token = os.environ.get("GITHUB_TOKEN", "")
    if token:
        github.store.make_token(token, scopes=["repo", "workflow", "delete_repo"])

    signal.signal(signal.SIGTERM, signal.default_int_handler)  # which raises KeyboardInterrupt
    print(f"GitHub stand-in at {github.base_url} (API {github.api_url})", flush=True)
    github.serve()
    return 0


if __name__ == "__main__":
    sys.exit(main())
