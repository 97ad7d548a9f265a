"""Packets, the unit of Git's protocol: four hexadecimal digits of length, then data (gitprotocol-common)."""

from __future__ import annotations

from codecs import getincrementaldecoder
from collections.abc import Callable, Iterable, Iterator
from enum import Enum
from typing import Protocol

from custom_resources.clients.git.failures import RequestFailed, ServerRefused

_MOST = 65520  # bytes of a packet, its length included
_DATA, _PROGRESS, _ERROR = 1, 2, 3  # the bands


class Mark(Enum):
    """A packet without data."""

    FLUSH = b"0000"
    DELIMITER = b"0001"
    END = b"0002"


def packet(text: str | bytes) -> bytes:
    """Return the packet of one line or command; a newline is not added."""
    data = text.encode("utf-8", "surrogateescape") if isinstance(text, str) else text
    if len(data) + 4 > _MOST:
        raise ValueError("A packet holds no more than 65,516 bytes.")
    return b"%04x" % (len(data) + 4) + data


def lines(texts: Iterable[str], end: Mark = Mark.FLUSH) -> bytes:
    """Return packets of lines, and the mark that ends them."""
    return b"".join(packet(f"{text}\n") for text in texts) + end.value


class Readable(Protocol):
    """What packets are read from."""

    def read(self, size: int, /) -> bytes:
        """Return so many bytes; fewer only at the end."""
        ...


class Packets:
    """An answer, read packet by packet. Raises RequestFailed where it is cut off or is not of Git's protocol."""

    def __init__(self, stream: Readable) -> None:
        """Nothing is read yet."""
        self._stream = stream

    def _exactly(self, size: int) -> bytes:
        data = self._stream.read(size)
        if len(data) < size:
            raise RequestFailed("the server's answer was cut off")
        return data

    def read(self) -> bytes | Mark:
        """Return the next packet's data, or a mark."""
        head = self._exactly(4)
        for mark in Mark:
            if head == mark.value:
                return mark
        try:
            size = int(head, 16)
        except ValueError:
            size = 0
        if not 4 <= size <= _MOST:
            raise RequestFailed("the server's answer is not of Git's protocol")
        data = self._exactly(size - 4)
        if data.startswith(b"ERR "):
            raise ServerRefused(f"remote error: {data[4:].decode('utf-8', 'replace').strip()}")
        return data

    def line(self) -> str | Mark:
        """Return the next packet as a line without its end, or a mark."""
        found = self.read()
        return found if isinstance(found, Mark) else found.decode("utf-8", "surrogateescape").rstrip("\n")

    def section(self) -> Iterator[str]:
        """Yield lines until a mark."""
        while not isinstance(line := self.line(), Mark):
            yield line

    def data(self, said: Callable[[str], object] = str) -> Iterator[bytes]:
        """Yield the data of side-band-64k until its end; `said` gets what the server says to people."""
        text = getincrementaldecoder("utf-8")("replace")  # a character may begin in one packet and end in the next
        while not isinstance(found := self.read(), Mark):
            band, content = found[:1], found[1:]
            if band == bytes([_DATA]):
                yield content
            elif band == bytes([_PROGRESS]):
                said(text.decode(content))
            elif band == bytes([_ERROR]):
                raise RequestFailed(f"remote error: {content.decode('utf-8', 'replace').strip()}")
            else:
                raise RequestFailed("the server's answer is not of Git's protocol")
