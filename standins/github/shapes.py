"""How GitHub writes its things in JSON (held to the OpenAPI description in tests)."""

from __future__ import annotations

import base64

from standins.github.bare import Bare, CommitInfo, Entry, Person
from standins.github.messages import Json
from standins.github.model import Account, Comment, Repository, Role
from standins.github.urls import Urls, node_id, quoted

_TEMPLATED = {
    "archive_url": "/{archive_format}{/ref}",
    "assignees_url": "/assignees{/user}",
    "blobs_url": "/git/blobs{/sha}",
    "branches_url": "/branches{/branch}",
    "collaborators_url": "/collaborators{/collaborator}",
    "comments_url": "/comments{/number}",
    "commits_url": "/commits{/sha}",
    "compare_url": "/compare/{base}...{head}",
    "contents_url": "/contents/{+path}",
    "contributors_url": "/contributors",
    "deployments_url": "/deployments",
    "downloads_url": "/downloads",
    "events_url": "/events",
    "forks_url": "/forks",
    "git_commits_url": "/git/commits{/sha}",
    "git_refs_url": "/git/refs{/sha}",
    "git_tags_url": "/git/tags{/sha}",
    "hooks_url": "/hooks",
    "issue_comment_url": "/issues/comments{/number}",
    "issue_events_url": "/issues/events{/number}",
    "issues_url": "/issues{/number}",
    "keys_url": "/keys{/key_id}",
    "labels_url": "/labels{/name}",
    "languages_url": "/languages",
    "merges_url": "/merges",
    "milestones_url": "/milestones{/number}",
    "notifications_url": "/notifications{?since,all,participating}",
    "pulls_url": "/pulls{/number}",
    "releases_url": "/releases{/id}",
    "stargazers_url": "/stargazers",
    "statuses_url": "/statuses/{sha}",
    "subscribers_url": "/subscribers",
    "subscription_url": "/subscription",
    "tags_url": "/tags",
    "teams_url": "/teams",
    "trees_url": "/git/trees{/sha}",
}
_NEVER: Json = {  # what repositories here do not have
    "fork": False,
    "size": 0,
    "stargazers_count": 0,
    "watchers_count": 0,
    "language": None,
    "has_downloads": True,
    "has_pages": False,
    "has_discussions": False,
    "forks_count": 0,
    "mirror_url": None,
    "disabled": False,
    "license": None,
    "forks": 0,
    "watchers": 0,
    "temp_clone_token": "",
    "use_squash_pr_title_as_default": False,
    "squash_merge_commit_message": "COMMIT_MESSAGES",
    "squash_merge_commit_title": "COMMIT_OR_PR_TITLE",
    "merge_commit_message": "PR_TITLE",
    "merge_commit_title": "MERGE_MESSAGE",
    "network_count": 0,
    "subscribers_count": 0,
    "custom_properties": {},
}
_AS_THEY_ARE = (  # members that the record has under the same name
    *("id", "name", "full_name", "description", "homepage", "archived", "topics", "visibility", "default_branch"),
    *("created_at", "updated_at", "pushed_at", "has_issues", "has_projects", "has_wiki", "is_template"),
    *("has_pull_requests", "pull_request_creation_policy"),
    *("allow_forking", "allow_squash_merge", "allow_merge_commit", "allow_rebase_merge", "allow_auto_merge"),
    *("allow_update_branch", "delete_branch_on_merge", "web_commit_signoff_required"),
)


