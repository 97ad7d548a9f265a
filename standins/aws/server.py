"""The AWS stand-in over HTTP: its services at one address, and its own controls."""

from __future__ import annotations

import json
import re
import threading
import traceback
import uuid
from collections import deque
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from botocore import xform_name
from werkzeug.wrappers import Request as HttpRequest
from werkzeug.wrappers import Response as HttpResponse

from standins import markup
from standins.aws import studio_pages
from standins.aws.calls import Call
from standins.aws.codeconnections import CodeConnections
from standins.aws.controls import Controls
from standins.aws.datazone.service import DataZone
from standins.aws.emulator import Emulator
from standins.aws.pipelines import Pipelines
from standins.aws.protocol import SERVICES, Request, ServiceError, answer, answer_error, parse, service_model
from standins.aws.sagemaker import SageMaker
from standins.aws.service_catalog.service import ServiceCatalog
from standins.aws.trail import Trail
from standins.serving import Server

if TYPE_CHECKING:
    from collections.abc import Iterator

_CREDENTIAL = re.compile(r"Credential=(?P<key>[^/,\s]+)/\d{8}/(?P<region>[^/]+)/(?P<service>[^/]+)/aws4_request")


class AwsStandIn:
    """The stand-in. `aws_endpoint` is MiniStack's address; `base_url` is this server's, once it runs."""

    def __init__(self, aws_endpoint: str) -> None:
        """Take MiniStack's address; nothing is served yet."""
        self.emulator = Emulator(aws_endpoint)
        self.sagemaker = SageMaker()
        self.pipelines, self.connections = Pipelines(self.sagemaker.tag), CodeConnections()
        self.trail = Trail()
        self.datazone = DataZone(self.emulator, self.sagemaker)
        self.calls: deque[dict[str, Any]] = deque(maxlen=20_000)
        self.base_url = ""
        catalog = ServiceCatalog(self.emulator)
        self._services: dict[str, tuple[object, ...]] = {
            "cloudtrail": (self.trail,),
            "codeconnections": (self.connections,),
            "datazone": self.datazone.operations,
            "sagemaker": (self.sagemaker, self.pipelines),
            "servicecatalog": catalog.operations,
        }
        self._controls = Controls(
            self.datazone,
            catalog,
            self.emulator,
            self.calls,
            self.operations,
            sagemaker=self.sagemaker,
            placed={
                "pipelines": self.pipelines.put,
                "git-connections": self.connections.put,
                "trail": self.trail.put,
            },
        )

    @classmethod
    @contextmanager
    def running(cls, aws_endpoint: str, port: int = 0) -> Iterator[AwsStandIn]:
        """Serve from a thread for as long as the block lasts; port 0 takes a free one."""
        stand_in = cls(aws_endpoint)
        server = stand_in.bind(port)
        thread = threading.Thread(target=server.serve_forever, daemon=True, name="aws-stand-in")
        thread.start()
        try:
            yield stand_in
        finally:
            server.stop()
            thread.join()

    def bind(self, port: int) -> Server:
        """Return the server, bound to 127.0.0.1; the caller serves it. Raises CannotListen."""
        server = Server(port, self)
        self.base_url = server.url
        return server

    def operations(self) -> dict[str, list[str]]:
        """Return the names of the operations that the stand-in knows, by service."""
        return {
            service: [
                name
                for name in service_model(service).operation_names
                if any(hasattr(part, xform_name(name)) for part in parts)
            ]
            for service, parts in self._services.items()
        }

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        """Answer one request (WSGI)."""
        request = HttpRequest(environ)
        if request.path.startswith("/_standin/"):
            status, content = self._controls.handle(request.method, request.path, request.get_data(), request.args)
            return HttpResponse(json.dumps(content, default=str), status, content_type="application/json")(
                environ, start_response
            )
        if request.method in ("GET", "HEAD") and "Authorization" not in request.headers and _is_page(request.path):
            return self._page(request)(environ, start_response)
        return self._answer(request)(environ, start_response)

    def _page(self, request: HttpRequest) -> HttpResponse:
        """Answer a person's browser."""
        if not studio_pages.is_of_this_machine(request.host):
            return HttpResponse("This is for programs and pages of this machine.", 403)
        status, page = studio_pages.serve(self.datazone.domains, request.path)
        return HttpResponse(page, status, markup.SAFE)

    def _answer(self, request: HttpRequest) -> HttpResponse:
        request_id = str(uuid.uuid4())
        signed = _CREDENTIAL.search(request.headers.get("Authorization", ""))
        service = signed["service"] if signed else ""
        if not signed or service not in SERVICES:
            body = json.dumps(
                {"__type": "MissingAuthenticationTokenException", "message": "Sign for one of our services."}
            )
            return HttpResponse(body, 403, content_type="application/x-amz-json-1.1")
        path, _, query = str(request.environ.get("RAW_URI", request.path)).partition("?")
        sent = Request(
            service,
            request.method,
            path,
            parse_qs(query, keep_blank_values=True),
            {name.lower(): value for name, value in request.headers.items()},
            request.get_data(),
        )
        try:
            operation, parameters = parse(sent)
            result = self._perform(service, operation.name, parameters, signed["key"], signed["region"])
            response = answer(operation, result, request_id)
        except ServiceError as error:
            response = answer_error(service, error, request_id)
        except Exception:
            traceback.print_exc()
            response = answer_error(service, ServiceError("InternalFailure", "The stand-in failed."), request_id)
        return HttpResponse(response.body, response.status, response.headers)

    def _perform(
        self, service: str, operation: str, parameters: dict[str, Any], key: str, region: str
    ) -> dict[str, Any]:
        caller = self.emulator.caller(key, region)
        account = caller.arn.split(":")[4]
        call = Call(service, operation, caller.arn, account, region, parameters, key, caller.session)
        name = xform_name(operation)
        handler = next((getattr(part, name) for part in self._services[service] if hasattr(part, name)), None)
        outcome = "InternalFailure"
        try:
            if handler is None:
                raise ServiceError("UnknownOperationException", f"The stand-in does not know {service} {operation}.")
            result = _admitted(self.datazone, handler, call, parameters)
            outcome = "ok"
            return result
        except ServiceError as error:
            outcome = error.code
            raise
        finally:
            self.calls.append(call.log_entry(outcome))


def _is_page(path: str) -> bool:
    return path in ("/", studio_pages.START) or path.startswith(f"{studio_pages.START}/")


def _admitted(datazone: DataZone, handler: Any, call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """Return the operation's answer; DataZone looks first who asks."""
    answer: dict[str, Any]
    if call.service == "datazone":
        answer = datazone.access.answered(handler, call, parameters)
    else:
        answer = handler(call, parameters)
    return answer
