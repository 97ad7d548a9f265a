"""What the security rules find and we keep, each with its reason. A finding without a reason fails the test, and so
does a reason that finds nothing any more.

A rule is cdk-nag's id; IAM5 findings carry the wildcard: `AwsSolutions-IAM5[Resource::*]`. Paths and findings are
regular expressions that must match as a whole.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Reviewed:
    """A finding that we keep: which, where, why."""

    finding: str
    path: str
    reason: str


_FUNCTION_ROLE = r"(Domain)?FoundationStack/\w+Role/DefaultPolicy/Resource"
_LAUNCH_ROLE = r"PortfolioStack/LaunchRole/DefaultPolicy/Resource"
_WORKFLOW_ROLE = r"PortfolioStack/MlopsProject/(Workflow|Production)Role/Resource"


def iam(resource: str) -> str:
    """Return the id of cdk-nag's finding about a wildcard in a resource."""
    return rf"AwsSolutions-IAM5\[Resource::{resource}\]"


REVIEWED = (
    # -- IAM: actions for which IAM knows no resources ---------------------------------------------------------
    Reviewed(
        iam(r"\*"),
        r"FoundationStack/StudioProjectRole/DefaultPolicy/Resource",
        "Reads in DataZone, for which IAM has no resources (DataZone decides by domain and project), and lists of "
        "SageMaker domains and spaces, and of Service Catalog's launches.",
    ),
    Reviewed(
        iam(r"\*"),
        r"(Domain)?FoundationStack/(StudioBlueprint|StudioBlueprintConfiguration|StudioProjectProfile)Role/DefaultPolicy/Resource",
        "Blueprints, profiles and grants in DataZone, for which IAM has no resources; DataZone decides by domain.",
    ),
    Reviewed(
        iam(r"\*"),
        r"FoundationStack/(GithubRepository|RepositoryTemplate|ActionsConfiguration)Role/DefaultPolicy/Resource",
        "SearchProvisionedProducts, a list, has no resource: whose launch made the stack of an event.",
    ),
    Reviewed(
        iam(r"\*"),
        r"(Domain)?FoundationStack/\w+Provider/waiter-state-machine/Role/DefaultPolicy/Resource",
        "The CDK framework's statement for CloudWatch's log delivery, whose actions have no resources.",
    ),
    Reviewed(
        iam(r"\*"),
        r"FoundationStack/UpdateProjectRole/DefaultPolicy/Resource",
        "UpdateProvisionedProduct and DescribeRecord have no resources: bound to the account's launches, of which the "
        "portfolio decides. PutMetricData is bound by its namespace, log delivery has no resources.",
    ),
    Reviewed(
        iam(r"\*"),
        r"FoundationStack/RolloutRole/DefaultPolicy/Resource",
        "The CDK's statement for CloudWatch's log delivery, whose actions have no resources.",
    ),
    Reviewed(
        iam(r"\*"),
        _LAUNCH_ROLE,
        "ValidateTemplate and GetTemplateSummary are asked before a stack exists; s3:GetObject is bound by Service "
        "Catalog's tag on its own copies of templates, in buckets of its choosing.",
    ),
    Reviewed(
        iam(r"\*"),
        _WORKFLOW_ROLE,
        "sagemaker:ListModelPackages, a list, has no resource; production also describes what is scaled, likewise.",
    ),
    # -- IAM: resources that exist only later, bounded by a name -------------------------------------------------
    Reviewed(
        iam(
            r"arn:<AWS::Partition>:cloudformation:.*:stack/(SC-|studio-mlops-|PortfolioStack|Studio(Account|Domain|Profiles)?Stack)\*?/\*"
        ),
        _FUNCTION_ROLE,
        "DescribeStacks on the stacks that may use the function, by their names; ids follow the name.",
    ),
    Reviewed(
        iam(r"arn:<AWS::Partition>:cloudformation:.*:stack/SC-\*/\*"),
        _LAUNCH_ROLE,
        "The stacks of Service Catalog's launches, which it names SC-*.",
    ),
    Reviewed(
        iam(
            r"arn:<AWS::Partition>:iam::<AWS::AccountId>:role/"
            r"(studio-mlops-wf-|studio-mlops-production-|datazone_usr_role_|service-role/AmazonSageMakerUserIAMExecutionRole_)\*"
        ),
        _LAUNCH_ROLE,
        "The projects' workflow roles, and the inline policy for the project's files on Studio's project roles.",
    ),
    Reviewed(
        iam(
            r"arn:<AWS::Partition>:iam::<AWS::AccountId>:role/"
            r"(datazone_usr_role_|service-role/AmazonSageMakerUserIAMExecutionRole_)\*"
        ),
        r"FoundationStack/StudioProjectRole/DefaultPolicy/Resource",
        "GetRole on the projects' roles, which DataZone may read in the name of who asks about them.",
    ),
    Reviewed(
        iam(r"<Archives\w+\.Arn>/rollouts/\*/(results/\*|wave-\*)\.json"),
        r"FoundationStack/(UpdateProject|Rollout)Role/DefaultPolicy/Resource",
        "Lists and results of rollouts, below their own prefix; a rollout's id and a launch's are known when it runs.",
    ),
    Reviewed(
        iam(r"arn:<AWS::Partition>:cloudformation:.*:stack/SC-\*/\*"),
        r"FoundationStack/UpdateProjectRole/DefaultPolicy/Resource",
        "DescribeStacks on the stacks of Service Catalog's launches, which it names SC-*.",
    ),
    Reviewed(
        iam(r"arn:<AWS::Partition>:states:.*:execution:studio-mlops-(rollout|update-project)(/\*)?:\*"),
        r"FoundationStack/RolloutRole/DefaultPolicy/Resource",
        "The executions of the two machines, whose names are known when they run.",
    ),
    Reviewed(
        iam(r"<Archives\w+\.Arn>/\*\.zip"),
        _FUNCTION_ROLE,
        "Template archives, addressed by their content: one bucket that holds nothing else.",
    ),
    Reviewed(
        iam(r"arn:<AWS::Partition>:s3:::cdk-\w+-assets-<AWS::AccountId>-<AWS::Region>/\*\.zip"),
        r"FoundationStack/TemplateArchiveRole/DefaultPolicy/Resource",
        "The CDK's assets, of which the published archives are read; their keys are hashes.",
    ),
    Reviewed(
        iam(r"arn:<AWS::Partition>:s3:::amazon-sagemaker-\*/\*/\*/\*/project\.json"),
        r"FoundationStack/StudioProjectRole/DefaultPolicy/Resource",
        "project.json alone, below domain, project and scope in Studio's buckets of this account; it writes at "
        "the prefix of the launch's own project (custom_resources/project_file.py).",
    ),
    Reviewed(
        iam(r"arn:<AWS::Partition>:kms:.*:key/\*"),
        r"FoundationStack/StudioProjectRole/DefaultPolicy/Resource",
        "The bucket's key, if it has one: through S3 only, and for project.json only.",
    ),
    Reviewed(
        iam(r"arn:<AWS::Partition>:s3:::cdk-\w+-assets-<AWS::AccountId>-<AWS::Region>/\*\.json"),
        r"FoundationStack/RepositoryTemplateRole/DefaultPolicy/Resource",
        "The CDK's assets, of which a version's template is read for a plan; their keys are hashes.",
    ),
    Reviewed(
        iam(r"arn:<AWS::Partition>:secretsmanager:.*:secret:\*"),
        r"FoundationStack/ActionsConfigurationRole/DefaultPolicy/Resource",
        "Bound by the tag studio-mlops:readable, which an administrator sets on secrets meant for workflows.",
    ),
    Reviewed(
        iam(r"arn:<AWS::Partition>:kms:.*:key/\*"),
        r"FoundationStack/ActionsConfigurationRole/DefaultPolicy/Resource",
        "Bound to Secrets Manager, and by the same tag: keys that such a secret may be encrypted with.",
    ),
    Reviewed(
        iam(r"arn:<AWS::Partition>:sagemaker:.*:domain/\*"),
        r"(FoundationStack/StudioProjectRole|StudioAccountStack/ProjectReaderRole)/DefaultPolicy/Resource",
        "A project's SageMaker domain is found by reading the account's domains.",
    ),
    Reviewed(
        iam(r"arn:<AWS::Partition>:catalog:.*:product/\*"),
        r"FoundationStack/(VersionGuidance|RepositoryTemplate)Role/DefaultPolicy/Resource",
        "The product's id is known only when the portfolio, which comes later, is deployed.",
    ),
    Reviewed(
        iam(r"<\w+\.Arn>:\*"),
        r"(Domain)?FoundationStack/\w+(OnEventRole|IsCompleteRole|Provider/waiter-state-machine/Role)/DefaultPolicy/Resource",
        "Versions and aliases of the one function that the CDK's framework calls.",
    ),
    Reviewed(
        iam(
            r"arn:<AWS::Partition>:s3:::<StudioProject\.ArtifactBucket>/"
            r"(<StudioProject\.ArtifactPrefix>|<DomainId>/.*/<StudioProject\.ScopeName>)/\*"
        ),
        r"PortfolioStack/MlopsProject/((Workflow|Production)Role/Resource|ExecutionRolePolicy)",
        "The project's own files, below its own prefixes of the bucket: Studio's, and the one that templates make.",
    ),
    Reviewed(
        iam(r"arn:<AWS::Partition>:kms:.*:key/\*"),
        _WORKFLOW_ROLE,
        "A domain's own key is not known to the template: bound to S3, and to the project's files by what S3 says.",
    ),
    Reviewed(
        iam(r"arn:<AWS::Partition>:sagemaker:.*:(pipeline|model|endpoint|endpoint-config)/\*"),
        _WORKFLOW_ROLE,
        "Bound by the tag AmazonDataZoneProject of the project, on the request or on the resource.",
    ),
    Reviewed(
        iam(r"arn:<AWS::Partition>:sagemaker:.*:model-package/<StudioProject\.ModelPackageGroupName>/\*"),
        _WORKFLOW_ROLE,
        "The versions in the project's own model package group.",
    ),
    Reviewed(
        iam(r"arn:<AWS::Partition>:glue:.*:table/<StudioProject\.GlueDatabase>/\*"),
        _WORKFLOW_ROLE,
        "GetTable on the tables of the project's Glue database.",
    ),
    Reviewed(
        iam(r"arn:<AWS::Partition>:cloudformation:.*:stack/studio-.*-(\*|production)/\*"),
        _WORKFLOW_ROLE,
        "The project's own endpoint stacks, named after its id.",
    ),
    Reviewed(
        iam(
            r"arn:<AWS::Partition>:cloudwatch:.*:alarm:"
            r"(studio-.*-(production-)?\*|TargetTracking-endpoint/studio-.*-(production/)?\*)"
        ),
        _WORKFLOW_ROLE,
        "The alarms of the project's endpoints, named after its id, and target tracking's of the same endpoints; "
        "production's are production's.",
    ),
    Reviewed(
        iam(r"arn:<AWS::Partition>:application-autoscaling:.*:scalable-target/\*"),
        _WORKFLOW_ROLE,
        "AWS names scalable targets: bound by the project's tag, on the request or on the target, and to SageMaker.",
    ),
    Reviewed(
        iam(
            r"(\*|arn:<AWS::Partition>:"
            r"(application-autoscaling|cloudformation|cloudwatch|glue|iam|kms|sagemaker):.*)"
        ),
        r"PortfolioStack/WorkflowBoundary/Resource",
        "A permissions boundary, which allows nothing by itself: the services of the workflows. A project's role says "
        "in its own policy what of them.",
    ),
    Reviewed(
        iam(r"arn:<AWS::Partition>:sagemaker:.*:model-package-group/aiops-\*"),
        r"FoundationStack/StudioProjectRole/DefaultPolicy/Resource",
        "The projects' model package groups, which it creates and whose tags it reads; named after ids.",
    ),
    # -- not IAM ---------------------------------------------------------------------------------------------------
    Reviewed(
        "AwsSolutions-SMG4",
        "FoundationStack/GitHubToken/Resource",
        "GitHub gives out tokens; there is nothing here that could rotate one. A new one needs no redeploy, and a "
        "GitHub App's tokens live an hour.",
    ),
    Reviewed(
        "AwsSolutions-S1",
        "FoundationStack/Archives/Resource",
        "Only our functions read the archives, which hold no secrets; CloudTrail's data events can be switched on.",
    ),
    Reviewed(
        "AwsSolutions-DDB3",
        "FoundationStack/RateBudget/Resource",
        "The table holds two numbers about GitHub's limits; losing them loses nothing (docs/decisions/0004).",
    ),
    Reviewed("AwsSolutions-SQS3", r"(Domain)?FoundationStack/DeadLetters/Resource", "It is the dead letter queue."),
    Reviewed(
        "AwsSolutions-L1",
        r"(Domain)?FoundationStack/\w+/Resource",
        "Python 3.13 is supported until 2029; the layers' wheels are locked for it.",
    ),
    Reviewed(
        "AwsSolutions-SF2",
        r"(Domain)?FoundationStack/\w+Provider/waiter-state-machine/Resource",
        "Tracing is a setting (xray), off by default for its cost.",
    ),
    # -- StudioStack ---------------------------------------------------------------------------------------
    Reviewed(
        r"AwsSolutions-IAM5\[Resource::\*\]",
        r"Studio(Account)?Stack/((ProvisioningRole|ProjectSetupRole|ModelApprovalRole|ProjectReaderRole)/DefaultPolicy/Resource|ProvisioningRolePolicy)",
        "Launches in Service Catalog and projects in DataZone have no resources in IAM; templates are validated before "
        "there is a stack, and stacks are listed; which ARN CloudFormation tags a launch by is not documented.",
    ),
    Reviewed(
        r"AwsSolutions-IAM5\[Resource::arn:<AWS::Partition>:cloudformation:.*:stack/(DataZone|SC-)\*/\*\]",
        r"Studio(Account)?Stack/((ProvisioningRole|ModelApprovalRole|ProjectReaderRole)/DefaultPolicy/Resource|ProvisioningRolePolicy)",
        "Stacks of environments and launches that do not exist yet, bounded by the names that the services give them.",
    ),
    Reviewed(
        r"AwsSolutions-IAM5\[Resource::arn:<AWS::Partition>:s3:::cdk-.*/\*\.json\]",
        r"Studio(Account)?Stack/ProvisioningRole/DefaultPolicy/Resource",
        "The blueprint's template of every version: an environment may still be at an older one.",
    ),
    Reviewed(
        r"AwsSolutions-SQS3",
        r"Studio(Account)?Stack/(ApprovalRule)?DeadLetters/Resource",
        "It is a dead letter queue itself: that of the rules' targets.",
    ),
    Reviewed(
        r"AwsSolutions-SF2",
        r"(Studio(Account)?Stack/ProjectSetup|FoundationStack/(UpdateProject|Rollout))/Resource",
        "X-Ray is a setting (xray), off by default: it costs, and shows names of projects.",
    ),
    Reviewed(
        r"AwsSolutions-L1",
        r"Studio(Account)?Stack/(ModelApproval|ProjectReader)/Resource",
        "Python 3.13, the runtime that the layers are built and tested for.",
    ),
    # -- several accounts ----------------------------------------------------------------------------------------
    Reviewed(
        iam(r"\*"),
        r"DomainFoundationStack/StudioReader/DefaultPolicy/Resource",
        "Reads of projects in DataZone, for which IAM has no resources; DataZone decides by domain and project.",
    ),
    Reviewed(
        iam(r"arn:<AWS::Partition>:s3:::cdk-\w+-assets-<AWS::AccountId>-<AWS::Region>/\*\.json"),
        r"DomainFoundationStack/BlueprintTemplateRole/DefaultPolicy/Resource",
        "The CDK's assets, of which the blueprint's template is read; their keys are hashes.",
    ),
    Reviewed(
        iam(r"arn:<AWS::Partition>:s3:::studio-mlops-blueprints-.*/\*\.json"),
        r"(DomainFoundationStack/BlueprintTemplateRole/DefaultPolicy/Resource"
        r"|StudioAccountStack/(ProvisioningRole/DefaultPolicy/Resource|ProvisioningRolePolicy))",
        "The blueprint's template of every version, by its content: one bucket that holds nothing else.",
    ),
    Reviewed(
        iam(r"arn:<AWS::Partition>:ssm:\*:<AWS::AccountId>:parameter/studio-mlops/product-id"),
        r"FoundationStack/StudioBlueprintConfigurationRole/DefaultPolicy/Resource",
        "The product's id in each region of the account: projects of any of them need the account's configuration.",
    ),
    Reviewed(
        "AwsSolutions-S1",
        "DomainFoundationStack/Blueprints/Resource",
        "Only provisioning roles read the templates, which hold no secrets; CloudTrail's data events can be on.",
    ),
)
