"""One deployment: the smoke test of an approved configuration, then the stage's stack, then the summary."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deployment import evaluated, model_package, smoke_test, stack
from deployment.configuration import Configuration
from deployment.settings import DeploymentError, Settings

TEMPLATE = Path(__file__).resolve().parent.parent / "infrastructure" / "configuration.yaml"
RESOURCE = "  Release:\n"
CURRENT, PREVIOUS = "ModelPackageArn", "PreviousModelPackageArn"


@dataclass(frozen=True)
class Release:
    """What was deployed."""

    stage: str
    stack: str
    model_id: str
    package: str
    previous: str
    answered: int
    asked: int

    def summary(self) -> str:
        """Return the job's summary in Markdown."""
        lines = [
            f"## Deployed to {self.stage}",
            "",
            f"- Stack: `{self.stack}` (applications read its outputs)",
            f"- Model: `{self.model_id}`",
            f"- Model package: `{self.package}`",
            f"- Before: `{self.previous}`" if self.previous else "- Before: none",
            f"- Smoke test: {self.answered} of {self.asked} known prompts answered as the evaluated configuration did",
        ]
        return "\n".join(lines) + "\n"


class Stage:
    """A stage of this project: the project's own account for registry and files, the target's for model and stack."""

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
        """Deploy the package that was asked for, else what the stage takes by itself. Raises DeploymentError.

        The smoke test comes first: a configuration that does not answer changes nothing.
        """
        if self.name == "production" and not asked_for:  # production gets what staging has shown to work
            asked_for = stack.parameters(self.settings.name("staging"), self.cloudformation).get(CURRENT, "")
            if not asked_for:
                raise DeploymentError("Staging uses no configuration yet. Deploy to staging first.")
        package = model_package.choose(asked_for, self.settings.model_package_group, self.session.client("sagemaker"))
        found = released(package, self.settings, self.session.client("s3"))
        known = smoke_test.known_prompts(package, self.session.client("s3"))
        model_id = self.configuration.model_id(self.name, found.model_id)
        limits = self.configuration.smoke_test
        bedrock = smoke_test.client(self.target, limits.attempts)
        answered = smoke_test.run(found, model_id, known, limits.share, bedrock)
        arn = str(package["ModelPackageArn"])
        before = self.deployed()
        previous = before.get(CURRENT, "") if before.get(CURRENT, "") != arn else before.get(PREVIOUS, "")
        self._deploy(stack_parameters(arn, found, model_id), previous)
        return Release(self.name, self.stack_name, model_id, arn, previous, answered, len(known))

    def _deploy(self, parameters: dict[str, str], previous: str) -> None:
        outputs = stack.deploy(
            name=self.stack_name,
            template=template(parameters),
            parameters={**parameters, PREVIOUS: previous},
            tags=self.settings.tags(self.name),
            cloudformation=self.cloudformation,
        )
        if any(outputs.get(name) != value for name, value in parameters.items()):
            raise DeploymentError(f"The stack {self.stack_name} does not show what was deployed. Run this again.")

    def roll_back(self) -> Release:
        """Deploy the package that the stage used before. Raises DeploymentError."""
        before = self.deployed().get(PREVIOUS, "")
        if not before:
            raise DeploymentError(
                f"{self.name} has used no other configuration before. There is nothing to go back to."
            )
        return self.release(before)


def released(package: Mapping[str, Any], settings: Settings, s3: Any) -> evaluated.Evaluated:
    """Return the configuration of a model package. Raises DeploymentError unless it is the project's and unchanged."""
    known = package.get("CustomerMetadataProperties", {})
    uri, sha256 = known.get("configuration", ""), known.get("configuration_sha256", "")
    if not uri or not sha256:
        raise DeploymentError("The model package names no configuration. Register it by model build.")
    if not uri.startswith(f"{settings.location}/"):
        raise DeploymentError(f"The configuration {uri} is not in this project's S3 location {settings.location}.")
    try:
        return evaluated.read(uri, sha256, s3)
    except evaluated.ConfigurationRefused as error:
        raise DeploymentError(str(error)) from error


def stack_parameters(package: str, configuration: evaluated.Evaluated, model_id: str) -> dict[str, str]:
    """Return the parameters of a stage's stack. Each is an output too."""
    return {
        CURRENT: package,
        "ConfigurationUri": configuration.uri,
        "ConfigurationSha256": configuration.sha256,
        "ModelId": model_id,
    }


def template(parameters: Mapping[str, str]) -> str:
    """Return the stack's template. Its one resource has a name of its own for each set of parameters."""
    digest = hashlib.sha256("\0".join(parameters.values()).encode()).hexdigest()[:16]
    return TEMPLATE.read_text(encoding="utf-8").replace(RESOURCE, f"  Release{digest}:\n")
