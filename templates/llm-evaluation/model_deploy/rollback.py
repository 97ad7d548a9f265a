"""Ask the configuration that a stage used before prompts whose answers are known, then let the stage use it again."""

from __future__ import annotations

import argparse
import sys

from deploy_configuration import deploy
from deployment.release import Stage


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stage", choices=["staging", "production"], required=True)
    return deploy(parser.parse_args(arguments).stage, Stage.roll_back)


if __name__ == "__main__":
    sys.exit(main())
