"""A domain in one account, projects in others: who is answered where, and where environments land."""

from __future__ import annotations

import contextvars
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.error import HTTPError

import pytest
from botocore.exceptions import ClientError

from standins.aws import between_accounts

from .conftest import ACCOUNT, REGION, World, eventually
from .test_datazone import BLUEPRINT, fresh, refused
from .test_membership import not_permitted

B, C, STRANGER = "222222222222", "333333333333", "444444444444"
ELSEWHERE = "eu-west-1"
NO_RAM = "because no resource-based policy allows the datazone:{0} action"


def root(account: str) -> dict[str, str]:
    return {"aws_access_key_id": account, "aws_secret_access_key": "not-verified"}


def trust(source_account: str | None, *actions: str) -> str:
    statement: dict[str, Any] = {
        "Effect": "Allow",
        "Principal": {"Service": "datazone.amazonaws.com"},
        "Action": list(actions or ("sts:AssumeRole", "sts:TagSession")),
    }
    if source_account:
        statement["Condition"] = {"StringEquals": {"aws:SourceAccount": source_account}}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


@dataclass
class Campus:
    """A domain in ACCOUNT with a custom blueprint, whose template a bucket of ACCOUNT has; B is associated."""

    world: World
    domain: str
    unit: str
    tooling: str
    blueprint: str
    bucket: str
    admin: Any = field(repr=False)

    def datazone(self, account: str, region: str = REGION) -> Any:
        return self.world.client("datazone", root(account), region)

    def role(self, account: str, name: str, policy: str) -> str:
        iam = self.world.client("iam", root(account))
        return str(iam.create_role(RoleName=name, AssumeRolePolicyDocument=policy)["Role"]["Arn"])

    def session(self, role: str) -> dict[str, str]:
        sts = self.world.client("sts", root(role.split(":")[4]))
        keys = sts.assume_role(RoleArn=role, RoleSessionName="test")["Credentials"]
        return {
            "aws_access_key_id": keys["AccessKeyId"],
            "aws_secret_access_key": keys["SecretAccessKey"],
            "aws_session_token": keys["SessionToken"],
        }

    def associate(self, account: str, *regions: str, **more: Any) -> None:
        body = {"domainId": self.domain, "account": account, "regions": list(regions), **more}
        self.world.control("associations", body)

    def rules(self, **rules: Any) -> None:
        self.world.control("rules", {"domainId": self.domain, **rules})

    def configure(self, account: str, *regions: str, source_account: str | None = ACCOUNT) -> str:
        """Configure the blueprint in an account, as an administrator of it; return the provisioning role's ARN."""
        role = self.role(account, fresh("provisioning"), trust(source_account))
        self.put(account, role, regions)
        return role

    def put(self, account: str, role: str, regions: tuple[str, ...] = (REGION,), caller: str = "") -> Any:
        return self.datazone(caller or account).put_environment_blueprint_configuration(
            domainIdentifier=self.domain,
            environmentBlueprintIdentifier=self.blueprint,
            enabledRegions=list(regions),
            provisioningRoleArn=role,
        )

    def configuration(self, account: str) -> Any:
        return self.datazone(account).get_environment_blueprint_configuration(
            domainIdentifier=self.domain, environmentBlueprintIdentifier=self.blueprint
        )

    def grant(self, account: str, by: str = "") -> Any:
        return self.datazone(by or account).add_policy_grant(
            domainIdentifier=self.domain,
            entityType="ENVIRONMENT_BLUEPRINT_CONFIGURATION",
            entityIdentifier=f"{account}:{self.blueprint}",
            policyType="CREATE_ENVIRONMENT_FROM_BLUEPRINT",
            principal={"project": {"projectDesignation": "CONTRIBUTOR", "projectGrantFilter": self.units()}},
            detail={"createEnvironmentFromBlueprint": {}},
        )

    def units(self) -> dict[str, Any]:
        return {"domainUnitFilter": {"domainUnit": self.unit, "includeChildDomainUnits": True}}

    def open_bucket(self, *roles: str, **condition: Any) -> None:
        """Let roles read the template: by name, as a policy of a bucket between accounts does."""
        statement = {
            "Effect": "Allow",
            "Principal": {"AWS": "*"},
            "Action": "s3:GetObject",
            "Resource": f"arn:aws:s3:::{self.bucket}/*",
            "Condition": condition or {"ArnEquals": {"aws:PrincipalArn": list(roles)}},
        }
        document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        self.world.client("s3").put_bucket_policy(Bucket=self.bucket, Policy=document)

    def profile(self, **place: Any) -> str:
        """Make a profile of Tooling and the blueprint, at a place, from which everybody may make projects."""
        made = self.admin.create_project_profile(
            domainIdentifier=self.domain,
            name=fresh("profile"),
            status="ENABLED",
            environmentConfigurations=[
                {"name": "Tooling", "environmentBlueprintId": self.tooling, "deploymentOrder": 0, **place},
                {"name": "MLOps", "environmentBlueprintId": self.blueprint, "deploymentOrder": 1, **place},
            ],
        )["id"]
        self.admin.add_policy_grant(
            domainIdentifier=self.domain,
            entityType="DOMAIN_UNIT",
            entityIdentifier=self.unit,
            policyType="CREATE_PROJECT_FROM_PROJECT_PROFILE",
            principal={"user": {"allUsersGrantFilter": {}}},
            detail={"createProjectFromProjectProfile": {"projectProfiles": [made], "includeChildDomainUnits": True}},
        )
        return str(made)

    def project(self, profile: str, **more: Any) -> str:
        made = self.admin.create_project(
            domainIdentifier=self.domain, name=fresh("project"), projectProfileId=profile, **more
        )
        return str(made["id"])

    def deployed(self, project: str) -> tuple[str, str]:
        """Return how a project's deployment ended, and why."""

        def ended() -> Any:
            found = self.admin.get_project(domainIdentifier=self.domain, identifier=project)
            details = found["environmentDeploymentDetails"]
            return details if details["overallDeploymentStatus"] not in ("PENDING_DEPLOYMENT", "IN_PROGRESS") else None

        details = eventually(ended)
        reasons = [each["message"] for some in details["environmentFailureReasons"].values() for each in some]
        return details["overallDeploymentStatus"], "; ".join(reasons)

    def environments(self, project: str) -> list[dict[str, Any]]:
        return list(self.admin.list_environments(domainIdentifier=self.domain, projectIdentifier=project)["items"])


