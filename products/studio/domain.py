"""The stacks of the domain's account, where projects live in other accounts (docs/accounts.md).

What DataZone has to know beforehand comes first, then the blueprint, which the accounts enable, and the profiles last.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from aws_cdk import CfnOutput, Duration, Fn, RemovalPolicy, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_ssm as ssm
from constructs import Construct

from custom_resources.catalogue import CATALOGUE
from custom_resources.datazone_actions import READ_PROJECTS
from products.errors import TooManyAccounts
from products.foundation.observability import dead_letter_queue, function_alarms, notification_topic, queue_alarm
from products.foundation.roles import (
    domain_key_statements,
    reading_role_name,
    statements,
)
from products.foundation.stack import future_owners
from products.foundation.storage import kept_bucket, requests_key
from products.functions import PATIENCE, Functions, behind_providers, custom_resource, statement
from products.settings import Place, Settings
from products.studio.blueprint import blueprint_properties, blueprint_template_url, profile, version_parameters

DOMAIN_FOUNDATION_STACK = "DomainFoundationStack"
STUDIO_DOMAIN_STACK = "StudioDomainStack"
STUDIO_PROFILES_STACK = "StudioProfilesStack"
_TRUST_LENGTH = 2048  # IAM's quota for a role's trust policy, without white space


class DomainFoundationStack(Stack):
    """The functions that write in the domain, the role by which other accounts read it, the blueprint's bucket."""

    def __init__(self, scope: Construct, construct_id: str, *, settings: Settings, **kwargs: Any) -> None:
        """Build everything from the settings."""
        super().__init__(scope, construct_id, **kwargs)
        self._settings = settings
        key = kms.Key(
            self,
            "Key",
            alias=f"alias/{settings.prefix}-domain",
            description="Encrypts the notifications of the Studio project template in the domain account",
            enable_key_rotation=True,
            removal_policy=RemovalPolicy.DESTROY,
            pending_window=Duration.days(30),
        )
        waiting = requests_key(self)
        topic = notification_topic(self, key, settings.notification_email)
        dead_letters = dead_letter_queue(self, encrypted_with=waiting)
        queue_alarm(
            self,
            "DeadLettersAlarm",
            topic,
            dead_letters,
            description="The provider framework could not handle a CloudFormation event. The stack waits until the "
            "resource times out. See the dead-letter queue and the provider's log.",
        )
        bucket = self._bucket()
        functions = self._functions(waiting, dead_letters)
        function_alarms(self, topic, functions)
        reader = self._reader()
        CfnOutput(self, "BlueprintBucket", value=bucket.bucket_name)
        CfnOutput(
            self,
            "StudioReaderRoleArn",
            value=reader.role_arn,
            description="Register this role in the domain before projects are created (docs/accounts.md)",
        )
        future_owners(self, functions, "StudioDomainStack (docs/accounts.md)")

    def _functions(self, waiting: kms.Key, dead_letters: sqs.Queue) -> dict[str, lambda_.Function]:
        settings, made = self._settings, {}
        by_arn = sqs.Queue.from_queue_arn(self, "DeadLettersByArn", dead_letters.queue_arn)
        functions = Functions(self, settings, by_arn, waiting)
        for entry in behind_providers(settings):
            variables = {"PATIENCE_SECONDS": str(PATIENCE.to_seconds())}
            if entry.name in ("blueprint_template", "studio_blueprint"):
                variables["BLUEPRINT_BUCKET"] = settings.blueprint_bucket_name
            made[entry.name] = functions.function(entry, statements(entry, self, settings, None), variables)
            functions.provider(entry, made[entry.name])
        return made

    def _bucket(self) -> s3.Bucket:
        """Return the bucket of the blueprint's templates, which outlives the stack: environments go on needing them.

        The provisioning role of each listed account reads it, and nobody else outside this account. The roles need not
        exist yet, so that they are named in a condition.
        """
        bucket = kept_bucket(self, "Blueprints", self._settings.blueprint_bucket_name)
        bucket.add_to_resource_policy(
            iam.PolicyStatement(
                principals=self._accounts(),
                actions=["s3:GetObject"],
                resources=[bucket.arn_for_objects("*.json")],
                conditions={"ArnLike": {"aws:PrincipalArn": [self._role_arn(self._settings.provisioning_role_name)]}},
            )
        )
        return bucket

    def _reader(self) -> iam.Role:
        """Return the one role that DataZone has to know: functions of the listed accounts read projects by it.

        Each by the name of its own role, in a region of its account. Raises TooManyAccounts.
        """
        settings = self._settings
        readers = sorted({self._role_arn(name) for place in settings.places for name in _readers(settings, place)})
        trusted = iam.PrincipalWithConditions(
            iam.CompositePrincipal(*self._accounts()), {"ArnLike": {"aws:PrincipalArn": readers}}
        )
        role = iam.Role(
            self,
            "StudioReader",
            role_name=settings.reader_role_name,
            assumed_by=trusted,
            description="Functions in project accounts assume this role to read the domain's projects",
        )
        # DataZone itself decides by domain and project.
        for each in (statement(READ_PROJECTS, ["*"]), *domain_key_statements(settings)):
            role.add_to_policy(each)
        self._require_short(readers)
        return role

    def _require_short(self, readers: Sequence[str]) -> None:
        """Refuse more accounts than a trust policy has room for. Raises TooManyAccounts."""
        accounts = self._settings.accounts
        statement = {
            "Action": "sts:AssumeRole",
            "Condition": {"ArnLike": {"aws:PrincipalArn": [each.replace(self.partition, "aws") for each in readers]}},
            "Effect": "Allow",
            "Principal": {"AWS": [f"arn:aws:iam::{each.account}:root" for each in accounts.values()]},
        }
        document = {"Statement": [statement], "Version": "2012-10-17"}
        length = len(json.dumps(document, separators=(",", ":")))
        if length > _TRUST_LENGTH:
            raise TooManyAccounts(count=len(accounts), length=length, limit=_TRUST_LENGTH)

    def _accounts(self) -> list[iam.IPrincipal]:
        return [iam.AccountPrincipal(each.account) for each in self._settings.accounts.values()]

    def _role_arn(self, name: str) -> str:
        """Return the pattern of a role of this name in any account: the accounts are the statement's principals."""
        return f"arn:{self.partition}:iam::*:role/{name}"