def account(urls: Urls, login: str, number: int, kind: str = "User") -> Json:
    """Return a simple-user."""
    api = f"{urls.api}/users/{login}"
    return {
        "login": login,
        "id": number,
        "node_id": node_id("O" if kind == "Organization" else "U", number),
        "avatar_url": f"{urls.base}/_standin/avatars/{login}",
        "gravatar_id": "",
        "url": api,
        "html_url": f"{urls.base}/{login}",
        "followers_url": f"{api}/followers",
        "following_url": f"{api}/following{{/other_user}}",
        "gists_url": f"{api}/gists{{/gist_id}}",
        "starred_url": f"{api}/starred{{/owner}}{{/repo}}",
        "subscriptions_url": f"{api}/subscriptions",
        "organizations_url": f"{api}/orgs",
        "repos_url": f"{api}/repos",
        "events_url": f"{api}/events{{/privacy}}",
        "received_events_url": f"{api}/received_events",
        "type": kind,
        "user_view_type": "public",
        "site_admin": False,
    }


def permissions(role: Role) -> dict[str, bool]:
    """Return what a role may do in a repository."""
    rank = ("none", "read", "write", "admin").index(role)
    return {"admin": rank > 2, "maintain": rank > 2, "push": rank > 1, "triage": rank > 1, "pull": rank > 0}


_MERGING = (
    "use_squash_pr_title_as_default",
    "squash_merge_commit_message",
    "squash_merge_commit_title",
    "merge_commit_message",
    "merge_commit_title",
    "allow_squash_merge",
    "allow_merge_commit",
    "allow_rebase_merge",
    "allow_auto_merge",
    "allow_update_branch",
)
_ONLY_FULL = ("network_count", "subscribers_count", "organization", "custom_properties")


def repository(urls: Urls, it: Repository, owner: Account, role: Role) -> Json:
    """Return a `repository`, as lists and pull requests have it."""
    whole = full_repository(urls, it, owner, role)
    return {name: value for name, value in whole.items() if name not in _ONLY_FULL}


def minimal_repository(urls: Urls, it: Repository, owner: Account, role: Role) -> Json:
    """Return a minimal-repository."""
    whole = repository(urls, it, owner, role)
    return {name: value for name, value in whole.items() if name not in _MERGING}


def full_repository(urls: Urls, it: Repository, owner: Account, role: Role) -> Json:
    """Return a full-repository."""
    api, html = urls.repository(it), urls.html(it)
    simple = account(urls, owner.login, owner.id, owner.type)
    opened = sum(pull.state == "open" for pull in it.pulls)
    data: Json = {
        **_NEVER,
        **{name: getattr(it, name) for name in _AS_THEY_ARE},
        **{name: api + rest for name, rest in _TEMPLATED.items()},
        "node_id": node_id("R", it.id),
        "private": it.visibility != "public",
        "owner": simple,
        "url": api,
        "html_url": html,
        "svn_url": html,
        "git_url": urls.clone(it).replace("http://", "git://", 1),
        "ssh_url": f"git@{urls.base.partition('//')[2].partition(':')[0]}:{it.full_name}.git",
        "clone_url": urls.clone(it),
        "open_issues": opened,
        "open_issues_count": opened,
        "permissions": permissions(role),
    }
    if owner.type == "Organization":
        data["organization"] = simple
    return data


def _person(person: Person) -> Json:
    return {"name": person.name, "email": person.email, "date": person.date}


def _unsigned() -> Json:
    return {"verified": False, "reason": "unsigned", "signature": None, "payload": None, "verified_at": None}


def _parents(urls: Urls, it: Repository, commit: CommitInfo, place: str) -> list[Json]:
    return [
        {
            "sha": sha,
            "url": f"{urls.repository(it)}/{place}/{sha}",
            "html_url": f"{urls.html(it)}/commit/{sha}",
        }
        for sha in commit.parents
    ]


