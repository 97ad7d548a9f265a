"""What the templates' own code calls in AWS, recorded, and what each call asks IAM for.

The code runs in a process of its own, in the product's environment, on clients that answer from botocore's shapes.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.synth.policies import Names

ACCOUNT, REGION = "111122223333", "eu-west-1"
OWN_TAG = {"aws:resourcetag/amazondatazoneproject": "p1"}
FACTS = {
    "REGION": REGION,
    "SAGEMAKER_PIPELINE_ROLE_ARN": f"arn:aws:iam::{ACCOUNT}:role/datazone_usr_role_p1_e1",
    "ARTIFACT_BUCKET": "artifacts",
    "MODEL_PACKAGE_GROUP_NAME": "aiops-p1-models",
    "AMAZON_DATAZONE_DOMAIN": "dzd_1",
    "AMAZON_DATAZONE_PROJECT": "p1",
    "AMAZON_DATAZONE_SCOPENAME": "dev",
}

# A session whose clients write down what they are asked: `calls` has service, operation and parameters.
NOTED = """
import io, json, os, sys
from pathlib import Path
import boto3
from botocore.stub import Stubber
calls = []
def noting(service, client):
    def note(params, model, **_):
        texts = {name: value for name, value in params.items() if not isinstance(value, bytes)}
        calls.append([service, model.name, texts])
    client.meta.events.register(f"provide-client-params.{client.meta.service_model.service_id.hyphenize()}.*", note)
    return client
"""

# The first run of model build: an empty bucket, no pipeline. The SDK, which renders the definition, is left out.
FIRST_RUN = f"""
{NOTED}
import run_pipeline
keys = {{"aws_access_key_id": "key", "aws_secret_access_key": "secret"}}
clients = {{
    name: noting(name, boto3.client(name, region_name="eu-west-1", **keys)) for name in ("s3", "sagemaker")
}}
class Session:
    def __init__(self, **_): pass
    def client(self, name): return clients[name]
boto3.Session, run_pipeline._definition = Session, lambda *_: "{{}}"
s3, sagemaker = (Stubber(clients[name]) for name in ("s3", "sagemaker"))
project = run_pipeline.from_environment(os.environ)
s3.add_response("list_objects_v2", {{}})
for _ in run_pipeline.source_code.collect(project, Path.cwd()).files:
    s3.add_response("put_object", {{}})
s3.add_response("list_objects_v2", {{"KeyCount": 0}})
s3.add_response("put_object", {{}})
arn = f"arn:aws:sagemaker:eu-west-1:111122223333:pipeline/{{run_pipeline.pipeline_name(project.id)}}"
exists = "Pipeline names must be unique within an AWS account and region. It already exists."
sagemaker.add_client_error("create_pipeline", "ValidationException", exists)
sagemaker.add_response("update_pipeline", {{"PipelineArn": arn}})
sagemaker.add_response("start_pipeline_execution", {{"PipelineExecutionArn": f"{{arn}}/execution/e1"}})
sagemaker.add_response("describe_pipeline_execution", {{"PipelineExecutionStatus": "Succeeded"}})
sagemaker.add_response("list_pipeline_execution_steps", {{"PipelineExecutionSteps": [{{"StepName": "Evaluate"}}]}})
report = {{"metrics": {{"auc": {{"value": 0.9}}}}}}
s3.add_response("get_object", {{"Body": io.BytesIO(json.dumps(report).encode())}})
s3.activate(), sagemaker.activate()
assert run_pipeline.main(["--start", "--wait", "--commit", "abc"]) == 0
s3.assert_no_pending_responses(), sagemaker.assert_no_pending_responses()
print(json.dumps(calls))
"""

# The deployment of an endpoint, with its own tests' cloud.
ENDPOINT = f"""
{NOTED}
from test_deployment import PACKAGES, Cloud, creates, stack, stage
cloud, name = Cloud(), sys.argv[1]
for service, client in cloud.clients.items():
    noting(service, client)
if name == "production":
    cloud.will("cloudformation", "describe_stacks", stack(ModelPackageArn=f"{{PACKAGES}}/3"))
cloud.has_package(3)
creates(cloud)
cloud.answers(9.5, 7.25)
stage(cloud, name).release("" if name == "production" else f"{{PACKAGES}}/3")
cloud.all_used()
print(json.dumps(calls))
"""

# The deployment of a model that scores on a schedule, and then such a run, with its own tests' cloud.
SCORING = f"""
{NOTED}
from test_deployment import PACKAGES, Cloud, deployment, scores_with, tries, uploads_code, upserts
import run_pipeline
from pipelines import execution
from test_run import SAME, deployed, ends
cloud = Cloud()
for service, client in cloud.clients.items():
    noting(service, client)
