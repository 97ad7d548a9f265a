"""Status and rollout against the Service Catalog stand-in, whose launches are real stacks on MiniStack."""

from __future__ import annotations

import json
import time
import uuid
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest

from custom_resources.clients.service_catalog import Launch, ProductVersion, Record, ServiceCatalog
from custom_resources.errors import AwsThrottled
from operations.command_line import main
from operations.errors import NotDeployed, UnknownProject
from operations.rollout import (
    Clock,
    Limits,
    Rollout,
    plan,
    selected,
    target_version,
)
from tests.standin.aws.conftest import World, eventually

V1, V2 = ProductVersion("pa-1", "v1.0.0"), ProductVersion("pa-2", "v2.0.0")


def launch(name: str, version: ProductVersion = V1, status: str = "AVAILABLE") -> Launch:
    return Launch(f"pp-{name}", name, version.id, version.name, status, last_record=f"rec-{name}")


# -- planning --------------------------------------------------------------------------------------------------------


def test_plan_leaves_alone_what_is_there_or_broken() -> None:
    launches = [
        launch("a"),
        launch("b", V2),
        launch("c", status="ERROR"),
        launch("d", V2, "TAINTED"),
        launch("e", status="PLAN_IN_PROGRESS"),
        launch("f"),
    ]
    chosen, left = plan(launches, V2, maximum=2)
    assert [each.name for each in chosen] == ["a", "d"]
    assert [(outcome.launch.name, outcome.result) for outcome in left] == [
        ("c", "skipped"),
        ("e", "skipped"),
        ("f", "not started"),
    ]


def test_projects_are_found_by_id_name_and_tag() -> None:
    tagged = replace(launch("x"), tags={"AmazonDataZoneProject": "p9"})
    launches = [launch("smus-p1"), launch("smus-p11"), tagged]
    assert [each.name for each in selected(launches, ["p1", "p9"])] == ["smus-p1", "x"]
    assert selected(launches, []) == launches
    with pytest.raises(UnknownProject, match="'p2'"):
        selected(launches, ["p2"])


def test_a_version_must_be_live() -> None:
    with pytest.raises(NotDeployed, match="Run cdk deploy first"):
        target_version([V1], "v2.0.0")
    with pytest.raises(NotDeployed, match="inactive"):
        target_version([replace(V2, active=False)], "v2.0.0")


# -- pace, order and failures, in virtual time -------------------------------------------------------------------------


@dataclass
class Catalog:
    """A Service Catalog in virtual time: an update takes a minute, those of `broken` fail."""

    broken: tuple[str, ...] = ()
    now: float = 0.0
    silent: tuple[float, float] = (0.0, 0.0)  # from, until: records cannot be read

    def __post_init__(self) -> None:
        self.started: list[tuple[float, str]] = []
        self.paths: list[str] = []
        self.ends: dict[str, float] = {}
        self.most_at_once = 0

    def update(self, launch: Launch, product_id: str, version: ProductVersion, path_id: str) -> str:
        self.started.append((self.now, launch.name))
        self.paths.append(path_id)
        self.ends[f"update-{launch.name}"] = self.now + 60
        self.most_at_once = max(self.most_at_once, sum(end > self.now for end in self.ends.values()))
        return f"update-{launch.name}"

    def record(self, record_id: str) -> Record:
        name = record_id.partition("-")[2]
        if self.silent[0] <= self.now < self.silent[1]:
            raise AwsThrottled(5, service="Service Catalog", activity="reading the record", code="ThrottlingException")
        if record_id.startswith("rec-"):
            return Record("succeeded", V1.id, "lpv3-1")
        if self.now < self.ends[record_id]:
            return Record("running", V2.id)
        return Record("failed", V2.id, errors=("a merge went wrong",)) if name in self.broken else Record("succeeded")

    def sleep(self, seconds: float) -> None:
        assert seconds > 0
        self.now += seconds


def rolled_out(catalog: Catalog, launches: list[Launch], limits: Limits) -> dict[str, str]:
    clock = Clock(lambda: catalog.now, catalog.sleep)
    run = Rollout(catalog, "prod-1", V2, lambda launch, outcome: None, clock)  # type: ignore[arg-type]
    return {outcome.launch.name: outcome.result for outcome in run.run(launches, limits)}


