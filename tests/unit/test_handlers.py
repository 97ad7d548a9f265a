"""The Lambda entry points: one for each entry of the catalogue, warm before the first event."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any
from unittest.mock import Mock

import pytest

from custom_resources import handlers, telemetry
from custom_resources.catalogue import CATALOGUE, Entry
from custom_resources.errors import FinalError, RetryLater
from custom_resources.model_approval import Setup
from custom_resources.own_stack import OwnStack
from tests import sleeping

RESOURCES = [entry for entry in CATALOGUE if entry.class_name]


class Context:
    """Lambda's context."""

    aws_request_id = "function-1"
    invoked_function_arn = "arn:aws:lambda:us-east-1:123456789012:function:studio-mlops-x"


@pytest.fixture
def clients(monkeypatch: pytest.MonkeyPatch) -> Iterator[Mock]:
    made = Mock(patience=60.0, budget=None)
    monkeypatch.setattr(handlers, "_clients", lambda: made)
    handlers._resource.cache_clear()
    yield made
    handlers._resource.cache_clear()


@pytest.mark.parametrize("entry", RESOURCES, ids=lambda entry: entry.name)
def test_each_custom_resource_has_its_handler(monkeypatch: pytest.MonkeyPatch, clients: Mock, entry: Entry) -> None:
    handle = getattr(handlers, entry.name)
    assert (handle.__name__, handle.__qualname__, handle.__doc__) == (entry.name, entry.name, f"{entry.resource_type}.")
    called: list[tuple[Any, ...]] = []

    def handling(found: Entry, resource: Any, event: Any, request_id: str) -> dict[str, Any]:
        called.append((found, type(resource()), event, request_id))
        return {"IsComplete": True}

    monkeypatch.setattr(handlers, "_handle", handling)
    event = {"RequestType": "Delete"}
    assert handle(event, Context()) == {"IsComplete": True}
    assert handle(event, None) == {"IsComplete": True}
    kind = entry.load()
    assert called == [(entry, kind, event, "function-1"), (entry, kind, event, "")]


@pytest.mark.parametrize("entry", RESOURCES, ids=lambda entry: entry.name)
def test_what_a_function_uses_is_made_before_its_first_event(
    monkeypatch: pytest.MonkeyPatch, clients: Mock, entry: Entry
) -> None:
    imported: list[str] = []
    monkeypatch.setattr(handlers, "import_module", imported.append)
    handlers._warm(f"custom_resources.handlers.{entry.name}")
    clients.warm.assert_called_once_with(("stacks", *entry.clients))
    assert tuple(imported) == entry.imports
    assert handlers._resource.cache_info().currsize == 1


def test_a_function_without_a_custom_resource_is_warm_too(clients: Mock) -> None:
    handlers._warm("custom_resources.handlers.model_approval")
    (entry,) = (each for each in CATALOGUE if each.name == "model_approval")
    clients.warm.assert_called_once_with(("stacks", *entry.clients))
    assert handlers._resource.cache_info().currsize == 0


@pytest.mark.parametrize("handler", ["", "custom_resources.handlers.other", "index.handler"])
def test_nothing_is_made_elsewhere(clients: Mock, handler: str) -> None:
    handlers._warm(handler)
    assert clients.warm.call_count == 0


def test_what_cannot_be_made_is_told_when_the_event_comes(monkeypatch: pytest.MonkeyPatch, clients: Mock) -> None:
    logged, imported = Mock(), list[str]()
    monkeypatch.setattr(handlers, "logger", logged)
    monkeypatch.setattr(handlers, "import_module", imported.append)
    handlers._warm("custom_resources.handlers.github_repository")
    assert logged.mock_calls == []
    assert imported
    imported.clear()
    clients.warm.side_effect = KeyError("no such thing")
    handlers._warm("custom_resources.handlers.github_repository")
    logged.warning.assert_called_once_with("not ready before the first event", error="KeyError")
    assert len(logged.mock_calls) == 1
    assert imported == []


@pytest.mark.parametrize(("asked", "slept"), [(0.5, 0.5), (5, 5), (60, 5)])
def test_accepting_is_tried_again_after_a_pause_that_the_function_has_time_for(
    monkeypatch: pytest.MonkeyPatch, clients: Mock, asked: float, slept: float
) -> None:
    sleeps = sleeping.noted(monkeypatch)
    clients.stacks.operation.side_effect = RetryLater(asked, "CloudFormation asks to be called later.")
    monkeypatch.setattr(handlers, "_own_stack", lambda name: OwnStack("Custom::X", clients, in_product=True))
    stack = "arn:aws:cloudformation:eu-west-1:111122223333:stack/s/1"
    event = {"RequestType": "Delete", "StackId": stack, "ResourceProperties": {
        "RepositoryId": "1", "Repository": "acme/x"}}  # fmt: skip
    with pytest.raises(FinalError) as refused:
        handlers.actions_configuration(event, Context())  # type: ignore[attr-defined]
    assert sleeps == [slept] * 5
    assert "CloudFormation asks to be called later. " in str(refused.value)


