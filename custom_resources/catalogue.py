"""ONE table: every Lambda function of the product, and the custom resource that it serves.

It is read by the handlers, the CDK (functions, roles, timeouts, alarms), `doctor`, the dry run, the documentation's
reference and the tests. Standard library only: the CDK and the command line read it without a client library.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, Literal

from custom_resources.datazone_actions import CONFIGURE, READ_PROJECTS

if TYPE_CHECKING:
    from custom_resources.clients.protocols import Clients
    from custom_resources.reconciler import CustomResource

# What a permission is for. products/foundation says which ARNs and conditions that means in an installation.
On = Literal[
    "account pools",  # in the domain's account: their accounts are compared with the settings
    "anything",  # IAM knows no resources for the action (service authorization reference)
    "archives",
    "approval queues",
    "archive bucket",
    "blueprint bucket",  # of the domain's account
    "blueprint templates",
    "bootstrap assets",
    "bootstrap templates",
    "budget",
    "classic projects",  # where the settings offer classic
    "configurations",  # of the blueprint, where all is in one account
    "data key",  # of the token's secret
    "domain",  # DataZone itself decides; nowhere in a function that reads through the domain account's role
    "domain key",  # of the Studio domain, where the settings name one
    "domain key's description",
    "environment stacks",  # that Studio deploys in the account
    "launches",
    "launches of the blueprint",  # where all is in one account
    "model package groups",
    "model package groups being created",  # with their tags
    "own stacks",
    "portfolio stack",
    "products",
    "products of all regions",  # of the account, as their parameters name them
    "project files",  # project.json, at projects' prefixes
    "project files' keys",
    "project roles",
    "provisioned stacks",
    "provisioning role",
    "provisioning role's description",
    "readable keys",
    "readable secrets",
    "reader role",  # of the domain's account
    "sagemaker domains",
    "seal key",
    "token secret",
]
# What `products/assembly.py` deploys: all in one account, or the domain in one and projects in others.
Layout = Literal["one account", "project account", "domain account"]
Need = Literal["github", "git", "archives", "seals", "studio", "domain"]  # domain: DataZone, as itself


@dataclass(frozen=True)
class Permission:
    """AWS actions that a function calls, and what on."""

    actions: tuple[str, ...]
    on: On


@dataclass(frozen=True)
class Entry:
    """One function, `custom_resources.handlers.<name>`, and the class of its custom resource ("" = it serves none)."""

    name: str
    summary: str  # what it does, as a clause that follows its name
    permissions: tuple[Permission, ...]
    class_name: str = ""
    module: str = ""  # below custom_resources; the name unless it says otherwise
    memory: int = 256  # MB
    timeout: int = 120  # seconds
    storage: int = 512  # MB of /tmp
    needs: frozenset[Need] = frozenset()
    # Of a GitHub App's token for one repository; none = all that the App has: who writes variables cannot name them
    # (custom_resources/clients/github_tokens.py).
    github_permissions: tuple[str, ...] = ()
    clients: tuple[str, ...] = ()  # made in Lambda's INIT phase, beside `stacks`
    imports: tuple[str, ...] = ()  # made there, too: what the clients import when they are first used
    in_product: bool = True  # the product's stacks use it; else the administrator's
    layouts: tuple[Layout, ...] = ("one account", "project account")  # where it is deployed

    @property
    def resource_type(self) -> str:
        """The CloudFormation type, "" for a function that serves no custom resource."""
        return f"Custom::{self.class_name}" if self.class_name else ""

    @property
    def title(self) -> str:
        """The name as CDK's construct ids are written: StudioProject."""
        return "".join(word.capitalize() for word in self.name.split("_"))

    @property
    def words(self) -> str:
        """The name as people read it: `studio project`."""
        return self.name.replace("_", " ")

    @property
    def description(self) -> str:
        """The function's description."""
        return f"{self.resource_type or self.words.capitalize()}: {self.summary}"

    def function_name(self, prefix: str) -> str:
        """Return the function's name in an installation."""
        return f"{prefix}-{self.name.replace('_', '-')}"

    def load(self) -> type[CustomResource[Any, Any, Any]]:
        """Import and return the custom resource's class. Raises LookupError for a function that serves none."""
        if not self.class_name:
            raise LookupError(f"The function {self.name} serves no custom resource.")
        module = import_module(f"custom_resources.{self.module or self.name}")
        found: type[CustomResource[Any, Any, Any]] = getattr(module, self.class_name)
        return found

    def resource(self, clients: Clients) -> CustomResource[Any, Any, Any]:
        """Return the custom resource, made with the clients."""
        make: Any = self.load()
        made: CustomResource[Any, Any, Any] = make(clients)
        return made


