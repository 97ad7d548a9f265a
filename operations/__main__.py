"""`python -m operations` and `studio-mlops`: the administrator's command line, and its end, however early."""

from __future__ import annotations

import sys


def main() -> int:
    """Run one verb; return the exit status."""
    try:
        from operations.command_line import main as run

        return run()
    except KeyboardInterrupt:  # while modules are imported
        if "--json" in sys.argv[1:]:
            print('{"error": "Interrupted."}')
        print("error: Interrupted.", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
