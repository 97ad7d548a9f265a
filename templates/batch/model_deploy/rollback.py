"""Let the model package score that scored before the current one, after the rows whose answers are known."""

from __future__ import annotations

import argparse
import sys

from deploy_model import deploy
from deployment.release import Deployment


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; return the exit status."""
    argparse.ArgumentParser(description=__doc__).parse_args(arguments)
    return deploy(Deployment.roll_back)


if __name__ == "__main__":
    sys.exit(main())
