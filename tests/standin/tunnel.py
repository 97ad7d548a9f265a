"""A way for programs that only speak https to other hosts: a proxy with TLS of a test authority before the stand-in.

The program is told of the proxy (HTTPS_PROXY) and the authority (SSL_CERT_FILE, GIT_SSL_CAINFO), and believes that it
talks to HOST.
"""

from __future__ import annotations

import contextlib
import datetime
import shutil
import socket
import socketserver
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

HOST = "github.example.com"


def certificate(folder: Path) -> Path:
    """Write a self-signed certificate for HOST with its key into one file, and return it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, HOST)])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(HOST)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    form, plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    file = folder / "tunnel.pem"
    file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, form, plain) + made.public_bytes(serialization.Encoding.PEM)
    )
    return file


class _Tunnels(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, own: Path, target: tuple[str, int]) -> None:
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(own)
        self.target = target
        super().__init__(("127.0.0.1", 0), _Tunnel)


class _Tunnel(socketserver.StreamRequestHandler):
    server: _Tunnels

    def handle(self) -> None:
        """Read CONNECT, agree for HOST only, and carry what comes through TLS to the target and back."""
        wanted = self.rfile.readline().decode("latin-1").split(" ")
        while self.rfile.readline().strip():
            pass
        if wanted[:2] != ["CONNECT", f"{HOST}:443"]:
            self.wfile.write(b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n")
            return
        self.wfile.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        with contextlib.suppress(OSError):
            secured = self.server.context.wrap_socket(self.connection, server_side=True)
            with socket.create_connection(self.server.target) as inner, secured:
                answers = threading.Thread(target=_carry, args=(inner, secured), daemon=True)
                answers.start()
                _carry(secured, inner)
                answers.join()


def _carry(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while block := source.recv(1 << 16):
            target.sendall(block)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)


@contextmanager
def opened(folder: Path, url: str) -> Iterator[dict[str, str]]:
    """Yield the environment with which a program reaches the server at `url` as https://HOST."""
    own = certificate(folder)
    host, _, port = url.removeprefix("http://").partition(":")
    with _Tunnels(own, (host, int(port))) as server:
        thread = threading.Thread(target=server.serve_forever, name="tunnel", daemon=True)
        thread.start()
        proxy = f"http://127.0.0.1:{server.server_address[1]}"
        yield {
            "HTTPS_PROXY": proxy,
            "https_proxy": proxy,
            "SSL_CERT_FILE": str(own),
            "GIT_SSL_CAINFO": str(own),
            "PATH": str(Path(shutil.which("git") or "git").parent),
        }
        server.shutdown()
        thread.join(10)