@pytest.mark.parametrize("failure", [FinalError("The model is gone."), RetryLater(5, "GitHub answered 502.")])
def test_an_approval_that_fails_comes_back_with_its_reason(
    monkeypatch: pytest.MonkeyPatch, clients: Mock, failure: Exception
) -> None:
    asked: list[tuple[Any, ...]] = []

    def fails(*given: Any) -> None:
        asked.append(given)
        raise failure

    monkeypatch.setattr("custom_resources.model_approval.handle", fails)
    monkeypatch.setenv("PRODUCT_ID", "prod-1")
    monkeypatch.setenv("DEPLOY_WORKFLOW", "deploy.yml")
    monkeypatch.setenv("APPROVALS_QUEUE", "https://sqs/queue")
    monkeypatch.setenv("APPROVALS_DEAD_LETTERS", "https://sqs/dead")
    telemetry.conceal("canary-value")
    with pytest.raises(FinalError, match=str(failure)):
        handlers.model_approval({"Records": []}, Context())  # type: ignore[arg-type]
    assert telemetry.logger.get_current_keys()["function_request_id"] == Context.aws_request_id
    setup = Setup("prod-1", "deploy.yml", "us-east-1:123456789012", "https://sqs/queue", "https://sqs/dead")
    assert asked == [({"Records": []}, clients, setup)]


def test_what_an_update_would_do_is_asked_of_the_functions_own_resource(
    monkeypatch: pytest.MonkeyPatch, clients: Mock
) -> None:
    asked: list[tuple[Any, ...]] = []

    def foreseen(question: Any, resource: Any, *more: Any) -> dict[str, Any]:
        asked.append((question, type(resource).__name__, *more))
        return {"Launch": "pp-1"}

    monkeypatch.setattr("custom_resources.foreseeing.foreseen", foreseen)
    assert handlers.repository_template({"Foresee": {"Launch": "pp-1"}}, Context()) == {"Launch": "pp-1"}  # type: ignore[attr-defined]
    assert asked == [({"Launch": "pp-1"}, "RepositoryTemplate", clients, clients.requests)]


def test_the_project_setups_lines_have_the_calls_id(monkeypatch: pytest.MonkeyPatch, clients: Mock) -> None:
    asked: list[tuple[Any, ...]] = []

    def read(*given: Any) -> dict[str, Any]:
        asked.append(given)
        return {"Name": "churn"}

    monkeypatch.setattr("custom_resources.project_reader.read", read)
    telemetry.logger.append_keys(function_request_id="former", project="former")
    assert handlers.project_reader({"ProjectId": "p1"}, Context()) == {"Name": "churn"}  # type: ignore[arg-type]
    assert asked == [({"ProjectId": "p1"}, clients, Context.invoked_function_arn)]
    keys = telemetry.logger.get_current_keys()
    assert (keys["function_request_id"], keys["project"]) == (Context.aws_request_id, None)


@pytest.mark.parametrize("ends", ["well", "final", "later", "unexpected"])
@pytest.mark.parametrize("entry", CATALOGUE, ids=lambda entry: entry.name)
def test_what_a_call_has_counted_is_written_however_it_ends(
    monkeypatch: pytest.MonkeyPatch, clients: Mock, entry: Entry, ends: str
) -> None:
    errors = {"final": FinalError("It is gone."), "later": RetryLater(5, "Wait."), "unexpected": KeyError("x")}

    def work(*_: Any, **__: Any) -> dict[str, Any]:
        if ends in errors:
            raise errors[ends]
        return {}

    flushed: list[str] = []
    monkeypatch.setattr(handlers, "flush", lambda: flushed.append(entry.name))
    monkeypatch.setattr(handlers, "_answered", work)
    monkeypatch.setattr("custom_resources.model_approval.handle", work)
    monkeypatch.setattr("custom_resources.project_reader.read", work)
    for name in ("PRODUCT_ID", "DEPLOY_WORKFLOW", "APPROVALS_QUEUE", "APPROVALS_DEAD_LETTERS"):
        monkeypatch.setenv(name, "x")
    with contextlib.suppress(Exception):
        getattr(handlers, entry.name)({"Records": []}, Context())
    assert flushed == [entry.name]