def test_one_after_another() -> None:
    catalog = Catalog()
    assert rolled_out(catalog, [launch("a"), launch("b")], Limits()) == {"a": "updated", "b": "updated"}
    assert catalog.most_at_once == 1


def test_an_update_keeps_the_launchs_path() -> None:
    """Who has two portfolios with the product launches by one of them: without the path, the update is refused."""
    catalog = Catalog()
    rolled_out(catalog, [launch("a"), replace(launch("b"), last_record="")], Limits())
    assert catalog.paths == ["lpv3-1", ""]


@pytest.mark.parametrize("path", ["lpv3-1", ""])
def test_the_path_is_said_to_service_catalog_where_it_is_known(path: str) -> None:
    client, stacks = Mock(), Mock()
    client.describe_provisioning_parameters.return_value = {"ProvisioningArtifactParameters": []}
    client.update_provisioned_product.return_value = {"RecordDetail": {"RecordId": "rec-2"}}
    stacks.parameters.return_value = set[str]()
    assert ServiceCatalog(client, stacks).update(launch("a"), "prod-1", V2, path) == "rec-2"
    expected = {"PathId": path} if path else {}
    for call in (client.describe_provisioning_parameters, client.update_provisioned_product):
        assert {key: value for key, value in call.call_args.kwargs.items() if key == "PathId"} == expected


def test_several_at_once_when_asked() -> None:
    catalog = Catalog()
    rolled_out(catalog, [launch(str(number)) for number in range(9)], Limits(parallel=3))
    assert catalog.most_at_once == 3


def test_a_failure_stops_what_has_not_begun() -> None:
    catalog = Catalog(broken=("b",))
    launches = [launch(name) for name in "abcd"]
    assert rolled_out(catalog, launches, Limits()) == {
        "a": "updated",
        "b": "failed",
        "c": "not started",
        "d": "not started",
    }
    assert rolled_out(Catalog(broken=("b",)), launches, Limits(failures=2))["d"] == "updated"


def test_what_runs_is_followed_after_a_failure() -> None:
    catalog = Catalog(broken=("a",))
    assert rolled_out(catalog, [launch(name) for name in "abc"], Limits(parallel=2)) == {
        "a": "failed",
        "b": "updated",
        "c": "not started",
    }


def test_an_update_of_an_earlier_run_is_followed_not_started_again() -> None:
    catalog = Catalog()
    catalog.ends["update-a"] = 30
    under_change = replace(launch("a", status="UNDER_CHANGE"), last_record="update-a")
    other = launch("b", status="UNDER_CHANGE")  # its last record is to another version
    assert rolled_out(catalog, [under_change, other], Limits()) == {"a": "updated", "b": "skipped"}
    assert catalog.started == []


def test_a_poll_without_an_answer_ends_nothing() -> None:
    catalog = Catalog(silent=(5, 40))
    assert rolled_out(catalog, [launch("a"), launch("b")], Limits(parallel=2)) == {"a": "updated", "b": "updated"}


def test_updates_that_cannot_be_read_any_more_are_listed_as_begun() -> None:
    catalog = Catalog(silent=(5, 1e9))
    told: list[tuple[Launch, str]] = []
    clock = Clock(lambda: catalog.now, catalog.sleep)
    run = Rollout(catalog, "prod-1", V2, lambda *said: told.append(said), clock)  # type: ignore[arg-type]
    done = {outcome.launch.name: outcome for outcome in run.run([launch(name) for name in "abc"], Limits(parallel=2))}
    assert {name: outcome.result for name, outcome in done.items()} == {"a": "begun", "b": "begun", "c": "not started"}
    assert done["a"].reason.endswith("The update goes on; run again to follow it.")
    assert catalog.now < 120
    assert [name for _, name in catalog.started] == ["a", "b"]


