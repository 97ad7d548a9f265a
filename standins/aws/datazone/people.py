"""Who belongs to a domain: profiles of users and roles, a project's members, a domain unit's owners.

Roles are group profiles (rolePrincipalArn), as they are in live domains; what a profile is of is its ARN.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from standins.aws.calls import Record, new_id
from standins.aws.datazone.model import Domain, Domains, found, listed
from standins.aws.protocol import ServiceError, denied, invalid

if TYPE_CHECKING:
    from standins.aws.calls import Call

OWNER = "PROJECT_OWNER"


class PeopleOperations:
    """The operations, each named as the model names it."""

    def __init__(self, domains: Domains) -> None:
        """Take the domains."""
        self._domains = domains

    def create_group_profile(self, call: Call, request: Record) -> Record:
        """CreateGroupProfile: of a role. Groups of Identity Center do not exist here."""
        domain, arn = self._domains.named(request["domainIdentifier"]), request.get("rolePrincipalArn", "")
        if ":role/" not in arn:
            raise invalid("The stand-in has group profiles of roles only: give rolePrincipalArn.")
        if any(item["_arn"] == arn for item in domain.groups.values()):
            raise ServiceError("ConflictException", f"A group profile of {arn} already exists.")
        return group_profile(domain, arn)

    def get_group_profile(self, call: Call, request: Record) -> Record:
        """GetGroupProfile: by its id or its role."""
        domain = self._domains.named(request["domainIdentifier"])
        return _named(domain.groups, request["groupIdentifier"], "Group profile")

    def search_group_profiles(self, call: Call, request: Record) -> Record:
        """SearchGroupProfiles: those of roles are of type IAM_ROLE_SESSION_GROUP."""
        groups = self._domains.named(request["domainIdentifier"]).groups.values()
        roles = groups if request["groupType"] == "IAM_ROLE_SESSION_GROUP" else []
        return listed([item for item in roles if request.get("searchText", "") in item["_arn"]], request)

    def create_user_profile(self, call: Call, request: Record) -> Record:
        """CreateUserProfile: of a user or a role of IAM."""
        domain, arn = self._domains.named(request["domainIdentifier"]), request["userIdentifier"]
        if any(item["_arn"] == arn for item in domain.users.values()):
            raise ServiceError("ConflictException", f"A user profile of {arn} already exists.")
        return user_profile(domain, arn)

    def get_user_profile(self, call: Call, request: Record) -> Record:
        """GetUserProfile: by its id or its ARN."""
        domain = self._domains.named(request["domainIdentifier"])
        return _named(domain.users, request["userIdentifier"], "User profile")

    def create_project_membership(self, call: Call, request: Record) -> Record:
        """CreateProjectMembership: once for each member."""
        domain, project = self._project(request)
        kind, profile = self._member(call, domain, request["member"])
        members = domain.members.setdefault(project["id"], [])
        if any(item["_arn"] == profile["_arn"] for item in members):
            raise ServiceError("ConflictException", f"{profile['_arn']} is a member already.")
        members.append(_membership(kind, profile, request["designation"]))
        return {}

    def delete_project_membership(self, call: Call, request: Record) -> Record:
        """DeleteProjectMembership."""
        domain, project = self._project(request)
        _, profile = self._member(call, domain, request["member"])
        before = domain.members.get(project["id"], [])
        after = [item for item in before if item["_arn"] != profile["_arn"]]
        if len(after) == len(before):
            raise ServiceError("ResourceNotFoundException", f"{profile['_arn']} is no member.")
        domain.members[project["id"]] = after
        return {}

    def list_project_memberships(self, call: Call, request: Record) -> Record:
        """ListProjectMemberships."""
        domain, project = self._project(request)
        page = listed(domain.members.get(project["id"], []), request)
        return {"members": page["items"], "nextToken": page["nextToken"]}

    def add_entity_owner(self, call: Call, request: Record) -> Record:
        """AddEntityOwner: of a domain unit."""
        domain, unit = self._unit(request)
        owner = self._owner(call, domain, request["owner"])
        if any(item["_arn"] == owner["_arn"] for item in unit["owners"]):
            raise ServiceError("ConflictException", f"{owner['_arn']} is an owner already.")
        unit["owners"].append(owner)
        return {}

    def remove_entity_owner(self, call: Call, request: Record) -> Record:
        """RemoveEntityOwner."""
        domain, unit = self._unit(request)
        owner = self._owner(call, domain, request["owner"])
        if all(item["_arn"] != owner["_arn"] for item in unit["owners"]):
            raise ServiceError("ResourceNotFoundException", f"{owner['_arn']} is no owner.")
        unit["owners"] = [item for item in unit["owners"] if item["_arn"] != owner["_arn"]]
        return {}

    def list_entity_owners(self, call: Call, request: Record) -> Record:
        """ListEntityOwners."""
        _, unit = self._unit(request)
        page = listed(unit["owners"], request)
        return {"owners": page["items"], "nextToken": page["nextToken"]}

    def _project(self, request: Record) -> tuple[Domain, Record]:
        domain = self._domains.named(request["domainIdentifier"])
        return domain, found(domain.projects, request["projectIdentifier"], "Project")

    def _unit(self, request: Record) -> tuple[Domain, Record]:
        domain = self._domains.named(request["domainIdentifier"])
        return domain, found(domain.units, request["entityIdentifier"], "Domain unit")

    def _member(self, call: Call, domain: Domain, member: Record) -> tuple[str, Record]:
        if "groupIdentifier" in member:
            return "group", _named(domain.groups, member["groupIdentifier"], "Group profile")
        return "user", self._user(call, domain, member["userIdentifier"], domain.rules.roles_as_users == "members")

    def _owner(self, call: Call, domain: Domain, owner: Record) -> Record:
        if "group" in owner:
            profile = _named(domain.groups, owner["group"]["groupIdentifier"], "Group profile")
            return {"group": {"groupId": profile["id"]}, "_arn": profile["_arn"]}
        profile = self._user(call, domain, owner["user"]["userIdentifier"], bool(domain.rules.roles_as_users))
        return {"user": {"userId": profile["id"]}, "_arn": profile["_arn"]}

    def _user(self, call: Call, domain: Domain, identifier: str, roles: bool) -> Record:
        """Return a user's profile, made for an ARN that has none; a role's only where `roles` may be users."""
        known = [item for item in domain.users.values() if identifier in (item["id"], item["_arn"])]
        arn = known[0]["_arn"] if known else identifier
        if ":role/" in arn and domain.rules.strict and not roles:
            raise denied(call.operation)
        if not known and not arn.startswith("arn:aws:iam::"):
            raise ServiceError("ResourceNotFoundException", f"User profile {identifier} does not exist.")
        return known[0] if known else user_profile(domain, arn)


def _named(profiles: dict[str, Record], identifier: str, what: str) -> Record:
    by_arn = [item for item in profiles.values() if item["_arn"] == identifier]
    return by_arn[0] if by_arn else found(profiles, identifier, what)


def group_profile(domain: Domain, arn: str) -> Record:
    """Add a role's group profile."""
    name = arn.rpartition("/")[2]
    profile: Record = {
        "domainId": domain.id,
        "id": new_id(),
        "status": "ASSIGNED",
        "groupName": name,
        "rolePrincipalArn": arn,
        "_arn": arn,
        "_active": _activated(domain, arn),
    }
    domain.groups[profile["id"]] = profile
    return profile