def at(account: str, region: str) -> dict[str, Any]:
    return {"awsAccount": {"awsAccountId": account}, "awsRegion": {"regionName": region}}


@pytest.fixture
def campus(world: World) -> Campus:
    made, admin = world.control("domains", {"domainName": fresh("accounts")}), world.client("datazone")
    bucket = fresh("blueprints")
    s3 = world.client("s3")
    s3.create_bucket(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key="blueprint.json", Body=json.dumps(BLUEPRINT).encode())
    blueprint = admin.create_environment_blueprint(
        domainIdentifier=made["domainId"],
        name=fresh("mlops"),
        provisioningProperties={
            "cloudFormation": {"templateUrl": f"https://{bucket}.s3.{REGION}.amazonaws.com/blueprint.json"}
        },
        userParameters=[],
    )["id"]
    campus = Campus(
        world, made["domainId"], made["rootDomainUnitId"], made["toolingBlueprintId"], blueprint, bucket, admin
    )
    campus.associate(B, REGION, ELSEWHERE)
    return campus


def denied_by_the_share(act: Callable[[], object], operation: str) -> None:
    with pytest.raises(ClientError, match=NO_RAM.format(operation)) as error:
        act()
    assert refused(error) == "AccessDeniedException"


# -- who is answered where -------------------------------------------------------------------------------------------


def test_a_domain_answers_in_its_region_only(campus: Campus) -> None:
    there = campus.world.client("datazone", region=ELSEWHERE)
    not_permitted(lambda: there.get_domain(identifier=campus.domain), "GetDomain")
    not_permitted(lambda: there.list_projects(domainIdentifier=campus.domain), "ListProjects")
    assert campus.domain not in {item["id"] for item in there.list_domains()["items"]}
    assert campus.admin.get_domain(identifier=campus.domain)["id"] == campus.domain


def test_a_domain_of_another_region_may_be_not_found_instead(campus: Campus) -> None:
    campus.world.control("rules", {"absentDomain": 404})
    try:
        there = campus.world.client("datazone", region=ELSEWHERE)
        with pytest.raises(there.exceptions.ResourceNotFoundException):
            there.get_domain(identifier=campus.domain)
        with pytest.raises(ClientError) as error:
            campus.datazone(STRANGER).get_domain(identifier=campus.domain)
        assert refused(error) == "ResourceNotFoundException"
    finally:
        campus.world.control("rules", {"absentDomain": 403})


