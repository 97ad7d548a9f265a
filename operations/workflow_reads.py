"""Which Actions secrets and variables a template's workflows read, and which of them no launch sets."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from custom_resources.template_content import TemplateFile
from operations.workflow_check import parsed, workflow_name
from products.repository_secrets import SECRETS, VARIABLES

Kind = Literal["secret", "variable"]
_EXPRESSION = re.compile(r"\$\{\{(.*?)\}\}", re.DOTALL)
_CONTEXTS: Mapping[str, Kind] = {"secrets": "secret", "vars": "variable"}
# secrets.NAME, secrets['NAME']; not my.secrets.NAME, nor what a text in quotes says.
_READ = re.compile(
    r"""'(?:[^']|'')*'(?!\s*\])|(?<![\w.-])(secrets|vars)\s*(?:\.\s*([\w-]+)|\[\s*'([^']+)'\s*\])""", re.IGNORECASE
)
_GITHUBS_OWN = {"GITHUB_TOKEN"}
_ADVICE: Mapping[Kind, str] = {
    "secret": "If it is needed, set it in the repositories or the organization, or list it in [secret_references].",
    "variable": "If it is needed, set it in the repositories or the organization, or list it in [variables].",
}


@dataclass(frozen=True, order=True)
class Read:
    """A workflow of a part that reads a secret or a variable; `name` is in upper case, as GitHub compares names."""

    part: str  # <profile>/<part>
    kind: Kind
    name: str
    workflow: str


def reads(files: Iterable[TemplateFile]) -> list[Read]:
    """Return what each part's workflows read, without GitHub's own token and what a workflow's caller passes."""
    found = []
    for file in files:
        if not (workflow := workflow_name(file.path)):
            continue
        document = parsed(file.content)
        passed = _passed_by_callers(document)
        found += [
            Read("/".join(file.path.split("/")[:2]), kind, name, workflow)
            for kind, name in {read for text in _expressions(document) for read in _reads(text)} - passed
            if name not in _GITHUBS_OWN
        ]
    return sorted(found)


def remarks_on_reads(files: Iterable[TemplateFile], configured: Collection[str] = ()) -> list[str]:
    """Return a sentence for each secret and variable that a workflow reads and no launch sets, by part.

    `configured`: the names of the settings' own secrets and variables ([secret_references], [variables]).
    """
    places: dict[tuple[str, Kind, str], list[str]] = defaultdict(list)
    for read in reads(files):
        if read.name not in _set_by_launches(read.part, read.kind) | set(configured):
            places[read.part, read.kind, read.name].append(read.workflow)
    return [
        f"{part}: {', '.join(workflows)} reads the {kind} {name}, which no launch sets, so it is empty. {_ADVICE[kind]}"
        for (part, kind, name), workflows in places.items()
    ]


def _set_by_launches(part: str, kind: Kind) -> set[str]:
    repository = part.rpartition("_")[2].capitalize()
    return set((VARIABLES if kind == "variable" else SECRETS)[repository])


def _passed_by_callers(document: Any) -> set[tuple[Kind, str]]:
    """Return the secrets that a reusable workflow (`on: workflow_call`) is given."""
    triggers = document["on"]
    call = triggers.get("workflow_call") if isinstance(triggers, dict) else None
    declared = call.get("secrets") if isinstance(call, dict) else None
    return {("secret", str(name).upper()) for name in declared or ()}


def _expressions(value: Any, key: str = "") -> Iterator[str]:
    """Yield the expressions of a workflow: what is in ${{ }}, and whole conditions (`if`)."""
    if isinstance(value, dict):
        for name, item in value.items():
            yield from _expressions(item, str(name))
    elif isinstance(value, list):
        for item in value:
            yield from _expressions(item)
    elif isinstance(value, str):
        if key == "if":
            yield value
        else:
            yield from _EXPRESSION.findall(value)


def _reads(expression: str) -> Iterator[tuple[Kind, str]]:
    for context, plain, quoted in _READ.findall(expression):
        if context:
            yield _CONTEXTS[context.lower()], (plain or quoted).upper()
