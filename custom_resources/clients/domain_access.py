"""DataZone in another account or region: functions of the accounts of projects call the domain where it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from custom_resources.clients.aws import STS_OF_READERS, translated

if TYPE_CHECKING:
    from collections.abc import Callable

_SECONDS = 3600  # of a session; it is renewed before it ends


def datazone_client(region: str, role_arn: str, own_client: Callable[[str], Any]) -> Any:
    """Return a boto3 DataZone client for the domain's region.

    With `role_arn`, the calls are that role's, whose session begins with the first of them: they raise
    ReaderRoleRefused where its trust does not permit that. `own_client` makes clients of the function's own account.
    """
    import boto3
    from botocore.config import Config
    from botocore.session import Session

    session = Session()
    if role_arn:
        session.register_component("credential_provider", _resolver(role_arn, own_client))
    retries: Any = {"mode": "standard", "total_max_attempts": 5}
    return boto3.Session(botocore_session=session, region_name=region).client(
        "datazone", config=Config(retries=retries)
    )


def _resolver(role_arn: str, own_client: Callable[[str], Any]) -> Any:
    from botocore.credentials import CredentialProvider, CredentialResolver, DeferredRefreshableCredentials

    def assumed() -> dict[str, str]:
        with translated(STS_OF_READERS, f"assuming the role {role_arn}"):
            answer = own_client("sts").assume_role(
                RoleArn=role_arn, RoleSessionName="studio-project-template", DurationSeconds=_SECONDS
            )
        found = answer["Credentials"]
        return {
            "access_key": found["AccessKeyId"],
            "secret_key": found["SecretAccessKey"],
            "token": found["SessionToken"],
            "expiry_time": found["Expiration"].isoformat(),
        }

    class Reader(CredentialProvider):
        """The role of the domain's account."""

        METHOD = "reader-role"

        def load(self) -> Any:
            """Return credentials that are fetched when they are first used."""
            return DeferredRefreshableCredentials(assumed, self.METHOD)

    return CredentialResolver([Reader()])
