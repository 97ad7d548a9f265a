"""The front door of the templates' AWS: notes each request, whose it is and what on, and hands it on.

Files go to the S3 of a MiniStack, all else to Services.
"""

from __future__ import annotations

import http.client
import json
import re
import threading
import urllib.parse
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import boto3

from local import ministack, processes
from local.home import Home
from tests.templates.aws_services import ACCOUNT, REGION, RESULTS, Refused, Services

_CREDENTIAL = re.compile(r"Credential=([^/]+)/[^/]+/[^/]+/([^/]+)/")


@dataclass(frozen=True)
class Call:
    """A request: whose access key, the service, the operation, what on, and what it gave (S3: the place alone)."""

    caller: str
    service: str
    operation: str
    on: str
    given: Mapping[str, Any] = field(default_factory=dict, compare=False)

    @property
    def action(self) -> str:
        """As IAM names it, but for operations that have another name there."""
        return f"{self.service}:{self.operation}"


@dataclass
class Account:
    """The account of a test: its services, its files, and what was asked. `calls`: those that a test may forget."""

    services: Services
    bucket: str
    calls: list[Call] = field(default_factory=list)
    all_calls: list[Call] = field(default_factory=list)

    def files(self, prefix: str = "") -> list[str]:
        """Return the names of the files below a prefix."""
        pages = self.services.s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=prefix)
        return [each["Key"] for page in pages for each in page.get("Contents", [])]

    def note(self, call: Call) -> None:
        """Keep a call."""
        self.calls.append(call)
        self.all_calls.append(call)


@contextmanager
def ministack_alone(folder: Path) -> Iterator[str]:
    """Run a MiniStack, for its S3; give its address."""
    home, port = Home(folder), processes.free_port()
    home.make()
    settings = ministack.settings(home, port, "http://127.0.0.1:9")  # nothing of the stand-ins is asked
    process = processes.start("ministack", ["-m", "local.ministack"], port, home, settings)
    try:
        processes.wait_until_answers("ministack", process, home)
        yield f"http://127.0.0.1:{port}"
    finally:
        processes.stop([process])


@contextmanager
def emptied(address: str, bucket: str) -> Iterator[Any]:
    """Make a bucket at an address, empty before and after; give a client of that S3."""
    s3 = client(address, ACCOUNT, REGION)
    for name in (bucket, RESULTS):
        with suppress(s3.exceptions.BucketAlreadyOwnedByYou):
            s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
    try:
        yield s3
    finally:
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket):
            for each in page.get("Contents", []):
                s3.delete_object(Bucket=bucket, Key=each["Key"])


def client(address: str, account: str, region: str) -> Any:
    """Return a client of a MiniStack's S3, in an account."""
    return boto3.client(
        "s3", endpoint_url=address, region_name=region, aws_access_key_id=account, aws_secret_access_key="secret"
    )


