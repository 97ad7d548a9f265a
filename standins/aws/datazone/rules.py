"""How strict a domain is, and where it behaves the one way or the other because no source says."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace

from standins.aws.calls import Record

NOT_FOUND, DENIED = 404, 403


@dataclass(frozen=True)
class Rules:
    """The rules of a domain.

    strict: membership and ownership decide who is answered; off, everybody is a member and an owner.
    non_members_read: GetProject, GetProjectProfile and GetDomain are answered to everybody, as public samples need it.
    absent_domain: 403, as terraform-provider-aws met it. absent_in_domain: 404, which no source settles.
    roles_as_users: how a role may be named as a member or an owner besides its group profile: "" not at all, "owners"
    only as an owner. As a member it was refused in 2026 (modern-data-architecture-accelerator, issue 61).
    left_out: facts that Studio does not tell: names of reserved parameters (userRoleArn, s3BucketArn, ...), of
    UnifiedStudioSettings or one of its members, DefaultSpaceSettings, and keys of the SageMaker domain's tags.
    """

    strict: bool = True
    non_members_read: bool = True
    absent_domain: int = DENIED
    absent_in_domain: int = NOT_FOUND
    roles_as_users: str = "owners"
    left_out: tuple[str, ...] = field(default=())

    def changed(self, request: Record) -> Rules:
        """Return the rules with a control's members in place. Raises ValueError for what a rule cannot be."""
        wanted = {_camel(each.name): each.name for each in fields(self)}
        changes = {wanted[key]: value for key, value in request.items() if key in wanted}
        if not {changes.get(name, DENIED) for name in ("absent_domain", "absent_in_domain")} <= {NOT_FOUND, DENIED}:
            raise ValueError("what is absent is answered with 403 or 404")
        if changes.get("roles_as_users", "") not in ("", "owners", "members"):
            raise ValueError('rolesAsUsers is "", "owners" or "members" (which includes owners)')
        if "left_out" in changes:
            changes["left_out"] = tuple(changes["left_out"])
        return replace(self, **changes)

    def document(self) -> Record:
        """Return the rules as the control has them."""
        return {_camel(each.name): getattr(self, each.name) for each in fields(self)}


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)