def user_profile(domain: Domain, arn: str) -> Record:
    """Add a user profile of an identity of IAM."""
    profile: Record = {
        "domainId": domain.id,
        "id": new_id(),
        "type": "IAM",
        "status": "ACTIVATED" if _activated(domain, arn) else "ASSIGNED",
        "details": {"iam": {"arn": arn}},
        "_arn": arn,
        "_active": _activated(domain, arn),
    }
    domain.users[profile["id"]] = profile
    return profile


def _activated(domain: Domain, arn: str) -> bool:
    """Tell whether a new profile is one that the domain answers to: of its own account, or if a rule says so."""
    return arn.split(":")[4] == domain.account or domain.rules.others_activate


def _membership(kind: str, profile: Record, designation: str) -> Record:
    details: Record = {kind: {f"{kind}Id": profile["id"]}}
    return {"memberDetails": details, "designation": designation, "_arn": profile["_arn"]}


def _profile_of(domain: Domain, arn: str) -> tuple[str, Record]:
    """Return the profile that an identity has, made when it has none: a role's is a group's."""
    role = ":role/" in arn
    known = [item for item in (domain.groups if role else domain.users).values() if item["_arn"] == arn]
    make = group_profile if role else user_profile
    return "group" if role else "user", known[0] if known else make(domain, arn)


def owner_of_unit(domain: Domain, unit: Record, arn: str) -> None:
    """Make an identity an owner of a domain unit, as its creator becomes."""
    kind, profile = _profile_of(domain, arn)
    owner: Record = {kind: {f"{kind}Id": profile["id"]}}
    unit["owners"].append(owner | {"_arn": arn})


def owner_of_project(domain: Domain, project_id: str, arn: str) -> None:
    """Make an identity a project's owner, as its creator becomes."""
    kind, profile = _profile_of(domain, arn)
    domain.members.setdefault(project_id, []).append(_membership(kind, profile, OWNER))