def commit(urls: Urls, it: Repository, info: CommitInfo) -> Json:
    """Return a commit of /repos/.../commits."""
    api = urls.repository(it)
    return {
        "sha": info.sha,
        "node_id": node_id("C", info.sha),
        "commit": {
            "author": _person(info.author),
            "committer": _person(info.committer),
            "message": info.message,
            "tree": {"sha": info.tree, "url": f"{api}/git/trees/{info.tree}"},
            "url": f"{api}/git/commits/{info.sha}",
            "comment_count": 0,
            "verification": _unsigned(),
        },
        "url": f"{api}/commits/{info.sha}",
        "html_url": f"{urls.html(it)}/commit/{info.sha}",
        "comments_url": f"{api}/commits/{info.sha}/comments",
        "author": None,
        "committer": None,
        "parents": _parents(urls, it, info, "commits"),
    }


def git_commit(urls: Urls, it: Repository, info: CommitInfo) -> Json:
    """Return a commit of /repos/.../git/commits."""
    api = urls.repository(it)
    return {
        "sha": info.sha,
        "node_id": node_id("C", info.sha),
        "url": f"{api}/git/commits/{info.sha}",
        "html_url": f"{urls.html(it)}/commit/{info.sha}",
        "author": _person(info.author),
        "committer": _person(info.committer),
        "tree": {"sha": info.tree, "url": f"{api}/git/trees/{info.tree}"},
        "message": info.message,
        "parents": _parents(urls, it, info, "git/commits"),
        "verification": _unsigned(),
    }


def content(urls: Urls, it: Repository, entry: Entry, ref: str) -> Json:
    """Return a file or folder of /contents, without its content."""
    kinds = {"tree": "dir", "commit": "submodule"}
    kind = "symlink" if entry.mode == "120000" else kinds.get(entry.type, "file")
    path, api = quoted(entry.path), urls.repository(it)
    git_kind, page = ("trees", "tree") if kind == "dir" else ("blobs", "blob")
    links = {
        "self": f"{api}/contents/{path}?ref={quoted(ref)}",
        "git": f"{api}/git/{git_kind}/{entry.sha}",
        "html": f"{urls.html(it)}/{page}/{quoted(ref)}/{path}",
    }
    return {
        "name": entry.path.rpartition("/")[2],
        "path": entry.path,
        "sha": entry.sha,
        "size": entry.size or 0,
        "url": links["self"],
        "html_url": links["html"],
        "git_url": links["git"],
        "download_url": None if kind in ("dir", "submodule") else f"{urls.html(it)}/raw/{quoted(ref)}/{path}",
        "type": kind,
        "_links": links,
    }


def encoded(data: bytes) -> str:
    """Return base64 in lines, as GitHub sends contents."""
    return base64.encodebytes(data).decode()


def reference(urls: Urls, it: Repository, bare: Bare, ref: str, sha: str) -> Json:
    """Return a git-ref."""
    kind = bare.text("cat-file", "-t", sha)
    api = urls.repository(it)
    return {
        "ref": ref,
        "node_id": node_id("REF", f"{it.id}:{ref}"),
        "url": f"{api}/git/{quoted(ref)}",
        "object": {"sha": sha, "type": kind, "url": f"{api}/git/{kind}s/{sha}"},
    }


def comment(urls: Urls, it: Repository, number: int, said: Comment) -> Json:
    """Return an issue-comment."""
    api = urls.repository(it)
    return {
        "id": said.id,
        "node_id": node_id("IC", said.id),
        "url": f"{api}/issues/comments/{said.id}",
        "html_url": f"{urls.html(it)}/pull/{number}#issuecomment-{said.id}",
        "issue_url": f"{api}/issues/{number}",
        "body": said.body,
        "user": account(urls, said.login, said.user_id),
        "created_at": said.created_at,
        "updated_at": said.updated_at,
        "author_association": "MEMBER",
        "reactions": _reactions(f"{api}/issues/comments/{said.id}/reactions"),
        "performed_via_github_app": None,
    }


def _reactions(url: str) -> Json:
    """Return the reactions to something: nobody reacts here."""
    kinds = ("+1", "-1", "laugh", "hooray", "confused", "heart", "rocket", "eyes")
    return {"url": url, "total_count": 0, **dict.fromkeys(kinds, 0)}
