"""A published template as a commit, on this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from custom_resources.delivery.lineage import message
from custom_resources.delivery.release_notes import cleaned
from custom_resources.delivery.state import wanted

if TYPE_CHECKING:
    from custom_resources.clients.git import BareRepository
    from custom_resources.clients.protocols import Clients
    from custom_resources.delivery.lineage import Delivery
    from custom_resources.delivery.state import RepositoryTemplateProperties
    from custom_resources.reconciler import Request
    from custom_resources.seal import Seal


def wanted_commit(
    git: BareRepository, request: Request[RepositoryTemplateProperties], clients: Clients, parent: str = ""
) -> str:
    """Commit what the request asks for onto `parent`; return the commit's name. Raises InvalidTemplate."""
    properties, seal = request.properties, clients.seals.of_repository(request.properties.repository_id)
    source = f"Source: {properties.template_source}" if properties.template_source else ""
    body = "\n\n".join(filter(None, (cleaned(properties.template_notes), source)))
    return commit_of(git, wanted(request), clients, seal, body=body, parent=parent)


def commit_of(
    git: BareRepository, delivery: Delivery, clients: Clients, seal: Seal, *, body: str = "", parent: str = ""
) -> str:
    """Commit what was published for a delivery; return the commit's name.

    Raises InvalidTemplate when the archive has nothing in that folder or is damaged, ArchiveMissing when it is gone.
    """
    subject = f"Template {delivery.folder} {delivery.version}"
    with clients.archives.open(delivery.archive) as archive:
        return git.import_commit(archive.stream(delivery.folder), message(subject, delivery, seal, body), parent)
