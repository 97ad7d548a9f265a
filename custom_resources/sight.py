"""A repository that is known of, and that GitHub does not show: not yet, not any more, or not to this token.

"Not found" is never proof of absence by itself (docs/decisions/0079).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from custom_resources.errors import (
    NotPermitted,
    NotSeenYet,
    RepositoryGone,
    RepositoryLeft,
    RepositoryMayBeLeft,
    RepositoryUnseen,
    TokenRejected,
)
from custom_resources.telemetry import logger

if TYPE_CHECKING:
    from custom_resources.clients.protocols import GitHub
    from custom_resources.errors import FinalError
    from custom_resources.reconciler import Request

WAIT_SECONDS = 5  # before what is not seen yet is looked for again


def require_missing(request: Request[Any], full_name: str, repository_id: int, github: GitHub) -> None:
    """Accept that a repository was not found: for a Delete that it is proven to be gone. `repository_id` 0 = unknown.

    Raises NotSeenYet while it may have been created a moment ago, RepositoryMayBeLeft for a Delete without that proof,
    RepositoryGone and RepositoryUnseen for what cannot go on without it, and what the client raises.
    """
    if request.unsettled:
        raise NotSeenYet(WAIT_SECONDS, why=f"the repository {full_name} is not visible")
    # A launch that goes back has had its repository minutes ago: a token that sees none of it is the likelier cause.
    absent = not (repository_id and request.launch_goes_back) and github.is_absent(full_name, repository_id)
    if request.type != "Delete":
        raise (
            RepositoryGone(repository=full_name) if absent else RepositoryUnseen(repository=full_name, id=repository_id)
        )
    if not absent:
        raise RepositoryMayBeLeft(repository=_named(full_name, repository_id))
    logger.warning("the owner has no such repository", repository=full_name, id=repository_id)


def left(full_name: str, repository_id: int, failed: FinalError) -> FinalError:
    """Return what a Delete says that could not archive its repository for want of a right or of a token."""
    if isinstance(failed, RepositoryMayBeLeft) or not isinstance(failed, NotPermitted | TokenRejected):
        return failed
    return RepositoryLeft(repository=_named(full_name, repository_id), why=failed.why, advice=failed.advice)


def _named(full_name: str, repository_id: int) -> str:
    return f"{full_name} (ID {repository_id})" if repository_id else full_name
