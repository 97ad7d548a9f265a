"""The template's lineage in a repository: the record of what was delivered, and the proof of ownership. Pure.

| ref | points to |
|---|---|
| `refs/studio/template` | the newest template commit that is in the default branch: the base of the next merge |
| `refs/studio/delivered/<version>/<key>-<seal>` | the same commit; says what it delivers to whom without fetching it |
| `refs/studio/proposals/<branch>/<when>-<key>-<seal>` | the template commit that `studio/<branch>` offers |
| `refs/studio/stack` | a commit that names the stack which took the repository over |
| `refs/studio/stacks/<seal>` | the same commit |

Anybody who may push can write any of them. A seal is the proof, under the repository's secret, of the ref's meaning and
its commit's name: a ref without one is ignored, and nothing of it is fetched (`believed`). docs/decisions/0002
says why there is a lineage, 0060 how it is proven.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from custom_resources.seal import Seal

STUDIO = "refs/studio/"
TEMPLATE_REF = "refs/studio/template"
DELIVERED = "refs/studio/delivered/"
PROPOSALS = "refs/studio/proposals/"
STACK_REF = "refs/studio/stack"
STACKS = "refs/studio/stacks/"
BRANCHES = "refs/heads/studio/"
MOST_PROPOSALS = 10  # that are looked at, the newest ones: each takes up to four requests

_TRAILERS = {
    "domain": "Studio-Domain",
    "project": "Studio-Project",
    "folder": "Studio-Template",
    "version": "Studio-Version",
    "archive": "Studio-Archive",
    "part": "Studio-Part",
    "stack": "Studio-Stack",
}
TRACE = "Studio-Domain"  # a message without it names no delivery
_MAC = "Studio-Mac"
_RECORD = re.compile(r"(?:(?P<when>[0-9]{1,15})-)?(?P<key>[0-9a-f]{40})(?:-(?P<proof>[0-9a-f]{40}))?\Z")

Targets = dict[str, str]  # ref -> the commit it shall point to; "" = it shall not be there


@dataclass(frozen=True)
class Delivery:
    """What one template commit delivers, to whom."""

    domain: str
    project: str
    part: str
    folder: str
    version: str
    archive: str
    stack: str = ""

    @property
    def key(self) -> str:
        """Name the delivery in a ref: the same content for the same repository has the same key."""
        return hashlib.sha256(replace(self, stack="").trailers().encode()).hexdigest()[:40]

    def ref(self, commit: str, seal: Seal) -> str:
        """Return the ref that records it once its commit is in the default branch."""
        proof = seal.of("delivered", self.version, self.key, commit)
        return f"{DELIVERED}{self.version}/{self.key}-{proof}"

    def mac(self, seal: Seal) -> str:
        """Return the proof that stands in its commit's message."""
        return seal.of("delivery", *self._facts())

    def has_mac(self, proof: str, seal: Seal) -> bool:
        """Tell whether that is its proof."""
        return seal.proves(proof, "delivery", *self._facts())

    def _facts(self) -> Iterator[str]:
        return (getattr(self, name).strip() for name in _TRAILERS)  # as they are read again

    def belongs_to(self, domain: str, project: str, part: str) -> bool:
        """Tell whether the repository with this delivery is that project's (and that one of its two)."""
        return (self.domain, self.project, self.part) == (domain, project, part)

    def same_content(self, other: Delivery) -> bool:
        """Tell whether both deliver the same version of the same folder."""
        return (self.folder, self.version, self.archive) == (other.folder, other.version, other.archive)

    def trailers(self) -> str:
        """Return the trailers that record the delivery in a commit message."""
        return "\n".join(f"{key}: {getattr(self, name)}" for name, key in _TRAILERS.items() if getattr(self, name))


# -- commit messages -------------------------------------------------------------------------------------------------


def message(subject: str, delivery: Delivery, seal: Seal, body: str = "") -> str:
    """Return a commit message: subject, body, trailers with their proof."""
    trailers = f"{delivery.trailers()}\n{_MAC}: {delivery.mac(seal)}"
    return "\n\n".join(part for part in (subject, body.strip(), trailers) if part) + "\n"


def delivery_in(message: str) -> Delivery | None:
    """Return the delivery that a commit message records in its last paragraph, or None. Anybody can write it."""
    return _delivery(_trailers(message.strip().split("\n\n")[-1]))


def is_proven(message: str, seal: Seal, *, unsealed: bool = False) -> bool:
    """Tell whether a message's last paragraph records a delivery with the proof of it.

    `unsealed`: one without any proof, of a launch from before there were proofs, counts as well.
    """
    found = _trailers(message.strip().split("\n\n")[-1])
    delivery = _delivery(found)
    if delivery is None:
        return False
    return delivery.has_mac(found[_MAC], seal) if _MAC in found else unsealed


def trace_in(message: str) -> Delivery | None:
    """Return the last delivery that a message names in any paragraph: one that GitHub made of several, or was edited.

    It tells that something was delivered, and proves nothing.
    """
    paragraphs = re.split(r"\n\s*\n", message.strip())
    return next((found for paragraph in reversed(paragraphs) if (found := _delivery(_trailers(paragraph)))), None)


def _trailers(paragraph: str) -> Mapping[str, str]:
    return {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in paragraph.splitlines())}


