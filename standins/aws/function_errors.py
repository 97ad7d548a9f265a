"""What Lambda says of a Python function's error: the class of the exception, which Step Functions catches it by.

MiniStack calls all of them Runtime.HandlerError. `register()` is called once in MiniStack's own process.
"""

from __future__ import annotations

import re
from typing import Any

_UNNAMED = "Runtime.HandlerError"
_TRACEBACK = "Traceback (most recent call last):\n"
_RAISED = re.compile(r"^(?P<name>[A-Za-z_][\w.]*)(?::|$)", re.MULTILINE)


def register() -> None:
    """Have this process's MiniStack name them."""
    from ministack.services import lambda_svc

    lambda_svc._execute_function_warm = _named(lambda_svc._execute_function_warm)


def _named(execute: Any) -> Any:
    """Return MiniStack's way to call a function, whose errors have the name of their class."""

    def execute_function(*request: Any, **more: Any) -> Any:
        answer = execute(*request, **more)
        body = answer.get("body")
        if answer.get("error") and isinstance(body, dict) and body.get("errorType") == _UNNAMED:
            body["errorType"] = error_type(answer.get("log", "")) or _UNNAMED
        return answer

    return execute_function


def error_type(log: str) -> str:
    """Return the class name of the exception that a function's log ends with; "" where it has no traceback. Pure."""
    _, found, ending = log.rpartition(_TRACEBACK)
    raised = _RAISED.search(ending) if found else None
    return raised["name"].rpartition(".")[2] if raised else ""
