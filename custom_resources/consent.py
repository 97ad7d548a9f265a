"""Whether an existing repository may become a project's (docs/decisions/0062): reads only.

| consent of | how it is given |
|---|---|
| Studio | its Git connection made the repository for this project, and nobody has used it yet |
| an administrator of the product | a pattern in `[adoption]` of the settings, in the function's environment |
| anyone who can write to the default branch | the file PATH, which names domain and project |
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal, Protocol

from custom_resources.delivery.leaving import offered
from custom_resources.delivery.lineage import MOST_PROPOSALS, TEMPLATE_REF, proposals_in
from custom_resources.delivery.marks import MARK
from custom_resources.errors import ConsentMissing, ObjectTooLarge, RepositoryClaimed

if TYPE_CHECKING:
    from custom_resources.clients.git import BareRepository, Refs
    from custom_resources.clients.github import Repository
    from custom_resources.clients.protocols import Clients
    from custom_resources.reconciler import Request
    from custom_resources.seal import Seal

ADOPTED = ":adopted"  # ends the physical id of a repository that was adopted by its owners' consent
CONNECTED = ":connected"  # ends that of one which Studio made for the project
PATH = ".github/studio-project.yml"
MAX_BYTES = 4096  # of the file in which owners give their consent
_KEYS = ("domain", "project", "archive")
_LINE = re.compile(r"([a-z]+)[ \t]*:[ \t]+(\"?)([A-Za-z0-9_-]{1,64})\2[ \t]*")
_FIRST_FILES = frozenset({"README.md", ".gitignore", "LICENSE"})  # what GitHub commits while it creates a repository
_SET_UP = timedelta(hours=1)  # Studio makes the repository while it sets the tooling environment up
_CLOCKS = timedelta(minutes=1)  # by which GitHub's and AWS's clocks may differ


class Adopting(Protocol):
    """The adopting project: the properties of Custom::GitHubRepository that matter here."""

    @property
    def domain_id(self) -> str: ...
    @property
    def project_id(self) -> str: ...
    @property
    def part(self) -> str: ...
    @property
    def connected_repository(self) -> str: ...
    @property
    def connected_since(self) -> str: ...
    @property
    def connection_proof(self) -> str: ...


@dataclass(frozen=True)
class Consent:
    """The party that gives the repository to the project, and whether it may be archived when the project ends."""

    by: Literal["studio", "administrator", "file"]
    archive: bool = False


@dataclass(frozen=True)
class Reading:
    """What a repository says about its adoption: a consent, or what is wrong with the file; who else has a claim."""

    consent: Consent | None = None
    problem: str = ""
    claimed: bool = False  # by another project


@dataclass(frozen=True)
class Known:
    """What the physical id tells: the repository's id, 0 while there is none, and by whose consent it was adopted.

    CloudFormation keeps it, and nobody who may write to the repository can change it.
    """

    id: int = 0
    adopted: bool = False  # by its owners' or an administrator's
    connected: bool = False  # by Studio's

    @property
    def existed(self) -> bool:
        """Tell whether the repository was there before its stack."""
        return self.adopted or self.connected

    @staticmethod
    def of(physical_id: str) -> Known:
        """Read it: the id, alone or with an ending; anything else is the name that a repository has before its id."""
        number, colon, how = physical_id.partition(":")
        if not number.isdecimal() or colon + how not in ("", ADOPTED, CONNECTED):
            return Known()
        return Known(int(number), adopted=colon + how == ADOPTED, connected=colon + how == CONNECTED)


def physical_id(repository: Repository, consent: Consent | None) -> str:
    """Return a repository's physical id. What Studio made for the project is the project's once it has the template."""
    if consent is None:
        return str(repository.id)
    return f"{repository.id}{CONNECTED if consent.by == 'studio' else ADOPTED}"


def required(reading: Reading, full_name: str, who: Adopting) -> Consent:
    """Return the consent. Raises ConsentMissing, RepositoryClaimed."""
    if reading.claimed:
        raise RepositoryClaimed(repository=full_name)
    if reading.consent is None:
        raise ConsentMissing(
            repository=full_name, path=PATH, problem=reading.problem, domain=who.domain_id, project=who.project_id
        )
    return reading.consent


def read(found: Repository, git: BareRepository, refs: Refs, request: Request[Any], clients: Clients) -> Reading:
    """Look for a consent, the cheapest first. At most one Git request and one of the API.

    `refs` are all refs, with or without a proof: the lineage of another project refuses the adoption. What
    Studio is said to have connected counts where the stack's Custom::StudioProject proves that it has said so.
    """
    who: Adopting = request.properties
    if _claimed(found, git, refs, who):
        return Reading(claimed=True)
    if clients.allowances.gives(found.full_name):
        return Reading(Consent("administrator"))
    if made_by_studio(found, git, refs, who) and _is_told(who, clients.seals.of_launch(request.stack_id)):
        return Reading(Consent("studio", archive=True))
    return stated(found.full_name, who, clients)


def connection_proof(seal: Seal, domain_id: str, project_id: str, repository: str, since: str) -> str:
    """Return the proof of what Studio has connected with a project, under the seal of the launch."""
    return seal.of("connection", domain_id, project_id, repository, since)


def _is_told(who: Adopting, seal: Seal) -> bool:
    facts = who.domain_id, who.project_id, who.connected_repository, who.connected_since
    return seal.proves(who.connection_proof, "connection", *facts)


def stated(full_name: str, who: Adopting, clients: Clients) -> Reading:
    """Read the consent from the file in the default branch. One request."""
    try:
        text = clients.github.small_file(full_name, PATH, MAX_BYTES)
    except ObjectTooLarge:
        return Reading(problem=f"the file has more than {MAX_BYTES:,} bytes")
    if text is None:
        return Reading(problem="the file does not exist")
    said = parsed(text)
    if isinstance(said, str):
        return Reading(problem=said)
    if (said.get("domain"), said.get("project")) != (who.domain_id, who.project_id):
        return Reading(problem="the file names another project")
    return Reading(Consent("file", archive=said.get("archive") == "true"))


def parsed(text: bytes) -> dict[str, str] | str:
    """Return the file's fields, or what is wrong with it.

    A few lines of YAML, read by this parser alone: comments, and `key: value` at the beginning of a line, each key
    once. Whatever else YAML can say is refused, not guessed.
    """
    fields: dict[str, str] = {}
    try:
        lines = text.decode("utf-8").splitlines()
    except UnicodeDecodeError:
        return "the file is not UTF-8"
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.startswith("#") or (number == 1 and line.rstrip() == "---"):
            continue
        match = _LINE.fullmatch(re.sub(r"[ \t]#.*", "", line))
        if match is None or match[1] not in _KEYS:
            return f"line {number} does not start with {' or '.join(f'{key}:' for key in _KEYS)}"
        if match[1] in fields:
            return f"line {number} repeats {match[1]}"
        fields[match[1]] = match[3]
    if fields.get("archive", "false") not in ("true", "false"):
        return "archive must be true or false"
    return fields


def made_by_studio(found: Repository, git: BareRepository, refs: Refs, who: Adopting) -> bool:
    """Tell whether Studio made the repository for this project, and nobody has used it yet. One request at most.

    Its connection can also name a repository that was there before, or another project's: those were not created while
    this project's tooling environment was set up.
    """
    if not who.connected_repository or found.full_name.casefold() != who.connected_repository.casefold():
        return False
    created, since = _moment(found.created_at), _moment(who.connected_since)
    if created is None or since is None or not since - _CLOCKS <= created <= since + _SET_UP:
        return False
    return _has_only_the_first_commit(git, refs)


def _moment(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else None


def _has_only_the_first_commit(git: BareRepository, refs: Refs) -> bool:
    if set(refs.targets) - {"HEAD", f"refs/heads/{refs.branch}"}:
        return False
    if not refs.tip:
        return True
    git.fetch(refs.tip)
    commit = git.commit(refs.tip)
    return not commit.parents and set(git.entries(commit.tree)) <= _FIRST_FILES


def _claimed(found: Repository, git: BareRepository, refs: Refs, who: Adopting) -> bool:
    """Tell whether another project has marked the repository, or offers its template there. One request at most."""
    mark = f"({who.domain_id}/{who.project_id} {who.part}"
    if MARK.search(found.description.replace(mark, "")):
        return True
    if len(proposals_in(refs.targets)) > MOST_PROPOSALS:
        return True  # not all of them are read
    recorded = offered(git, refs, refs[TEMPLATE_REF])
    return any(not each.belongs_to(who.domain_id, who.project_id, who.part) for each in recorded)
