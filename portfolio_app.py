"""CDK entry point: settings -> stacks, into cdk.out or CDK_OUTDIR."""

from __future__ import annotations

import json
import os
import sys

from products.errors import NothingPublished, SettingsError
from products.settings import PROJECT_ROOT, load_settings
from products.versions import read_versions, versions_directory


def main() -> int:
    """Write the cloud assembly; a setting that is wrong is one sentence, without a traceback."""
    try:
        settings = load_settings()
        versions = read_versions()
        if not versions:
            raise NothingPublished(directory=versions_directory())
        # Node 20 is what the README asks for, and what this is tested on; the CDK's warning says it to nobody else.
        os.environ.setdefault("JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION", "20")
        # The CDK takes a second to load: not before the settings are right.
        from products.assembly import write_assembly  # noqa: PLC0415

        context = json.loads((PROJECT_ROOT / "cdk.json").read_text(encoding="utf-8"))["context"]
        write_assembly(settings, versions, versions_directory(), os.environ.get("CDK_OUTDIR") or "cdk.out", context)
    except SettingsError as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
