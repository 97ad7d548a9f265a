"""What the administrator permits launches. It reaches a function by its environment, since an event can name anything.

Pure. The settings are `[git_config]`, `[studio]`, `[product] allowed_visibilities`, `[adoption]` and
`[secret_references]`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from custom_resources.errors import OrganizationNotAllowed, SecretNotListed, VisibilityNotAllowed

VISIBILITIES = ("private", "internal")  # the safe default: who opens a repository to the world says so in the settings


class Wanted(Protocol):
    """The properties of Custom::GitHubRepository that are judged here."""

    @property
    def organization(self) -> str: ...
    @property
    def visibility(self) -> str: ...


@dataclass(frozen=True)
class Allowances:
    """The organizations (none = any), the visibilities, and the repositories that an administrator gives away."""

    organizations: tuple[str, ...] = ()
    visibilities: tuple[str, ...] = VISIBILITIES
    adoptable: tuple[str, ...] = ()  # patterns, such as org/team-*
    secret_references: tuple[str, ...] = ()  # NAME=ARN; * is any

    @staticmethod
    def from_environment(environment: Mapping[str, str]) -> Allowances:
        """Read a function's environment; a missing variable has the safe default."""

        def listed(name: str) -> tuple[str, ...]:
            return tuple(environment.get(name, "").split())

        return Allowances(
            listed("ALLOWED_ORGANIZATIONS"),
            listed("ALLOWED_VISIBILITIES") or VISIBILITIES,
            listed("ADOPTABLE"),
            listed("SECRET_REFERENCES"),
        )

    def require(self, new: Wanted, old: Wanted | None) -> None:
        """Refuse what the settings do not name; what a stack has had so far it keeps.

        Not for a rollback, which must not fail: what that brings back is only told by the event, so a repository gets
        nothing by it that the settings do not name now (docs/decisions/0086).

        Raises OrganizationNotAllowed, VisibilityNotAllowed.
        """
        if old is None or new.organization != old.organization:
            self.require_organization(new.organization)
        if old is None or new.visibility != old.visibility:
            self.require_visibility(new.visibility)

    def require_organization(self, organization: str) -> None:
        """Raise OrganizationNotAllowed for one that the settings do not name."""
        if self.organizations and organization.casefold() not in map(str.casefold, self.organizations):
            raise OrganizationNotAllowed(organization=organization, allowed=", ".join(self.organizations))

    def require_visibility(self, visibility: str) -> None:
        """Raise VisibilityNotAllowed for one that the settings do not name."""
        if visibility not in self.visibilities:
            raise VisibilityNotAllowed(visibility=visibility, allowed=", ".join(self.visibilities))

    def require_secret(self, name: str, reference: str) -> None:
        """Raise SecretNotListed for a secret that the settings do not copy into repositories under that name."""
        if not self.lists_secret(name, reference):
            raise SecretNotListed(name=name, reference=reference)

    def lists_secret(self, name: str, reference: str) -> bool:
        """Tell whether the settings copy a secret into repositories under that name."""
        return bool({"*", f"{name}={reference}"} & {*self.secret_references})

    def gives(self, full_name: str) -> bool:
        """Tell whether a pattern of the administrator names the repository. `*` stops at the slash."""
        return any(re.fullmatch(_expression(each), full_name, re.IGNORECASE) for each in self.adoptable)


def _expression(pattern: str) -> str:
    return "[^/]*".join(map(re.escape, pattern.split("*")))