cloud.has_package(4)
scores_with(cloud, f"{{PACKAGES}}/3")
uploads_code(cloud)
tries(cloud, f"{{PACKAGES}}/4", f"{{PACKAGES}}/3", [0.25, 0.75], new=True)
upserts(cloud, "studio-p1-scoring", f"{{PACKAGES}}/4", f"{{PACKAGES}}/3", new=False)
deployment(cloud).release(f"{{PACKAGES}}/4")
boto3.Session = lambda **_: cloud
deployed(cloud)
cloud.will("s3", "list_objects_v2", {{"KeyCount": 0}})
cloud.will("s3", "put_object", {{}})
run = "arn:aws:sagemaker:eu-west-1:111122223333:pipeline/studio-p1-scoring/execution/e7"
cloud.will("sagemaker", "start_pipeline_execution", {{"PipelineExecutionArn": run}})
ends(cloud, SAME)
assert run_pipeline.main(["--start", "--wait"]) == 0
cloud.all_used()
print(json.dumps(calls))
"""


def calls(part: Path, code: str, *arguments: str) -> list[tuple[str, str, dict[str, Any]]]:
    """Run code in a part of a template; return the calls that it printed last: service, operation, parameters."""
    done = subprocess.run(
        [sys.executable, "-B", "-c", code, *arguments],
        cwd=part,
        env={"PYTHONPATH": f"{part}:{part / 'tests'}", "PATH": "/usr/bin:/bin", **FACTS},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return [(service, operation, given) for service, operation, given in json.loads(done.stdout.splitlines()[-1])]


def asked(service: str, operation: str, given: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, str]]]:
    """Yield what a call asks IAM for: action, ARN and condition keys."""
    if operation == "ListObjectsV2":
        context = {"s3:prefix": given["Prefix"], "s3:resourceaccount": ACCOUNT}
        yield "s3:ListBucket", f"arn:aws:s3:::{given['Bucket']}", context
    elif service == "s3":
        yield f"s3:{operation}", f"arn:aws:s3:::{given['Bucket']}/{given['Key']}", {"s3:resourceaccount": ACCOUNT}
    elif service == "sagemaker" and "Pipeline" in operation:
        yield from _asked_of_pipelines(operation, given)
    elif service == "sagemaker":
        yield f"sagemaker:{operation}", given["ModelPackageName"], {}
    elif service == "sagemaker-runtime":
        arn = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:endpoint/{given['EndpointName']}"
        stage = given["EndpointName"].rpartition("-")[2]
        yield f"sagemaker:{operation}", arn, {**OWN_TAG, "aws:resourcetag/studio:stage": stage}
    elif service == "cloudformation":
        name = f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/{given['StackName']}/1"
        yield f"cloudformation:{operation}", name, {}
    else:
        assert (service, operation) == ("sts", "GetCallerIdentity")  # IAM asks for no permission


def _asked_of_pipelines(operation: str, given: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, str]]]:
    """Yield what a call about a pipeline asks IAM for: a creation also for its tags, what names a role for that."""
    named = given.get("PipelineName") or given["PipelineExecutionArn"].partition(":pipeline/")[2]
    arn = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:pipeline/{named}"
    if operation == "CreatePipeline":
        tags = {f"aws:requesttag/{each['Key'].lower()}": each["Value"] for each in given["Tags"]}
        yield "sagemaker:CreatePipeline", arn, tags
        yield "sagemaker:AddTags", arn, {**tags, "sagemaker:taggingaction": "CreatePipeline"}
    else:
        yield f"sagemaker:{operation}", arn, OWN_TAG
    if "RoleArn" in given:
        yield "iam:PassRole", given["RoleArn"], {"iam:passedtoservice": "sagemaker.amazonaws.com"}


def project(name: str) -> Names:
    """Return a project of the account that the templates' tests know."""
    told = {
        "ArtifactBucket": "artifacts",
        "ArtifactPrefix": f"dzd_1/{name}/dev",
        "ScopeName": "dev",
        "ExecutionRoleArn": f"arn:aws:iam::{ACCOUNT}:role/datazone_usr_role_{name}_e1",
        "ModelPackageGroupName": f"aiops-{name}-models",
        "GlueDatabase": f"glue_{name}",
        "DeployAccount": ACCOUNT,
    }
    values = {f"StudioProject.{key}": value for key, value in told.items()}
    return Names(values=values | {"DomainId": "dzd_1", "ProjectId": name}, account=ACCOUNT, region=REGION)
