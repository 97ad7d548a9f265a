"""Bedrock's runtime as tests know it: a real client whose HTTP answers are given, so that botocore's own rules hold."""

import json

import boto3
import conversation
from botocore.awsrequest import AWSResponse

CALLS = {"attempts": 3, "timeout_seconds": 5, "concurrency": 2}
USAGE = {"inputTokens": 9, "outputTokens": 2, "totalTokens": 11}


class Raw:
    """A body that botocore can read."""

    def __init__(self, content):
        self.content = content

    def stream(self, *_, **__):
        yield self.content


def said(text, stop="end_turn", **more):
    """Converse's response."""
    content = [{"text": text}] if text is not None else []
    return {
        "output": {"message": {"role": "assistant", "content": content}},
        "stopReason": stop,
        "usage": USAGE,
        "metrics": {"latencyMs": 100},
        **more,
    }


def failed(code, message="", status=400):
    """An error of the service."""
    return (status, code, message)


def model(monkeypatch, *answers, inference=None):
    """Return a model that gives these answers one after the other, and the requests that it got."""
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setattr("time.sleep", lambda _: None)
    boto3.setup_default_session()
    client = conversation.client("eu-west-1", CALLS)
    left, requests = list(answers), []

    def send(request, **_):
        requests.append({"url": request.url, **json.loads(request.body)})
        answer = left.pop(0)
        if isinstance(answer, Exception):
            raise answer
        if isinstance(answer, dict):
            return AWSResponse(request.url, 200, {}, Raw(json.dumps(answer).encode()))
        status, code, message = answer
        return AWSResponse(
            request.url, status, {"x-amzn-errortype": code}, Raw(json.dumps({"message": message}).encode())
        )

    client.meta.events.register("before-send.bedrock-runtime.Converse", send)
    return conversation.Model(client, "profile", inference or {"max_tokens": 50}), requests
