"""Whom a strict domain answers: members, owners, everybody, who may use its key; and both kinds of domains."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from botocore.exceptions import ClientError

from .conftest import ACCOUNT, REGION, World, eventually
from .test_datazone import fresh, refused

KINDS = ("identity-center", "iam")


@dataclass
class Domain:
    """A strict domain with a project, its owner's client and a stranger's: a role that nobody has made a member."""

    world: World
    id: str
    unit: str
    project: str
    stranger_arn: str

    @property
    def owner(self) -> Any:
        return self.world.client("datazone")

    @property
    def stranger(self) -> Any:
        return self.world.client("datazone", self.world.keys_of(self.stranger_arn))

    def rules(self, **rules: Any) -> None:
        self.world.control("rules", {"domainId": self.id, **rules})

    def environment(self) -> str:
        listed = self.owner.list_environments(domainIdentifier=self.id, projectIdentifier=self.project)["items"]
        return str(listed[0]["id"])

    def group(self, arn: str) -> str:
        return str(self.owner.create_group_profile(domainIdentifier=self.id, rolePrincipalArn=arn)["id"])

    def sagemaker_domain(self) -> dict[str, Any]:
        sagemaker = self.world.client("sagemaker")
        for page in sagemaker.get_paginator("list_domains").paginate():
            for item in page["Domains"]:
                tags = {tag["Key"]: tag["Value"] for tag in sagemaker.list_tags(ResourceArn=item["DomainArn"])["Tags"]}
                if tags["AmazonDataZoneDomain"] == self.id:
                    return {**sagemaker.describe_domain(DomainId=item["DomainId"]), "tags": tags}
        raise AssertionError("no SageMaker domain")


def make(world: World, kind: str = "identity-center", **more: Any) -> Domain:
    rules = {"strict": True, **more.pop("rules", {})}
    body = {"domainName": fresh("strict"), "kind": kind, "rules": rules}
    made = world.control("domains", body | {key: more.pop(key) for key in ("kmsKey",) if key in more})
    wanted = {"name": fresh("project"), "domainId": made["domainId"], "wait": True, **more}
    project = world.control("projects", wanted)
    assert project["status"] == "SUCCESSFUL", project
    stranger = world.role(fresh("stranger"), "lambda.amazonaws.com")
    return Domain(world, made["domainId"], made["rootDomainUnitId"], project["projectId"], stranger)


@pytest.fixture
def strict(world: World) -> Domain:
    return make(world)


def not_permitted(act: Callable[[], object], operation: str) -> None:
    with pytest.raises(ClientError, match=f"User is not permitted to perform operation: {operation}") as error:
        act()
    assert refused(error) == "AccessDeniedException"
    assert error.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403


def member_only(client: Any, domain: Domain, environment: str) -> dict[str, Callable[[], object]]:
    where = {"domainIdentifier": domain.id}
    connections = domain.owner.list_connections(**where, projectIdentifier=domain.project)["items"]
    return {
        "ListEnvironments": lambda: client.list_environments(**where, projectIdentifier=domain.project),
        "GetEnvironment": lambda: client.get_environment(**where, identifier=environment),
        "ListConnections": lambda: client.list_connections(**where, projectIdentifier=domain.project),
        "GetConnection": lambda: client.get_connection(**where, identifier=connections[0]["connectionId"]),
        "ListProjectMemberships": lambda: client.list_project_memberships(**where, projectIdentifier=domain.project),
    }


def test_environments_and_connections_are_for_members(strict: Domain) -> None:
    calls = member_only(strict.stranger, strict, strict.environment())
    for operation, call in calls.items():
        not_permitted(call, operation)
    member = {"groupIdentifier": strict.group(strict.stranger_arn)}
    where = {"domainIdentifier": strict.id, "projectIdentifier": strict.project, "member": member}
    strict.owner.create_project_membership(**where, designation="PROJECT_CONTRIBUTOR")
    for call in calls.values():
        call()
    with pytest.raises(ClientError) as error:
        strict.owner.create_project_membership(**where, designation="PROJECT_OWNER")
    assert refused(error) == "ConflictException"
    strict.owner.delete_project_membership(**where)
    for operation, call in calls.items():
        not_permitted(call, operation)


def test_a_member_of_one_project_is_a_stranger_to_another(strict: Domain) -> None:
    other = strict.world.control("projects", {"name": fresh("other"), "domainId": strict.id, "wait": True})["projectId"]
    member = {"groupIdentifier": strict.group(strict.stranger_arn)}
    strict.owner.create_project_membership(
        domainIdentifier=strict.id, projectIdentifier=other, member=member, designation="PROJECT_OWNER"
    )
    for operation, call in member_only(strict.stranger, strict, strict.environment()).items():
        not_permitted(call, operation)
    seen = strict.stranger.list_projects(domainIdentifier=strict.id)["items"]
    assert [item["id"] for item in seen] == [other]


def test_the_projects_own_role_is_a_member(strict: Domain) -> None:
    environment = strict.environment()
    resources = strict.owner.get_environment(domainIdentifier=strict.id, identifier=environment)["provisionedResources"]
    (role,) = [item["value"] for item in resources if item["name"] == "userRoleArn"]
    client = strict.world.client("datazone", strict.world.keys_of(role))
    for call in member_only(client, strict, environment).values():
        call()


@pytest.mark.parametrize("readable", [True, False])
def test_a_project_its_profile_and_the_domain_may_be_told_to_everybody(strict: Domain, readable: bool) -> None:
    profile = strict.owner.get_project(domainIdentifier=strict.id, identifier=strict.project)["projectProfileId"]
    strict.rules(nonMembersRead=readable)
    where = {"domainIdentifier": strict.id}
    client = strict.stranger
    reads: dict[str, Callable[[], object]] = {
        "GetProject": lambda: client.get_project(**where, identifier=strict.project),
        "GetProjectProfile": lambda: client.get_project_profile(**where, identifier=profile),
        "GetDomain": lambda: client.get_domain(identifier=strict.id),
    }
    for operation, call in reads.items():
        if readable:
            call()
        else:
            not_permitted(call, operation)


def test_what_the_administrator_of_a_domain_does_needs_an_owner_of_its_unit(strict: Domain) -> None:
    def attempts(client: Any) -> dict[str, Callable[[], Any]]:
        where = {"domainIdentifier": strict.id}
        template = {"cloudFormation": {"templateUrl": "https://b.s3.us-east-1.amazonaws.com/t.json"}}
        unit = {"entityType": "DOMAIN_UNIT", "entityIdentifier": strict.unit}
        grant = {
            **unit,
            "policyType": "CREATE_PROJECT_FROM_PROJECT_PROFILE",
            "principal": {"user": {"allUsersGrantFilter": {}}},
        }
        detail = {"createProjectFromProjectProfile": {"projectProfiles": ["p"]}}
        return {
            "CreateEnvironmentBlueprint": lambda: client.create_environment_blueprint(
                **where, name="ours", provisioningProperties=template
            ),
            "CreateProjectProfile": lambda: client.create_project_profile(**where, name="ours"),
            "AddPolicyGrant": lambda: client.add_policy_grant(**where, **grant, detail=detail),
            "RemovePolicyGrant": lambda: client.remove_policy_grant(**where, **grant),
        }

    for operation, attempt in attempts(strict.stranger).items():
        not_permitted(attempt, operation)
    owner = {"group": {"groupIdentifier": strict.group(strict.stranger_arn)}}
    unit = {"domainIdentifier": strict.id, "entityType": "DOMAIN_UNIT", "entityIdentifier": strict.unit}
    not_permitted(lambda: strict.stranger.add_entity_owner(**unit, owner=owner), "AddEntityOwner")
    strict.owner.add_entity_owner(**unit, owner=owner)
    assert owner["group"]["groupIdentifier"] in str(strict.owner.list_entity_owners(**unit)["owners"])
    for attempt in attempts(strict.stranger).values():
        attempt()
    blueprint = strict.stranger.list_environment_blueprints(domainIdentifier=strict.id, managed=False)["items"][0]["id"]
    # An owner of the unit sees all projects, and is no member of them.
    seen = strict.stranger.list_projects(domainIdentifier=strict.id)["items"]
    assert [item["id"] for item in seen] == [strict.project]
    not_permitted(
        lambda: strict.stranger.list_environments(domainIdentifier=strict.id, projectIdentifier=strict.project),
        "ListEnvironments",
    )
    strict.owner.remove_entity_owner(**unit, owner=owner)
    not_permitted(
        lambda: strict.stranger.delete_environment_blueprint(domainIdentifier=strict.id, identifier=blueprint),
        "DeleteEnvironmentBlueprint",
    )


@pytest.mark.parametrize(("roles", "owners", "members"), [("", 0, 0), ("owners", 1, 0), ("members", 1, 1)])
def test_a_role_by_its_arn_is_an_owner_or_a_member_or_neither(
    strict: Domain, roles: str, owners: int, members: int
) -> None:
    strict.rules(rolesAsUsers=roles)
    user = {"userIdentifier": strict.stranger_arn}

    def own() -> object:
        return strict.owner.add_entity_owner(
            domainIdentifier=strict.id, entityType="DOMAIN_UNIT", entityIdentifier=strict.unit, owner={"user": user}
        )

    def join() -> object:
        return strict.owner.create_project_membership(
            domainIdentifier=strict.id, projectIdentifier=strict.project, member=user, designation="PROJECT_OWNER"
        )

    for works, act, operation in ((owners, own, "AddEntityOwner"), (members, join, "CreateProjectMembership")):
        if works:
            act()
        else:
            not_permitted(act, operation)


def test_what_does_not_exist_is_denied_or_not_found(strict: Domain) -> None:
    world = strict.world
    try:
        world.control("rules", {"strict": True})
        not_permitted(lambda: strict.owner.get_domain(identifier="dzd-nowhere"), "GetDomain")
        not_permitted(
            lambda: strict.owner.get_project(domainIdentifier="dzd-nowhere", identifier="nothing0000000"), "GetProject"
        )
        world.control("rules", {"absentDomain": 404})
        with pytest.raises(ClientError) as error:
            strict.owner.get_domain(identifier="dzd-nowhere")
        assert refused(error) == "ResourceNotFoundException"
    finally:
        world.control("rules", {"strict": True, "absentDomain": 403})

    def absent() -> object:
        return strict.owner.get_project(domainIdentifier=strict.id, identifier="nothing0000000")

    with pytest.raises(ClientError) as error:
        absent()
    assert refused(error) == "ResourceNotFoundException"
    strict.rules(absentInDomain=403)
    not_permitted(absent, "GetProject")


def test_a_project_needs_a_grant_and_its_creator_owns_it(strict: Domain) -> None:
    profile = strict.owner.create_project_profile(domainIdentifier=strict.id, name="ungranted", status="ENABLED")["id"]
    wanted = {"domainIdentifier": strict.id, "name": fresh("mine"), "projectProfileId": profile}
    not_permitted(lambda: strict.stranger.create_project(**wanted), "CreateProject")
    granted = strict.owner.get_project(domainIdentifier=strict.id, identifier=strict.project)["projectProfileId"]
    made = strict.stranger.create_project(**(wanted | {"projectProfileId": granted}))["id"]
    where = {"domainIdentifier": strict.id, "projectIdentifier": made}
    members = strict.stranger.list_project_memberships(**where)["members"]
    assert [item["designation"] for item in members] == ["PROJECT_OWNER"]
    not_permitted(lambda: strict.owner.list_environments(**where), "ListEnvironments")
    not_permitted(
        lambda: strict.stranger.delete_project(domainIdentifier=strict.id, identifier=strict.project), "DeleteProject"
    )


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_of_domain_has_its_own_project_roles(world: World, kind: str) -> None:
    domain = make(world, kind)
    described = domain.sagemaker_domain()
    studio = described["DomainSettings"]["UnifiedStudioSettings"]
    assert (studio["DomainId"], studio["ProjectId"]) == (domain.id, domain.project)
    assert (studio["DomainAccountId"], studio["DomainRegion"]) == (ACCOUNT, REGION)
    assert studio["EnvironmentId"] == domain.environment()
    assert described["tags"]["AmazonDataZoneProject"] == domain.project
    role = described["DefaultSpaceSettings"]["ExecutionRole"]
    names = {
        "identity-center": f"role/datazone_usr_role_{domain.project}_{studio['EnvironmentId']}",
        "iam": "role/service-role/AmazonSageMakerUserIAMExecutionRole_",
    }
    assert f":{names[kind]}" in role
    bucket, _, rest = studio["ProjectS3Path"].removeprefix("s3://").partition("/")
    assert rest.startswith(f"{domain.id}/{domain.project}/")
    end = bucket.removeprefix(f"amazon-sagemaker-{ACCOUNT}-{REGION}-")
    assert len(end) == 12
    assert set(end) <= set("0123456789abcdef")
    assert end not in domain.id
    found = domain.owner.get_domain(identifier=domain.id)["singleSignOn"]["type"]
    assert found == ("IAM_IDC" if kind == "identity-center" else "DISABLED")


def test_a_role_with_a_path_is_given_to_a_project_of_an_iam_based_domain(world: World) -> None:
    trust = {"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"}
    iam, name = world.client("iam"), fresh("given")
    role = iam.create_role(RoleName=name, Path="/team/", AssumeRolePolicyDocument=json.dumps({"Statement": [trust]}))
    arn = role["Role"]["Arn"]
    domain = make(world, "iam", projectExecutionRole=arn)
    assert domain.sagemaker_domain()["DefaultSpaceSettings"]["ExecutionRole"] == arn
    # The caller of a session is the role with its path.
    member = world.client("datazone", world.keys_of(arn))
    member.list_environments(domainIdentifier=domain.id, projectIdentifier=domain.project)
    domain.owner.delete_project(domainIdentifier=domain.id, identifier=domain.project)
    eventually(lambda: not domain.owner.list_projects(domainIdentifier=domain.id)["items"])
    assert iam.get_role(RoleName=name)["Role"]["Arn"] == arn


def test_an_identity_center_domain_takes_no_role_for_a_project(strict: Domain) -> None:
    with pytest.raises(ClientError, match="IAM-based domain only"):
        strict.owner.create_project(
            domainIdentifier=strict.id, name="given", projectExecutionRole=f"arn:aws:iam::{ACCOUNT}:role/any"
        )


def test_a_fact_can_be_left_out(world: World) -> None:
    everything = ["DefaultSpaceSettings", "ProjectS3Path", "AmazonDataZoneProject"]
    domain = make(world, rules={"leftOut": everything})
    described = domain.sagemaker_domain()
    assert "DefaultSpaceSettings" not in described
    assert "ProjectS3Path" not in described["DomainSettings"]["UnifiedStudioSettings"]
    assert not {"ProjectS3Path", "AmazonDataZoneProject"} & described["tags"].keys()
    domain = make(world, rules={"leftOut": ["UnifiedStudioSettings"]})
    assert "UnifiedStudioSettings" not in domain.sagemaker_domain().get("DomainSettings", {})


def test_a_policy_of_others_on_its_role_keeps_a_project_from_being_deleted(strict: Domain) -> None:
    role = strict.sagemaker_domain()["DefaultSpaceSettings"]["ExecutionRole"].rpartition("/")[2]
    statement = {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": "*"}
    iam = strict.world.client("iam")
    iam.put_role_policy(
        RoleName=role, PolicyName="ours", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    )
    where = {"domainIdentifier": strict.id, "identifier": strict.project}
    strict.owner.delete_project(**where)
    eventually(lambda: strict.owner.get_project(**where)["projectStatus"] == "DELETE_FAILED")
    assert "ours" in strict.owner.get_project(**where)["failureReasons"][0]["message"]
    iam.delete_role_policy(RoleName=role, PolicyName="ours")
    strict.owner.delete_project(**where)
    eventually(lambda: not strict.owner.list_projects(domainIdentifier=strict.id)["items"])


def test_a_domain_with_its_own_key_answers_roles_that_may_use_it(world: World) -> None:
    key = world.client("kms").create_key()["KeyMetadata"]["Arn"]
    domain = make(world, kmsKey=key)
    iam, name = world.client("iam"), domain.stranger_arn.rpartition("/")[2]

    def read() -> Any:
        return domain.stranger.get_project(domainIdentifier=domain.id, identifier=domain.project)

    def may(*actions: str, service: str) -> None:
        through = {"StringEquals": {"kms:ViaService": f"{service}.{REGION}.amazonaws.com"}}
        statement = {"Effect": "Allow", "Action": list(actions), "Resource": key, "Condition": through}
        document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        iam.put_role_policy(RoleName=name, PolicyName="key", PolicyDocument=document)

    needed = ("kms:Decrypt", "kms:GenerateDataKey", "kms:DescribeKey")
    for actions, service in (((), ""), (needed, "s3"), (needed[:2], "datazone"), (needed[1:], "datazone")):
        if actions:
            may(*actions, service=service)
        with pytest.raises(ClientError, match="is not authorized to perform: kms:") as error:
            read()
        assert refused(error) == "AccessDeniedException"
    may(*needed, service="datazone")
    assert read()["id"] == domain.project
    assert domain.owner.get_domain(identifier=domain.id)["kmsKeyIdentifier"] == key
    boundary = json.dumps(
        {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "datazone:*", "Resource": "*"}]}
    )
    policy = iam.create_policy(PolicyName=fresh("boundary"), PolicyDocument=boundary)["Policy"]["Arn"]
    iam.put_role_permissions_boundary(RoleName=name, PermissionsBoundary=policy)
    with pytest.raises(ClientError, match="is not authorized to perform: kms:Decrypt"):
        read()


def test_controls_refuse_what_a_rule_or_a_kind_cannot_be(world: World) -> None:
    import urllib.error

    for path, body in (
        ("rules", {"absentDomain": 500}),
        ("rules", {"rolesAsUsers": "all"}),
        ("domains", {"domainName": fresh("odd"), "kind": "ldap"}),
    ):
        with pytest.raises(urllib.error.HTTPError):
            world.control(path, body)
