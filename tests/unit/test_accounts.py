"""Several accounts: the blueprint's template, its configuration, the profiles' places, and reading another's domain."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from botocore.stub import ANY, Stubber
from pydantic import ValidationError

from custom_resources import handlers, project_reader
from custom_resources.blueprint_enabling import wanted_grants
from custom_resources.blueprint_template import BlueprintTemplate, BlueprintTemplateProperties, Plan
from custom_resources.clients import FunctionClients, domain_access
from custom_resources.clients.blueprint_templates import BlueprintTemplates
from custom_resources.clients.blueprints import Blueprints, EntityType, Grant, PolicyType
from custom_resources.clients.regional_launches import RegionalLaunches
from custom_resources.clients.studio import Deployment, Project, Tooling
from custom_resources.errors import (
    AwsDenied,
    AwsNotFound,
    AwsRefused,
    BlueprintMissing,
    ConfigurationInUse,
    DomainNotShared,
    InUse,
    NotARequest,
    ProfileElsewhere,
    ProfileMissing,
    ProjectNotFound,
    ReaderRoleRefused,
    RegionNotEnabled,
    TemplateAltered,
    TemplateAssetMissing,
)
from custom_resources.profile_environments import pools_of
from custom_resources.reconciler import Done, Foreseen, Request
from custom_resources.studio_blueprint import StudioBlueprint
from custom_resources.studio_blueprint_configuration import StudioBlueprintConfiguration
from custom_resources.studio_project_profile import StudioProjectProfile
from tests.unit import test_studio_blueprint as with_studio
from tests.unit.test_studio_blueprint import (
    ACCOUNT,
    REGION,
    ROLE,
    Studio,
    blueprint_properties,
    environments_of,
    profile_properties,
    somebodys_profile,
    with_environment,
)

OTHER = "222222222222"
PLACES = [f"{ACCOUNT}/{REGION}", f"{OTHER}/eu-west-1"]
studio = with_studio.studio


# -- the blueprint's template -------------------------------------------------------------------------------------

CONTENT = b'{"Resources": {}}'
KEY = f"{hashlib.sha256(CONTENT).hexdigest()}.json"
ADDRESS = "https://s3.eu-central-1.amazonaws.com/blueprints"
TEMPLATE = BlueprintTemplateProperties(source_bucket="assets", source_key=KEY, address=ADDRESS)


class Templates:
    """The shared bucket."""

    def __init__(self, *keys: str) -> None:
        self.keys, self.copied = set(keys), list[tuple[str, str]]()

    def has(self, key: str) -> bool:
        return key in self.keys

    def copy_in(self, source_bucket: str, key: str) -> None:
        self.copied.append((source_bucket, key))


@pytest.mark.parametrize(
    ("kind", "there", "copied"),
    [("Create", False, 1), ("Create", True, 0), ("Update", False, 1), ("Delete", False, 0), ("Delete", True, 0)],
)
def test_a_template_is_copied_once_and_never_removed(kind: Any, there: bool, copied: int) -> None:
    bucket, clients = Templates(*[KEY] if there else []), FunctionClients({})
    clients.__dict__["blueprint_templates"] = bucket
    resource, request = BlueprintTemplate(clients), Request(kind, TEMPLATE, None, "", "stack", "T")
    with resource.observe(request) as observed:
        plan = resource.plan(request, observed)
    assert plan == Plan(copy=bool(copied))
    assert resource.apply(plan, request, lambda: None) == Done({"TemplateUrl": f"{ADDRESS}/{KEY}"}, physical_id=KEY)
    assert bucket.copied == [("assets", KEY)] * copied
    assert resource.foresee(request, observed, plan) == Foreseen()
    assert resource.provisional_id(TEMPLATE) == KEY


@pytest.mark.parametrize(
    "changes",
    [
        {"source_key": "template.json"},
        {"source_key": f"../{KEY}"},
        {"address": "blueprints"},
        {"address": "https://h/b/c"},
    ],
)
def test_only_assets_by_their_content_are_shared(changes: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        BlueprintTemplateProperties.model_validate(
            {"SourceBucket": "assets", "SourceKey": KEY, "Address": ADDRESS}
            | {"".join(word.capitalize() for word in key.split("_")): value for key, value in changes.items()}
        )


class Bucket:
    """S3 as the test tells it, and the shared bucket in it."""

    def __init__(self) -> None:
        client = boto3.client("s3", region_name=REGION, aws_access_key_id="x", aws_secret_access_key="x")
        self.told, self.templates = Stubber(client), BlueprintTemplates(client, "shared")


@pytest.fixture
def s3() -> Iterator[Bucket]:
    bucket = Bucket()
    with bucket.told:
        yield bucket
        bucket.told.assert_no_pending_responses()


def body(content: bytes) -> dict[str, Any]:
    return {"Body": io.BytesIO(content)}


def test_the_asset_is_what_its_name_says(s3: Bucket) -> None:
    s3.told.add_response("get_object", body(CONTENT), {"Bucket": "assets", "Key": KEY})
    written = {"Bucket": "shared", "Key": KEY, "Body": CONTENT, "ContentType": "application/json"}
    s3.told.add_response("put_object", {}, written)
    s3.templates.copy_in("assets", KEY)


def test_another_content_is_not_shared(s3: Bucket) -> None:
    s3.told.add_response("get_object", body(b"{}"))
    with pytest.raises(TemplateAltered, match="assets"):
        s3.templates.copy_in("assets", KEY)


@pytest.mark.parametrize(("code", "status"), [("AccessDenied", 403), ("NoSuchKey", 404)])
def test_an_asset_that_is_not_there_is_said(s3: Bucket, code: str, status: int) -> None:
    s3.told.add_client_error("get_object", code, http_status_code=status)
    with pytest.raises(TemplateAssetMissing, match="Deploy StudioDomainStack again"):
        s3.templates.copy_in("assets", KEY)


def test_it_knows_what_is_there(s3: Bucket) -> None:
    s3.told.add_response("head_object", {}, {"Bucket": "shared", "Key": KEY})
    s3.told.add_client_error("head_object", "404", http_status_code=404)
    s3.told.add_client_error("head_object", "403", http_status_code=403)
    templates = s3.templates
    assert templates.has(KEY)
    assert not templates.has(KEY)
    with pytest.raises(AwsDenied):
        templates.has(KEY)


# -- the blueprint, registered only -------------------------------------------------------------------------------


def only_registered(studio: Studio, **changes: Any) -> str:
    properties = blueprint_properties(studio, Configured="false", **changes)
    for key in ("ProvisioningRoleArn", "EnabledRegions"):
        properties.pop(key)
    return str(studio.run(StudioBlueprint, "Create", properties)["PhysicalResourceId"])


def test_in_the_domains_account_a_blueprint_is_registered_and_no_more(studio: Studio) -> None:
    blueprint = only_registered(studio)
    assert studio.writes() == ["CreateEnvironmentBlueprint"]
    assert studio.blueprints.configuration(studio.domain, blueprint) is None
    properties = blueprint_properties(studio, Configured="false", TemplateUrl="https://s3.x.amazonaws.com/b/2.json")
    studio.run(StudioBlueprint, "Update", properties, old=blueprint_properties(studio), physical_id=blueprint)
    assert studio.writes() == ["CreateEnvironmentBlueprint", "UpdateEnvironmentBlueprint"]
    studio.run(StudioBlueprint, "Delete", properties, physical_id=blueprint)
    assert studio.writes()[2:] == ["DeleteEnvironmentBlueprint"]


def test_the_accounts_configurations_are_left_to_them(studio: Studio) -> None:
    blueprint = only_registered(studio)
    enabled(studio)
    with_environment(studio, blueprint)
    before = len(studio.writes())
    with pytest.raises(InUse):
        studio.run(StudioBlueprint, "Delete", blueprint_properties(studio, Configured="false"), physical_id=blueprint)
    assert studio.writes()[before:] == ["DeleteEnvironmentBlueprint"], "DataZone refused it, and nothing else is tried"
    assert studio.blueprints.configuration(studio.domain, blueprint)


# -- the configuration of an account ------------------------------------------------------------------------------


def configuration_properties(studio: Studio, **changes: Any) -> dict[str, Any]:
    return {
        "ServiceToken": "arn:aws:lambda:us-east-1:111122223333:function:p",
        "DomainId": studio.domain,
        "BlueprintName": "MLOps repositories",
        "ProvisioningRoleArn": ROLE,
        "EnabledRegions": [REGION],
        **changes,
    }


def enabled(studio: Studio, **changes: Any) -> str:
    properties = configuration_properties(studio, **changes)
    return str(studio.run(StudioBlueprintConfiguration, "Create", properties)["PhysicalResourceId"])


def entity(blueprint: str) -> dict[str, Any]:
    return {
        "entityType": "ENVIRONMENT_BLUEPRINT_CONFIGURATION",
        "entityIdentifier": f"{ACCOUNT}:{blueprint}",
        "policyType": "CREATE_ENVIRONMENT_FROM_BLUEPRINT",
    }


def grants(studio: Studio, blueprint: str) -> list[Any]:
    answer = studio.client.list_policy_grants(domainIdentifier=studio.domain, **entity(blueprint))
    return list(answer["grantList"])


def test_an_account_enables_and_grants_the_blueprint_for_itself(studio: Studio) -> None:
    blueprint = only_registered(studio)
    studio.stand_in.calls.clear()
    assert enabled(studio) == blueprint
    assert studio.writes() == ["PutEnvironmentBlueprintConfiguration", "AddPolicyGrant", "AddPolicyGrant"]
    found = studio.blueprints.configuration(studio.domain, blueprint)
    assert found
    assert (found.provisioning_role, found.regions) == (ROLE, (REGION,))
    assert len(grants(studio, blueprint)) == 2


def test_what_is_as_desired_is_not_written_again(studio: Studio) -> None:
    blueprint = only_registered(studio)
    enabled(studio)
    studio.stand_in.calls.clear()
    properties = configuration_properties(studio)
    studio.run(StudioBlueprintConfiguration, "Update", properties, old=properties, physical_id=blueprint)
    assert studio.writes() == []


def test_another_domain_unit_takes_the_accounts_grants_along(studio: Studio) -> None:
    blueprint = only_registered(studio)
    enabled(studio)
    unit = studio.client.create_domain_unit(
        domainIdentifier=studio.domain, name="Team", parentDomainUnitIdentifier=studio.root
    )["id"]
    studio.stand_in.calls.clear()
    studio.run(
        StudioBlueprintConfiguration,
        "Update",
        configuration_properties(studio, DomainUnitId=unit),
        old=configuration_properties(studio),
        physical_id=blueprint,
    )
    assert studio.writes() == ["AddPolicyGrant"] * 2 + ["RemovePolicyGrant"] * 2
    units = {
        each["principal"]["project"]["projectGrantFilter"]["domainUnitFilter"]["domainUnit"]
        for each in grants(studio, blueprint)
    }
    assert units == {unit}


def test_without_a_blueprint_it_says_what_comes_first(studio: Studio) -> None:
    with pytest.raises(
        BlueprintMissing, match="Deploy StudioDomainStack in the domain's account, then deploy this stack again"
    ):
        enabled(studio)
    assert studio.writes() == []


class Noting(Blueprints):
    """Notes whose grants are removed."""

    removed: ClassVar[list[str]] = []

    def remove_grant(
        self, domain_id: str, entity: EntityType, identifier: str, policy: PolicyType, grant: Grant
    ) -> None:
        self.removed.append(identifier)
        super().remove_grant(domain_id, entity, identifier, policy, grant)


def test_a_deletion_removes_the_accounts_own_and_leaves_the_blueprint(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    blueprint = only_registered(studio)
    enabled(studio)
    studio.stand_in.calls.clear()
    monkeypatch.setattr(Studio, "blueprints", property(lambda self: Noting(self.client)))
    properties = configuration_properties(studio)
    for _ in range(2):
        studio.run(StudioBlueprintConfiguration, "Delete", properties, physical_id=blueprint)
    assert studio.writes() == ["RemovePolicyGrant"] * 2 + ["DeleteEnvironmentBlueprintConfiguration"]
    assert set(Noting.removed) == {f"{ACCOUNT}:{blueprint}"}, "its own account's"
    assert studio.blueprints.blueprint(studio.domain, blueprint), "the blueprint is the domain's"


def test_a_deletion_names_the_projects_that_need_the_role(studio: Studio) -> None:
    blueprint = only_registered(studio)
    enabled(studio)
    studio.regional_launches.names = {REGION: ["studio-p1", "studio-p2"]}
    studio.stand_in.calls.clear()
    with pytest.raises(ConfigurationInUse, match=rf"p1 \({REGION}\), p2 \({REGION}\)"):
        studio.run(StudioBlueprintConfiguration, "Delete", configuration_properties(studio), physical_id=blueprint)
    assert studio.regional_launches.asked[-1] == (REGION, "blueprint")
    assert studio.writes() == []


FURTHER = "us-west-2"
TWO = [REGION, FURTHER]


def test_projects_of_a_further_region_keep_the_accounts_configuration(studio: Studio) -> None:
    """An account has one configuration for all its regions: taking it away at home takes it from them."""
    blueprint = only_registered(studio)
    enabled(studio, EnabledRegions=TWO)
    studio.regional_launches.names = {FURTHER: ["studio-p1"]}
    studio.stand_in.calls.clear()
    # What is enabled counts, whatever regions the event names.
    for named in (TWO, [REGION]):
        properties = configuration_properties(studio, EnabledRegions=named)
        with pytest.raises(ConfigurationInUse, match=rf"in the projects p1 \({FURTHER}\)"):
            studio.run(StudioBlueprintConfiguration, "Delete", properties, physical_id=blueprint)
    assert studio.writes() == []
    studio.regional_launches.names = {"eu-west-1": ["studio-of-nobody"]}  # where it was never enabled
    studio.run(StudioBlueprintConfiguration, "Delete", properties, physical_id=blueprint)
    assert studio.blueprints.configuration(studio.domain, blueprint) is None


def test_a_region_that_projects_live_in_cannot_be_left_out(studio: Studio) -> None:
    blueprint = only_registered(studio)
    enabled(studio, EnabledRegions=TWO)
    old, new = (configuration_properties(studio, EnabledRegions=each) for each in (TWO, [REGION]))
    studio.regional_launches.names = {REGION: ["studio-p1"], FURTHER: ["studio-p2"]}
    studio.stand_in.calls.clear()
    with pytest.raises(ConfigurationInUse, match=rf"in the projects p2 \({FURTHER}\)\. .*deploy it again without"):
        studio.run(StudioBlueprintConfiguration, "Update", new, old=old, physical_id=blueprint)
    assert studio.writes() == []
    studio.regional_launches.names.pop(FURTHER)
    studio.run(StudioBlueprintConfiguration, "Update", new, old=old, physical_id=blueprint)
    found = studio.blueprints.configuration(studio.domain, blueprint)
    assert found
    assert found.regions == (REGION,)


def test_what_is_not_known_of_a_region_keeps_the_configuration(studio: Studio) -> None:
    blueprint = only_registered(studio)
    enabled(studio)
    studio.regional_launches.denied = True
    with pytest.raises(AwsDenied):
        studio.run(StudioBlueprintConfiguration, "Delete", configuration_properties(studio), physical_id=blueprint)
    assert studio.blueprints.configuration(studio.domain, blueprint)


def further(studio: Studio, **changes: Any) -> dict[str, Any]:
    return configuration_properties(studio, EnabledRegions=[FURTHER], Home="false", **changes)


def test_a_further_region_writes_nothing_and_waits_for_its_home(studio: Studio) -> None:
    blueprint = only_registered(studio)
    for home in ([], [REGION]):
        if home:
            enabled(studio, EnabledRegions=home)
        with pytest.raises(RegionNotEnabled, match=f"{FURTHER} in this account.*the account's home Region, then"):
            studio.run(StudioBlueprintConfiguration, "Create", further(studio))
    properties = configuration_properties(studio, EnabledRegions=TWO)
    studio.run(StudioBlueprintConfiguration, "Update", properties, old=properties, physical_id=blueprint)
    studio.stand_in.calls.clear()
    answer = studio.run(StudioBlueprintConfiguration, "Create", further(studio))
    assert answer["PhysicalResourceId"] == blueprint
    studio.run(StudioBlueprintConfiguration, "Delete", further(studio), physical_id=blueprint)
    assert studio.writes() == []
    assert studio.blueprints.configuration(studio.domain, blueprint), "it is the home region's"


def test_a_further_region_stays_while_its_own_projects_need_it(studio: Studio) -> None:
    blueprint = only_registered(studio)
    enabled(studio, EnabledRegions=TWO)
    studio.regional_launches.names = {FURTHER: ["studio-p1"]}
    with pytest.raises(ConfigurationInUse, match=rf"p1 \({FURTHER}\)"):
        studio.run(StudioBlueprintConfiguration, "Delete", further(studio), physical_id=blueprint)
    studio.regional_launches.names = {REGION: ["studio-at-home"]}
    studio.run(StudioBlueprintConfiguration, "Delete", further(studio), physical_id=blueprint)


def test_datazones_own_refusal_brings_the_grants_back(studio: Studio) -> None:
    """By whatever error: the API's reference has no conflict for it."""
    blueprint = only_registered(studio)
    enabled(studio)
    with_environment(studio, blueprint)
    domain = studio.stand_in.datazone.domains[studio.domain]
    domain.rules = domain.rules.changed({"usedConfigurationsGo": False})
    with pytest.raises(AwsRefused, match="is used by environments"):
        studio.run(StudioBlueprintConfiguration, "Delete", configuration_properties(studio), physical_id=blueprint)
    assert len(grants(studio, blueprint)) == 2
    domain.rules = domain.rules.changed({"usedConfigurationsGo": True})
    studio.run(StudioBlueprintConfiguration, "Delete", configuration_properties(studio), physical_id=blueprint)
    assert studio.blueprints.configuration(studio.domain, blueprint) is None


