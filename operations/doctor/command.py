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
from operations.deployed import FOUNDATION_STACK
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
    from operations.doctor.check import summary
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
        print(summary(found))
    return 1 if problems else 0


def _diagnosed_at(options: argparse.Namespace, published: list[Version], site: Site) -> Iterator[Check]:
    """Check a place: the domain's, or one of projects."""
    from operations.doctor.accounts import domain_checks
    from operations.doctor.check import diagnose
    from operations.doctor.deployment import DOMAIN_FOUNDATION_STACK, Deployment

    if site.place.is_domain:
        deployment = Deployment(site.session, site.settings)
        account, *others = domain_checks(site)
        domain = [each for each in others if each[0] == "Domain"]
        left = [each for each in others if each[0] != "Domain"]
        aws = [account, *domain, *deployment.where_deployed(left, DOMAIN_FOUNDATION_STACK)]
        return diagnose([], aws, False, [("Deployment", deployment.check)])
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
    from operations.doctor.deployment import Deployment
    from operations.doctor.github_checks import GitHubChecks
    from operations.doctor.launching import LaunchingChecks
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
    deployment = Deployment(session, settings)
    account, *others = AwsChecks(session, settings, published, deployment.has).all()
    launching = LaunchingChecks(session, settings, published, options.versions_dir).all()
    others += [*launching, *account_checks(session, settings), *limits.all()]
    given = bool(options.token_from_environment)
    of_token = github.all() if given else deployment.where_deployed(github.all(), FOUNDATION_STACK)
    aws = [account, *deployment.where_deployed(others)]
    return diagnose(of_token, aws, given, [("Deployment", deployment.check)])
