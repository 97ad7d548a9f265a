"""What DataZone tells of a project's environments and connections; deployment.py makes them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from standins.aws.calls import Record
from standins.aws.datazone.model import Domains, found, listed

if TYPE_CHECKING:
    from standins.aws.calls import Call


class EnvironmentOperations:
    """The operations, each named as the model names it."""

    def __init__(self, domains: Domains) -> None:
        """Take the domains."""
        self._domains = domains

    def get_environment(self, call: Call, request: Record) -> Record:
        """GetEnvironment."""
        return self._environment(request)

    def list_environments(self, call: Call, request: Record) -> Record:
        """ListEnvironments."""
        domain = self._domains.named(request["domainIdentifier"])
        found(domain.projects, request["projectIdentifier"], "Project")
        filters = {
            "projectId": request["projectIdentifier"],
            "name": request.get("name"),
            "provider": request.get("provider"),
            "awsAccountId": request.get("awsAccountId"),
            "awsAccountRegion": request.get("awsAccountRegion"),
            "environmentBlueprintId": request.get("environmentBlueprintIdentifier"),
        }
        matching = [
            item
            for item in domain.environments.values()
            if all(value is None or item[member] == value for member, value in filters.items())
            and request.get("status", item["status"]) == item["status"]
        ]
        return listed(matching, request)

    def list_connections(self, call: Call, request: Record) -> Record:
        """ListConnections."""
        domain = self._domains.named(request["domainIdentifier"])
        matching = [
            item
            for item in domain.connections.values()
            if request.get("projectIdentifier", item["projectId"]) == item["projectId"]
            and request.get("environmentIdentifier", item["environmentId"]) == item["environmentId"]
            and request.get("name", item["name"]) == item["name"]
            and request.get("type", item["type"]) == item["type"]
        ]
        return listed(matching, request)

    def get_connection(self, call: Call, request: Record) -> Record:
        """GetConnection: without credentials, whatever is asked."""
        return found(self._domains.named(request["domainIdentifier"]).connections, request["identifier"], "Connection")

    def _environment(self, request: Record) -> Record:
        return found(
            self._domains.named(request["domainIdentifier"]).environments, request["identifier"], "Environment"
        )
