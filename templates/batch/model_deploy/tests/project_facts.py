"""A project as tests know it, and clients that answer what a test adds, held to botocore's shapes."""

from __future__ import annotations

import io
import json

import boto3
from botocore.response import StreamingBody
from botocore.stub import Stubber

GROUP = "aiops-p1-models"
PACKAGES = "arn:aws:sagemaker:eu-west-1:111122223333:model-package/aiops-p1-models"
PIPELINES = "arn:aws:sagemaker:eu-west-1:111122223333:pipeline"
PREFIX = "dzd_1/p1/dev"
FOLDER = f"s3://artifacts/{PREFIX}/pipeline/batch/e1/evaluation/"
IMAGE = "141502667606.dkr.ecr.eu-west-1.amazonaws.com/sagemaker-xgboost:3.2-0"
ENVIRONMENT = {
    "REGION": "eu-west-1",
    "SAGEMAKER_PIPELINE_ROLE_ARN": "arn:aws:iam::111122223333:role/datazone_usr_role_p1_e1",
    "ARTIFACT_BUCKET": "artifacts",
    "MODEL_PACKAGE_GROUP_NAME": GROUP,
    "AMAZON_DATAZONE_DOMAIN": "dzd_1",
    "AMAZON_DATAZONE_PROJECT": "p1",
}
SMOKE = {"content_type": "text/csv", "body": "a,c\n1,x\n2,z\n", "predictions": [0.25, 0.75]}


def package(number=3, status="Approved", group=GROUP):
    """A description of a model package."""
    return {
        "ModelPackageName": "m",
        "ModelPackageArn": f"{PACKAGES}/{number}",
        "ModelPackageGroupName": group,
        "ModelApprovalStatus": status,
        "CreationTime": 0,
        "ModelPackageStatus": "Completed",
        "ModelPackageStatusDetails": {"ValidationStatuses": []},
        "InferenceSpecification": {
            "Containers": [{"Image": IMAGE, "ModelDataUrl": f"s3://artifacts/{PREFIX}/models/{number}/model.tar.gz"}]
        },
        "ModelMetrics": {
            "ModelQuality": {
                "Statistics": {"ContentType": "application/json", "S3Uri": f"{FOLDER}evaluation.json"},
            }
        },
    }


def body(content):
    """An answer's body."""
    data = content.encode()
    return StreamingBody(io.BytesIO(data), len(data))


class Cloud:
    """Clients that answer what was added."""

    def __init__(self):
        """Make the clients."""
        keys = {"aws_access_key_id": "key", "aws_secret_access_key": "secret"}
        self.clients = {name: boto3.client(name, region_name="eu-west-1", **keys) for name in ("s3", "sagemaker")}
        self.stubs = {name: Stubber(client) for name, client in self.clients.items()}
        for each in self.stubs.values():
            each.activate()

    def client(self, name):
        """As boto3's session."""
        return self.clients[name]

    def will(self, service, operation, answer, expected=None):
        """Add an answer."""
        self.stubs[service].add_response(operation, answer, expected)

    def refuses(self, operation, code, message=""):
        """Add a refusal of SageMaker."""
        self.stubs["sagemaker"].add_client_error(operation, code, message)

    def has_package(self, number=3, rows=SMOKE, **facts):
        """A model package with known rows."""
        answer = package(number, **facts)
        self.will("sagemaker", "describe_model_package", answer, {"ModelPackageName": answer["ModelPackageArn"]})
        key = f"{PREFIX}/pipeline/batch/e1/evaluation/smoke.json"
        self.will("s3", "get_object", {"Body": body(json.dumps(rows))}, {"Bucket": "artifacts", "Key": key})

    def all_used(self):
        """Every answer was asked for."""
        for each in self.stubs.values():
            each.assert_no_pending_responses()
