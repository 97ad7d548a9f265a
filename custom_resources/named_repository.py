"""A repository's name, tied to its id (docs/decisions/0085).

A creation acts by the name, which saves a request. Any principal that can invoke the function can make up the event,
so the name has a proof: Custom::GitHubRepository makes it of what GitHub told, and nobody else can.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from custom_resources.errors import NotOfItsStack, RepositoryGone
from custom_resources.sight import require_missing

if TYPE_CHECKING:
    from custom_resources.clients.protocols import Clients
    from custom_resources.reconciler import Request
    from custom_resources.seal import Seal


class Named(Protocol):
    """Properties that name a repository."""

    @property
    def repository_id(self) -> int: ...
    @property
    def repository(self) -> str: ...
    @property
    def name_proof(self) -> str: ...


def name_proof(seal: Seal, full_name: str, stack_id: str) -> str:
    """Return the proof that the repository whose seal it is has a name, for the resources of one stack.

    Another stack's proof would be of a name that the repository may have lost since.
    """
    return seal.of("name", full_name.casefold(), stack_id)


def name_at_creation(request: Request[Any], clients: Clients) -> str:
    """Return the name of the repository that a creation is for. No request to GitHub where the name is proven.

    GitHub is asked for the name of the repository with that id where nothing proves it (templates published before
    there were proofs), and where an update creates: what it is given was true when the repository was last looked at,
    and somebody else may have the name since (docs/decisions/0093).
    Raises NotOfItsStack, RepositoryGone, RepositoryUnseen, FinalError, RetryLater.
    """
    told: Named = request.properties
    if told.name_proof:
        seal = clients.seals.of_repository(told.repository_id)
        if not seal.proves(told.name_proof, "name", told.repository.casefold(), request.stack_id):
            why = f"{told.repository} is not the name of the repository with the ID {told.repository_id}"
            raise NotOfItsStack(stack=f"{request.stack_id}//".split("/")[1] or request.stack_id, why=why)
        if not request.operation.startswith("UPDATE_"):
            return told.repository
    found = clients.github.repository_by_id(told.repository_id, told.repository)
    if found is None:
        require_missing(request, told.repository, told.repository_id, clients.github)
        raise RepositoryGone(repository=told.repository)
    return found.full_name