# The fence, and what an event is compared with (own_stack.py).
_FENCE = Permission(("cloudformation:DescribeStacks", "cloudformation:DescribeStackResources"), "own stacks")
# Which product launched a stack, and who, where the stack's tags do not tell.
_LAUNCH = (
    Permission(("cloudformation:DescribeStacks",), "portfolio stack"),
    Permission(("servicecatalog:SearchProvisionedProducts",), "launches"),
)
_GITHUB = (
    Permission(("secretsmanager:GetSecretValue",), "token secret"),
    Permission(("kms:Decrypt",), "data key"),
    Permission(("dynamodb:GetItem", "dynamodb:PutItem"), "budget"),
)
# What an administrator asks of a launch and a version (foreseeing.py): both templates.
_FORESEEN = (
    Permission(("cloudformation:GetTemplate",), "own stacks"),
    Permission(("servicecatalog:DescribeProvisioningArtifact",), "products"),
    Permission(("s3:GetObject",), "bootstrap templates"),
)
_ARCHIVES = Permission(("s3:GetObject",), "archives")
# Who calls DataZone uses the domain's own key, if it has one (DataZone's user guide, "Data encryption at rest").
_DOMAIN_KEY = (
    Permission(("kms:Decrypt", "kms:GenerateDataKey"), "domain key"),
    Permission(("kms:DescribeKey",), "domain key's description"),
)
_SEALS = Permission(("kms:GenerateMac",), "seal key")

