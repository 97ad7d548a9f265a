"""How SageMaker Unified Studio launches the product, and in which accounts and regions."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints, field_validator, model_validator

from products.settings.section import PARTITION, GitHubName, Region, RoleArn, Section, repeated

KeyArn = Annotated[str, StringConstraints(pattern=rf"^({PARTITION}:kms:[a-z0-9-]+:\d{{12}}:key/[\w-]+)?\Z")]
ProfileName = Annotated[str, StringConstraints(pattern=r"^[\w -]{1,64}\Z")]


class OwnProfile(Section):
    """A project profile that is made here: the managed tooling first, then our environment.

    `account` is a name in [accounts]; "": the only one. `region` is one of that account's; "": its home.
    """

    account: str = ""
    region: str = ""
    description: str = Field(default="", max_length=2048)
    groups: tuple[Annotated[str, StringConstraints(min_length=1)], ...] = ()
    tooling: dict[str, str] = Field(default_factory=dict)


class ProjectSetup(Section):
    """Project setup: projects of these profiles get the product by event, without a blueprint."""

    profiles: tuple[ProfileName, ...] = ()


class ModelApproval(Section):
    """An approved model package starts the deploy repository's workflow."""

    enabled: bool = False
    workflow: str = Field(default="deploy_model.yml", pattern=r"^[A-Za-z0-9._-]+\.ya?ml\Z")


class Studio(Section):
    """How SageMaker Unified Studio launches the product. Off without a domain."""

    domain_id: str = Field(default="", pattern=r"^(dzd[-_][a-zA-Z0-9_-]{1,36})?\Z")
    domain_account: str = Field(default="", pattern=r"^(\d{12})?\Z")
    domain_region: str = Field(default="", pattern=r"^([a-z]{2}(-[a-z]+)+-\d)?\Z")
    domain_key_arn: KeyArn = ""
    domain_unit_id: str = Field(default="", pattern=r"^[a-z0-9_-]{0,256}\Z")
    organization: GitHubName = ""
    blueprint_name: ProfileName = "MLOps repositories"
    environment_name: ProfileName = "MLOps repositories"
    deployment_order: int = Field(default=1, ge=1, le=16)
    regions: tuple[Region, ...] = ()
    manage_access_role_arn: RoleArn = ""
    profiles: tuple[ProfileName, ...] = ()
    own_profiles: dict[ProfileName, OwnProfile] = Field(default_factory=dict)
    project_setup: ProjectSetup = ProjectSetup()
    model_approval: ModelApproval = ModelApproval()

    @property
    def registers_blueprint(self) -> bool:
        """Whether the blueprint is on: for a profile, or for a domain whose administrators add the environment."""
        by_profile = bool(self.profiles or self.own_profiles)
        return bool(self.domain_id) and (by_profile or not self.project_setup.profiles)

    @field_validator("profiles")
    @classmethod
    def _each_once(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        if twice := repeated(names):
            raise ValueError(f"the profile {twice!r} is listed twice; list it once")
        return names

    @model_validator(mode="after")
    def _one_way_each(self) -> Studio:
        twice = {*self.profiles, *self.own_profiles} & set(self.project_setup.profiles)
        if twice:
            raise ValueError(
                f"the profile {sorted(twice)[0]!r} would launch the product twice; "
                "list it in profiles, own_profiles or project_setup, not in two of them"
            )
        both = set(self.profiles) & set(self.own_profiles)
        if both:
            raise ValueError(
                f"the profile {sorted(both)[0]!r} is in profiles and in own_profiles; list it in profiles if it exists"
            )
        if not self.domain_id and (self.profiles or self.own_profiles or self.project_setup.profiles):
            raise ValueError("profiles need a domain; set domain_id (dzd-...)")
        if self.domain_key_arn and not self.domain_id:
            raise ValueError("domain_key_arn needs a domain; set domain_id (dzd-...)")
        return self