def test_it_reserves_nothing_for_updates_that_may_need_nothing() -> None:
    """The functions book what an update needs: 300 updates that only merge, 100 at once, take three of their times."""
    catalog = Catalog()
    names = [str(number) for number in range(300)]
    done = rolled_out(catalog, [launch(name) for name in names], Limits(parallel=100))
    assert done == dict.fromkeys(names, "updated")
    assert [name for at, name in catalog.started if at == catalog.started[0][0]] == names[:100]
    assert len({at for at, _ in catalog.started}) == 3


# -- the real thing ----------------------------------------------------------------------------------------------------


def template(version: str, **extra: Any) -> dict[str, Any]:
    value = {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": {"Ref": "ProjectId"}}}
    parameters = {"ProjectId": {"Type": "String"}, **extra}
    return {"Description": version, "Parameters": parameters, "Resources": {"Value": value}}


@dataclass
class Installed:
    """A portfolio with the product in two versions."""

    world: World
    client: Any
    product: str
    versions: dict[str, str]

    def provision(self, name: str, version: str = "v1.0.0") -> str:
        record = self.client.provision_product(
            ProductId=self.product,
            ProvisioningArtifactId=self.versions[version],
            ProvisionedProductName=name,
            ProvisioningParameters=[{"Key": "ProjectId", "Value": name}],
            ProvisionToken=str(uuid.uuid4()),
        )["RecordDetail"]

        def ended() -> bool:
            state = self.client.describe_record(Id=record["RecordId"])["RecordDetail"]["Status"]
            assert state != "FAILED"
            return bool(state == "SUCCEEDED")

        eventually(ended)
        return str(record["ProvisionedProductId"])


@pytest.fixture
def installed(aws: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Installed:
    world, name = aws, f"product-{uuid.uuid4().hex[:8]}"
    administrator = world.role(f"{name}-administrator", "ec2.amazonaws.com")
    keys = world.keys_of(administrator)
    client = world.client("servicecatalog", keys)
    settings = tmp_path / "settings.toml"
    settings.write_text(f'[product]\nname = "{name}"\n')
    monkeypatch.setenv("SETTINGS_FILE", str(settings))
    for variable, value in keys.items():
        monkeypatch.setenv(variable.upper(), value)
    monkeypatch.setattr("operations.rollout.POLL_SECONDS", 0.1)

    def artifact(version: str, body: dict[str, Any]) -> dict[str, Any]:
        return {
            "Name": version,
            "Type": "CLOUD_FORMATION_TEMPLATE",
            "Info": {"LoadTemplateFromURL": world.upload(f"{name}-{version}.json", body)},
        }

    token = str(uuid.uuid4())
    made = client.create_product(
        Name=name,
        Owner="us",
        ProductType="CLOUD_FORMATION_TEMPLATE",
        ProvisioningArtifactParameters=artifact("v1.0.0", template("one")),
        IdempotencyToken=token,
    )
    product_id = made["ProductViewDetail"]["ProductViewSummary"]["ProductId"]
    new = template("two", SyncMode={"Type": "String", "Default": "Merge"})
    second = client.create_provisioning_artifact(
        ProductId=product_id, Parameters=artifact("v2.0.0", new), IdempotencyToken=token
    )
    portfolio = client.create_portfolio(DisplayName=name, ProviderName="us", IdempotencyToken=token)
    portfolio_id = portfolio["PortfolioDetail"]["Id"]
    client.associate_product_with_portfolio(ProductId=product_id, PortfolioId=portfolio_id)
    client.associate_principal_with_portfolio(PortfolioId=portfolio_id, PrincipalARN=administrator, PrincipalType="IAM")
    first = made["ProvisioningArtifactDetail"]["Id"]
    versions = {"v1.0.0": first, "v2.0.0": second["ProvisioningArtifactDetail"]["Id"]}
    return Installed(world, client, product_id, versions)


def told(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, dict[str, Any]]:
    code = main([*arguments, "--json"])
    return code, json.loads(capsys.readouterr().out)


def test_rollout_from_status_to_status(
    installed: Installed, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    names = [f"smus-{uuid.uuid4().hex[:6]}" for _ in range(3)]
    for name in names:
        installed.provision(name)
    nothing = ("--versions-dir", str(tmp_path / "none"), "--keep", str(tmp_path / "fleet.json"))
    code, before = told(capsys, "status", *nothing)
    assert code == 3  # v2.0.0 is live
    assert [(each["version"], each["live"], each["launches"]) for each in before["versions"]] == [
        ("v1.0.0", "DEFAULT", 3),
        ("v2.0.0", "DEFAULT", 0),
    ]
    _, planned = told(capsys, "rollout", "--version", "v2.0.0", "--dry-run")
    assert planned["counts"]["planned"] == 3

    code, one = told(capsys, "rollout", "--version", "v2.0.0", "--project", names[0].removeprefix("smus-"))
    assert (code, one["counts"]["updated"], len(one["launches"])) == (0, 1, 1)
    code, rest = told(capsys, "rollout", "--version", "v2.0.0", "--parallel", "2")
    assert (code, rest["counts"]["updated"], rest["counts"]["already there"]) == (0, 2, 1)

    _, after = told(capsys, "status", *nothing)
    assert {each["version"] for each in after["launches"] if each["name"] in names} == {"v2.0.0"}
    cloudformation = installed.world.client("cloudformation")
    for each in after["launches"]:
        [stack] = cloudformation.describe_stacks(StackName=each["stack"])["Stacks"]
        parameters = {item["ParameterKey"]: item["ParameterValue"] for item in stack["Parameters"]}
        assert parameters["ProjectId"] == each["name"]  # kept; a new parameter takes its default
        assert parameters.get("SyncMode", "Merge") == "Merge"


def test_a_version_that_is_not_live(installed: Installed, capsys: pytest.CaptureFixture[str]) -> None:
    code, said = told(capsys, "rollout", "--version", "v9.0.0")
    assert code == 1
    assert "it has: v1.0.0, v2.0.0" in said["error"]


def test_status_without_a_deployed_product(
    installed: Installed, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    other = tmp_path / "other.toml"
    other.write_text('[product]\nname = "never-deployed"\n')
    monkeypatch.setenv("SETTINGS_FILE", str(other))
    code, said = told(capsys, "status", "--versions-dir", str(tmp_path / "none"))
    assert code == 1
    assert "Run cdk deploy" in said["problem"]


def test_an_inactive_version_is_not_rolled_out(installed: Installed, capsys: pytest.CaptureFixture[str]) -> None:
    installed.client.update_provisioning_artifact(
        ProductId=installed.product, ProvisioningArtifactId=installed.versions["v2.0.0"], Active=False
    )
    code, said = told(capsys, "rollout", "--version", "v2.0.0")
    assert code == 1
    assert "inactive" in said["error"]


def test_an_update_that_fails_says_why_and_can_be_done_again(
    installed: Installed, capsys: pytest.CaptureFixture[str]
) -> None:
    name = f"smus-{uuid.uuid4().hex[:6]}"
    installed.provision(name)
    broken = template("three")
    broken["Resources"]["Nonsense"] = {"Type": "AWS::Nonsense::Thing", "Properties": {}}
    information = {"LoadTemplateFromURL": installed.world.upload(f"{name}.json", broken)}
    installed.client.create_provisioning_artifact(
        ProductId=installed.product,
        Parameters={"Name": "v3.0.0", "Type": "CLOUD_FORMATION_TEMPLATE", "Info": information},
        IdempotencyToken=str(uuid.uuid4()),
    )
    code, said = told(capsys, "rollout", "--version", "v3.0.0", "--project", name)
    assert (code, said["counts"]["failed"]) == (1, 1)
    assert "Nonsense" in said["launches"][0]["reason"]
    code, said = told(capsys, "rollout", "--version", "v2.0.0", "--project", name)
    assert (code, said["counts"]["updated"]) == (0, 1)


def test_aws_that_cannot_be_reached(
    installed: Installed, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_SERVICE_CATALOG", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    started = time.monotonic()
    code, said = told(capsys, "rollout", "--version", "v2.0.0")
    assert code == 1
    assert "Service Catalog could not be reached (listing the products;" in said["error"]
    assert time.monotonic() - started < 20
