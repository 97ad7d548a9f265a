"""No secret value in a log line, a metric or a failure's reason, even where somebody logs it by mistake."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any
from unittest.mock import Mock

import pytest
from aws_lambda_powertools.utilities.typing import LambdaContext
from hypothesis import given
from hypothesis import strategies as st

from custom_resources import handlers, model_approval, telemetry
from custom_resources.catalogue import Entry
from custom_resources.clients.replicas import Replicas
from custom_resources.clients.request_limit import RequestLimit
from custom_resources.errors import FinalError, RetryLater
from custom_resources.properties import Properties
from custom_resources.reconciler import CustomResource, Done, Foreseen, Request


@given(st.text(min_size=3, max_size=40).map("ghp_".__add__), st.text(max_size=10), st.text(max_size=10))
def test_a_concealed_value_is_in_no_log_line(secret: str, before: str, after: str) -> None:
    telemetry.conceal(secret)
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(telemetry.RedactingFormatter())
    handler.emit(logging.LogRecord("x", logging.INFO, __file__, 1, f"{before}{secret}{after}", None, None))
    message = json.loads(stream.getvalue())["message"]
    assert secret not in message
    assert telemetry.HIDDEN in message


class NothingProperties(Properties):
    """No property."""


class NoClients:
    """Clients that answer nothing but the stack's operation."""

    patience = 60.0
    budget = None
    update_records = None

    def __init__(self, failures: int = 0) -> None:
        self.failures = failures
        self.requests = RequestLimit()
        self.replicas = Replicas()

    @property
    def stacks(self) -> NoClients:
        return self

    def operation(self, stack_id: str) -> str:
        if self.failures:
            self.failures -= 1
            raise RetryLater(0, "CloudFormation asks to be called later.")
        return "CREATE_IN_PROGRESS 1"


class Nothing(CustomResource[NothingProperties, None, None]):
    """Custom::Nothing."""

    properties = NothingProperties

    def __init__(self, error: Exception | None) -> None:
        self._error = error

    def provisional_id(self, properties: NothingProperties) -> str:
        return "nothing"

    def observe(self, request: Request[NothingProperties]) -> AbstractContextManager[None]:
        return nullcontext()

    def plan(self, request: Request[NothingProperties], observed: None) -> None:
        return None

    def apply(self, plan: None, request: Request[NothingProperties], ensure_current: Callable[[], None]) -> Done:
        if self._error:
            raise self._error
        return Done({"A": "1"}, metrics=("Launches",))

    def foresee(self, request: Request[NothingProperties], observed: None, plan: None) -> Foreseen:
        return Foreseen()


EVENT = {"RequestType": "Create", "StackId": "arn:a:b:c:d:e", "LogicalResourceId": "X", "ResourceProperties": {}}


def handled(
    monkeypatch: pytest.MonkeyPatch, clients: NoClients, error: Exception | None, event: dict[str, Any]
) -> dict[str, Any]:
    monkeypatch.setattr(handlers, "_clients", lambda: clients)
    own = Mock(require=lambda event, request: clients.stacks.operation(request.stack_id))
    monkeypatch.setattr(handlers, "_own_stack", lambda name: own)
    entry = Entry("nothing", "does nothing", (), "Nothing")
    return handlers._handle(entry, lambda: Nothing(error), event, "function-1")


def test_a_handler_accepts_then_completes(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    accepted = handled(monkeypatch, NoClients(), None, EVENT)
    done = handled(monkeypatch, NoClients(), None, {**EVENT, **accepted})
    assert done == {"IsComplete": True, "Data": {"A": "1"}}
    assert '"Launches":[1.0]' in capsys.readouterr().out.replace(" ", "")


def test_every_line_says_which_operation_and_invocation_it_belongs_to(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lines: list[dict[str, Any]] = []

    def noted(text: str) -> str:
        lines.append(json.loads(text))
        return text

    monkeypatch.setattr(telemetry, "redacted", noted)
    event = {**EVENT, "RequestId": "request-1", "ResourceProperties": {"DomainId": "dzd-1", "ProjectId": "p1"}}
    accepted = handled(monkeypatch, NoClients(), None, event)
    with pytest.raises(FinalError):
        handled(monkeypatch, NoClients(), FinalError("GitHub refused it."), {**event, **accepted})
    said = [line for line in lines if "message" in line]
    assert [line["message"] for line in said] == ["plan", "failed"]
    for line in said:
        assert line["operation"] == "CREATE_IN_PROGRESS 1"
        assert (line["request"], line["function_request_id"]) == ("request-1", "function-1")
        assert (line["stack"], line["resource"], line["project"]) == (event["StackId"], "X", "p1")


def test_a_throttled_look_up_is_repeated_when_accepting(monkeypatch: pytest.MonkeyPatch) -> None:
    assert handled(monkeypatch, NoClients(failures=3), None, EVENT)["PhysicalResourceId"] == "nothing"
    with pytest.raises(FinalError, match="could not check the request: CloudFormation asks to be called later"):
        handled(monkeypatch, NoClients(failures=99), None, EVENT)


def test_a_failure_is_one_sentence_without_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    telemetry.conceal("ghp_canary")
    accepted = handled(monkeypatch, NoClients(), None, EVENT)
    with pytest.raises(FinalError) as failed:
        handled(monkeypatch, NoClients(), FinalError("GitHub refused ghp_canary."), {**EVENT, **accepted})
    assert str(failed.value) == f"GitHub refused {telemetry.HIDDEN}."
    assert failed.value.__cause__ is None
    with pytest.raises(
        FinalError, match=r"failed unexpectedly \(KeyError\)\. Find the exception in the function's log"
    ):
        handled(monkeypatch, NoClients(), KeyError("ghp_canary"), {**EVENT, **accepted})


def test_a_long_failure_fits_cloudformations_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    accepted = handled(monkeypatch, NoClients(), None, EVENT)
    with pytest.raises(FinalError) as failed:
        handled(monkeypatch, NoClients(), FinalError("GitHub refused it. " + "\u00e4" * 5000), {**EVENT, **accepted})
    assert str(failed.value).startswith("GitHub refused it. ")
    assert len(str(failed.value).encode()) < 3000  # of 4096 bytes, with the framework's trace and the ids
    assert str(failed.value).endswith("... (and the rest is in the function's log)")


@pytest.mark.parametrize("error", [FinalError("GitHub refused it."), KeyError("no such thing")])
def test_each_failure_is_counted(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: Exception
) -> None:
    accepted = handled(monkeypatch, NoClients(), None, EVENT)
    capsys.readouterr()
    with pytest.raises(FinalError):
        handled(monkeypatch, NoClients(), error, {**EVENT, **accepted})
    assert '"Failures":[1.0]' in capsys.readouterr().out.replace(" ", "")


def test_an_approval_that_comes_back_is_counted(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fails(*_: Any) -> None:
        raise RetryLater(5, "GitHub answered 502.")

    monkeypatch.setattr(handlers, "_clients", NoClients)
    monkeypatch.setattr(model_approval, "handle", fails)
    for name in ("PRODUCT_ID", "DEPLOY_WORKFLOW", "APPROVALS_QUEUE", "APPROVALS_DEAD_LETTERS"):
        monkeypatch.setenv(name, "x")
    with pytest.raises(FinalError, match="GitHub answered 502"):
        handlers.model_approval({"Records": []}, LambdaContext())
    assert '"Failures":[1.0]' in capsys.readouterr().out.replace(" ", "")
