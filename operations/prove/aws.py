"""AWS as the proof asks it: every call is noted with its request id, as evidence; what passes is asked again."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from custom_resources.clients.aws import STS, Service, translated
from custom_resources.errors import RetryLater
from operations.prove.facts import Call

STEP_FUNCTIONS = Service("Step Functions", "states")
ATTEMPTS = 5
Open = Callable[..., Any]
AnswerT = TypeVar("AnswerT")


class Aws:
    """Asks AWS. `note` takes each call; `about` says which assumptions the calls in a block are about."""

    def __init__(self, open_client: Open, region: str, note: Callable[[Call], None], pause: float) -> None:
        """Take who makes boto3 clients (of a service, and with the keys of a role), and seconds between two looks."""
        self.region_name = region
        self.pause = pause
        self._open = open_client
        self._note = note
        self._about: tuple[str, ...] = ()
        self._clients: dict[tuple[str, str], Any] = {}

    @contextmanager
    def about(self, *ids: str) -> Iterator[None]:
        """Note the block's calls as evidence for these assumptions."""
        before, self._about = self._about, ids
        try:
            yield
        finally:
            self._about = before

    def client(self, service: str, role: str = "") -> Any:
        """Return the service's client, in the name of a role if one is given. Raises AwsDenied."""
        if (service, role) not in self._clients:
            keys: dict[str, str] = {}
            if role:
                found = self.ask(STS, "assume_role", RoleArn=role, RoleSessionName="prove")["Credentials"]
                keys = {
                    "aws_access_key_id": found["AccessKeyId"],
                    "aws_secret_access_key": found["SecretAccessKey"],
                    "aws_session_token": found["SessionToken"],
                }
            client = self._open("stepfunctions" if service == STEP_FUNCTIONS.prefix else service, **keys)
            client.meta.events.register("after-call", self._called)
            self._clients[service, role] = client
        return self._clients[service, role]

    def ask(self, service: Service, operation: str, role: str = "", **arguments: Any) -> dict[str, Any]:
        """Call once; what passes is asked again. Raises Problem."""
        client = self.client(service.prefix, role)

        def once() -> dict[str, Any]:
            with translated(service, operation.replace("_", " ")):
                return dict(getattr(client, operation)(**arguments))

        return self._again(once)

    def pages(self, service: Service, operation: str, key: str, **arguments: Any) -> list[dict[str, Any]]:
        """Return the items of all pages. Raises Problem."""
        client = self.client(service.prefix)

        def once() -> list[dict[str, Any]]:
            with translated(service, operation.replace("_", " ")):
                pages = client.get_paginator(operation).paginate(**arguments)
                return [item for page in pages for item in page.get(key, [])]

        return self._again(once)

    def _again(self, once: Callable[[], AnswerT]) -> AnswerT:
        for _ in range(ATTEMPTS - 1):
            try:
                return once()
            except RetryLater:
                time.sleep(self.pause)
        return once()

    def _called(self, parsed: dict[str, Any], model: Any, **_: object) -> None:
        told = parsed.get("ResponseMetadata", {})
        self._note(
            Call(
                service=str(model.service_model.service_id),
                operation=str(model.name),
                request_id=str(told.get("RequestId", "")),
                status=int(told.get("HTTPStatusCode", 0)),
                code=str(parsed.get("Error", {}).get("Code", "")),
                about=self._about,
            )
        )
