"""Writes the facts of recorded exchanges with GitHub anew from clones of the repositories that publish them.

    python -m tests.standin.recordings.extract --clone PyGithub/PyGithub=DIR --clone octokit/fixtures=DIR ...

exchanges.json names each exchange: its situation, the route, the source (repository, file, which one in the file). This
adds what can be a fact: status, names of headers, and the keys of the answer's document with their JSON types. No value
of an answer is kept. A new exchange is a new entry with `situation`, `route` and `source` only.
"""

from __future__ import annotations

import argparse
import ast
import json
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

FACTS = Path(__file__).with_name("exchanges.json")
# What a client reads or a support request quotes; not the headers for browsers, nor those of one moment (date, length).
HEADERS = frozenset(
    {
        *("content-type", "etag", "link", "location", "retry-after", "vary", "cache-control"),
        *("x-github-request-id", "x-github-media-type", "x-github-api-version-selected"),
        *("x-oauth-scopes", "x-accepted-oauth-scopes", "github-authentication-token-expiration"),
        *("x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"),
        *("x-ratelimit-used", "x-ratelimit-resource"),
    }
)
Answer = tuple[int, Mapping[str, Any], Any]  # status, headers, document (None for none)


def types(document: Any, path: str = "") -> dict[str, set[str]]:
    """Return the JSON types at each path of a document: `a.b` is a member, `a[]` any element of an array."""
    found: dict[str, set[str]] = {path: {_type(document)}} if path else {"(root)": {_type(document)}}
    children = [(f"{path}[]", each) for each in document] if isinstance(document, list) else []
    if isinstance(document, dict):
        children = [(f"{path}.{name}" if path else name, value) for name, value in document.items()]
    for below, value in children:
        for place, kinds in types(value, below).items():
            found.setdefault(place, set()).update(kinds)
    return found


def _type(value: Any) -> str:
    kinds = ((bool, "boolean"), (int, "integer"), (float, "number"), (str, "string"), (list, "array"), (dict, "object"))
    return next((name for kind, name in kinds if isinstance(value, kind)), "null")


def grouped(document: Any) -> dict[str, str]:
    """Return the paths of a document by type: type -> paths, sorted, with a space between them."""
    by_type: dict[str, list[str]] = {}
    for path, kinds in types(document).items():
        by_type.setdefault(" ".join(sorted(kinds)), []).append(path)
    return {kinds: " ".join(sorted(paths)) for kinds, paths in sorted(by_type.items())}


def _shown(clone: Path, file: str) -> str:
    command = ["git", "--git-dir", str(clone), "show", f"HEAD:{file}"]
    return subprocess.run(command, check=True, capture_output=True).stdout.decode()


def _document(text: str) -> Any:
    return json.loads(text) if text.strip() else None


def _replay_data(text: str) -> Iterator[Answer]:
    """Read PyGithub's form: ten lines an exchange, the last four being status, headers, body, nothing."""
    lines = text.splitlines()
    while lines:
        if lines[0] not in ("http", "https"):
            lines.pop(0)
            continue
        status, headers, body = [*lines, "", ""][7:10]
        yield int(status), dict(ast.literal_eval(headers)), _document(body)
        lines = lines[10:]


def _answers(clone: Path, repository: str, file: str) -> Iterator[Answer]:
    if repository == "PyGithub/PyGithub":
        yield from _replay_data(_shown(clone, file))
    elif repository == "octokit/fixtures":
        for each in json.loads(_shown(clone, file)):
            yield each["status"], each["headers"], each["response"] or None
    else:  # hub4j/github-api: WireMock's mappings, long bodies in files of their own
        answer = json.loads(_shown(clone, file))["response"]
        body = answer.get("body", "")
        if "bodyFileName" in answer:
            body = _shown(clone, f"{file.partition('/mappings/')[0]}/__files/{answer['bodyFileName']}")
        yield int(answer["status"]), answer["headers"], _document(body)


def facts(clone: Path, source: Mapping[str, Any]) -> dict[str, Any]:
    """Return status, header names and typed keys of the exchange that a source names."""
    answers = list(_answers(clone, source["repository"], source["file"]))
    status, headers, document = answers[source["number"] - 1]
    named = sorted({name.lower() for name in headers} & HEADERS)
    year = next((str(value)[12:16] for name, value in headers.items() if name.lower() == "date"), "")
    kept = {"year": int(year), "status": status, "headers": " ".join(named)}
    return {**kept, "answer": None if document is None else grouped(document)}


def main() -> None:
    """Write exchanges.json again. Each clone is a git directory whose HEAD has the files."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--clone", action="append", default=[], metavar="REPOSITORY=DIR")
    clones = {name: Path(place) for name, _, place in (each.partition("=") for each in parser.parse_args().clone)}
    written = []
    for one in json.loads(FACTS.read_bytes()):
        known = {name: one[name] for name in ("situation", "route", "source")}
        clone = clones.get(one["source"]["repository"])
        written.append({**known, **facts(clone, one["source"])} if clone else one)
    FACTS.write_text(json.dumps(written, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
