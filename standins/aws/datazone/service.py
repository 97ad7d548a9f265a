"""DataZone as a whole."""

from __future__ import annotations

from standins.aws.datazone.access import Access
from standins.aws.datazone.blueprints import BlueprintOperations
from standins.aws.datazone.deployment import Deployment
from standins.aws.datazone.domain_keys import DomainKeys
from standins.aws.datazone.domains import DomainOperations
from standins.aws.datazone.environments import EnvironmentOperations
from standins.aws.datazone.events import Events
from standins.aws.datazone.grants import GrantOperations
from standins.aws.datazone.model import Domains
from standins.aws.datazone.people import PeopleOperations
from standins.aws.datazone.pools import PoolOperations
from standins.aws.datazone.profiles import ProfileOperations
from standins.aws.datazone.projects import ProjectOperations
from standins.aws.datazone.roles import Roles
from standins.aws.datazone.stacks import Stacks
from standins.aws.datazone.tooling import Tooling
from standins.aws.emulator import Emulator
from standins.aws.sagemaker import SageMaker


class DataZone:
    """The service: what it remembers, what it does behind its answers, and its operations by subject."""

    def __init__(self, emulator: Emulator, sagemaker: SageMaker) -> None:
        """Take MiniStack, for roles, buckets, stacks and events, and SageMaker for the projects' domains."""
        self.domains = Domains()
        self.roles, self.events, self.tooling = Roles(emulator), Events(emulator), Tooling(emulator, sagemaker)
        self.deployment = Deployment(self.tooling, Stacks(emulator), self.events)
        self.access = Access(self.domains, DomainKeys(emulator))
        self.domain_operations = DomainOperations(self.domains)
        self.profile_operations = ProfileOperations(self.domains)
        self.project_operations = ProjectOperations(self.domains, self.deployment, self.events)
        self.operations: tuple[object, ...] = (
            self.domain_operations,
            BlueprintOperations(self.domains, self.roles),
            GrantOperations(self.domains),
            PoolOperations(self.domains),
            self.profile_operations,
            self.project_operations,
            EnvironmentOperations(self.domains),
            PeopleOperations(self.domains),
        )
