"""What stacks that live for years rely on: golden files of a launch, and of the foundation's resources.

A logical id that changes is a resource that is deleted and made anew; a property may be. Permissions are not among it:
they are reviewed elsewhere. `GOLDEN=write pytest tests/synth/test_contract.py` writes the files; their difference is
read like code.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from tests.synth.conftest import Assembly

GOLDEN = Path(__file__).parent / "golden"
HASH = re.compile(r"[0-9a-f]{64}")  # an asset's, by its content
VARIES = ("ServiceToken", "TemplateArchive")  # by installation, and by what the test publishes


def contract(template: dict[str, Any]) -> dict[str, Any]:
    """Return what of the product's template stacks rely on: all but the roles, which are reviewed elsewhere."""
    resources = {
        name: {**resource, "Properties": {k: v for k, v in resource["Properties"].items() if k not in VARIES}}
        for name, resource in template["Resources"].items()
        if resource["Type"].startswith("Custom::")
    }
    kept = {key: template[key] for key in ("Parameters", "Metadata", "Rules", "Conditions", "Outputs")}
    return {**kept, "Resources": resources, "Others": sorted(set(template["Resources"]) - set(resources))}


def resources(template: dict[str, Any]) -> Iterator[str]:
    """Yield the foundation's resources with their plain properties: those that refer to nothing."""
    for name, resource in sorted(template["Resources"].items()):
        yield f"{name} {resource['Type']}"
        for key, value in sorted(resource.get("Properties", {}).items()):
            plain = json.dumps(value, ensure_ascii=False)
            if not isinstance(value, dict) and "{" not in plain:
                yield f"  {key} = {HASH.sub('HASH', plain)}"
    for name, output in sorted(template["Outputs"].items()):
        yield f"Output {name}: {output.get('Description', '')}"


def require_as_it_was(name: str, lines: Sequence[str]) -> None:
    file = GOLDEN / name
    if os.environ.get("GOLDEN") == "write":
        file.write_text("\n".join([*lines, ""]), encoding="utf-8")
    assert lines == file.read_text(encoding="utf-8").splitlines()


def test_a_launch_is_as_it_was(assembly: Assembly) -> None:
    found = contract(assembly.product)
    assert len(found["Resources"]) == 7
    require_as_it_was("product.json", json.dumps(found, indent=1, sort_keys=True, ensure_ascii=False).splitlines())


def test_the_foundations_resources_are_as_they_were(assembly: Assembly) -> None:
    require_as_it_was("foundation.txt", list(resources(assembly.foundation)))
