"""CodeConnections: the Git connections of an account, which a control puts there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from standins.aws.calls import Record, Table, page
from standins.aws.protocol import ServiceError

if TYPE_CHECKING:
    from standins.aws.calls import Call


class CodeConnections:
    """The operations, each named as the model names it."""

    def __init__(self) -> None:
        """Start empty."""
        self._connections: Table[Record] = Table()

    def put(self, account: str, region: str, request: Record) -> Record:
        """Put a finished connection of that `name` and `provider` there; return its ARN."""
        arn = f"arn:aws:codeconnections:{region}:{account}:connection/{request['name']}"
        self._connections[arn] = {
            "ConnectionName": request["name"],
            "ConnectionArn": arn,
            "ProviderType": request["provider"],
            "OwnerAccountId": account,
            "ConnectionStatus": "AVAILABLE",
        }
        return {"arn": arn}

    def get_connection(self, call: Call, request: Record) -> Record:
        """GetConnection."""
        found = self._connections.get(request["ConnectionArn"])
        if found is None or found["OwnerAccountId"] != call.account:
            raise ServiceError("ResourceNotFoundException", f"Connection {request['ConnectionArn']} does not exist.")
        return {"Connection": found}

    def list_connections(self, call: Call, request: Record) -> Record:
        """ListConnections: the account's in the region, of one kind of provider or of one host."""
        kind, host = request.get("ProviderTypeFilter"), request.get("HostArnFilter")
        found = [
            each
            for arn, each in self._connections.items()
            if each["OwnerAccountId"] == call.account
            and arn.split(":")[3] == call.region
            and kind in (None, each["ProviderType"])
            and host in (None, each.get("HostArn"))
        ]
        listed, token = page(found, request.get("MaxResults"), request.get("NextToken"), most=100)
        return {"Connections": listed, **({"NextToken": token} if token else {})}
