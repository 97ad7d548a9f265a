"""`python -m local VERB`: the command line, and its end when it is interrupted, however early."""

import sys


def main() -> int:
    """Run one verb (local/verbs.py); return the exit code."""
    try:
        from operations.terminal import ended

        return ended(_run, _interrupted)
    except KeyboardInterrupt:  # while modules are imported
        _interrupted()
        return 130


def _run() -> int:
    from local.verbs import main as run_verb

    return run_verb()


def _interrupted() -> None:
    """Say so. Imports nothing: an import may be what was interrupted."""
    sentence = "interrupted; `python -m local status` shows what runs, `down` ends it."
    print(f"error: {sentence}", file=sys.stderr, flush=True)
    if "--json" in sys.argv[1:]:
        print(f'{{"error": "{sentence}"}}', flush=True)


if __name__ == "__main__":
    sys.exit(main())
