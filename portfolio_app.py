"""CDK entry point: settings -> stacks, into cdk.out or CDK_OUTDIR.

With several accounts ([accounts] of settings.toml) there is one assembly for each place: that of the context's
`studio-mlops:place` (`cdk deploy -c studio-mlops:place=PLACE`), else all, each in a folder of cdk.out.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from products.errors import NothingPublished, PlaceNotChosen, PlaceUnknown, SettingsError
from products.settings import PROJECT_ROOT, Settings, load_settings
from products.versions import read_versions, versions_directory

PLACE_CONTEXT = "studio-mlops:place"


def main() -> int:
    """Write the cloud assembly; a setting that is wrong is one sentence, without a traceback."""
    try:
        settings = load_settings()
        versions = read_versions()
        if not versions:
            raise NothingPublished(directory=versions_directory())
        assemblies = list(_assemblies(settings))
        # Node 20 is what the README asks for, and what this is tested on; the CDK's warning says it to nobody else.
        os.environ.setdefault("JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION", "20")
        # The CDK takes a second to load: not before the settings are right.
        from products.assembly import write_assembly  # noqa: PLC0415

        context = json.loads((PROJECT_ROOT / "cdk.json").read_text(encoding="utf-8"))["context"]
        for used, folder in assemblies:
            write_assembly(used, versions, versions_directory(), folder, context)
    except SettingsError as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 1
    return 0


def _assemblies(settings: Settings) -> Iterator[tuple[Settings, str]]:
    """Yield the settings of each assembly, and its folder. Raises PlaceNotChosen, PlaceUnknown."""
    given = os.environ.get("CDK_OUTDIR", "")
    places = {str(place): place for place in settings.places}
    chosen = json.loads(os.environ.get("CDK_CONTEXT_JSON") or "{}").get(PLACE_CONTEXT, "")
    if chosen and chosen not in places:
        raise PlaceUnknown(place=chosen, places=", ".join(places) or "none: it has no [accounts]")
    if chosen or not places:
        yield (settings.at(places[chosen]) if chosen else settings), given or "cdk.out"
        return
    if given:  # the CDK's command line looks for one assembly, there
        raise PlaceNotChosen(places=", ".join(places))
    for name, place in places.items():
        yield settings.at(place), str(Path("cdk.out", name))


if __name__ == "__main__":
    sys.exit(main())