def test_a_domain_answers_its_account_and_associated_ones(campus: Campus) -> None:
    not_permitted(lambda: campus.datazone(STRANGER).get_domain(identifier=campus.domain), "GetDomain")
    assert campus.datazone(B).get_domain(identifier=campus.domain)["id"] == campus.domain
    assert campus.domain in {item["id"] for item in campus.datazone(B).list_domains()["items"]}
    assert campus.datazone(STRANGER).list_domains()["items"] == []
    assert campus.domain not in {item["id"] for item in campus.datazone(B, ELSEWHERE).list_domains()["items"]}
    campus.associate(B, associated=False)
    not_permitted(lambda: campus.datazone(B).get_domain(identifier=campus.domain), "GetDomain")


def test_an_account_is_associated_by_its_id(campus: Campus) -> None:
    with pytest.raises(HTTPError, match="400"):
        campus.associate(B[1:])
    body = {"domainId": campus.domain, "account": ACCOUNT, "regions": [ELSEWHERE]}
    assert campus.world.control("associations", body)["associated"] == [B]  # its own needs no share


def test_the_share_has_no_action_for_groups_and_may_lack_others(campus: Campus) -> None:
    group = campus.admin.create_group_profile(
        domainIdentifier=campus.domain, rolePrincipalArn=campus.role(ACCOUNT, fresh("role"), trust(None))
    )["id"]
    guest, where = campus.datazone(B), {"domainIdentifier": campus.domain}
    denied_by_the_share(lambda: guest.get_group_profile(**where, groupIdentifier=group), "GetGroupProfile")

    def unit() -> Any:
        return guest.create_domain_unit(**where, name=fresh("unit"), parentDomainUnitIdentifier=campus.unit)

    denied_by_the_share(unit, "CreateDomainUnit")
    campus.rules(unlistedActionsShared=True)
    not_permitted(unit, "CreateDomainUnit")  # the share lets it pass, DataZone does not
    denied_by_the_share(lambda: guest.get_group_profile(**where, groupIdentifier=group), "GetGroupProfile")


def test_a_role_of_another_account_is_no_user(campus: Campus) -> None:
    project = campus.project(campus.profile(**at(ACCOUNT, REGION)))
    campus.deployed(project)
    role = campus.role(B, fresh("reader"), trust(None))
    guest = campus.world.client("datazone", campus.session(role))
    where = {"domainIdentifier": campus.domain}
    reads: dict[str, Callable[[], object]] = {
        "GetProject": lambda: guest.get_project(**where, identifier=project),
        "ListProjects": lambda: guest.list_projects(**where),
        "ListEnvironments": lambda: guest.list_environments(**where, projectIdentifier=project),
    }
    for operation, read in reads.items():
        not_permitted(read, operation)
    # A profile alone does not help: it stays assigned.
    made = campus.admin.create_user_profile(**where, userIdentifier=role, userType="IAM_ROLE")
    assert made["status"] == "ASSIGNED"
    not_permitted(reads["GetProject"], "GetProject")


def test_an_activated_profile_makes_a_role_of_another_account_a_user(campus: Campus) -> None:
    project = campus.project(campus.profile(**at(ACCOUNT, REGION)))
    campus.deployed(project)
    campus.rules(othersActivate=True)
    role, where = campus.role(B, fresh("reader"), trust(None)), {"domainIdentifier": campus.domain}
    made = campus.admin.create_user_profile(**where, userIdentifier=role, userType="IAM_ROLE")
    assert made["status"] == "ACTIVATED"
    guest = campus.world.client("datazone", campus.session(role))
    assert guest.get_project(**where, identifier=project)["id"] == project
    not_permitted(lambda: guest.list_environments(**where, projectIdentifier=project), "ListEnvironments")
    campus.associate(B, associated=False)
    not_permitted(lambda: guest.get_project(**where, identifier=project), "GetProject")


def test_a_role_of_the_domains_account_needs_no_profile(campus: Campus) -> None:
    mine = campus.admin.create_user_profile(
        domainIdentifier=campus.domain,
        userIdentifier=campus.role(ACCOUNT, fresh("reader"), trust(None)),
        userType="IAM_ROLE",
    )
    assert mine["status"] == "ACTIVATED"


# -- configurations, account by account ------------------------------------------------------------------------------


def test_each_account_has_its_own_configuration(campus: Campus) -> None:
    campus.associate(C)
    mine, other = campus.configure(ACCOUNT, REGION), campus.configure(B, REGION, ELSEWHERE)
    assert campus.configuration(ACCOUNT)["provisioningRoleArn"] == mine
    assert campus.configuration(B)["provisioningRoleArn"] == other
    assert campus.configuration(B)["enabledRegions"] == [REGION, ELSEWHERE]
    with pytest.raises(ClientError) as error:
        campus.configuration(C)
    assert refused(error) == "ResourceNotFoundException"
    where = {"domainIdentifier": campus.domain, "environmentBlueprintIdentifier": campus.blueprint}
    campus.datazone(B).delete_environment_blueprint_configuration(**where)
    with pytest.raises(ClientError):
        campus.configuration(B)
    assert campus.configuration(ACCOUNT)["provisioningRoleArn"] == mine


