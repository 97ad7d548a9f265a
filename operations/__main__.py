"""`python -m operations`: publish, status, rollout, doctor."""

from __future__ import annotations

import sys

from operations.command_line import main

if __name__ == "__main__":
    sys.exit(main())
