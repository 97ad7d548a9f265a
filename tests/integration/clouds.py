"""What a story needs of the cloud that its stacks run in: `handlers.py` and `ministack.py` are the two there are."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol

ADOPTABLE = (
    "acme/p1-build"  # the administrator's pattern ([adoption] repositories): stories of other names need consent
)
# What a template may ask of a resource by Fn::GetAtt (docs/interfaces.md).
ATTRIBUTES = {
    "Custom::GitHubRepository": (
        "RepositoryId",
        "FullName",
        "Name",
        "HtmlUrl",
        "CloneUrl",
        "DefaultBranch",
        "Status",
        "NameProof",
    ),
    "Custom::RepositoryTemplate": ("CommitSha", "TemplateVersion", "Status", "PullRequestUrl"),
    "Custom::ActionsConfiguration": ("SecretNames", "VariableNames", "Digest", "Environments"),
}


@dataclass(frozen=True)
class Resource:
    """A custom resource of a template; its properties may hold `attribute(...)` of those before it."""

    type: str
    properties: Mapping[str, Any]


def attribute(resource: str, name: str) -> dict[str, list[str]]:
    """Return the reference to another resource's attribute."""
    return {"Fn::GetAtt": [resource, name]}


class Cloud(Protocol):
    """CloudFormation with our custom resources, the archive bucket and Secrets Manager."""

    def deploy(self, stack: str, template: Mapping[str, Resource]) -> dict[str, dict[str, str]]:
        """Create or update the stack; return each resource's attributes. What fails is rolled back: FinalError."""
        ...

    def delete(self, stack: str) -> None:
        """Delete the stack, if it is there. Raises FinalError when a resource cannot be deleted."""
        ...

    def status(self, stack: str) -> str:
        """Return the status of a stack at rest."""
        ...

    def physical_ids(self, stack: str) -> dict[str, str]:
        """Return what CloudFormation knows the stack's resources by."""
        ...

    def put_archive(self, name: str, data: bytes) -> None:
        """Put an object into the archive bucket."""
        ...

    def use_token(self, token: str, *, warm: bool = False) -> None:
        """Put the GitHub token into its secret. `warm`: functions that have read the one before go on running."""
        ...

    def store_secret(self, name: str, key: str, value: str) -> str:
        """Keep a value in a JSON secret that the functions may read; return the reference to it."""
        ...

    def logging(self) -> AbstractContextManager[list[dict[str, Any]]]:
        """Yield a list that holds, after the block, what the functions logged in it."""
        ...
