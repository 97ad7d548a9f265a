"""What users read is plain English: no form that a reader of AWS's and GitHub's documentation stumbles over.

The texts are collected from the code: errors, the launch form, outputs and alarms, settings, the command line, pull
requests, the prose of the documents, and the docstrings, which developers read. A form is refused by a pattern, with
what to write in its place.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import custom_resources.errors
import operations.errors
import products.errors
from custom_resources.catalogue import CATALOGUE
from custom_resources.errors import described
from docs.reference.settings_schema import schema
from products.parameters import launch_parameters
from products.settings import load_settings

ROOT = Path(__file__).parents[2]
MOST_WORDS = 35  # of a sentence

# Each form, and what to write.
REFUSED = {
    r"put (?:that|it|them|this) right": "Fix the cause",
    r"\bcorrect that\b": "name what to correct",
    r"\basks? to be called\b|\bto be called later\b": "is throttling requests",
    r"\bdoes not let\b|\bdid not let\b|\blets? (?:the|a|an|it|no)\b": "access denied; cannot; allow",
    r"\b(?:is|are|was|were) not told\b|\b(?:is|are|was|were) told\b": "name who says it to whom",
    r"\banew\b": "again; create",
    r"\bgoes on where\b|\bgo on with\b": "resumes",
    r"^Empty[:=]": "Leave empty to ...",
    r"\bas Studio says\b": "the name in Studio",
    r"\blooks? at (?:the|it|your)\b|\blook at (?:the|it)\b": "checks; see",
    r"\bfor good\b": "permanently; keep",
    r"\bwhoever\b": "anyone who",
    r"^Who (?!has\b|can\b)": "anyone who; the caller",
    r"\bcomes? to rest\b|\bat rest\b(?! encryption)": "stable; has finished",
    r"\bunder way\b": "in progress",
    r"\bswitched (?:on|off)\b|\bswitch (?:it|them|the feature) (?:on|off)\b": "turn on; turn off",
    r"\b(?:first|second) door\b|\bdoors?\b": "blueprint; project-setup state machine",
    r"\bbr(?:oke|oken|eaks) off\b": "failed; stopped",
    r"(?<!there )\b(?:is|are) no (?!longer\b)": "is not a",
    r"\bexists already\b": "already exists",
    r"\bis there twice\b": "is listed twice",
    r"\b(?:is|are) not there\b|\b(?:is|are) there already\b": "does not exist; already exists",
    r"\bwhat (?:it|he|she) lacks\b|\bis no more\b": "say what is missing",
    r"\bmay not be (?:read|written) from\b": "cannot read",
    r"\bin (?:the )?place of it\b": "instead",
    r"\bhas to be compared\b": "to compare",
    r"\bby itself\b.*\bby itself\b": "automatically",
    r"\bof the others'": "from the others",
    r"\bmake it an owner\b|\bmake the user an owner\b": "add ... as an owner",
}
# "Remove it.": the sentence before names more than one thing, or none.
DANGLING = re.compile(r"^[A-Z][a-z]+ (?:it|them|that|one|some)(?: there| again| first)?\.$")


class Text(NamedTuple):
    """A text that a user reads, and where it is."""

    where: str
    text: str


def errors() -> Iterator[Text]:
    """Yield both sentences of every error."""
    for module in (custom_resources.errors, operations.errors, products.errors):
        for each in described(module.__name__):
            yield Text(each.name, each.happened)
            yield Text(f"{each.name}: remedy", each.remedy)


def launch_form() -> Iterator[Text]:
    """Yield what the launch form shows."""
    for parameters in launch_parameters(load_settings()).values():
        for each in parameters:
            for text in (each.label, each.description, each.constraint):
                yield Text(f"launch form: {each.name}", text)
    for entry in CATALOGUE:
        yield Text(f"function {entry.name}", entry.description)


def settings() -> Iterator[Text]:
    """Yield the descriptions of the settings' schema, which are settings.toml's comments."""

    def walk(node: Any, path: str) -> Iterator[Text]:
        if isinstance(node, dict):
            if isinstance(said := node.get("description"), str):
                yield Text(f"settings: {path}", said)
            for key, value in node.items():
                yield from walk(value, f"{path}.{key}")

    yield from walk(schema(), "")


def literal(node: ast.expr) -> str:
    """Return a text of the code, "{}" for what is put in."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(part.value if isinstance(part, ast.Constant) else "{}" for part in node.values)  # type: ignore[misc]
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return literal(node.left) + literal(node.right)
    if isinstance(node, ast.IfExp):
        return f"{literal(node.body)} / {literal(node.orelse)}"
    return ""


