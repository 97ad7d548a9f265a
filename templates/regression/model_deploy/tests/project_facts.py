"""A project as tests know it, and clients that answer what a test adds, held to botocore's shapes."""

from __future__ import annotations

import io
import json

import boto3
from botocore.response import StreamingBody
from botocore.stub import Stubber

GROUP = "aiops-p1-models"
PACKAGES = "arn:aws:sagemaker:eu-west-1:111122223333:model-package/aiops-p1-models"
ENVIRONMENT = {
    "REGION": "eu-west-1",
    "MODEL_PACKAGE_GROUP_NAME": GROUP,
    "SAGEMAKER_PIPELINE_ROLE_ARN": "arn:aws:iam::111122223333:role/pipeline",
    "ARTIFACT_BUCKET": "artifacts",
    "AMAZON_DATAZONE_DOMAIN": "dzd_1",
    "AMAZON_DATAZONE_PROJECT": "p1",
}
SMOKE = {"content_type": "text/csv", "rows": ["0.4,1", "0.5,0"], "predictions": [9.5, 7.25]}


def package(number=3, status="Approved", group=GROUP):
    """A description of a model package."""
    place = "s3://artifacts/dzd_1/p1/dev/pipeline/models/e1/evaluation/evaluation.json"
    return {
        "ModelPackageName": "m",
        "ModelPackageArn": f"{PACKAGES}/{number}",
        "ModelPackageGroupName": group,
        "ModelApprovalStatus": status,
        "CreationTime": 0,
        "ModelPackageStatus": "Completed",
        "ModelPackageStatusDetails": {"ValidationStatuses": []},
        "ModelMetrics": {"ModelQuality": {"Statistics": {"ContentType": "application/json", "S3Uri": place}}},
    }


def stack(status="UPDATE_COMPLETE", **parameters):
    """A description of a stack."""
    found = {"StackName": "s", "CreationTime": 0, "StackStatus": status}
    found["Parameters"] = [{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()]
    found["Outputs"] = [{"OutputKey": "EndpointName", "OutputValue": "studio-p1-staging"}]
    return {"Stacks": [found]}


def body(content):
    """An answer's body."""
    data = content.encode()
    return StreamingBody(io.BytesIO(data), len(data))


class Cloud:
    """A boto3 session whose clients answer what was added."""

    def __init__(self):
        """Make the clients."""
        names = ("s3", "sts", "sagemaker", "sagemaker-runtime", "cloudformation")
        keys = {"aws_access_key_id": "key", "aws_secret_access_key": "secret"}
        self.clients = {name: boto3.client(name, region_name="eu-west-1", **keys) for name in names}
        self.stubs = {name: Stubber(client) for name, client in self.clients.items()}
        for each in self.stubs.values():
            each.activate()
        identity = {"Account": "111122223333", "Arn": "arn:aws:sts::111122223333:assumed-role/wf/1", "UserId": "u"}
        self.stubs["sts"].add_response("get_caller_identity", identity)

    def client(self, name):
        """As boto3's session."""
        return self.clients[name]

    def will(self, service, operation, answer, expected=None):
        """Add an answer."""
        self.stubs[service].add_response(operation, answer, expected)

    def has_package(self, number=3, rows=SMOKE, **facts):
        """A model package with known rows."""
        answer = package(number, **facts)
        self.will("sagemaker", "describe_model_package", answer, {"ModelPackageName": answer["ModelPackageArn"]})
        if answer["ModelApprovalStatus"] == "Approved":
            key = "dzd_1/p1/dev/pipeline/models/e1/evaluation/smoke.json"
            self.will("s3", "get_object", {"Body": body(json.dumps(rows))}, {"Bucket": "artifacts", "Key": key})

    def answers(self, *predictions):
        """What the endpoint answers."""
        for prediction in predictions:
            self.will("sagemaker-runtime", "invoke_endpoint", {"Body": body(f"{prediction}\n")})

    def all_used(self):
        """Every answer was asked for."""
        for each in self.stubs.values():
            each.assert_no_pending_responses()
