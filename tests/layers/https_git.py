"""A Git server over HTTPS: git's own http-backend behind Python's TLS, with a certificate of a test authority."""

from __future__ import annotations

import base64
import ipaddress
import os
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

HOST = "git.test"
_PATH = os.environ["PATH"]  # the host's git serves, also while a test puts another one in its place


def _certificate(
    subject: str, key: ec.EllipticCurvePrivateKey, issuer: str, issuer_key: ec.EllipticCurvePrivateKey, authority: bool
) -> bytes:
    name = {text: x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)]) for text in (subject, issuer)}
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(name[subject])
        .issuer_name(name[issuer])
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
    )
    if not authority:
        names = [x509.DNSName(HOST), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return builder.sign(issuer_key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


class HttpsGit:
    """Bare repositories below `root`, at https://git.test:<port>/<owner>/<name>.git, for one token."""

    def __init__(self, root: Path, token: str) -> None:
        self.root, self.token = root / "repositories", token
        self.authority = root / "authority.pem"
        self.requests: list[str] = []
        authority_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
        self.authority.write_bytes(_certificate("Test authority", authority_key, "Test authority", authority_key, True))
        own = root / "server.pem"
        own.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
            + _certificate(HOST, key, "Test authority", authority_key, False)
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(own)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)

    @classmethod
    @contextmanager
    def running(cls, root: Path, token: str) -> Iterator[HttpsGit]:
        """Serve in a thread."""
        server = cls(root, token)
        thread = threading.Thread(target=server._server.serve_forever, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server._server.shutdown()
            server._server.server_close()
            thread.join(timeout=10)

    @property
    def url(self) -> str:
        return f"https://{HOST}:{self._server.server_address[1]}"

    @property
    def local_url(self) -> str:
        """The same, for who knows no such host: our own requests, which are not made in the empty root."""
        return f"https://127.0.0.1:{self._server.server_address[1]}"

    def git(self, full_name: str, *arguments: str, stdin: str = "") -> str:
        """Run the host's git in a repository."""
        command = ["git", "--git-dir", str(self.root / f"{full_name}.git"), *arguments]
        return subprocess.run(
            command, check=True, capture_output=True, text=True, input=stdin, env={"PATH": _PATH}
        ).stdout.strip()

    @property
    def authorization(self) -> str:
        """The header that a client must send."""
        return "Authorization: Basic " + base64.b64encode(f"x-access-token:{self.token}".encode()).decode()

    def _tip(self, full_name: str) -> str:
        return self.git(full_name, "for-each-ref", "--format=%(objectname)", "refs/heads/main")

    def commit(self, full_name: str, path: str, content: str) -> str:
        """Write a file at the top and put the commit on main, by the host's git; return the commit's name."""
        listed = self.git(full_name, "ls-tree", "--full-tree", "main").splitlines() if self._tip(full_name) else []
        blob = self.git(full_name, "hash-object", "-w", "--stdin", stdin=content)
        lines = [line for line in listed if line.split("\t")[1] != path]
        tree = self.git(full_name, "mktree", stdin="\n".join([*lines, f"100644 blob {blob}\t{path}"]) + "\n")
        person = ["-c", "user.name=User", "-c", "user.email=user@example.test"]
        parents = [argument for tip in [self._tip(full_name)] if tip for argument in ("-p", tip)]
        commit = self.git(full_name, *person, "commit-tree", "-m", "Edit", *parents, tree)
        self.git(full_name, "update-ref", "refs/heads/main", commit)
        return commit

    def create(self, full_name: str) -> None:
        """Make an empty repository that serves what GitHub serves."""
        path = self.root / f"{full_name}.git"
        subprocess.run(["git", "init", "--quiet", "--bare", "--initial-branch=main", str(path)], check=True)
        for key in ("http.receivepack", "uploadpack.allowFilter", "uploadpack.allowAnySHA1InWant"):
            self.git(full_name, "config", key, "true")

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, format: str, *args: object) -> None:
                """Nothing: the requests are kept."""

            def _answer(self) -> None:
                server.requests.append(f"{self.command} {self.path}")
                path, _, query = self.path.partition("?")
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                if f"Authorization: {self.headers.get('Authorization')}" != server.authorization:
                    self._send(401, [("WWW-Authenticate", 'Basic realm="test"')], b"")
                elif path.startswith("/broken/") and self.command == "POST":
                    # Good until the pack begins, which then is no packet at all.
                    self._send(200, [("Content-Type", "application/x-git-upload-pack-result")], b"0008NAK\nzzzz")
                else:
                    self._backend(path.replace("/broken/", "/owner/"), query, body)

            do_GET = do_POST = _answer  # noqa: N815  (http.server calls them so)

            def _backend(self, path: str, query: str, body: bytes) -> None:
                environment = {
                    "PATH": _PATH,
                    "GIT_PROJECT_ROOT": str(server.root),
                    "GIT_HTTP_EXPORT_ALL": "1",
                    "PATH_INFO": path,
                    "QUERY_STRING": query,
                    "REQUEST_METHOD": self.command,
                    "CONTENT_TYPE": self.headers.get("Content-Type", ""),
                    "CONTENT_LENGTH": str(len(body)),
                    "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
                    "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
                    "REMOTE_USER": "x-access-token",
                    "REMOTE_ADDR": "127.0.0.1",
                }
                done = subprocess.run(
                    ["git", "http-backend"], input=body, env=environment, check=True, capture_output=True
                )
                head, _, content = done.stdout.partition(b"\r\n\r\n")
                fields = [tuple(line.split(": ", 1)) for line in head.decode("latin-1").split("\r\n")]
                status = next((int(value.split()[0]) for name, value in fields if name == "Status"), 200)
                self._send(status, [(name, value) for name, value in fields if name != "Status"], content)

            def _send(self, status: int, fields: list[tuple[str, str]], content: bytes) -> None:
                self.send_response(status)
                for name, value in [*fields, ("Content-Length", str(len(content)))]:
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(content)

        return Handler
