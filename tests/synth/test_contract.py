"""What a launch asks for, passes on and reports is a contract with stacks that live for years: a golden file.

`GOLDEN=write pytest tests/synth/test_contract.py` writes it anew; its difference is read like code.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from tests.synth.conftest import Assembly

GOLDEN = Path(__file__).parent / "golden" / "product.json"
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


def test_a_launch_is_as_it_was(assembly: Assembly) -> None:
    found = json.dumps(contract(assembly.product), indent=1, sort_keys=True, ensure_ascii=False) + "\n"
    if os.environ.get("GOLDEN") == "write":
        GOLDEN.write_text(found, encoding="utf-8")
    assert found.splitlines() == GOLDEN.read_text(encoding="utf-8").splitlines()
    assert len(contract(assembly.product)["Resources"]) == 7
