"""Several accounts: what an account of projects has of the domain's, and what the domain's account gives to all."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from custom_resources.clients.aws import DATAZONE, IAM, S3, translated
from custom_resources.errors import AwsDenied, AwsNotFound
from operations.doctor.aws_checks import AwsChecks
from operations.doctor.check import Check, NamedCheck, deploy

if TYPE_CHECKING:
    import boto3

    from operations.accounts import Site
    from products.settings import Settings

ACTIVATED = "ACTIVATED"


def account_checks(session: boto3.Session, settings: Settings) -> list[NamedCheck]:
    """Return what is looked at in an account of projects beside the rest; nothing in an installation of one."""
    if settings.place is None:
        return []
    checks = _Account(session, settings)
    return [("Provisioning role", checks.trust), ("Blueprint template", checks.template)]


def domain_checks(site: Site) -> list[NamedCheck]:
    """Return what is looked at in the domain's account."""
    aws = AwsChecks(site.session, site.settings, [])
    studio = aws.studio
    domain = _Domain(site.session, site.settings)
    return [
        ("AWS account", aws.account),
        ("Functions", aws.functions),
        ("Domain", studio.domain),
        ("Domain unit", studio.owners),
        ("Blueprint", studio.blueprint_registered),
        ("Reader role", domain.reader),
        ("Blueprint bucket", domain.bucket),
    ]


class _Account:
    """An account of projects: the role that Studio launches with, and the template that it reads."""

    def __init__(self, session: boto3.Session, settings: Settings) -> None:
        self._session, self._settings = session, settings

    def trust(self) -> Iterator[Check]:
        """Studio's domain is another account's: the role trusts DataZone for that one."""
        name, role = "Provisioning role", self._settings.provisioning_role_name
        wanted = self._settings.studio.domain_account
        fix = f"{deploy('StudioAccountStack')}  # in the account's home region"
        try:
            with translated(IAM, f"reading the role {role}"):
                found: Any = self._session.client("iam").get_role(RoleName=role)["Role"]
        except AwsNotFound:
            yield Check(name, "problem", f"there is no role {role}", fix)
            return
        trusted = _sources(_document(found.get("AssumeRolePolicyDocument", {})))
        if trusted != {wanted}:
            yield Check(
                name,
                "problem",
                f"{role} trusts DataZone for {', '.join(sorted(trusted)) or 'any account'}, not for {wanted}",
                fix,
            )
        else:
            yield Check(name, "ok", f"{role} trusts DataZone for the domain's account {wanted}")

    def template(self) -> Iterator[Check]:
        """The role may read the blueprint's template as far as this account says; the bucket says the rest."""
        name, studio = "Blueprint template", self._settings.studio
        datazone = self._session.client("datazone", region_name=studio.domain_region)
        with translated(DATAZONE, "reading the blueprint"):
            pages = datazone.get_paginator("list_environment_blueprints").paginate(
                domainIdentifier=studio.domain_id, managed=False, name=studio.blueprint_name
            )
            ids = [item["id"] for page in pages for item in page["items"] if item["name"] == studio.blueprint_name]
        if not ids:
            return  # the check of the blueprint says it
        with translated(DATAZONE, "reading the blueprint"):
            found = datazone.get_environment_blueprint(domainIdentifier=studio.domain_id, identifier=ids[0])
        url = found.get("provisioningProperties", {}).get("cloudFormation", {}).get("templateUrl", "")
        role = f"arn:aws:iam::{_account(self._settings)}:role/{self._settings.provisioning_role_name}"
        yield self._readable(name, url, role)

    def _readable(self, name: str, url: str, role: str) -> Check:
        key = urlsplit(url).path.lstrip("/")
        try:
            with translated(IAM, "simulating the role's policy"):
                answer = self._session.client("iam").simulate_principal_policy(
                    PolicySourceArn=role, ActionNames=["s3:GetObject"], ResourceArns=[f"arn:aws:s3:::{key}"]
                )
        except AwsDenied as denied:
            return Check(name, "unknown", f"the permissions of {role} to read {url} cannot be read: {denied}")
        decision = answer["EvaluationResults"][0]["EvalDecision"]
        if decision != "allowed":
            return Check(
                name,
                "problem",
                f"{role} does not have permission to read {url}",
                f"{deploy('StudioAccountStack')}  # in the home region",
            )
        return Check(name, "ok", url)


