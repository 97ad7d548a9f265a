"""What an installation calls its things: names that begin with the prefix."""

from __future__ import annotations

from pydantic import Field, PrivateAttr

from products.settings.accounts import Place
from products.settings.section import Section


class Names(Section):
    """The prefix and the place, and the names that follow from these two alone."""

    prefix: str = Field(default="studio-mlops", pattern=r"^[a-z][a-z0-9-]{0,14}[a-z0-9]\Z")
    _place: Place | None = PrivateAttr(default=None)

    @property
    def place(self) -> Place | None:
        """Where these settings are used; None in an installation of one account."""
        return self._place

    def _named(self, name: str) -> str:
        """Return a name of something that IAM has once an account, though it is needed in each region."""
        return self._place.named(name) if self._place else name

    @property
    def workflow_boundary_name(self) -> str:
        """The managed policy that bounds the workflows' roles where the settings name no boundary."""
        return f"{self.prefix}-workflow-boundary"

    @property
    def launch_stacks(self) -> tuple[str, ...]:
        """The names of the stacks that may launch the product: Service Catalog's, and direct launches."""
        return ("SC-*", f"{self.prefix}-*")

    @property
    def launch_role_name(self) -> str:
        """The launch constraint's role, by the same name in every account."""
        return self._named(f"{self.prefix}-launch")

    @property
    def dashboard_name(self) -> str:
        """CloudWatch's dashboard: an account has its dashboards once, for all regions."""
        return self._named(self.prefix)

    @property
    def provisioning_role_name(self) -> str:
        """The role that Studio's blueprint launches with."""
        return f"{self.prefix}-provisioning"

    @property
    def reader_role_name(self) -> str:
        """The domain account's role by which functions of other accounts read projects."""
        return f"{self.prefix}-studio-reader"

    @property
    def project_setup_role_name(self) -> str:
        """The role of the state machine that launches for projects' events."""
        return self._named(f"{self.prefix}-project-setup")

    @property
    def rollout_machine_name(self) -> str:
        """The state machine that goes through a rollout's waves."""
        return f"{self.prefix}-rollout"

    @property
    def update_machine_name(self) -> str:
        """The state machine that updates one project in a rollout."""
        return f"{self.prefix}-update-project"

    @property
    def update_role_name(self) -> str:
        """The role of that machine, a principal of the portfolio."""
        return self._named(self.update_machine_name)

    @property
    def product_parameter(self) -> str:
        """The SSM parameter in which each account and region of projects has its product's id."""
        return f"/{self.prefix}/product-id"

    @property
    def blueprint_parameter(self) -> str:
        """The SSM parameter in which the domain's account has the blueprint's id."""
        return f"/{self.prefix}/blueprint-id"

    @property
    def approval_queues(self) -> tuple[str, str]:
        """The queue of approved models, and where those end that failed."""
        return f"{self.prefix}-approvals.fifo", f"{self.prefix}-approvals-dead.fifo"

    @property
    def workflow_role_prefix(self) -> str:
        """What the names of the projects' workflow roles begin with."""
        return f"{self.prefix}-wf-"

    @property
    def production_role_prefix(self) -> str:
        """What the names of the roles of the projects' production deployments begin with. IAM takes 64 characters."""
        return f"{self.prefix}-production-"
