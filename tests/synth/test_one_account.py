"""An installation of one account deploys what it deployed before there were several (docs/decisions/0087, 0095).

`before_accounts.txt` is every template of tests.synth.conftest.STUDIO_SETTINGS, whole, as the commit before accounts
synthesized it (1a0c1b6: `python -m tests.synth.test_one_account` in a copy of that commit prints it). It is not written
anew. What differs by now is `since_accounts.txt`, which `GOLDEN=write` writes; its difference is read like code.
"""

from __future__ import annotations

import json
import os
import re
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.synth.conftest import STUDIO_SETTINGS, Assembly, two_versions

GOLDEN = Path(__file__).parent / "golden"
BEFORE, SINCE = GOLDEN / "before_accounts.txt", GOLDEN / "since_accounts.txt"
# Custom::StudioProject gives the same name to a project that was launched before (docs/decisions/0126;
# tests/unit/test_studio_project.py, test_a_project_from_before_there_were_patterns_keeps_its_names).
_NAMED_BY_AN_ATTRIBUTE = re.compile(r" DeployRepository Custom::GitHubRepository: Properties\.Name = ")
HASH = re.compile(r"[0-9a-f]{64}")  # of what is deployed, by its content


def leaves(path: str, value: Any) -> Iterator[str]:
    """Yield a line for every value: of a list each item, of an intrinsic function the whole."""
    if isinstance(value, dict) and value and not any(key == "Ref" or key.startswith("Fn::") for key in value):
        for key, inner in value.items():
            yield from leaves(f"{path}.{key}" if path else key, inner)
    elif isinstance(value, list) and value:
        yield from (f"{path}[] = {json.dumps(item, ensure_ascii=False, sort_keys=True)}" for item in value)
    else:
        yield f"{path or 'Value'} = {json.dumps(value, ensure_ascii=False, sort_keys=True)}"


def parts(name: str, template: dict[str, Any]) -> Iterator[str]:
    """Yield the lines of a template, each with the part that it is of."""
    for section, content in template.items():
        for key, value in content.items() if isinstance(content, dict) else [("", content)]:
            of = f"{name} {key} {value['Type']}" if section == "Resources" else f"{name} {section} {key}".strip()
            yield f"{of}:"
            yield from (f"{of}: {line}" for line in leaves("", value))


def lines(folder: Path) -> list[str]:
    """Return every line of an assembly's templates, sorted."""
    found = [
        line
        for path in folder.glob("*.template.json")
        if ".snapshot." not in path.name  # of a version that was published before: it is one of these
        for line in parts(path.name.removesuffix(".template.json"), json.loads(path.read_text(encoding="utf-8")))
    ]
    return sorted(HASH.sub("HASH", line) for line in found)


def grouped(flat: list[str]) -> list[str]:
    """Return sorted lines with what they begin with in common said once."""
    return [line if line.endswith(":") else f"  {line.partition(': ')[2]}" for line in flat]


def flattened(groups: list[str]) -> list[str]:
    """Return the lines that were grouped."""
    flat, of = list[str](), ""
    for line in groups:
        of = of if line.startswith("  ") else line
        flat.append(f"{of} {line.strip()}" if line.startswith("  ") else line)
    return flat


def before() -> Counter[str]:
    return Counter(flattened(BEFORE.read_text(encoding="utf-8").splitlines()))


def test_it_differs_from_before_by_what_was_reviewed(open_doors: Assembly) -> None:
    earlier, now = before(), Counter(lines(open_doors.path))
    differences = sorted(
        [*(f"{line}\n-" for line in (earlier - now).elements()), *(f"{line}\n+" for line in (now - earlier).elements())]
    )
    told = "".join(f"{line[-1]} {line[:-2]}\n" for line in differences)
    if os.environ.get("GOLDEN") == "write":
        SINCE.write_text(told, encoding="utf-8")
    assert told == SINCE.read_text(encoding="utf-8")


def test_nothing_is_replaced_or_leaves(open_doors: Assembly) -> None:
    """Logical ids with their types, names, exports, parameters and outputs stay; resources may only come."""
    now = set(lines(open_doors.path))
    gone = [line for line in before() if line not in now]
    heads = [line for line in gone if line.endswith(":")]
    assert heads == [], "a resource, a parameter or an output left, or became another one"
    name = re.compile(r": (Properties\.\w*Name|Export\.Name|DeletionPolicy|UpdateReplacePolicy)\b")
    assert [line for line in gone if name.search(line) and not _NAMED_BY_AN_ATTRIBUTE.search(line)] == []


def test_the_golden_file_is_whole() -> None:
    """What a template of one resource has is all in its lines: nested properties, too."""
    template = {
        "Resources": {
            "A": {
                "Type": "AWS::X::Y",
                "DependsOn": ["B"],
                "Properties": {"Name": "n", "Nested": {"Deep": {"Ref": "B"}, "List": [{"K": 1}, 2]}, "Empty": {}},
            }
        },
        "Outputs": {"O": {"Value": {"Fn::GetAtt": ["A", "Arn"]}, "Export": {"Name": "E"}}},
    }
    of = "S A AWS::X::Y:"
    found = sorted(parts("S", template))
    assert found == sorted(
        [
            of,
            f'{of} Type = "AWS::X::Y"',
            f'{of} DependsOn[] = "B"',
            f'{of} Properties.Name = "n"',
            f'{of} Properties.Nested.Deep = {{"Ref": "B"}}',
            f'{of} Properties.Nested.List[] = {{"K": 1}}',
            f"{of} Properties.Nested.List[] = 2",
            f"{of} Properties.Empty = {{}}",
            "S Outputs O:",
            'S Outputs O: Value = {"Fn::GetAtt": ["A", "Arn"]}',
            'S Outputs O: Export.Name = "E"',
        ]
    )
    assert flattened(grouped(found)) == found


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as made:
        two_versions(Path(made), STUDIO_SETTINGS)
        sys.stdout.write("\n".join([*grouped(lines(Path(made) / "cdk.out")), ""]))
