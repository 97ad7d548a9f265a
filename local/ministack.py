"""MiniStack with the resource types that our stacks use and it lacks: `python -m local.ministack`.

Its address and folders come from the environment (see `settings`). Functions run with this interpreter and the
host's git, so what a function's environment says of the layers below /opt does not apply here.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from local.home import Home

REGION = "us-east-1"
ACCOUNT = "123456789012"
_OF_THE_LAYERS = {"PATH", "LD_LIBRARY_PATH", "PYTHONPATH", "GIT_EXEC_PATH", "GIT_SSL_CAINFO", "GIT_TEMPLATE_DIR"}


def settings(home: Home, port: int, stand_in_url: str) -> dict[str, str]:
    """Return the environment for a MiniStack that keeps everything in `home` and is reached from here only.

    With LOCAL_ENFORCE_IAM=1 it holds every function to its role's policies, as AWS does; with LOCAL_COLD_STARTS=1
    each function begins as a process of its own that imports everything itself (functions.py).
    """
    return {
        "LOCAL_COLD_STARTS": os.environ.get("LOCAL_COLD_STARTS", ""),
        "AUTH": "true" if os.environ.get("LOCAL_ENFORCE_IAM") else "false",
        "GATEWAY_PORT": str(port),
        "BIND_HOST": "127.0.0.1",
        "MINISTACK_HOST": "127.0.0.1",
        "MINISTACK_REGION": REGION,
        "AWS_ACCESS_KEY_ID": ACCOUNT,
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_DEFAULT_REGION": REGION,
        "AWS_EC2_METADATA_DISABLED": "true",
        "STATE_DIR": str(home.path / "ministack"),
        "S3_DATA_DIR": str(home.path / "ministack" / "s3"),
        "SFTP_ENABLED": "0",
        "IOT_MTLS_ENABLED": "0",
        "AWS_ENDPOINT_URL_DATAZONE": stand_in_url,
        "AWS_ENDPOINT_URL_SAGEMAKER": stand_in_url,
        "AWS_ENDPOINT_URL_SERVICE_CATALOG": stand_in_url,
    }


def _with_metric_math(record: Callable[..., Any]) -> Callable[..., Any]:
    """Return MiniStack's alarm recorder, which refuses alarms on expressions; they are kept, and never evaluated."""

    def recorded(name: str, properties: dict[str, Any]) -> Any:
        if properties.get("Metrics"):
            kept = {key: value for key, value in properties.items() if key != "Metrics"}
            properties = {**kept, "Namespace": "MetricMath", "MetricName": name}
        return record(name, properties)

    return recorded


def main() -> None:
    """Run until a signal ends the process."""
    from ministack import app
    from ministack.core import lambda_runtime
    from ministack.services.cloudformation import provisioners

    from local import functions
    from standins.aws import (
        between_accounts,
        custom_resource_answers,
        encrypted_executions,
        expressions,
        function_errors,
        kept_keys,
        map_runs,
        resource_types,
        sdk_integrations,
        service_requests,
        stack_cleanup,
        stack_events,
        stack_history,
        stack_resources,
    )

    if not os.environ.get("LOCAL_COLD_STARTS"):
        functions.register()
    custom_resource_answers.register()
    resource_types.register()
    sdk_integrations.register()
    map_runs.register()
    expressions.register()
    service_requests.register()
    stack_resources.register()
    stack_events.register()
    stack_cleanup.register()
    stack_history.register()
    between_accounts.register()
    function_errors.register()
    encrypted_executions.register()
    kept_keys.register(Path(os.environ["STATE_DIR"]) / "keys.json")
    provisioners._cw_metric_alarm_record = _with_metric_math(provisioners._cw_metric_alarm_record)
    # Policies that want TLS are not about requests within this machine.
    pinned = app.pin_request_origin
    app.pin_request_origin = lambda address, _: pinned(address, True)
    pinned("127.0.0.1", True)  # for those requests that it does not pin, as IAM is not enforced
    lambda_runtime._RESERVED_RUNTIME_ENV_VARS.update(_OF_THE_LAYERS)
    sys.argv = ["ministack"]
    app.main()


if __name__ == "__main__":
    main()
