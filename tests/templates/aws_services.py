"""S3, SageMaker, CloudFormation and STS as far as the templates call them, in memory.

Requests to SageMaker are held to botocore's shapes. A pipeline's execution succeeds at once: it leaves what the
evaluate step writes, and a model package that waits for approval.
"""

from __future__ import annotations

import json
import re
import threading
import urllib.parse
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from xml.sax.saxutils import escape

from botocore.session import get_session
from botocore.validate import ParamValidator

ACCOUNT, REGION = "111122223333", "eu-west-1"
_SAGEMAKER = get_session().get_service_model("sagemaker")
_HERE = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}"


class Refused(Exception):
    """An error's code and message."""


@dataclass(frozen=True)
class Call:
    """A request: whose access key, the service's operation, what on."""

    caller: str
    operation: str
    on: str


@dataclass
class Services:
    """What there is. `evaluation`: where executions' reports go; `wrong`: packages whose endpoints answer wrongly."""

    evaluation: str
    objects: dict[str, bytes] = field(default_factory=dict)  # bucket/key
    pipelines: dict[str, dict[str, Any]] = field(default_factory=dict)
    packages: list[dict[str, Any]] = field(default_factory=list)
    stacks: dict[str, dict[str, str]] = field(default_factory=dict)  # name -> parameters
    wrong: set[str] = field(default_factory=set)
    calls: list[Call] = field(default_factory=list)  # that a test may forget
    all_calls: set[Call] = field(default_factory=set)
    smoke: dict[str, Any] = field(
        default_factory=lambda: {"content_type": "text/csv", "rows": ["1"], "predictions": [9.5]}
    )

    # -- SageMaker: JSON ----------------------------------------------------------------------------------------------

    def sagemaker(self, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        shape = _SAGEMAKER.operation_model(operation).input_shape
        assert shape is not None, operation
        report = ParamValidator().validate(request, shape)
        assert not report.has_errors(), f"{operation}: {report.generate_report()}"
        assert set(request) <= set(shape.members), operation
        found: dict[str, Any] = getattr(self, f"_{re.sub(r'(?<!^)(?=[A-Z])', '_', operation).lower()}")(request)
        return found

    def _create_pipeline(self, request: dict[str, Any]) -> dict[str, Any]:
        name = request["PipelineName"]
        if name in self.pipelines:
            raise Refused("ValidationException", f"A pipeline with name {name} already exists.")
        self.pipelines[name] = request
        return {"PipelineArn": f"{_HERE}:pipeline/{name}"}

    def _update_pipeline(self, request: dict[str, Any]) -> dict[str, Any]:
        self.pipelines[request["PipelineName"]] |= request
        return {"PipelineArn": f"{_HERE}:pipeline/{request['PipelineName']}"}

    def _start_pipeline_execution(self, request: dict[str, Any]) -> dict[str, Any]:
        number = len(self.packages) + 1
        place = self.evaluation.replace("EXECUTION", f"run{number:08}")
        report = {"regression_metrics": {"rmse": {"value": 2.2}, "baseline_rmse": {"value": 3.2}}}
        self.objects[f"{place}/evaluation.json"] = json.dumps(report).encode()
        self.objects[f"{place}/smoke.json"] = json.dumps(self.smoke).encode()
        group = "aiops-p1-models"
        self.packages.append(
            {
                "ModelPackageArn": f"{_HERE}:model-package/{group}/{number}",
                "ModelPackageGroupName": group,
                "ModelPackageVersion": number,
                "ModelPackageStatus": "Completed",
                "ModelApprovalStatus": "PendingManualApproval",
                "CreationTime": number,
                "ModelMetrics": {"ModelQuality": {"Statistics": {"S3Uri": f"s3://{place}/evaluation.json"}}},
            }
        )
        return {"PipelineExecutionArn": f"{_HERE}:pipeline/{request['PipelineName']}/execution/run{number:08}"}

    def _describe_pipeline_execution(self, request: dict[str, Any]) -> dict[str, Any]:
        return {"PipelineExecutionStatus": "Succeeded"}

    def _list_pipeline_execution_steps(self, request: dict[str, Any]) -> dict[str, Any]:
        package = self.packages[int(request["PipelineExecutionArn"][-8:]) - 1]
        registered = {"RegisterModel": {"Arn": package["ModelPackageArn"]}}
        steps = [{"StepName": "Evaluate"}, {"StepName": "Register-RegisterModel", "Metadata": registered}]
        return {"PipelineExecutionSteps": steps}

    def _list_model_packages(self, request: dict[str, Any]) -> dict[str, Any]:
        status = request["ModelApprovalStatus"]
        found = [each for each in reversed(self.packages) if each["ModelApprovalStatus"] == status]
        return {"ModelPackageSummaryList": found[: request["MaxResults"]]}

    def _describe_model_package(self, request: dict[str, Any]) -> dict[str, Any]:
        return next(each for each in self.packages if each["ModelPackageArn"] == request["ModelPackageName"])

    def answer(self, endpoint: str) -> str:
        """Return what the endpoint answers to the known row."""
        served = self.stacks[endpoint]["ModelPackageArn"]
        return "0.1" if served in self.wrong else str(self.smoke["predictions"][0])

    # -- CloudFormation and STS: forms and XML ------------------------------------------------------------------------

    def query(self, form: dict[str, str]) -> str:
        """Return the result of an operation as XML."""
        action, name = form["Action"], form.get("StackName", "")
        if action == "GetCallerIdentity":
            return f"<Account>{ACCOUNT}</Account><Arn>arn:aws:sts::{ACCOUNT}:assumed-role/r/s</Arn><UserId>u</UserId>"
        if action == "DescribeStacks":
            return f"<Stacks><member>{self._stack(name)}</member></Stacks>"
        numbers = [key.split(".")[2] for key in form if key.startswith("Parameters.") and key.endswith(".ParameterKey")]
        given = {
            form[f"Parameters.member.{number}.ParameterKey"]: form[f"Parameters.member.{number}.ParameterValue"]
            for number in numbers
        }
        if action == "UpdateStack" and self.stacks[name] == given:
            raise Refused("ValidationError", "No updates are to be performed.")
        self.stacks[name] = given
        return f"<StackId>{name}</StackId>"

    def _stack(self, name: str) -> str:
        if name not in self.stacks:
            raise Refused("ValidationError", f"Stack with id {name} does not exist")
        parameters = "".join(
            f"<member><ParameterKey>{key}</ParameterKey><ParameterValue>{escape(value)}</ParameterValue></member>"
            for key, value in self.stacks[name].items()
        )
        output = f"<member><OutputKey>EndpointName</OutputKey><OutputValue>{name}</OutputValue></member>"
        # Creating or updating: both waiters end.
        status = "UPDATE_COMPLETE" if self.stacks[name].get("PreviousModelPackageArn") else "CREATE_COMPLETE"
        return (
            f"<StackName>{name}</StackName><CreationTime>2026-11-28T00:00:00Z</CreationTime>"
            f"<StackStatus>{status}</StackStatus>"
            f"<Parameters>{parameters}</Parameters><Outputs>{output}</Outputs>"
        )


class _Handler(BaseHTTPRequestHandler):
    services: Services

    def _body(self) -> bytes:
        data = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if "aws-chunked" not in self.headers.get("Content-Encoding", ""):
            return data
        plain = b""
        while data:
            size, _, data = data.partition(b"\r\n")
            length = int(size.split(b";")[0], 16)
            if not length:
                break
            plain, data = plain + data[:length], data[length + 2 :]
        return plain

    def _note(self, operation: str, on: str) -> None:
        caller = re.search(r"Credential=([^/]+)/", self.headers.get("Authorization", ""))
        call = Call(caller[1] if caller else "", operation, on)
        self.services.calls.append(call)
        self.services.all_calls.add(call)

    def _send(self, status: int, body: bytes, kind: str = "application/xml") -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self) -> None:
        body, target = self._body(), self.headers.get("X-Amz-Target", "")
        if self.path.startswith("/endpoints/"):
            endpoint = self.path.split("/")[2]
            self._note("sagemaker:InvokeEndpoint", endpoint)
            return self._send(200, self.services.answer(endpoint).encode(), "text/csv")
        if target:
            operation, request = target.split(".")[1], json.loads(body)
            on = next((str(request[key]) for key in request if key.endswith(("Name", "Arn"))), "")
            self._note(f"sagemaker:{operation}", on)
            try:
                found = json.dumps(self.services.sagemaker(operation, request)).encode()
            except Refused as error:
                code, message = error.args
                return self._send(400, json.dumps({"__type": code, "message": message}).encode(), "application/json")
            return self._send(200, found, "application/x-amz-json-1.1")
        form = dict(urllib.parse.parse_qsl(body.decode(), keep_blank_values=True))
        action = form["Action"]
        service = "sts" if action == "GetCallerIdentity" else "cloudformation"
        self._note(f"{service}:{action}", form.get("StackName", ""))
        try:
            result = self.services.query(form)
        except Refused as error:
            code, message = error.args
            text = (
                f"<ErrorResponse><Error><Code>{code}</Code><Message>{escape(message)}</Message></Error></ErrorResponse>"
            )
            return self._send(400, text.encode())
        text = f"<{action}Response><{action}Result>{result}</{action}Result></{action}Response>"
        return self._send(200, text.encode())

    def do_PUT(self) -> None:
        place = urllib.parse.unquote(self.path.lstrip("/").partition("?")[0])
        self._note("s3:PutObject", place)
        self.services.objects[place] = self._body()
        self._send(200, b"")

    def do_GET(self) -> None:
        place, _, query = self.path.lstrip("/").partition("?")
        place = urllib.parse.unquote(place)
        asked = dict(urllib.parse.parse_qsl(query, keep_blank_values=True))
        if "list-type" in asked:
            prefix = asked.get("prefix", "")
            self._note("s3:ListBucket", f"{place.strip('/')}/{prefix}")
            keys = [
                key.partition("/")[2] for key in self.services.objects if key.startswith(f"{place.strip('/')}/{prefix}")
            ]
            found = "".join(f"<Contents><Key>{escape(key)}</Key></Contents>" for key in keys)
            text = f"<ListBucketResult><KeyCount>{len(keys)}</KeyCount>{found}</ListBucketResult>"
            return self._send(200, text.encode())
        self._note("s3:GetObject", place)
        if place not in self.services.objects:
            return self._send(404, b"<Error><Code>NoSuchKey</Code><Message>no</Message></Error>")
        return self._send(200, self.services.objects[place], "application/octet-stream")

    def do_HEAD(self) -> None:
        place = urllib.parse.unquote(self.path.lstrip("/").partition("?")[0])
        self._note("s3:GetObject", place)
        self._send(200 if place in self.services.objects else 404, b"")

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


def serve(services: Services) -> tuple[str, ThreadingHTTPServer]:
    """Serve it; return the address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"services": services}))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_port}", server