def calls(folder: str) -> Iterator[tuple[str, ast.Call]]:
    """Yield every call in a folder's modules, with its place."""
    for path in sorted((ROOT / folder).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                yield f"{path.relative_to(ROOT)}:{node.lineno}", node


def keywords(folder: str, *names: str) -> Iterator[Text]:
    """Yield the texts that a folder's code gives under these keywords."""
    for where, call in calls(folder):
        for keyword in call.keywords:
            if keyword.arg in names and (said := literal(keyword.value)):
                yield Text(where, said)


def called(folder: str, *names: str) -> Iterator[Text]:
    """Yield the texts that a folder's code gives to these classes or functions."""
    for where, call in calls(folder):
        if isinstance(call.func, ast.Name) and call.func.id in names:
            for argument in (*call.args, *(each.value for each in call.keywords)):
                if said := literal(argument):
                    yield Text(where, said)


def stacks() -> Iterator[Text]:
    """Yield the descriptions of stacks, outputs, alarms, roles and parameters."""
    yield from keywords("products", "description", "constraint_description", "assert_description", "alarm_description")


def command_line() -> Iterator[Text]:
    """Yield help texts, doctor's findings and the messages of `python -m local`."""
    for folder in ("operations", "local"):
        yield from keywords(folder, "help", "description")
    yield from called("operations", "Check")
    yield from called("local", "LocalError")


def refusals() -> Iterator[Text]:
    """Yield what a rule of the settings says: what is wrong; what to do."""
    yield from called("products/settings", "ValueError")


def pull_requests() -> Iterator[Text]:
    """Yield the texts of pull requests, commits and comments, as the code has them."""
    for name in ("pull_request_text", "commit_text"):
        path = ROOT / "custom_resources" / "delivery" / f"{name}.py"
        tree = ast.parse(path.read_text(encoding="utf-8"))
        docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant | ast.JoinedStr) and id(node) not in docstrings:
                yield Text(f"{name}:{node.lineno}", literal(node))


def documents() -> Iterator[Text]:
    """Yield the prose of the documents, line by line, without code."""
    for path in sorted((ROOT / "docs").glob("*.md")):
        if path.name in ELSEWHERE:
            continue
        text = re.sub(r"```.*?```", lambda block: "\n" * block.group().count("\n"), path.read_text("utf-8"), flags=re.S)
        for number, line in enumerate(text.splitlines(), 1):
            if not line.startswith("    "):
                yield Text(f"{path.name}:{number}", re.sub(r"`[^`]*`", "CODE", line))