class Aws:
    """boto3's clients as the test tells them, by service and region."""

    def __init__(self) -> None:
        self.told: dict[tuple[str, str], Stubber] = {}

    def client(self, service: str, region_name: str = REGION) -> Any:
        stubber = self.at(service, region_name)
        stubber.activate()
        return stubber.client

    def at(self, service: str, region: str) -> Stubber:
        if (service, region) not in self.told:
            made: Any = boto3.client  # the service's name is a variable
            client = made(service, region_name=region, aws_access_key_id="x", aws_secret_access_key="x")
            self.told[service, region] = Stubber(client)
        return self.told[service, region]


def launch(name: str, product: str = "prod-west", door: str = "blueprint") -> dict[str, Any]:
    return {"Name": name, "ProductId": product, "Tags": [{"Key": "studio-mlops:launched-by", "Value": door}]}


def test_a_regions_launches_are_those_of_its_own_product() -> None:
    aws = Aws()
    launches = RegionalLaunches(aws.client, "/studio-mlops/product-id")
    parameter = {"Name": "/studio-mlops/product-id"}
    aws.at("ssm", FURTHER).add_response("get_parameter", {"Parameter": {"Value": "prod-west"}}, parameter)
    searched = {
        "AccessLevelFilter": {"Key": "Account", "Value": "self"},
        "Filters": {"SearchQuery": ["productId:prod-west"]},
        "PageSize": 100,
    }
    found = [
        launch("studio-p2"),
        launch("studio-p1"),
        launch("studio-p3", door="project-setup"),
        launch("studio-p4", "prod-of-another-installation"),
    ]
    aws.at("servicecatalog", FURTHER).add_response(
        "search_provisioned_products", {"ProvisionedProducts": found}, searched
    )
    assert launches.launched_by(FURTHER, "blueprint") == ["studio-p1", "studio-p2"]
    aws.at("ssm", "eu-west-1").add_client_error("get_parameter", "ParameterNotFound", http_status_code=400)
    assert launches.launched_by("eu-west-1", "blueprint") == []
    aws.at("ssm", REGION).add_client_error("get_parameter", "AccessDeniedException", http_status_code=400)
    with pytest.raises(AwsDenied):
        launches.launched_by(REGION, "blueprint")


