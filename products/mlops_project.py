"""The product: what a launch asks for, and the resources that it creates. Its template stands alone."""

from __future__ import annotations

from typing import Any

from aws_cdk import (
    Aws,
    CfnCondition,
    CfnOutput,
    CfnParameter,
    CfnRule,
    CfnRuleAssertion,
    CustomResource,
    Fn,
    Token,
)
from aws_cdk import aws_servicecatalog as servicecatalog
from constructs import Construct

from products.errors import SecretSetByProduct
from products.functions import custom_resource, in_own_account
from products.parameters import Parameter, launch_parameters
from products.repository_secrets import PRODUCTION_ROLE, SECRETS, TRIGGER, VARIABLES
from products.settings import Settings
from products.versions import Version
from products.workflow_role import Repository, WorkflowRoles, execution_role_policy


class MlopsProject(servicecatalog.ProductStack):
    """One version of the product. Everything that this version delivers is pinned as literals."""

    def __init__(self, scope: Construct, construct_id: str, *, settings: Settings, version: Version) -> None:
        """Build the template of `version`."""
        super().__init__(
            scope,
            construct_id,
            analytics_reporting=False,
            description=f"{settings.product.description or settings.product.name} (template {version.version})",
        )
        self._settings = settings
        self._version = version
        self._ask(launch_parameters(settings))
        self._refuse()
        self._project_id = self._first("ProjectId", "SageMakerProjectId")
        self._project = self._studio_project()
        build, deploy = self._build_repository(), self._deploy_repository()
        roles = self._workflow_roles([build, deploy])
        if settings.workflow_role.grant_execution_role_files:  # docs/studio.md, A13
            policy = execution_role_policy(self, settings, self._project, self._ref("ProjectId"), self._ref("DomainId"))
            # Not in SageMaker Studio classic, where the role is everybody's.
            policy.cfn_options.condition = self._given["ProjectId"]
        for repository in (build, deploy):
            self._template(repository)
            self._configuration(repository, roles)
        self._output("ProjectName", self._attribute("ProjectName"), "The project's name")
        self._output("ProfileName", self._attribute("ProfileName"), "The project profile")
        self._output(
            "ModelPackageGroupName",
            self._attribute("ModelPackageGroupName"),
            "The project's model package group",
        )

    # -- what a launch asks for -------------------------------------------------------------------------------

    def _ask(self, groups: dict[str, list[Parameter]]) -> None:
        self._parameters: dict[str, CfnParameter] = {}
        for parameter in (each for group in groups.values() for each in group):
            self._parameters[parameter.name] = CfnParameter(
                self,
                parameter.name,
                description=parameter.description,
                default=parameter.default,
                allowed_pattern=parameter.pattern or None,
                constraint_description=f"{parameter.label} {parameter.constraint}." if parameter.pattern else None,
                allowed_values=list(parameter.values) or None,
            )
        self.template_options.metadata = {
            "AWS::CloudFormation::Interface": {
                "ParameterGroups": [
                    {"Label": {"default": title}, "Parameters": [each.name for each in group]}
                    for title, group in groups.items()
                ],
                "ParameterLabels": {each.name: {"default": each.label} for group in groups.values() for each in group},
            }
        }
        self._given = {
            name: CfnCondition(
                self, f"{name}Given", expression=Fn.condition_not(Fn.condition_equals(self._ref(name), ""))
            )
            for name in (
                "ProjectId",
                "DeployRepositoryName",
                "ProjectName",
                "SageMakerProjectName",
                "SageMakerProjectId",
            )
        }

    def _refuse(self) -> None:
        """Refuse what single parameters cannot tell, before anything runs."""

        def empty(name: str) -> Any:
            return Fn.condition_equals(self._ref(name), "")

        CfnRule(
            self,
            "ProjectIsNamed",
            assertions=[
                CfnRuleAssertion(
                    assert_=Fn.condition_not(Fn.condition_and(empty("ProjectId"), empty("SageMakerProjectId"))),
                    assert_description="Enter the ProjectId of the Studio project.",
                )
            ],
        )
        same = Fn.condition_equals(self._ref("BuildRepositoryName"), self._ref("DeployRepositoryName"))
        CfnRule(
            self,
            "RepositoriesDiffer",
            assertions=[
                CfnRuleAssertion(
                    assert_=Fn.condition_or(empty("BuildRepositoryName"), Fn.condition_not(same)),
                    assert_description="Enter different names for the build and deploy repositories.",
                )
            ],
        )

    def _ref(self, name: str) -> str:
        return self._parameters[name].value_as_string

    def _first(self, name: str, otherwise: str) -> str:
        """Return the parameter `name` where it is given, else `otherwise`."""
        return Token.as_string(Fn.condition_if(self._given[name].logical_id, self._ref(name), self._ref(otherwise)))

    # -- what a launch creates --------------------------------------------------------------------------------

    def _resource(self, logical_id: str, name: str, properties: dict[str, Any]) -> CustomResource:
        if self._settings.product.retain_on_failure:
            properties["RetainOnFailure"] = "true"
        resource = custom_resource(self, logical_id, self._settings, name, properties)
        resource.node.default_child.override_logical_id(logical_id)  # type: ignore[union-attr]
        return resource

    def _studio_project(self) -> CustomResource:
        return self._resource(
            "StudioProject",
            "studio_project",
            {
                "DomainId": self._ref("DomainId"),
                "ProjectId": self._project_id,
                "ProjectName": self._first("ProjectName", "SageMakerProjectName"),
                "ProfileName": self._ref("ProfileName"),
                "ProfileFolder": self._ref("TemplateFolder"),
                "ProfileFolders": dict(self._settings.profile_folders),
                "TemplateArchive": self._version.archive,
                "UserRoleArn": self._ref("UserRoleArn"),
                "ProjectBucket": self._ref("ProjectBucket"),
                "ConnectedRepository": self._ref("ConnectedRepository"),
                # The administrator's: no parameter, so that no launch can add to it.
                "ClassicExecutionRoles": list(self._settings.product.classic_execution_roles),
                "DeployAccount": self._ref("DeployAccount"),
                "GlueDatabase": self._ref("GlueDatabase"),
                "GlueTable": self._ref("GlueTable"),
                "ScopeName": self._ref("ScopeName"),
                "MlflowTrackingUri": self._ref("MlflowTrackingUri"),
                "SageMakerProjectId": self._ref("SageMakerProjectId"),
                "Organization": self._ref("Organization"),
                "BuildRepositoryName": self._ref("BuildRepositoryName"),
                "RepositoryNames": self._settings.repository_pattern,
                "AdoptExisting": self._ref("AdoptExisting"),
            },
        )

    def _attribute(self, name: str) -> str:
        return self._project.get_att_string(name)

    def _build_repository(self) -> Repository:
        """Return the repository that Studio's Git connection made for the project, adopted; else one of our own."""
        name, other = self._attribute("BuildRepositoryName"), self._attribute("BuildAlternativeName")
        return self._repository("Build", name, other, self._attribute("BuildAdoptExisting"))

    def _deploy_repository(self) -> Repository:
        name = self._chosen("DeployRepositoryName", self._attribute("DeployRepositoryName"))
        given, other = self._given["DeployRepositoryName"].logical_id, self._attribute("DeployAlternativeName")
        alternative = Token.as_string(Fn.condition_if(given, "", other))
        return self._repository("Deploy", name, alternative, self._ref("AdoptExisting"))

    def _repository(self, part: str, name: str, alternative: str, adopt: str) -> Repository:
        resource = self._resource(
            f"{part}Repository",
            "github_repository",
            {
                "Organization": self._ref("Organization"),
                "Name": name,
                "AlternativeName": alternative,
                "Part": f"model_{part.lower()}",
                "DomainId": self._ref("DomainId"),
                "ProjectId": self._project_id,
                "ProjectName": self._attribute("ProjectName"),
                "Visibility": self._ref("RepositoryVisibility"),
                "Topics": list(self._settings.product.topics),
                "AdoptExisting": adopt,
                # What Studio may have made for the project: Custom::GitHubRepository compares the dates.
                **(
                    {
                        "ConnectedRepository": self._attribute("GitFullRepositoryId"),
                        "ConnectedSince": self._attribute("ConnectedSince"),
                        "ConnectionProof": self._attribute("ConnectionProof"),
                    }
                    if part == "Build"
                    else {}
                ),
                "DefaultBranch": self._settings.git_config.private_deploy_repo_default_branch,
                # What it loses at the end: the first in any case, the others where it is not archived.
                "SecretReferenceNames": sorted(self._settings.secret_references),
                "SecretNames": sorted(SECRETS[part]),
                "VariableNames": sorted({*VARIABLES[part], *self._settings.variables}),
            },
        )
        self._output(f"{part}RepositoryUrl", resource.get_att_string("HtmlUrl"), "The repository on GitHub")
        self._output(f"{part}RepositoryName", resource.get_att_string("Name"), "The repository's name")
        self._output(f"{part}RepositoryId", resource.get_att_string("RepositoryId"), "The repository's ID on GitHub")
        return Repository(part, resource, adopt)

    def _template(self, repository: Repository) -> None:
        part, folder = repository.part, f"model_{repository.part.lower()}"
        resource = self._resource(
            f"{part}Template",
            "repository_template",
            {
                "RepositoryId": repository.id,
                "Repository": repository.full_name,
                "NameProof": repository.name_proof,
                "DefaultBranch": repository.default_branch,
                "DomainId": self._ref("DomainId"),
                "ProjectId": self._project_id,
                "Part": folder,
                "TemplateArchive": self._version.archive,
                "TemplateVersion": self._version.version,
                "TemplateSource": self._version.described_source,
                **({"TemplateNotes": self._version.notes} if self._version.notes else {}),
                **self._on_pull_requests(),
                "TemplateFolder": Fn.join("/", [self._attribute("ProfileFolder"), folder]),
                "SyncMode": self._ref("SyncMode"),
                "AdoptExisting": repository.adopt,
            },
        )
        repository.template = resource
        self._output(
            f"{part}TemplateVersion",
            resource.get_att_string("TemplateVersion"),
            "The template version",
        )
        self._output(f"{part}Commit", resource.get_att_string("CommitSha"), "The commit of the template version")
        self._output(f"{part}TemplateStatus", resource.get_att_string("Status"), "The status of the delivery")
        self._output(
            f"{part}PullRequestUrl",
            resource.get_att_string("PullRequestUrl"),
            "The template's pull request",
        )

    def _on_pull_requests(self) -> dict[str, list[str]]:
        """Return what the template's pull requests get: the administrator's, so no parameter adds to it."""
        settings = self._settings.pull_requests
        found = {"Labels": settings.labels, "Assignees": settings.assignees, "Reviewers": settings.reviewers}
        return {f"PullRequest{name}": list(values) for name, values in found.items() if values}

    def _configuration(self, repository: Repository, roles: dict[str, str]) -> None:
        values = {
            **self._values(),
            **roles,
            "DEPLOY_ACCOUNT": self._attribute("DeployAccount"),
            TRIGGER: self._ref("TriggerPipelineExecution"),
        }
        secrets = {name: values[name] for name in SECRETS[repository.part]}
        references = self._settings.secrets_read
        if both := sorted(references.keys() & set(SECRETS["Deploy"])):
            raise SecretSetByProduct(name=both[0])
        resource = self._resource(
            f"{repository.part}Configuration",
            "actions_configuration",
            {
                "RepositoryId": repository.id,
                "Repository": repository.full_name,
                "NameProof": repository.name_proof,
                "Secrets": secrets,
                **({"SecretReferences": references} if references else {}),
                "Variables": self._settings.variables | {name: values[name] for name in VARIABLES[repository.part]},
                "RotateSecrets": self._ref("RotateSecrets"),
                "Environments": list(self._settings.workflow_role.environments),
                "Reviewers": {name: list(who) for name, who in self._settings.workflow_role.reviewers.items()},
                "DefaultBranch": repository.default_branch,
                "RepositoryStatus": repository.status,
            },
        )
        self._output(
            f"{repository.part}Environments",
            resource.get_att_string("Environments"),
            "The GitHub environments",
        )
        # Deleted in the reverse order: the configuration, then the archive, which refuses writes.
        resource.node.add_dependency(repository.template)

    def _values(self) -> dict[str, str]:
        """Return where the values of what templates read come from, by name."""
        return {
            "SAGEMAKER_DOMAIN_ARN": self._attribute("DomainArn"),
            "SAGEMAKER_SPACE_ARN": self._attribute("SpaceArn"),
            "SAGEMAKER_PIPELINE_ROLE_ARN": self._attribute("ExecutionRoleArn"),
            "SAGEMAKER_PROJECT_NAME": self._chosen("SageMakerProjectName", self._attribute("ProjectName")),
            "SAGEMAKER_PROJECT_ID": self._chosen("SageMakerProjectId", self._project_id),
            "AMAZON_DATAZONE_DOMAIN": self._ref("DomainId"),
            "AMAZON_DATAZONE_SCOPENAME": self._attribute("ScopeName"),
            "AMAZON_DATAZONE_PROJECT": self._project_id,
            "REGION": Aws.REGION,
            "ARTIFACT_BUCKET": self._attribute("ArtifactBucket"),
            "MODEL_PACKAGE_GROUP_NAME": self._attribute("ModelPackageGroupName"),
            "GLUE_DATABASE": self._attribute("GlueDatabase"),
            "GLUE_TABLE": self._ref("GlueTable"),
            "ATHENA_WORKGROUP": self._attribute("AthenaWorkgroup"),
            "MLFLOW_TRACKING_URI": self._attribute("MlflowTrackingUri"),
        }

    def _chosen(self, parameter: str, otherwise: str) -> str:
        return Token.as_string(Fn.condition_if(self._given[parameter].logical_id, self._ref(parameter), otherwise))

    def _workflow_roles(self, repositories: list[Repository]) -> dict[str, str]:
        """Return the ARNs of the roles that workflows assume, by the secret that they are in."""
        shared = in_own_account(self._settings, self._settings.git_config.oidc_role_github_workflow)
        if shared:
            return dict.fromkeys(("OIDC_ROLE_GITHUB_WORKFLOW", PRODUCTION_ROLE), shared)
        roles = WorkflowRoles(
            self,
            self._settings,
            self._project,
            self._project_id,
            domain_id=self._ref("DomainId"),
            repositories=repositories,
        )
        self._output("WorkflowRoleArn", roles.workflow.role_arn, "The role that the repositories' workflows assume")
        if roles.production:
            self._output("ProductionRoleArn", roles.production.role_arn, "The role that deploys to production")
        production = roles.production or roles.workflow
        return {"OIDC_ROLE_GITHUB_WORKFLOW": roles.workflow.role_arn, PRODUCTION_ROLE: production.role_arn}

    def _output(self, name: str, value: str, description: str) -> None:
        # Outputs have names of their own, which may be a parameter's.
        CfnOutput(self, f"Output{name}", value=value, description=description).override_logical_id(name)
