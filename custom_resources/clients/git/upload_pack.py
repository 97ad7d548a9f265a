"""git-upload-pack, the service that is read from: which refs there are, and packs of objects.

Version 0 lists the refs with the first answer, and takes wishes for their objects and, if it says so, for any others
(gitprotocol-pack). Version 2 takes wishes for any object (gitprotocol-v2), after a list of what it can. A pack comes
without negotiation: nothing is offered in exchange.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from custom_resources.clients.git.conversation import Conversation, Service
from custom_resources.clients.git.failures import RequestFailed
from custom_resources.clients.git.model import ZERO, Refs
from custom_resources.clients.git.packets import Mark, Packets, lines, packet
from custom_resources.errors import GitNamesUnknown, RepositoryTooManyNames

_SERVICE: Service = "git-upload-pack"
_ONE_ANSWER = frozenset({"no-done", "multi_ack_detailed", "side-band-64k", "ofs-delta"})
_PARTIAL = frozenset({"shallow", "filter"})
_ANY = "allow-reachable-sha1-in-want"
_FILTER = "filter blob:none"
_MOST_REFS = 500_000  # that a repository may have
_SHA = 40  # digits of an object's name


@dataclass(frozen=True)
class Advertisement:
    """What a server of protocol version 0 has and can."""

    targets: dict[str, str]
    capabilities: frozenset[str]

    @property
    def refs(self) -> Refs:
        """The refs, without HEAD and what tags lead to."""
        head = next((each for each in self.capabilities if each.startswith("symref=HEAD:")), "")
        branch = head.removeprefix("symref=HEAD:refs/heads/")
        there = {ref: sha for ref, sha in self.targets.items() if ref.startswith("refs/") and not ref.endswith("^{}")}
        return Refs(branch if f"refs/heads/{branch}" in there else "", there)

    def gives_at_once(self, objects: Iterable[str], *, depth: bool) -> bool:
        """Tell whether one request gets these objects (see `at_once`)."""
        needed = _ONE_ANSWER | (_PARTIAL if depth else frozenset())
        named = _ANY in self.capabilities or set(objects) <= set(self.targets.values())
        return named and self.capabilities >= needed


def read_advertisement(packets: Packets) -> Advertisement:
    """Read the refs and capabilities of version 0. Raises RequestFailed, GitNamesUnknown, RepositoryTooManyNames."""
    title = packets.line()
    if not isinstance(title, str) or not title.startswith("# service=") or packets.read() is not Mark.FLUSH:
        raise RequestFailed("the server's list of refs is not of Git's protocol")
    targets: dict[str, str] = {}
    capabilities: frozenset[str] = frozenset()
    for line in packets.section():
        known, _, more = line.partition("\0")
        capabilities |= set(more.split())
        sha, _, ref = known.partition(" ")
        if sha not in (ZERO, "shallow"):  # an empty repository has a line for its capabilities
            if len(sha) != _SHA or not ref:
                raise _unknown_names(capabilities)
            targets[ref] = sha
            if len(targets) > _MOST_REFS:
                raise RepositoryTooManyNames(limit=_MOST_REFS, kind="refs")
    if "object-format=sha256" in capabilities:
        raise _unknown_names(capabilities)
    return Advertisement(targets, capabilities)


def _unknown_names(capabilities: frozenset[str]) -> Exception:
    if "object-format=sha256" in capabilities:
        return GitNamesUnknown()
    return RequestFailed("the server's list of refs is not of Git's protocol")


def look(conversation: Conversation) -> Advertisement:
    """List the refs. One request."""
    with conversation.advertisement(_SERVICE) as packets:
        return read_advertisement(packets)


@dataclass
class Pack:
    """A pack on its way: the commits whose parents stay away, then the data."""

    shallow: tuple[str, ...]
    data: Iterator[bytes]


@contextmanager
def at_once(
    conversation: Conversation,
    advertisement: Advertisement,
    objects: Sequence[str],
    *,
    depth: bool,
    shallow: Iterable[str] = (),
) -> Iterator[Pack]:
    """Yield objects that `gives_at_once` has said yes to. One request (version 0). Raises ServerRefused, too.

    `depth`: they are commits, which come with their trees, without parents and contents; else they come alone.
    """
    wanted = (_ONE_ANSWER | {"no-progress"} | ({"filter"} if depth else set())) & advertisement.capabilities
    first, *others = objects
    wishes = [f"want {first} {' '.join(sorted(wanted))}", *(f"want {each}" for each in others)]
    body = lines([*wishes, *_deepen(depth, shallow)]) + packet("done\n")
    with conversation.request(_SERVICE, body) as packets:
        found = _shallow(packets) if depth else ()
        answer = packets.line()
        if not isinstance(answer, str) or not answer.startswith(("NAK", "ACK")):
            raise RequestFailed("the server's answer is not of Git's protocol")
        yield Pack(found, packets.data())


def _deepen(depth: bool, shallow: Iterable[str]) -> list[str]:
    return [*(f"shallow {commit}" for commit in shallow), "deepen 1", _FILTER] if depth else []


def _shallow(packets: Packets) -> tuple[str, ...]:
    return tuple(line.removeprefix("shallow ") for line in packets.section() if line.startswith("shallow "))


@contextmanager
def by_name(
    conversation: Conversation, objects: Iterable[str], *, depth: bool, shallow: Iterable[str] = ()
) -> Iterator[Pack | None]:
    """Yield any objects, as `at_once` does; None where the server cannot. Two requests (version 2)."""
    with conversation.advertisement(_SERVICE, version=2) as packets:
        can = _capabilities(packets)
    if not can or (depth and not set(can.get("fetch", "").split()) >= _PARTIAL):
        yield None
        return
    command = ["command=fetch", *(f"object-format={name}" for name in [can.get("object-format")] if name)]
    wishes = [*(f"want {name}" for name in objects), "no-progress", "ofs-delta", "done"]
    body = lines(command, Mark.DELIMITER) + lines([*_deepen(depth, shallow), *wishes])
    with conversation.request(_SERVICE, body, version=2) as packets:
        yield _sections(packets)


def _capabilities(packets: Packets) -> dict[str, str]:
    """Return what a server of version 2 can; nothing where it answers in another version."""
    listed = list(packets.section())
    if listed and listed[0].startswith("# service="):  # some say so before version 2, too
        listed = list(packets.section())
    if listed[:1] != ["version 2"]:
        return {}
    can = {name: value for name, _, value in (line.partition("=") for line in listed[1:])}
    return can if "fetch" in can and can.get("object-format", "sha1") == "sha1" else {}


def _sections(packets: Packets) -> Pack:
    found: tuple[str, ...] = ()
    while not isinstance(title := packets.line(), Mark):
        if title == "shallow-info":
            found = _shallow(packets)
        elif title == "packfile":
            return Pack(found, packets.data())
        else:
            raise RequestFailed("the server's answer is not of Git's protocol")
    raise RequestFailed("the server sent no objects")
