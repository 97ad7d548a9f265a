"""What functions call of DataZone, by purpose."""

from __future__ import annotations

# DataZone itself decides by domain and project: the last four are for its members, so extras.
READ_PROJECTS = (
    "datazone:GetProject",
    "datazone:GetProjectProfile",
    "datazone:ListEnvironments",
    "datazone:GetEnvironment",
    "datazone:ListConnections",
    "datazone:GetConnection",
)
CONFIGURE = (
    "datazone:GetEnvironmentBlueprintConfiguration",
    "datazone:PutEnvironmentBlueprintConfiguration",
    "datazone:DeleteEnvironmentBlueprintConfiguration",
    "datazone:ListProjects",
    "datazone:ListEnvironments",
    "datazone:ListPolicyGrants",
    "datazone:AddPolicyGrant",
    "datazone:RemovePolicyGrant",
)
