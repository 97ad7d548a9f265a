"""The end of an update: CloudFormation deletes what the update has removed or replaced, in a status of its own.

MiniStack deletes these resources while the stack is still in UPDATE_IN_PROGRESS, and records no event of a deletion. On
AWS the stack is in UPDATE_COMPLETE_CLEANUP_IN_PROGRESS then, and each deletion has its events:
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/view-stack-events.html
"""

from __future__ import annotations

from typing import Any

CLEANUP = "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"


def register() -> None:
    """Have this process's MiniStack clean up so."""
    from ministack.services.cloudformation import stacks

    stacks._delete_resource = _told(stacks._delete_resource)


def _told(delete: Any) -> Any:
    """Return MiniStack's deleting function, which tells of a deletion at an update's end. Failures it tells itself."""

    def delete_resource(kind: str, physical_id: str, properties: Any, stack_name: str, logical_id: str) -> Any:
        from ministack.services.cloudformation import _stacks, stacks

        stack = _stacks.get(stack_name) or {}
        if stack.get("StackStatus") not in ("UPDATE_IN_PROGRESS", CLEANUP):  # a rollback tells of what it deletes
            return delete(kind, physical_id, properties, stack_name, logical_id)
        if stack["StackStatus"] != CLEANUP:
            stack["StackStatus"] = CLEANUP
            identity = stack["StackId"]
            stacks._add_event(identity, stack_name, stack_name, "AWS::CloudFormation::Stack", CLEANUP, "", identity)
        told = (stack["StackId"], stack_name, logical_id, kind)
        stacks._add_event(*told, "DELETE_IN_PROGRESS", physical_id=physical_id)
        answer = delete(kind, physical_id, properties, stack_name, logical_id)
        stacks._add_event(*told, "DELETE_COMPLETE", physical_id=physical_id)
        return answer

    return delete_resource
