"""Map Runs and nested executions as Step Functions has them, where MiniStack 1.5.33 is otherwise or silently kind.

`register()`, called once in MiniStack's own process:

- StopExecution stops what the execution started and waits for, too: the children of its Map Runs, and theirs; no
  further child begins, and the Map Run is ABORTED; that they end does not fail what was stopped;
- a Map Run and a nested execution need their rights (states:StartExecution and more), where IAM is enforced;
- an ItemBatcher, a ResultWriter and JSONata in a Distributed Map are refused, and so is UpdateMapRun: MiniStack takes
  them and does nothing.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

from standins.aws.sdk_integrations import require_right, role_of

_NOT_HERE = ("ItemBatcher", "ResultWriter")
_MANAGED_RULE = "StepFunctionsGetEventsForStepFunctionsExecutionRule"
_NESTED = "arn:aws:states:::states:startExecution"
_CURRENT: ContextVar[str] = ContextVar("execution_that_waits", default="")
_waiting_for: dict[str, set[str]] = {}  # by execution: those that it started and waits for
_stopped: set[str] = set()
_lock = threading.Lock()


def register() -> None:
    """Teach this process's Step Functions (see above)."""
    from ministack.services import stepfunctions

    stepfunctions._execute_task = _noting(stepfunctions._execute_task)
    stepfunctions._run_execution = _known(stepfunctions._run_execution)
    stepfunctions._run_sub_machine = _stoppable(stepfunctions._run_sub_machine)
    stepfunctions._run_distributed_map = _as_told(stepfunctions._run_distributed_map)
    stepfunctions._stop_execution = _stopping(stepfunctions._stop_execution)
    stepfunctions._fail_execution = _failing(stepfunctions._fail_execution)
    stepfunctions._update_map_run = _update_map_run
    stepfunctions._invoke_resource = _permitted(stepfunctions._invoke_resource)


def _noting(execute: Callable[..., Any]) -> Callable[..., Any]:
    """Have a task know the execution that it is in, and not begin in one that was stopped."""

    def execute_task(state: Any, given: Any, execution: Any, context: Any) -> Any:
        name = str((execution or {}).get("executionArn", ""))
        _end_if_stopped(name)
        token = _CURRENT.set(name)
        try:
            return execute(state, given, execution, context)
        finally:
            _CURRENT.reset(token)

    return execute_task


def _end_if_stopped(execution: str) -> None:
    from ministack.services.stepfunctions import _ExecutionError

    if execution in _stopped:
        raise _ExecutionError("States.Runtime", "The execution was stopped.")


def _known(run: Callable[[str], None]) -> Callable[[str], None]:
    """Have an execution that another waits for be known as such."""

    def run_execution(arn: str) -> None:
        from ministack.services import stepfunctions

        parent = _CURRENT.get()
        if parent and (stepfunctions._executions.get(arn) or {}).get("sync"):
            with _lock:
                _waiting_for.setdefault(parent, set()).add(arn)
        run(arn)

    return run_execution


def _stoppable(run: Callable[..., Any]) -> Callable[..., Any]:
    """Have a Map Run's child not begin when the run's execution was stopped."""

    def run_sub_machine(states: Any, start: Any, given: Any, execution: Any, context: Any) -> Any:
        from ministack.services import stepfunctions

        run_of = stepfunctions._map_runs.get((execution or {}).get("mapRunArn", ""))
        if run_of:
            with _lock:
                if run_of["executionArn"] in _stopped:
                    _stopped.add(execution["executionArn"])
            _end_if_stopped(execution["executionArn"])
        return run(states, start, given, execution, context)

    return run_sub_machine


