"""GitHub by the product's own token: the secret that the settings name, read once, when it is first used."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any

from operations.fleet.gathering import GitHubSide

if TYPE_CHECKING:
    from custom_resources.clients.github import GitHub
    from custom_resources.clients.secrets import GitHubCredentials
    from operations.fleet.graphql import GraphQL
    from products.settings import Settings


def credentials_of(client: Callable[[Any], Any], settings: Settings) -> Callable[[], GitHubCredentials]:
    """Return what reads the token of an account, whose boto3 clients `client` makes."""
    from custom_resources.clients.aws import SECRETS_MANAGER, translated
    from custom_resources.clients.secrets import Secrets

    @cache
    def credentials() -> GitHubCredentials:
        with translated(SECRETS_MANAGER, "reading the token secret"):
            secrets = Secrets(client("secretsmanager"))
        return secrets.github_credentials(settings.git_config.github_token_secret_name)

    return credentials


def api_url(settings: Settings) -> str:
    """Return the address of GitHub's REST API: the environment's, else the settings'."""
    return os.environ.get("GITHUB_API_URL") or settings.github.api_url


def github_side(client: Callable[[Any], Any], settings: Settings) -> GitHubSide:
    """Return GitHub as an account's token shows it, by GraphQL and by REST. Nothing is asked yet."""
    credentials = credentials_of(client, settings)

    @cache
    def queries() -> GraphQL:
        from operations.fleet.graphql import GraphQL

        return GraphQL(api_url(settings), credentials)

    @cache
    def rest() -> GitHub:
        from custom_resources.clients.github import GitHub

        return GitHub(api_url(settings), credentials)

    return GitHubSide(queries, rest, api_url(settings), credentials)
