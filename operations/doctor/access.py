"""AWS as the checks ask it: a client for each service, made when it is first used."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from custom_resources.clients.aws import DATAZONE, LAMBDA, Service, translated

if TYPE_CHECKING:
    import boto3

    from products.settings import Settings


class Access:
    """One account and region. The domain is asked where it is."""

    def __init__(self, session: boto3.Session, settings: Settings) -> None:
        """Nothing is asked yet."""
        self._session = session
        self._domain_region = settings.studio.domain_region
        self._clients: dict[str, Any] = {}

    @property
    def region(self) -> str:
        """The session's region; nothing if none is set."""
        return self._session.region_name

    def client(self, service: Service) -> Any:
        """Return the client of a service. Raises what its making raises, translated."""
        if service.prefix not in self._clients:
            with translated(service, "opening a client"):
                region = self._domain_region if service is DATAZONE else ""
                make: Any = self._session.client
                self._clients[service.prefix] = make(service.prefix, **({"region_name": region} if region else {}))
        return self._clients[service.prefix]

    def function(self, name: str) -> Mapping[str, Any]:
        """Return how a function is configured (GetFunctionConfiguration). Raises AwsNotFound."""
        client = self.client(LAMBDA)
        with translated(LAMBDA, f"reading the function {name}"):
            found: Mapping[str, Any] = client.get_function_configuration(FunctionName=name)
            return found
