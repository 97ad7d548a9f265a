"""Secrets Manager: GitHub's credentials, and the secret values that projects refer to."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from custom_resources.clients.aws import SECRETS_MANAGER, translated
from custom_resources.errors import (
    AwsNotFound,
    SecretKeyMissing,
    SecretUnreadable,
    SecretWithoutCredentials,
    SecretWithoutToken,
)
from custom_resources.telemetry import conceal

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient


@dataclass(frozen=True)
class GitHubCredentials:
    """A personal access token, or a GitHub App installation. Values never appear in the repr."""

    token: str = ""
    app_id: str = ""
    installation_id: int = 0
    private_key: str = ""

    def __repr__(self) -> str:
        """Say the kind only."""
        return f"GitHubCredentials({'App ' + self.app_id if self.app_id else 'token'})"


class Secrets:
    """Reads secret values; nothing of a value reaches an exception or a log."""

    def __init__(self, client: SecretsManagerClient) -> None:
        """Take a boto3 Secrets Manager client."""
        self._client = client

    def value(self, reference: str) -> str:
        """Return the value of `name-or-ARN`, or of one key of a JSON secret, `name-or-ARN#key`.

        Raises SecretUnreadable, SecretKeyMissing, AwsDenied, AwsThrottled, AwsUnreachable.
        """
        secret_id, _, key = reference.partition("#")
        try:
            with translated(SECRETS_MANAGER, f"reading the secret {secret_id}"):
                text = self._client.get_secret_value(SecretId=secret_id).get("SecretString", "")
        except AwsNotFound:
            raise SecretUnreadable(secret=secret_id) from None
        conceal(text)
        if not key:
            return text
        try:
            value = str(json.loads(text)[key])
        except (ValueError, KeyError, TypeError):
            raise SecretKeyMissing(secret=secret_id, key=key) from None
        conceal(value)
        return value

    def github_credentials(self, reference: str) -> GitHubCredentials:
        """Return GitHub's credentials: the token itself, {"token"}, or {"app_id", "installation_id", "private_key"}.

        Raises SecretWithoutToken, SecretWithoutCredentials, and what `value` raises.
        """
        text = self.value(reference).strip()
        if not text.startswith("{"):
            if not text or any(character.isspace() or not character.isprintable() for character in text):
                raise SecretWithoutToken(secret=reference)
            return GitHubCredentials(token=text)
        try:
            fields = json.loads(text)
            conceal(*(str(fields[key]).strip() for key in ("token", "private_key") if fields.get(key)))
            if fields.get("token"):
                return GitHubCredentials(token=str(fields["token"]).strip())
            return GitHubCredentials(
                app_id=str(fields["app_id"]),
                installation_id=int(fields["installation_id"]),
                private_key=str(fields["private_key"]),
            )
        except (ValueError, KeyError, TypeError):
            raise SecretWithoutCredentials(secret=reference) from None