class _Domain:
    """The domain's account: by which role others read projects, and from where they read the template."""

    def __init__(self, session: boto3.Session, settings: Settings) -> None:
        self._session, self._settings = session, settings

    def reader(self) -> Iterator[Check]:
        """The reader role trusts every listed account, and DataZone knows it."""
        name, role = "Reader role", self._settings.reader_role_name
        fix = deploy("DomainFoundationStack")
        try:
            with translated(IAM, f"reading the role {role}"):
                found: Any = self._session.client("iam").get_role(RoleName=role)["Role"]
        except AwsNotFound:
            yield Check(name, "problem", f"there is no role {role}", fix)
            return
        missing = self._missing(_document(found.get("AssumeRolePolicyDocument", {})))
        if missing:
            yield Check(name, "problem", f"{role} does not trust {', '.join(missing)}", fix)
            return
        yield self._known(name, str(found["Arn"]))

    def _known(self, name: str, arn: str) -> Check:
        domain = self._settings.studio.domain_id
        command = "aws datazone create-user-profile --user-type IAM_ROLE"
        command = f"{command} --domain-identifier {domain} --user-identifier {arn}"
        datazone = self._session.client("datazone", region_name=self._settings.studio.domain_region)
        try:
            with translated(DATAZONE, f"reading the user profile of {arn}"):
                found = datazone.get_user_profile(domainIdentifier=domain, userIdentifier=arn, type="IAM")
        except AwsNotFound:
            return Check(
                name,
                "problem",
                f"the domain does not have a user profile of {arn}",
                f"{command}  # as an owner of the domain",
            )
        except AwsDenied as denied:
            return Check(name, "unknown", f"the domain's user profile of {arn} cannot be read: {denied}")
        if found.get("status") != ACTIVATED:
            return Check(
                name,
                "problem",
                f"the domain's user profile of {arn} is {found.get('status')}",
                f"aws datazone update-user-profile --domain-identifier {domain} --user-identifier {arn} --type IAM "
                f"--status {ACTIVATED}",
            )
        return Check(name, "ok", f"all {len(self._settings.accounts)} accounts read projects with {arn}")

    def bucket(self) -> Iterator[Check]:
        """The bucket of the blueprint's templates is open to every listed account."""
        name, bucket = "Blueprint bucket", self._settings.blueprint_bucket_name
        fix = deploy("DomainFoundationStack")
        try:
            with translated(S3, f"reading the policy of the bucket {bucket}"):
                policy = _document(self._session.client("s3").get_bucket_policy(Bucket=bucket)["Policy"])
        except AwsNotFound:
            yield Check(name, "problem", f"there is no bucket {bucket} with a policy", fix)
            return
        if missing := self._missing(policy):
            yield Check(name, "problem", f"the policy of {bucket} does not allow {', '.join(missing)} to read", fix)
        else:
            yield Check(name, "ok", f"{bucket}: all {len(self._settings.accounts)} accounts can read it")

    def _missing(self, policy: Mapping[str, Any]) -> list[str]:
        """Return the listed accounts that no statement of a policy allows."""
        named = json.dumps([each["Principal"] for each in policy.get("Statement", []) if each["Effect"] == "Allow"])
        return [each.account for each in self._settings.accounts.values() if f":{each.account}:" not in named]


def _document(policy: Any) -> Mapping[str, Any]:
    return dict(json.loads(policy) if isinstance(policy, str) else policy)


def _sources(policy: Mapping[str, Any]) -> set[str]:
    """Return the accounts that a service may act for under a trust policy; none: any."""
    found: set[str] = set()
    for statement in policy.get("Statement", []):
        for condition in statement.get("Condition", {}).values():
            given = condition.get("aws:SourceAccount", [])
            found |= {given} if isinstance(given, str) else set(given)
    return found


def _account(settings: Settings) -> str:
    assert settings.place
    return settings.place.account
