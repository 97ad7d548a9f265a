"""`python -m standins.aws --port P --aws-endpoint URL` serves the stand-in on 127.0.0.1 until it is stopped."""

from __future__ import annotations

import argparse
import signal
import sys

from standins.aws.server import AwsStandIn
from standins.serving import CannotListen


def main() -> None:
    """Parse the arguments and serve."""
    parser = argparse.ArgumentParser(prog="python -m standins.aws", description=__doc__)
    parser.add_argument("--port", type=int, required=True, help="port on 127.0.0.1; 0 takes a free one")
    parser.add_argument("--aws-endpoint", required=True, metavar="URL", help="MiniStack's address")
    arguments = parser.parse_args()
    stand_in = AwsStandIn(arguments.aws_endpoint)
    try:
        server = stand_in.bind(arguments.port)
    except CannotListen as error:
        sys.exit(f"The AWS stand-in cannot start: {error}")
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # which raises KeyboardInterrupt
    print(f"AWS stand-in at {stand_in.base_url}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