def _as_told(run: Callable[..., Any]) -> Callable[..., Any]:
    """Have a Map Run ask for its rights, refuse what MiniStack lacks, and end as its execution did."""

    def run_distributed_map(state: Any, raw: Any, effective: Any, *rest: Any) -> Any:
        from ministack.services import stepfunctions

        _, execution, context = rest  # after the iterator
        lacking = [name for name in _NOT_HERE if name in state]
        if stepfunctions._state_query_language(state, context) == "JSONata":
            lacking.append("JSONata")
        if lacking:
            said = f"{' and '.join(lacking)} in a Distributed Map: this stand-in does not have it."
            raise stepfunctions._ExecutionError("States.Runtime", said)
        role = role_of(execution)
        require_right("states:StartExecution", execution["stateMachineArn"], role)
        reader = state.get("ItemReader") or {}
        if str(reader.get("Resource", "")).endswith("s3:getObject"):
            item = stepfunctions._resolve_params_obj(reader.get("Parameters") or {}, effective, context)
            require_right("s3:GetObject", f"arn:aws:s3:::{item.get('Bucket')}/{item.get('Key')}", role)
        try:
            return run(state, raw, effective, *rest)
        finally:
            _end_map_runs(execution["executionArn"])

    return run_distributed_map


def _end_map_runs(execution: str) -> None:
    """Say of a stopped execution's Map Runs, and of their children that it stopped, that they were."""
    from ministack.services import stepfunctions

    if execution not in _stopped:
        return
    for run in [run for run in stepfunctions._map_runs.values() if run["executionArn"] == execution]:
        run["status"] = "ABORTED"
        for child in list(stepfunctions._executions.values()):
            if child.get("mapRunArn") == run["mapRunArn"] and child["executionArn"] in _stopped:
                child["status"] = "ABORTED"


def _stopping(stop: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def stop_execution(data: Any) -> Any:
        answer = stop(data)
        if answer[0] == 200:
            _stop_all(data["executionArn"])
        return answer

    return stop_execution


def _failing(fail: Callable[[Any, str, str], None]) -> Callable[[Any, str, str], None]:
    """Have an execution that was stopped stay ABORTED: its children, which end with it, fail it no more."""

    def fail_execution(execution: Any, error: str, cause: str) -> None:
        if execution["status"] != "ABORTED":
            fail(execution, error, cause)

    return fail_execution


def _stop_all(arn: str) -> None:
    """Stop an execution's children, and theirs."""
    from ministack.core.responses import now_iso
    from ministack.services import stepfunctions

    with _lock:
        _stopped.add(arn)
        runs = {run["mapRunArn"] for run in stepfunctions._map_runs.values() if run["executionArn"] == arn}
        children = {
            child["executionArn"]
            for child in list(stepfunctions._executions.values())
            if child.get("mapRunArn") in runs and child["status"] == "RUNNING"
        } | _waiting_for.pop(arn, set())
    for name in children:
        child = stepfunctions._executions.get(name)
        if child and child["status"] == "RUNNING":
            child.update(status="ABORTED", stopDate=now_iso())
            _stop_all(name)


def _update_map_run(_: Any) -> Any:
    from ministack.core.responses import error_response_json

    return error_response_json("ValidationException", "This stand-in's Map Runs cannot be changed.", 400)


def _permitted(invoke: Callable[[str, Any], Any]) -> Callable[[str, Any], Any]:
    """Have a nested execution ask for its rights: with .sync it is followed by a rule that Step Functions makes."""

    def invoke_resource(resource: str, parameters: Any) -> Any:
        if resource.startswith(_NESTED):
            machine = str((parameters or {}).get("StateMachineArn", ""))
            require_right("states:StartExecution", machine)
            if ".sync" in resource:
                region, account = machine.split(":")[3:5]
                rule = f"arn:aws:events:{region}:{account}:rule/{_MANAGED_RULE}"
                executions = machine.replace(":stateMachine:", ":execution:")
                for action in ("PutTargets", "PutRule", "DescribeRule"):
                    require_right(f"events:{action}", rule)
                for action in ("DescribeExecution", "StopExecution"):
                    require_right(f"states:{action}", f"{executions}:any")
        return invoke(resource, parameters)

    return invoke_resource