# 512 MB and more for those that run git: git's own processes, and the processor share that comes with memory. A
# delivery has the template on disk three times (archive, git's input, its objects), and a file of 100 MB in memory
# more than once.
CATALOGUE = (
    Entry(
        "studio_project",
        "reads a project, creates its model package group, and writes project.json",
        (
            _FENCE,
            *_LAUNCH,
            _ARCHIVES,
            _SEALS,
            # Which stack holds a project.
            Permission(("dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:DeleteItem"), "budget"),
            Permission(READ_PROJECTS, "domain"),
            Permission(("sts:AssumeRole",), "reader role"),
            Permission(("sagemaker:DescribeDomain", "sagemaker:ListTags"), "sagemaker domains"),
            Permission(("sagemaker:ListDomains", "sagemaker:ListSpaces"), "anything"),
            # SageMaker Studio classic.
            Permission(("sagemaker:DescribeProject",), "classic projects"),
            Permission(("sagemaker:CreateModelPackageGroup", "sagemaker:ListTags"), "model package groups"),
            Permission(("sagemaker:AddTags",), "model package groups being created"),
            Permission(("s3:GetObject", "s3:PutObject"), "project files"),
            Permission(("kms:Decrypt", "kms:GenerateDataKey"), "project files' keys"),
            # DataZone may read the roles that it is asked about in the caller's name.
            Permission(("iam:GetRole",), "project roles"),
            *_DOMAIN_KEY,
        ),
        "StudioProject",
        needs=frozenset({"archives", "seals", "studio"}),
        clients=("studio", "archives"),
    ),
    Entry(
        "github_repository",
        "creates, adopts, restores and archives a repository",
        (_FENCE, *_LAUNCH, _SEALS, *_GITHUB),
        "GitHubRepository",
        memory=512,
        timeout=300,
        needs=frozenset({"github", "git", "seals"}),
        github_permissions=("administration=write", "contents=write", "secrets=write"),
        clients=("budget", "secrets", "seals", "github", "git"),
        imports=("git",),
    ),
    Entry(
        "repository_template",
        "delivers and merges template versions",
        (_FENCE, *_LAUNCH, *_FORESEEN, _ARCHIVES, _SEALS, *_GITHUB),
        "RepositoryTemplate",
        "delivery.resource",
        memory=1024,
        timeout=600,
        storage=2048,
        needs=frozenset({"github", "git", "archives", "seals"}),
        github_permissions=("administration=write", "contents=write", "pull_requests=write", "workflows=write"),
        clients=("budget", "secrets", "archives", "seals", "github", "git"),
        imports=("git",),
    ),
    Entry(
        "actions_configuration",
        "sets Actions secrets and variables",
        (
            _FENCE,
            *_LAUNCH,
            _SEALS,
            *_GITHUB,
            Permission(("secretsmanager:GetSecretValue",), "readable secrets"),
            Permission(("kms:Decrypt",), "readable keys"),
        ),
        "ActionsConfiguration",
        timeout=300,
        needs=frozenset({"github", "seals"}),
        clients=("budget", "secrets", "seals", "github"),
        imports=("nacl.public",),
    ),
    Entry(
        "template_archive",
        "stores the content of a template version",
        (
            _FENCE,
            Permission(("s3:GetObject",), "bootstrap assets"),
            _ARCHIVES,
            Permission(("s3:PutObject", "s3:AbortMultipartUpload"), "archives"),
            # Without it S3 answers 403, not 404, for an archive that is not there yet.
            Permission(("s3:ListBucket",), "archive bucket"),
        ),
        "TemplateArchive",
        needs=frozenset({"archives"}),
        clients=("archives",),
        in_product=False,
    ),
    Entry(
        "version_guidance",
        "sets the guidance of versions",
        (
            _FENCE,
            Permission(
                ("servicecatalog:ListProvisioningArtifacts", "servicecatalog:UpdateProvisioningArtifact"), "products"
            ),
        ),
        "VersionGuidance",
        clients=("service_catalog",),
        in_product=False,
    ),
    Entry(
        "studio_blueprint",
        "registers the product in a domain",
        (
            _FENCE,
            Permission(
                (
                    "datazone:ListDomains",
                    "datazone:GetDomain",
                    "datazone:ListEnvironmentBlueprints",
                    "datazone:GetEnvironmentBlueprint",
                    "datazone:CreateEnvironmentBlueprint",
                    "datazone:UpdateEnvironmentBlueprint",
                    "datazone:DeleteEnvironmentBlueprint",
                ),
                "anything",
            ),
            Permission(CONFIGURE, "configurations"),
            Permission(("iam:PassRole",), "provisioning role"),
            Permission(("iam:GetRole",), "provisioning role's description"),
            *_DOMAIN_KEY,
            Permission(("servicecatalog:SearchProvisionedProducts",), "launches of the blueprint"),
        ),
        "StudioBlueprint",
        clients=("blueprints",),
        in_product=False,
        layouts=("one account", "domain account"),
    ),
    Entry(
        "blueprint_template",
        "copies the blueprint's template to the bucket that project accounts read",
        (
            _FENCE,
            Permission(("s3:GetObject",), "bootstrap templates"),
            Permission(("s3:GetObject", "s3:PutObject"), "blueprint templates"),
            # Without it S3 answers 403, not 404, for a template that is not there yet.
            Permission(("s3:ListBucket",), "blueprint bucket"),
        ),
        "BlueprintTemplate",
        clients=("blueprint_templates",),
        in_product=False,
        layouts=("domain account",),
    ),
    Entry(
        "studio_blueprint_configuration",
        "enables the blueprint in a project account",
        (
            _FENCE,
            Permission(
                (
                    "datazone:ListDomains",
                    "datazone:GetDomain",
                    "datazone:ListEnvironmentBlueprints",
                    "datazone:GetEnvironmentBlueprint",
                    *CONFIGURE,
                ),
                "anything",
            ),
            Permission(("iam:PassRole",), "provisioning role"),
            Permission(("iam:GetRole",), "provisioning role's description"),
            *_DOMAIN_KEY,
            Permission(("servicecatalog:SearchProvisionedProducts",), "launches"),
            Permission(("ssm:GetParameter",), "products of all regions"),
        ),
        "StudioBlueprintConfiguration",
        needs=frozenset({"domain"}),
        clients=("blueprints",),
        in_product=False,
        layouts=("project account",),
    ),
    Entry(
        "studio_project_profile",
        "creates and extends project profiles",
        (
            _FENCE,
            Permission(
                (
                    "datazone:ListDomains",
                    "datazone:GetDomain",
                    "datazone:ListEnvironmentBlueprints",
                    "datazone:ListProjectProfiles",
                    "datazone:GetProjectProfile",
                    "datazone:CreateProjectProfile",
                    "datazone:UpdateProjectProfile",
                    "datazone:DeleteProjectProfile",
                    "datazone:ListPolicyGrants",
                    "datazone:AddPolicyGrant",
                    "datazone:RemovePolicyGrant",
                ),
                "anything",
            ),
            Permission(("datazone:GetAccountPool",), "account pools"),
            *_DOMAIN_KEY,
        ),
        "StudioProjectProfile",
        clients=("blueprints",),
        in_product=False,
        layouts=("one account", "domain account"),
    ),
    Entry(
        "project_reader",
        "reads projects for the project-setup state machine",
        (
            Permission(("cloudformation:DescribeStacks",), "environment stacks"),
            Permission(("sts:AssumeRole",), "reader role"),
            Permission(("sagemaker:DescribeDomain", "sagemaker:ListTags"), "sagemaker domains"),
            Permission(("sagemaker:ListDomains", "sagemaker:ListSpaces"), "anything"),
        ),
        needs=frozenset({"studio"}),
        clients=("studio",),
        in_product=False,
        layouts=("project account",),
    ),
    Entry(
        "model_approval",
        "starts the deploy workflow for approved models",
        (
            *_GITHUB,
            Permission(
                (
                    "servicecatalog:DescribeProvisionedProduct",
                    "servicecatalog:SearchProvisionedProducts",
                    "servicecatalog:GetProvisionedProductOutputs",
                ),
                "launches",
            ),
            Permission(("cloudformation:DescribeStacks",), "provisioned stacks"),
            Permission(("sqs:SendMessage",), "approval queues"),
        ),
        timeout=60,
        needs=frozenset({"github"}),
        clients=("service_catalog", "secrets", "github"),
        in_product=False,
    ),
)