def docstrings_of(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Yield each paragraph of the docstrings of a module, its classes and its functions, as one line."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            for paragraph in (ast.get_docstring(node) or "").split("\n\n"):
                if paragraph:
                    yield node.body[0].lineno, " ".join(paragraph.split())


def docstrings() -> Iterator[Text]:
    """Yield the docstrings of the code that is deployed or run."""
    for folder in ("custom_resources", "operations", "products", "local"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            for line, said in docstrings_of(ast.parse(path.read_text(encoding="utf-8"))):
                yield Text(f"{path.relative_to(ROOT)}:{line}", said)


# The contracts with other programs; the stand-ins, for developers.
ELSEWHERE = {"interfaces.md", "aws-standin.md", "github-standin.md"}
# A text with room around it has other words for them.
ROOMY = ("^Who", "under way", "br(?:oke", "does not let", "are told")
KINDS = {
    "errors": errors,
    "launch form": launch_form,
    "stacks": stacks,
    "settings": settings,
    "rules of the settings": refusals,
    "command line": command_line,
    "pull requests": pull_requests,
    "documents": documents,
    "docstrings": docstrings,
}
LEAST = {
    "errors": 350,
    "settings": 60,
    "command line": 150,
    "stacks": 40,
    "documents": 1000,
    "pull requests": 60,
    "docstrings": 3000,
}


def sentences(text: str) -> list[str]:
    """Return a text's sentences."""
    return [each for each in re.split(r"(?<=[.!?])\s+(?=[A-Z`{\"])|\n+", text) if each.strip()]


def stumbles(text: str, *, prose: bool = False) -> Iterator[str]:
    """Yield each refused form in a text, with what to write. `prose`: of a document, where some forms may stand."""
    for sentence in sentences(text):
        for form, instead in REFUSED.items():
            if prose and any(each in form for each in ROOMY):
                continue
            if found := re.search(form, sentence, re.IGNORECASE if not form.startswith("^Who") else 0):
                yield f"{found.group()!r} in {sentence!r}: write {instead!r}"


def too_long(text: str) -> Iterator[str]:
    """Yield each sentence with too many words; code, a hole and an address are a word."""
    for sentence in sentences(text):
        count = len(re.sub(r"`[^`]*`|\{[^}]*\}|\([^)]*\)", "X", sentence).split())
        if count > MOST_WORDS:
            yield f"{count} words: {sentence!r}"


@pytest.mark.parametrize("kind", KINDS)
def test_no_text_has_a_form_that_readers_stumble_over(kind: str) -> None:
    found = list(KINDS[kind]())
    assert len(found) >= LEAST.get(kind, 10)
    prose = kind == "documents"
    assert [f"{where}: {said}" for where, text in found for said in stumbles(text, prose=prose)] == []


@pytest.mark.parametrize("kind", sorted(KINDS.keys() - {"documents", "docstrings"}))
def test_sentences_are_short(kind: str) -> None:
    assert [f"{where}: {said}" for where, text in KINDS[kind]() for said in too_long(text)] == []


def test_every_remedy_names_what_it_is_about() -> None:
    found = {where: text for where, text in errors() if where.endswith(": remedy")}
    assert len(found) > 170
    short = {where for where, text in found.items() if len(text.split()) < 3 and "{" not in text}
    assert {where: text for where, text in found.items() if DANGLING.match(text) or where in short} == {}


def test_every_rule_of_the_settings_says_what_to_do() -> None:
    """`loading.py` shows what stands after the semicolon as the advice."""
    assert [each for each in refusals() if "; " not in each.text] == []


@pytest.mark.parametrize(
    "bad",
    [
        "Put that right.",
        "Studio asks to be called later (the project p1).",
        "Service Catalog does not let the function change the version v1.",
        "Empty: as Studio says.",
        "Who may launch is listed.",
        "There is a name that is there twice.",
        "The caller is no principal of the portfolio.",
    ],
)
def test_a_bad_form_is_found(bad: str) -> None:
    assert list(stumbles(bad))


@pytest.mark.parametrize(
    "code",
    [
        '"""The second door."""',
        'class A:\n    """One that is not there."""',
        'class A:\n    async def b():\n        """Start anew."""',
        'def a():\n    """Return one.\n\n    It comes to\n    rest.\n    """',
    ],
)
def test_a_bad_form_is_found_in_every_docstring(code: str) -> None:
    assert [said for _, text in docstrings_of(ast.parse(code)) for said in stumbles(text)]


def test_a_long_sentence_and_a_dangling_remedy_are_found() -> None:
    assert list(too_long("word " * (MOST_WORDS + 1) + "end."))
    assert not list(too_long("word " * (MOST_WORDS - 1) + "`code that counts once`."))
    assert DANGLING.match("Correct it there.")
    assert not DANGLING.match("Rename the file.")


def test_a_parameters_constraint_goes_on_from_its_label() -> None:
    """CloudFormation puts the label before it: "Build repository must have up to 100 letters"."""
    parameters = [each for group in launch_parameters(load_settings()).values() for each in group]
    constrained = [each for each in parameters if each.pattern]
    assert len(constrained) > 5
    assert [each.label for each in constrained if not each.constraint.startswith("must ")] == []
