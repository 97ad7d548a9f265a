"""Which stacks of the installation are deployed. What is not deployed yet is one line, and not one for each check."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from typing import TYPE_CHECKING

from custom_resources.clients.aws import CLOUDFORMATION, translated
from custom_resources.clients.stacks import EMPTY, CloudFormationStacks
from custom_resources.errors import AwsDenied, AwsNotFound
from operations.deployed import FOUNDATION_STACK, PORTFOLIO_STACK
from operations.doctor.check import Check, NamedCheck, deploy

if TYPE_CHECKING:
    from collections.abc import Callable

    import boto3

    from products.settings import Settings

DOMAIN_FOUNDATION_STACK, DOMAIN_STACK = "DomainFoundationStack", "StudioDomainStack"
_NOTHING = {*EMPTY, "REVIEW_IN_PROGRESS"}  # nothing of the stack is there
# What each check looks at, where that is a stack's.
_STACKS = {
    "Functions": FOUNDATION_STACK,
    "Domain unit": FOUNDATION_STACK,
    "GitHub limits": FOUNDATION_STACK,
    **dict.fromkeys(("Launch role", "Portfolio", "Versions", "Launch path", "Product versions"), PORTFOLIO_STACK),
}


def studio_stack(settings: Settings) -> str:
    """Return the name of the stack by which Studio launches, "" where there is none."""
    if settings.place:
        return "StudioAccountStack"
    wanted = settings.studio.domain_id or settings.studio.model_approval.enabled
    return "StudioStack" if wanted else ""


class Deployment:
    """The stacks of one account and region, each read once."""

    def __init__(self, session: boto3.Session, settings: Settings) -> None:
        """Nothing is asked yet."""
        self._session, self._settings = session, settings
        of_domain = settings.place is not None and settings.place.is_domain
        studio = studio_stack(settings)
        projects = (FOUNDATION_STACK, PORTFOLIO_STACK, *([studio] if studio else []))
        self._stacks = (DOMAIN_FOUNDATION_STACK, DOMAIN_STACK) if of_domain else projects
        self.status: Callable[[str], str] = cache(self._status)

    def has(self, stack: str) -> bool:
        """Tell whether a stack is deployed; one that may not be read is taken to be."""
        return self.status(stack) not in _NOTHING | {""}

    def check(self) -> Iterator[Check]:
        """The stacks that the settings want are deployed."""
        name, missing = "Deployment", [stack for stack in self._stacks if not self.has(stack)]
        if len(missing) == len(self._stacks):
            yield Check(name, "problem", "nothing is deployed here yet", deploy(*missing))
        elif missing and self._stacks[0] in missing:
            there = ", ".join(stack for stack in self._stacks if stack not in missing)
            detail = (
                f"{self._stacks[0]} is missing, and {there} exists: launches, updates and deletions of projects fail"
            )
            yield Check(name, "problem", detail, deploy(*missing))
        elif missing:
            yield Check(
                name,
                "problem",
                f"{' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} not deployed yet",
                deploy(*missing),
            )
        broken = [stack for stack in self._stacks if self.status(stack).endswith("_FAILED")]
        for stack in broken:
            yield Check(name, "problem", f"{stack} has the status {self.status(stack)}", deploy(stack))
        if not missing and not broken:
            yield Check(name, "ok", ", ".join(self._stacks))

    def _status(self, stack: str) -> str:
        """Return a stack's status, "" where there is none. Raises AwsThrottled, AwsUnreachable."""
        with translated(CLOUDFORMATION, "opening a client"):
            stacks = CloudFormationStacks(self._session.client("cloudformation"))
        try:
            return stacks.described(stack).status
        except AwsNotFound:
            return ""
        except AwsDenied:
            return "UNKNOWN"

    def where_deployed(self, checks: Sequence[NamedCheck], stack: str = "") -> list[NamedCheck]:
        """Return the checks, each of which is left out while the stack that it looks at is not deployed.

        `stack`: that of all of them; "" = each check's own.
        """
        studio = studio_stack(self._settings)
        own = _STACKS | dict.fromkeys(("Blueprint", "Provisioning role", "Blueprint template"), studio)
        return [(name, self._only_with(stack or own.get(name, ""), run)) for name, run in checks]

    def _only_with(self, stack: str, run: Callable[[], Iterator[Check]]) -> Callable[[], Iterator[Check]]:
        def only() -> Iterator[Check]:
            if not stack or self.has(stack):
                yield from run()

        return only
