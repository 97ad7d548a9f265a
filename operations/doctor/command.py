"""The verb `doctor`: where it looks, and what it tells."""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from functools import cache, partial
from typing import TYPE_CHECKING

from operations.accounts import chosen
from operations.errors import TokenNotSet
from products.settings import Settings, load_settings
from products.versions import Version, read_versions

if TYPE_CHECKING:
    import boto3

    from operations.accounts import Site
    from operations.doctor.check import Check

_MARKS = {"ok": "[ok]", "problem": "[!!]", "risk": "[! ]", "unknown": "[??]"}


def doctor(options: argparse.Namespace) -> int:
    """Run the verb; return the exit status."""
    import boto3

    from custom_resources.clients.aws import STS, translated
    from operations.over_accounts import doctor_over

    settings = load_settings()
    published = read_versions(options.versions_dir)
    if options.token_from_environment and not os.environ.get("GITHUB_TOKEN"):
        raise TokenNotSet
    if places := chosen(settings, options.account, with_domain=True):
        diagnosed = partial(_diagnosed_at, options, published)
        return doctor_over(options, settings, places, diagnosed, _MARKS)
    with translated(STS, "opening a session"):
        session = boto3.Session()
    found: list[Check] = []
    for check in _diagnosed(options, published, settings, session):
        found.append(check)
        if not options.json:
            print(f"{_MARKS[check.state]} {check.name}: {check.detail}", flush=True)
            if check.fix:
                print(f"  fix: {check.fix}")
    problems = sum(check.state == "problem" for check in found)
    if options.json:
        print(json.dumps({"ok": not problems, "checks": [asdict(check) for check in found]}, indent=2))
    else:
        print(f"{problems} of {len(found)} checks found a problem." if problems else "Everything is in order.")
    return 1 if problems else 0


def _diagnosed_at(options: argparse.Namespace, published: list[Version], site: Site) -> Iterator[Check]:
    """Check a place: the domain's, or one of projects."""
    from operations.doctor.accounts import domain_checks
    from operations.doctor.check import diagnose

    if site.place.is_domain:
        return diagnose([], domain_checks(site), token_given=False)
    return _diagnosed(options, published, site.settings, site.session)


def _diagnosed(
    options: argparse.Namespace, published: list[Version], settings: Settings, session: boto3.Session
) -> Iterator[Check]:
    """Check what launches need: GitHub by the account's token, and AWS."""
    from custom_resources.clients.aws import SECRETS_MANAGER, translated
    from custom_resources.clients.github import GitHub
    from custom_resources.clients.secrets import GitHubCredentials, Secrets
    from operations.doctor.accounts import account_checks
    from operations.doctor.aws_checks import AwsChecks
    from operations.doctor.check import diagnose
    from operations.doctor.github_checks import GitHubChecks
    from operations.doctor.limits import LimitChecks

    @cache
    def credentials() -> GitHubCredentials:
        if options.token_from_environment:
            return GitHubCredentials(token=os.environ.get("GITHUB_TOKEN", ""))
        with translated(SECRETS_MANAGER, "reading the token secret"):
            secrets = Secrets(session.client("secretsmanager"))
        return secrets.github_credentials(settings.git_config.github_token_secret_name)

    rest = GitHub(os.environ.get("GITHUB_API_URL") or settings.github.api_url, credentials)
    github = GitHubChecks(rest, credentials, settings, datetime.now(UTC))
    limits = LimitChecks(session, settings, rest, credentials)
    aws = [*AwsChecks(session, settings, published).all(), *account_checks(session, settings), *limits.all()]
    return diagnose(github.all(), aws, options.token_from_environment)
