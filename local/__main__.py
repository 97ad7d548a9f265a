"""`python -m local VERB`: the command line, and its end when it is interrupted, however early."""

import sys


def main() -> int:
    """Run one verb (local/verbs.py); return the exit code."""
    try:
        from local.verbs import main as run_verb

        return run_verb()
    except KeyboardInterrupt:
        from local.terminal import Terminal

        terminal = Terminal.for_scripts() if "--json" in sys.argv[1:] else Terminal.for_people()
        terminal.failure("interrupted; `python -m local status` shows what runs, `down` ends it.")
        return 130


if __name__ == "__main__":
    sys.exit(main())
