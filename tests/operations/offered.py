"""A product in two versions on the Service Catalog stand-in, its launches real stacks on MiniStack; and a rollout's
machines on MiniStack's Step Functions, whose clock runs fifty times as fast."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from products.rollout import project_definition, waves_definition
from products.rollout.names import Places
from tests.standin.aws.conftest import ACCOUNT, REGION, World, eventually


def template(version: str, status: str = "merged", **extra: Any) -> dict[str, Any]:
    """Return a product that says of itself what ours says of its repositories."""
    value = {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": {"Ref": "ProjectId"}}}
    parameters = {"ProjectId": {"Type": "String"}, **extra}
    said = {"TemplateStatus": status, "TemplateVersion": version, "PullRequestUrl": ""}
    outputs = {f"{part}{name}": {"Value": text} for part in ("Build", "Deploy") for name, text in said.items() if text}
    return {"Description": version, "Parameters": parameters, "Resources": {"Value": value}, "Outputs": outputs}


@dataclass
class Installed:
    """A portfolio with the product in two versions."""

    world: World
    client: Any
    product: str
    versions: dict[str, str]
    portfolio: str

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

    def terminate(self, launch: str) -> None:
        """End a launch, and wait for that."""
        record = self.client.terminate_provisioned_product(
            ProvisionedProductId=launch, TerminateToken=str(uuid.uuid4())
        )
        identifier = record["RecordDetail"]["RecordId"]
        eventually(lambda: self.client.describe_record(Id=identifier)["RecordDetail"]["Status"] == "SUCCEEDED")

    def publish(self, version: str, body: dict[str, Any]) -> None:
        """Add a version to the product."""
        url = self.world.upload(f"{self.product}-{version}.json", body)
        made = self.client.create_provisioning_artifact(
            ProductId=self.product,
            Parameters={"Name": version, "Type": "CLOUD_FORMATION_TEMPLATE", "Info": {"LoadTemplateFromURL": url}},
            IdempotencyToken=str(uuid.uuid4()),
        )
        self.versions[version] = made["ProvisioningArtifactDetail"]["Id"]

    def version_of(self, launch: str) -> str:
        """Return the version that a launch has now."""
        found = self.client.describe_provisioned_product(Id=launch)["ProvisionedProductDetail"]
        names = {identifier: name for name, identifier in self.versions.items()}
        return names[found["ProvisioningArtifactId"]]


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
    token = str(uuid.uuid4())
    url = world.upload(f"{name}-v1.0.0.json", template("v1.0.0"))
    made = client.create_product(
        Name=name,
        Owner="us",
        ProductType="CLOUD_FORMATION_TEMPLATE",
        ProvisioningArtifactParameters={
            "Name": "v1.0.0",
            "Type": "CLOUD_FORMATION_TEMPLATE",
            "Info": {"LoadTemplateFromURL": url},
        },
        IdempotencyToken=token,
    )
    product_id = made["ProductViewDetail"]["ProductViewSummary"]["ProductId"]
    portfolio = client.create_portfolio(DisplayName=name, ProviderName="us", IdempotencyToken=token)
    portfolio_id = portfolio["PortfolioDetail"]["Id"]
    client.associate_product_with_portfolio(ProductId=product_id, PortfolioId=portfolio_id)
    client.associate_principal_with_portfolio(PortfolioId=portfolio_id, PrincipalARN=administrator, PrincipalType="IAM")
    versions = {"v1.0.0": made["ProvisioningArtifactDetail"]["Id"]}
    found = Installed(world, client, product_id, versions, portfolio_id)
    found.publish("v2.0.0", template("v2.0.0", SyncMode={"Type": "String", "Default": "Merge"}))
    return found


@dataclass
class Machines:
    """A rollout's state machines, and where they keep things."""

    installed: Installed
    waves: str
    table: str
    bucket: str
    topic: str
    role: str  # of the machine that updates

    def client(self, service: str) -> Any:
        return self.installed.world.client(service)

    def item(self) -> dict[str, Any]:
        found = self.client("dynamodb").get_item(TableName=self.table, Key={"Id": {"S": "rollout"}})
        return dict(found.get("Item", {}))

    def put(self, identifier: str, **numbers: int) -> None:
        """Put an item of numbers into the budget table."""
        item = {"Id": {"S": identifier}, **{name: {"N": str(number)} for name, number in numbers.items()}}
        self.client("dynamodb").put_item(TableName=self.table, Item=item)

    def calls(self) -> list[str]:
        """Return the operations of Service Catalog that the machine asked for."""
        found = self.installed.world.control("calls?service=servicecatalog", method="GET")
        return [call["operation"] for call in found if call["caller"] == self.role]

    def ended(self, phase: str = "ended") -> dict[str, Any]:
        """Wait for the rollout's phase; return its item."""

        def there() -> dict[str, Any] | None:
            found = self.item()
            return found if found.get("Phase", {}).get("S") == phase else None

        return dict(eventually(there, 90))


@pytest.fixture
def machines(installed: Installed, monkeypatch: pytest.MonkeyPatch) -> Iterator[Machines]:
    """The machines as the foundation has them, and a stack by whose outputs they are found."""
    world, name = installed.world, f"r{uuid.uuid4().hex[:10]}"
    table, bucket = f"{name}-budget", f"{name}-archives"
    world.client("dynamodb").create_table(
        TableName=table,
        KeySchema=[{"AttributeName": "Id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "Id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    world.client("s3").create_bucket(Bucket=bucket)
    topic = world.client("sns").create_topic(Name=name)["TopicArn"]
    role = world.role(f"{name}-update-project", "states.amazonaws.com")
    installed.client.associate_principal_with_portfolio(
        PortfolioId=installed.portfolio, PrincipalARN=role, PrincipalType="IAM"
    )
    places = Places(table, bucket, topic, f"{name}.rollout", "Tests")
    arn = f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:"
    project, waves = f"{name}-update-project", f"{name}-rollout"
    for machine, definition in (
        (project, project_definition(places)),
        (waves, waves_definition(places, f"{arn}{project}")),
    ):
        world.client("stepfunctions").create_state_machine(
            name=machine, definition=json.dumps(definition), roleArn=role
        )
    values = {"RolloutStateMachine": f"{arn}{waves}", "RateBudgetTable": table, "ArchiveBucket": bucket}
    body = {
        "Resources": {"Value": {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": name}}},
        "Outputs": {key: {"Value": value} for key, value in values.items()},
    }
    cloudformation = world.client("cloudformation")
    cloudformation.create_stack(StackName=f"{name}-foundation", TemplateBody=json.dumps(body))
    cloudformation.get_waiter("stack_create_complete").wait(
        StackName=f"{name}-foundation", WaiterConfig={"Delay": 1, "MaxAttempts": 30}
    )
    monkeypatch.setattr("operations.rollout.store.FOUNDATION_STACK", f"{name}-foundation")
    monkeypatch.setattr("operations.rollout.following.POLL_SECONDS", 0.2)
    yield Machines(installed, f"{arn}{waves}", table, bucket, topic, role)
