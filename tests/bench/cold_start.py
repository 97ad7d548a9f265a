"""What a function's cold start takes: the processor time of its INIT phase and of its first call, and its memory.

Each function is started as Lambda starts it, in a process of its own, several times. The first call is that in which
the provider framework asks it to accept a request; what it asks AWS and GitHub is answered here at once.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from werkzeug.wrappers import Request, Response

from custom_resources.caller import LAUNCH_TAG, PRINCIPAL_TAG, PRODUCT_TAG
from custom_resources.catalogue import CATALOGUE, Entry
from standins.serving import Environ, Server, StartResponse
from tests.bench.measurement import ColdStart

_ARCHIVE = f"{'0' * 64}.zip"
_PROJECT = {"DomainId": "dzd_1", "ProjectId": "p1", "Part": "model_build"}
_REPOSITORY = {"RepositoryId": "1", "Repository": "acme/p1-build"}
_DATAZONE = {"DomainId": "dzd_1", "Name": "Repositories", "ProfileName": "Repositories"}
_APPROVAL = {
    "ModelPackageArn": "arn:aws:sagemaker:eu-west-1:111122223333:model-package/aiops-p1-models/1",
    "ModelPackageGroupName": "aiops-p1-models",
    "ModelApprovalStatus": "Rejected",
}
PROPERTIES: dict[str, dict[str, Any]] = {
    "studio_project": _PROJECT,
    "github_repository": {**_PROJECT, "Organization": "acme", "Name": "p1-build"},
    "repository_template": {
        **_PROJECT,
        **_REPOSITORY,
        "TemplateArchive": _ARCHIVE,
        "TemplateVersion": "v1.0.0",
        "TemplateFolder": "regression/model_build",
    },
    "actions_configuration": {**_REPOSITORY, "Secrets": {"NAME": "value"}, "Variables": {"OTHER": "value"}},
    "template_archive": {"Archive": _ARCHIVE, "SourceBucket": "assets", "SourceKey": "key.zip"},
    "version_guidance": {"ProductId": "prod-1", "Guidance": {"v1.0.0": "DEFAULT"}},
    "studio_blueprint": {
        **_DATAZONE,
        "TemplateUrl": f"https://s3.eu-west-1.amazonaws.com/assets/{'0' * 64}.json",
        "ProvisioningRoleArn": "arn:aws:iam::111122223333:role/provisioning",
        "EnabledRegions": ["eu-west-1"],
    },
    "blueprint_template": {
        "SourceBucket": "assets",
        "SourceKey": f"{'0' * 64}.json",
        "Address": "https://s3.eu-west-1.amazonaws.com/blueprints",
    },
    "studio_blueprint_configuration": {
        "DomainId": "dzd_1",
        "BlueprintName": "Repositories",
        "ProvisioningRoleArn": "arn:aws:iam::111122223333:role/provisioning",
        "EnabledRegions": ["eu-west-1"],
    },
    "studio_project_profile": {
        **_DATAZONE,
        "EnvironmentBlueprintId": "blueprint1",
        "EnvironmentName": "Repositories",
        "AwsAccount": "111122223333",
        "AwsRegion": "eu-west-1",
    },
}
_XML = 'xmlns="http://cloudformation.amazonaws.com/doc/2010-05-15/"'
_TAGS = {
    PRODUCT_TAG: "arn:aws:catalog:eu-west-1:111122223333:product/prod-1",
    LAUNCH_TAG: "arn:aws:servicecatalog:eu-west-1:111122223333:stack/launch/pp-1",
    PRINCIPAL_TAG: "arn:aws:sts::111122223333:assumed-role/provisioning/session",
}
_MEMBERS = "".join(f"<member><Key>{key}</Key><Value>{value}</Value></member>" for key, value in _TAGS.items())
_STACK = f"""<DescribeStacksResponse {_XML}><DescribeStacksResult>
<Stacks><member><StackName>s</StackName><StackStatus>CREATE_IN_PROGRESS</StackStatus><Tags>{_MEMBERS}</Tags>
<Outputs><member><OutputKey>ProductId</OutputKey><OutputValue>prod-1</OutputValue></member></Outputs>
<Parameters>
<member><ParameterKey>DomainId</ParameterKey><ParameterValue>dzd_1</ParameterValue></member>
<member><ParameterKey>ProjectId</ParameterKey><ParameterValue>p1</ParameterValue></member>
</Parameters>
<CreationTime>2026-01-01T00:00:00Z</CreationTime></member></Stacks>
</DescribeStacksResult></DescribeStacksResponse>"""
_PROGRAM = """
import json, resource, sys
from types import SimpleNamespace

def processor():
    both = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(used.ru_utime + used.ru_stime for used in both)

def peak():
    try:  # of this program alone; getrusage also knows of the one that started it
        return next(int(line.split()[1]) / 1024 for line in open("/proc/self/status") if line.startswith("VmHWM:"))
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20

