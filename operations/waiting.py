"""The pull requests in which template updates wait, as GitHub has them now: a stack tells what was so at its update."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from custom_resources.errors import Problem
from products.settings import Settings, load_settings

if TYPE_CHECKING:
    from custom_resources.clients.github import GitHub
    from custom_resources.clients.github_answers import PullRequest
    from custom_resources.clients.service_catalog import Launch

_STATUS, _URL = "TemplateStatus", "PullRequestUrl"  # the ends of the product's outputs
_ADDRESS = re.compile(r"https?://[^/\s]+/(?P<name>[^/\s]+/[^/\s]+)/pull/(?P<number>[0-9]{1,18})", re.ASCII)


@dataclass(frozen=True)
class Waiting:
    """A pull request that a launch reports. `state` is open, merged, closed, or unknown with a `problem`."""

    launch: str
    url: str
    state: str
    problem: str = ""


def waiting(
    launches: Sequence[Launch],
    outputs: Callable[[str], Mapping[str, str]],
    look: Callable[[str, int], PullRequest],
) -> Iterator[Waiting]:
    """Yield what became of each pull request that a stack's outputs report.

    One request to CloudFormation for each launch with a stack, and one to GitHub for each part that says pull-request.
    What cannot be read is told as unknown.
    """
    for launch in launches:
        if not launch.stack:
            continue
        try:
            found = outputs(launch.stack)
        except Problem as problem:
            yield Waiting(launch.name, "", "unknown", str(problem))
            continue
        for key, value in sorted(found.items()):
            if key.endswith(_STATUS) and value == "pull-request":
                url = found.get(key.removesuffix(_STATUS) + _URL, "")
                yield _looked_up(launch.name, url, look)


def _looked_up(launch: str, url: str, look: Callable[[str, int], PullRequest]) -> Waiting:
    address = _ADDRESS.fullmatch(url)
    if not address:
        return Waiting(launch, url, "unknown", "The stack names no pull request.")
    try:
        pull = look(address["name"], int(address["number"]))
    except Problem as problem:
        return Waiting(launch, url, "unknown", str(problem))
    return Waiting(launch, url, "merged" if pull.merged else pull.state)


def from_github(full_name: str, number: int) -> PullRequest:
    """Read a pull request with the token of the product. One request, and one for the token the first time."""
    return _github().pull_request(full_name, number)


@cache
def _github() -> GitHub:
    import boto3

    return github_of(boto3.client, load_settings())


def github_of(client: Callable[[Any], Any], settings: Settings) -> GitHub:
    """Return GitHub by the product's token of an account, whose boto3 clients `client` makes. It is read when used."""
    from custom_resources.clients.aws import SECRETS_MANAGER, translated
    from custom_resources.clients.github import GitHub
    from custom_resources.clients.secrets import GitHubCredentials, Secrets

    @cache
    def credentials() -> GitHubCredentials:
        with translated(SECRETS_MANAGER, "reading the token secret"):
            secrets = Secrets(client("secretsmanager"))
        return secrets.github_credentials(settings.git_config.github_token_secret_name)

    return GitHub(os.environ.get("GITHUB_API_URL") or settings.github.api_url, credentials)
