"""SageMaker, CloudFormation, Bedrock, Glue, Athena, DataZone and STS as far as the templates call them, in memory.

Requests to SageMaker are held to botocore's shapes. A pipeline's execution is run (executions.py), and an endpoint
answers with the model that it serves. Files are in the S3 of a MiniStack.
"""

from __future__ import annotations

import json
import re
import subprocess
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import yaml

from tests.templates.executions import Execution, require_valid

ACCOUNT, REGION = "111122223333", "eu-west-1"
RESULTS = "athena-results"  # the bucket of Athena's workgroup
# What an endpoint's container does: a line with a row in, a line with the answer out.
_SERVE = """
import sys, tarfile, numpy, xgboost
booster = xgboost.Booster()
with tarfile.open(sys.argv[1]) as packed:
    booster.load_model(bytearray(packed.extractfile("xgboost-model").read()))
for line in sys.stdin:
    row = numpy.array([[float(each) for each in line.split(",")]])
    print(booster.predict(xgboost.DMatrix(row))[0], flush=True)
"""


class Refused(Exception):
    """An error's code and message."""


@dataclass
class Services:
    """What there is. `s3`: a client of MiniStack's; `python`: of model build's environment, which runs the steps."""

    s3: Any
    python: Path
    folder: Path
    account: str = ACCOUNT
    region: str = REGION
    address: str = ""  # where these services are served
    pipelines: dict[str, dict[str, Any]] = field(default_factory=dict)
    executions: dict[str, tuple[Execution, threading.Thread]] = field(default_factory=dict)
    packages: list[dict[str, Any]] = field(default_factory=list)
    stacks: dict[str, dict[str, str]] = field(default_factory=dict)  # name -> parameters
    templates: dict[str, dict[str, Any]] = field(default_factory=dict)  # of stacks
    wrong: set[str] = field(default_factory=set)  # packages that endpoints serve with another answer
    tables: dict[str, str] = field(default_factory=dict)  # database.name -> what a query of it gives, a CSV file
    workgroup: str = ""  # what DataZone tells the project's role
    converse: Callable[[dict[str, Any]], dict[str, Any]] | None = None  # what Bedrock answers
    _started: dict[str, str] = field(default_factory=dict)  # token -> execution
    _serving: dict[str, subprocess.Popen[str]] = field(default_factory=dict)

    @property
    def _here(self) -> str:
        return f"arn:aws:sagemaker:{self.region}:{self.account}"

    def close(self) -> None:
        """End what still runs."""
        for _, thread in self.executions.values():
            thread.join()
        for each in self._serving.values():
            each.communicate()

    # -- JSON: SageMaker, Glue, Athena ---------------------------------------------------------------------------------

    def json(self, target: str, request: dict[str, Any]) -> dict[str, Any]:
        """Answer an operation, `Service.Operation`. Raises Refused."""
        service, _, operation = target.rpartition(".")
        if service == "SageMaker":
            require_valid(operation, request)
        name = re.sub(r"(?<!^)(?=[A-Z])", "_", operation).lower()
        found: dict[str, Any] = getattr(self, f"_{name}")(request)
        return found

    def _create_pipeline(self, request: dict[str, Any]) -> dict[str, Any]:
        name = request["PipelineName"]
        if name in self.pipelines:
            raise Refused("ValidationException", f"Pipeline names must be unique. {name} already exists.")
        self.pipelines[name] = request
        return {"PipelineArn": f"{self._here}:pipeline/{name}"}

    def _update_pipeline(self, request: dict[str, Any]) -> dict[str, Any]:
        self.pipelines[request["PipelineName"]] |= request
        return {"PipelineArn": f"{self._here}:pipeline/{request['PipelineName']}"}

    def _describe_pipeline(self, request: dict[str, Any]) -> dict[str, Any]:
        name = request["PipelineName"]
        if name not in self.pipelines:
            raise Refused("ResourceNotFound", f"Pipeline {name} does not exist.")
        return {"PipelineName": name, "PipelineDefinition": self.pipelines[name]["PipelineDefinition"]}

    def _start_pipeline_execution(self, request: dict[str, Any]) -> dict[str, Any]:
        name, token = request["PipelineName"], request["ClientRequestToken"]
        if token not in self._started:
            number = f"run{len(self.executions) + 1:08}"
            arn = f"{self._here}:pipeline/{name}/execution/{number}"
            execution = Execution(
                arn,
                json.loads(self.pipelines[name]["PipelineDefinition"]),
                {each["Name"]: each["Value"] for each in request.get("PipelineParameters", [])},
                self.s3,
                self.python,
                self._job_environment(),
                self.folder / number,
                self._register,
            )
            thread = threading.Thread(target=execution.run, daemon=True)
            self.executions[arn], self._started[token] = (execution, thread), arn
            thread.start()
        return {"PipelineExecutionArn": self._started[token]}

    def _job_environment(self) -> dict[str, str]:
        """Return what a job has as the project's role."""
        credentials = {
            "AWS_ACCESS_KEY_ID": "PROJECT",
            "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_DEFAULT_REGION": self.region,
        }
        return {**credentials, "AWS_ENDPOINT_URL": self.address, "AWS_EC2_METADATA_DISABLED": "true"}

    def _register(self, request: dict[str, Any]) -> str:
        require_valid("CreateModelPackage", request)
        number = len(self.packages) + 1
        arn = f"{self._here}:model-package/{request['ModelPackageGroupName']}/{number}"
        there = {"ModelPackageStatus": "Completed", "CreationTime": number, "ModelPackageVersion": number}
        self.packages.append({**request, **there, "ModelPackageArn": arn})
        return arn

    def _describe_pipeline_execution(self, request: dict[str, Any]) -> dict[str, Any]:
        """Answer when it has ended, or after a while: nobody waits longer for a test than it takes."""
        execution, thread = self.executions[request["PipelineExecutionArn"]]
        thread.join(45)
        ended = {"FailureReason": execution.reason} if execution.reason else {}
        return {"PipelineExecutionStatus": execution.status, **ended}

    def _list_pipeline_execution_steps(self, request: dict[str, Any]) -> dict[str, Any]:
        return {"PipelineExecutionSteps": self.executions[request["PipelineExecutionArn"]][0].steps}

    def _list_model_packages(self, request: dict[str, Any]) -> dict[str, Any]:
        status = request["ModelApprovalStatus"]
        found = [each for each in reversed(self.packages) if each["ModelApprovalStatus"] == status]
        return {"ModelPackageSummaryList": found[: request["MaxResults"]]}

    def _describe_model_package(self, request: dict[str, Any]) -> dict[str, Any]:
        return next(each for each in self.packages if each["ModelPackageArn"] == request["ModelPackageName"])

    def _get_table(self, request: dict[str, Any]) -> dict[str, Any]:
        name = f"{request['DatabaseName']}.{request['Name']}"
        if name not in self.tables:
            raise Refused("EntityNotFoundException", f"Table {request['Name']} not found.")
        return {"Table": {"Name": request["Name"], "DatabaseName": request["DatabaseName"]}}

    def _start_query_execution(self, request: dict[str, Any]) -> dict[str, Any]:
        """Put what the table gives where a workgroup puts results; the SQL names the table."""
        assert request["WorkGroup"] == self.workgroup
        database, name = re.findall(r'"([^"]+)"', request["QueryString"].partition(" FROM ")[2])
        self.s3.put_object(Bucket=RESULTS, Key="q1.csv", Body=self.tables[f"{database}.{name}"].encode())
        return {"QueryExecutionId": "q1"}

    def _get_query_execution(self, request: dict[str, Any]) -> dict[str, Any]:
        place = {"OutputLocation": f"s3://{RESULTS}/{request['QueryExecutionId']}.csv"}
        return {"QueryExecution": {"Status": {"State": "SUCCEEDED"}, "ResultConfiguration": place}}

    # -- DataZone, an endpoint, Bedrock --------------------------------------------------------------------------------

    def connections(self) -> dict[str, Any]:
        """Return the project's connections to Athena."""
        told = {"name": "project.athena", "props": {"athenaProperties": {"workgroupName": self.workgroup}}}
        return {"items": [told] if self.workgroup else []}

    def answer(self, endpoint: str, row: str) -> str:
        """Return what the model that the endpoint serves answers."""
        arn = self.stacks[endpoint]["ModelPackageArn"]
        if arn not in self._serving:
            package = self._describe_model_package({"ModelPackageName": arn})
            [container] = package["InferenceSpecification"]["Containers"]
            bucket, _, key = container["ModelDataUrl"].removeprefix("s3://").partition("/")
            model = self.folder / f"{arn.rpartition('/')[2]}.tar.gz"
            model.write_bytes(self.s3.get_object(Bucket=bucket, Key=key)["Body"].read())
            self._serving[arn] = subprocess.Popen(
                [str(self.python), "-c", _SERVE, str(model)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
            )
        process = self._serving[arn]
        assert process.stdin
        assert process.stdout
        process.stdin.write(f"{row}\n")
        process.stdin.flush()
        found = process.stdout.readline().strip()
        return str(float(found) + 1) if arn in self.wrong else found

    # -- CloudFormation and STS: forms and XML -------------------------------------------------------------------------

    def query(self, form: dict[str, str]) -> str:
        """Return the result of an operation as XML. Raises Refused."""
        action, name = form["Action"], form.get("StackName", "")
        if action == "GetCallerIdentity":
            who = f"arn:aws:sts::{self.account}:assumed-role/r/s"
            return f"<Account>{self.account}</Account><Arn>{who}</Arn><UserId>u</UserId>"
        if action == "DescribeStacks":
            return f"<Stacks><member>{self._stack(name)}</member></Stacks>"
        template: dict[str, Any] = yaml.load(form["TemplateBody"], Loader=_Template)
        given = _pairs(form, "Parameters.member", "ParameterKey", "ParameterValue")
        known = template["Parameters"]
        if unknown := sorted(set(given) - set(known)):
            raise Refused("ValidationError", f"Parameters: {unknown} do not exist in the template")
        if missing := sorted(each for each in set(known) - set(given) if "Default" not in known[each]):
            raise Refused("ValidationError", f"Parameters: {missing} must have values")
        there = self.stacks.get(name)
        if action == "CreateStack" and there is not None:
            raise Refused("AlreadyExistsException", f"Stack [{name}] already exists")
        if action == "UpdateStack" and (there, self.templates.get(name)) == (given, template):
            raise Refused("ValidationError", "No updates are to be performed.")
        self.stacks[name], self.templates[name] = given, template
        return f"<StackId>{name}</StackId>"

    def _stack(self, name: str) -> str:
        if name not in self.stacks:
            raise Refused("ValidationError", f"Stack with id {name} does not exist")
        given = self.stacks[name]
        values = {key: str(each.get("Default", "")) for key, each in self.templates[name]["Parameters"].items()} | given
        outputs = {
            key: values.get("EndpointName", "") if "GetAtt" in each["Value"] else values[each["Value"]["Ref"]]
            for key, each in self.templates[name]["Outputs"].items()
        }
        # Creating or updating: both waiters end.
        status = "UPDATE_COMPLETE" if given.get("PreviousModelPackageArn") else "CREATE_COMPLETE"
        return (
            f"<StackName>{name}</StackName><CreationTime>2026-11-28T00:00:00Z</CreationTime>"
            f"<StackStatus>{status}</StackStatus>"
            f"<Parameters>{_members('Parameter', values)}</Parameters>"
            f"<Outputs>{_members('Output', {key: value for key, value in outputs.items() if value})}</Outputs>"
        )


class _Template(yaml.SafeLoader):
    """Reads CloudFormation's short forms: !Ref x is {"Ref": x}."""


def _short_form(loader: yaml.SafeLoader, name: str, node: yaml.Node) -> dict[str, Any]:
    if isinstance(node, yaml.ScalarNode):
        return {name: loader.construct_scalar(node)}
    assert isinstance(node, yaml.SequenceNode)
    return {name: loader.construct_sequence(node, deep=True)}


_Template.add_multi_constructor("!", _short_form)


def _pairs(form: Mapping[str, str], place: str, key: str, value: str) -> dict[str, str]:
    numbers = [name.split(".")[2] for name in form if name.startswith(f"{place}.") and name.endswith(f".{key}")]
    return {form[f"{place}.{each}.{key}"]: form[f"{place}.{each}.{value}"] for each in numbers}


def _members(kind: str, found: Mapping[str, str]) -> str:
    return "".join(
        f"<member><{kind}Key>{key}</{kind}Key><{kind}Value>{escape(value)}</{kind}Value></member>"
        for key, value in found.items()
    )
