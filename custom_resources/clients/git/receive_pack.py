"""git-receive-pack, the service that is pushed to: all refs of a push move, or none (gitprotocol-pack)."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass
from typing import BinaryIO, cast

from custom_resources.clients.git.conversation import Conversation, Service
from custom_resources.clients.git.failures import PushRejected, RequestFailed
from custom_resources.clients.git.model import ZERO
from custom_resources.clients.git.packets import Packets, lines
from custom_resources.clients.git.upload_pack import read_advertisement
from custom_resources.errors import GitServerLacks

_SERVICE: Service = "git-receive-pack"
WritePack = Callable[[BinaryIO, Collection[str], Collection[str]], None]


@dataclass(frozen=True)
class Move:
    """One ref from its old object to its new one; "" = the ref does not exist."""

    ref: str
    old: str
    new: str

    def command(self) -> str:
        """Return the line of the protocol."""
        return f"{self.old or ZERO} {self.new or ZERO} {self.ref}"


def push(conversation: Conversation, moves: Collection[Move], write_pack: WritePack) -> None:
    """Move refs, all or none, if they are still where they were seen. Two requests.

    One request when all are where they shall be. `write_pack` appends a pack of the new objects to a file: what leads
    to the first names without what leads to the second. Raises PushRejected, GitServerLacks, RequestFailed.
    """
    with conversation.advertisement(_SERVICE) as packets:
        advertised = read_advertisement(packets)
    left = [move for move in moves if advertised.targets.get(move.ref, "") != move.new]
    for move in left:
        if advertised.targets.get(move.ref, "") != move.old:
            raise PushRejected(stale=True, message=f"{move.ref} has moved meanwhile (stale info)")
    if not left:
        return
    capabilities = _chosen(advertised.capabilities, left)
    with cast("BinaryIO", tempfile.TemporaryFile()) as body:
        first, *others = [move.command() for move in left]
        body.write(lines([f"{first}\0 {' '.join(capabilities)}", *others]))
        new = {move.new for move in left if move.new}
        if new:
            write_pack(body, new, set(advertised.targets.values()))
        body.seek(0)
        with conversation.request(_SERVICE, body) as packets:
            _read_report(packets, left)


def _chosen(offered: frozenset[str], moves: Collection[Move]) -> list[str]:
    needed = ["report-status", "side-band-64k"]
    needed += ["atomic"] if len(moves) > 1 else []
    needed += ["delete-refs"] if any(not move.new for move in moves) else []
    missing = [each for each in needed if each not in offered]
    if missing:
        raise GitServerLacks(capabilities=", ".join(missing))
    wanted = [each for each in (*needed, "ofs-delta", "quiet", "object-format=sha1") if each in offered]
    return [each for each in wanted if each != "delete-refs"]  # a server's word only


def _read_report(packets: Packets, moves: Collection[Move]) -> None:
    """Read report-status out of the side band. Raises RequestFailed with all that was said unless every ref moved."""
    said: list[str] = []
    try:
        results = list(Packets(_Joined(packets, said.append)).section())
    except RequestFailed as failed:
        raise RequestFailed("\n".join(["".join(said), failed.said])) from None
    with suppress(RequestFailed):  # the report is whole; what comes after it is for people
        for _ in packets.data(said.append):
            pass
    moved = {line.removeprefix("ok ") for line in results if line.startswith("ok ")}
    refused = [_refusal(line) for line in results if not line.startswith("ok ") and line != "unpack ok"]
    if refused or results[:1] != ["unpack ok"] or not moved >= {move.ref for move in moves}:
        raise RequestFailed("\n".join(["".join(said), *refused]))


def _refusal(line: str) -> str:
    kind, _, rest = line.partition(" ")
    ref, _, why = rest.partition(" ")
    return f"! [remote rejected] {ref} ({why})" if kind == "ng" else f"remote unpack failed: {rest}"


class _Joined:
    """The data of a side band as one stream."""

    def __init__(self, packets: Packets, said: Callable[[str], object]) -> None:
        self._data, self._rest = packets.data(said), b""

    def read(self, size: int) -> bytes:
        while len(self._rest) < size:
            more = next(self._data, b"")
            if not more:
                break
            self._rest += more
        found, self._rest = self._rest[:size], self._rest[size:]
        return found
