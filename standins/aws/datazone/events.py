"""What DataZone tells the account's event bus: calls as CloudTrail records them, and events of its own."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from standins.aws.calls import Record, now
from standins.aws.datazone.model import Domain
from standins.aws.datazone.roles import SERVICE_PRINCIPAL
from standins.aws.emulator import Emulator

if TYPE_CHECKING:
    from standins.aws.calls import Call

_REDACTED = "HIDDEN_DUE_TO_SECURITY_REASONS"


class Events:
    """Sends the events, if they are `enabled`; `undelivered` says which were refused, and why.

    `names_project`: Studio's own events name domain and project, in members that no source tells.
    """

    def __init__(self, emulator: Emulator) -> None:
        """Take MiniStack, which has the bus."""
        self.enabled = False
        self.names_project = True
        self.undelivered: list[str] = []
        self._emulator = emulator

    def project_created(self, call: Call, domain: Domain, project: Record, request: Record) -> None:
        """Send CloudTrail's CreateProject and Studio's own event; names are redacted, as CloudTrail does."""
        answered = {
            "id": project["id"],
            "domainId": domain.id,
            "name": _REDACTED,
            "domainUnitId": project["domainUnitId"],
            "projectProfileId": project["projectProfileId"],
            "projectStatus": project["projectStatus"],
        }
        asked = {**request, "name": _REDACTED, "description": _REDACTED}
        self._announce_call(call, domain, "CreateProject", asked, answered)
        self._announce_native(domain, project["id"], "Project Creation Succeeded", {"projectId": project["id"]})

    def project_deleted(self, call: Call, domain: Domain, request: Record) -> None:
        """Send CloudTrail's DeleteProject; Studio has no event of its own for it."""
        self._announce_call(call, domain, "DeleteProject", dict(request), None)

    def _announce_call(self, call: Call, domain: Domain, name: str, asked: Record, answered: Record | None) -> None:
        detail = {
            "eventVersion": "1.11",
            "eventSource": SERVICE_PRINCIPAL,
            "eventName": name,
            "eventTime": now().isoformat(),
            "awsRegion": domain.region,
            "recipientAccountId": domain.account,
            "userIdentity": {"type": "AssumedRole", "arn": call.caller, "accountId": call.account},
            "requestParameters": asked,
            "responseElements": answered,
        }
        self._announce(domain, "AWS API Call via CloudTrail", detail)

    def environment_changed(self, domain: Domain, environment: Record, detail_type: str) -> None:
        """Send Studio's own event about an environment."""
        data = {
            "environmentId": environment["id"],
            "environmentName": environment["name"],
            "projectId": environment["projectId"],
            "status": environment["status"],
        }
        self._announce_native(domain, environment["projectId"], detail_type, data)

    def _announce_native(self, domain: Domain, project_id: str, detail_type: str, data: Mapping[str, Any]) -> None:
        metadata = {
            "id": str(uuid.uuid4()),
            "version": "1.0.0",
            "domain": domain.id,
            "awsAccountId": domain.account,
            "owningProjectId": project_id,
        }
        detail: Record = {"version": "1.0", "metadata": metadata, "data": dict(data)}
        if not self.names_project:
            detail = {"version": "1.0", "domain": domain.id, "project": project_id}
        self._announce(domain, detail_type, detail)

    def _announce(self, domain: Domain, detail_type: str, detail: Mapping[str, Any]) -> None:
        if self.enabled:
            entry = {"Source": "aws.datazone", "DetailType": detail_type, "Detail": json.dumps(detail, default=str)}
            refusal = self._emulator.put_event(domain.account, domain.region, entry)
            if refusal:
                self.undelivered.append(f"{detail_type}: {refusal}")