def test_a_configuration_that_environments_need_goes_or_is_refused_as_the_rule_says(campus: Campus) -> None:
    """The reference of DeleteEnvironmentBlueprintConfiguration has no conflict; B's need nothing of A's account."""
    campus.configure(ACCOUNT, REGION)
    campus.configure(B, REGION)
    where = {"domainIdentifier": campus.domain, "environmentBlueprintIdentifier": campus.blueprint}
    environments = campus.world.stand_in.datazone.domains[campus.domain].environments
    environments["e1"] = {"id": "e1", "environmentBlueprintId": campus.blueprint, "awsAccountId": B, "projectId": "p"}
    campus.rules(usedConfigurationsGo=False)
    with pytest.raises(ClientError, match="is used by environments") as error:
        campus.datazone(B).delete_environment_blueprint_configuration(**where)
    assert refused(error) == "ValidationException"
    assert campus.configuration(B)["enabledRegions"] == [REGION]
    campus.admin.delete_environment_blueprint_configuration(**where)
    campus.rules(usedConfigurationsGo=True)
    campus.datazone(B).delete_environment_blueprint_configuration(**where)
    with pytest.raises(ClientError):
        campus.configuration(B)


def test_a_blueprint_is_deleted_with_the_configurations_of_all_accounts(campus: Campus) -> None:
    campus.configure(ACCOUNT, REGION)
    campus.configure(B, REGION)
    campus.rules(configurationsGo=False)
    delete: dict[str, Any] = {"domainIdentifier": campus.domain, "identifier": campus.blueprint}
    with pytest.raises(campus.admin.exceptions.ConflictException):
        campus.admin.delete_environment_blueprint(**delete)
    campus.rules(configurationsGo=True)
    campus.admin.delete_environment_blueprint(**delete)
    with pytest.raises(ClientError):
        campus.configuration(B)


@pytest.mark.parametrize("tagged", [True, False])
def test_toolings_stack_has_the_tags_that_name_its_project_or_none(campus: Campus, tagged: bool) -> None:
    """In the project's account: what the second door finds the project by (docs/studio.md, A38)."""
    campus.rules(toolingTagged=tagged)
    body = {"domainId": campus.domain, "name": fresh("tooling"), "account": B, "region": ELSEWHERE, "wait": True}
    project = campus.world.control("projects", body)["projectId"]
    made = campus.world.stand_in.datazone.domains[campus.domain].environments.values()  # shown to members only
    (environment,) = [each for each in made if each["projectId"] == project]
    name = f"DataZone-Env-{environment['id']}"
    stacks = campus.world.client("cloudformation", root(B), ELSEWHERE)
    (stack,) = stacks.describe_stacks(StackName=name)["Stacks"]
    told = {each["Key"]: each["Value"] for each in stack.get("Tags", []) if each["Key"].startswith("AmazonDataZone")}
    expected = {
        "AmazonDataZoneDomain": campus.domain,
        "AmazonDataZoneProject": project,
        "AmazonDataZoneEnvironment": environment["id"],
    }
    assert told == (expected if tagged else {})


def test_a_role_of_another_account_is_not_passed(campus: Campus) -> None:
    role = campus.role(ACCOUNT, fresh("provisioning"), trust(ACCOUNT))
    with pytest.raises(ClientError, match="Cross-account pass role is not allowed"):
        campus.put(B, role)


def test_the_provisioning_role_trusts_datazone_for_the_domains_account(campus: Campus) -> None:
    campus.configure(B, REGION, source_account=ACCOUNT)
    with pytest.raises(ClientError, match=f"to datazone.amazonaws.com for account {ACCOUNT}"):
        campus.configure(B, REGION, source_account=B)


def test_an_account_grants_the_use_of_its_own_configuration(campus: Campus) -> None:
    campus.associate(C)
    for account in (B, C):
        campus.configure(account, REGION)
    campus.grant(B)
    not_permitted(lambda: campus.grant(C, by=B), "AddPolicyGrant")
    campus.rules(accountsGrant=False)
    not_permitted(lambda: campus.grant(C), "AddPolicyGrant")
    campus.grant(C, by=ACCOUNT)
    with pytest.raises(ClientError) as error:
        campus.grant(STRANGER, by=ACCOUNT)  # which has no configuration
    assert refused(error) == "ResourceNotFoundException"