began = processor()
import custom_resources.handlers as handlers
ready = processor()
place = "arn:aws:lambda:eu-west-1:111122223333:function:" + sys.argv[1]
context = SimpleNamespace(aws_request_id="bench", invoked_function_arn=place)
getattr(handlers, sys.argv[1])(json.loads(sys.argv[2]), context)
json.dump([ready - began, processor() - ready, peak()], sys.stderr)
"""


def _resources() -> str:
    """Return what CloudFormation tells of the stack: each function's resource, named for it, is being created."""
    ids = {"studio_project": "dzd_1/p1", "github_repository": "1"}
    listed = "".join(
        f"<member><LogicalResourceId>{entry.name}</LogicalResourceId><ResourceType>{entry.resource_type}</ResourceType>"
        f"<PhysicalResourceId>{ids.get(entry.name, '')}</PhysicalResourceId>"
        "<ResourceStatus>CREATE_IN_PROGRESS</ResourceStatus></member>"
        for entry in CATALOGUE
        if entry.class_name
    )
    return (
        f"<DescribeStackResourcesResponse {_XML}><DescribeStackResourcesResult><StackResources>{listed}"
        "</StackResources></DescribeStackResourcesResult></DescribeStackResourcesResponse>"
    )


def cold_starts(times: int) -> list[ColdStart]:
    """Start every function of the catalogue that many times; return the medians. Raises CalledProcessError."""
    with _answering() as address:
        return [_median(entry, [_start(entry, address) for _ in range(times)]) for entry in CATALOGUE]


def _median(entry: Entry, found: list[list[float]]) -> ColdStart:
    init, call, peak = (statistics.median(values) for values in zip(*found, strict=True))
    return ColdStart(entry.name, init, call, peak)


def event(entry: Entry) -> dict[str, Any]:
    """Return a function's first event: the creation of its resource, or a model that was rejected, or a question."""
    if entry.name == "project_reader":
        return {"Stack": "arn:aws:cloudformation:eu-west-1:111122223333:stack/DataZone-Env-1/1"}
    if not entry.class_name:
        return {"Records": [{"body": json.dumps({"id": "e1", "detail": _APPROVAL})}]}
    return {
        "RequestType": "Create",
        "ResourceType": entry.resource_type,
        "StackId": "arn:aws:cloudformation:eu-west-1:111122223333:stack/s/1",
        "RequestId": "r1",
        "LogicalResourceId": entry.name,
        "ResourceProperties": PROPERTIES[entry.name],
    }


def _start(entry: Entry, address: str) -> list[float]:
    environment = {
        "PATH": os.environ["PATH"],
        "_HANDLER": f"custom_resources.handlers.{entry.name}",
        "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_ENDPOINT_URL": address,
        "AWS_ACCESS_KEY_ID": "bench",
        "AWS_SECRET_ACCESS_KEY": "bench",
        "BUDGET_TABLE": "budget",
        "GITHUB_API_URL": address,
        "GITHUB_SERVER_URL": address,
        "GITHUB_TOKEN_SECRET": "token",
        "SEAL_KEY": "arn:aws:kms:eu-west-1:111122223333:key/seals",
        "PRODUCT_ID": "prod-1",
        "PRODUCTS": "prod-1",
        "BLUEPRINT_BUCKET": "assets",
        "DEPLOY_WORKFLOW": "deploy.yml",
        "APPROVALS_QUEUE": f"{address}/approvals",
        "APPROVALS_DEAD_LETTERS": f"{address}/dead-letters",
    }
    command = [sys.executable, "-c", _PROGRAM, entry.name, json.dumps(event(entry))]
    done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True, timeout=120)
    found: list[float] = json.loads(done.stderr.splitlines()[-1])
    return found


@contextmanager
def _answering() -> Iterator[str]:
    """Yield the address of a server that is AWS and GitHub, as far as a first call asks them."""
    server = Server(0, _answer)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.url
    finally:
        server.stop()
        thread.join(10)


def _answer(environ: Environ, start: StartResponse) -> Iterable[bytes]:
    request = Request(environ)
    target = request.headers.get("X-Amz-Target", "")
    if request.form.get("Action") == "DescribeStacks":
        response = Response(_STACK, mimetype="text/xml")
    elif request.form.get("Action") == "DescribeStackResources":
        response = Response(_resources(), mimetype="text/xml")
    elif target.endswith(".GetItem"):  # nobody has used the budget yet
        response = Response("{}", mimetype="application/x-amz-json-1.0")
    elif target.endswith(".GetSecretValue"):
        response = Response(json.dumps({"SecretString": "bench"}), mimetype="application/x-amz-json-1.1")
    elif request.path.startswith("/repos/"):
        scopes = {"X-OAuth-Scopes": "repo, workflow"}
        response = Response('{"message": "Not Found"}', 404, scopes, mimetype="application/json")
    else:
        response = Response('{"message": "Nobody asks this."}', 501, mimetype="application/json")
    return response(environ, start)  # type: ignore[arg-type]
