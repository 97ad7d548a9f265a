"""The assumptions that the product makes of Studio, SageMaker and Service Catalog: the one table of them.

docs/studio.md shows it, and a test compares the two. Ids stay: code and reports name them. `places` are the modules
that depend on an assumption; each names its id (docs/decisions/0065). A30's place is the template's
run_pipeline.py, and no code of ours depends on A27.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Assumption:
    """What is assumed, how sure it is, how it is judged here, and what to do if it is otherwise."""

    id: str
    sentence: str
    certainty: str
    otherwise: str
    judged: str
    places: tuple[str, ...]

    @property
    def by_hand(self) -> bool:
        """Whether nothing here can see it."""
        return self.judged.startswith("by hand: ")


ASSUMPTIONS = (
    Assumption(
        "A01",
        "The blueprint's provisioning role is Service Catalog's caller",
        "likely",
        (
            'The launch says "No launch paths found". Look in CloudTrail who called ProvisionProduct, make '
            "that role a principal of the portfolio"
        ),
        (
            "the tag of the launch's stack, else UserArnSession of the search, names the role in the "
            "blueprint's configuration"
        ),
        ("products/studio/provisioning.py",),
    ),
    Assumption(
        "A02",
        "Default values of the blueprint's user parameters, and the profile's overrides, reach the template",
        "likely",
        "The stack says that ProductId has no value. Set it in the profile's overrides",
        "the environment's stack has the parameters that the blueprint and the profile set",
        ("products/studio/blueprint.py",),
    ),
    Assumption(
        "A03",
        (
            "Studio fills in `datazoneEnvironmentDomainId`, `...ProjectId`, `...EnvironmentId`, "
            "`...ProjectName`, `datazoneScopeName`, `userRoleArn` and `s3BucketArn`, in both kinds of domains"
        ),
        "ids: certain; `userRoleArn` in an IAM-based domain: open",
        "Each has a default, and what is empty is looked up. Without the ids the product refuses the domain id",
        "each of the seven parameters of the environment's stack has a value",
        ("products/studio/blueprint.py",),
    ),
    Assumption(
        "A04",
        "The functions' roles may write in the domain as owners of its unit (`aws datazone add-entity-owner`)",
        "certain",
        "StudioStack's failure names the command",
        "both functions' roles own the domain unit, and the blueprint is registered",
        ("custom_resources/clients/blueprints.py",),
    ),
    Assumption(
        "A05",
        "A blueprint is deleted with its configuration",
        "likely",
        (
            "We delete it first, and its configuration only if DataZone refuses; if it refuses still, the "
            "configuration is put back"
        ),
        "with `--as-owner`, the configuration of a scratch blueprint after that was deleted",
        ("custom_resources/studio_blueprint.py",),
    ),
    Assumption(
        "A06",
        (
            "Environment configurations may be sent back with their `id` and without `resolvedParameters` "
            "(UpdateProjectProfile)"
        ),
        "likely",
        "The profile's update fails with DataZone's reason, and the profile is as it was",
        "the profile has our environment beside others; with `--as-owner`, a copy's are sent back",
        ("custom_resources/profile_environments.py",),
    ),
    Assumption(
        "A07",
        (
            "A second grant for the same principal is added beside the first, or refused with a conflict. A "
            "grant without `projectProfiles` means all profiles"
        ),
        "likely",
        "Both are handled. Grant the profile by hand",
        "with `--as-owner`, two profiles granted to one principal in a scratch domain unit",
        ("custom_resources/studio_project_profile.py",),
    ),
    Assumption(
        "A08",
        'DataZone\'s message has "role" or "assume" in it when it cannot use a role yet',
        "likely",
        "Deploy StudioStack again after a minute",
        "the reasons with which StudioStack's blueprint failed, if it ever did",
        ("custom_resources/clients/blueprints.py",),
    ),
    Assumption(
        "A09",
        (
            "UpdateProject with `projectProfileVersion: latest` updates our environment to the profile's new "
            "`ProductVersion`"
        ),
        "likely",
        "Use `python -m operations rollout start`",
        "the environment and the launch are at the other version after UpdateProject",
        ("products/studio/blueprint.py",),
    ),
    Assumption(
        "A10",
        (
            "The native events carry `detail.metadata.domain` and `detail.metadata.owningProjectId`, else "
            "`detail.data.projectId`"
        ),
        "open",
        "CloudTrail's events alone are enough, only slower",
        "the input of the state machine's execution for `Environment Deployment Completed`",
        ("products/project_setup/definition.py",),
    ),
    Assumption(
        "A11",
        (
            "`SearchQuery: id:<provisioned product>` finds the launch with its tags, for the state machine's "
            "role at account level"
        ),
        "likely",
        "Project setup terminates nothing. Terminate `studio-<project id>` in Service Catalog",
        "the search finds the launch, with the tag `studio-mlops:launched-by`",
        ("products/project_setup/definition.py",),
    ),
    Assumption(
        "A12",
        "A connected repository of our organization's name is on our GitHub",
        "open for GitLab and Bitbucket",
        "The repository would be made on GitHub under that name. Leave `gitFullRepositoryId` empty",
        "`--project` with a connected repository of our organization's name: the kind of its Git connection",
        ("custom_resources/studio_project.py",),
    ),
    Assumption(
        "A13",
        (
            "With `grant_execution_role_files`, the project's role takes our inline policy, and it goes before "
            "Studio deletes the role"
        ),
        "likely",
        (
            'Studio says "must delete policies first". Terminate the launch, then delete the project again; '
            "switch the setting off"
        ),
        "with the setting, Studio deletes the project",
        ("products/mlops_project.py",),
    ),
    Assumption(
        "A14",
        "Pipeline executions carry their pipeline's tags",
        "open",
        "`run_pipeline.py --wait` is denied DescribePipelineExecution. Run it without `--wait`",
        "`--project` after its build workflow ran: the tags of its pipeline's last execution",
        ("products/workflow_permissions.py",),
    ),
    Assumption(
        "A15",
        "Outputs that are empty reach the blueprint's stack",
        "open",
        (
            'With `sync_mode = "Off"` the template\'s version is "", and the environment fails: "Requested attribute '
            'Outputs.BuildTemplateVersion does not exist". Use another mode at the first launch'
        ),
        (
            "an output of the environment's stack is empty, or the environment fails for one: a project launched with "
            '`sync_mode = "Off"` has one'
        ),
        ("products/studio/blueprint.py",),
    ),
    Assumption(
        "A16",
        (
            "Workflows may use a domain's own key through S3: the key's policy leaves that to IAM. S3 names "
            "the object, or the bucket where it has a Bucket Key"
        ),
        "certain",
        "The workflow is denied kms:GenerateDataKey. Correct the key's policy",
        (
            "`--project` after its build workflow ran, in a domain with a key: the bucket's key, who created the "
            "pipeline, and what CloudTrail recorded of a denied key"
        ),
        ("products/foundation/roles.py", "products/workflow_permissions.py"),
    ),
    Assumption(
        "A17",
        (
            "The provisioning role reads the blueprint's template, from the CDK's bucket by a path-style "
            "address. Whether CreateEnvironmentBlueprint reads it with its caller's rights, too"
        ),
        "first: likely; second: open",
        '"Access denied to blueprint template". Let the named role read `cdk-<qualifier>-assets-*`',
        "the environment's stack was begun; the second half: with `--as-owner`, a copy is registered",
        ("products/studio/provisioning.py",),
    ),
    Assumption(
        "A18",
        (
            "A creation that CloudFormation cut off before it was answered is deleted under a physical id of "
            "CloudFormation's own"
        ),
        "certain",
        "Repositories are then found by name. A blueprint or profile may stay: look in Studio",
        "StudioStack's events: the id under which a creation that was cut off was deleted, if there ever was one",
        ("custom_resources/studio_blueprint.py",),
    ),
    Assumption(
        "A19",
        "DataZone answers GetProject and GetProjectProfile to callers whom IAM permits and who are not members",
        "likely: the seed's function works so",
        (
            "With the blueprint neither is needed. Else the launch says that DataZone denied it: name "
            "ProjectName and ProfileName in the launch"
        ),
        "DataZone's answers to the function studio-project, which is not a member",
        ("custom_resources/clients/studio.py", "custom_resources/probe.py", "operations/fleet/owners.py"),
    ),
    Assumption(
        "A20",
        "DataZone answers ListEnvironments, GetEnvironment, ListConnections and GetConnection to members only",
        "the connections: certain; the environments: likely",
        "Nothing: what they tell in addition is used",
        "the same function is asked for ListEnvironments and ListConnections",
        (
            "custom_resources/clients/studio.py",
            "custom_resources/probe.py",
            "custom_resources/studio_blueprint.py",
            "operations/fleet/owners.py",
        ),
    ),
    Assumption(
        "A21",
        (
            "Service Catalog sets `aws:servicecatalog:provisioningPrincipalArn` on a launch's stack, as "
            "`arn:aws:sts::<account>:assumed-role/<role>/<session>`"
        ),
        "likely: public recordings",
        (
            "No caller is known, so what Studio fills in has to be what SageMaker tells. Otherwise the launch "
            "says which is missing"
        ),
        "the launch's stack has the tag, in this form",
        ("custom_resources/caller.py",),
    ),
    Assumption(
        "A22",
        "An update by another principal leaves that tag as it was",
        "open",
        "Nothing: an update's caller is never believed",
        "the tag before and after an update by the role of `--launch-role`",
        ("custom_resources/studio_project.py",),
    ),
    Assumption(
        "A23",
        "`s3BucketArn` is the ARN of the project's bucket, and its files are at `<domain>/<project>/<scope>` in it",
        "likely: Studio's policy gives `<domain>/<project>/*`",
        "SageMaker's ProjectS3Path in the same bucket comes first. Else workflows are denied access to S3",
        "`s3BucketArn` of the environment's stack beside the project's location in SageMaker",
        ("custom_resources/belief.py",),
    ),
    Assumption(
        "A24",
        (
            "A project's SageMaker domain names it (UnifiedStudioSettings or tags) in both kinds of domains, "
            "and is in service when the tooling is"
        ),
        "likely; IAM-based domains: open",
        "A launch by project setup waits until the project is deployed, then says what is missing",
        "a SageMaker domain names the project, and is in service",
        ("custom_resources/clients/studio.py",),
    ),
    Assumption(
        "A25",
        "DataZone answers 403 for a domain that does not exist, and ListDomains shows which there are",
        "the first: certain",
        "Deleting StudioStack after its domain fails. Delete it with `--retain-resources`",
        "GetDomain of an id that nobody has, and ListDomains",
        ("custom_resources/clients/blueprints.py",),
    ),
    Assumption(
        "A26",
        "Studio takes user parameters whose default is empty, and a parameter that the profile fixes",
        "likely",
        "CreateEnvironmentBlueprint is refused with the parameter's name",
        "blueprint and profile have those parameters; with `--as-owner`, a copy is registered",
        ("products/studio/blueprint.py",),
    ),
    Assumption(
        "A27",
        (
            "Parameters of a launch that an administrator changed by hand survive Studio's next update of the "
            "environment"
        ),
        "open",
        "Change them in Studio, or by the profile",
        "a parameter changed by the role of `--launch-role`, after UpdateProject",
        (),
    ),
    Assumption(
        "A28",
        "A provisioned product that is TAINTED can be updated again, and Studio can delete its environment",
        "open",
        "Terminate `studio-<project id>` in Service Catalog, then delete the project in Studio",
        "UpdateProject after an update that failed, then DeleteProject",
        ("operations/rollout/planning.py",),
    ),
    Assumption(
        "A29",
        "SageMaker Studio classic still leads users to Service Catalog projects",
        "open",
        "Launch from Service Catalog with `classic` as the domain id",
        (
            "by hand: open SageMaker Studio classic as one of its users: Deployments > Projects > Create project. Are "
            "organization templates listed there? Record it with `--answer A29=yes` or `--answer A29=no`"
        ),
        ("products/portfolio.py",),
    ),
    Assumption(
        "A30",
        (
            "A tag that SageMaker Pipelines hands down from the pipeline to its jobs does not count as AddTags "
            "of the project's role"
        ),
        "open",
        (
            "Jobs fail with AccessDenied on sagemaker:AddTags. Take the tags `AmazonDataZone*` from the "
            "pipeline (`run_pipeline.py`)"
        ),
        "`--project` after its build workflow ran: the steps of its pipeline's last execution",
        (),
    ),
    Assumption(
        "A31",
        (
            "STS tells the claim `repository_id` of a job on github.com as a condition key; where it does not, the key "
            "is absent"
        ),
        "certain in commercial regions",
        "A job is denied sts:AssumeRoleWithWebIdentity. Compare the claims of its token with the role's trust policy",
        (
            "`--project` after its build workflow ran: a job of it created the pipeline as the workflow role, or "
            "CloudTrail recorded how it was answered"
        ),
        ("products/workflow_role.py",),
    ),
    Assumption(
        "A32",
        (
            "SageMaker tells IAM the creation that a request tags in (`sagemaker:TaggingAction`), for pipelines, "
            "models, endpoint configurations, endpoints and model package groups"
        ),
        "likely: AWS's own managed policies compare it for most of them",
        "A creation is denied sagemaker:AddTags. Allow it to the role, for the project's tag, without that key",
        (
            "`--project` after its workflows ran: who created the pipeline, the events of the deployments' stacks, and "
            "what CloudTrail recorded of a denied creation"
        ),
        ("products/workflow_permissions.py", "products/foundation/roles.py"),
    ),
    Assumption(
        "A33",
        (
            "CloudFormation creates and updates a state machine under a key that the deployer may encrypt with, "
            "not decrypt"
        ),
        "likely: the resource type's schema lists no more",
        "FoundationStack fails at a waiter with kms:Decrypt. Add the deployer to the policy of RequestsKey",
        "FoundationStack's state machines, their key, and the reasons with which a deployment ever failed",
        ("products/foundation/storage.py",),
    ),
    Assumption(
        "A34",
        "Service Catalog assumes the launch role with `aws:SourceAccount`; where it does not, the key is absent",
        "open",
        (
            'If the call shows another account, the launch fails with "Access denied while assuming the role". Take '
            "the condition from the launch role's trust policy (`products/portfolio.py`)"
        ),
        "a launch has a stack, or Service Catalog says that it was denied the launch role",
        ("products/portfolio.py",),
    ),
    Assumption(
        "A35",
        (
            "SearchProvisionedProducts gives UserArn or UserArnSession of a launch that is going on, and its stack in "
            "PhysicalId or none yet"
        ),
        "open",
        (
            "Used only if A21 is otherwise, too. The caller is then unknown, or the launch is refused: set `[product] "
            "allow_direct_launches` until it is repaired"
        ),
        "the search for the launch while it is under change",
        ("custom_resources/clients/service_catalog.py",),
    ),
    Assumption(
        "A36",
        (
            'GetProject answers "not found" for a project that was deleted by its user, and its status has DELET while '
            "it is being deleted"
        ),
        "likely",
        ("The state machine tells administrators that DataZone denied it. Terminate `studio-<project id>` by hand"),
        "GetProject while the project is deleted, and by the function studio-project afterwards",
        ("products/project_setup/definition.py",),
    ),
    Assumption(
        "A37",
        (
            "DescribeStackResources lists a resource as soon as its creation begins, and with the status of the "
            "running operation"
        ),
        "likely",
        (
            "The functions look five times within ten seconds (0086). If that is too short, the launch says "
            '"The request does not belong to the stack". Start it again, and send us the report'
        ),
        "events and resources of the launch's stack while it is under change",
        ("custom_resources/own_stack.py", "custom_resources/stack_operation.py"),
    ),
    Assumption(
        "A38",
        (
            "DataZone tags the stacks of environments with AmazonDataZoneDomain and AmazonDataZoneProject, or fills in "
            "their parameters datazoneEnvironmentDomainId and datazoneEnvironmentProjectId"
        ),
        "open",
        (
            "Project setup does not start in project accounts: use the blueprint there, or forward the domain's "
            "events (docs/accounts.md)"
        ),
        "tags and parameters of the stacks of the project's environments",
        ("custom_resources/project_reader.py",),
    ),
    Assumption(
        "A39",
        "A principal of an associated account may enable and grant a custom blueprint for its own account",
        "likely",
        (
            "StudioAccountStack fails with DataZone's reason. Let an administrator of that account enable the "
            "blueprint in the console and grant it, then deploy again"
        ),
        (
            "by hand: deploy StudioAccountStack in an associated account (docs/accounts.md). Does its deployment "
            "succeed? Record it with `--answer A39=yes`, or with `--answer A39=no` if DataZone refused it"
        ),
        ("custom_resources/studio_blueprint_configuration.py",),
    ),
)
BY_ID = {assumption.id: assumption for assumption in ASSUMPTIONS}
