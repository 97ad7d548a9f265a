"""HTTP requests to one repository of a Git server: where to, as whom, and how long to wait.

The token is in a header of these requests and nowhere else. It goes to no other host than the one it was made for.
"""

from __future__ import annotations

import base64
import io
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cached_property
from typing import TYPE_CHECKING, Any, BinaryIO, Literal
from urllib.parse import urljoin, urlsplit

from custom_resources.clients.denials import is_limit, page_text, seconds_asked
from custom_resources.clients.git.failures import RequestFailed
from custom_resources.clients.git.packets import Packets
from custom_resources.clients.request_limit import RequestLimit

if TYPE_CHECKING:
    import requests

Service = Literal["git-upload-pack", "git-receive-pack"]
SILENCE_SECONDS = 60  # a server that sends nothing for that long is given up,
TRANSFER_SECONDS = 240  # and one whose answer is not complete by then: less than any function has
_CONNECT_SECONDS = 20  # in which a connection is made
_AGENT = "git/2.39 (studio-project-template)"  # GitHub serves Git to agents whose name begins with git/
_MOVED = frozenset({301, 302, 307, 308})
_HOPS = 3  # redirects that are followed
_SAID = 4096  # bytes of an error's text


class Conversation:
    """The requests of one repository, over one kept connection. All raise RequestFailed and TooManyRequests."""

    def __init__(self, url: str, token: Callable[[], str], limit: RequestLimit | None = None) -> None:
        """`url` is the repository's, ending in .git. `token` is called with the first request."""
        self.url = url
        self._limit = limit or RequestLimit()
        self._new_token = token
        self._session: requests.Session | None = None

    @cached_property
    def token(self) -> str:
        """The token of all requests."""
        return self._new_token()

    @property
    def authorization(self) -> str:
        """The header's value."""
        return "Basic " + base64.b64encode(f"x-access-token:{self.token}".encode()).decode()

    def settings(self) -> dict[str, str]:
        """Return the settings with which git's own processes reach the remote, and fetch what is read and not here."""
        return {
            f"http.{self.url}.extraHeader": f"Authorization: {self.authorization}",
            "remote.origin.url": self.url,
            "remote.origin.promisor": "true",
            "remote.origin.partialCloneFilter": "blob:none",
            "http.lowSpeedLimit": "1000",
            "http.lowSpeedTime": str(SILENCE_SECONDS),
        }

    def close(self) -> None:
        """Close the connection."""
        if self._session:
            self._session.close()
            self._session = None

    def _open(self) -> requests.Session:
        if self._session is None:
            import requests

            self._session = requests.Session()
            self._session.auth = self._authorize  # also keeps a .netrc out of it
        return self._session

    def _authorize(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = self.authorization
        return request

    @contextmanager
    def advertisement(self, service: Service, version: int = 0) -> Iterator[Packets]:
        """Ask what the server has and can (GET info/refs); follow a repository that was renamed."""
        rest = f"/info/refs?service={service}"
        for _ in range(_HOPS + 1):
            with self._answer("GET", f"{self.url}{rest}", version) as (location, packets):
                if not location:
                    yield packets
                    return
            moved = urljoin(self.url, location)
            if not moved.endswith(rest) or urlsplit(moved)[:2] != urlsplit(self.url)[:2]:
                raise RequestFailed("The repository's address leads elsewhere: repository not found")
            self.url = moved.removesuffix(rest)
        raise RequestFailed("The repository's address leads in circles: repository not found")

    @contextmanager
    def request(self, service: Service, body: bytes | BinaryIO, version: int = 0) -> Iterator[Packets]:
        """Ask a service for something (POST). A file is sent from its position, as it is read."""
        headers = {
            "Content-Type": f"application/x-{service}-request",
            "Accept": f"application/x-{service}-result",
        }
        with self._answer("POST", f"{self.url}/{service}", version, headers, body) as (location, packets):
            if location:  # renamed since the GET; a POST is not sent again to where it leads
                raise RequestFailed("the repository was renamed meanwhile")
            yield packets

    @contextmanager
    def _answer(
        self,
        method: str,
        url: str,
        version: int,
        headers: dict[str, str] | None = None,
        body: bytes | BinaryIO | None = None,
    ) -> Iterator[tuple[str, Packets]]:
        """Yield where the answer leads ("" = it is one) and its packets."""
        import requests
        import urllib3

        self._limit.take()
        silence = self._limit.left(SILENCE_SECONDS)
        sent = {"User-Agent": _AGENT, **(headers or {}), **({"Git-Protocol": f"version={version}"} if version else {})}
        try:
            with self._open().request(
                method,
                url,
                headers=sent,
                data=body,
                stream=True,
                allow_redirects=False,
                verify=os.environ.get(
                    "GIT_SSL_CAINFO"
                ),  # one trust for our requests and git's; None: as requests has it
                timeout=(min(_CONNECT_SECONDS, silence), silence),
            ) as response:
                location = response.headers.get("Location", "") if response.status_code in _MOVED else ""
                if not location:
                    _require_git(response)
                stream = io.BufferedReader(_Body(response.raw, self._limit.left(TRANSFER_SECONDS)), 1 << 16)
                yield location, Packets(stream)
                with suppress(RequestFailed, urllib3.exceptions.HTTPError):
                    stream.read(1 << 16)  # to its end, so that the connection can be kept
        except requests.exceptions.SSLError as error:
            raise RequestFailed(f"certificate verification failed: {error}") from None
        except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
            raise RequestFailed(f"the connection failed ({type(error).__name__})") from None


def _require_git(response: requests.Response) -> None:
    """Refuse an error, and a page that is not of Git's protocol (a proxy's)."""
    kind = response.headers.get("Content-Type", "")
    if response.status_code != 200:
        said = response.raw.read(_SAID, decode_content=True).decode("utf-8", "replace") if "text/" in kind else ""
        said = page_text(said) if "text/html" in kind else said
        limited = response.status_code == 429 or (response.status_code == 403 and is_limit(said))
        wait = seconds_asked({name.lower(): value for name, value in response.headers.items()}, limited=limited)
        raise RequestFailed(said, response.status_code, wait or 0)
    if not kind.startswith("application/x-git-"):
        raise RequestFailed("the answer is not a Git server's")


class _Body(io.RawIOBase):
    """An answer's body, as it comes; it must be there before so many seconds are over."""

    def __init__(self, raw: Any, seconds: float) -> None:
        self._raw, self._seconds = raw, seconds
        self._end = time.monotonic() + seconds

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if time.monotonic() > self._end:
            raise RequestFailed(f"the transfer took longer than {self._seconds:.0f} seconds")
        data = self._raw.read1(len(buffer), decode_content=True)
        buffer[: len(data)] = data
        return len(data)
