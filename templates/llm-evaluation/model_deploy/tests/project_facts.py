"""A project as tests know it, and clients that answer what a test adds, held to botocore's shapes."""

from __future__ import annotations

import hashlib
import io
import json

import boto3
from botocore.response import StreamingBody
from botocore.stub import Stubber

GROUP = "aiops-p1-models"
PACKAGES = "arn:aws:sagemaker:eu-west-1:111122223333:model-package/aiops-p1-models"
PROFILE = "arn:aws:bedrock:eu-west-1:111122223333:application-inference-profile/abc123"
ENVIRONMENT = {
    "REGION": "eu-west-1",
    "MODEL_PACKAGE_GROUP_NAME": GROUP,
    "ARTIFACT_BUCKET": "artifacts",
    "AMAZON_DATAZONE_DOMAIN": "dzd_1",
    "AMAZON_DATAZONE_PROJECT": "p1",
}
PREFIX = "dzd_1/p1/dev"
RELEASED = {
    "format": 1,
    "model_id": PROFILE,
    "system": "Be brief.",
    "template": "{prompt}\n{context}",
    "inference": {"max_tokens": 50, "temperature": 0.0},
}
SMOKE = {
    "prompts": [{"id": "q-1", "text": "How long?", "facts": ["60", "days"]}, {"id": "q-2", "text": "Who?", "facts": []}]
}


def content(**changed):
    """The configuration's file."""
    return json.dumps({**RELEASED, **changed}).encode()


def package(number=3, status="Approved", group=GROUP, **properties):
    """A description of a model package."""
    place = f"s3://artifacts/{PREFIX}/pipeline/llm-evaluation/e1/evaluation/evaluation.json"
    return {
        "ModelPackageName": "m",
        "ModelPackageArn": f"{PACKAGES}/{number}",
        "ModelPackageGroupName": group,
        "ModelApprovalStatus": status,
        "CreationTime": 0,
        "ModelPackageStatus": "Completed",
        "ModelPackageStatusDetails": {"ValidationStatuses": []},
        "ModelMetrics": {"ModelQuality": {"Statistics": {"ContentType": "application/json", "S3Uri": place}}},
        "CustomerMetadataProperties": {
            "configuration": f"s3://artifacts/{PREFIX}/code/c{number}/configuration.json",
            "configuration_sha256": hashlib.sha256(content()).hexdigest(),
            **properties,
        },
    }


def outputs(number, model_id=PROFILE):
    """What a stage's stack has to show."""
    known = package(number)["CustomerMetadataProperties"]
    return {
        "ModelPackageArn": f"{PACKAGES}/{number}",
        "ConfigurationUri": known["configuration"],
        "ConfigurationSha256": known["configuration_sha256"],
        "ModelId": model_id,
    }


def stack(status="UPDATE_COMPLETE", shown=None, **parameters):
    """A description of a stack."""
    found = {"StackName": "s", "CreationTime": 0, "StackStatus": status}
    found["Parameters"] = [{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()]
    found["Outputs"] = [{"OutputKey": key, "OutputValue": value} for key, value in (shown or {}).items()]
    return {"Stacks": [found]}


def body(data):
    """An answer's body."""
    return StreamingBody(io.BytesIO(data), len(data))


class Cloud:
    """A boto3 session whose clients answer what was added."""

    def __init__(self):
        """Make the clients."""
        names = ("s3", "sts", "sagemaker", "bedrock-runtime", "cloudformation")
        keys = {"aws_access_key_id": "key", "aws_secret_access_key": "secret"}
        self.clients = {name: boto3.client(name, region_name="eu-west-1", **keys) for name in names}
        self.stubs = {name: Stubber(client) for name, client in self.clients.items()}
        for each in self.stubs.values():
            each.activate()
        identity = {"Account": "111122223333", "Arn": "arn:aws:sts::111122223333:assumed-role/wf/1", "UserId": "u"}
        self.stubs["sts"].add_response("get_caller_identity", identity)

    def client(self, name, config=None):
        """As boto3's session."""
        return self.clients[name]

    def will(self, service, operation, answer, expected=None):
        """Add an answer."""
        self.stubs[service].add_response(operation, answer, expected)

    def has_package(self, number=3, smoke=SMOKE, file=None, **facts):
        """A model package with its configuration and known prompts."""
        answer = package(number, **facts)
        self.will("sagemaker", "describe_model_package", answer, {"ModelPackageName": answer["ModelPackageArn"]})
        key = f"{PREFIX}/code/c{number}/configuration.json"
        self.will("s3", "get_object", {"Body": body(file or content())}, {"Bucket": "artifacts", "Key": key})
        if smoke is not None:
            key = f"{PREFIX}/pipeline/llm-evaluation/e1/evaluation/smoke.json"
            answer = {"Body": body(json.dumps(smoke).encode())}
            self.will("s3", "get_object", answer, {"Bucket": "artifacts", "Key": key})

    def answers(self, *texts, model_id=PROFILE, stop="end_turn"):
        """What the model answers to the known prompts."""
        for text, prompt in zip(texts, SMOKE["prompts"], strict=False):
            expected = {
                "modelId": model_id,
                "system": [{"text": "Be brief."}],
                "messages": [{"role": "user", "content": [{"text": prompt["text"]}]}],
                "inferenceConfig": {"maxTokens": 50, "temperature": 0.0},
            }
            answer = {
                "output": {"message": {"role": "assistant", "content": [{"text": text}]}},
                "stopReason": stop,
                "usage": {"inputTokens": 1, "outputTokens": 1, "totalTokens": 2},
                "metrics": {"latencyMs": 1},
            }
            self.will("bedrock-runtime", "converse", answer, expected)

    def all_used(self):
        """Every answer was asked for."""
        for each in self.stubs.values():
            each.assert_no_pending_responses()
