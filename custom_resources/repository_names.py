"""How a project's two repositories are called, unless a launch chooses (docs/decisions/0126). Pure.

The settings' pattern becomes a stem once, when the project is first launched: `churn-@`, in which @ stands for build or
deploy. It is kept with the project: its repositories keep their names when the project or the pattern gets another one.
A project that was launched before there were patterns has no stem: its repositories are called by its ids.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata

PATTERN = r"^(?:[A-Za-z0-9._-]|\{project\}|\{part\}|\{id\})*\Z"
_PART = "@"  # no name of a repository, and every tag, may have it
_STEM = re.compile(r"[A-Za-z0-9._-]*@[A-Za-z0-9._-]*")
_LONGEST = 100 - len("-123456")  # characters of a name, with room for the short id
_ID_LENGTH = 6  # letters and digits that tell two projects of one name apart
_DIGITS = "abcdefghijklmnopqrstuvwxyz234567"


def stem(pattern: str, domain_id: str, project_id: str, name: str) -> str:
    """Return the stem that a pattern makes of a project, "" of no pattern."""
    if not pattern:
        return ""
    short = short_id(domain_id, project_id)
    rest = pattern.format(project="", part="deploy", id=short)
    project = _plain(name)[: max(0, _LONGEST - len(rest))].strip("-") or project_id
    return pattern.format(project=project, part=_PART, id=short)


def remembered(value: str) -> str:
    """Return a stem as it was kept, "" for anything else: anyone who can tag a project's group can write it."""
    fits = _STEM.fullmatch(value) and len(named(value, "deploy")) <= _LONGEST
    return value if fits and not value.startswith(".") and not value.lower().endswith(".git") else ""


def named(stem: str, part: str) -> str:
    """Return the name of the build or the deploy repository."""
    return stem.replace(_PART, part)


def default(stem: str, part: str, domain_id: str, project_id: str) -> str:
    """Return the name that a repository has where no launch chooses one."""
    return named(stem, part) if stem else by_ids(part, domain_id, project_id)


def by_ids(part: str, domain_id: str, project_id: str) -> str:
    """Return the name of before there were patterns."""
    return f"{project_id}-{domain_id}-{part}-repo"


def alternative(stem: str, part: str, domain_id: str, project_id: str) -> str:
    """Return the name that a repository gets where the other is somebody else's; "" where none is needed."""
    short = short_id(domain_id, project_id)
    return f"{named(stem, part)}-{short}" if stem and short not in stem else ""


def short_id(domain_id: str, project_id: str) -> str:
    """Return six characters that tell projects of one name apart."""
    digest = hashlib.sha256(f"{domain_id}/{project_id}".encode()).digest()
    return "".join(_DIGITS[byte % len(_DIGITS)] for byte in digest[:_ID_LENGTH])


def _plain(name: str) -> str:
    """Return a project's name as repositories are called: lower case letters, digits and hyphens."""
    ascii_only = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", ascii_only).strip("-")
