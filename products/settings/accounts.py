"""An installation over several accounts: the domain in one, projects in others (docs/accounts.md)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field, StringConstraints, field_validator

from products.settings.section import Account, Region, RoleArn, Section, repeated
from products.settings.studio import OwnProfile, Studio

DOMAIN = "domain"  # the place of the domain account; no account can have that name
AccountName = Annotated[str, StringConstraints(pattern=rf"^(?!{DOMAIN}\Z)[a-z][a-z0-9-]{{0,30}}\Z")]


class ProjectAccount(Section):
    """An account in which projects live. Its first region is its home: what IAM has once an account is made there."""

    account: Account
    regions: tuple[Region, ...] = Field(min_length=1)
    admin_role: RoleArn = ""
    oidc_provider_exists: bool = False

    @field_validator("regions")
    @classmethod
    def _each_once(cls, regions: tuple[str, ...]) -> tuple[str, ...]:
        if twice := repeated(regions):
            raise ValueError(f"the Region {twice} is listed twice; list it once")
        return regions


@dataclass(frozen=True)
class Place:
    """An account and region that stacks are deployed to. `regions`: all of the account's, its home first."""

    name: str
    account: str
    region: str
    regions: tuple[str, ...]

    def __str__(self) -> str:
        """Return how the command line names it: NAME/REGION, or "domain"."""
        return DOMAIN if self.is_domain else f"{self.name}/{self.region}"

    @property
    def is_domain(self) -> bool:
        """Whether it is the domain's, where no product is."""
        return self.name == DOMAIN

    @property
    def is_home(self) -> bool:
        """Whether what an account has once is made here."""
        return self.region == self.regions[0]

    @property
    def id(self) -> str:
        """The account and region, as project profiles are compared with it."""
        return f"{self.account}/{self.region}"

    def named(self, name: str) -> str:
        """Return a name that is unique in the account: in further regions it ends with the region's."""
        return name if self.is_home else f"{name}-{self.region}"


def places(studio: Studio, accounts: Mapping[str, ProjectAccount]) -> Iterator[Place]:
    """Yield where stacks are deployed to: the domain, then the accounts as the settings list them, homes first.

    None in an installation of one account, which has its stacks where they are deployed.
    """
    if not studio.domain_account:
        return
    yield Place(DOMAIN, studio.domain_account, studio.domain_region, (studio.domain_region,))
    for name, each in accounts.items():
        for region in each.regions:
            yield Place(name, each.account, region, each.regions)


def require_accounts(studio: Studio, accounts: Mapping[str, ProjectAccount]) -> None:
    """Refuse accounts that do not fit together. Raises ValueError: what is wrong; what to do."""
    if not studio.domain_account:
        _require_none(studio, accounts)
        return
    if not studio.domain_id or not studio.domain_region:
        raise ValueError("studio.domain_account needs the domain and its Region; set domain_id and domain_region")
    if not accounts:
        raise ValueError(
            "studio.domain_account needs accounts for projects; add a table [accounts.NAME] for each of them, and for "
            "the domain's account if it has projects"
        )
    if twice := repeated([each.account for each in accounts.values()]):
        raise ValueError(f"[accounts] has the account {twice} under two names; list its Regions under one name")
    for name, each in accounts.items():
        if each.admin_role and each.admin_role.split(":")[4] != each.account:
            raise ValueError(f"accounts.{name}.admin_role belongs to another account; write a role of {each.account}")
    for profile, own in studio.own_profiles.items():
        _require_listed(profile, own, accounts)


def _require_none(studio: Studio, accounts: Mapping[str, ProjectAccount]) -> None:
    """Refuse parts of an installation over several accounts without the domain's."""
    if accounts:
        raise ValueError("[accounts] needs the domain's account; set studio.domain_account and domain_region")
    if studio.domain_region:
        raise ValueError("studio.domain_region needs the domain's account; set studio.domain_account")
    for name, own in studio.own_profiles.items():
        if own.account or own.region:
            raise ValueError(f"the profile {name!r} has an account or Region; set studio.domain_account and [accounts]")


def _require_listed(profile: str, own: OwnProfile, accounts: Mapping[str, ProjectAccount]) -> None:
    names = ", ".join(sorted(accounts))
    if not own.account and len(accounts) > 1:
        raise ValueError(f"the profile {profile!r} needs an account; write one of {names}")
    account = accounts.get(own.account) if own.account else next(iter(accounts.values()))
    if account is None:
        raise ValueError(f"the profile {profile!r} names the unlisted account {own.account!r}; write one of {names}")
    if own.region and own.region not in account.regions:
        raise ValueError(
            f"the profile {profile!r} names the Region {own.region}, which its account does not list; "
            f"write one of {', '.join(account.regions)}"
        )