# -- where environments land -----------------------------------------------------------------------------------------


def landed(campus: Campus, account: str, region: str) -> str:
    """Deploy a project of a profile of the place; return its id."""
    project = campus.project(campus.profile(**at(account, region)))
    assert campus.deployed(project) == ("SUCCESSFUL", "")
    return project


def test_a_project_lands_in_the_account_and_region_of_its_profile(campus: Campus) -> None:
    role = campus.configure(B, REGION, ELSEWHERE)
    campus.open_bucket(role)
    campus.grant(B)
    project = landed(campus, B, ELSEWHERE)
    environments = campus.environments(project)
    assert {(item["awsAccountId"], item["awsAccountRegion"]) for item in environments} == {(B, ELSEWHERE)}
    stacks = {f"DataZone-Env-{item['id']}" for item in environments}
    where = campus.world.client("cloudformation", root(B), ELSEWHERE)
    found = {item["StackName"]: item for item in where.describe_stacks()["Stacks"]}
    assert stacks <= set(found)
    for stack in stacks:
        tags = {tag["Key"]: tag["Value"] for tag in found[stack]["Tags"]}
        assert tags["AmazonDataZoneProject"] == project
        assert tags["AmazonDataZoneDomain"] == campus.domain
    for account, region in ((ACCOUNT, REGION), (ACCOUNT, ELSEWHERE), (B, REGION)):
        others = campus.world.client("cloudformation", root(account), region).describe_stacks()["Stacks"]
        assert not stacks & {item["StackName"] for item in others}
    sagemaker = campus.world.client("sagemaker", root(B), ELSEWHERE)
    domains = [
        item["DomainName"] for page in sagemaker.get_paginator("list_domains").paginate() for item in page["Domains"]
    ]
    assert any(project in name for name in domains)
    tooling = campus.admin.get_environment(
        domainIdentifier=campus.domain, identifier=next(i["id"] for i in environments if i["name"] == "Tooling")
    )
    facts = {item["name"]: item["value"] for item in tooling["provisionedResources"]}
    assert facts["userRoleArn"].startswith(f"arn:aws:iam::{B}:role/")
    campus.world.client("iam", root(B)).get_role(RoleName=facts["userRoleArn"].rpartition("/")[2])


@pytest.mark.parametrize(
    ("account", "region", "why"),
    [
        (STRANGER, REGION, f"Account {STRANGER} is not associated with domain"),
        (C, REGION, f"is not enabled in region {REGION} of account {C}"),
        (B, "eu-central-1", f"is not enabled in region eu-central-1 of account {B}"),
    ],
)
def test_a_place_without_a_configuration_fails(campus: Campus, account: str, region: str, why: str) -> None:
    campus.associate(C)
    project = campus.project(campus.profile(**at(account, region)))
    status, reason = campus.deployed(project)
    assert (status, why in reason) == ("FAILED_VALIDATION", True), reason


def test_an_account_without_the_grant_fails(campus: Campus) -> None:
    campus.open_bucket(campus.configure(B, REGION))
    campus.configure(ACCOUNT, REGION)
    campus.grant(ACCOUNT)  # another account's grant does not count
    status, reason = campus.deployed(campus.project(campus.profile(**at(B, REGION))))
    assert status == "FAILED_VALIDATION"
    assert f"no CREATE_ENVIRONMENT_FROM_BLUEPRINT grant on blueprint {B}:{campus.blueprint}" in reason


def test_the_template_is_read_as_the_provisioning_role(campus: Campus) -> None:
    role = campus.configure(B, REGION)
    campus.grant(B)
    profile = campus.profile(**at(B, REGION))
    stranger = campus.role(B, fresh("stranger"), trust(ACCOUNT))
    for opened in ((), (stranger,)):
        if opened:
            campus.open_bucket(*opened)
        status, reason = campus.deployed(campus.project(profile))
        assert (status, "Access denied to blueprint template" in reason) == ("FAILED_VALIDATION", True)
    for policy in ({"ArnEquals": {"aws:PrincipalArn": [role]}}, {"StringEquals": {"aws:PrincipalAccount": B}}):
        campus.open_bucket(**policy)
        assert campus.deployed(campus.project(profile)) == ("SUCCESSFUL", "")


