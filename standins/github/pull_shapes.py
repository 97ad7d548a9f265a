"""How who and what is put on a pull request looks in GitHub's answers: labels, assignees, reviewers."""

from __future__ import annotations

from standins.github import shapes
from standins.github.messages import Json
from standins.github.model import Label, Pull, Repository, Team
from standins.github.store import Store
from standins.github.urls import Urls, node_id


def label(urls: Urls, it: Repository, found: Label) -> Json:
    """Return a label."""
    return {
        "id": found.id,
        "node_id": node_id("LA", found.id),
        "url": f"{urls.repository(it)}/labels/{found.name}",
        "name": found.name,
        "color": found.color,
        "default": False,
        "description": None,
    }


def team(urls: Urls, it: Repository, slug: str, found: Team) -> Json:
    """Return a team-simple of the repository's organization."""
    api = f"{urls.api}/organizations/{it.owner}/team/{found.id}"
    return {
        "id": found.id,
        "node_id": node_id("T", found.id),
        "name": slug,
        "slug": slug,
        "description": "",
        "permission": "pull",
        "url": api,
        "html_url": f"{urls.base}/orgs/{it.owner}/teams/{slug}",
        "members_url": f"{api}/members{{/member}}",
        "repositories_url": f"{api}/repos",
        "type": "organization",
        "parent": None,
    }


def people(urls: Urls, store: Store, it: Repository, pull: Pull) -> Json:
    """Return a pull request's labels, assignees, and those whose review was asked for."""
    owner = store.account(it.owner)
    teams = owner.teams if owner else {}
    assignees = _users(urls, store, pull.assignees)
    return {
        "labels": [{**label(urls, it, it.labels[name.lower()]), "description": ""} for name in pull.labels],
        "assignee": assignees[0] if assignees else None,
        "assignees": assignees,
        "requested_reviewers": _users(urls, store, pull.requested_reviewers),
        "requested_teams": [team(urls, it, slug, teams[slug]) for slug in pull.requested_teams if slug in teams],
    }


def _users(urls: Urls, store: Store, logins: list[str]) -> list[Json]:
    found = (store.account(login) for login in logins)
    return [shapes.account(urls, each.login, each.id, each.type) for each in found if each]
