"""project.json at a project's prefix: what its launch knows, for people who work in Studio's spaces. Pure.

The names are those of the Actions secrets and variables, which nobody can read back. Nothing in it is secret.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

NAME = "project.json"
NOTE = "Written by the project's launch, and again by its updates. Changes are overwritten."
_ATTRIBUTES = {
    "SAGEMAKER_DOMAIN_ARN": "DomainArn",
    "SAGEMAKER_SPACE_ARN": "SpaceArn",
    "SAGEMAKER_PIPELINE_ROLE_ARN": "ExecutionRoleArn",
    "SAGEMAKER_PROJECT_NAME": "ProjectName",
    "AMAZON_DATAZONE_SCOPENAME": "ScopeName",
    "ARTIFACT_BUCKET": "ArtifactBucket",
    "MODEL_PACKAGE_GROUP_NAME": "ModelPackageGroupName",
    "GLUE_DATABASE": "GlueDatabase",
    "ATHENA_WORKGROUP": "AthenaWorkgroup",
    "MLFLOW_TRACKING_URI": "MlflowTrackingUri",
    "DEPLOY_ACCOUNT": "DeployAccount",
}


def content(attributes: Mapping[str, str], *, domain_id: str, project_id: str, region: str, glue_table: str) -> bytes:
    """Return the file: a JSON object of texts, in a fixed order. What is not known is left out."""
    facts = {
        "REGION": region,
        "AMAZON_DATAZONE_DOMAIN": domain_id,
        "AMAZON_DATAZONE_PROJECT": project_id,
        "SAGEMAKER_PROJECT_ID": project_id,
        "GLUE_TABLE": glue_table,
        **{name: attributes.get(attribute, "") for name, attribute in _ATTRIBUTES.items()},
    }
    known = {name: facts[name] for name in sorted(facts) if facts[name]}
    return (json.dumps({"NOTE": NOTE, **known}, indent=1) + "\n").encode()


def is_ours(found: bytes) -> bool:
    """Tell whether a file at that place is one that a launch wrote: somebody else's stays as it is."""
    try:
        document = json.loads(found)
    except ValueError:
        return False
    return isinstance(document, dict) and document.get("NOTE") == NOTE


def key(prefix: str, *, domain_id: str, project_id: str) -> str:
    """Return the file's key, "" where the prefix is not one of this project's own."""
    own = f"/{domain_id}/{project_id}/" in f"/{prefix}/"
    return f"{prefix}/{NAME}" if own else ""
