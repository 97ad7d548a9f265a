"""Where the repository of the project's Git connection is: told by the tooling environment and by CodeConnections."""

from __future__ import annotations

from custom_resources.clients.aws import CODECONNECTIONS, DATAZONE
from operations.prove.facts import Connected
from operations.prove.looking import Proof

_CONNECTION, _REPOSITORY = "gitConnectionArn", "gitFullRepositoryId"


def connected(proof: Proof) -> None:
    """See the connected repository of the project, if it has one, and on which kind of server it is."""
    with proof.aws.about("A12"):
        for item in proof.aws.pages(DATAZONE, "list_environments", "items", **proof.of_project()):
            found = proof.aws.ask(
                DATAZONE, "get_environment", domainIdentifier=proof.state.domain, identifier=item["id"]
            )
            told = {each["name"]: each["value"] for each in found.get("provisionedResources", [])}
            if told.get(_CONNECTION) and told.get(_REPOSITORY):
                answer = proof.aws.ask(CODECONNECTIONS, "get_connection", ConnectionArn=told[_CONNECTION])
                proof.facts.connected = Connected(
                    repository=told[_REPOSITORY],
                    provider=answer["Connection"]["ProviderType"],
                    organization=proof.settings.studio_organization,
                    on_github_com=proof.settings.github.server_url == "https://github.com",
                )
                return
