"""Where a verb works in an installation over several accounts: places, each by credentials of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from custom_resources.clients.aws import STS, translated
from custom_resources.errors import AwsDenied
from operations.errors import AccountNotChosen, AccountUnknown, AdminRoleRefused, NoAccounts, WrongAccount

if TYPE_CHECKING:
    import boto3

    from products.settings import Place, Settings

ALL = "all"


@dataclass(frozen=True)
class Site:
    """A place, the settings as they are used there, and a session of its account and region."""

    place: Place
    settings: Settings
    session: boto3.Session


def chosen(settings: Settings, account: str, *, with_domain: bool = False) -> list[Place]:
    """Return the places that `--account` names: an account's, NAME/REGION, or all; none in an installation of one.

    `with_domain`: the domain's place is one of them. Raises NoAccounts, AccountNotChosen, AccountUnknown.
    """
    if not settings.has_accounts:
        if account:
            raise NoAccounts
        return []
    known = [place for place in settings.places if with_domain or not place.is_domain]
    names = list(dict.fromkeys(place.name for place in known))
    if not account:
        raise AccountNotChosen(known=", ".join([*names, ALL]))
    found = [place for place in known if account in (ALL, place.name, str(place))]
    if not found:
        raise AccountUnknown(account=account, known=", ".join([*names, ALL]))
    return found


def opened(settings: Settings, place: Place) -> Site:
    """Return a place with a session of its account: by the account's admin_role, else the caller's own credentials.

    Raises AdminRoleRefused, WrongAccount, and what STS's errors become.
    """
    import boto3

    role = "" if place.is_domain else settings.accounts[place.name].admin_role
    with translated(STS, "opening a session"):
        session = boto3.Session(region_name=place.region)
    if role:
        session = _assumed(session, role, settings.prefix, place.region)
    with translated(STS, "reading the account"):
        account = session.client("sts").get_caller_identity()["Account"]
    if account != place.account:
        raise WrongAccount(place=place, wanted=place.account, found=account)
    return Site(place, settings.at(place), session)


def _assumed(session: boto3.Session, role: str, prefix: str, region: str) -> boto3.Session:
    """Return a session of the role, which lasts as long as the caller's own: a rollout may take longer than an hour."""
    import boto3
    from botocore.credentials import (
        AssumeRoleCredentialFetcher,
        CredentialProvider,
        CredentialResolver,
        DeferredRefreshableCredentials,
    )
    from botocore.exceptions import NoCredentialsError
    from botocore.session import Session

    with translated(STS, "reading the caller's credentials"):
        own = session.get_credentials()
        if own is None:
            raise NoCredentialsError
    fetcher = AssumeRoleCredentialFetcher(session.client, own, role, {"RoleSessionName": f"{prefix}-operations"})

    def fetched() -> Any:
        # Said as what it is, in whatever call the session has to be renewed.
        try:
            with translated(STS, f"assuming the role {role}"):
                return fetcher.fetch_credentials()
        except AwsDenied as denied:
            raise AdminRoleRefused(role=role, message=denied.holes["message"]) from None

    class AdminRole(CredentialProvider):
        """The account's admin_role."""

        METHOD = "admin-role"

        def load(self) -> Any:
            """Return credentials that are fetched when they are first used, and again before they expire."""
            return DeferredRefreshableCredentials(fetched, self.METHOD)

    of_role = Session()
    of_role.register_component("credential_provider", CredentialResolver([AdminRole()]))
    return boto3.Session(botocore_session=of_role, region_name=region)
