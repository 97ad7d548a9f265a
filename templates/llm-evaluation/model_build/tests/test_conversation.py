"""Asking a model: what is repeated, what is part of an answer, and what ends the step with a sentence."""

import pytest

pytest.importorskip("boto3")

import conversation
import recorded
from botocore.exceptions import EndpointConnectionError
from converse import failed, model, said

THROTTLED = failed("ThrottlingException", "Too many requests, please wait before trying again.", 429)


def test_a_request_and_its_answer(monkeypatch):
    asked, requests = model(monkeypatch, said("Hello"), inference={"max_tokens": 50, "temperature": 0.0, "top_p": 0.9})
    assert asked.ask("Be brief.\n", "Hi") == conversation.Answer("Hello", "end_turn", 9, 2, 100)
    [request] = requests
    assert request.pop("url").endswith("/model/profile/converse")
    assert request == {
        "system": [{"text": "Be brief."}],
        "messages": [{"role": "user", "content": [{"text": "Hi"}]}],
        "inferenceConfig": {"maxTokens": 50, "temperature": 0.0, "topP": 0.9},
    }


def test_a_follow_up_alternates_and_an_empty_system_is_left_out(monkeypatch):
    asked, requests = model(monkeypatch, said("yes"))
    asked.ask(" ", "one", "two", "three")
    assert [each["role"] for each in requests[0]["messages"]] == ["user", "assistant", "user"]
    assert "system" not in requests[0]


@pytest.mark.parametrize(
    "error",
    [
        THROTTLED,
        failed("ServiceUnavailableException", "Bedrock is unable to process your request.", 503),
        failed("InternalServerException", "", 500),
        failed("ModelNotReadyException", "The model is not ready.", 429),
    ],
    ids=lambda error: error[1],
)
def test_throttling_and_outages_are_repeated(monkeypatch, error):
    asked, requests = model(monkeypatch, error, error, said("Hello"))
    assert asked.ask("", "Hi").text == "Hello"
    assert len(requests) == 3


def test_throttling_that_stays_ends_in_a_sentence(monkeypatch):
    asked, requests = model(monkeypatch, THROTTLED, THROTTLED, THROTTLED)
    with pytest.raises(SystemExit, match=r"ThrottlingException: Too many requests.*Lower calls\.concurrency"):
        asked.ask("", "Hi")
    assert len(requests) == 3


@pytest.mark.parametrize(
    ("code", "message", "status"),
    [
        ("AccessDeniedException", "User: x is not authorized to perform: bedrock:InvokeModel on resource: y", 403),
        ("AccessDeniedException", "You don't have access to the model with the specified model ID.", 403),
        ("ResourceNotFoundException", "Model use case details have not been submitted for this account.", 404),
    ],
)
def test_a_model_that_may_not_be_used_says_where_that_is_changed(monkeypatch, code, message, status):
    asked, requests = model(monkeypatch, failed(code, message, status))
    with pytest.raises(SystemExit) as ended:
        asked.ask("", "Hi")
    text = str(ended.value)
    assert message.rstrip(".") in text
    assert "[workflow_role] bedrock_models" in text
    assert "Bedrock console (Model catalog" in text
    assert len(requests) == 1


def test_a_request_that_the_model_refuses_names_config_toml(monkeypatch):
    asked, _ = model(monkeypatch, failed("ValidationException", "temperature is deprecated for this model."))
    with pytest.raises(SystemExit, match=r"temperature is deprecated for this model\)\. Correct candidate or judge"):
        asked.ask("", "Hi")


@pytest.mark.parametrize(("code", "status"), [("ModelTimeoutException", 408), ("ModelErrorException", 424)])
def test_a_model_that_gives_up_has_given_an_unfinished_answer(monkeypatch, code, status):
    asked, _ = model(monkeypatch, *[failed(code, "", status)] * 3)
    answer = asked.ask("", "Hi")
    assert (answer.text, answer.stop, answer.unfinished) == ("", code, True)


def test_no_network_is_a_sentence(monkeypatch):
    asked, _ = model(monkeypatch, *[EndpointConnectionError(endpoint_url="https://bedrock")] * 3)
    with pytest.raises(SystemExit, match="Bedrock cannot be reached for profile"):
        asked.ask("", "Hi")


@pytest.mark.parametrize(
    ("stop", "text", "unfinished"),
    [
        ("end_turn", "Yes", False),
        ("stop_sequence", "Yes", False),
        ("end_turn", "", True),
        ("end_turn", None, True),
        ("max_tokens", "Yes, and", True),
        ("model_context_window_exceeded", "", True),
        ("malformed_model_output", "{", True),
        ("guardrail_intervened", "Sorry, I cannot answer this.", False),
        ("content_filtered", None, False),
    ],
)
def test_how_an_answer_ended_is_part_of_it(monkeypatch, stop, text, unfinished):
    """A filter's own text is an answer: where declining is right, it is the right one."""
    asked, _ = model(monkeypatch, said(text, stop))
    assert asked.ask("", "Hi").unfinished is unfinished


def test_what_a_model_thought_is_not_its_answer(monkeypatch):
    response = said("Yes")
    response["output"]["message"]["content"].insert(0, {"reasoningContent": {"reasoningText": {"text": "Hm"}}})
    asked, _ = model(monkeypatch, response)
    assert asked.ask("", "Hi").text == "Yes"


def test_an_image_whose_boto3_is_too_old_is_named(monkeypatch):
    boto3 = pytest.importorskip("boto3")
    monkeypatch.setattr(boto3, "client", lambda *_, **__: object())
    with pytest.raises(SystemExit, match=r"has no Converse API\. Set compute\.xgboost_image"):
        conversation.client("eu-west-1", {"attempts": 1, "timeout_seconds": 1, "concurrency": 1})


def test_recorded_answers_are_held_to_the_services_shapes():
    ok = conversation.request("m", {"max_tokens": 5}, "", "Hi")
    recorded.require_valid(ok, "input_shape")
    for broken in ({**ok, "modelId": 1}, {**ok, "inferenceConfig": {"maxTokens": 0}}, {"messages": []}):
        with pytest.raises(ValueError, match=r"modelId|maxTokens"):
            recorded.require_valid(broken, "input_shape")
    with pytest.raises(ValueError, match="stopReason"):
        recorded.require_valid({**said("x"), "stopReason": None}, "output_shape")
