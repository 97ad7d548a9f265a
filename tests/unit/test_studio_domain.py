"""What an administrator's resource does in a domain that is gone: its deletion ends, everything else is told."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from custom_resources import studio_domain
from custom_resources.errors import AwsNotFound, AwsThrottled, DataZoneDenied
from custom_resources.studio_domain import unless_gone

MISSING = AwsNotFound(service="DataZone", activity="reading", message="None")
DENIED = DataZoneDenied(service="DataZone", activity="reading", message="No", permission="datazone:GetDomain")
SLOW = AwsThrottled(5, service="DataZone", activity="reading", code="Throttling")


class Domain:
    """DataZone that has the domain or not, and notes what is asked and warned of."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, gone: bool) -> None:
        self.gone = gone
        self.asked: list[str] = []
        self.warned: list[tuple[str, dict[str, Any]]] = []
        monkeypatch.setattr(studio_domain, "logger", self)

    def domain_is_gone(self, domain_id: str) -> bool:
        self.asked.append(domain_id)
        return self.gone

    def warning(self, said: str, **fields: Any) -> None:
        self.warned.append((said, fields))


@pytest.mark.parametrize("failure", [None, MISSING, DENIED, SLOW])
@pytest.mark.parametrize("kind", ["Create", "Update", "Delete"])
@pytest.mark.parametrize("gone", [True, False])
def test_only_a_deletion_ends_without_its_domain(
    monkeypatch: pytest.MonkeyPatch, failure: Exception | None, kind: str, gone: bool
) -> None:
    domain: Any = Domain(monkeypatch, gone=gone)
    request: Any = SimpleNamespace(type=kind, properties=SimpleNamespace(domain_id="d-1"), physical_id="bp-1")

    def read() -> str:
        if failure:
            raise failure
        return "found"

    looks = kind == "Delete" and failure in (MISSING, DENIED)
    if failure is None:
        assert unless_gone(request, domain, read, "nothing") == "found"
    elif looks and gone:
        assert unless_gone(request, domain, read, "nothing") == "nothing"
    else:
        with pytest.raises(type(failure)) as told:
            unless_gone(request, domain, read, "nothing")
        assert told.value is failure
    assert domain.asked == (["d-1"] if looks else [])
    said = "the domain is gone, and nothing is deleted in it"
    assert domain.warned == ([(said, {"domain": "d-1", "left": "bp-1"})] if looks and gone else [])