def test_a_bucket_policy_that_names_a_role_admits_it_alone(campus: Campus) -> None:
    named, other = (campus.role(B, fresh(name), trust(None)) for name in ("named", "other"))
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": named},
        "Action": "s3:GetObject",
        "Resource": f"arn:aws:s3:::{campus.bucket}/*",
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    campus.world.client("s3").put_bucket_policy(Bucket=campus.bucket, Policy=policy)
    wanted = {"Bucket": campus.bucket, "Key": "blueprint.json"}
    assert campus.world.client("s3", campus.session(named)).get_object(**wanted)["Body"].read()
    for keys in (campus.session(other), root(C)):
        with pytest.raises(ClientError, match="AccessDenied"):
            campus.world.client("s3", keys).get_object(**wanted)


# -- account pools ---------------------------------------------------------------------------------------------------


def pool(campus: Campus, *regions: str, account: str = B) -> str:
    made = campus.admin.create_account_pool(
        domainIdentifier=campus.domain,
        name=fresh("pool"),
        resolutionStrategy="MANUAL",
        accountSource={"accounts": [{"awsAccountId": account, "supportedRegions": list(regions)}]},
    )
    assert campus.admin.get_account_pool(domainIdentifier=campus.domain, identifier=made["id"])["name"] == made["name"]
    return str(made["id"])


def resolved(account: str, region: str, *names: str, **more: str) -> list[dict[str, Any]]:
    return [
        {
            "environmentConfigurationName": name,
            "environmentResolvedAccount": {"awsAccountId": account, "regionName": region, **more},
        }
        for name in names or ("Tooling", "MLOps")
    ]


def test_a_pools_project_lands_where_it_was_resolved_to(campus: Campus) -> None:
    campus.open_bucket(campus.configure(B, REGION, ELSEWHERE))
    campus.grant(B)
    pools = pool(campus, REGION, ELSEWHERE)
    profile = campus.profile(accountPools=[pools])
    project = campus.project(profile, userParameters=resolved(B, ELSEWHERE, sourceAccountPoolId=pools))
    assert campus.deployed(project) == ("SUCCESSFUL", "")
    places = {(item["awsAccountId"], item["awsAccountRegion"]) for item in campus.environments(project)}
    assert places == {(B, ELSEWHERE)}


def test_an_update_keeps_where_a_project_was_resolved_to(campus: Campus) -> None:
    campus.open_bucket(campus.configure(B, REGION))
    campus.grant(B)
    project = campus.project(campus.profile(accountPools=[pool(campus, REGION)]), userParameters=resolved(B, REGION))
    campus.deployed(project)
    values = [{"environmentConfigurationName": "MLOps", "environmentParameters": [{"name": "Version", "value": "v2"}]}]
    updated = campus.admin.update_project(
        domainIdentifier=campus.domain, identifier=project, projectProfileVersion="latest", userParameters=values
    )
    kept = {item["environmentConfigurationName"]: item for item in updated["userParameters"]}
    assert kept["MLOps"]["environmentResolvedAccount"] == {"awsAccountId": B, "regionName": REGION}
    assert kept["MLOps"]["environmentParameters"] == [{"name": "Version", "value": "v2"}]


@pytest.mark.parametrize(
    ("parameters", "why"),
    [
        ([], "EnvironmentConfigurations require a resolved account on input"),
        (resolved(B, REGION, "Tooling"), "EnvironmentConfigurations require a resolved account on input"),
        (resolved(C, REGION), f"Account {C} in region {REGION} is in none of the account pools"),
        (resolved(B, ELSEWHERE), f"Account {B} in region {ELSEWHERE} is in none of the account pools"),
        (resolved(B, REGION, sourceAccountPoolId="another"), "is in none of the account pools"),
    ],
)
def test_an_account_that_is_not_resolved_fails_before_anything_is_made(
    campus: Campus, parameters: list[dict[str, Any]], why: str
) -> None:
    profile = campus.profile(accountPools=[pool(campus, REGION)])
    project = campus.project(profile, userParameters=parameters)
    status, reason = campus.deployed(project)
    assert (status, why in reason, campus.environments(project)) == ("FAILED_VALIDATION", True, [])
    campus.rules(unresolvedRefused=True)
    with pytest.raises(ClientError, match=why) as error:
        campus.project(profile, userParameters=parameters)
    assert refused(error) == "ValidationException"