def _delivery(found: Mapping[str, str]) -> Delivery | None:
    values = {name: found.get(key, "") for name, key in _TRAILERS.items()}
    if not all(values[name] for name in ("domain", "project", "part", "folder", "version")):
        return None
    return Delivery(**values)


# -- refs ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Believed:
    """The refs of a repository without those of the lineage that nobody proves; `sealed` = some of it is proven."""

    targets: dict[str, str]
    sealed: bool


def believed(refs: Mapping[str, str], seal: Seal, *, unsealed: bool = False) -> Believed:
    """Leave out what of the lineage is not proven, and all but the newest proposals.

    `unsealed`: where nothing is proven, all is believed as it is. That is for launches from before there were proofs,
    whose repository CloudFormation knows by its id.
    """
    ours = {ref: commit for ref, commit in refs.items() if ref.startswith(STUDIO)}
    proven = {ref: commit for ref, commit in ours.items() if _is_sealed(ref, commit, seal)}
    if proven or not unsealed:
        ours = {**proven, **dict(_heads(refs, proven))}
    newest = sorted(proposals_in(ours), key=lambda proposal: (proposal.when, proposal.ref))[-MOST_PROPOSALS:]
    looked_at = {proposal.ref for proposal in newest}
    others = {ref: commit for ref, commit in refs.items() if not ref.startswith(STUDIO)}
    lineage = {ref: commit for ref, commit in ours.items() if ref in looked_at or not ref.startswith(PROPOSALS)}
    return Believed(others | lineage, bool(proven))


def _heads(refs: Mapping[str, str], proven: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield the refs with fixed names, where a proven one points to the same commit."""
    for head, records in ((TEMPLATE_REF, DELIVERED), (STACK_REF, STACKS)):
        if refs.get(head, "") in {commit for ref, commit in proven.items() if ref.startswith(records)}:
            yield head, refs[head]


def _is_sealed(ref: str, commit: str, seal: Seal) -> bool:
    if ref.startswith(STACKS):
        return seal.proves(ref.removeprefix(STACKS), "stack", commit)
    place, _, name = ref.rpartition("/")
    record = _RECORD.match(name)
    if record is None or not record["proof"]:
        return False
    if ref.startswith(DELIVERED) and not record["when"]:
        return seal.proves(record["proof"], "delivered", place.removeprefix(DELIVERED), record["key"], commit)
    if ref.startswith(PROPOSALS) and record["when"]:
        branch = f"studio/{place.removeprefix(PROPOSALS)}"
        return seal.proves(record["proof"], "proposal", branch, record["when"], record["key"], commit)
    return False


def stack_ref(commit: str, seal: Seal) -> str:
    """Return the ref that proves a commit of STACK_REF."""
    return f"{STACKS}{seal.of('stack', commit)}"


def recorded(refs: Mapping[str, str], commit: str, delivery: Delivery, seal: Seal) -> Targets:
    """Return what the refs shall be once a template commit is in the default branch."""
    old = {ref: "" for ref in refs if ref.startswith(DELIVERED)}
    return {**old, TEMPLATE_REF: commit, delivery.ref(commit, seal): commit}


def _records(refs: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield version and key of what the refs record as delivered by TEMPLATE_REF's commit."""
    for ref, commit in refs.items():
        version, _, name = ref.removeprefix(DELIVERED).partition("/")
        record = _RECORD.match(name)
        if ref.startswith(DELIVERED) and record and commit == refs.get(TEMPLATE_REF):
            yield version, record["key"]


def is_delivered(refs: Mapping[str, str], delivery: Delivery) -> bool:
    """Tell whether the refs record that TEMPLATE_REF's commit delivers this."""
    return (delivery.version, delivery.key) in _records(refs)


def delivered_version(refs: Mapping[str, str]) -> str:
    """Return the version that the refs record as delivered, "" if they record none."""
    return next((version for version, _ in _records(refs)), "")


def branch_for(version: str) -> str:
    """Return the pull request branch of a version."""
    return f"studio/template-{version}"


@dataclass(frozen=True)
class Proposal:
    """What a pull request branch offers: a delivery's key, its template commit, and where the branch is now."""

    branch: str
    key: str
    commit: str
    ref: str  # that records it
    tip: str = ""
    when: int = 0  # it was made, Unix time


def proposed(branch: str, delivery: Delivery, commit: str, when: float, seal: Seal) -> Proposal:
    """Return a new proposal."""
    proof = seal.of("proposal", branch, str(int(when)), delivery.key, commit)
    ref = f"{PROPOSALS}{branch.removeprefix('studio/')}/{int(when)}-{delivery.key}-{proof}"
    return Proposal(branch, delivery.key, commit, ref, when=int(when))


def proposals_in(refs: Mapping[str, str]) -> list[Proposal]:
    """Return the proposals that a repository's refs record, with their branches' present tips."""
    found = []
    for ref, commit in sorted(refs.items()):
        branch, _, name = ref.removeprefix(PROPOSALS).rpartition("/")
        record = _RECORD.match(name)
        if ref.startswith(PROPOSALS) and branch and record:
            tip = refs.get(f"{BRANCHES}{branch}", "")
            found.append(Proposal(f"studio/{branch}", record["key"], commit, ref, tip, int(record["when"] or 0)))
    return found
