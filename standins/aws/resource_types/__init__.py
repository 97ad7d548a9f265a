"""Resource types that MiniStack's CloudFormation lacks and our stacks use: Service Catalog's, DataZone's, two of IAM.

How they get into MiniStack: `register()`, called once in MiniStack's own process before it serves. It

- adds RESOURCE_TYPES to MiniStack's table of handlers (a type has `create(logical_id, properties, stack_name)` ->
  (physical id, attributes), `update(physical_id, old, new, stack_name, logical_id)` -> the same with
  `update_with_logical_id`, and `delete(physical_id, properties)`);
- makes MiniStack run them on a worker thread, as it does with custom resources: they call servers, MiniStack among
  them, and would otherwise block the event loop that must answer them;
- remembers the access key of the request that started a stack operation: CloudFormation calls the services in the name
  of its caller, and so do these handlers (Service Catalog's launch paths depend on it).

They find the AWS stand-in by AWS_ENDPOINT_URL_SERVICE_CATALOG and AWS_ENDPOINT_URL_DATAZONE, and MiniStack's IAM by
AWS_ENDPOINT_URL (else 127.0.0.1 and GATEWAY_PORT).

Properties are held to the CloudFormation registry schema that cfn-lint ships: an unknown or missing property and a
value outside its enumeration fail the resource; a changed create-only property replaces it.
"""

from __future__ import annotations

from typing import Any

from standins.aws.resource_types import catalog, constraints, datazone, iam, provisioned_product
from standins.aws.resource_types.handling import CALLER_KEY

_TYPES = (*catalog.TYPES, *constraints.TYPES, *provisioned_product.TYPES, *datazone.TYPES, *iam.TYPES)
RESOURCE_TYPES: dict[str, dict[str, Any]] = {item.name: item.handlers() for item in _TYPES}
"""MiniStack's handlers by type name."""


def register() -> None:
    """Teach this process's MiniStack the types (see above)."""
    from ministack.services import cloudformation
    from ministack.services.cloudformation import provisioners, stacks

    provisioners._RESOURCE_HANDLERS.update(RESOURCE_TYPES)
    on_worker, answer = stacks._runs_on_worker_thread, cloudformation.handle_request
    stacks._runs_on_worker_thread = lambda name: name in RESOURCE_TYPES or on_worker(name)

    async def handle_request(method: str, path: str, headers: dict[str, str], *rest: Any) -> Any:
        from ministack.core.router import extract_access_key_id

        CALLER_KEY.set(extract_access_key_id(headers, {}) or "")
        return await answer(method, path, headers, *rest)

    cloudformation.handle_request = handle_request
