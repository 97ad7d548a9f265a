"""What a workflow file says about being started by hand: whether it may be, and with which inputs."""

from __future__ import annotations

from typing import Any

import yaml

from standins.github.messages import ApiError, Json

_ON = ("on", True)  # YAML 1.1 reads the bare word as true


def refuse_dispatch(text: str, inputs: Json) -> None:
    """Raise ApiError 422 where GitHub would not start the workflow with these inputs."""
    try:
        triggers = _triggers(yaml.safe_load(text))
    except yaml.YAMLError:
        triggers = {}
    if "workflow_dispatch" not in triggers:
        raise ApiError(422, "Workflow does not have 'workflow_dispatch' trigger")
    declared = (triggers["workflow_dispatch"] or {}).get("inputs") or {}
    unknown = [name for name in inputs if name not in declared]
    if unknown:
        raise ApiError(422, f"Unexpected inputs provided: {unknown}".replace("'", '"'))
    for name, settings in declared.items():
        wanted = isinstance(settings, dict) and settings.get("required") is True and "default" not in settings
        if wanted and inputs.get(name) in (None, ""):
            raise ApiError(422, f"Required input '{name}' not provided")


def _triggers(workflow: Any) -> dict[str, Any]:
    """Return the events of a workflow with their settings: `on` is a name, a list of names or a mapping."""
    if not isinstance(workflow, dict):
        return {}
    events = next((workflow[key] for key in _ON if key in workflow), None)
    if isinstance(events, str):
        return {events: None}
    if isinstance(events, list):
        return dict.fromkeys(map(str, events))
    return events if isinstance(events, dict) else {}
