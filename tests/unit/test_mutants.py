"""make mutants: what it tries, what it leaves out, and that its exceptions are still there."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.mutants import seeing, trying
from tests.mutants.__main__ import equivalents, interval, sample
from tests.mutants.places import Key, Mutant, mutants
from tests.mutants.trying import ROOT

CODE = '''
from typing import TYPE_CHECKING

LIMIT = 64
Colour = Literal["red", "green"] | None
Switch = Callable[[int], str]


class Lamp:
    """A lamp."""

    @property
    def lit(self) -> int | None:
        logger.info("lit", more=1)
        if self.power > 0:
            count("Lit")
        return 1
'''


@pytest.fixture
def found(tmp_path: Path) -> list[Mutant]:
    (tmp_path / "lamp.py").write_text(CODE)
    return mutants(tmp_path, "lamp.py")


def test_numbers_metrics_and_decorated_functions_are_tried(found: list[Mutant]) -> None:
    changes = [each.diff for each in found]
    for change in (
        ("- LIMIT = 64", "+ LIMIT = 65"),
        ("- LIMIT = 64", "+ LIMIT = 63"),
        ('- count("Lit")', "+ pass"),
        ('- count("Lit")', '+ count("XXLitXX")'),
        ("- if self.power > 0:", "+ if self.power >= 0:"),
        ("- if self.power > 0:", "+ if not (self.power > 0):"),
    ):
        assert change in changes
    assert all(each.compiles for each in found)


def test_types_docstrings_and_log_lines_are_left_alone(found: list[Mutant]) -> None:
    lines = {line for each in found for line in each.diff if line.startswith("-")}
    assert not [
        line
        for line in lines
        if any(word in line for word in ("logger", "def lit", "A lamp", "import", "Colour", "Switch"))
    ]


def test_a_mutant_is_known_again_wherever_its_line_moves_to(tmp_path: Path, found: list[Mutant]) -> None:
    (tmp_path / "lamp.py").write_text("# moved\n\n" + CODE)
    assert [each.key for each in mutants(tmp_path, "lamp.py")] == [each.key for each in found]


def test_characters_to_strip_are_no_text(tmp_path: Path) -> None:
    (tmp_path / "lamp.py").write_text('def lit(name):\n    return name.rstrip("/").replace("-", "_")\n')
    texts = {each.diff[1] for each in mutants(tmp_path, "lamp.py") if each.kind == "text"}
    assert texts == {
        '+ return name.rstrip("/").replace("XX-XX", "_")',
        '+ return name.rstrip("/").replace("-", "XX_XX")',
    }


def test_a_default_and_a_long_text_are_held_by_what_runs_with_them(tmp_path: Path) -> None:
    code = """
def lit(power=1):
    if power:
        raise Broken(
            "It is"
            "dark."
        )
    for each in (
        2,
    ):
        pass
"""
    (tmp_path / "lamp.py").write_text(code)
    runs = {each.diff[0]: each.runs for each in mutants(tmp_path, "lamp.py")}
    assert runs["- def lit(power=1):"] == (3, 11)
    assert runs['- "dark."'] == (4, 7)
    assert runs["- if power:"] == (3, 3)
    assert runs["- 2,"] == (9, 9)


def test_a_sample_is_the_same_each_time_and_of_every_kind(found: list[Mutant]) -> None:
    kinds = {each.kind for each in found}
    drawn = sample(found, len(kinds), seed=1)
    assert drawn == sample(found, len(kinds), seed=1)
    assert {each.kind for each in drawn} == kinds


@pytest.mark.slow
@pytest.mark.long  # ten seconds of a processor, and the list changes seldom
def test_every_equivalent_is_a_mutant_of_today_and_has_a_reason() -> None:
    named = equivalents()
    assert all(len(reason) > 20 for reason in named.values())
    found = (each for path in {key[0] for key in named} for each in mutants(ROOT, path))
    there = {each.key for each in found if _may_be_one_of(named, each)}  # a key takes a tenth of a second
    assert set(named) <= there, set(named) - there


def _may_be_one_of(named: dict[Key, str], mutant: Mutant) -> bool:
    """Tell whether a line of the mutant's statement is one that an equivalent of its function takes away."""
    gone = {line for path, function, diff in named for line in diff
            if (path, function) == (mutant.source.path, mutant.function)}  # fmt: skip
    first, last = min(mutant.line, mutant.runs[0]), max(mutant.line, mutant.runs[1])
    return bool(gone) and any(f"- {line.strip()}" in gone for line in mutant.source.text.splitlines()[first - 1 : last])


@pytest.mark.parametrize(
    ("noticed", "total", "least", "most"), [(95, 100, 0.888, 0.978), (19, 20, 0.764, 0.991), (0, 0, 0.0, 1.0)]
)
def test_a_small_sample_says_less(noticed: int, total: int, least: float, most: float) -> None:
    assert list(interval(noticed, total)) == pytest.approx([least, most], abs=0.001)


def test_what_was_seen_is_kept_until_the_tests_or_the_code_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy, store = tmp_path / "copy", tmp_path / "store"
    for name in ("custom_resources/lamp.py", "tests/unit/test_one.py", "tests/unit/test_two.py"):
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        (copy / name).write_text("LIMIT = 1\n")
    looked: list[list[str]] = []

    def look(copy: Path, files: list[str]) -> dict[str, dict[str, Any]]:
        looked.append(files)
        lines = {file: {"lamp.py": {"1": [f"{file}::t"]}} for file in files}
        return {
            file: {"seconds": {f"{file}::t": 1.0}, "took": {f"{file}::t": 2.0}, "lines": lines[file]} for file in files
        }

    monkeypatch.setattr(seeing, "_looked", look)
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: None)
    one, two = "tests/unit/test_one.py", "tests/unit/test_two.py"
    first = seeing.look(copy, store)
    assert first.lines["lamp.py"]["1"] == [f"{one}::t", f"{two}::t"]
    assert first.patience([f"{one}::t", "tests/unit/test_other.py"]) == 60 + 10 * (2.0 + 30)
    assert json.dumps(seeing.look(copy, store).lines) == json.dumps(first.lines)
    assert looked == [[one, two]]
    (copy / two).write_text("LIMIT = 2\n")
    seeing.look(copy, store)
    (copy / "custom_resources/lamp.py").write_text("LIMIT = 2\n")
    seeing.look(copy, store)
    assert looked == [[one, two], [two], [one, two]]


def test_a_test_that_fails_without_a_mutant_is_told_and_one_that_passes_is_asked_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[list[str]] = []
    broken = {"b"}

    class Tried:
        def __init__(self, folder: Path) -> None: ...

        def passes(self, tests: list[str], timeout: float) -> bool:
            asked.append(tests)
            return not broken & set(tests)

        def close(self) -> None: ...

    monkeypatch.setattr(trying, "Copy", Tried)
    copy, store = tmp_path / "copy", tmp_path / "store"
    copy.mkdir()
    assert trying.failing(copy, ["a", "b", "c"], store) == ["b"]
    broken.clear()
    assert trying.failing(copy, ["a", "b", "c"], store) == []
    assert trying.failing(copy, ["a", "b", "c"], store) == []
    assert asked == [["a", "b", "c"], ["a"], ["b"], ["c"], ["b"]]
    (copy / "golden.txt").write_text("other")
    assert trying.failing(copy, ["a"], store) == []
    assert asked[-1] == ["a"], "the code or a golden file is another"