def test_a_deletion_of_what_was_never_enabled_is_fine(studio: Studio) -> None:
    properties = configuration_properties(studio)
    studio.run(StudioBlueprintConfiguration, "Delete", properties, physical_id=f"{studio.domain}/MLOps repositories")
    assert studio.writes() == []


class Refusing(Blueprints):
    """DataZone has environments that nobody shows us."""

    def delete_configuration(self, domain_id: str, blueprint_id: str) -> None:
        raise InUse(kind="configuration of the blueprint", name=blueprint_id)


def test_in_use_after_all_the_grants_come_back(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    blueprint = only_registered(studio)
    enabled(studio)
    monkeypatch.setattr(Studio, "blueprints", property(lambda self: Refusing(self.client)))
    with pytest.raises(InUse):
        studio.run(StudioBlueprintConfiguration, "Delete", configuration_properties(studio), physical_id=blueprint)
    assert len(grants(studio, blueprint)) == 2


def test_a_domain_that_is_not_shared_is_said_with_what_to_do() -> None:
    client = boto3.client("datazone", region_name=REGION, aws_access_key_id="x", aws_secret_access_key="x")
    with Stubber(client) as stubber:
        for operation in ("get_domain", "add_policy_grant"):
            stubber.add_client_error(operation, "AccessDeniedException", "no")
        blueprints = Blueprints(client, elsewhere=True)
        with pytest.raises(DomainNotShared, match="request an association with this account"):
            blueprints.root_domain_unit("dzd_1")
        with pytest.raises(DomainNotShared):
            blueprints.add_grant(
                "dzd_1",
                "ENVIRONMENT_BLUEPRINT_CONFIGURATION",
                "222222222222:b1",
                "CREATE_ENVIRONMENT_FROM_BLUEPRINT",
                wanted_grants("unit1")[0],
            )


# -- profiles by place --------------------------------------------------------------------------------------------


class Pools(Blueprints):
    """A domain with an account pool."""

    ACCOUNTS: tuple[tuple[str, str], ...] = ((OTHER, "eu-west-1"),)

    def accounts_of_pool(self, domain_id: str, pool_id: str) -> list[tuple[str, str]]:
        assert pool_id == "pool1"
        return list(self.ACCOUNTS)


def joined(studio: Studio, **changes: Any) -> dict[str, Any]:
    """Return our environment in the profile after a Create."""
    blueprint = only_registered(studio)
    properties = profile_properties(studio, blueprint, **changes)
    for key in ("AwsAccount", "AwsRegion"):
        if "Places" in changes and properties.get("Own") != "true":
            properties.pop(key)
    studio.run(StudioProjectProfile, "Create", properties)
    profile = studio.blueprints.profile_id(studio.domain, "Regression")
    return next(each for each in environments_of(studio, profile) if each["environmentBlueprintId"] == blueprint)


def moved(studio: Studio, profile: str, **location: Any) -> None:
    """Move a profile's tooling; account pools that it names are there."""
    for pool in location.get("accountPools", []):
        studio.stand_in.datazone.domains[studio.domain].pools[pool] = {"id": pool, "name": pool}
    environments = [
        {key: value for key, value in each.items() if key not in ("awsAccount", "awsRegion", "accountPools")} | location
        for each in environments_of(studio, profile)
    ]
    studio.client.update_project_profile(
        domainIdentifier=studio.domain, identifier=profile, environmentConfigurations=environments
    )


def at(account: str, region: str) -> dict[str, Any]:
    return {"awsAccount": {"awsAccountId": account}, "awsRegion": {"regionName": region}}


def where(environment: dict[str, Any]) -> dict[str, Any]:
    return {key: environment[key] for key in ("awsAccount", "awsRegion", "accountPools") if environment.get(key)}


def test_a_profile_is_where_its_tooling_is(studio: Studio) -> None:
    moved(studio, somebodys_profile(studio), **at(OTHER, "eu-west-1"))
    assert where(joined(studio, Places=PLACES)) == at(OTHER, "eu-west-1")


@pytest.mark.parametrize("place", [("444444444444", "eu-west-1"), (OTHER, "us-west-2")])
def test_a_profile_elsewhere_is_refused_with_the_list(studio: Studio, place: tuple[str, str]) -> None:
    profile = somebodys_profile(studio)
    moved(studio, profile, **at(*place))
    before = environments_of(studio, profile)
    with pytest.raises(ProfileElsewhere) as refused:
        joined(studio, Places=PLACES)
    assert f"'Regression' creates projects in {'/'.join(place)}" in str(refused.value)
    assert ", ".join(PLACES) in str(refused.value)
    assert environments_of(studio, profile) == before, "nothing was written"


# -- the profiles of the second door ------------------------------------------------------------------------------


def by_event(studio: Studio, blueprint: str, **changes: Any) -> dict[str, Any]:
    properties = profile_properties(studio, blueprint, Places=PLACES, Joined="false", **changes)
    return {key: value for key, value in properties.items() if not key.startswith("Aws")}


def test_a_profile_of_the_second_door_is_looked_at_and_left_alone(studio: Studio) -> None:
    blueprint, profile = only_registered(studio), somebodys_profile(studio)
    before = environments_of(studio, profile)
    studio.stand_in.calls.clear()
    properties = by_event(studio, blueprint)
    answer = studio.run(StudioProjectProfile, "Create", properties)
    assert answer["PhysicalResourceId"] == profile
    studio.run(StudioProjectProfile, "Delete", properties, physical_id=profile)
    assert studio.writes() == []
    assert environments_of(studio, profile) == before


@pytest.mark.parametrize("missing", [False, True])
def test_a_profile_of_the_second_door_elsewhere_is_refused_with_the_list(studio: Studio, missing: bool) -> None:
    blueprint = only_registered(studio)
    if not missing:
        somebodys_profile(studio)
    properties = by_event(studio, blueprint) | {"Places": ["333333333333/eu-west-1", f"{OTHER}/eu-west-1"]}
    studio.stand_in.calls.clear()
    with pytest.raises(
        ProfileMissing if missing else ProfileElsewhere,
        match="Regression" if missing else rf"{ACCOUNT}/{REGION}.*333333333333/eu-west-1, {OTHER}/eu-west-1",
    ):
        studio.run(StudioProjectProfile, "Create", properties)
    assert studio.writes() == []


def test_a_pools_account_that_is_not_listed_closes_the_second_door_too(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    blueprint, profile = only_registered(studio), somebodys_profile(studio)
    stored = studio.stand_in.datazone.domains[studio.domain].profiles[profile]
    for each in stored["environmentConfigurations"]:
        each.pop("awsAccount"), each.pop("awsRegion")
        each["accountPools"] = ["pool1"]
    monkeypatch.setattr(Studio, "blueprints", property(lambda self: Pools(self.client)))
    studio.run(StudioProjectProfile, "Create", by_event(studio, blueprint))
    monkeypatch.setattr(Pools, "ACCOUNTS", ((OTHER, "eu-west-1"), ("444444444444", "eu-west-1")))
    with pytest.raises(ProfileElsewhere, match="444444444444/eu-west-1"):
        studio.run(StudioProjectProfile, "Create", by_event(studio, blueprint))


def test_a_profile_may_change_the_door(studio: Studio) -> None:
    """Both doors have one logical id for it, so that CloudFormation updates one resource."""
    blueprint, profile = only_registered(studio), somebodys_profile(studio)
    before = environments_of(studio, profile)
    event = by_event(studio, blueprint)
    first = {key: value for key, value in event.items() if key != "Joined"}
    studio.run(StudioProjectProfile, "Create", first)
    assert len(environments_of(studio, profile)) == len(before) + 1
    studio.run(StudioProjectProfile, "Update", event, old=first, physical_id=profile)
    assert environments_of(studio, profile) == before
    studio.run(StudioProjectProfile, "Update", first, old=event, physical_id=profile)
    assert len(environments_of(studio, profile)) == len(before) + 1


def test_in_one_account_a_profile_of_another_is_refused(studio: Studio) -> None:
    profile = somebodys_profile(studio)
    moved(studio, profile, **at(OTHER, "eu-west-1"))
    with pytest.raises(ProfileElsewhere, match=f"{OTHER}/eu-west-1.*only {ACCOUNT}"):
        joined(studio)
    assert len(environments_of(studio, profile)) == 2


@pytest.mark.parametrize("places", [PLACES, []])
def test_account_pools_are_copied(studio: Studio, monkeypatch: pytest.MonkeyPatch, places: Sequence[str]) -> None:
    monkeypatch.setattr(Studio, "blueprints", property(lambda self: Pools(self.client)))
    pool = {"accountPools": ["pool1"], "awsRegion": {"regionName": "eu-west-1"}}
    moved(studio, somebodys_profile(studio), **pool)
    assert where(joined(studio, **({"Places": places} if places else {}))) == pool


def test_a_pool_with_an_account_that_is_not_listed_is_refused(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Studio, "blueprints", property(lambda self: Pools(self.client)))
    monkeypatch.setattr(Pools, "ACCOUNTS", ((OTHER, "eu-west-1"), ("444444444444", "eu-west-1"), (OTHER, "us-east-1")))
    moved(studio, somebodys_profile(studio), accountPools=["pool1"], awsRegion={"regionName": "eu-west-1"})
    with pytest.raises(ProfileElsewhere, match="444444444444/eu-west-1"):
        joined(studio, Places=PLACES)


def test_a_place_by_its_path_is_taken_as_it_is(studio: Studio) -> None:
    path = {"awsAccount": {"awsAccountIdPath": "/accounts/b"}, "awsRegion": {"regionName": "eu-west-1"}}
    moved(studio, somebodys_profile(studio), **path)
    assert where(joined(studio, Places=PLACES)) == path


def test_a_profile_that_names_no_place_is_the_domains(studio: Studio) -> None:
    moved(studio, somebodys_profile(studio))
    with pytest.raises(ProfileElsewhere, match=f"{ACCOUNT}/{REGION}"):
        joined(studio, Places=PLACES[1:])


def own(studio: Studio, blueprint: str, **changes: Any) -> dict[str, Any]:
    return profile_properties(studio, blueprint, Own="true", Places=PLACES, **changes)


def test_a_profile_of_ours_is_where_the_settings_say(studio: Studio) -> None:
    blueprint = only_registered(studio)
    before = own(studio, blueprint, AwsAccount=OTHER, AwsRegion="eu-west-1")
    profile = str(studio.run(StudioProjectProfile, "Create", before)["PhysicalResourceId"])
    assert [where(each) for each in environments_of(studio, profile)] == [at(OTHER, "eu-west-1")] * 2
    studio.run(StudioProjectProfile, "Update", own(studio, blueprint), old=before, physical_id=profile)
    assert [where(each) for each in environments_of(studio, profile)] == [at(ACCOUNT, REGION)] * 2


@pytest.mark.parametrize("given", ["all", "tooling", "ours"])
def test_a_pool_that_somebody_gave_our_profile_stays(
    studio: Studio, monkeypatch: pytest.MonkeyPatch, given: str
) -> None:
    """Our environment is where the tooling is: a pool that only ours has got is taken out again."""
    blueprint = only_registered(studio)
    profile = str(studio.run(StudioProjectProfile, "Create", own(studio, blueprint))["PhysicalResourceId"])
    pool = {"accountPools": ["pool1"], "awsRegion": {"regionName": "eu-west-1"}}
    before = environments_of(studio, profile)
    moved(studio, profile, **pool)
    moved_ones = {"all": {True, False}, "tooling": {False}, "ours": {True}}[given]
    mixed = [
        new if (old["environmentBlueprintId"] == blueprint) in moved_ones else old
        for old, new in zip(before, environments_of(studio, profile), strict=True)
    ]
    studio.client.update_project_profile(
        domainIdentifier=studio.domain, identifier=profile, environmentConfigurations=mixed
    )
    monkeypatch.setattr(Studio, "blueprints", property(lambda self: Pools(self.client)))
    changed = own(studio, blueprint, Description="Other")
    studio.run(StudioProjectProfile, "Update", changed, old=own(studio, blueprint), physical_id=profile)
    wanted = at(ACCOUNT, REGION) if given == "ours" else pool
    assert [where(each) for each in environments_of(studio, profile)] == [wanted] * 2


def test_a_profile_of_ours_needs_a_place(studio: Studio) -> None:
    properties = own(studio, "b1")
    properties.pop("AwsAccount")
    with pytest.raises(Exception, match="needs the account and region"):
        studio.run(StudioProjectProfile, "Create", properties)


def test_a_pools_accounts_are_read_with_their_regions() -> None:
    client = boto3.client("datazone", region_name=REGION, aws_access_key_id="x", aws_secret_access_key="x")
    told = {"accounts": [{"awsAccountId": OTHER, "supportedRegions": ["eu-west-1", "us-east-1"]}]}
    by_function = {"customAccountPoolHandler": {"lambdaFunctionArn": "arn:aws:lambda:us-east-1:1:function:f"}}
    with Stubber(client) as stubber:
        for source in (told, by_function):
            stubber.add_response(
                "get_account_pool",
                {"accountSource": source, "createdBy": "me"},
                {"domainIdentifier": "dzd_1", "identifier": "pool1"},
            )
        blueprints = Blueprints(client)
        assert blueprints.accounts_of_pool("dzd_1", "pool1") == [(OTHER, "eu-west-1"), (OTHER, "us-east-1")]
        assert blueprints.accounts_of_pool("dzd_1", "pool1") == [], "a function chooses: known at creation only"
    assert pools_of([{"accountPools": ["a", "b"]}, {"accountPools": None}, {"accountPools": ["a"]}]) == ["a", "b"]


# -- another account's domain -------------------------------------------------------------------------------------


class Raw(io.BytesIO):
    """An answer's body, as botocore reads it."""

    def stream(self) -> Iterator[bytes]:
        yield self.read()


class Sts:
    """STS of the function's account."""

    def __init__(self, denied: bool = False) -> None:
        self.denied, self.asked = denied, list[dict[str, Any]]()

    def __call__(self, service: str) -> Any:
        assert service == "sts"
        client = boto3.client("sts", region_name=REGION, aws_access_key_id="own", aws_secret_access_key="own")
        stubber = Stubber(client)
        if self.denied:
            stubber.add_client_error("assume_role", "AccessDenied", "not authorized")
        else:
            stubber.add_response(
                "assume_role",
                {
                    "Credentials": {
                        "AccessKeyId": "READERREADERREADER12",
                        "SecretAccessKey": "secret",
                        "SessionToken": "token",
                        "Expiration": datetime.now(UTC) + timedelta(hours=1),
                    }
                },
                {"RoleArn": "arn:aws:iam::1:role/reader", "RoleSessionName": ANY, "DurationSeconds": 3600},
            )
        stubber.activate()
        self.asked.append({})
        return client


def test_the_domain_is_called_where_it_is_as_the_reader() -> None:
    sts, seen = Sts(), list[Any]()
    client = domain_access.datazone_client("eu-central-1", "arn:aws:iam::1:role/reader", sts)
    retries = client.meta.config.retries
    assert (client.meta.region_name, retries["mode"], retries["total_max_attempts"]) == ("eu-central-1", "standard", 5)
    assert not sts.asked, "nothing is contacted when it is made"

    def answer(request: Any, **_: Any) -> Any:
        seen.append(request)
        headers = HTTPHeaders()
        headers["x-amzn-errortype"] = "ResourceNotFoundException"
        return AWSResponse(request.url, 404, headers, Raw(b"{}"))

    client.meta.events.register("before-send.datazone", answer)
    for _ in range(2):
        with pytest.raises(client.exceptions.ResourceNotFoundException):
            client.get_project(domainIdentifier="dzd_1", identifier="p1")
    assert len(sts.asked) == 1, "one session for both"
    assert {request.url.split("/")[2] for request in seen} == {"datazone.eu-central-1.api.aws"}
    assert all("READERREADERREADER12" in str(request.headers["Authorization"]) for request in seen)
    assert all("eu-central-1/datazone" in str(request.headers["Authorization"]) for request in seen)


def test_a_reader_role_that_does_not_trust_us_is_said_with_what_to_do() -> None:
    client = domain_access.datazone_client("eu-central-1", "arn:aws:iam::1:role/reader", Sts(denied=True))
    with pytest.raises(ReaderRoleRefused, match=r"\[accounts\] in settings.toml and deploy DomainFoundationStack"):
        client.get_project(domainIdentifier="dzd_1", identifier="p1")


def test_functions_find_the_domain_by_their_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    made: list[str] = []

    def client(service: str) -> Any:
        made.append(service)
        return boto3.client(service, region_name=REGION)  # type: ignore[call-overload]

    here = FunctionClients({}, client)
    assert here.studio._datazone.meta.region_name == REGION
    assert here.blueprints._writing.denied is not DomainNotShared
    there = FunctionClients({"DATAZONE_REGION": "eu-central-1"}, client)
    assert there.blueprints._datazone.meta.region_name == "eu-central-1"
    assert there.blueprints._writing.denied is DomainNotShared
    assert there.studio._sagemaker.meta.region_name == REGION, "SageMaker is the project's account's and region's"


# -- what the second door asks ------------------------------------------------------------------------------------

STACK = f"arn:aws:cloudformation:eu-west-1:{OTHER}:stack/DataZone-Env-1/x"
HERE = f"arn:aws:lambda:eu-west-1:{OTHER}:function:studio-mlops-project-reader"


class Asked:
    """Studio and CloudFormation, as the reader asks them."""

    def __init__(self, place: str = f"{OTHER}/eu-west-1", domain_arn: str = "") -> None:
        self.place, self.domain_arn = place, domain_arn
        self.told = {"AmazonDataZoneDomain": "dzd_1", "AmazonDataZoneProject": "p1"}
        self.given: dict[str, str] = {}

    studio = stacks = stack_facts = property(lambda self: self)

    def tags(self, stack_id: str) -> dict[str, str]:
        if stack_id != STACK:
            raise AwsNotFound(service="CloudFormation", activity="a", message="m")
        return self.told

    def parameters(self, stack_id: str) -> dict[str, str]:
        return self.given

    def deployment(self, domain_id: str, project_id: str) -> Deployment:
        if project_id != "p1":
            raise ProjectNotFound(activity="reading the project")
        return Deployment("Churn", "profile1", "FAILED_DEPLOYMENT", "no quota", leaving=True)

    def profile_and_place(self, domain_id: str, profile_id: str) -> tuple[str, str]:
        return "By event", self.place

    def workspace(self, domain_id: str, project_id: str, stack_id: str) -> Project:
        assert stack_id == HERE
        return Project("", Tooling(ready=True), sagemaker_domain_arn=self.domain_arn)


def read(asked: Asked, **event: str) -> dict[str, Any]:
    return project_reader.read(event, asked, HERE)  # type: ignore[arg-type]


def test_a_stack_says_whose_it_is_by_tags_or_parameters() -> None:
    asked = Asked()
    whose = {"DomainId": "dzd_1", "ProjectId": "p1"}
    assert read(asked, Stack=STACK) == whose
    asked.told, asked.given = (
        {},
        {"datazoneEnvironmentDomainId": "dzd_1", "datazoneEnvironmentProjectId": "p1"},
    )
    assert read(asked, Stack=STACK) == whose
    asked.given = {}
    assert read(asked, Stack=STACK) == {"DomainId": "", "ProjectId": ""}
    assert read(asked, Stack=STACK.replace("Env-1", "Env-2")) == {"DomainId": "", "ProjectId": ""}, "it is forgotten"


def test_a_project_is_told_as_the_machine_needs_it() -> None:
    assert read(Asked(), DomainId="dzd_1", ProjectId="p1") == {
        "Name": "Churn",
        "ProfileId": "profile1",
        "Leaving": True,
        "Deployment": "FAILED_DEPLOYMENT",
        "Reason": "no quota",
    }
    with pytest.raises(ProjectNotFound):
        read(Asked(), DomainId="dzd_1", ProjectId="p2")


@pytest.mark.parametrize(
    ("asked", "here"),
    [
        (Asked(), True),
        (Asked("333333333333/eu-west-1"), False),
        (Asked(f"{OTHER}/us-west-2"), False),
        (Asked("", "arn:aws:sagemaker:eu-west-1:1:domain/d-1"), True),
        (Asked("", ""), False),
        (Asked("333333333333/eu-west-1", "arn:aws:sagemaker:eu-west-1:1:domain/d-1"), False),
    ],
)
def test_a_project_is_here_where_its_profile_says_or_its_domain_is(asked: Asked, here: bool) -> None:
    answer = read(asked, DomainId="dzd_1", ProjectId="p1", ProfileId="profile1")
    assert answer == {"Name": "By event", "Here": here}


@pytest.mark.parametrize(
    "event",
    [
        {},
        {"DomainId": "dzd_1"},
        {"DomainId": "d-1", "ProjectId": "p1"},
        {"DomainId": "dzd_1", "ProjectId": "p/1"},
        {"Stack": "arn:aws:cloudformation:eu-west-1:222222222222:stack/PortfolioStack/x"},
    ],
)
def test_another_question_is_refused(event: dict[str, str]) -> None:
    with pytest.raises(NotARequest):
        read(Asked(), **event)


def test_its_errors_keep_their_classes_for_step_functions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handlers, "_clients", Asked)
    context: Any = type("Context", (), {"aws_request_id": "r1", "invoked_function_arn": HERE})
    assert handlers.project_reader({"Stack": STACK}, context)["ProjectId"] == "p1"
    with pytest.raises(ProjectNotFound):
        handlers.project_reader({"DomainId": "dzd_1", "ProjectId": "p2"}, context)
