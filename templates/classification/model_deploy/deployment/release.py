"""One deployment: a model package to a stage's endpoint, then the smoke test, then the summary."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deployment import model_package, smoke_test, stack
from deployment.configuration import Configuration
from deployment.settings import DeploymentError, Settings

TEMPLATE = Path(__file__).resolve().parent.parent / "infrastructure" / "endpoint.yaml"
CURRENT, PREVIOUS = "ModelPackageArn", "PreviousModelPackageArn"


@dataclass(frozen=True)
class Release:
    """What was deployed."""

    stage: str
    endpoint: str
    package: str
    previous: str
    asked: int

    def summary(self) -> str:
        """Return the job's summary in Markdown."""
        lines = [
            f"## Deployed to {self.stage}",
            "",
            f"- Endpoint: `{self.endpoint}`",
            f"- Model package: `{self.package}`",
            f"- Before: `{self.previous}`" if self.previous else "- Before: none",
            f"- Smoke test: {self.asked} known rows answered as the evaluated model did",
        ]
        return "\n".join(lines) + "\n"


class Stage:
    """A stage of this project: the project's own account for models and files, the target's for the endpoint."""

    def __init__(self, name: str, settings: Settings, configuration: Configuration, session: Any) -> None:
        """`session` is of the project's account; nothing is asked yet but who we are there."""
        self.name, self.settings, self.configuration, self.session = name, settings, configuration, session
        self.target = stack.target_session(settings, name, session)
        self.cloudformation = self.target.client("cloudformation")
        self.stack_name = settings.name(name)

    def deployed(self) -> Mapping[str, str]:
        """Return the parameters of the stage's stack, none if there is no stack."""
        return stack.parameters(self.stack_name, self.cloudformation)

    def release(self, asked_for: str) -> Release:
        """Deploy the package that was asked for, else what the stage takes by itself. Raises DeploymentError."""
        if self.name == "production" and not asked_for:  # production gets what staging has shown to work
            asked_for = stack.parameters(self.settings.name("staging"), self.cloudformation).get(CURRENT, "")
            if not asked_for:
                raise DeploymentError("Staging serves no model yet. Deploy to staging first.")
        package = model_package.choose(asked_for, self.settings.model_package_group, self.session.client("sagemaker"))
        known = smoke_test.known_rows(package, self.session.client("s3"))
        arn = str(package["ModelPackageArn"])
        before = self.deployed()
        previous = before.get(CURRENT, "") if before.get(CURRENT, "") != arn else before.get(PREVIOUS, "")
        outputs = self._deploy(arn, previous)
        endpoint = outputs["EndpointName"]
        asked = self._ask(endpoint, known, arn, before)
        return Release(self.name, endpoint, arn, previous, asked)

    def _ask(self, endpoint: str, known: smoke_test.KnownRows, arn: str, before: Mapping[str, str]) -> int:
        """Ask for the known rows. Production goes back to what it served if the answers are wrong."""
        tolerance = self.configuration.smoke_test.tolerance
        try:
            return smoke_test.run(endpoint, known, tolerance, self.target.client("sagemaker-runtime"))
        except DeploymentError as error:
            earlier = before.get(CURRENT, "")
            if self.name != "production" or earlier in ("", arn):
                raise
            self._deploy(earlier, before.get(PREVIOUS, ""))
            raise DeploymentError(f"{error}. Production serves {earlier} again.") from error

    def _deploy(self, arn: str, previous: str) -> dict[str, str]:
        return stack.deploy(
            name=self.stack_name,
            template=TEMPLATE.read_text(encoding="utf-8"),
            parameters={**stack_parameters(self.name, self.settings, self.configuration, arn), PREVIOUS: previous},
            tags=self.settings.tags(self.name),
            cloudformation=self.cloudformation,
        )

    def roll_back(self) -> Release:
        """Deploy the package that the stage served before. Raises DeploymentError."""
        before = self.deployed().get(PREVIOUS, "")
        if not before:
            raise DeploymentError(f"{self.name} has served no other model before. There is nothing to go back to.")
        return self.release(before)


def stack_parameters(stage: str, settings: Settings, configuration: Configuration, package: str) -> dict[str, str]:
    """Return the parameters of a stage's stack."""
    return {
        CURRENT: package,
        "ExecutionRoleArn": settings.execution_role_arn,
        "EndpointName": settings.name(stage),
        "CaptureUri": settings.capture_uri(stage),
        **configuration.parameters(stage),
    }