def test_a_pool_is_one_of_listed_accounts_and_stays_while_a_profile_names_it(campus: Campus) -> None:
    where, first = {"domainIdentifier": campus.domain}, pool(campus, REGION)
    handler = {"lambdaFunctionArn": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:accounts"}
    with pytest.raises(ClientError, match="pools of listed accounts only"):
        campus.admin.create_account_pool(
            **where,
            name=fresh("pool"),
            resolutionStrategy="MANUAL",
            accountSource={"customAccountPoolHandler": handler},
        )
    name = campus.admin.list_account_pools(**where)["items"][0]["name"]
    with pytest.raises(campus.admin.exceptions.ConflictException):
        campus.admin.create_account_pool(
            **where,
            name=name,
            resolutionStrategy="MANUAL",
            accountSource={"accounts": [{"awsAccountId": B, "supportedRegions": [REGION]}]},
        )
    with pytest.raises(ClientError) as error:
        campus.profile(accountPools=["unknown"])
    assert refused(error) == "ResourceNotFoundException"
    with pytest.raises(ClientError, match="both an account and account pools"):
        campus.profile(accountPools=[first], awsAccount={"awsAccountId": B})
    profile = campus.profile(accountPools=[first])
    with pytest.raises(campus.admin.exceptions.ConflictException):
        campus.admin.delete_account_pool(**where, identifier=first)
    campus.admin.delete_project_profile(**where, identifier=profile)
    campus.admin.delete_account_pool(**where, identifier=first)
    with pytest.raises(ClientError) as error:
        campus.admin.get_account_pool(**where, identifier=first)
    assert refused(error) == "ResourceNotFoundException"


# -- between accounts, beside DataZone -------------------------------------------------------------------------------


def principals(principal: Any, **condition: Any) -> str:
    statement = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
    statement |= {"Condition": condition} if condition else {}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def test_a_role_of_another_account_is_assumed_as_its_trust_policy_allows(campus: Campus) -> None:
    allowed, other = (campus.role(B, fresh(name), trust(None)) for name in ("allowed", "other"))
    only_allowed = {"ArnEquals": {"aws:PrincipalArn": [allowed]}}
    reader = campus.role(ACCOUNT, fresh("reader"), principals({"AWS": [f"arn:aws:iam::{B}:root"]}, **only_allowed))
    service = campus.role(ACCOUNT, fresh("service"), trust(None))

    def assume(keys: dict[str, str], role: str) -> str:
        sts = campus.world.client("sts", keys)
        return str(sts.assume_role(RoleArn=role, RoleSessionName="guest")["AssumedRoleUser"]["Arn"])

    assert assume(campus.session(allowed), reader).startswith(f"arn:aws:sts::{ACCOUNT}:assumed-role/reader")
    missing = f"arn:aws:iam::{ACCOUNT}:role/{fresh('missing')}"
    for keys, role in (
        (campus.session(other), reader),
        (root(B), reader),
        (root(C), reader),
        (campus.session(allowed), service),  # which trusts a service, and no account
        (root(B), service),
        (campus.session(allowed), missing),
    ):
        with pytest.raises(ClientError, match="is not authorized to perform: sts:AssumeRole") as error:
            assume(keys, role)
        assert refused(error) == "AccessDenied"


def test_sagemaker_knows_what_is_of_the_account_and_region(campus: Campus) -> None:
    name = fresh("aiops")
    mine = campus.world.client("sagemaker", root(B), ELSEWHERE)
    arn = mine.create_model_package_group(ModelPackageGroupName=name, Tags=[])["ModelPackageGroupArn"]
    assert arn == f"arn:aws:sagemaker:{ELSEWHERE}:{B}:model-package-group/{name}"
    assert mine.list_tags(ResourceArn=arn)["Tags"] == []
    for account, region in ((B, REGION), (C, ELSEWHERE), (ACCOUNT, REGION)):
        with pytest.raises(ClientError, match="does not exist"):
            campus.world.client("sagemaker", root(account), region).list_tags(ResourceArn=arn)
    ours = campus.world.stand_in.sagemaker
    for region in (REGION, ELSEWHERE):
        ours.open_domain(B, region, name, settings={}, tags={}, more={"AuthMode": "IAM"})


def test_service_catalog_knows_what_is_of_the_account_and_region(campus: Campus) -> None:
    def catalog(account: str, region: str) -> Any:
        return campus.world.client("servicecatalog", root(account), region)

    places = ((B, REGION), (B, ELSEWHERE), (C, ELSEWHERE))
    request = {"DisplayName": "MLOps", "ProviderName": "us", "IdempotencyToken": fresh("same")}
    made = [catalog(*place).create_portfolio(**request)["PortfolioDetail"]["Id"] for place in places]
    assert len(set(made)) == len(places)  # the token is one of an account and region
    key, value = fresh("key"), "value"
    options = [catalog(*place).create_tag_option(Key=key, Value=value)["TagOptionDetail"]["Id"] for place in places]
    for place, portfolio, option in zip(places, made, options, strict=True):
        listed = catalog(*place).list_portfolios()["PortfolioDetails"]
        assert portfolio in {item["Id"] for item in listed}
        for other in places:
            if other != place:
                with pytest.raises(ClientError) as error:
                    catalog(*other).describe_portfolio(Id=portfolio)
                assert refused(error) == "ResourceNotFoundException"
                with pytest.raises(ClientError) as error:
                    catalog(*other).update_tag_option(Id=option, Active=False)
                assert refused(error) == "ResourceNotFoundException"


def test_stacks_tell_eventbridge_of_their_account_and_region(campus: Campus) -> None:
    """A stack that comes and goes: a rule of its account and region sees it, one of another does not."""
    name = fresh("DataZone-Env")
    queues = {place: watched(campus, *place) for place in ((B, ELSEWHERE), (B, REGION), (C, ELSEWHERE))}
    cloudformation = campus.world.client("cloudformation", root(B), ELSEWHERE)
    template = json.dumps({"Resources": {"Wait": {"Type": "AWS::CloudFormation::WaitConditionHandle"}}})
    stack = cloudformation.create_stack(StackName=name, TemplateBody=template)["StackId"]
    cloudformation.get_waiter("stack_create_complete").wait(StackName=name, WaiterConfig={"Delay": 1})
    cloudformation.delete_stack(StackName=name)
    seen: list[str] = []

    def deleted() -> bool:
        for event in received(campus, B, ELSEWHERE, queues[B, ELSEWHERE]):
            assert (event["account"], event["region"]) == (B, ELSEWHERE)
            assert event["detail"]["stack-id"] == stack
            assert event["detail-type"] == "CloudFormation Stack Status Change"
            seen.append(event["detail"]["status-details"]["status"])
        return "DELETE_COMPLETE" in seen

    eventually(deleted)
    assert set(seen) == {"CREATE_IN_PROGRESS", "CREATE_COMPLETE", "DELETE_IN_PROGRESS", "DELETE_COMPLETE"}
    assert received(campus, B, REGION, queues[B, REGION]) == []
    assert received(campus, C, ELSEWHERE, queues[C, ELSEWHERE]) == []


def watched(campus: Campus, account: str, region: str) -> str:
    """Put CloudFormation's events of an account and region into a queue; return its URL."""
    name = fresh("stacks")
    sqs, events = (campus.world.client(each, root(account), region) for each in ("sqs", "events"))
    queue = sqs.create_queue(QueueName=name)["QueueUrl"]
    arn = f"arn:aws:sqs:{region}:{account}:{name}"
    events.put_rule(Name=name, EventPattern=json.dumps({"source": ["aws.cloudformation"]}))
    events.put_targets(Rule=name, Targets=[{"Id": "queue", "Arn": arn}])
    return str(queue)


def received(campus: Campus, account: str, region: str, queue: str) -> list[dict[str, Any]]:
    sqs = campus.world.client("sqs", root(account), region)
    found: list[dict[str, Any]] = []
    while messages := sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", []):
        for message in messages:
            found.append(json.loads(message["Body"]))
            sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
    return found


def test_the_call_log_names_account_and_region(campus: Campus) -> None:
    campus.world.control("calls", method="DELETE")
    campus.datazone(B).get_domain(identifier=campus.domain)
    with pytest.raises(ClientError):
        campus.datazone(B, ELSEWHERE).get_domain(identifier=campus.domain)
    calls = campus.world.control("calls?service=datazone&operation=GetDomain", method="GET")
    logged = [(each["account"], each["region"], each["outcome"]) for each in calls]
    assert logged == [(B, REGION, "ok"), (B, ELSEWHERE, "AccessDeniedException")]


def test_a_function_that_is_created_ends_no_process_of_another_accounts(monkeypatch: pytest.MonkeyPatch) -> None:
    """The accounts of one installation have functions of the same names, and are deployed at the same time."""
    from ministack.core import lambda_runtime, responses

    ended: list[str] = []
    processes = {
        f"{account}:{region}:f:$LATEST": [f"{account} {region}"] for account in (B, C) for region in (REGION, ELSEWHERE)
    }
    monkeypatch.setattr(lambda_runtime, "_workers", processes)
    monkeypatch.setattr(lambda_runtime, "kill_workers", ended.extend)

    def created() -> None:
        responses.set_request_account_id(B)
        responses.set_request_region(ELSEWHERE)
        between_accounts._of_this_place(lambda_runtime.invalidate_worker)("f")

    contextvars.copy_context().run(created)
    assert ended == [f"{B} {ELSEWHERE}"]