@contextmanager
def served(services: Services, bucket: str) -> Iterator[Account]:
    """Serve an account, whose files are in a bucket of its S3."""
    found = Account(services, bucket)
    place = urllib.parse.urlsplit(services.s3.meta.endpoint_url).netloc
    handler = type("Handler", (_Handler,), {"account": found, "place": place})
    services.folder.mkdir(parents=True, exist_ok=True)
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    services.address = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield found
    finally:
        services.close()
        server.shutdown()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    account: Account
    place: str  # of MiniStack, host and port

    def _any(self) -> None:
        credential = _CREDENTIAL.search(self.headers.get("Authorization", ""))
        assert credential, f"not signed: {self.path}"
        self.caller, service = credential.groups()
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        try:
            {"s3": self._file, "bedrock": self._model, "datazone": self._connections}.get(service, self._service)(body)
        except Refused as error:
            code, message = error.args
            self._send(400, json.dumps({"__type": code, "message": message}).encode(), "application/x-amz-json-1.1")

    def do_GET(self) -> None:
        self._any()

    def do_HEAD(self) -> None:
        self._any()

    def do_POST(self) -> None:
        self._any()

    def do_PUT(self) -> None:
        self._any()

    def _note(self, service: str, operation: str, on: str, given: Mapping[str, Any]) -> None:
        self.account.note(Call(self.caller, service, operation, on, given))

    def _send(self, status: int, body: bytes, kind: str, more: Mapping[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": kind, "Content-Length": str(len(body)), **(more or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def _service(self, body: bytes) -> None:
        if self.path.startswith("/endpoints/"):
            endpoint = self.path.split("/")[2]
            self._note("sagemaker-runtime", "InvokeEndpoint", endpoint, {"EndpointName": endpoint})
            return self._send(200, self.account.services.answer(endpoint, body.decode()).encode(), "text/csv")
        if target := self.headers.get("X-Amz-Target", ""):
            request = json.loads(body)
            on = next((str(request[key]) for key in request if key.endswith(("Name", "Arn"))), "")
            service = {"AWSGlue": "glue", "AmazonAthena": "athena"}.get(target.partition(".")[0], "sagemaker")
            self._note(service, target.rpartition(".")[2], on, request)
            found = json.dumps(self.account.services.json(target, request)).encode()
            return self._send(200, found, "application/x-amz-json-1.1")
        return self._query(dict(urllib.parse.parse_qsl(body.decode(), keep_blank_values=True)))

    def _query(self, form: dict[str, str]) -> None:
        action = form["Action"]
        service = "sts" if action == "GetCallerIdentity" else "cloudformation"
        self._note(service, action, form.get("StackName", ""), form)
        try:
            result = self.account.services.query(form)
        except Refused as error:
            code, message = error.args
            text = f"<Error><Code>{code}</Code><Message>{escape(message)}</Message></Error>"
            return self._send(400, f"<ErrorResponse>{text}</ErrorResponse>".encode(), "text/xml")
        text = f"<{action}Response><{action}Result>{result}</{action}Result></{action}Response>"
        return self._send(200, text.encode(), "text/xml")

    def _connections(self, _: bytes) -> None:
        self._note("datazone", "ListConnections", self.path.split("/")[3], {})
        self._send(200, json.dumps(self.account.services.connections()).encode(), "application/json")

    def _model(self, body: bytes) -> None:
        name = urllib.parse.unquote(self.path.split("/")[2])
        self._note("bedrock-runtime", "Converse", name, {"modelId": name})
        assert self.account.services.converse, "Bedrock is not of this test"
        found = self.account.services.converse({"modelId": name, **json.loads(body)})
        self._send(200, json.dumps(found).encode(), "application/json")

    def _file(self, body: bytes) -> None:
        """Hand the request on to MiniStack, which finds the account by the access key."""
        path, _, query = self.path.partition("?")
        bucket, _, key = urllib.parse.unquote(path.lstrip("/")).partition("/")
        asked = dict(urllib.parse.parse_qsl(query, keep_blank_values=True))
        if self.command == "GET" and "list-type" in asked:
            prefix = asked.get("prefix", "")
            self._note("s3", "ListObjectsV2", f"{bucket}/{prefix}", {"Bucket": bucket, "Prefix": prefix})
        else:
            operation = "PutObject" if self.command == "PUT" else "GetObject"  # HEAD asks IAM for GetObject, too
            self._note("s3", operation, f"{bucket}/{key}", {"Bucket": bucket, "Key": key})
        headers = dict(self.headers.items())
        headers["Authorization"] = headers["Authorization"].replace(
            f"={self.caller}/", f"={self.account.services.account}/"
        )
        connection = http.client.HTTPConnection(self.place, timeout=60)
        connection.request(self.command, self.path, body, headers)
        answer = connection.getresponse()
        content = answer.read()
        kept = ("etag", "last-modified", "content-range", "accept-ranges")
        more = {name: value for name, value in answer.getheaders() if name.lower() in kept}
        if self.command == "HEAD":
            more["Content-Length"] = answer.getheader("Content-Length", "0")
        self._send(answer.status, content, answer.getheader("Content-Type", "application/xml"), more)
        connection.close()

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""
