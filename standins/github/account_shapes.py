"""How users and organizations look in GitHub's answers."""

from __future__ import annotations

from standins.github import shapes
from standins.github.messages import Json
from standins.github.model import Account
from standins.github.urls import Urls, node_id

_RULES = {  # of an organization that has just been made; only its members see them
    "private_gists": 0,
    "disk_usage": 0,
    "collaborators": 0,
    "billing_email": None,
    "default_repository_permission": "read",
    "members_can_create_repositories": True,
    "members_allowed_repository_creation_type": "all",
    "members_can_create_public_repositories": True,
    "members_can_create_private_repositories": True,
    "members_can_create_internal_repositories": True,
    "members_can_create_pages": True,
    "members_can_create_public_pages": True,
    "members_can_create_private_pages": True,
    "members_can_fork_private_repositories": False,
    "two_factor_requirement_enabled": False,
    "web_commit_signoff_required": False,
    "deploy_keys_enabled_for_repositories": True,
}
OF_MEMBERS = ("total_private_repos", "owned_private_repos", "plan", *_RULES)


def private_user(urls: Urls, user: Account) -> Json:
    """Return a private-user: the answer to GET /user."""
    return {
        **shapes.account(urls, user.login, user.id, user.type),
        "user_view_type": "private",
        "name": user.name,
        "company": None,
        "blog": "",
        "location": None,
        "email": f"{user.id}+{user.login}@users.noreply.github.com",
        "notification_email": None,
        "hireable": None,
        "bio": None,
        "twitter_username": None,
        "public_repos": 0,
        "public_gists": 0,
        "followers": 0,
        "following": 0,
        "created_at": user.created_at,
        "updated_at": user.created_at,
        "private_gists": 0,
        "total_private_repos": 0,
        "owned_private_repos": 0,
        "disk_usage": 0,
        "collaborators": 0,
        "two_factor_authentication": True,
        "plan": {"name": user.plan, "space": 976562499, "private_repos": 10000, "collaborators": 0},
    }


_OWN = ("private_gists", "total_private_repos", "owned_private_repos", "disk_usage", "collaborators", "plan")


def public_user(private: Json) -> Json:
    """Return a public-user: all that GET /user tells a classic token without the scope user, too."""
    hidden = {*_OWN, "two_factor_authentication"}
    return {**{name: value for name, value in private.items() if name not in hidden}, "user_view_type": "public"}


def organization(urls: Urls, owner: Account, *, public: int, private: int) -> Json:
    """Return an organization-full."""
    api = f"{urls.api}/orgs/{owner.login}"
    return {
        "login": owner.login,
        "id": owner.id,
        "node_id": node_id("O", owner.id),
        "url": api,
        "repos_url": f"{api}/repos",
        "events_url": f"{api}/events",
        "hooks_url": f"{api}/hooks",
        "issues_url": f"{api}/issues",
        "members_url": f"{api}/members{{/member}}",
        "public_members_url": f"{api}/public_members{{/member}}",
        "avatar_url": f"{urls.base}/_standin/avatars/{owner.login}",
        "description": "",
        "name": owner.name,
        "company": "",
        "blog": f"{urls.base}/{owner.login}",
        "location": "",
        "email": f"{owner.id}+{owner.login}@users.noreply.github.com",
        "twitter_username": None,
        "is_verified": False,
        "has_organization_projects": True,
        "has_repository_projects": True,
        "public_repos": public,
        "public_gists": 0,
        "followers": 0,
        "following": 0,
        "html_url": f"{urls.base}/{owner.login}",
        "created_at": owner.created_at,
        "updated_at": owner.created_at,
        "archived_at": None,
        "type": "Organization",
        "total_private_repos": private,
        "owned_private_repos": private,
        **_RULES,
        "plan": {"name": owner.plan, "space": 976562499, "private_repos": 999999, "filled_seats": 1, "seats": 1},
    }
