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
    owners_write: owners of a domain unit, other than the account's root, may write in it; off, they are denied.
    absent_domain: 403, as terraform-provider-aws met it. absent_in_domain: 404, which no source settles.
    roles_as_users: how a role may be named as a member or an owner besides its group profile: "" not at all, "owners"
    only as an owner. As a member it was refused in 2026 (modern-data-architecture-accelerator, issue 61).
    left_out: facts that Studio does not tell: names of reserved parameters (userRoleArn, s3BucketArn, ...), of
    UnifiedStudioSettings or one of its members, DefaultSpaceSettings, and keys of the SageMaker domain's tags.
    environments_act_as: the ARN of the role that custom blueprints' environments are deployed with; "" is theirs.
    overrides_reach: what blueprint and profile say of a custom blueprint's parameters reaches its template.
    templates_readable: the provisioning role can read the blueprints' templates.
    updates_redeploy: UpdateProject deploys the environments anew.
    configurations_go: a blueprint is deleted with its configuration; off, it has to be deleted first.
    used_configurations_go: a configuration is deleted while environments of its account need it, since the API's
    reference has no ConflictException for that; off, it is refused as invalid.
    ids_sent_back: a profile's environment configurations may be sent back with their ids.
    empty_defaults: a blueprint's parameters may have empty defaults.
    templates_of_callers: who registers a blueprint can read its template.
    second_grants: what becomes of a second grant for a principal with another detail: it is added, a conflict, or
    replaces the first.
    unlisted_actions_shared: an associated account may do what no source shows to be in the share or missing from it.
    accounts_grant: an associated account may grant the use of its own blueprint configurations, as public stacks do;
    an administrator's role was once refused.
    others_activate: profiles of other accounts' roles are activated; they stayed ASSIGNED, which admits nobody
    (modern-data-architecture-accelerator, issues 57 and 60).
    tooling_tagged: the stack of a Tooling environment has the tags that name domain, project and environment.
    unresolved_refused: CreateProject refuses an environment whose account no user parameter resolves; off, the
    project's deployment fails.
    tooling_goes_last: DeleteProject takes the environments away in the reverse order; off, as they came.
    files_at: where a project's files are in its bucket; {domain}, {project} and {scope} are filled in.
    """

    strict: bool = True
    non_members_read: bool = True
    owners_write: bool = True
    absent_domain: int = DENIED
    absent_in_domain: int = NOT_FOUND
    roles_as_users: str = "owners"
    left_out: tuple[str, ...] = field(default=())
    environments_act_as: str = ""
    overrides_reach: bool = True
    templates_readable: bool = True
    updates_redeploy: bool = True
    configurations_go: bool = True
    used_configurations_go: bool = True
    ids_sent_back: bool = True
    empty_defaults: bool = True
    templates_of_callers: bool = True
    second_grants: str = "added"
    unlisted_actions_shared: bool = False
    accounts_grant: bool = True
    others_activate: bool = False
    tooling_tagged: bool = True
    unresolved_refused: bool = False
    tooling_goes_last: bool = True
    files_at: str = "{domain}/{project}/{scope}"

    def changed(self, request: Record) -> Rules:
        """Return the rules with a control's members in place. Raises ValueError for what a rule cannot be."""
        wanted = {_camel(each.name): each.name for each in fields(self)}
        changes = {wanted[key]: value for key, value in request.items() if key in wanted}
        if not {changes.get(name, DENIED) for name in ("absent_domain", "absent_in_domain")} <= {NOT_FOUND, DENIED}:
            raise ValueError("what is absent is answered with 403 or 404")
        if changes.get("roles_as_users", "") not in ("", "owners", "members"):
            raise ValueError('rolesAsUsers is "", "owners" or "members" (which includes owners)')
        if changes.get("second_grants", "added") not in ("added", "conflict", "replaces"):
            raise ValueError('secondGrants is "added", "conflict" or "replaces"')
        if "left_out" in changes:
            changes["left_out"] = tuple(changes["left_out"])
        return replace(self, **changes)

    def document(self) -> Record:
        """Return the rules as the control has them."""
        return {_camel(each.name): getattr(self, each.name) for each in fields(self)}


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)