def _readers(settings: Settings, place: Place) -> list[str]:
    """Return the names of the roles that read projects from a place."""
    if place.is_domain:
        return []
    names = (reading_role_name(settings.at(place), entry) for entry in CATALOGUE)
    return [name for name in names if name]


class StudioDomainStack(Stack):
    """The blueprint, registered; each account of projects enables it for itself."""

    def __init__(self, scope: Construct, construct_id: str, *, settings: Settings, version: str, **kwargs: Any) -> None:
        """Build everything; `version` is the one that new projects get."""
        super().__init__(scope, construct_id, **kwargs)
        asset = Fn.split("/", blueprint_template_url(self, settings, version), 5)  # https://HOST/BUCKET/KEY
        template = custom_resource(
            self,
            "BlueprintTemplate",
            settings,
            "blueprint_template",
            {
                "SourceBucket": asset[3],
                "SourceKey": asset[4],
                "Address": f"https://s3.{self.region}.{self.url_suffix}/{settings.blueprint_bucket_name}",
            },
        )
        blueprint = custom_resource(
            self,
            "Blueprint",
            settings,
            "studio_blueprint",
            {
                **blueprint_properties(settings, version, template.get_att_string("TemplateUrl")),
                "Configured": "false",
            },
        )
        blueprint_id = blueprint.get_att_string("EnvironmentBlueprintId")
        # Not an export: it could not change while StudioProfilesStack imports it.
        ssm.StringParameter(
            self,
            "BlueprintId",
            parameter_name=settings.blueprint_parameter,
            string_value=blueprint_id,
            description="The blueprint of the Studio project template",
        )
        CfnOutput(self, "EnvironmentBlueprintId", value=blueprint_id)


class StudioProfilesStack(Stack):
    """The project profiles of blueprint and project setup: last, when every account named has the product's version."""

    def __init__(self, scope: Construct, construct_id: str, *, settings: Settings, version: str, **kwargs: Any) -> None:
        """Build everything; `version` is the one that new projects get."""
        super().__init__(scope, construct_id, **kwargs)
        blueprint_id = ssm.StringParameter.value_for_string_parameter(self, settings.blueprint_parameter)
        listed = [place.id for place in settings.places if not place.is_domain]
        studio = settings.studio
        common = {"EnvironmentBlueprintId": blueprint_id, "Places": listed}
        for name in (*studio.profiles, *sorted(studio.own_profiles)):
            environment = {**common, "Parameters": version_parameters(settings, name, version)}
            if name in studio.own_profiles:
                place = settings.place_of(studio.own_profiles[name])
                environment |= {"AwsAccount": place.account, "AwsRegion": place.region}
            profile(self, settings, name, environment)
        for name in studio.project_setup.profiles:  # only where they are is looked at
            profile(self, settings, name, {**common, "Joined": "false"})


def domain_stacks(scope: Construct, settings: Settings, version: str, **kwargs: Any) -> list[Stack]:
    """Create the stacks of the domain's account, in the order of their deployment."""
    foundation = DomainFoundationStack(
        scope,
        DOMAIN_FOUNDATION_STACK,
        settings=settings,
        description="The functions of the Studio project template in the account of the Studio domain",
        **kwargs,
    )
    blueprint = StudioDomainStack(
        scope,
        STUDIO_DOMAIN_STACK,
        settings=settings,
        version=version,
        description="The blueprint with which SageMaker Unified Studio launches the project template",
        **kwargs,
    )
    profiles = StudioProfilesStack(
        scope,
        STUDIO_PROFILES_STACK,
        settings=settings,
        version=version,
        description="The project profiles that use the blueprint of the project template",
        **kwargs,
    )
    blueprint.add_stack_dependency(foundation)
    profiles.add_stack_dependency(blueprint)
    return [foundation, blueprint, profiles]
