"""bin/ask: what an application does, from the stack's outputs to the answer."""

import runpy
import sys
from pathlib import Path

import boto3
import pytest
from project_facts import PREFIX, PROFILE, Cloud, body, content, outputs, stack

ASK = str(Path(__file__).parent.parent / "bin" / "ask")


@pytest.fixture
def cloud(monkeypatch):
    made = Cloud()
    monkeypatch.setattr(boto3, "client", made.client)
    return made


def ask(monkeypatch, *arguments):
    monkeypatch.setattr(sys, "argv", ["bin/ask", *arguments])
    runpy.run_path(ASK, run_name="__main__")


def test_it_asks_what_the_stage_uses(cloud, monkeypatch, capsys):
    cloud.will("cloudformation", "describe_stacks", stack(**outputs(3)), {"StackName": "studio-p1-staging"})
    key = {"Bucket": "artifacts", "Key": f"{PREFIX}/code/c3/configuration.json"}
    cloud.will("s3", "get_object", {"Body": body(content())}, key)
    expected = {
        "modelId": PROFILE,
        "system": [{"text": "Be brief."}],
        "messages": [{"role": "user", "content": [{"text": "How long?\n60 days."}]}],
        "inferenceConfig": {"maxTokens": 50, "temperature": 0.0},
    }
    answer = {
        "output": {"message": {"role": "assistant", "content": [{"text": "60 days"}]}},
        "stopReason": "end_turn",
        "usage": {"inputTokens": 1, "outputTokens": 1, "totalTokens": 2},
        "metrics": {"latencyMs": 1},
    }
    cloud.will("bedrock-runtime", "converse", answer, expected)
    ask(monkeypatch, "studio-p1-staging", "How long?", "60 days.")
    assert capsys.readouterr().out == "60 days\n"


def test_a_file_that_was_changed_is_not_asked_with(cloud, monkeypatch):
    cloud.will("cloudformation", "describe_stacks", stack(**outputs(3)))
    cloud.will("s3", "get_object", {"Body": body(content(system="Lie."))})
    with pytest.raises(SystemExit, match="was changed after it was evaluated"):
        ask(monkeypatch, "studio-p1-staging", "How long?")


def test_a_stage_that_uses_nothing_yet_is_a_sentence(cloud, monkeypatch):
    cloud.stubs["cloudformation"].add_client_error("describe_stacks", "ValidationError", "Stack x does not exist")
    with pytest.raises(SystemExit, match=r"There is no stack x\. Deploy to the stage first"):
        ask(monkeypatch, "x", "How long?")
    with pytest.raises(SystemExit, match="bin/ask STACK"):
        ask(monkeypatch, "x")
